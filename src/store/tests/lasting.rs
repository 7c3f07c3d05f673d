//! Retention, migrations, faults of the disk.

use super::*;
use crate::domain::json::{Json, OwnedJson};
use crate::store::{DeadFilter, DeadQuery, DeliveryQuery, EventQuery};

async fn what_is_old_goes_and_what_waits_stays(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("old", &[("1", "x"), ("2", "y")])).await;
    bench.settle("2", vec![settled(id(1, 1), "2", "y", Settled::Applied)]).await;
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.accept(keyed("new", &[])).await;
    bench.store.retain().await.expect("retained");
    let events = bench.store.reader().events(EventQuery { limit: 10, ..EventQuery::default() }).await.expect("read");
    assert_eq!(events.items.iter().map(|e| e.ord).collect::<Vec<_>>(), [Ord(2)]);
    let taken = bench.take("1").await;
    assert_eq!((ids(&taken), taken.changes[0].1.rule.clone()), (vec![id(1, 0)], rule()));
    // Blame outlives it as well.
    assert!(
        bench
            .store
            .reader()
            .words(contact("2"))
            .await
            .expect("read")
            .contains_key(&TagName::parse("y").expect("a tag"))
    );
    bench.clock.set(START.plus_millis(62 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!(bench.rows("lot"), 0);
    let bench = bench.restart().await;
    assert_eq!(bench.accept(keyed("newest", &[])).await, Accepted::New(Ord(3)), "no number comes twice");
    assert_eq!(ids(&bench.take("1").await), [id(1, 0)]);
}

async fn a_timer_outlives_the_event_that_set_it(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("old", &[("1", "x")])).await;
    let terms = Terms { lasts_ms: Some(60 * DAY_MS as u64), ..Terms::default() }.boxed();
    let mut add = settled(id(1, 0), "1", "x", Settled::Applied);
    add.change = Change { at: START, terms, ..add.change };
    bench.settle("1", vec![add]).await;
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!((bench.rows("lot"), bench.rows("delivery")), (0, 0), "nothing tells of the event any more");
    let bench = bench.restart().await;
    let (due, reader) = (START.plus_millis(60 * DAY_MS), bench.store.reader());
    assert_eq!(reader.next_timer().await.expect("read"), Some(due));
    assert_eq!(reader.due_timers(due.plus_millis(-1), 9).await.expect("read"), []);
    let fired = reader.due_timers(due, 9).await.expect("read");
    assert_eq!(fired.iter().map(|timer| (timer.add, timer.due)).collect::<Vec<_>>(), [(id(1, 0), due)]);
    let remove = &fired[0].remove;
    assert_eq!((&remove.contact, &remove.effect, &remove.rule), (&contact("1"), &change("1", "-x").effect, &rule()));
    bench.store.end_timers(fired).await.expect("ended");
    assert_eq!(reader.next_timer().await.expect("read"), None);
}

async fn lists_go_on_where_they_ended(on: Engine) {
    let bench = Bench::on(on).await;
    for n in 0..5 {
        bench.accept(keyed(&format!("k{n}"), &[])).await;
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let query = EventQuery { before, limit: 2, ..EventQuery::default() };
        let page = bench.store.reader().events(query).await.expect("read");
        seen.extend(page.items.iter().map(|e| e.ord.0));
        let Some(next) = page.next else { break };
        before = Some(Ord(next.parse().expect("a cursor")));
    }
    assert_eq!(seen, [5, 4, 3, 2, 1]);
}

/// A body as large as one may be is part of its change, of its delivery and of its dead letter.
async fn a_page_ends_when_it_holds_enough_however_many_are_asked_for(on: Engine) {
    const MANY: usize = 12;
    let bench = Bench::on(on).await;
    let body = OwnedJson::of(Json::parse(format!("\"{}\"", "x".repeat(1 << 20)).as_bytes()).expect("JSON"));
    let change = Change::plain(contact("1"), Effect::Forward { body }, rule());
    for n in 1..=MANY as u64 {
        let event = Event::empty(SourceName::parse("bot").expect("a name"), START);
        let mut decision = Decision { rules: vec![rule()], changes: vec![change.clone()], ..Decision::default() };
        bench.store.accept(vec![Intake::of(&event, "hash", &mut decision, b"{}", b"{}")]).await.expect("stored");
        let dead = SettledChange { change: change.clone(), ..settled(id(n, 0), "1", "x", Settled::Dead) };
        bench.settle("1", vec![dead]).await;
    }
    let reader = bench.store.reader();
    let (mut events, mut letters, mut deliveries) = (Vec::new(), Vec::new(), Vec::new());
    let (mut of_events, mut of_letters, mut of_deliveries) = (Some(None), Some(None), Some(None));
    let cursor = |next: Option<String>| next.map(|text| Some(text.parse().expect("a cursor")));
    while let Some(before) = of_events {
        let page = reader.events(EventQuery { before: before.map(Ord), limit: 500, ..EventQuery::default() }).await;
        let page = page.expect("read");
        assert!(page.items.len() <= 5, "{}", page.items.len());
        events.extend(page.items.iter().map(|line| line.ord.0));
        of_events = cursor(page.next);
    }
    while let Some(before) = of_letters {
        let query = DeadQuery { before, limit: 500, ..DeadQuery::default() };
        let page = reader.dead_letters(query).await.expect("read");
        assert!(page.items.len() <= 5, "{}", page.items.len());
        letters.extend(page.items.iter().map(|letter| letter.id.clone()));
        of_letters = page.next.map(|text| Some(text.parse::<ChangeId>().expect("a cursor")));
    }
    while let Some(before) = of_deliveries {
        let query = DeliveryQuery { before, limit: 500, ..DeliveryQuery::default() };
        let page = reader.deliveries(query).await.expect("read");
        assert!(page.items.len() <= 5, "{}", page.items.len());
        deliveries.extend(page.items.iter().map(|delivery| delivery.id));
        of_deliveries = page.next.map(|text| Some(text.parse::<i64>().expect("a cursor")));
    }
    assert_eq!((events.len(), letters.len(), deliveries.len()), (MANY, MANY, MANY));
    assert_eq!(reader.dead_count_of(DeadFilter::default()).await.expect("read"), MANY);
    let view = reader.contact(contact("1")).await.expect("read");
    assert!(view.more_letters && view.letters.len() <= 5, "{}", view.letters.len());
}

#[tokio::test]
async fn a_file_of_a_newer_version_or_of_another_program_is_refused_untouched() {
    let bench = Bench::on(Engine::Sqlite).await;
    bench.store.stop();
    let db = rusqlite::Connection::open(bench.path()).expect("the file");
    db.pragma_update(None, "user_version", 99).expect("set");
    drop(db);
    assert!(matches!(open(&bench.path(), &bench.clock), Err(StoreError::Newer { found: 99, .. })));
    let foreign = bench.dir.path().join("foreign.db");
    rusqlite::Connection::open(&foreign).and_then(|db| db.execute_batch("CREATE TABLE mine (x)")).expect("made");
    assert!(matches!(open(&foreign, &bench.clock), Err(StoreError::Foreign)));
}

#[tokio::test]
async fn a_second_gateway_on_the_file_is_refused() {
    let bench = Bench::on(Engine::Sqlite).await;
    assert!(matches!(open(&bench.path(), &bench.clock), Err(StoreError::Locked)));
}

#[tokio::test]
async fn a_commit_that_fails_half_does_nothing_and_the_next_one_works() {
    let bench = Bench::on(Engine::Sqlite).await;
    bench.accept(keyed("a", &[("1", "x")])).await;
    // A real fault of the file: writes into `lot` fail as long as the trigger is there.
    let db = rusqlite::Connection::open(bench.path()).expect("the file");
    db.execute_batch("CREATE TRIGGER broken BEFORE INSERT ON lot BEGIN SELECT RAISE(ABORT, 'no'); END").expect("made");
    let failed = bench.store.accept(vec![keyed("b", &[("1", "y")]).intake(START)]).await;
    assert!(matches!(failed, Err(StoreError::Unavailable(_))));
    assert_eq!(ids(&bench.take("1").await), [id(1, 0)]);
    db.execute_batch("DROP TRIGGER broken").expect("dropped");
    assert_eq!(bench.accept(keyed("b", &[("1", "y")])).await, Accepted::New(Ord(2)));
    assert_eq!(ids(&bench.take("1").await), [id(1, 0), id(2, 0)]);
}

#[tokio::test]
async fn what_waits_for_one_connection_is_found_in_memory_and_in_the_tables() {
    let bench = Bench::on(Engine::Sqlite).await;
    bench.accept(keyed("a", &[("1", "x"), ("2", "x")])).await;
    bench.settle("2", vec![settled(id(1, 1), "2", "x", Settled::Applied)]).await;
    // A month later what waits is spread, and the rest is old.
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!(bench.rows("pending"), 1);
    bench.accept(keyed("b", &[("3", "x"), ("1", "y")])).await;
    let waiting = |name: &str| bench.store.waiting_of(ConnectionName::parse(name).expect("a name"));
    let mut keys: Vec<_> = waiting("crm").await.expect("read").into_iter().map(|one| one.key).collect();
    let mut expected = vec![contact("1").key(), contact("3").key()];
    keys.sort_unstable();
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert!(waiting("other").await.expect("read").is_empty());
}

#[tokio::test]
async fn a_copy_that_nobody_waits_for_any_more_is_not_in_the_way_of_the_next() {
    let bench = Bench::on(Engine::Sqlite).await;
    for n in 0..40 {
        let key = format!("k{n}");
        bench.accept(keyed(&key, &[("1", "x"), ("2", "y")])).await;
    }
    for _ in 0..20 {
        let reader = bench.store.reader().clone();
        // The caller goes away once the copy has begun.
        let asked = tokio::spawn(async move { reader.copy().await });
        tokio::task::yield_now().await;
        asked.abort();
        let mut copy = bench.store.reader().copy().await.expect("a copy");
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut copy, &mut bytes).expect("readable");
        let place = bench.dir.path().join("restored.db");
        std::fs::write(&place, &bytes).expect("written");
        let restored = rusqlite::Connection::open(&place).expect("a database");
        let whole: String = restored.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("whole");
        assert_eq!(whole, "ok");
        std::fs::remove_file(&place).expect("removed");
    }
}

on_each_store!(
    what_is_old_goes_and_what_waits_stays,
    a_timer_outlives_the_event_that_set_it,
    lists_go_on_where_they_ended,
    a_page_ends_when_it_holds_enough_however_many_are_asked_for,
);
