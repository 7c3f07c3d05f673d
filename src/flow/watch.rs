//! The watch over the rules: the kernel tells of changes, and nobody polls.

use std::path::Path;
use std::sync::Arc;

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

use super::grounds::{Grounds, Looks};

/// How often the grounds may change while the watch is set up, before what there is must do.
const ROUNDS: usize = 8;

/// A watch that is held as long as this is.
pub struct Watch {
    _watcher: Option<RecommendedWatcher>,
    /// How the files looked when the watch began.
    pub looks: Looks,
}

impl Watch {
    /// Watches a rule path; `changed` hears of whatever may have changed the rules. A watch is made anew for each look at the
    /// files and before it, so that nothing falls between the two, and a directory that was replaced is never watched as it was.
    pub fn over(path: &Path, changed: &Arc<Notify>) -> Self {
        let mut grounds = Arc::new(Grounds::of(path));
        for _ in 0..ROUNDS {
            let watcher = match watcher(&grounds, changed) {
                Ok(watcher) => Some(watcher),
                Err(error) => {
                    tracing::warn!(%error, "the system watches no more directories; the rules are looked at now and then");
                    None
                }
            };
            // What came to be in a new directory before it was watched is seen here, or told by the watch on its parent.
            let now = Grounds::of(path);
            if now.places == grounds.places {
                return Self { _watcher: watcher, looks: now.looks };
            }
            grounds = Arc::new(now);
        }
        changed.notify_one();
        Self { _watcher: watcher(&grounds, changed).ok(), looks: grounds.looks }
    }
}

fn watcher(grounds: &Arc<Grounds>, changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let (known, changed) = (Arc::clone(grounds), Arc::clone(changed));
    let mut watcher = notify::recommended_watcher(move |heard: notify::Result<Event>| {
        // What went wrong with hearing may have hidden a change.
        if heard.map_or(true, |event| counts(&event, &known)) {
            changed.notify_one();
        }
    })?;
    for place in grounds.places.keys() {
        match watcher.watch(place, RecursiveMode::NonRecursive) {
            // One that has gone meanwhile is missed at the next look at the grounds.
            Err(error) if !matches!(error.kind, notify::ErrorKind::PathNotFound) => return Err(error),
            _ => {}
        }
    }
    Ok(watcher)
}

/// Whether this may have changed the rules. Reading them is told too, and must not count: it would lead to the next reading.
fn counts(event: &Event, grounds: &Grounds) -> bool {
    let changes = match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    };
    event.need_rescan() || changes && event.paths.iter().any(|path| grounds.concern(path))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn heard(changed: &Notify) -> bool {
        tokio::time::timeout(Duration::from_millis(500), changed.notified()).await.is_ok()
    }

    #[tokio::test]
    async fn reading_is_not_heard_and_writing_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.yaml");
        std::fs::write(&file, "rules: []\n").expect("written");
        let changed = Arc::new(Notify::new());
        let _watch = Watch::over(folder.path(), &changed);
        for _ in 0..3 {
            std::fs::read_dir(folder.path()).expect("listed").for_each(drop);
            std::fs::read(&file).expect("read");
        }
        assert!(!heard(&changed).await);
        std::fs::write(&file, "rules: [] \n").expect("written");
        assert!(heard(&changed).await);
    }

    #[tokio::test]
    async fn a_directory_that_was_replaced_is_watched_as_it_is_now() {
        let folder = tempfile::tempdir().expect("a folder");
        let rules = folder.path().join("rules");
        std::fs::create_dir(&rules).expect("a folder");
        let changed = Arc::new(Notify::new());
        let watch = Watch::over(&rules, &changed);
        std::fs::rename(&rules, folder.path().join("old")).expect("renamed");
        assert!(heard(&changed).await);
        std::fs::create_dir(&rules).expect("a folder");
        let _watch = (Watch::over(&rules, &changed), drop(watch));
        while heard(&changed).await {}
        std::fs::write(folder.path().join("old/a.yaml"), "").expect("written");
        assert!(!heard(&changed).await);
        std::fs::write(rules.join("a.yaml"), "").expect("written");
        assert!(heard(&changed).await);
    }
}
