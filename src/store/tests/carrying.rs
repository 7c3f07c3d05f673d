//! From SQLite to PostgreSQL: everything looks the same there, whatever happens on the way.

use super::subscriptions::subscription;
use super::*;
use crate::domain::decision::Fault;
use crate::domain::subscription::Topic;
use crate::store::carry::{Begin, CarryError, Progress, Report, Step, Wish, carry};
use crate::store::postgres::Address;
use crate::store::{ContactQuery, DeadQuery, DeliveryQuery, EventQuery, PauseKind, Paused, Retry};

async fn carried(bench: &Bench, server: &server::Postgres, begin: Begin) -> Result<Report, CarryError> {
    let to = Address::parse(&server.url(), None).expect("an address");
    let wish = Wish { from: bench.path(), to, begin };
    // As the command does it: on a thread that no runtime is at home on.
    let done = tokio::task::spawn_blocking(move || carry(&wish, &mut |_| {}));
    done.await.expect("no panic")
}

/// A store in which there is something of everything, and much of it only in lots.
async fn full() -> Bench {
    let bench = Bench::on(Engine::Sqlite).await;
    let lasting = Terms { lasts_ms: Some(DAY_MS as u64), once_ms: Some(DAY_MS as u64), ..Terms::default() };
    for n in 1..=40_u64 {
        let contact = format!("c{}", n % 7);
        bench.accept(keyed(&format!("k{n}"), &[(&contact, "x"), (&contact, "-y"), ("other", "z")])).await;
        bench.clock.set(START.plus_millis(n as i64));
    }
    let all = |n: u64, change: u32, tag, how| {
        let contact = if change == 2 { "other".to_owned() } else { format!("c{}", n % 7) };
        settled(id(n, change), &contact, tag, how)
    };
    for n in 1..=20 {
        let mut add = all(n, 0, "x", Settled::Applied);
        add.change = Change { at: START, terms: lasting.clone().boxed(), ..add.change };
        bench.settle(&format!("c{}", n % 7), vec![add, all(n, 1, "-y", Settled::Dead)]).await;
    }
    bench.settle("other", (1..=30).map(|n| all(n, 2, "z", Settled::Superseded)).collect()).await;
    // Found under another id.
    bench.accept(keyed("moves", &[("by-mail", "x")])).await;
    let moved = SettledChange { change: change("found", "x"), ..settled(id(41, 0), "by-mail", "x", Settled::Moved) };
    bench.settle("by-mail", vec![moved]).await;
    // Forgotten, and its place with it.
    bench.accept(keyed("gone", &[("gone", "x"), ("c1", "kept")])).await;
    bench.store.forget(contact("gone")).await.expect("forgotten");
    // Repeated, twice alike and once otherwise.
    for body in ["{}", "{}", "[]"] {
        bench.accept(Sent { body, ..keyed("k3", &[]) }).await;
    }
    let source = SourceName::parse("bot").expect("a name");
    let fault = Fault { rule: rule(), at: "when".to_owned(), message: "no".to_owned() };
    let mut faulty = Decision { faults: vec![fault], ..Decision::default() };
    let event = Event::empty(source, START);
    bench.store.accept(vec![Intake::of(&event, "h", &mut faulty, b"{}", b"\"\x00\"")]).await.expect("stored");
    // Forgetting has spread what came before; this is only in lots.
    for n in 0..20 {
        bench.accept(keyed(&format!("late{n}"), &[("c4", "late"), ("other", "late")])).await;
    }
    bench.store.keep_judged(contact("c2"), vec![(id(37, 0), holds(true))]).await.expect("kept");
    let retry = Retry {
        at: START.plus_millis(5_000),
        tries: 2,
        failing_since: START,
        paused_before_ms: 7,
        reason: "no answer".to_owned(),
        throttled: false,
    };
    let failing = Settlement { retry: Some(retry), ..Settlement::of(contact("c3"), START) };
    bench.store.settle(failing).await.expect("settled");
    bench.store.keep_rule_set("hash".to_owned(), "rules: []".to_owned()).await.expect("kept");
    bench.store.keep_rule_set("Hash".to_owned(), "# ä".to_owned()).await.expect("kept");
    let crm = ConnectionName::parse("crm").expect("a name");
    let reason = "what was said\0".to_owned();
    let paused = Paused { since: Some(START), reason, before_ms: 9, kind: PauseKind::Failing };
    bench.store.keep_paused(crm.clone(), paused).await.expect("kept");
    bench.start_of(crm).await;
    assert!(bench.store.subscribe(subscription("a1", Topic::RuleFired)).await.expect("subscribed"));
    bench
}

/// All that can be looked up, in words.
async fn told(store: &Store) -> Vec<String> {
    let reader = store.reader();
    let crm = ConnectionName::parse("crm").expect("a name");
    let mut told = vec![format!("{:?}", reader.subscriptions().await.expect("read"))];
    let events = reader.events(EventQuery { limit: 500, ..EventQuery::default() }).await.expect("read");
    for line in &events.items {
        told.push(format!("{line:?} {:?}", reader.event(line.ord).await.expect("read")));
    }
    let deliveries = reader.deliveries(DeliveryQuery { limit: 500, ..DeliveryQuery::default() }).await.expect("read");
    told.push(format!("{deliveries:?}"));
    let letters = reader.dead_letters(DeadQuery { limit: 500, ..DeadQuery::default() }).await.expect("read");
    told.push(format!("{letters:?}"));
    for letter in &letters.items {
        let letter = letter.id.parse::<ChangeId>().expect("an id");
        told.push(format!("{:?}", reader.dead_event(letter).await.expect("read")));
    }
    let contacts = reader.contacts(ContactQuery { limit: 500, ..ContactQuery::default() }).await.expect("read");
    told.push(format!("{contacts:?}"));
    for id in ["c0", "c1", "c2", "c3", "c4", "c5", "c6", "other", "by-mail", "found", "gone"] {
        told.push(format!("{id}: {:?}", reader.contact(contact(id)).await.expect("read")));
        let Taken { contact, changes, more, past, retry, .. } =
            store.look(self::contact(id).key()).await.expect("read");
        told.push(format!("{id}: {contact:?} {changes:?} {more} {past:?} {retry:?}"));
    }
    told.push(format!("{:?}", reader.due_timers(START.plus_millis(9 * DAY_MS), 500).await.expect("read")));
    // A file's start says when the call was made at the latest, a shared database's when it was written.
    let starts = reader.calls_since(vec![crm.clone()], START).await.expect("read");
    told.push(starts.len().to_string());
    let paused = reader.paused(crm).await.expect("read");
    told.push(format!("{:?}", Paused { reason: paused.reason.replace('\0', "\u{fffd}"), ..paused }));
    for hash in ["hash", "Hash"] {
        told.push(format!("{:?}", reader.rule_set(hash.to_owned()).await.expect("read")));
    }
    told
}

#[tokio::test]
async fn everything_looks_the_same_and_goes_on_where_it_was() {
    let bench = full().await;
    let before = told(&bench.store).await;
    bench.store.stop();
    let spread = bench.rows("pending");
    let server = server::Postgres::start();
    let looked = carried(&bench, &server, Begin::Look).await.expect("looked");
    assert_eq!((bench.rows("meta"), bench.rows("dedup_0") + bench.rows("dedup_1") + bench.rows("dedup_2")), (4, 42));
    assert_eq!(bench.rows("pending"), spread, "a look leaves the file as it was");
    let report = carried(&bench, &server, Begin::GoOn).await.expect("carried");
    assert!(!report.resumed && report.next_event == 64, "{report:?}");
    let rows = |report: &Report| report.tables.iter().map(|t| (t.table, t.rows)).collect::<Vec<_>>();
    assert_eq!(rows(&looked), rows(&report));
    assert!(bench.rows("pending") == spread + 40 && rows(&report).contains(&("pending", spread as u64 + 40)));
    assert!(report.tables.iter().all(|t| t.copied == t.rows && t.rows > 0 && t.checksum.is_some()), "{report:?}");
    for table in &report.tables {
        let count = server.sql(server::USER, &format!("SELECT count(*) FROM {}", table.table));
        assert_eq!(count, table.rows.to_string(), "{}", table.table);
    }

    let (store, waiting, _wakes) = join(&server, &bench.clock).await;
    for (before, after) in before.iter().zip(told(&store).await) {
        assert_eq!(before, &after);
    }
    let file = crate::store::Database::Sqlite(bench.path());
    assert!(matches!(open(&bench.path(), &bench.clock), Err(StoreError::Migrated(_))), "nobody runs on both");
    assert!(file.go_back().expect("a file"));
    let (again, ours, _) = open(&bench.path(), &bench.clock).expect("the source is as usable as before");
    let keys = |mut list: Vec<Waiting>| {
        list.sort_unstable_by_key(|one| one.key);
        list.into_iter().map(|one| (one.key, one.not_before)).collect::<Vec<_>>()
    };
    assert_eq!(keys(waiting), keys(ours));
    assert_eq!(told(&again).await, before);
    again.stop();

    let after = Bench { store, server: Some(server), waiting: Vec::new(), ..bench };
    let repeated = after.accept(Sent { body: "[]", ..keyed("k7", &[("c0", "x")]) }).await;
    assert!(matches!(repeated, Accepted::Duplicate { ord: Ord(7), differs: true, .. }), "{repeated:?}");
    assert_eq!(after.accept(keyed("new", &[("c0", "new")])).await, Accepted::New(Ord(65)), "the repetition took one");
    let newest = after.store.reader().deliveries(DeliveryQuery { limit: 1, ..DeliveryQuery::default() }).await;
    let newest = newest.expect("read").items[0].id;
    let taken = after.take("c0").await;
    assert_eq!(taken.changes.last().map(|(id, _)| *id), Some(id(65, 0)));
    drop(taken);
    after.settle("c0", vec![settled(id(65, 0), "c0", "new", Settled::Applied)]).await;
    let next = after.store.reader().deliveries(DeliveryQuery { limit: 1, ..DeliveryQuery::default() }).await;
    assert!(next.expect("read").items[0].id > newest);
    let crm = ConnectionName::parse("crm").expect("a name");
    after.start_of(crm).await;
    // Nobody carries anything into what is in use, nor into what has been.
    let Bench { server: Some(server), store, .. } = &after else { panic!("a server") };
    assert!(matches!(carried(&after, server, Begin::GoOn).await, Err(CarryError::Served)));
    store.stop();
    assert!(matches!(carried(&after, server, Begin::GoOn).await, Err(CarryError::Already)));
    assert!(matches!(carried(&after, server, Begin::Anew).await, Err(CarryError::Already)));
    let other = Bench::on(Engine::Sqlite).await;
    other.store.stop();
    assert!(matches!(carried(&other, server, Begin::Anew).await, Err(CarryError::Holds("lot"))));
}

/// Positions of subscribers outlive the notices before them: a number that came again would be passed by.
#[tokio::test]
async fn numbers_of_notices_go_on_behind_those_that_are_forgotten() {
    let bench = Bench::on(Engine::Sqlite).await;
    for kind in [PauseKind::Failing, PauseKind::Refused] {
        bench.pause("crm", kind, Some(START)).await;
    }
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!(bench.rows("notice"), 0);
    bench.store.stop();
    let server = server::Postgres::start();
    carried(&bench, &server, Begin::GoOn).await.expect("carried");
    let (store, _, _wakes) = join(&server, &bench.clock).await;
    let after = Bench { store, server: None, waiting: Vec::new(), ..bench };
    after.pause("crm", PauseKind::Failing, Some(START)).await;
    assert_eq!(server.sql(server::USER, "SELECT id FROM notice"), "3");
    after.store.stop();
}

#[tokio::test]
async fn what_stopped_in_the_middle_goes_on_and_no_gateway_starts_before_the_end() {
    let bench = full().await;
    bench.store.stop();
    let server = server::Postgres::start();
    let (empty, _, _) = join(&server, &bench.clock).await;
    empty.stop();
    server.sql(
        server::USER,
        "CREATE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no room'; END $$;
         CREATE TRIGGER fails BEFORE INSERT ON delivery EXECUTE FUNCTION fails()",
    );
    let stopped = carried(&bench, &server, Begin::GoOn).await.expect_err("it fails");
    assert!(stopped.to_string().starts_with("the target: the store can't write or read: "), "{stopped}");
    let refused = Store::open_shared(
        Address::parse(&server.url(), None).expect("an address"),
        Options::new(Duration::from_hours(24), bench.clock.clone()),
        unbounded_channel().0,
    );
    let refused = refused.await.err().expect("half of it is there");
    assert!(refused.to_string().contains("run `tagrelay migrate` again"), "{refused}");
    server.sql(server::USER, "DROP TRIGGER fails ON delivery");
    assert!(carried(&bench, &server, Begin::Look).await.expect("looked").resumed);

    // Another file, and this one after something came to it.
    let other = Bench::on(Engine::Sqlite).await;
    other.store.stop();
    assert!(matches!(carried(&other, &server, Begin::GoOn).await, Err(CarryError::OtherBegun)));
    let report = carried(&bench, &server, Begin::GoOn).await.expect("carried");
    let copied = |table| report.tables.iter().find(|t| t.table == table).map(|t| (t.copied, t.rows > 0));
    assert!(report.resumed, "{report:?}");
    assert_eq!((copied("lot"), copied("contact")), (Some((0, true)), Some((0, true))), "{report:?}");
    assert!(copied("delivery").is_some_and(|(copied, _)| copied > 0), "{report:?}");
}

#[tokio::test]
async fn a_file_that_has_changed_since_is_carried_from_the_start_when_asked_for() {
    let bench = full().await;
    bench.store.stop();
    let server = server::Postgres::start();
    let (empty, _, _) = join(&server, &bench.clock).await;
    empty.stop();
    let own = server::USER;
    server.sql(
        own,
        "CREATE FUNCTION loses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.key > '\\x80' THEN NEW.words := '{}'; END IF; RETURN NEW; END $$;
        CREATE TRIGGER loses BEFORE INSERT ON contact FOR EACH ROW EXECUTE FUNCTION loses()",
    );
    let differs = carried(&bench, &server, Begin::GoOn).await.expect_err("a row is another one");
    assert!(matches!(differs, CarryError::Differs { table: "contact", .. }), "{differs}");
    assert!(differs.to_string().contains("differ: contact, key "), "{differs}");
    server.sql(own, "DROP TRIGGER loses ON contact");
    assert!(matches!(carried(&bench, &server, Begin::GoOn).await, Err(CarryError::Differs { .. })));
    let (store, _, _) = open(&bench.path(), &bench.clock).expect("the source");
    let bench = Bench { store, ..bench };
    bench.accept(keyed("later", &[("c0", "x")])).await;
    assert!(matches!(carried(&bench, &server, Begin::GoOn).await, Err(CarryError::From(StoreError::Locked))));
    bench.store.stop();
    assert!(matches!(carried(&bench, &server, Begin::GoOn).await, Err(CarryError::OtherBegun)));
    let report = carried(&bench, &server, Begin::Anew).await.expect("carried");
    assert!(!report.resumed && report.next_event == 65, "{report:?}");
}

#[tokio::test]
async fn rows_that_are_missing_or_too_many_are_told_by_their_key() {
    for (change, told) in [
        ("DELETE FROM fault", "fault, ord 43: it is missing in the target"),
        ("INSERT INTO fault VALUES (7)", "fault, ord 7: it is in the target alone"),
        ("INSERT INTO fault VALUES (99)", "fault, ord 99: it is in the target alone"),
        ("UPDATE duplicate SET differs = 1", "duplicate, ord 3, at "),
        ("UPDATE lot SET body = body || '\\x00' WHERE first = 9", "lot, first 9: it is not the same in both"),
    ] {
        let bench = full().await;
        bench.store.stop();
        let server = server::Postgres::start();
        let to = Address::parse(&server.url(), None).expect("an address");
        let wish = Wish { from: bench.path(), to, begin: Begin::GoOn };
        let (ask, asked) = std::sync::mpsc::channel();
        let (answer, answered) = std::sync::mpsc::channel();
        let done = tokio::task::spawn_blocking(move || {
            let mut first = true;
            // As soon as all is copied and nothing is compared yet, somebody else is at the database.
            carry(&wish, &mut |Progress { step, .. }| {
                if step == Step::Checking && std::mem::take(&mut first) {
                    ask.send(()).expect("heard");
                    answered.recv().expect("done");
                }
            })
        });
        let changing = tokio::task::spawn_blocking(move || {
            asked.recv().expect("it comes so far");
            server.sql(server::USER, change);
            answer.send(()).expect("heard");
            server
        });
        let server = changing.await.expect("no panic");
        let error = done.await.expect("no panic").expect_err(change).to_string();
        assert!(error.contains(told), "{error}");
        drop(server);
    }
}

#[tokio::test]
async fn keys_of_the_last_day_are_carried_each_with_its_last_event() {
    let bench = Bench::on(Engine::Sqlite).await;
    let hours = |n: i64| START.plus_millis(n * 3_600_000);
    for (hour, key) in [(0, "old"), (0, "again"), (13, "kept"), (25, "again"), (30, "new")] {
        bench.clock.set(hours(hour));
        assert!(matches!(bench.accept(keyed(key, &[])).await, Accepted::New(_)));
        // Each in the table of its span.
        bench.store.forget(contact("nobody")).await.expect("spread");
    }
    bench.store.stop();
    let server = server::Postgres::start();
    carried(&bench, &server, Begin::GoOn).await.expect("carried");
    let kept = server.sql(server::USER, "SELECT ord, at FROM dedup ORDER BY ord");
    let at = |ord: i64, hour| format!("{ord}|{}", hours(hour).0);
    assert_eq!(kept, [at(3, 13), at(4, 25), at(5, 30)].join("\n"));
    let (store, _, _) = join(&server, &bench.clock).await;
    bench.clock.set(hours(48));
    let after = Bench { store, server: Some(server), ..bench };
    assert!(matches!(after.accept(keyed("again", &[])).await, Accepted::Duplicate { ord: Ord(4), .. }));
    assert!(matches!(after.accept(keyed("kept", &[])).await, Accepted::New(_)));
    after.store.stop();
}
