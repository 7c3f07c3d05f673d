//! The thread that cuts lots of what has gathered, and makes them ready.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::Sender;

use super::accept::{Batch, MOST};
use super::gathering::{GROUP, gather};
use super::lots::{Cut, Lots, What};
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
    /// Where they go when the next is cut while they are written.
    pub to_thread: Sender<Cut>,
    /// Has them written.
    pub lots: Arc<Mutex<Lots>>,
}

impl Intakes {
    /// Serves until told to stop.
    pub fn run(self, queue: &Receiver<Command>) {
        while let Some((group, stop)) = gather(queue, GROUP, || self.pace.wait()) {
            let cut = self.cut(group);
            if !cut.replies.is_empty() && !self.hand_on(cut) {
                break;
            }
            if stop {
                break;
            }
        }
    }

    /// Has it written, unless whoever writes is gone. A lot that goes alone is waited for here: nobody has to be woken for it.
    fn hand_on(&self, cut: Cut) -> bool {
        if self.pace.cut() {
            self.lots.lock().is_ok_and(|lots| lots.write(cut, None).is_ok())
        } else {
            self.to_thread.blocking_send(cut).is_ok()
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
