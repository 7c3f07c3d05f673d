//! The work that must not keep anybody from typing: what rules mean together, and how many recorded events they would match.
//!
//! It begins when nothing was written for a while, and is given up as soon as something is.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::Heard;
use super::lens::{Counted, Recent};
use super::marks::Look;
use crate::flow::preview;
use crate::rules::{Checked, RuleFile};

/// So long nothing must be written.
const IDLE: Duration = Duration::from_millis(300);

/// What came of it.
pub enum Done {
    /// A look at all that there is to find.
    Looked(Look),
    /// How many events each rule would match.
    Counted(Counted),
    /// Something that the editor's log shall say.
    Told(String),
}

/// A set to be looked at, and the sign that another has come.
struct Job {
    files: Vec<RuleFile>,
    stop: Arc<AtomicBool>,
}

/// Hands sets to the thread that looks at them.
pub struct Worker {
    jobs: Sender<Job>,
    stop: Arc<AtomicBool>,
}

impl Worker {
    /// Starts the thread. It ends with its value.
    pub fn start(url: Option<String>, heard: Sender<Heard>) -> Self {
        let (jobs, wanted) = mpsc::channel();
        std::thread::spawn(move || work(&wanted, &mut Recent::new(url), &heard));
        Self { jobs, stop: Arc::new(AtomicBool::new(false)) }
    }

    /// The set is this one now: what was being done for another is given up.
    pub fn look_at(&mut self, files: Vec<RuleFile>) {
        self.give_up();
        self.stop = Arc::new(AtomicBool::new(false));
        // A thread that has ended has nobody to tell.
        drop(self.jobs.send(Job { files, stop: Arc::clone(&self.stop) }));
    }

    /// Nobody wants what is being done.
    pub fn give_up(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.give_up();
    }
}

fn work(wanted: &Receiver<Job>, recent: &mut Recent, heard: &Sender<Heard>) {
    while let Ok(mut job) = wanted.recv() {
        loop {
            match wanted.recv_timeout(IDLE) {
                Ok(newer) => job = newer,
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
        let Job { files, stop } = job;
        let Checked { findings, catalog, .. } = preview::check_until(&files, &stop);
        let is_wanted = || !stop.load(Ordering::Relaxed);
        if !is_wanted() {
            continue;
        }
        let tell = |done: Done| heard.send(Heard::Done(done)).map_err(|_| ExitCode::FAILURE);
        if tell(Done::Looked(Look { files, findings })).is_err() {
            return;
        }
        let Some(catalog) = catalog else { continue };
        let (counted, told) = recent.count(&catalog, &is_wanted);
        let counted = counted.map(Done::Counted);
        for done in told.map(Done::Told).into_iter().chain(counted) {
            if tell(done).is_err() {
                return;
            }
        }
    }
}
