//! The thread that makes partitions before they are needed, so that nobody who accepts or delivers ever waits for one.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use super::partitions::{self, Numbered};
use super::session::Session;
use super::standing::Standing;
use crate::store::StoreError;
use crate::store::face::Options;

/// Where it couldn't be done, it is tried again after this time.
const AGAIN: Duration = Duration::from_secs(2);

/// From which numbers on there must be another partition. Whoever gives numbers says how far they are.
#[derive(Debug)]
pub(super) struct Room {
    from: [AtomicI64; 2],
    tell: SyncSender<()>,
}

impl Room {
    /// Until more is known nothing is needed; what is heard by the receiver is that something is.
    pub fn new() -> (Arc<Self>, Receiver<()>) {
        let (tell, needed) = sync_channel(1);
        (Arc::new(Self { from: [AtomicI64::new(i64::MAX), AtomicI64::new(i64::MAX)], tell }), needed)
    }

    fn limit(&self, of: Numbered) -> &AtomicI64 {
        let [lots, deliveries] = &self.from;
        match of {
            Numbered::Lots => lots,
            Numbered::Deliveries => deliveries,
        }
    }

    /// A row with this number was written.
    pub fn reached(&self, of: Numbered, number: i64) {
        let limit = self.limit(of);
        if number >= limit.load(Ordering::Relaxed) {
            // Told once; the thread says how far it goes from now on.
            limit.store(i64::MAX, Ordering::Relaxed);
            let _ = self.tell.try_send(());
        }
    }
}

/// Makes partitions.
pub(super) struct Ahead {
    pub session: Session,
    pub standing: Arc<Standing>,
    pub options: Options,
}

impl Ahead {
    /// Looks at the start and whenever it is told to, until nobody is left who could tell.
    pub fn run(self, room: &std::sync::Weak<Room>, needed: &Receiver<()>) {
        let mut failed = false;
        loop {
            let Some(room) = room.upgrade() else { return };
            let made = self.make(&room);
            // Not held while it waits: the end is heard when all others have let go of it. Nor is a connection, for it may be days.
            drop(room);
            self.session.leave();
            let heard = match made {
                Ok(()) => {
                    failed = false;
                    needed.recv().map_err(|_| RecvTimeoutError::Disconnected)
                }
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        tracing::warn!(%error, "no partition could be made ahead; it is tried again, and events are stored all the same");
                    }
                    needed.recv_timeout(AGAIN)
                }
            };
            if heard == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }

    fn make(&self, room: &Room) -> Result<(), StoreError> {
        let span_ms = partitions::span_ms(self.options.retention);
        for of in Numbered::ALL {
            let now = self.options.clock.now().plus_millis(self.standing.ahead_ms());
            let limit = partitions::make_ahead(&self.session, of, now, span_ms)?;
            room.limit(of).store(limit, Ordering::Relaxed);
        }
        Ok(())
    }
}
