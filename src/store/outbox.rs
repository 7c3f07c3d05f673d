//! Answers of the writer: nobody hears of anything before it is durable.

use tokio::sync::oneshot;

use super::StoreError;

/// Where an answer goes.
pub(super) type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// Answers that go out when the commit has succeeded, or with its error.
#[derive(Default)]
pub(super) struct Outbox(Vec<Answer>);

/// Sends a reply, or the error that the commit ended with in its place.
type Answer = Box<dyn FnOnce(Option<&StoreError>)>;

impl Outbox {
    /// An answer for later.
    pub fn push<T: 'static>(&mut self, reply: Reply<T>, value: Result<T, StoreError>) {
        self.0.push(Box::new(move |failed| {
            // A caller that has gone away needs no answer; what it asked for is done all the same.
            let _ = reply.send(failed.map_or(value, |error| Err(error.clone())));
        }));
    }

    /// The commit has ended: all answers go out.
    pub fn send(self, failed: Option<&StoreError>) {
        self.0.into_iter().for_each(|answer| answer(failed));
    }
}
