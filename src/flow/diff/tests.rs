//! What `diff` promises, on events made here.

use proptest::prelude::*;

use super::*;
use crate::domain::change::{Change, ChangeId, Effect, Terms};
use crate::domain::contact::ContactRef;
use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::tag::TagName;
use crate::rules::{RuleFile, check};

const HEAD: &str = r#"
sources:
  bot: { kind: catch, auth: none, type: "{{ payload.event }}", intent: "{{ payload.intent }}", contact: "{{ payload.id }}" }
connections:
  crm: { provider: helpcrunch, api_key: env:K, exclusive: ["stage:*"] }
  sales: { provider: webhook, url: env:U }
rules:
"#;
const HOT: &str = "  - { id: hot, when: payload.budget >= 100, tag: { crm: { add: [Hot] } } }\n";
const COLD: &str = "  - { id: cold, when: payload.budget < 100, tag: { crm: { add: [Cold] } } }\n";

fn set(rules: &str) -> Catalog {
    let text = format!("{HEAD}{rules}");
    let checked = check(&[RuleFile { path: "rules.yaml".to_owned(), text }]);
    checked.catalog.unwrap_or_else(|| panic!("{:?}", checked.findings))
}

/// An event of a contact, a second after the one before.
fn event(id: u64, body: &str) -> Recorded {
    let at = Timestamp(1_800_000_000_000).plus_millis(id as i64 * 1_000);
    Recorded {
        id,
        source: SourceName::parse("bot").expect("a name"),
        intent: None,
        rules: Vec::new(),
        received_at: at,
        accepted_at: at,
        replay_of: None,
        forgotten: false,
        query: Vec::new(),
        headers: Vec::new(),
        body: body.to_owned(),
        body_base64: None,
        changes: Vec::new(),
    }
}

fn compare(base: &str, new: &str, events: &[Recorded]) -> Difference {
    let (base, new) = (set(base), set(new));
    let mut diff = Diff::new(&base, &new, 5);
    for event in events {
        diff.take(event);
    }
    diff.end()
}

fn budgets(budgets: &[u32]) -> Vec<Recorded> {
    let body = |(n, budget): (usize, &u32)| event(n as u64 + 1, &format!(r#"{{"id":"c{}","budget":{budget}}}"#, n % 7));
    budgets.iter().enumerate().map(body).collect()
}

/// What of the contacts differs, in a line each.
fn ends(difference: &Difference) -> Vec<String> {
    let end = |end: &Option<String>| end.clone().unwrap_or_else(|| "-".to_owned());
    let line = |row: &ContactRow| {
        let words = row.words.iter().map(|w| format!("{} {} > {}", w.name, end(&w.ends.base), end(&w.ends.new)));
        format!("{} {}: {}", row.connection, row.contact, words.collect::<Vec<_>>().join(", "))
    };
    difference.contacts.iter().map(line).collect()
}

proptest! {
    #[test]
    fn the_same_set_differs_in_nothing(all in prop::collection::vec(0_u32..300, 0..60)) {
        let rules = format!("{HOT}{COLD}");
        let difference = compare(&rules, &rules, &budgets(&all));
        prop_assert!(difference.same);
        prop_assert_eq!(difference.events.judged, all.len() as u64);
    }

    #[test]
    fn rules_that_can_not_meet_may_change_places(all in prop::collection::vec(0_u32..300, 0..60)) {
        let difference = compare(&[HOT, COLD].concat(), &[COLD, HOT].concat(), &budgets(&all));
        prop_assert!(difference.same);
    }

    #[test]
    fn a_changed_threshold_differs_in_exactly_the_events_between(
        all in prop::collection::vec(0_u32..300, 0..60),
        threshold in 0_u32..300,
    ) {
        let other = HOT.replace("100", &threshold.to_string());
        let difference = compare(HOT, &other, &budgets(&all));
        let between = |budget: u32| (budget >= 100) != (budget >= threshold);
        let expected = all.iter().filter(|budget| between(**budget)).count() as u64;
        prop_assert_eq!(difference.totals.events_different, expected);
        prop_assert_eq!((difference.totals.rules, difference.totals.replies), (expected, 0));
        let moved: u64 = difference.rules.iter().map(|rule| rule.gained + rule.lost).sum();
        prop_assert_eq!(moved, expected);
        let ids: Vec<u64> = difference.examples.iter().map(|row| row.id.parse().expect("a number")).collect();
        let first = all.iter().enumerate().filter(|(_, budget)| between(**budget)).map(|(n, _)| n as u64 + 1).take(5);
        prop_assert_eq!(ids, first.collect::<Vec<_>>());
    }

    #[test]
    fn two_runs_say_the_same_to_the_byte(all in prop::collection::vec(0_u32..300, 0..60)) {
        let run = || serde_json::to_string(&compare(&format!("{HOT}{COLD}"), &HOT.replace("100", "50"), &budgets(&all)));
        prop_assert_eq!(run().expect("JSON"), run().expect("JSON"));
    }

    #[test]
    fn no_window_of_the_forecast_holds_more_than_the_allowance(
        all in prop::collection::vec((0_u32..40, 0_u32..300), 1..200),
    ) {
        let body = |(n, (contact, budget)): (usize, &(u32, u32))| Recorded {
            // All at once: what piles up is folded.
            accepted_at: Timestamp(1_800_000_000_000),
            ..event(n as u64 + 1, &format!(r#"{{"id":"c{contact}","budget":{budget}}}"#))
        };
        let events: Vec<Recorded> = all.iter().enumerate().map(body).collect();
        let (base, new) = (set(HOT), set("  - { id: every, tag: { crm: { add: [\"B {{ payload.budget }}\"] } } }\n"));
        let mut diff = Diff::new(&base, &new, 0);
        for event in &events {
            diff.take(event);
        }
        let difference = diff.end();
        let row = difference.connections.iter().find(|row| row.connection.as_str() == "crm").expect("crm");
        let calls = row.forecast.new.as_ref().expect("both have it");
        prop_assert!(calls.busiest <= 120);
        let contacts = all.iter().map(|(contact, _)| contact).collect::<std::collections::BTreeSet<_>>().len() as u64;
        // One call a contact, for all that came at once, and for more where a tag call is full.
        prop_assert!(calls.calls >= contacts && calls.calls <= contacts * 4, "{} calls for {contacts} contacts", calls.calls);
    }
}

#[test]
fn rules_that_meet_and_say_two_things_of_one_tag_may_not_change_places() {
    let add = "  - { id: add, tag: { crm: { add: [Lead] } } }\n";
    let remove = "  - { id: remove, tag: { crm: { remove: [Lead] } } }\n";
    let events = [event(1, r#"{"id":"7"}"#)];
    let difference = compare(&format!("{add}{remove}"), &format!("{remove}{add}"), &events);
    assert_eq!((difference.totals.changes, difference.totals.rules), (1, 0));
    assert_eq!(ends(&difference), ["crm id:7: Lead removed > added"]);
    let other = "  - { id: other, tag: { crm: { add: [Other] } } }\n";
    assert!(compare(&format!("{add}{other}"), &format!("{other}{add}"), &events).same);
}

#[test]
fn guards_exclusive_tags_times_and_once_see_what_happened_before() {
    let stage = |guard: &str| {
        format!(
            "  - {{ id: new, match: {{ type: new }}, tag: {{ crm: {{ add: [\"stage:new\"] }} }} }}\n  \
               - {{ id: won, match: {{ type: won }}, tag: {{ crm: {{ add: [\"stage:won\"]{guard} }} }} }}\n"
        )
    };
    let events = [event(1, r#"{"id":"7","event":"new"}"#), event(2, r#"{"id":"7","event":"won"}"#)];
    let guarded = stage(", unless_tagged: [\"stage:new\"]");
    let difference = compare(&stage(""), &guarded, &events);
    assert_eq!(ends(&difference), ["crm id:7: stage:new removed > added, stage:won added > -"]);
    assert_eq!(difference.rules.iter().map(|rule| rule.otherwise).collect::<Vec<_>>(), [0, 1]);
    // A tag for a second is gone when the second event comes, and one for an hour isn't.
    let lasting = |time: &str| {
        format!(
            "  - {{ id: hot, match: {{ type: new }}, tag: {{ crm: {{ add: [{{ name: Hot, for: {time} }}] }} }} }}\n"
        )
    };
    assert_eq!(ends(&compare(&lasting("1s"), &lasting("1h"), &events)), ["crm id:7: Hot removed > added"]);
    let once = |time: &str| {
        format!("  - {{ id: gift, once: {time}, forward: {{ sales: {{ to: \"{{{{ payload.id }}}}\" }} }} }}\n")
    };
    let calls = compare(&once("1s"), &once("1h"), &events).connections;
    let of =
        |row: &ConnectionRow| (row.forecast.base.as_ref().map(|c| c.calls), row.forecast.new.as_ref().map(|c| c.calls));
    assert_eq!(calls.iter().map(of).collect::<Vec<_>>(), [(Some(0), Some(0)), (Some(2), Some(1))]);
}

#[test]
fn calls_are_folded_remembered_and_looked_up_as_in_deliveries() {
    let by_mail = "  - { id: lead, contact: { email: \"{{ payload.mail }}\" }, tag: { crm: { add: [Lead] } } }\n";
    let events: Vec<Recorded> =
        [1, 2, 120].into_iter().map(|id| event(id, r#"{"id":"7","mail":"ana@example.com"}"#)).collect();
    let difference = compare(by_mail, "  - { id: lead, tag: { crm: { add: [Lead] } } }\n", &events);
    let crm = &difference.connections[0];
    let calls = |row: &Option<CallsRow>| row.as_ref().map(|row| (row.calls, row.busiest, row.wait_longest_ms));
    // The second event is within `tag_cache`; a search comes before the call where the person is named by an address.
    assert_eq!((calls(&crm.forecast.base), calls(&crm.forecast.new)), (Some((4, 2, 400)), Some((2, 1, 200))));
    assert_eq!(crm.forecast.new.as_ref().expect("there").allowance, "120/min");
}

#[test]
fn what_is_not_judged_is_counted_and_what_people_did_is_the_same_for_both() {
    let by_hand = |id: u64, effect: Effect, ends: Option<u64>, source: &str| {
        let contact = Contact {
            connection: ConnectionName::parse("crm").expect("a name"),
            reference: ContactRef::Id("7".to_owned()),
        };
        let terms = Terms { ends: ends.map(|ord| ChangeId { ord: Ord(ord), index: 0 }), ..Terms::default() }.boxed();
        let change = Change { terms, ..Change::plain(contact, effect, RuleId::parse("r").expect("a name")) };
        Recorded { source: SourceName::parse(source).expect("a name"), changes: vec![change], ..event(id, "{}") }
    };
    let tag = |name: &str| TagName::parse(name).expect("a tag");
    let events = [
        by_hand(5, Effect::AddTag(tag("VIP")), None, "tagrelay.api"),
        by_hand(6, Effect::RemoveTag(tag("Old")), Some(2), "tagrelay.timer"),
        by_hand(7, Effect::RemoveTag(tag("Hot")), Some(5), "tagrelay.timer"),
        Recorded { forgotten: true, body: String::new(), ..event(8, "") },
        Recorded { replay_of: Some("3".to_owned()), ..event(9, r#"{"id":"7","budget":500}"#) },
        event(10, r#"{"id":"7","budget":500}"#),
    ];
    let guarded = HOT.replace("[Hot]", "[Hot], unless_tagged: [VIP]");
    let difference = compare(HOT, &guarded, &events);
    let EventCounts { judged, by_hand, replays, forgotten, left_out, .. } = difference.events;
    assert_eq!((judged, by_hand, replays, forgotten, left_out), (1, 2, 1, 1, 1));
    assert_eq!(ends(&difference), ["crm id:7: Hot added > -"]);
}

#[test]
fn an_event_that_a_set_would_not_take_is_told_with_the_reason() {
    let (base, elsewhere) = (set(HOT), HEAD.replace("  bot:", "  web:"));
    let checked = check(&[RuleFile { path: "r.yaml".to_owned(), text: format!("{elsewhere}{HOT}") }]);
    let new = checked.catalog.expect("clean");
    let mut diff = Diff::new(&base, &new, 5);
    diff.take(&event(1, r#"{"id":"7","budget":500}"#));
    diff.take(&event(2, "{"));
    let difference = diff.end();
    assert_eq!((difference.totals.taken, difference.totals.events_different), (2, 2));
    let told: Vec<_> =
        difference.not_taken.iter().map(|row| (row.why.as_str(), row.events.base, row.events.new)).collect();
    assert_eq!(told, [("bot can't read the body", 1, 0), ("there is no source bot", 0, 2)]);
    assert!(!difference.same);
}

#[test]
fn faults_are_told_where_their_number_differs() {
    let plan = "  - { id: plan, tag: { crm: { add: [\"Plan {{ payload.plan }}\"] } } }\n";
    let mended = plan.replace("payload.plan", "payload.plan | default('free')");
    let difference = compare(plan, &mended, &[event(1, r#"{"id":"7"}"#), event(2, r#"{"id":"7","plan":"pro"}"#)]);
    assert_eq!((difference.totals.faulty.base, difference.totals.faulty.new), (1, 0));
    let [fault] = difference.faults.as_slice() else { panic!("{difference:?}") };
    assert_eq!(
        (fault.rule.as_str(), fault.at.as_str(), fault.events),
        ("plan", "tag.crm.add[0]", Both { base: 1, new: 0 })
    );
    assert_eq!(
        (difference.rules[0].otherwise, difference.examples[0].differs_in.as_slice()),
        (1, &["changes", "faults"][..])
    );
}

#[test]
fn recorded_events_leave_as_json_and_come_back_as_they_were() {
    let odd = Recorded {
        query: vec![("a".to_owned(), "1".to_owned())],
        body_base64: Some("/w==".to_owned()),
        replay_of: Some("3".to_owned()),
        ..event(7, "{\"n\":10000000000000000001}")
    };
    let text = serde_json::to_string(&odd).expect("JSON");
    assert_eq!(serde_json::from_str::<Recorded>(&text).expect("the same"), odd);
    assert_eq!(odd.bytes(), [0xff]);
}
