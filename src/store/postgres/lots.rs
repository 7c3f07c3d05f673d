//! Has lots written: one by one, or the next one sent before the server has done with the one before.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc::{Receiver, UnboundedSender};
use tokio_postgres::Row as PgRow;

use super::accept::{ACCEPT, Batch, MOST};
use super::ahead::Room;
use super::pace::{ON_THE_WAY, Pace};
use super::partitions::Numbered;
use super::session::{Flight, Many, PATIENCE, Session};
use super::standing::Standing;
use crate::domain::time::Timestamp;
use crate::store::Accepted;
use crate::store::face::{Options, StoreError, Wake};
use crate::store::log::Log;
use crate::store::outbox::Reply;
use crate::store::record::Intake;

/// Events that are accepted together, and who is to be told.
pub(super) struct Cut {
    pub what: What,
    /// Who asked, and for how many events each.
    pub replies: Vec<(Reply<Vec<Accepted>>, usize)>,
    /// The buckets of the contacts concerned.
    pub concerned: Vec<u8>,
    /// This gateway's number when it was cut.
    pub me: i64,
}

/// What is to be written.
pub(super) enum What {
    /// One lot, by one statement with these values.
    Lot(Batch, Vec<Many<'static>>),
    /// More than one lot holds: several, all of them or none; whose the buckets were when it was cut, and whether repetitions are
    /// expected.
    Lots { events: Vec<Intake>, at: Timestamp, owned: Vec<bool>, look: bool },
}

/// A lot that was sent.
struct Sent {
    batch: Batch,
    at: Instant,
    replies: Vec<(Reply<Vec<Accepted>>, usize)>,
    concerned: Vec<u8>,
}

/// Lots on their way over one connection: they are answered in order.
#[derive(Default)]
struct OnTheWay {
    lots: VecDeque<Sent>,
    answers: FuturesOrdered<Flight>,
    /// When the server began with the oldest, at the earliest.
    begun: Option<Instant>,
}

impl OnTheWay {
    fn push(&mut self, lot: Sent, answer: Flight) {
        self.begun.get_or_insert(lot.at);
        self.lots.push_back(lot);
        self.answers.push_back(answer);
    }

    /// The answer to the oldest, or that there is none in time.
    async fn answer(&mut self) -> Result<Vec<PgRow>, StoreError> {
        let late = self.begun.unwrap_or_else(Instant::now) + PATIENCE;
        let answer = tokio::time::timeout_at(late.into(), self.answers.next()).await.ok().flatten();
        answer.unwrap_or_else(|| Err(StoreError::Unavailable("the database didn't answer".to_owned())))
    }

    /// The oldest, which was answered.
    fn pop(&mut self) -> Option<Sent> {
        self.begun = (self.lots.len() > 1).then(Instant::now);
        self.lots.pop_front()
    }

    /// All that are left, whose answers nobody waits for.
    fn give_up(&mut self) -> VecDeque<Sent> {
        std::mem::take(self).lots
    }
}

/// Has lots written.
pub(super) struct Lots {
    pub session: Session,
    pub standing: Arc<Standing>,
    pub options: Options,
    pub wake: UnboundedSender<Vec<Wake>>,
    pub room: Arc<Room>,
    pub pace: Arc<Pace>,
}

/// However the thread ends, whoever cuts lots hears of it.
struct Leaving<'a>(&'a Pace);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// What comes next.
enum Next {
    Cut(Cut),
    Answer(Result<Vec<PgRow>, StoreError>),
}

impl Lots {
    /// The thread for lots of which the next is cut while one is written. Serves until nobody can cut any more and all are written.
    pub fn run(these: &Mutex<Self>, pace: &Pace, mut cuts: Receiver<Cut>) {
        let _leaving = Leaving(pace);
        while let Some(cut) = cuts.blocking_recv() {
            let Ok(lots) = these.lock() else { return };
            if lots.write(cut, Some(&mut cuts)).is_err() {
                return;
            }
        }
    }

    /// Writes this one, and whatever else arrives until none is under way.
    pub fn write(&self, first: Cut, mut cuts: Option<&mut Receiver<Cut>>) -> Result<(), StoreError> {
        let mut on_the_way = OnTheWay::default();
        self.send(first, &mut on_the_way);
        while !on_the_way.lots.is_empty() {
            let more = cuts.as_mut().filter(|_| on_the_way.lots.len() < ON_THE_WAY);
            let next = self.session.wait(async {
                let cut = async {
                    match more {
                        Some(cuts) => cuts.recv().await,
                        None => None,
                    }
                };
                tokio::select! {
                    biased;
                    answer = on_the_way.answer() => Next::Answer(answer),
                    Some(cut) = cut => Next::Cut(cut),
                }
            })?;
            match next {
                Next::Cut(cut) => self.send(cut, &mut on_the_way),
                Next::Answer(answer) => self.answered(answer, &mut on_the_way),
            }
        }
        Ok(())
    }

    fn send(&self, cut: Cut, on_the_way: &mut OnTheWay) {
        let Cut { what, replies, concerned, me } = cut;
        let at = Instant::now();
        match what {
            What::Lot(batch, values) => {
                on_the_way.push(Sent { batch, at, replies, concerned }, self.session.begin(ACCEPT, values));
            }
            What::Lots { events, at: time, owned, look } => {
                // A transaction of several statements: nothing else may be under way.
                while !on_the_way.lots.is_empty() {
                    let Ok(answer) = self.session.wait(on_the_way.answer()) else { return };
                    self.answered(answer, on_the_way);
                }
                let mut wakes = Vec::new();
                let done = self.write_all(events, time, &owned, me, look, &mut wakes);
                self.end(done, wakes, replies, concerned, (at, Instant::now()));
            }
        }
    }

    /// The oldest lot on its way was answered.
    fn answered(&self, answer: Result<Vec<PgRow>, StoreError>, on_the_way: &mut OnTheWay) {
        let (now, Some(lot)) = (Instant::now(), on_the_way.pop()) else { return };
        let rows = match answer {
            Ok(rows) => rows,
            Err(error) => return self.fail(&error, lot, on_the_way),
        };
        if !lot.batch.any_repeats(&rows) {
            return self.conclude(lot, &rows, now);
        }
        // There is something to be looked up: nothing else may be under way.
        let mut behind = Vec::new();
        while !on_the_way.lots.is_empty() {
            match self.session.wait(on_the_way.answer()) {
                Ok(Ok(rows)) => behind.extend(on_the_way.pop().map(|lot| (lot, rows, Instant::now()))),
                Ok(Err(error)) | Err(error) => {
                    let Some(lot) = on_the_way.pop() else { break };
                    self.fail(&error, lot, on_the_way);
                }
            }
        }
        self.conclude(lot, &rows, now);
        for (lot, rows, at) in behind {
            self.conclude(lot, &rows, at);
        }
    }

    /// The connection goes, and with it what is on its way: whether it is written nobody knows. Its senders come again and hear.
    fn fail(&self, error: &StoreError, lot: Sent, on_the_way: &mut OnTheWay) {
        self.session.leave();
        let now = Instant::now();
        for Sent { at, replies, concerned, .. } in std::iter::once(lot).chain(on_the_way.give_up()) {
            self.end(Err(error.clone()), Vec::new(), replies, concerned, (at, now));
        }
    }

    fn conclude(&self, lot: Sent, rows: &[PgRow], ended: Instant) {
        let Sent { batch, at, replies, concerned } = lot;
        let mut wakes = Vec::new();
        let done = batch.answered(rows, &self.session, self.standing.me(), false, &mut wakes);
        self.end(done, wakes, replies, concerned, (at, ended));
    }

    /// Tells everybody what became of it, and when it was sent and answered.
    fn end(
        &self,
        done: Result<Vec<Accepted>, StoreError>,
        wakes: Vec<Wake>,
        replies: Vec<(Reply<Vec<Accepted>>, usize)>,
        concerned: Vec<u8>,
        (sent, ended): (Instant, Instant),
    ) {
        let events = replies.iter().map(|(_, length)| length).sum();
        let accepted = match done {
            Ok(accepted) => accepted,
            Err(error) => {
                // Before it has ended: until then no bucket is given away.
                self.standing.doubt(concerned);
                self.standing.end_lot();
                tracing::error!(%error, "events could not be stored; their senders are told to come back");
                for (reply, _) in replies {
                    let _ = reply.send(Err(error.clone()));
                }
                return self.pace.end(events, sent, ended, false);
            }
        };
        self.standing.end_lot();
        let (own, others): (Vec<_>, Vec<_>) = wakes.into_iter().partition(|wake| self.standing.owns(wake.key.bucket()));
        if accepted.iter().any(|accepted| matches!(accepted, Accepted::Duplicate { .. })) {
            self.pace.repeated();
        }
        self.pace.end(events, sent, ended, !others.is_empty());
        self.options.commits.tell([Log::Lots]);
        let new = |accepted: &Accepted| if let Accepted::New(ord) = accepted { Some(ord.0) } else { None };
        if let Some(last) = accepted.iter().rev().find_map(new) {
            self.room.reached(Numbered::Lots, last as i64);
        }
        let mut accepted = accepted.into_iter();
        for (reply, length) in replies {
            let _ = reply.send(Ok(accepted.by_ref().take(length).collect()));
        }
        if !own.is_empty() {
            let _ = self.wake.send(own);
        }
        if !others.is_empty() {
            self.standing.tell_others();
        }
    }

    fn write_all(
        &self,
        mut events: Vec<Intake>,
        at: Timestamp,
        owned: &[bool],
        me: i64,
        look: bool,
        wakes: &mut Vec<Wake>,
    ) -> Result<Vec<Accepted>, StoreError> {
        let owns = |bucket: u8| owned.get(usize::from(bucket)).copied().unwrap_or_default();
        self.session.write(|db| {
            let mut accepted = Vec::new();
            while !events.is_empty() {
                let rest = events.split_off(events.len().min(MOST));
                let these = Batch::of(std::mem::replace(&mut events, rest), at);
                let rows = db.ask(ACCEPT, these.values(me, owns, look))?;
                accepted.extend(these.answered(&rows, db, me, true, wakes)?);
            }
            Ok(accepted)
        })
    }
}
