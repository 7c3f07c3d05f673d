//! What must come out of a run: changes one after the other in the order of their acceptance, in the fewest words, and what a
//! gateway may not do on the way there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use tagrelay::domain::change::{Change, ChangeId, Effect, Settled};
use tagrelay::domain::time::Timestamp;
use tagrelay::providers::modelled::Call;
use tagrelay::providers::{Direction, Outcome};
use tagrelay::store::Delivery;

use crate::provider::{Person, Seen};
use crate::schedule::{POISON, TAGS};

/// What happened, in order.
#[derive(Debug, Clone)]
pub enum Happened {
    Accepted(ChangeId, Change),
    Hand { at: Timestamp, connection: String, id: String, tag: String, there: bool },
}

/// What a person is like in the end; of some tags nobody can say.
#[derive(Debug, Default)]
pub struct Expected {
    pub person: Person,
    pub open: BTreeSet<String>,
}

/// One person's changes, one after the other. `ttl_ms` is how long a hand edit may be missed.
pub fn sequential(
    begin: &Person,
    events: &[Happened],
    whose: impl Fn(&Change) -> bool,
    ttl_ms: i64,
    ended: &HashMap<ChangeId, Timestamp>,
) -> Expected {
    let mut person = begin.clone();
    let mut setter: BTreeMap<String, ChangeId> = BTreeMap::new();
    let mut once: BTreeMap<String, (Timestamp, u64)> = BTreeMap::new();
    let mut edited: BTreeMap<String, Timestamp> = BTreeMap::new();
    let mut open = BTreeSet::new();
    let mut words: BTreeMap<String, ChangeId> = BTreeMap::new();
    let mut block: Option<(&Change, u64, bool)> = None;
    for happened in events {
        let (id, change) = match happened {
            Happened::Accepted(id, change) if whose(change) => (*id, change),
            Happened::Hand { at, tag, there, .. } => {
                if *there {
                    person.tags.insert(tag.clone())
                } else {
                    person.tags.remove(tag)
                };
                edited.insert(tag.clone(), *at);
                // What was accepted before and called for after it has the last word at the provider.
                let last = words.get(tag).and_then(|id| ended.get(id));
                if last.is_some_and(|ended| *ended >= *at) {
                    open.insert(tag.clone())
                } else {
                    open.remove(tag)
                };
                continue;
            }
            Happened::Accepted(..) => continue,
        };
        let terms = change.terms.as_deref();
        let has = |tag: &tagrelay::domain::tag::TagName| person.tags.contains(tag.as_str());
        let with = block.filter(|(with, ord, _)| {
            *ord == id.ord.0 && with.rule == change.rule && with.guard == change.guard && with.contact == change.contact
        });
        if let Some(once_ms) = terms.and_then(|terms| terms.once_ms) {
            let rule = change.rule.to_string();
            if once.get(&rule).is_some_and(|(until, ord)| *ord < id.ord.0 && change.at < *until) {
                continue;
            }
            let holds = with.map_or_else(
                || change.guard.if_tagged.iter().all(has) && !change.guard.unless_tagged.iter().any(has),
                |(_, _, holds)| holds,
            );
            if holds && once.get(&rule).is_none_or(|(_, ord)| *ord < id.ord.0) {
                once.insert(rule, (change.at.plus_millis(once_ms as i64), id.ord.0));
            }
        }
        let holds = with.map_or_else(
            || change.guard.if_tagged.iter().all(has) && !change.guard.unless_tagged.iter().any(has),
            |(_, _, holds)| holds,
        );
        if !(change.guard.if_tagged.is_empty() && change.guard.unless_tagged.is_empty()) {
            block = Some((change, id.ord.0, holds));
        }
        if !holds {
            continue;
        }
        if let Some(tag) = change.effect.tag() {
            words.insert(tag.to_string(), id);
        }
        match &change.effect {
            Effect::AddTag(tag) | Effect::RemoveTag(tag) if tag.as_str() == TAGS[usize::from(POISON)] => {}
            Effect::AddTag(tag) => {
                if terms.is_some_and(|terms| !terms.exclusive.is_empty()) {
                    person.tags.retain(|other| !other.starts_with("stage:"));
                }
                person.tags.insert(tag.to_string());
                setter.insert(tag.to_string(), id);
                word(&edited, &mut open, tag.as_str(), change.at, ttl_ms);
            }
            Effect::RemoveTag(tag) => {
                let ends = terms.and_then(|terms| terms.ends);
                if ends.is_some_and(|add| setter.get(tag.as_str()) != Some(&add)) {
                    continue;
                }
                person.tags.remove(tag.as_str());
                setter.remove(tag.as_str());
                word(&edited, &mut open, tag.as_str(), change.at, ttl_ms);
            }
            Effect::Set { field, value } => drop(person.fields.insert(field.clone(), value.canonical())),
            Effect::Forward { .. } => {}
        }
    }
    Expected { person, open }
}

/// A change of a tag that somebody else changed a short time before may rest on older knowledge.
fn word(edited: &BTreeMap<String, Timestamp>, open: &mut BTreeSet<String>, tag: &str, at: Timestamp, ttl_ms: i64) {
    if edited.get(tag).is_some_and(|edit| at.since(*edit) <= ttl_ms) {
        open.insert(tag.to_owned());
    } else {
        open.remove(tag);
    }
}

/// No window holds more starts than allowed.
pub fn limits(calls: &[Seen], is_of: impl Fn(&str) -> bool, most: u32, window_ms: i64) -> Result<(), String> {
    let starts: Vec<i64> = calls.iter().filter(|call| is_of(&call.connection)).map(|call| call.at.0).collect();
    for (first, last) in starts.iter().zip(starts.iter().skip(most as usize)) {
        if last - first < window_ms {
            return Err(format!(
                "{} calls started within {} ms of {first}; {most} may in {window_ms}",
                most + 1,
                last - first
            ));
        }
    }
    Ok(())
}

/// Every change ended once, with a reason, and the words on a tag follow one another.
pub fn endings(accepted: &[(ChangeId, Change)], deliveries: &[Delivery]) -> Result<(), String> {
    let mut ended: HashMap<ChangeId, Settled> = HashMap::new();
    let mut words: HashMap<String, ChangeId> = HashMap::new();
    for delivery in deliveries {
        for done in delivery.settled.iter().filter(|done| done.how != Settled::Moved) {
            if done.reason.is_empty() {
                return Err(format!("change {} ended without a reason", done.id));
            }
            if let Some(before) = ended.insert(done.id, done.how) {
                return Err(format!("change {} ended twice: {before:?}, {:?}", done.id, done.how));
            }
            let is_timer = done.change.terms.as_ref().is_some_and(|terms| terms.ends.is_some());
            if !is_timer
                && matches!(done.how, Settled::Applied | Settled::Already)
                && done.change.effect.tag().is_some()
            {
                let of = format!("{} {} {}", delivery.connection, delivery.contact, done.change.effect.subject());
                if let Some(before) = words.insert(of, done.id).filter(|before| *before > done.id) {
                    return Err(format!("{} took effect after {before}", done.id));
                }
            }
        }
    }
    match accepted.iter().find(|(id, _)| !ended.contains_key(id)) {
        Some((id, change)) => Err(format!("change {id} never ended: {change:?}")),
        None => Ok(()),
    }
}

/// Bodies arrive in order, each once at least, and more often only where an answer was lost.
pub fn forwards(accepted: &[(ChangeId, Change)], bodies: &[(String, String, String)]) -> Result<(), String> {
    let wanted: Vec<(String, String)> = accepted
        .iter()
        .filter_map(|(_, change)| match &change.effect {
            Effect::Forward { body } => Some((change.contact.reference.to_string(), body.canonical())),
            _ => None,
        })
        .collect();
    let mut firsts: Vec<&String> = Vec::new();
    for (_, _, body) in bodies {
        if !firsts.contains(&body) {
            firsts.push(body);
        }
    }
    let streams: BTreeSet<&String> = wanted.iter().map(|(stream, _)| stream).collect();
    for stream in streams {
        let theirs: Vec<&String> = wanted.iter().filter(|(of, _)| of == stream).map(|(_, body)| body).collect();
        let came: Vec<&String> = firsts.iter().copied().filter(|body| theirs.contains(body)).collect();
        if came != theirs {
            return Err(format!("bodies of {stream} arrived as {came:?} and not as {theirs:?}"));
        }
    }
    Ok(())
}

/// No call is spent on what fresh knowledge says is so, and what goes into one call isn't called for in two.
pub fn economy(
    calls: &[Seen],
    crashes: &[Timestamp],
    deliveries: &[Delivery],
    ttl_ms: i64,
    accepted: &[(ChangeId, Change)],
) -> Result<(), String> {
    let at: HashMap<ChangeId, Timestamp> = accepted.iter().map(|(id, change)| (*id, change.at)).collect();
    let mut known: HashMap<(&str, &str, &str), (bool, Timestamp)> = HashMap::new();
    let mut epochs = crashes.iter().peekable();
    let mut lookups: HashMap<(&str, &str), usize> = HashMap::new();
    let mut failed = 0;
    for call in calls {
        while epochs.next_if(|crash| **crash <= call.at).is_some() {
            known.clear();
        }
        let who = (call.connection.as_str(), call.contact.as_str());
        match (&call.call, &call.outcome) {
            (Call::ChangeTags(direction, tags), outcome) => {
                let there = *direction == Direction::Add;
                for tag in tags {
                    let of = (who.0, who.1, tag.as_str());
                    if let Some((state, learnt)) = known.get(&of)
                        && *state == there
                        && call.at.since(*learnt) < ttl_ms
                    {
                        return Err(format!(
                            "a call at {} for {tag} of {} {}, which was known to be so",
                            call.at.0, who.0, who.1
                        ));
                    }
                    match outcome {
                        Outcome::Done { .. } if call.answered => drop(known.insert(of, (there, call.at))),
                        Outcome::Retry { in_doubt: true, .. } | Outcome::Done { .. } => drop(known.remove(&of)),
                        _ => {}
                    }
                }
            }
            (Call::ReadTags, _) => *lookups.entry(who).or_default() += 1,
            _ => {}
        }
        if let (Some(told), true, Outcome::Done { .. }) = (&call.told, call.answered, &call.outcome) {
            for tag in TAGS {
                known.insert((who.0, who.1, tag), (told.iter().any(|told| told.as_str() == tag), call.at));
            }
        }
        failed += usize::from(!matches!(call.outcome, Outcome::Done { .. }) || !call.answered);
    }
    for ((connection, contact), count) in lookups {
        let asks = |change: &&(ChangeId, Change)| {
            let terms = change.1.terms.as_deref();
            !change.1.guard.is_open() || terms.is_some_and(|terms| !terms.exclusive.is_empty())
        };
        let most = accepted.iter().filter(asks).count() + failed + crashes.len();
        if count > most {
            return Err(format!("{count} look-ups of {connection} {contact}, and {most} could be needed"));
        }
    }
    let mut before: HashMap<(&str, &str, bool), (Timestamp, usize)> = HashMap::new();
    if failed > 0 || !crashes.is_empty() {
        return Ok(());
    }
    for delivery in deliveries {
        let tags =
            delivery.settled.iter().filter(|done| done.how == Settled::Applied && done.change.effect.tag().is_some());
        let tags: Vec<_> = tags.collect();
        let (Some(attempt), Some(first)) = (delivery.attempts.last(), tags.first()) else { continue };
        let of = (delivery.connection.as_str(), delivery.contact.as_str(), first.change.effect.wants());
        if let Some((start, count)) = before.insert(of, (attempt.at, tags.len()))
            && count < 10
            && !delivery.settled.iter().any(|done| done.change.terms.as_ref().is_some_and(|t| t.found_by.is_some()))
            && let Some(late) = tags.iter().find(|done| at.get(&done.id).is_some_and(|at| *at < start))
        {
            return Err(format!("change {} could have gone with the call at {}", late.id, start.0));
        }
    }
    Ok(())
}
