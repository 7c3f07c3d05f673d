//! Reload: a changed rule set replaces the one in force whole, or leaves it and says why.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout_at};

use super::gateway::{Gateway, Refused};
use super::grounds::{Grounds, Looks};
use super::ruleset::{NotOpened, Opened, Opener, RuleSet};
use super::watch::Watch;
use crate::clock;
use crate::domain::source::SourceConfig;
use crate::rules::{self, Finding, RuleFile};

/// A change is done when nothing more has come for so long.
const QUIET: Duration = Duration::from_millis(50);
/// And so long where a hook would go: a checkout takes files away before it writes them, on a busy machine more than [`QUIET`]
/// before. Who called meanwhile would be told that there is no such source.
const LONG_QUIET: Duration = Duration::from_millis(500);
/// While changes go on, what is there by then is read.
const AT_THE_LATEST: Duration = Duration::from_secs(1);
/// Network file systems tell of nothing: sizes and times are looked at this often.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Keeps the rules in force as they are on disk.
pub struct Reloader {
    gateway: Arc<Gateway>,
    opener: Arc<Opener>,
    path: PathBuf,
    changed: Arc<Notify>,
    asked: Arc<Notify>,
    watch: Watch,
    /// The names of the files of the set in force, in one number.
    names: u64,
}

/// What is on disk.
enum OnDisk {
    /// The set in force.
    Same,
    /// Another one that can be, its warnings and its files.
    Good(Box<Opened>, Vec<Finding>, Vec<RuleFile>),
    /// Another one that can't, and its findings as they are drawn.
    Bad(Refused, String),
}

/// Whether a look has led to something.
#[derive(PartialEq, Eq)]
enum Turn {
    Done,
    /// Maybe the files are only half there.
    Early,
}

/// One look at the files.
struct Looked {
    watch: Watch,
    on_disk: OnDisk,
}

impl Reloader {
    /// For the rules at `path`, opened by `opener` like those at start, before which their files looked like `looks`
    /// ([`Grounds`]). From here on they are watched.
    pub fn new(gateway: Arc<Gateway>, opener: Arc<Opener>, path: PathBuf, looks: Looks) -> Self {
        let changed = Arc::new(Notify::new());
        let watch = Watch::over(&path, &changed);
        if watch.looks != looks {
            // They changed between the start and the watch.
            changed.notify_one();
        }
        Self { gateway, opener, path, changed, asked: Arc::default(), watch, names: looks.names }
    }

    /// Whoever notifies this asks for a look now.
    pub fn asked(&self) -> Arc<Notify> {
        Arc::clone(&self.asked)
    }

    /// Watches and reloads for ever. Dropped in the middle, it leaves one whole set in force.
    pub async fn run(mut self) {
        loop {
            tokio::select! {
                () = self.changed.notified() => self.quiet(QUIET).await,
                () = self.asked.notified() => tracing::info!("asked to look at the rules"),
                () = sleep(LOOK_EVERY) => if !self.is_worth_a_turn().await { continue },
            }
            if self.turn(false).await == Turn::Early {
                self.quiet(LONG_QUIET).await;
                let _ = self.turn(true).await;
            }
        }
    }

    /// Waits until nothing more has come for so long, at most [`AT_THE_LATEST`].
    async fn quiet(&self, quiet: Duration) {
        let latest = Instant::now() + AT_THE_LATEST;
        let more = || timeout_at(latest.min(Instant::now() + quiet), self.changed.notified());
        while Instant::now() < latest && more().await.is_ok() {}
    }

    /// Whether the files look changed, or what was wrong may have been mended elsewhere: a secret's file, a full disk.
    async fn is_worth_a_turn(&self) -> bool {
        let path = self.path.clone();
        let looks = tokio::task::spawn_blocking(move || Grounds::of(&path).looks).await.ok();
        looks != Some(self.watch.looks) || self.gateway.refused().is_some_and(|refused| refused.findings.is_empty())
    }

    /// One look at the files, and what follows from it; a set that lacks a hook is taken only if it was `waited` for.
    async fn turn(&mut self, waited: bool) -> Turn {
        let began = Instant::now();
        let (path, opener, changed) = (self.path.clone(), Arc::clone(&self.opener), Arc::clone(&self.changed));
        let (gateway, names) = (Arc::clone(&self.gateway), self.names);
        // Apart from the deliveries, which would wait for it.
        let looked = tokio::task::spawn_blocking(move || {
            let watch = Watch::over(&path, &changed);
            // A file of another name may make the same texts another set.
            let in_force = (watch.looks.names == names).then(|| gateway.rules());
            let on_disk = read(&path).and_then(|files| look(files, in_force.as_deref(), &gateway, &opener));
            Looked { watch, on_disk: on_disk.unwrap_or_else(|refused| OnDisk::Bad(refused, String::new())) }
        });
        let Looked { watch, on_disk } = match looked.await {
            Ok(looked) => looked,
            Err(error) => {
                self.refuse(refused(None, format!("the rules could not be looked at: {error}")), "");
                return Turn::Done;
            }
        };
        self.watch = watch;
        match on_disk {
            OnDisk::Same => {
                if self.gateway.agree() {
                    tracing::info!("the rules on disk are those in force again");
                }
            }
            OnDisk::Good(opened, warnings, files) => {
                let (hash, rules) = (opened.catalog().hash().to_owned(), opened.catalog().rule_count());
                let before = self.gateway.rules();
                let stays = |source: &SourceConfig| opened.catalog().source(source.name.as_str()).is_some();
                if !waited && !before.catalog.sources().all(stays) {
                    return Turn::Early;
                }
                if let Err(error) = self.gateway.replace(*opened, clock::now()).await {
                    self.refuse(refused(Some(hash), error.to_string()), "");
                    return Turn::Done;
                }
                self.names = self.watch.looks.names;
                tracing::info!(
                    rule_set = hash,
                    rules,
                    rule_set_before = before.catalog.hash(),
                    rules_before = before.catalog.rule_count(),
                    took_ms = began.elapsed().as_millis() as u64,
                    "rules reloaded"
                );
                warn_of(warnings, files);
            }
            OnDisk::Bad(refused, drawn) => self.refuse(refused, &drawn),
        }
        Turn::Done
    }

    fn refuse(&self, refused: Refused, findings: &str) {
        let (rule_set, reason) = (refused.rule_set.clone(), refused.reason.clone());
        if self.gateway.refuse(refused) {
            tracing::error!(rule_set, reason, findings, "the rules on disk are not used; those in force stay");
        }
    }
}

/// Tells of what is odd in rules that are in force; drawing it takes its time, which nobody waits for.
fn warn_of(warnings: Vec<Finding>, files: Vec<RuleFile>) {
    if warnings.iter().any(|warning| warning.waived.is_none()) {
        tokio::task::spawn_blocking(move || {
            let findings = rules::report::text(&warnings, &files, false);
            tracing::warn!(findings, "the rules in force have warnings");
        });
    }
}

fn read(path: &Path) -> Result<Vec<RuleFile>, Refused> {
    rules::read_dir(path).map_err(|error| refused(None, error.to_string()))
}

/// What the files are: the same as the set in `force`, or another one.
fn look(files: Vec<RuleFile>, force: Option<&RuleSet>, gateway: &Gateway, opener: &Opener) -> Result<OnDisk, Refused> {
    let hash = rules::hash(&files);
    if force.is_some_and(|set| set.catalog.hash() == hash) {
        return Ok(OnDisk::Same);
    }
    // A set of nothing is what a directory is in the middle of a change, and hardly ever what somebody wants.
    if files.iter().all(|file| file.text.trim().is_empty()) {
        return Err(refused(Some(hash), "there is nothing in the rule files".to_owned()));
    }
    Ok(judge(files, hash, gateway, opener))
}

fn judge(files: Vec<RuleFile>, hash: String, gateway: &Gateway, opener: &Opener) -> OnDisk {
    let rules::Checked { findings, catalog, tests: _ } = rules::check(&files);
    let Some(catalog) = catalog else {
        let reason = "the rules are not clean".to_owned();
        let drawn = rules::report::text(&findings, &files, false);
        return OnDisk::Bad(Refused { findings, ..refused(Some(hash), reason) }, drawn);
    };
    match opener.open(catalog, &gateway.deliveries.accounts()) {
        Ok(opened) => OnDisk::Good(Box::new(opened), findings, files),
        Err(NotOpened(missing)) => OnDisk::Bad(refused(Some(hash), missing.join("\n")), String::new()),
    }
}

fn refused(rule_set: Option<String>, reason: String) -> Refused {
    Refused { at: clock::now(), rule_set, reason, findings: Vec::<Finding>::new() }
}
