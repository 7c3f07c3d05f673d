//! The thread that accepts events.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::accept::{Batch, MOST};
use super::ahead::Room;
use super::gathering::{GROUP, gather};
use super::partitions::Numbered;
use super::session::Session;
use super::standing::Standing;
use crate::domain::time::Timestamp;
use crate::store::Accepted;
use crate::store::command::Command;
use crate::store::face::{Options, StoreError, Wake};
use crate::store::log::Log;
use crate::store::outbox::Reply;
use crate::store::record::Intake;

/// The longest wait for more events.
const LONGEST: Duration = Duration::from_millis(4);

/// So long after a repetition others are expected: senders that weren't answered in time send all again.
const AFTER: Duration = Duration::from_secs(2);

/// Accepts events.
pub(super) struct Intakes {
    pub session: Session,
    pub standing: Arc<Standing>,
    pub options: Options,
    pub wake: UnboundedSender<Vec<Wake>>,
    pub room: Arc<Room>,
    /// When an event came last that repeated another one.
    pub repeated: Cell<Option<Instant>>,
}

impl Intakes {
    /// Serves until told to stop.
    pub fn run(self, queue: &Receiver<Command>) {
        let mut not_before = None;
        while let Some((group, stop)) = gather(queue, GROUP, not_before) {
            let from = Instant::now();
            let shared = self.serve(group);
            not_before = shared.then(|| Instant::now() + rest(from.elapsed()));
            if stop {
                break;
            }
        }
    }

    /// Whether other gateways have to do with it.
    fn serve(&self, group: Vec<Command>) -> bool {
        if group.is_empty() {
            return false;
        }
        let at = self.options.clock.now().plus_millis(self.standing.ahead_ms());
        let (mut lists, mut replies) = (Vec::new(), Vec::new());
        for command in group {
            let Command::Accept(events, reply) = command else { continue };
            let events = events.take();
            lists.push(events.len());
            replies.push((events, reply));
        }
        let (events, replies): (Vec<Vec<Intake>>, Vec<Reply<Vec<Accepted>>>) = replies.into_iter().unzip();
        let events: Vec<Intake> = events.into_iter().flatten().collect();
        let mut wakes = Vec::new();
        let keys = events.iter().flat_map(|event| &event.changes).map(|(key, _)| key.bucket());
        let concerned: Vec<u8> = keys.collect();
        let done = self.accept(events, at, &mut wakes);
        self.standing.end_lot();
        match done {
            Ok(accepted) => {
                self.options.commits.tell([Log::Lots]);
                let new = |accepted: &Accepted| if let Accepted::New(ord) = accepted { Some(ord.0) } else { None };
                if let Some(last) = accepted.iter().rev().find_map(new) {
                    self.room.reached(Numbered::Lots, last as i64);
                }
                if accepted.iter().any(|accepted| matches!(accepted, Accepted::Duplicate { .. })) {
                    self.repeated.set(Some(Instant::now()));
                }
                let mut accepted = accepted.into_iter();
                for (reply, length) in replies.into_iter().zip(lists) {
                    let _ = reply.send(Ok(accepted.by_ref().take(length).collect()));
                }
                let (own, others): (Vec<_>, Vec<_>) =
                    wakes.into_iter().partition(|wake| self.standing.owns(wake.key.bucket()));
                if !own.is_empty() {
                    let _ = self.wake.send(own);
                }
                if !others.is_empty() {
                    self.standing.tell_others();
                }
                !others.is_empty()
            }
            Err(error) => {
                self.standing.doubt(concerned);
                tracing::error!(%error, "events could not be stored; their senders are told to come back");
                for reply in replies {
                    let _ = reply.send(Err(error.clone()));
                }
                false
            }
        }
    }

    fn accept(
        &self,
        mut events: Vec<Intake>,
        at: Timestamp,
        wakes: &mut Vec<Wake>,
    ) -> Result<Vec<Accepted>, StoreError> {
        let me = self.standing.me();
        let owned = self.standing.begin_lot();
        let owns = |bucket: u8| owned.get(usize::from(bucket)).copied().unwrap_or_default();
        let look = self.repeated.get().is_some_and(|last| last.elapsed() < AFTER);
        if events.len() <= MOST {
            return Batch::of(events, at).write(&self.session, me, owns, false, look, wakes);
        }
        // More than one lot holds: several, all of them or none.
        self.session.write(|db| {
            let mut accepted = Vec::new();
            while !events.is_empty() {
                let rest = events.split_off(events.len().min(MOST));
                let these = Batch::of(std::mem::replace(&mut events, rest), at);
                accepted.extend(these.write(db, me, owns, true, look, wakes)?);
            }
            Ok(accepted)
        })
    }
}

/// How long the next lot gathers after one that took so long, where several gateways share the database: a commit costs it as much as a
/// dozen events, and each of them would send it small ones. Alone, what comes while one lot is written is enough for the next.
fn rest(took: Duration) -> Duration {
    took.min(LONGEST)
}
