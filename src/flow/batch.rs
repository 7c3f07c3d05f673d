//! Batches: the events that one intake thread receives while the store writes go to it together.
//!
//! A thread that handed in each event by itself would be woken across threads once an event, which costs more than deciding
//! it. So a thread's events gather here, and one command and one answer carry all of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use tokio::sync::oneshot;

use crate::store::{Accepted, Intake, Store, StoreError};

/// Batches that one thread may have at the store: while one is written, the next is on its way.
const UNDER_WAY: usize = 2;
/// Events in one batch.
const EVENTS: usize = 256;
/// Requests that may gather; beyond it the store can't keep up, and senders are told to come back.
const GATHERED: usize = 8_192;

/// What one request hands in, and where its answer goes.
struct Handed {
    events: Vec<Intake>,
    answer: oneshot::Sender<Result<Vec<Accepted>, StoreError>>,
}

/// The events of one thread on their way to the store. Needs a `LocalSet` around it.
pub struct Batcher {
    store: Store,
    gathered: RefCell<Vec<Handed>>,
    under_way: Cell<usize>,
}

impl Batcher {
    /// A batcher for the thread that calls this.
    pub fn new(store: Store) -> Rc<Self> {
        Rc::new(Self { store, gathered: RefCell::default(), under_way: Cell::new(0) })
    }

    /// Makes a request's events durable, all of them or none; returns when they are on disk.
    ///
    /// What was handed in is written even when the caller is dropped meanwhile.
    pub async fn accept(self: &Rc<Self>, events: Vec<Intake>) -> Result<Vec<Accepted>, StoreError> {
        if self.gathered.borrow().len() >= GATHERED {
            return Err(StoreError::Busy);
        }
        let (answer, answered) = oneshot::channel();
        self.gathered.borrow_mut().push(Handed { events, answer });
        if self.under_way.get() < UNDER_WAY {
            self.under_way.set(self.under_way.get() + 1);
            tokio::task::spawn_local(Rc::clone(self).send());
        }
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    /// Sends batches until nothing is gathered any more.
    async fn send(self: Rc<Self>) {
        loop {
            let mut handed = self.next();
            if handed.is_empty() {
                break;
            }
            let counts: Vec<usize> = handed.iter().map(|h| h.events.len()).collect();
            let events = handed.iter_mut().flat_map(|h| std::mem::take(&mut h.events)).collect();
            match self.store.accept(events).await {
                Ok(accepted) => {
                    let mut accepted = accepted.into_iter();
                    for (handed, count) in handed.into_iter().zip(counts) {
                        let _ = handed.answer.send(Ok(accepted.by_ref().take(count).collect()));
                    }
                }
                Err(error) => handed.into_iter().for_each(|h| drop(h.answer.send(Err(error.clone())))),
            }
        }
        self.under_way.set(self.under_way.get() - 1);
    }

    /// The oldest requests that make a batch.
    fn next(&self) -> Vec<Handed> {
        let mut gathered = self.gathered.borrow_mut();
        let mut events = 0;
        let fits = |handed: &&Handed| {
            events += handed.events.len();
            events <= EVENTS
        };
        // A single request with more events than a batch goes alone.
        let count = gathered.iter().take_while(fits).count().max(1).min(gathered.len());
        gathered.drain(..count).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::change::Ord;
    use crate::domain::decision::Decision;
    use crate::domain::event::Event;
    use crate::domain::name::SourceName;
    use crate::domain::time::Timestamp;
    use crate::store::Options;

    fn intake(key: &str) -> Intake {
        let source = SourceName::parse("bot").expect("a name");
        let event = Event { key: Some(key.into()), ..Event::empty(source, Timestamp(0)) };
        Intake::of(&event, "hash", &mut Decision::default(), b"", b"{}")
    }

    #[tokio::test]
    async fn each_request_gets_its_own_answers_whatever_it_was_batched_with() {
        let dir = tempfile::tempdir().expect("a folder");
        let (wake, _wakes) = tokio::sync::mpsc::unbounded_channel();
        let options = Options::new(std::time::Duration::from_hours(24), Clock::system());
        let (store, _) = Store::open(&dir.path().join("t.db"), options, wake).expect("a store");
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                let batcher = Batcher::new(store);
                let mut tasks = tokio::task::JoinSet::new();
                for n in 0..600 {
                    let batcher = Rc::clone(&batcher);
                    tasks.spawn_local(async move {
                        let events = (0..n % 3).map(|m| intake(&format!("{n}-{m}"))).collect();
                        (n % 3, batcher.accept(events).await.expect("stored"))
                    });
                }
                let mut ords = Vec::new();
                while let Some(done) = tasks.join_next().await {
                    let (count, accepted) = done.expect("no panic");
                    assert_eq!(accepted.len(), count);
                    ords.extend(accepted.into_iter().map(|a| match a {
                        Accepted::New(Ord(ord)) => ord,
                        Accepted::Duplicate { .. } => panic!("every key is new"),
                    }));
                }
                ords.sort_unstable();
                assert_eq!(ords, (1..=600).collect::<Vec<_>>());
                let again = batcher.accept(vec![intake("1-0")]).await.expect("stored");
                assert!(matches!(again[0], Accepted::Duplicate { .. }));
            })
            .await;
    }
}
