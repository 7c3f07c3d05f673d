//! Batches: the events that one intake thread receives while the store writes go to it together.
//!
//! A thread that handed in each event by itself would be woken across threads once an event, which costs more than deciding
//! it. So a thread's events gather here, and one command and one answer carry all of them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::oneshot;

use crate::store::{Accepted, Gathered, Intake, Store, StoreError};

/// Requests that may be under way to the store; beyond it the store can't keep up, and senders are told to come back.
const UNDER_WAY: usize = 8_192;

/// Where the answer to a request's events goes, and how many events it has.
struct Handed {
    events: usize,
    answer: oneshot::Sender<Result<Vec<Accepted>, StoreError>>,
}

/// What gathers until the writer takes it, and who waits for its answer, in the same order.
struct Batch {
    gathered: Arc<Gathered>,
    handed: RefCell<Vec<Handed>>,
}

/// The events of one thread on their way to the store. Needs a `LocalSet` around it.
pub struct Batcher {
    store: Store,
    /// The one that was begun last.
    newest: RefCell<Option<Rc<Batch>>>,
    under_way: Cell<usize>,
}

impl Batcher {
    /// A batcher for the thread that calls this.
    pub fn new(store: Store) -> Rc<Self> {
        Rc::new(Self { store, newest: RefCell::default(), under_way: Cell::new(0) })
    }

    /// Makes a request's events durable, all of them or none; returns when they are on disk.
    ///
    /// What was handed in is written even when the caller is dropped meanwhile.
    pub async fn accept(self: &Rc<Self>, events: Vec<Intake>) -> Result<Vec<Accepted>, StoreError> {
        if self.under_way.get() >= UNDER_WAY {
            return Err(StoreError::Busy);
        }
        let (answer, answered) = oneshot::channel();
        self.hand_in(events, answer);
        answered.await.map_err(|_| StoreError::Stopped)?
    }

    fn hand_in(self: &Rc<Self>, mut events: Vec<Intake>, answer: oneshot::Sender<Result<Vec<Accepted>, StoreError>>) {
        let handed = Handed { events: events.len(), answer };
        self.under_way.set(self.under_way.get() + 1);
        let mut newest = self.newest.borrow_mut();
        if let Some(batch) = newest.as_ref() {
            match batch.gathered.add(events) {
                Ok(()) => return batch.handed.borrow_mut().push(handed),
                Err(left) => events = left,
            }
        }
        let batch = Rc::new(Batch { gathered: self.store.gather(events), handed: RefCell::new(vec![handed]) });
        *newest = Some(Rc::clone(&batch));
        tokio::task::spawn_local(Rc::clone(self).send(batch));
    }

    /// Sends a batch, and hands out the answers.
    async fn send(self: Rc<Self>, batch: Rc<Batch>) {
        let accepted = self.store.accept_gathered(Arc::clone(&batch.gathered)).await;
        // Nothing is added to one that ended without the writer.
        batch.gathered.close();
        let handed = batch.handed.take();
        self.under_way.set(self.under_way.get() - handed.len());
        match accepted {
            Ok(accepted) => {
                let mut accepted = accepted.into_iter();
                for Handed { events, answer } in handed {
                    let _ = answer.send(Ok(accepted.by_ref().take(events).collect()));
                }
            }
            Err(error) => handed.into_iter().for_each(|handed| drop(handed.answer.send(Err(error.clone())))),
        }
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
