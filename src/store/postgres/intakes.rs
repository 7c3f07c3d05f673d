//! The thread that cuts lots of what has gathered, and makes them ready.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::mpsc::Sender;

use super::accept::{Batch, MOST};
use super::gathering::{GROUP, gather};
use super::lots::{Cut, What};
use super::pace::Pace;
use super::standing::Standing;
use crate::store::command::Command;
use crate::store::face::Options;
use crate::store::record::Intake;

/// Cuts lots.
pub(super) struct Intakes {
    pub standing: Arc<Standing>,
    pub options: Options,
    pub pace: Arc<Pace>,
    /// Where they go.
    pub lots: Sender<Cut>,
}

impl Intakes {
    /// Serves until told to stop.
    pub fn run(self, queue: &Receiver<Command>) {
        while let Some((group, stop)) = gather(queue, GROUP, || self.pace.wait()) {
            let cut = self.cut(group);
            if !cut.replies.is_empty() {
                self.pace.cut();
                if self.lots.blocking_send(cut).is_err() {
                    break;
                }
            }
            if stop {
                break;
            }
        }
    }

    fn cut(&self, group: Vec<Command>) -> Cut {
        let (mut events, mut replies) = (Vec::<Intake>::new(), Vec::new());
        for command in group {
            let Command::Accept(gathered, reply) = command else { continue };
            let more = gathered.take();
            replies.push((reply, more.len()));
            events.extend(more);
        }
        let concerned = events.iter().flat_map(|event| &event.changes).map(|(key, _)| key.bucket()).collect();
        let at = self.options.clock.now().plus_millis(self.standing.ahead_ms());
        let (me, look) = (self.standing.me(), self.pace.expects_repetitions());
        let owned = if replies.is_empty() { Vec::new() } else { self.standing.begin_lot() };
        let what = if events.len() <= MOST {
            let batch = Batch::of(events, at);
            let owns = |bucket: u8| owned.get(usize::from(bucket)).copied().unwrap_or_default();
            let values = batch.values(me, owns, look);
            What::Lot(batch, values)
        } else {
            What::Lots { events, at, owned, look }
        };
        Cut { what, replies, concerned, me }
    }
}
