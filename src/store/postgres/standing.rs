//! How this gateway stands among the others: which buckets of contacts are its own, and for how long it may call for them.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

use super::schema::BUCKETS;
use crate::clock;
use crate::domain::contact::ContactKey;
use crate::store::started::SHARED_AHEAD_MS;

/// A lease outlasts the longest call by this, so that a beat or two may fail without a pause.
const SPARE: Duration = Duration::from_secs(5);

/// A server may go on for so long with what it was asked after nobody waits for its answer any more: in transactions statements have a
/// time limit. One that accepts a lot has none.
const LATE_MS: i64 = 15_000;

/// What there is of each bucket.
#[derive(Debug, Clone, Copy, Default)]
struct Bucket {
    owned: bool,
    /// Counts how often it was gained.
    tenure: u64,
    /// Steps of its contacts under way.
    steps: usize,
}

/// Shared by the threads that write, the readers, and the task that keeps the lease.
#[derive(Debug)]
pub(in crate::store) struct Standing {
    /// This gateway's number; 0 as long as it has none.
    me: AtomicI64,
    /// Until when the lease lasts at least, by the steady clock, in milliseconds.
    until: AtomicI64,
    /// How far the database's clock is ahead of ours at least, in milliseconds, and whether it is still that clock.
    ahead: Mutex<(i64, bool)>,
    /// The longest that a call may take, in milliseconds.
    longest: AtomicI64,
    buckets: Mutex<[Bucket; BUCKETS as usize]>,
    /// Lots that were begun to be written, and those that have ended: who writes the next one knows what is owned by then.
    lots: (AtomicU64, AtomicU64),
    /// The number of lots that had begun when buckets were given up last.
    given_up_at: AtomicU64,
    /// The hash of the rule set that runs here.
    rule_set: Mutex<String>,
    /// How the lanes stand here, as other gateways read it.
    lanes: Mutex<Arc<str>>,
    /// Buckets for which something may have been written though nobody was told of it, and when to look.
    doubts: Mutex<BTreeSet<(i64, i64)>>,
    /// Whether others have something to hear.
    tell: AtomicBool,
    /// Told when a step has ended, when others have something to hear, and at the end.
    pub stir: Notify,
}

/// A step of a contact is under way: its bucket isn't given away meanwhile.
#[derive(Debug)]
pub struct Hold {
    standing: Arc<Standing>,
    bucket: u8,
    /// How often this gateway has gained the bucket: what it knows of the contact from before isn't so any more.
    pub tenure: u64,
}

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(bucket) = self.standing.buckets().get_mut(usize::from(self.bucket)) {
            bucket.steps = bucket.steps.saturating_sub(1);
        }
        self.standing.stir.notify_one();
    }
}

impl Standing {
    /// One that has nothing yet.
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            me: AtomicI64::new(0),
            until: AtomicI64::new(i64::MIN),
            ahead: Mutex::default(),
            longest: AtomicI64::new(10_000),
            buckets: Mutex::new([Bucket::default(); BUCKETS as usize]),
            lots: Default::default(),
            given_up_at: AtomicU64::new(0),
            rule_set: Mutex::default(),
            lanes: Mutex::new(Arc::from("")),
            doubts: Mutex::default(),
            tell: AtomicBool::new(false),
            stir: Notify::new(),
        })
    }

    fn buckets(&self) -> MutexGuard<'_, [Bucket; BUCKETS as usize]> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This gateway's number, 0 where it has none.
    pub fn me(&self) -> i64 {
        self.me.load(Ordering::SeqCst)
    }

    /// A call may take so long: the lease is longer.
    pub fn outlast(&self, longest: Duration) {
        self.longest.store(millis(longest).max(1_000), Ordering::SeqCst);
    }

    /// How long the lease is to be, in milliseconds.
    pub fn lease_ms(&self) -> i64 {
        self.longest.load(Ordering::SeqCst) + millis(SPARE)
    }

    /// The gateway has joined.
    pub fn joined(&self, me: i64) {
        self.me.store(me, Ordering::SeqCst);
    }

    /// The lease was renewed by a beat that was sent at `sent` by the steady clock; the database's clock was read between its sending
    /// and its answer, and so is ahead of ours by no less and no more than this.
    pub fn renewed(&self, sent: i64, lease_ms: i64, ahead_ms: RangeInclusive<i64>) {
        self.until.store(sent + lease_ms, Ordering::SeqCst);
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = (nearest(ahead.1.then_some(ahead.0), &ahead_ms), true);
    }

    /// Another server may answer from now on, with a clock of its own: the next beat says how that goes.
    pub fn reconnected(&self) {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).1 = false;
    }

    /// How far the database's clock is ahead of ours, in milliseconds, or somewhat less: by what the quickest beat took, if clocks go
    /// alike.
    pub fn ahead_ms(&self) -> i64 {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Whether a call that is allowed now, and so starts soon, ends at the latest before the lease does: nobody else calls for the contact until then.
    pub fn may_call(&self) -> bool {
        let ends = clock::steady_ms() + SHARED_AHEAD_MS + self.longest.load(Ordering::SeqCst);
        self.me() != 0 && ends <= self.until.load(Ordering::SeqCst)
    }

    /// Whether a bucket is this gateway's.
    pub fn owns(&self, bucket: u8) -> bool {
        self.buckets().get(usize::from(bucket)).is_some_and(|bucket| bucket.owned)
    }

    /// The buckets of this gateway.
    pub fn owned(&self) -> Vec<i64> {
        (0..).zip(self.buckets().iter()).filter(|(_, bucket)| bucket.owned).map(|(id, _)| id).collect()
    }

    /// A step of a contact begins; `None` where it isn't this gateway's.
    pub fn hold(self: &Arc<Self>, key: ContactKey) -> Option<Hold> {
        let mut buckets = self.buckets();
        let bucket = buckets.get_mut(usize::from(key.bucket())).filter(|bucket| bucket.owned)?;
        bucket.steps += 1;
        Some(Hold { standing: Arc::clone(self), bucket: key.bucket(), tenure: bucket.tenure })
    }

    /// A bucket is this gateway's from now on.
    pub fn gain(&self, bucket: i64) {
        self.with(bucket, |bucket| {
            bucket.owned = true;
            bucket.tenure += 1;
        });
    }

    /// A bucket is to be given away: no step of it begins any more.
    pub fn give_up(&self, bucket: i64) {
        self.with(bucket, |bucket| bucket.owned = false);
        self.given_up_at.store(self.lots.0.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Whether nothing of these buckets, which were given up, is under way any more: no step, and no lot whose writer took them for
    /// this gateway's and tells nobody else; nor one of which nobody knows whether it is written.
    pub fn is_left(&self, given_up: &[i64]) -> bool {
        if self.doubts.lock().unwrap_or_else(PoisonError::into_inner).iter().any(|(_, id)| given_up.contains(id)) {
            return false;
        }
        let lots_ended = self.lots.1.load(Ordering::SeqCst) >= self.given_up_at.load(Ordering::SeqCst);
        let buckets = self.buckets();
        let is_busy = |id: &i64| usize::try_from(*id).ok().and_then(|id| buckets.get(id)).is_some_and(|b| b.steps > 0);
        lots_ended && !given_up.iter().any(is_busy)
    }

    /// A lot is about to be written: which buckets are this gateway's.
    pub fn begin_lot(&self) -> Vec<bool> {
        let buckets = self.buckets();
        self.lots.0.fetch_add(1, Ordering::SeqCst);
        buckets.iter().map(|bucket| bucket.owned).collect()
    }

    /// The lot is written, or isn't.
    pub fn end_lot(&self) {
        self.lots.1.fetch_add(1, Ordering::SeqCst);
        self.stir.notify_one();
    }

    /// Something was to be written for these buckets' contacts, and whether it was nobody knows: the answer was lost. It may also be
    /// written still, by a server that goes on with it.
    pub fn doubt(&self, buckets: impl IntoIterator<Item = u8>) {
        let now = clock::steady_ms();
        // By whole spans, so that many failures leave few looks.
        let later = (now / LATE_MS + 2) * LATE_MS;
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        for bucket in buckets.into_iter().map(i64::from) {
            doubts.extend([(later - 2 * LATE_MS, bucket), (later, bucket)]);
        }
    }

    /// Buckets to be looked at now for that reason.
    pub fn doubted(&self) -> Vec<i64> {
        let now = clock::steady_ms();
        let mut doubts = self.doubts.lock().unwrap_or_else(PoisonError::into_inner);
        let later = doubts.split_off(&(now + 1, 0));
        let due = std::mem::replace(&mut *doubts, later);
        due.into_iter().map(|(_, bucket)| bucket).filter(|bucket| self.owns(*bucket as u8)).collect()
    }

    /// Whether what a step does for a contact may be recorded: its bucket is this gateway's, or is kept for the steps under way.
    pub fn serves(&self, key: ContactKey) -> bool {
        self.buckets().get(usize::from(key.bucket())).is_some_and(|bucket| bucket.owned || bucket.steps > 0)
    }

    /// This rule set runs here from now on.
    pub fn runs(&self, rule_set: &str) {
        rule_set.clone_into(&mut self.rule_set.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The hash of the rule set that runs here.
    pub fn rule_set(&self) -> String {
        self.rule_set.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The lanes stand so from now on; the next beat tells the others.
    pub fn leave_lanes(&self, lanes: &str) {
        *self.lanes.lock().unwrap_or_else(PoisonError::into_inner) = Arc::from(lanes);
    }

    /// How the lanes stand.
    pub fn lanes(&self) -> Arc<str> {
        Arc::clone(&self.lanes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Something was written for other gateways.
    pub fn tell_others(&self) {
        self.tell.store(true, Ordering::SeqCst);
        self.stir.notify_one();
    }

    /// Whether others have something to hear that they weren't told of.
    pub fn others_to_tell(&self) -> bool {
        self.tell.swap(false, Ordering::SeqCst)
    }

    fn with(&self, bucket: i64, change: impl FnOnce(&mut Bucket)) {
        let mut buckets = self.buckets();
        if let Some(bucket) = usize::try_from(bucket).ok().and_then(|id| buckets.get_mut(id)) {
            change(bucket);
        }
    }

    /// The lease has ended and others have what was this gateway's.
    pub fn fenced(&self) {
        self.me.store(0, Ordering::SeqCst);
        self.until.store(i64::MIN, Ordering::SeqCst);
        self.buckets().iter_mut().for_each(|bucket| bucket.owned = false);
    }

    /// Whether any step is under way.
    pub fn any_step(&self) -> bool {
        self.buckets().iter().any(|bucket| bucket.steps > 0)
    }
}

/// The greatest lower bound so far, as long as it can be true; once it can't, a clock was set, and what was known before is nothing.
fn nearest(known: Option<i64>, seen: &RangeInclusive<i64>) -> i64 {
    known.filter(|known| known <= seen.end()).map_or(*seen.start(), |known| known.max(*seen.start()))
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_answer_does_not_make_the_databases_clock_seem_behind() {
        let mut known = None;
        // The database is 40 ms ahead; answers are under way for 2, 150 and 1 ms.
        for (lowest, highest, then) in [(38, 41, 38), (-110, 41, 38), (39, 40, 39), (-900, 60, 39)] {
            known = Some(nearest(known, &(lowest..=highest)));
            assert_eq!(known, Some(then));
        }
    }

    #[test]
    fn a_clock_that_is_set_is_believed_with_the_next_beat() {
        assert_eq!(nearest(Some(39), &(-5_003..=-5_000)), -5_003, "set back");
        assert_eq!(nearest(Some(39), &(4_997..=5_001)), 4_997, "set ahead");
    }
}
