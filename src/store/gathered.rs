//! Events that gather for the next commit: whoever receives them adds to what waits already, until the writer takes it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::record::Intake;

/// Events that gather in one, and their bytes; who brings more begins another.
const EVENTS: usize = 256;
const BYTES: usize = 4 << 20;

/// Events on their way to the writer, which takes all of them at once and as late as it can: what comes while one lot is written is
/// the next.
#[derive(Debug)]
pub struct Gathered {
    open: Mutex<Option<Open>>,
    crowd: Option<Arc<Crowd>>,
}

#[derive(Debug)]
struct Open {
    events: Vec<Intake>,
    bytes: usize,
}

/// The events that were handed in and aren't answered yet. Most senders send again as soon as they are answered: when as many wait as
/// did when some were answered last, nobody is missing, and whoever writes needn't wait for more.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    here: AtomicUsize,
    all: AtomicUsize,
    /// Told when nobody is missing any more, without a lock: who waits for it waits for a time besides.
    pub come: Condvar,
}

impl Crowd {
    /// Whether nobody is missing since these came.
    fn came(&self, events: usize) -> bool {
        let before = self.here.fetch_add(events, Ordering::Relaxed);
        let all = self.all.load(Ordering::Relaxed);
        before < all && all <= before + events
    }

    /// The first of them can be taken by now.
    pub fn tell(&self) {
        if self.is_complete() {
            self.come.notify_all();
        }
    }

    fn left(&self, events: usize) {
        self.here.fetch_sub(events, Ordering::Relaxed);
    }

    /// Some of them are answered now, and the others are here.
    pub fn answered(&self, events: usize) {
        self.all.store(self.here.fetch_sub(events, Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Whether as many wait as when some were answered last.
    pub fn is_complete(&self) -> bool {
        self.here.load(Ordering::Relaxed) >= self.all.load(Ordering::Relaxed)
    }
}

impl Drop for Gathered {
    fn drop(&mut self) {
        self.close();
    }
}

impl Gathered {
    /// These, and whatever is added to them; whoever takes them tells the crowd when they are answered.
    pub(super) fn new(events: Vec<Intake>, crowd: Option<Arc<Crowd>>) -> Arc<Self> {
        let bytes = bytes(&events);
        if let Some(crowd) = &crowd {
            crowd.came(events.len());
        }
        Arc::new(Self { open: Mutex::new(Some(Open { events, bytes })), crowd })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request's events, all or none of them.
    ///
    /// # Errors
    /// The events themselves, where the writer has taken the others, or where there are so many that these wait for another lot.
    pub fn add(&self, events: Vec<Intake>) -> Result<(), Vec<Intake>> {
        let more = bytes(&events);
        match self.lock().as_mut() {
            Some(open) if open.events.len() + events.len() <= EVENTS && open.bytes + more <= BYTES => {
                if let Some(crowd) = self.crowd.as_ref().filter(|crowd| crowd.came(events.len())) {
                    crowd.come.notify_all();
                }
                open.events.extend(events);
                open.bytes += more;
                Ok(())
            }
            _ => Err(events),
        }
    }

    /// Nothing is added any more; what nobody has taken is gone.
    pub fn close(&self) {
        let left = self.take().len();
        if let Some(crowd) = &self.crowd {
            crowd.left(left);
        }
    }

    /// How many events there are, and their bytes; none once they were taken.
    pub(super) fn size(&self) -> (usize, usize) {
        self.lock().as_ref().map_or((0, 0), |open| (open.events.len(), open.bytes))
    }

    /// Takes them: nothing is added any more.
    pub(super) fn take(&self) -> Vec<Intake> {
        self.lock().take().map(|open| open.events).unwrap_or_default()
    }
}

fn bytes(events: &[Intake]) -> usize {
    events.iter().map(Intake::bytes).sum()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::decision::Decision;
    use crate::domain::event::Event;
    use crate::domain::name::SourceName;
    use crate::domain::time::Timestamp;

    fn intakes(count: usize, body: &[u8]) -> Vec<Intake> {
        let event = Event::empty(SourceName::parse("bot").expect("a name"), Timestamp(0));
        (0..count).map(|_| Intake::of(&event, "hash", &mut Decision::default(), b"", body)).collect()
    }

    #[test]
    fn what_the_writer_has_taken_grows_no_more_and_nothing_is_lost() {
        let gathered = Gathered::new(intakes(1, b"{}"), None);
        gathered.add(intakes(2, b"{}")).expect("it is open");
        assert_eq!(gathered.size().0, 3);
        assert_eq!(gathered.take().len(), 3);
        let back = gathered.add(intakes(4, b"{}")).expect_err("it was taken");
        assert_eq!(back.len(), 4, "whoever brings them has them again");
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn a_request_goes_in_whole_or_waits_for_another_lot() {
        let gathered = Gathered::new(intakes(EVENTS - 1, b"{}"), None);
        assert_eq!(gathered.add(intakes(2, b"{}")).expect_err("no room for both").len(), 2);
        gathered.add(intakes(1, b"{}")).expect("room for one");
        let large = Gathered::new(intakes(1, &vec![b' '; BYTES]), None);
        assert_eq!(large.add(intakes(1, b"{}")).expect_err("as large as a lot may be").len(), 1);
    }

    #[test]
    fn a_crowd_is_complete_when_as_many_wait_as_did_before_some_were_answered() {
        let crowd = Arc::new(Crowd::default());
        let gather = |count| Gathered::new(intakes(count, b"{}"), Some(Arc::clone(&crowd)));
        let (first, second) = (gather(3), gather(2));
        assert_eq!(first.take().len(), 3);
        crowd.answered(3);
        assert!(!crowd.is_complete(), "two of five");
        second.add(intakes(2, b"{}")).expect("it is open");
        assert!(!crowd.is_complete(), "four of five");
        let third = gather(1);
        assert!(crowd.is_complete());
        drop(third);
        assert!(!crowd.is_complete(), "who goes without an answer isn't here");
        second.close();
        drop(second);
        assert_eq!(crowd.here.load(Ordering::Relaxed), 0, "nobody goes twice");
    }

    #[test]
    fn who_waits_for_a_crowd_is_told_by_the_last_to_come_and_not_before() {
        let crowd = Arc::new(Crowd::default());
        let gather = |count| Gathered::new(intakes(count, b"{}"), Some(Arc::clone(&crowd)));
        gather(3).take();
        crowd.answered(3);
        let back = gather(1);
        for (more, told) in [(1, false), (1, true)] {
            let lock = Mutex::new(());
            let waiting = lock.lock().expect("nobody else has it");
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    // Only once the other one waits.
                    drop(lock.lock());
                    back.add(intakes(more, b"{}")).expect("it is open");
                });
                let longest = Duration::from_millis(if told { 10_000 } else { 50 });
                let (waited, end) = crowd.come.wait_timeout(waiting, longest).expect("nobody panics");
                drop(waited);
                assert_eq!(!end.timed_out(), told);
            });
        }
    }
}
