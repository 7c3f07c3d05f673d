//! What a subscriber is told of something that was written: one body for each thing that happened.

use serde_json::{Map, Value, json};

use crate::domain::change::{Effect, Settled};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::subscription::{Narrowed, Topic};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::store::{Delivery, EventHead, Notice, SettledChange, Written};

/// The sources of the gateway's own events: what it does by itself is no rule that fires.
const OWN: &str = "tagrelay.";

/// One body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    /// The same each time that it is sent.
    pub id: String,
    pub body: Value,
}

impl Told {
    fn of(topic: Topic, place: &str, at: Timestamp, data: Value) -> Self {
        let id = format!("{}-{place}", topic.name());
        let mut body = json!({ "id": id, "type": topic.name(), "timestamp": at.to_string() });
        body["data"] = data;
        Self { id, body }
    }
}

/// All of a topic that something tells, narrowed.
pub(super) fn of(topic: Topic, narrowed: &Narrowed, written: &Written) -> Vec<Told> {
    match (topic, written) {
        (Topic::RuleFired, Written::Event(ord, at, head)) => fired(narrowed, &ord.to_string(), *at, head),
        (Topic::ConnectionPaused, Written::Notice(notice)) => paused(narrowed, notice),
        (_, Written::Delivery(delivery)) => {
            delivery.settled.iter().flat_map(|done| settled(topic, narrowed, delivery, done)).collect()
        }
        _ => Vec::new(),
    }
}

fn settled(topic: Topic, narrowed: &Narrowed, delivery: &Delivery, done: &SettledChange) -> Vec<Told> {
    let change = &done.change;
    let (connection, rule) = (Some(change.contact.connection.as_str()), Some(change.rule.as_str()));
    let place = format!("{}-{}", delivery.id, done.id);
    let mut data = who(&change.contact);
    let more =
        [("rule", json!(change.rule)), ("event", json!(done.id.ord.to_string())), ("delivery", json!(delivery.id))];
    data.extend(more.map(|(name, value)| (name.to_owned(), value)));
    let about_tag = |place: &str, tag: &str| {
        let mut data = data.clone();
        data.insert("tag".to_owned(), json!(tag));
        narrowed
            .lets_through(connection, rule, Some(tag))
            .then(|| Told::of(topic, place, delivery.at, Value::Object(data)))
    };
    match (topic, done.how, &change.effect) {
        (Topic::TagAdded, Settled::Applied, Effect::AddTag(tag))
        | (Topic::TagRemoved, Settled::Applied, Effect::RemoveTag(tag)) => {
            about_tag(&place, tag.as_str()).into_iter().collect()
        }
        // What went with an exclusive one.
        (Topic::TagRemoved, Settled::Applied, Effect::AddTag(_)) => {
            let others = done.others.iter().enumerate();
            others.filter_map(|(index, tag)| about_tag(&format!("{place}-{index}"), tag.as_str())).collect()
        }
        (Topic::DeadLetter, Settled::Dead, effect) => {
            let tag = effect.tag().map(TagName::as_str);
            let cause = done.cause.unwrap_or_default();
            let more = [
                ("change", json!(done.id.to_string())),
                ("wanted", json!(effect.word())),
                ("subject", json!(effect.subject())),
                ("cause", json!(cause)),
                ("needs", json!(cause.needs())),
                ("reason", json!(done.reason)),
            ];
            data.extend(more.map(|(name, value)| (name.to_owned(), value)));
            let is_wanted = narrowed.lets_through(connection, rule, tag);
            is_wanted.then(|| Told::of(topic, &place, delivery.at, Value::Object(data))).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// A contact as it is told: as the API names it, and its bare id where that is known.
fn who(contact: &Contact) -> Map<String, Value> {
    let id = match &contact.reference {
        ContactRef::Id(id) => json!(id),
        _ => Value::Null,
    };
    let all = [
        ("connection", json!(contact.connection)),
        ("contact", json!(contact.reference.to_string())),
        ("contact_id", id),
    ];
    all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn fired(narrowed: &Narrowed, event: &str, at: Timestamp, head: &EventHead) -> Vec<Told> {
    if head.source.as_str().starts_with(OWN) {
        return Vec::new();
    }
    let rules = head.rules.iter().filter(|rule| narrowed.lets_through(None, Some(rule.as_str()), None));
    let told = rules.map(|rule| {
        let mut contacts: Vec<Value> = Vec::new();
        for change in head.changes.iter().filter(|change| change.rule == *rule) {
            let contact = Value::Object(who(&change.contact));
            if !contacts.contains(&contact) {
                contacts.push(contact);
            }
        }
        let data = json!({
            "rule": rule,
            "event": event,
            "source": head.source,
            "event_type": head.kind,
            "intent": head.intent,
            "language": head.language,
            "received_at": head.received_at.to_string(),
            "replay_of": head.replay_of.map(|of| of.to_string()),
            "contacts": contacts,
        });
        Told::of(Topic::RuleFired, &format!("{event}-{rule}"), at, data)
    });
    told.collect()
}

fn paused(narrowed: &Narrowed, notice: &Notice) -> Vec<Told> {
    if !narrowed.lets_through(Some(notice.connection.as_str()), None, None) {
        return Vec::new();
    }
    let state = if notice.kind == "failing" { "open" } else { "paused" };
    let data = json!({ "connection": notice.connection, "state": state, "reason": notice.reason });
    vec![Told::of(Topic::ConnectionPaused, &notice.id.to_string(), notice.at, data)]
}

/// What stands for a sample as long as nothing has happened.
pub(super) fn example(topic: Topic) -> Value {
    let who = json!({ "connection": "crm", "contact": "id:1568834", "contact_id": "1568834" });
    let with = |more: Value| {
        let mut all = who.as_object().cloned().unwrap_or_default();
        all.extend(more.as_object().cloned().unwrap_or_default());
        Value::Object(all)
    };
    let data = match topic {
        Topic::TagAdded | Topic::TagRemoved => {
            with(json!({ "rule": "pricing-lead", "event": "17", "delivery": 93, "tag": "Lead" }))
        }
        Topic::DeadLetter => with(json!({
            "rule": "pricing-lead", "event": "17", "delivery": 93, "change": "17.0", "wanted": "add", "subject": "Lead",
            "cause": "unknown_contact", "needs": "mend", "reason": "the provider knows no such contact",
        })),
        Topic::RuleFired => json!({
            "rule": "pricing-lead", "event": "17", "source": "website-bot", "event_type": null, "intent": "pricing.inquiry",
            "language": "es", "received_at": "2026-03-02T20:00:00.000Z", "replay_of": null, "contacts": [who],
        }),
        Topic::ConnectionPaused => {
            json!({ "connection": "crm", "state": "paused", "reason": "the credentials are refused (401)" })
        }
    };
    let at = Timestamp(1_772_481_600_000);
    Told::of(topic, "example", at, data).body
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cause::Cause;
    use crate::domain::change::{Change, ChangeId, Ord};
    use crate::domain::name::{ConnectionName, RuleId};

    fn tag(name: &str) -> TagName {
        TagName::parse(name).expect("a tag")
    }

    /// A delivery in which one change ended so.
    fn delivered(effect: Effect, how: Settled) -> Written {
        let connection = ConnectionName::parse("crm").expect("a name");
        let contact = Contact { connection: connection.clone(), reference: ContactRef::Id("7".to_owned()) };
        let change = Change::plain(contact.clone(), effect, RuleId::parse("lead").expect("a name"));
        let done = SettledChange {
            id: ChangeId { ord: Ord(17), index: 0 },
            change,
            how,
            reason: "a test".to_owned(),
            others: vec![tag("Plan a"), tag("Plan b")],
            cause: Some(Cause::UnknownContact),
        };
        Written::Delivery(Box::new(Delivery {
            id: 93,
            at: Timestamp(0),
            connection,
            contact: contact.reference.to_string(),
            settled: vec![done],
            attempts: Vec::new(),
            made_for: Vec::new(),
            retry: None,
        }))
    }

    fn ids(topic: Topic, narrowed: &Narrowed, written: &Written) -> Vec<String> {
        of(topic, narrowed, written).into_iter().map(|told| told.id).collect()
    }

    #[test]
    fn only_what_was_brought_about_is_told_with_what_went_along() {
        let all = Narrowed::default();
        let added = delivered(Effect::AddTag(tag("Plan c")), Settled::Applied);
        assert_eq!(ids(Topic::TagAdded, &all, &added), ["tag.added-93-17.0"]);
        assert_eq!(ids(Topic::TagRemoved, &all, &added), ["tag.removed-93-17.0-0", "tag.removed-93-17.0-1"]);
        let of_a = Narrowed { tag: Some("*a".to_owned()), ..Narrowed::default() };
        assert_eq!(ids(Topic::TagRemoved, &of_a, &added), ["tag.removed-93-17.0-0"]);
        assert!(ids(Topic::TagAdded, &of_a, &added).is_empty() && ids(Topic::DeadLetter, &all, &added).is_empty());
        let removed = delivered(Effect::RemoveTag(tag("Lead")), Settled::Applied);
        assert_eq!(ids(Topic::TagRemoved, &all, &removed), ["tag.removed-93-17.0"]);
        for how in
            [Settled::Already, Settled::Superseded, Settled::Guarded, Settled::DryRun, Settled::Moved, Settled::Dead]
        {
            let other = delivered(Effect::AddTag(tag("Lead")), how);
            assert!(ids(Topic::TagAdded, &all, &other).is_empty(), "{how:?}");
        }
    }

    #[test]
    fn a_dead_letter_says_what_it_needs() {
        let dead = delivered(Effect::AddTag(tag("Lead")), Settled::Dead);
        let told = of(Topic::DeadLetter, &Narrowed::default(), &dead);
        assert_eq!(told.len(), 1);
        let data = &told[0].body["data"];
        assert_eq!((&data["cause"], &data["needs"]), (&json!("unknown_contact"), &json!("mend")));
        assert_eq!((&data["change"], &data["subject"]), (&json!("17.0"), &json!("Lead")));
        let other = Narrowed { rule: Some("other".to_owned()), ..Narrowed::default() };
        assert!(of(Topic::DeadLetter, &other, &dead).is_empty());
    }

    #[test]
    fn an_example_has_the_members_of_what_happens() {
        let names = |body: &Value| body["data"].as_object().map(|data| data.keys().cloned().collect::<Vec<_>>());
        let all = Narrowed::default();
        for (topic, how) in [(Topic::TagAdded, Settled::Applied), (Topic::DeadLetter, Settled::Dead)] {
            let told = of(topic, &all, &delivered(Effect::AddTag(tag("Lead")), how));
            assert_eq!(names(&told[0].body), names(&example(topic)), "{}", topic.name());
        }
    }
}
