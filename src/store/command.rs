//! What a store can be asked to write, and how it is carried out: the same in every database.

use std::sync::Arc;

use super::contact::{self, ContactRow};
use super::delivery::{self, SettledChange, Settlement};
use super::face::{Accepted, Again, Paused, Said, StoreError, Taken, Wake};
use super::forget::{Forgotten, Found, Gone};
use super::gathered::Gathered;
use super::log::Log;
use super::outbox::{Outbox, Reply};
use super::runs::Runs;
use super::sql::{Sql, args};
use super::started::{self, Met, Start, Started};
use super::timer::{self, Timer};
use super::wakes::{wake_for, wake_moved};
use super::{dead, fault, notice, schema, subscription};
use crate::domain::change::{ChangeId, Judged, Ord, Settled};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::ConnectionName;
use crate::domain::subscription::{Progress, Subscription};
use crate::domain::time::Timestamp;

/// What a store can be asked.
pub(super) enum Command {
    Accept(Arc<Gathered>, Reply<Vec<Accepted>>),
    Take { contact: ContactKey, for_call: bool, reply: Reply<Taken> },
    InMemory(ConnectionName, Reply<Vec<ContactKey>>),
    Settle(Box<Settlement>, Reply<()>),
    Tell(Box<Settlement>, Reply<()>),
    KeepJudged(Box<(Contact, Vec<(ChangeId, Judged)>)>, Reply<()>),
    RetryDead(Vec<Again>, Reply<Vec<ChangeId>>),
    DiscardDead(ChangeId, String, Reply<bool>),
    Forget(Box<(Contact, Found)>, Reply<(Forgotten, Vec<ContactKey>)>),
    Dismiss(Ord, Reply<bool>),
    KeepRuleSet(Box<RuleText>, Reply<()>),
    KeepPaused(ConnectionName, Box<Paused>, Reply<()>),
    Start(Start, Reply<Started>),
    Subscribe(Box<Subscription>, Reply<bool>),
    Advance(Box<(String, Progress, Progress)>, Reply<bool>),
    Unsubscribe(String, Reply<bool>),
    Outdated(Outdated, Reply<()>),
    TellOthers(ConnectionName, Said),
    NotStarted(Vec<i64>),
    LimitMet(Vec<ConnectionName>, Met),
    SaidAgain(ContactKey, i64, Reply<()>),
    EndTimers(Vec<Timer>, Reply<()>),
    Retain(Reply<bool>),
    Ping(Reply<()>),
    Stop,
}

impl Command {
    /// Where its carrying out adds what is read in order.
    pub fn writes(&self) -> Option<Log> {
        match self {
            Self::Accept(..) => Some(Log::Lots),
            Self::Settle(..) | Self::Tell(..) | Self::DiscardDead(..) => Some(Log::Deliveries),
            Self::KeepPaused(..) => Some(Log::Notices),
            _ => None,
        }
    }
}

/// Contacts whose own gateways are to be told that what is known of their tags isn't so any more; `forgotten`: nor who they are.
pub(super) struct Outdated {
    pub contacts: Vec<(ContactKey, ConnectionName)>,
    pub forgotten: bool,
}

/// The text of a rule set, and the hash that names it.
pub(super) struct RuleText {
    pub hash: String,
    pub text: String,
}

/// What a database's engine holds in memory, as far as commands have to do with it.
pub(super) trait Kept {
    /// Where in `pending` contacts are.
    fn runs(&mut self) -> &mut Runs;
    /// Whom a call that is under way must not bring back.
    fn gone(&mut self) -> &mut Gone;
    /// The number of a new delivery.
    fn next_delivery(&mut self) -> Result<i64, StoreError>;
    /// Calls that were written as starting are told of by what is written now.
    fn end_starts(&mut self, db: &dyn Sql, ids: &[i64]) -> Result<(), StoreError>;
    /// How long what is being written by others may be under way.
    fn in_flight_ms(&self) -> i64 {
        0
    }
    /// A contact's row.
    fn row(&mut self, db: &dyn Sql, contact: ContactKey) -> Result<Option<ContactRow>, StoreError> {
        contact::load(db, contact)
    }
    /// A contact's row was written.
    fn written(&mut self, _: ContactKey, _: ContactRow) {}
    /// These changes of a contact, in order, wait no more.
    fn settled(&mut self, contact: ContactKey, ids: &[ChangeId]);
    /// Erases a person.
    fn forget(
        &mut self,
        db: &dyn Sql,
        contact: Contact,
        found: Found,
    ) -> Result<(Forgotten, Vec<ContactKey>), StoreError>;
    /// Removes some of what is too old; whether there is more.
    fn retain(&mut self, db: &dyn Sql, now: Timestamp) -> Result<bool, StoreError>;
}

/// Carries out a command that changes something other than by accepting events. Its answer waits in `outbox` for the commit, and who
/// has something to deliver by it in `wakes`.
pub(super) fn carry_out(
    command: Command,
    db: &dyn Sql,
    kept: &mut dyn Kept,
    now: Timestamp,
    outbox: &mut Outbox,
    wakes: &mut Vec<Wake>,
) -> Result<(), StoreError> {
    match command {
        Command::Settle(settlement, reply) => {
            kept.end_starts(db, &settlement.started)?;
            if let Some(settlement) = kept.gone().left_of(*settlement) {
                wake_moved(wakes, &settlement);
                settle(db, kept, &settlement)?;
            }
            outbox.push(reply, Ok(()));
        }
        Command::Tell(calls, reply) => {
            kept.end_starts(db, &calls.started)?;
            if let Some(calls) = kept.gone().left_of(*calls) {
                delivery::append(db, &calls, kept.next_delivery()?)?;
            }
            outbox.push(reply, Ok(()));
        }
        Command::KeepJudged(judged, reply) => {
            let (contact, mut judged) = *judged;
            let key = contact.key();
            judged.retain(|(id, _)| !kept.gone().has(key, *id));
            if !judged.is_empty() {
                let mut row = kept.row(db, key)?.unwrap_or_else(|| ContactRow::new(contact));
                row.past.judged.extend(judged);
                contact::save(db, key, &row)?;
                kept.written(key, row);
            }
            outbox.push(reply, Ok(()));
        }
        Command::RetryDead(letters, reply) => {
            let mut found = Vec::new();
            for again in letters {
                let Some(revived) = dead::revive(db, kept.runs(), again)? else { continue };
                found.push(again.id);
                wake_for(wakes, &[revived]);
            }
            outbox.push(reply, Ok(found));
        }
        Command::DiscardDead(id, note, reply) => {
            let found = discard_dead(db, kept, id, note, now)?;
            outbox.push(reply, Ok(found));
        }
        Command::Forget(person, reply) => {
            let (contact, found) = *person;
            outbox.push(reply, Ok(kept.forget(db, contact, found)?));
        }
        Command::Dismiss(ord, reply) => outbox.push(reply, Ok(fault::answer(db, ord)?)),
        Command::KeepRuleSet(set, reply) => {
            let sql = "INSERT INTO rule_set (hash, at, text) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            outbox.push(reply, Ok(db.send(sql, args![&set.hash, now, &set.text])?));
        }
        Command::KeepPaused(name, paused, reply) => {
            let sql = "INSERT INTO connection (name, paused_since, reason, paused_ms, kind) VALUES (?1, ?2, ?3, ?4, ?5)
                ON CONFLICT (name) DO UPDATE SET paused_since = excluded.paused_since, reason = excluded.reason,
                paused_ms = excluded.paused_ms, kind = excluded.kind";
            notice::of_pause(db, now, &name, &paused)?;
            let since = paused.since.map(|since| since.0);
            let row = args![name.as_str(), since, &paused.reason, paused.before_ms, paused.kind.word()];
            outbox.push(reply, Ok(db.send(sql, row)?));
        }
        Command::Start(start, reply) => {
            let entry = started::insert(db, &start.connection, start.at)?;
            outbox.push(reply, Ok(Started::alone(entry)));
        }
        Command::Subscribe(subscription, reply) => {
            let subscribed = subscription::insert(db, &subscription, now, kept.in_flight_ms())?;
            outbox.push(reply, Ok(subscribed));
        }
        Command::Advance(progress, reply) => {
            let (id, was, is) = *progress;
            outbox.push(reply, Ok(subscription::advance(db, &id, &was, &is)?));
        }
        Command::Unsubscribe(id, reply) => outbox.push(reply, Ok(subscription::remove(db, &id)?)),
        Command::NotStarted(ids) => started::end(db, &ids)?,
        Command::EndTimers(timers, reply) => {
            timers.iter().try_for_each(|timer| timer::end(db, timer))?;
            outbox.push(reply, Ok(()));
        }
        Command::Retain(reply) => outbox.push(reply, Ok(kept.retain(db, now)?)),
        Command::Ping(reply) => {
            // A write of something new (SQLite skips a page that stays as it is), so that a full disk is noticed.
            outbox.push(reply, Ok(schema::set_meta(db, "ping", now.0)?));
        }
        // One gateway alone has nobody to tell, and is told by nobody.
        Command::Outdated(_, reply) | Command::SaidAgain(_, _, reply) => outbox.push(reply, Ok(())),
        Command::LimitMet(..)
        | Command::TellOthers(..)
        | Command::Accept(..)
        | Command::Take { .. }
        | Command::InMemory(..)
        | Command::Stop => {}
    }
    Ok(())
}

fn settle(db: &dyn Sql, kept: &mut dyn Kept, settlement: &Settlement) -> Result<(), StoreError> {
    let id = kept.next_delivery()?;
    let key = settlement.contact.key();
    let row = kept.row(db, key)?;
    let row = delivery::record(db, kept.runs(), settlement, id, row)?;
    kept.written(key, row);
    let mut ids: Vec<ChangeId> = settlement.settled.iter().map(|done| done.id).collect();
    ids.sort_unstable();
    kept.settled(key, &ids);
    Ok(())
}

fn discard_dead(
    db: &dyn Sql,
    kept: &mut dyn Kept,
    id: ChangeId,
    note: String,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let Some(letter) = dead::remove(db, id)? else { return Ok(false) };
    let contact = letter.change.contact.clone();
    let row = contact::load(db, contact.key())?;
    let reason = if note.is_empty() { "discarded".to_owned() } else { note };
    let done =
        SettledChange { id, change: letter.change, how: Settled::Discarded, reason, others: Vec::new(), cause: None };
    let retry = row.and_then(|row| row.retry);
    settle(db, kept, &Settlement { settled: vec![done], retry, ..Settlement::of(contact, now) })?;
    Ok(true)
}
