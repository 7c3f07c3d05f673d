//! A connection that isn't called for a while, and when one call looks again.

use std::time::Duration;

use crate::domain::time::Timestamp;
use crate::store::PauseKind;

/// How long a connection whose credentials are refused waits before one call looks again; the last one again and again.
const REFUSED: [Duration; 5] = [
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(5),
    Duration::from_mins(15),
    Duration::from_hours(1),
];

/// The same where its calls fail: nobody has to mend anything here, and most outages are short.
const FAILING: [Duration; 5] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
];

/// How long the next look waits after `probes` looks in vain.
pub(super) fn wait(kind: PauseKind, probes: u32) -> Duration {
    let waits = match kind {
        PauseKind::Refused => &REFUSED,
        PauseKind::Failing => &FAILING,
    };
    waits.get(probes as usize).or(waits.last()).copied().unwrap_or_default()
}

/// No look waits longer: a provider's own wish is obeyed for a day at most.
const LONGEST_WAIT: Duration = Duration::from_hours(25);

/// Why nothing is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: Timestamp,
    /// Of what kind it is.
    pub kind: PauseKind,
    /// Why.
    pub reason: String,
    /// When one call looks again.
    pub probe_at: Timestamp,
    /// How many calls have looked.
    pub probes: u32,
    /// When one call would have looked by itself, where somebody asked for a look before that.
    pub(super) planned: Option<Timestamp>,
    /// Somebody asked for a look while one was under way: what that one finds may be older than the mend.
    pub(super) again: bool,
}

impl Pause {
    /// Somebody asks for a look now. `looking` says that one is under way.
    pub(super) fn ask(&mut self, looking: bool) {
        if looking {
            self.again = true;
        } else {
            self.planned.get_or_insert(self.probe_at);
        }
        self.probe_at = Timestamp(i64::MIN);
    }

    /// A look was in vain: when the next one is. One that somebody asked for leaves the schedule as it was.
    pub(super) fn looked_in_vain(&mut self, now: Timestamp) {
        let planned = self.planned.take();
        self.probes += u32::from(planned.is_none());
        let next = planned.filter(|at| *at > now).unwrap_or_else(|| now.plus(wait(self.kind, self.probes)));
        self.probe_at = next;
        if std::mem::take(&mut self.again) {
            (self.probe_at, self.planned) = (now, Some(next));
        }
    }

    /// When one call looks again. A time that is further off than any wait is from before the clock was set back.
    pub(super) fn looks_at(&self, now: Timestamp) -> Timestamp {
        if self.probe_at > now.plus(LONGEST_WAIT) { now } else { self.probe_at }
    }
}
