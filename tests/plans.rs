//! What PostgreSQL is asked all day is found by an index: the plans of the real statements, as the server itself logs them.
#![allow(clippy::print_stderr, reason = "a test that fails shows the log of its server")]

#[path = "support/postgres.rs"]
#[expect(dead_code, reason = "other tests need the rest of it")]
mod postgres;

use std::collections::BTreeSet;
use std::time::Duration;

use postgres::{Postgres, USER};
use tagrelay::clock::{self, Clock};
use tagrelay::domain::change::{Change, Effect, Settled, Terms};
use tagrelay::domain::contact::{Contact, ContactRef};
use tagrelay::domain::decision::Decision;
use tagrelay::domain::event::Event;
use tagrelay::domain::name::{ConnectionName, RuleId, SourceName};
use tagrelay::domain::tag::TagName;
use tagrelay::store::postgres::Address;
use tagrelay::store::{Accepted, Intake, Options, SettledChange, Settlement, Start, Store, Taken};
use tokio::sync::mpsc::unbounded_channel;

/// As many rows as make a scan cost something. The inbox's are of a bucket that there isn't, so that nobody fetches them.
const ROWS: [&str; 12] = [
    // In three partitions behind those that there are.
    "DO $$ BEGIN FOR n IN 2 .. 4 LOOP
        EXECUTE format('CREATE TABLE lot_%s PARTITION OF lot FOR VALUES FROM (%s) TO (%s)', n * 65536, n * 65536, (n + 1) * 65536);
     END LOOP; END $$",
    "INSERT INTO lot (first, at, events, body) SELECT n, 0, 1, '' FROM generate_series(20000, 300000, 2) n",
    "SELECT setval('event_number', 270000)",
    "INSERT INTO dedup (key, ord, at) SELECT decode(md5(n::text), 'hex'), n, n FROM generate_series(1, 50000) n",
    "INSERT INTO pending (run, contact, ord, ix, change) SELECT 0, decode(md5(n::text), 'hex'), n, 0, 'x' FROM generate_series(1, 50000) n",
    "INSERT INTO contact (key, connection, reference, words, guards, more)
        SELECT decode(md5(n::text), 'hex'), 'crm', '', '', '', '' FROM generate_series(1, 50000) n",
    "INSERT INTO delivery (id, at, contact, body) SELECT -n, 0, decode(md5(n::text), 'hex'), '' FROM generate_series(1, 50000) n",
    "INSERT INTO inbox (bucket, contact, connection, what, at)
        SELECT 300, decode(md5(n::text), 'hex'), '', n % 2, 0 FROM generate_series(1, 50000) n",
    "INSERT INTO news (xid, contacts, connections) SELECT '3', '{}', '{}' FROM generate_series(1, 50000)",
    "INSERT INTO started (connection, at) SELECT 'other', n FROM generate_series(1, 50000) n",
    "INSERT INTO timer (due, ord, ix, remove, contact)
        SELECT 9000000000000 + n, n, 0, '', decode(md5(n::text), 'hex') FROM generate_series(1, 50000) n",
    "INSERT INTO forgotten (contact, upto, at) SELECT decode(md5(n::text), 'hex'), 0, 0 FROM generate_series(1, 50000) n",
];

/// Tables that stay small: as many rows as there are buckets, gateways or connections; numbers, and what tells which partitions there are.
const SMALL: [&str; 10] = [
    "bucket",
    "gateway",
    "connection",
    "meta",
    "tagrelay",
    "rule_set",
    "event_number",
    "delivery_number",
    "pg_inherits",
    "pg_class",
];

fn contact(id: &str) -> Contact {
    let connection = ConnectionName::parse("crm").expect("a name");
    Contact { connection, reference: ContactRef::Id(id.to_owned()) }
}

fn event(key: &str, id: &str, lasts_ms: Option<u64>) -> Intake {
    let source = SourceName::parse("bot").expect("a name");
    let event = Event { key: Some(key.into()), ..Event::empty(source, clock::now()) };
    let rule = RuleId::parse("a-rule").expect("a name");
    let tag = TagName::parse("Lead").expect("a tag");
    let mut change = Change::plain(contact(id), Effect::AddTag(tag), rule.clone());
    change.terms = Terms { lasts_ms, ..Terms::default() }.boxed();
    let mut decision = Decision { rules: vec![rule], changes: vec![change], ..Decision::default() };
    Intake::of(&event, "hash", &mut decision, b"", b"{}")
}

/// What a gateway does for an event, from its acceptance to the last word.
async fn serve(server: &Postgres, store: &Store, number: usize) {
    let (key, id) = (format!("event-{number}"), format!("{number}"));
    let sent = || vec![event(&key, &id, Some(60_000))];
    assert!(matches!(store.accept(sent()).await.expect("accepted")[..], [Accepted::New(_)]));
    assert!(matches!(store.accept(sent()).await.expect("accepted")[..], [Accepted::Duplicate { .. }]));
    let contact = contact(&id);
    let Taken { changes, hold, .. } = store.take(contact.key()).await.expect("taken");
    let connection = contact.connection.clone();
    let sharing = vec![connection.clone()];
    let start = Start { connection, at: clock::now(), sharing, limits: vec![(1_000, 60_000)] };
    store.start(start).await.expect("started");
    let settled = changes.into_iter().map(|(id, change)| {
        let (how, reason) = (Settled::Applied, String::new());
        SettledChange { id, change, how, reason, others: Vec::new(), cause: None }
    });
    let settlement = Settlement { settled: settled.collect(), ..Settlement::of(contact, clock::now()) };
    assert_eq!(settlement.settled.len(), 1, "the contact has one change");
    store.settle(settlement).await.expect("settled");
    drop(hold);
    // As if another gateway had written something.
    server.sql(USER, "NOTIFY tagrelay, '999'");
    store.reader().due_timers(clock::now(), 10).await.expect("read");
    store.reader().next_timer().await.expect("read");
}

/// The most partitions of a table that one plan has, among plans whose statement has these words.
fn partitions(log: &str, table: &str, words: &str) -> usize {
    let plans = log.split("Query Text: ").filter(|plan| plan.contains(words));
    let before = format!(" on {table}_");
    let named = plans.map(|plan| {
        let on = plan.split(&before).skip(1);
        on.filter_map(|rest| rest.split(|letter: char| !letter.is_alphanumeric()).next()).collect::<BTreeSet<_>>().len()
    });
    named.max().unwrap_or_else(|| panic!("no plan of {words}"))
}

/// The tables that were looked through from one end to the other.
fn scanned(log: &str) -> BTreeSet<&str> {
    let after = log.split("Seq Scan on ").skip(1);
    after.filter_map(|rest| rest.split([' ', '\n']).next()).filter(|table| !SMALL.contains(table)).collect()
}

#[tokio::test]
async fn whatever_is_asked_for_each_event_and_each_beat_is_found_by_an_index() {
    let server = Postgres::start();
    let settings = [
        ("session_preload_libraries", "auto_explain"),
        ("auto_explain.log_min_duration", "0"),
        ("auto_explain.log_nested_statements", "on"),
    ];
    for (name, value) in settings {
        server.sql("postgres", &format!("ALTER DATABASE {USER} SET {name} = '{value}'"));
    }
    let (wake, _wakes) = unbounded_channel();
    let options = Options::new(Duration::from_hours(24), Clock::system());
    let address = Address::parse(&server.url(), None).expect("an address");
    let store = Store::open_shared(address, options, wake).await.expect("joined");
    // Plans that were made while the tables were empty: a session keeps those of functions for long.
    for number in 0..8 {
        serve(&server, &store, number).await;
    }
    for rows in ROWS {
        server.sql(USER, rows);
    }
    let early = server.log();
    assert!(early.contains("Query Text: "), "the server logs no plans");
    for number in 10..18 {
        serve(&server, &store, number).await;
    }
    let log = server.log();
    let of_functions = log.get(early.len()..).unwrap_or_default();
    assert_eq!(scanned(of_functions), BTreeSet::new(), "before the tables were analysed:\n{of_functions}");
    server.sql(USER, "ANALYZE");
    let before = server.log().len();
    for number in 20..28 {
        serve(&server, &store, number).await;
    }
    // Two beats without anything to do.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    let log = server.log();
    let log = log.get(before..).unwrap_or_default();
    for words in [
        "INSERT INTO pending",
        "FROM started",
        "FROM inbox",
        "FROM news",
        "FROM hear_1",
        "DELETE FROM pending",
        "INSERT INTO delivery",
        "FROM timer",
        "FROM contact",
    ] {
        assert!(log.contains(words), "no plan of {words}");
    }
    assert_eq!(scanned(log), BTreeSet::new(), "{log}");
    // What repeats an event is answered from its lot: where the number is known, one partition is read.
    for words in ["FROM lot WHERE first < $1 AND first >= $2", "INSERT INTO lot", "INSERT INTO delivery"] {
        let table = if words.ends_with("delivery") { "delivery" } else { "lot" };
        let read = partitions(log, table, words);
        assert!(read <= 1, "{read} partitions of {table}: {words}\n{log}");
    }
    assert!(log.contains(" on lot_262144"), "the lot of the repeated event was read");
    store.stop();
}
