//! What a gateway leaves in its folder: by it the next process there knows that this one is gone, and needn't wait for its lease to end.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

/// A locked file with the number of the gateway that has the folder, and a secret that only it and the database know: another
/// database may have a gateway of the same number.
pub(super) struct Mark(File);

/// A gateway as its mark names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marked {
    /// Its number.
    pub id: i64,
    /// What the database keeps beside it.
    pub secret: String,
}

impl Mark {
    /// Takes the folder; `None` where another process has it, or where nothing can be written, which only costs a wait.
    pub fn take(file: &Path) -> Option<Self> {
        let opened = File::options().create(true).truncate(false).read(true).write(true).open(file);
        let opened =
            opened.map_err(|error| tracing::debug!(%error, file = %file.display(), "no mark can be left here"));
        let opened = opened.ok()?;
        opened.try_lock().is_ok().then_some(Self(opened))
    }

    /// Whoever had the folder before: gone, since the lock is ours.
    pub fn before(&mut self) -> Option<Marked> {
        let mut text = String::new();
        self.0.seek(SeekFrom::Start(0)).and_then(|_| self.0.read_to_string(&mut text)).ok()?;
        let (id, secret) = text.trim().split_once(' ')?;
        Some(Marked { id: id.parse().ok()?, secret: secret.to_owned() })
    }

    /// From now on the folder is this gateway's.
    pub fn write(&mut self, marked: &Marked) {
        let text = format!("{} {}\n", marked.id, marked.secret);
        let written = self.0.set_len(0).and_then(|()| self.0.seek(SeekFrom::Start(0)));
        if let Err(error) = written.and_then(|_| self.0.write_all(text.as_bytes())) {
            tracing::debug!(%error, "the gateway's mark could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_has_one_process_and_tells_the_next_one_who_was_there() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("mark");
        let mut first = Mark::take(&file).expect("free");
        assert_eq!(first.before(), None);
        for id in [1_234_567, 8] {
            first.write(&Marked { id, secret: "s".to_owned() });
        }
        assert!(Mark::take(&file).is_none(), "it is taken");
        drop(first);
        assert_eq!(
            Mark::take(&file).and_then(|mut next| next.before()),
            Some(Marked { id: 8, secret: "s".to_owned() })
        );
        std::fs::write(&file, "no mark").expect("written");
        assert_eq!(Mark::take(&file).and_then(|mut next| next.before()), None);
        assert!(Mark::take(&folder.path().join("nowhere/mark")).is_none());
    }
}
