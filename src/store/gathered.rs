//! Events that gather for the next commit: whoever receives them adds to what waits already, until the writer takes it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::record::Intake;

/// Events that gather in one, and their bytes; who brings more begins another.
const EVENTS: usize = 256;
const BYTES: usize = 4 << 20;

/// Events on their way to the writer, which takes all of them at once and as late as it can: what comes while one lot is written is
/// the next.
#[derive(Debug)]
pub struct Gathered(Mutex<Option<Open>>);

#[derive(Debug)]
struct Open {
    events: Vec<Intake>,
    bytes: usize,
}

impl Gathered {
    /// These, and whatever is added to them.
    pub fn new(events: Vec<Intake>) -> Arc<Self> {
        let bytes = bytes(&events);
        Arc::new(Self(Mutex::new(Some(Open { events, bytes }))))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a request's events, all or none of them.
    ///
    /// # Errors
    /// The events themselves, where the writer has taken the others, or where there are so many that these wait for another lot.
    pub fn add(&self, events: Vec<Intake>) -> Result<(), Vec<Intake>> {
        let more = bytes(&events);
        match self.lock().as_mut() {
            Some(open) if open.events.len() + events.len() <= EVENTS && open.bytes + more <= BYTES => {
                open.events.extend(events);
                open.bytes += more;
                Ok(())
            }
            _ => Err(events),
        }
    }

    /// Nothing is added any more; what nobody has taken is gone.
    pub fn close(&self) {
        self.take();
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
        let gathered = Gathered::new(intakes(1, b"{}"));
        gathered.add(intakes(2, b"{}")).expect("it is open");
        assert_eq!(gathered.size().0, 3);
        assert_eq!(gathered.take().len(), 3);
        let back = gathered.add(intakes(4, b"{}")).expect_err("it was taken");
        assert_eq!(back.len(), 4, "whoever brings them has them again");
        assert!(gathered.take().is_empty());
    }

    #[test]
    fn a_request_goes_in_whole_or_waits_for_another_lot() {
        let gathered = Gathered::new(intakes(EVENTS - 1, b"{}"));
        assert_eq!(gathered.add(intakes(2, b"{}")).expect_err("no room for both").len(), 2);
        gathered.add(intakes(1, b"{}")).expect("room for one");
        let large = Gathered::new(intakes(1, &vec![b' '; BYTES]));
        assert_eq!(large.add(intakes(1, b"{}")).expect_err("as large as a lot may be").len(), 1);
    }
}
