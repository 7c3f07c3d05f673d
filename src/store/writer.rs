//! The one writer: it owns the file and all that waits, groups what was asked into one commit, and answers afterwards.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{Notify, mpsc::UnboundedSender};

use super::command::{Command, Kept, carry_out};
use super::dedup::{self, DedupKey, Spans};
use super::delivery;
use super::face::{Accepted, Options, StoreError, Taken, Wake};
use super::forget::{self, Forgotten, Found, Gone};
use super::log::Log;
use super::lot::Opened;
use super::outbox::Outbox;
use super::record::{Frame, Intake};
use super::runs::Runs;
use super::sql::{Sql, args};
use super::timer;
use super::waiting::Recent;
use super::wakes::wake_for;
use super::{fault, lot, notice, pending, recover, retain, spread, started, subscription, waiting};
use crate::domain::change::{ChangeId, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::time::Timestamp;

/// Commands in one commit, and bytes of events in one lot.
const GROUP: usize = 512;
const GROUP_BYTES: usize = 8 << 20;

pub(super) struct Writer {
    db: Connection,
    /// `None` after a failed commit: what is in memory may be ahead of the file and is rebuilt from it.
    memory: Option<Memory>,
    /// Where in `pending` contacts are, while there is no memory.
    runs: Runs,
    options: Options,
    wake: UnboundedSender<Vec<Wake>>,
    /// Told when a timer was set.
    timers: Arc<Notify>,
}

/// Everything that can be rebuilt from the file.
struct Memory {
    recent: Recent,
    spans: Spans,
    runs: Runs,
    next_ord: Ord,
    next_delivery: i64,
    /// Whom a call that is under way must not bring back.
    gone: Gone,
}

impl Writer {
    pub fn new(
        db: Connection,
        (recent, runs): (Recent, Runs),
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
        timers: Arc<Notify>,
    ) -> Result<Self, StoreError> {
        let memory = Memory::around(&db, recent, runs)?;
        Ok(Self { db, memory: Some(memory), runs: Runs::default(), options, wake, timers })
    }

    /// Serves commands until told to stop. Between commands the thread sleeps: nothing is polled.
    pub fn run(mut self, queue: &Receiver<Command>) {
        while let Ok(first) = queue.recv() {
            let mut group = vec![first];
            let mut bytes = 0;
            while group.len() < GROUP && bytes < GROUP_BYTES {
                let Ok(next) = queue.try_recv() else { break };
                if let Command::Accept(events, _) = &next {
                    bytes += events.size().1;
                }
                group.push(next);
            }
            let stop = group.iter().position(|c| matches!(c, Command::Stop));
            group.truncate(stop.unwrap_or(group.len()));
            self.serve(group);
            if stop.is_some() {
                break;
            }
        }
        self.close();
    }

    /// A clean end leaves one file and no log to replay.
    pub fn close(self) {
        let _ = self.db.pragma_update(None, "wal_checkpoint", "TRUNCATE");
    }

    /// Serves these commands, in one commit.
    pub fn serve(&mut self, group: Vec<Command>) {
        let reads = |command: &Command| matches!(command, Command::Take { .. } | Command::InMemory(..));
        let (reads, writes): (Vec<_>, Vec<_>) = group.into_iter().partition(reads);
        if !writes.is_empty() {
            self.commit(writes);
        }
        for command in reads {
            let ready = self.memory();
            match command {
                Command::Take { contact, for_call, reply } => {
                    let page = if for_call { self.options.page } else { usize::MAX };
                    // Calls of a contact follow one another: what is settled from now on is of what was taken after forgetting.
                    if let Some(memory) = self.memory.as_mut().filter(|_| for_call) {
                        memory.gone.begins_anew(contact);
                    }
                    let _ = reply.send(ready.and_then(|()| self.take(contact, page)));
                }
                Command::InMemory(connection, reply) => {
                    let found = |memory: &Memory| memory.recent.contacts_of(&connection);
                    let _ = reply.send(ready.map(|()| self.memory.as_ref().map(found).unwrap_or_default()));
                }
                _ => {}
            }
        }
    }

    fn take(&self, key: ContactKey, page: usize) -> Result<Taken, StoreError> {
        let memory = self.memory.as_ref().ok_or(StoreError::Stopped)?;
        waiting::take(&self.db, &memory.recent, &memory.runs, key, page)
    }

    /// Rebuilds memory from the file if a commit has failed.
    fn memory(&mut self) -> Result<(), StoreError> {
        if self.memory.is_none() {
            let mut memory = Memory::around(&self.db, recover::recent(&self.db)?, Runs::default())?;
            memory.runs = std::mem::take(&mut self.runs);
            self.memory = Some(memory);
        }
        Ok(())
    }

    fn commit(&mut self, writes: Vec<Command>) {
        let mut outbox = Outbox::default();
        let mut wakes = Vec::new();
        let sets_timers = |write: &Command| matches!(write, Command::Settle(s, _) if timer::are_set(&s.settled));
        let forgets = writes.iter().any(|write| matches!(write, Command::Forget(..)));
        let timers = writes.iter().any(sets_timers);
        let logs = Log::written_by(&writes);
        let spread = self.memory.as_ref().is_some_and(|m| m.recent.spreading.is_some());
        let done = self.memory().and_then(|()| {
            let memory = self.memory.as_mut().ok_or(StoreError::Stopped)?;
            let now = self.options.clock.now();
            let step = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            memory.write(&step, now, &self.options, writes, &mut outbox, &mut wakes)?;
            step.commit()?;
            Ok(())
        });
        if let Err(error) = &done {
            tracing::error!(%error, "commit failed; what was in it is not stored");
            if let Some(memory) = self.memory.take() {
                self.runs = memory.runs;
            }
        } else {
            self.options.commits.tell(logs);
            if !wakes.is_empty() {
                let _ = self.wake.send(wakes);
            }
            if timers {
                self.timers.notify_one();
            }
            // Now and then: what has been delivered since leaves runs without anything.
            if let Some(memory) = self.memory.as_mut().filter(|m| spread && m.recent.spreading.is_none()) {
                let _ = pending::prune(&self.db, &mut memory.runs);
            }
            if forgets {
                // The log still has the pages as they were. A reader may hold some of it for a while: the next checkpoint takes it.
                let _ = self.db.pragma_update(None, "wal_checkpoint", "TRUNCATE");
            }
        }
        outbox.send(done.as_ref().err());
    }
}

impl Memory {
    fn around(db: &Connection, recent: Recent, runs: Runs) -> Result<Self, StoreError> {
        Ok(Self {
            recent,
            spans: Spans::load(db)?,
            runs,
            next_ord: lot::next_ord(db)?,
            next_delivery: delivery::next_id(db)?,
            gone: Gone::default(),
        })
    }

    fn write(
        &mut self,
        db: &Connection,
        now: Timestamp,
        options: &Options,
        writes: Vec<Command>,
        outbox: &mut Outbox,
        wakes: &mut Vec<Wake>,
    ) -> Result<(), StoreError> {
        let (intake, others): (Vec<_>, Vec<_>) = writes.into_iter().partition(|c| matches!(c, Command::Accept(..)));
        let events = self.accept(db, now, intake, outbox, wakes)?;
        for command in others {
            carry_out(command, db, &mut Carrying { memory: self, options, raw: db }, now, outbox, wakes)?;
        }
        if self.recent.current.events >= spread::GENERATION {
            self.recent.turn(Ord(self.next_ord.0 - 1), self.next_delivery);
        }
        // Three rows an event: a key and a change for each, and a little faster than they come.
        spread::slice(db, &mut self.recent, &mut self.spans, &mut self.runs, (events * 3).max(64))
    }

    /// Numbers, deduplicates and appends what was handed in; one lot for all of it.
    fn accept(
        &mut self,
        db: &Connection,
        now: Timestamp,
        intake: Vec<Command>,
        outbox: &mut Outbox,
        wakes: &mut Vec<Wake>,
    ) -> Result<usize, StoreError> {
        if intake.is_empty() {
            return Ok(0);
        }
        self.spans.advance(db, now)?;
        let first = self.next_ord;
        let mut frames: Vec<Vec<u8>> = Vec::new();
        let mut opened = Opened::default();
        for command in intake {
            let Command::Accept(events, reply) = command else { continue };
            let events = events.take();
            let mut accepted = Vec::with_capacity(events.len());
            for event in events {
                let seen = match event.key {
                    Some(key) => self.seen(db, key, now, (first, &frames), &mut opened, &event)?,
                    None => None,
                };
                if let Some(duplicate) = seen {
                    accepted.push(duplicate);
                    continue;
                }
                let ord = self.next_ord;
                self.next_ord = Ord(ord.0 + 1);
                if event.faulty {
                    fault::insert(db, ord)?;
                }
                if let Some(of) = event.replay_of {
                    fault::answer(db, of)?;
                }
                wake_for(wakes, &event.changes);
                self.recent.accept(ord, now, event.key, event.changes);
                frames.push(event.frame);
                accepted.push(Accepted::New(ord));
            }
            outbox.push(reply, Ok(accepted));
        }
        if !frames.is_empty() {
            let slices: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
            lot::insert(db, first, now, frames.len(), &lot::pack(&slices))?;
        }
        Ok(frames.len())
    }

    /// Whether an event with this key was accepted in the last 24 hours; the earlier one may be in this very commit, whose
    /// frames are given with the number of the first.
    fn seen(
        &self,
        db: &Connection,
        key: DedupKey,
        now: Timestamp,
        (first, frames): (Ord, &[Vec<u8>]),
        opened: &mut Opened,
        event: &Intake,
    ) -> Result<Option<Accepted>, StoreError> {
        let found = match self.recent.find(key) {
            Some(ord) => Some(ord),
            None => self.spans.find(db, key)?,
        };
        let Some(ord) = found else { return Ok(None) };
        let (_, body) = parts(&event.frame)?;
        let earlier = match ord.0.checked_sub(first.0) {
            Some(index) => frames.get(index as usize).map(|frame| parts(frame)).transpose()?,
            None => match opened.holding(db, ord)? {
                Some(lot) if now.since(lot.at) < dedup::WINDOW_MS => {
                    let record = lot.record(ord)?.ok_or(StoreError::Damaged("a lot lacks an event"))?;
                    return duplicate(db, now, ord, record.head.rules, record.reply, record.body != body).map(Some);
                }
                _ => None,
            },
        };
        let Some((head, old_body)) = earlier else { return Ok(None) };
        let (rules, reply) = head;
        duplicate(db, now, ord, rules, reply, old_body != body).map(Some)
    }

    fn spread_all(&mut self, db: &dyn Sql) -> Result<(), StoreError> {
        let upto = (Ord(self.next_ord.0 - 1), self.next_delivery);
        spread::all(db, &mut self.recent, &mut self.spans, &mut self.runs, upto)
    }
}

/// The memory, with what carrying out a command needs beside it.
struct Carrying<'a> {
    memory: &'a mut Memory,
    options: &'a Options,
    raw: &'a Connection,
}

impl Kept for Carrying<'_> {
    fn runs(&mut self) -> &mut Runs {
        &mut self.memory.runs
    }

    fn gone(&mut self) -> &mut Gone {
        &mut self.memory.gone
    }

    fn next_delivery(&mut self) -> Result<i64, StoreError> {
        let id = self.memory.next_delivery;
        self.memory.next_delivery += 1;
        Ok(id)
    }

    fn end_starts(&mut self, db: &dyn Sql, ids: &[i64]) -> Result<(), StoreError> {
        started::end(db, ids)
    }

    fn settled(&mut self, contact: ContactKey, ids: &[ChangeId]) {
        self.memory.recent.settle(contact, ids);
    }

    /// Spreads all that waits, so that the tables have all there is, and erases.
    fn forget(
        &mut self,
        db: &dyn Sql,
        contact: Contact,
        found: Found,
    ) -> Result<(Forgotten, Vec<ContactKey>), StoreError> {
        self.memory.spread_all(db)?;
        // What is erased is written over, and not only given free.
        self.raw.pragma_update(None, "secure_delete", true)?;
        let erased = forget::erase(db, contact, found);
        self.raw.pragma_update(None, "secure_delete", false)?;
        let (forgotten, keys) = erased?;
        self.memory.gone.add(keys.clone(), self.memory.next_ord);
        Ok((forgotten, keys))
    }

    /// Spreads what is old, then removes some of it; whether there is more.
    fn retain(&mut self, db: &dyn Sql, now: Timestamp) -> Result<bool, StoreError> {
        started::retain(db, now)?;
        let before = now.plus_millis(-i64::try_from(self.options.retention.as_millis()).unwrap_or(i64::MAX));
        if retain::needs_spreading(db, before)? {
            self.memory.spread_all(db)?;
        }
        let more = retain::step(db, before)?;
        if !more {
            fault::retain(db)?;
            notice::retain(db, before)?;
            subscription::retain(db, before)?;
        }
        Ok(more)
    }
}

type Parts<'f> = ((Vec<crate::domain::name::RuleId>, Vec<u8>), &'f [u8]);

fn parts(frame: &[u8]) -> Result<Parts<'_>, StoreError> {
    let (frame, _) = Frame::split_first(frame)?;
    Ok(((frame.head()?.rules, frame.reply.to_vec()), frame.body))
}

fn duplicate(
    db: &Connection,
    now: Timestamp,
    ord: Ord,
    rules: Vec<crate::domain::name::RuleId>,
    reply: Vec<u8>,
    differs: bool,
) -> Result<Accepted, StoreError> {
    db.send("INSERT INTO duplicate (ord, at, differs) VALUES (?1, ?2, ?3)", args![ord, now, differs])?;
    Ok(Accepted::Duplicate { ord, rules, reply, differs })
}
