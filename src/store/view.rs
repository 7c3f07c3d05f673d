//! A contact as people look it up: whose word each of its tags is, and what is still to come.

use super::StoreError;
use super::contact::{self, Word};
use super::dead::{self, DeadFilter, DeadLetter};
use super::delivery;
use super::read::Page;
use super::sql::{Row, Sql, args};
use super::timer::{self, Timer};
use super::{alias, lot};
use crate::domain::attempt::Attempt;
use crate::domain::change::{ChangeId, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::SourceName;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// The last word on a tag or a field, with what is still known of how it came to be.
#[derive(Debug, Clone, PartialEq)]
pub struct Blame {
    /// The word.
    pub word: Word,
    /// The source of its event. Of words from before this was kept it is told until the event's retention ends, and so is the next.
    pub source: Option<SourceName>,
    /// The hash of the rule set that judged its event.
    pub rule_set: Option<String>,
    /// What a person said of its event; in short, once the event's retention has ended.
    pub note: String,
    /// Why it ended as it did, in words; nothing once its delivery's retention has ended.
    pub reason: String,
    /// The call that settled it, if one did; without what was sent and answered, once its delivery's retention has ended.
    pub attempt: Option<Attempt>,
}

/// A contact with all that is told of it.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactView {
    /// By what it is known, as far as look-ups have told; the one that was asked for first.
    pub known_as: Vec<Contact>,
    /// The last word on each tag.
    pub tags: Vec<(TagName, Blame)>,
    /// The last word on each field.
    pub fields: Vec<(String, Blame)>,
    /// Tags that go again by themselves, the next first.
    pub timers: Vec<Timer>,
    /// Dead letters, newest first.
    pub letters: Vec<DeadLetter>,
    /// Whether there are older ones.
    pub more_letters: bool,
}

/// Which contacts to list, by their keys: an order that stays while rows come and go.
#[derive(Debug, Clone, Default)]
pub struct ContactQuery {
    /// Only those with a greater key.
    pub after: Option<ContactKey>,
    /// Only of this connection.
    pub connection: Option<String>,
    /// Only those with dead letters.
    pub dead: bool,
    /// At most so many.
    pub limit: usize,
}

/// A contact in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactRecord {
    /// Who.
    pub contact: Contact,
    /// The tags that it has by our last word.
    pub tags: Vec<TagName>,
    /// When the newest of its words was settled.
    pub at: Option<Timestamp>,
    /// Its dead letters.
    pub dead: usize,
}

pub(super) fn whole(db: &dyn Sql, contact: Contact) -> Result<ContactView, StoreError> {
    let known_as = alias::all(db, contact)?;
    let keys: Vec<ContactKey> = known_as.iter().map(Contact::key).collect();
    let (mut tags, mut fields, mut timers) = (Vec::new(), Vec::new(), Vec::new());
    for key in &keys {
        timers.extend(timer::of(db, *key)?);
        let Some(row) = contact::load(db, *key)? else { continue };
        for (tag, word) in row.past.words {
            greatest(&mut tags, tag, blame(db, word)?);
        }
        for (field, word) in row.past.fields {
            greatest(&mut fields, field, blame(db, word)?);
        }
    }
    tags.sort_by(|a, b| a.0.cmp(&b.0));
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    // A timer that a later word has stopped ends nothing when its time comes.
    timers.retain(|timer: &Timer| {
        tags.iter().any(|(tag, blame)| timer.remove.effect.tag() == Some(tag) && blame.word.id == timer.add)
    });
    timers.sort_by_key(|timer| timer.due);
    let (letters, more_letters) = letters(db, keys)?;
    Ok(ContactView { known_as, tags, fields, timers, letters, more_letters })
}

/// Under two names of one person the greatest number has the last word as well; of one change that died under the first and was
/// tried again under the second, what became of it last.
fn greatest<K: PartialEq>(words: &mut Vec<(K, Blame)>, key: K, mut blame: Blame) {
    match words.iter_mut().find(|(known, _)| *known == key) {
        Some((_, kept)) => {
            if (kept.word.id, kept.word.at) < (blame.word.id, blame.word.at) {
                std::mem::swap(kept, &mut blame);
            }
            // Of one change each knows where it came from.
            if kept.word.id == blame.word.id && kept.source.is_none() {
                (kept.source, kept.rule_set, kept.note) = (blame.source, blame.rule_set, blame.note);
            }
        }
        None => words.push((key, blame)),
    }
}

fn blame(db: &dyn Sql, mut word: Word) -> Result<Blame, StoreError> {
    let record = lot::holding(db, word.id.ord)?.map(|lot| lot.record(word.id.ord)).transpose()?.flatten();
    let delivery = delivery::get(db, word.delivery)?;
    let reason =
        delivery.as_ref().and_then(|of| of.end_of(word.id)).map(|done| done.reason.clone()).unwrap_or_default();
    let attempt = delivery.filter(|_| delivery::has_call(word.how)).and_then(|of| of.call_for(word.id).cloned());
    let attempt = attempt.or_else(|| word.call.take().map(|call| Attempt::from(*call)));
    let (source, rule_set, note) = match (record.map(|record| record.head), word.whence.take()) {
        (Some(head), _) => (Some(head.source), Some(head.rule_set), head.note),
        (None, Some(kept)) => (Some(kept.source), Some(kept.rule_set), kept.note),
        (None, None) => (None, None, String::new()),
    };
    Ok(Blame { word, source, rule_set, note, reason, attempt })
}

/// Dead letters that are shown with a contact.
const LETTERS: usize = 100;

fn letters(db: &dyn Sql, keys: Vec<ContactKey>) -> Result<(Vec<DeadLetter>, bool), StoreError> {
    let newest = ChangeId { ord: Ord(u64::MAX), index: u32::MAX };
    let any = keys.iter().map(|key| dead::has(db, *key)).collect::<Result<Vec<_>, _>>()?;
    if !any.contains(&true) {
        return Ok((Vec::new(), false));
    }
    let filter = DeadFilter { contacts: Some(keys), ..DeadFilter::default() };
    let (letters, next) = dead::newest_below(db, newest, &filter, LETTERS)?;
    let more = match next {
        Some(before) => !dead::newest_below(db, before, &filter, 1)?.0.is_empty(),
        None => false,
    };
    Ok((letters, more))
}

/// Lists contacts that something was settled for.
pub(super) fn list(db: &dyn Sql, query: &ContactQuery) -> Result<Page<ContactRecord>, StoreError> {
    let (mut items, mut next) = (Vec::new(), None);
    let mut take = |row: Row<'_>| {
        let key = row.key(0)?;
        let wanted = |record: &ContactRecord| {
            query.connection.as_ref().is_none_or(|name| record.contact.connection.as_str() == name)
        };
        items.extend(one(db, key)?.filter(wanted));
        next = (items.len() == query.limit).then(|| hex::encode(key.0));
        Ok(next.is_none())
    };
    let after: &[u8] = query.after.as_ref().map_or(&[], |key| &key.0);
    if query.dead {
        db.each("SELECT DISTINCT contact FROM dead WHERE contact > ?1 ORDER BY contact", args![after], &mut take)?;
    } else {
        let sql = "SELECT key FROM contact WHERE key > ?1 AND (?2 IS NULL OR connection = ?2) ORDER BY key";
        db.each(sql, args![after, query.connection.as_deref()], &mut take)?;
    }
    Ok(Page { items, next })
}

/// One contact in short; `None` where nothing was settled for it yet.
pub(super) fn one(db: &dyn Sql, key: ContactKey) -> Result<Option<ContactRecord>, StoreError> {
    let Some(row) = contact::load(db, key)? else { return Ok(None) };
    let at = row.past.words.values().chain(row.past.fields.values()).map(|word| word.at).max();
    let tags = row.past.words.iter().filter(|(_, word)| word.wants && word.how.took()).map(|(tag, _)| tag.clone());
    Ok(Some(ContactRecord { tags: tags.collect(), at, dead: dead::count_of(db, key)?, contact: row.contact }))
}
