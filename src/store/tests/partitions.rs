//! PostgreSQL's tables in partitions: made ahead of need, dropped whole once all in them is old, and never in anybody's way.

use std::time::Instant;

use super::server::USER;
use super::*;
use crate::store::EventQuery;
use crate::store::postgres::schema::set_up_to;
use crate::store::postgres::{Address, Session};

/// The narrowest partition.
const STEP: u64 = 65_536;

impl Bench {
    fn sql(&self, text: &str) -> String {
        self.server.as_ref().expect("PostgreSQL").sql(USER, text)
    }

    /// The names of a table's partitions and how many rows are in each.
    fn partitions(&self, table: &str) -> Vec<(String, i64)> {
        let sql = format!("SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = '{table}'::regclass");
        let mut names: Vec<String> = self.sql(&sql).lines().map(ToOwned::to_owned).collect();
        names.sort_unstable_by_key(|name| (name.len(), name.clone()));
        names.into_iter().map(|name| (name.clone(), self.rows(&name))).collect()
    }

    /// The same once there are so many partitions.
    fn partitions_once(&self, table: &str, many: usize) -> Vec<(String, i64)> {
        let start = Instant::now();
        loop {
            let found = self.partitions(table);
            if found.len() == many || start.elapsed() > Duration::from_secs(20) {
                assert_eq!(found.len(), many, "{found:?}");
                return found;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Numbers go on from here, as if so many events and deliveries had been.
    fn go_on_at(&self, number: u64) {
        self.sql(&format!(
            "SELECT setval('event_number', {number}, false), setval('delivery_number', {number}, false)"
        ));
    }

    /// An event that changes a tag, and the delivery that settles it.
    async fn serve(&self, key: &str) -> u64 {
        let Accepted::New(ord) = self.accept(keyed(key, &[("1", "x")])).await else { panic!("{key} is new") };
        self.settle("1", vec![settled(id(ord.0, 0), "1", "x", Settled::Applied)]).await;
        ord.0
    }

    async fn known(&self, ord: u64) -> bool {
        self.store.reader().event(Ord(ord)).await.expect("read").is_some()
    }
}

fn names(partitions: &[(String, i64)]) -> Vec<&str> {
    partitions.iter().map(|(name, _)| name.as_str()).collect()
}

#[tokio::test]
async fn the_next_one_is_made_when_the_last_one_is_begun() {
    let bench = Bench::on(Engine::Postgres).await;
    assert_eq!(names(&bench.partitions("lot")), ["lot_0", "lot_rest", "lot_65536"]);
    bench.serve("a").await;
    bench.go_on_at(STEP);
    bench.serve("b").await;
    let lots = bench.partitions_once("lot", 4);
    let expected = [("lot_0", 1), ("lot_rest", 0), ("lot_65536", 1), ("lot_131072", 0)];
    assert_eq!(lots.iter().map(|(name, rows)| (name.as_str(), *rows)).collect::<Vec<_>>(), expected);
    let deliveries = bench.partitions_once("delivery", 4);
    assert_eq!(deliveries.iter().map(|(_, rows)| *rows).collect::<Vec<_>>(), [1, 0, 1, 0]);
    let made = "SELECT count(*) FROM pg_indexes WHERE tablename = 'delivery_131072'";
    assert_eq!(bench.sql(made), "2", "it has the indexes of the others");
    let kept = "SELECT attstorage FROM pg_attribute WHERE attrelid = 'lot_131072'::regclass AND attname = 'body'";
    assert_eq!(bench.sql(kept), "e", "what is compressed isn't compressed again");
    assert!(bench.known(1).await && bench.known(STEP).await);
    let page = bench.store.reader().events(EventQuery { limit: 10, ..EventQuery::default() }).await.expect("read");
    assert_eq!(page.items.iter().map(|line| line.ord.0).collect::<Vec<_>>(), [STEP, 1]);
}

#[tokio::test]
async fn what_is_old_goes_by_partitions_and_what_is_needed_stays() {
    let bench = Bench::on(Engine::Postgres).await;
    bench.serve("first").await;
    // Of the second partition: one that waits, one that dies, one whose word stays.
    bench.go_on_at(STEP);
    bench.partitions_once("lot", 3);
    bench.accept(keyed("waits", &[("2", "x")])).await;
    bench.accept(keyed("dies", &[("3", "x")])).await;
    bench.settle("3", vec![settled(id(STEP + 1, 0), "3", "x", Settled::Dead)]).await;
    bench.serve("word").await;
    bench.partitions_once("lot", 4);
    bench.partitions_once("delivery", 4);
    bench.go_on_at(2 * STEP);
    bench.clock.set(START.plus_millis(DAY_MS / 2));
    let late = bench.serve("half a day later").await;
    bench.partitions_once("lot", 5);
    bench.partitions_once("delivery", 5);
    // All of the first two is old; the third is in use, and what is old in it goes a row at a time.
    bench.clock.set(START.plus_millis(30 * DAY_MS + 1));
    bench.store.retain().await.expect("retained");
    assert_eq!(names(&bench.partitions("lot")), ["lot_rest", "lot_131072", "lot_1179648"]);
    assert_eq!(names(&bench.partitions("delivery")), ["delivery_rest", "delivery_131072", "delivery_1179648"]);
    assert!(bench.known(late).await);
    assert_eq!(ids(&bench.take("2").await), [id(STEP, 0)]);
    let letter = bench.store.reader().dead_letter(id(STEP + 1, 0)).await.expect("read").expect("kept");
    assert_eq!(letter.change, change("3", "x"));
    for (contact_id, tag) in [("1", "x"), ("3", "x")] {
        let view = bench.store.reader().contact(contact(contact_id)).await.expect("read");
        let blame = view.tags.iter().find(|(of, _)| of.as_str() == tag).map(|(_, blame)| blame);
        assert_eq!(blame.and_then(|blame| blame.source.as_ref()).map(SourceName::as_str), Some("bot"));
    }
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!((bench.rows("lot"), bench.rows("delivery")), (0, 0));
    assert!(!bench.known(late).await);
    let bench = bench.restart().await;
    assert_eq!(bench.accept(keyed("newest", &[])).await, Accepted::New(Ord(late + 1)), "no number comes twice");
}

#[tokio::test]
async fn a_partition_that_will_be_old_soon_is_waited_for_and_one_that_lasts_for_long_is_not() {
    let bench = Bench::on(Engine::Postgres).await;
    let at = |days: i64| START.plus_millis(days * DAY_MS);
    bench.serve("a").await;
    bench.clock.set(START.plus_millis(DAY_MS / 2));
    bench.serve("half a day later").await;
    bench.go_on_at(STEP);
    bench.serve("in the next one").await;
    bench.partitions_once("lot", 4);
    bench.clock.set(at(30).plus_millis(1));
    bench.store.retain().await.expect("retained");
    assert_eq!((bench.rows("lot_0"), bench.rows("delivery_0")), (2, 2), "in half a day all of it goes at once");
    bench.clock.set(at(31));
    bench.store.retain().await.expect("retained");
    assert_eq!(names(&bench.partitions("lot")), ["lot_rest", "lot_65536", "lot_131072"]);
    // Another one in which little comes.
    bench.serve("b").await;
    bench.clock.set(at(45));
    bench.serve("c").await;
    bench.go_on_at(2 * STEP);
    bench.serve("d").await;
    bench.partitions_once("lot", 4);
    bench.clock.set(at(62));
    bench.store.retain().await.expect("retained");
    assert_eq!((bench.rows("lot_65536"), bench.rows("delivery_65536")), (1, 1), "what is young isn't waited for");
}

#[tokio::test]
async fn a_partition_that_somebody_reads_is_dropped_later_and_nobody_waits_for_it() {
    let bench = Bench::on(Engine::Postgres).await;
    bench.serve("a").await;
    bench.go_on_at(STEP);
    bench.serve("b").await;
    bench.partitions_once("lot", 4);
    bench.clock.set(START.plus_millis(40 * DAY_MS));
    bench.serve("c").await;
    let session = Session::new(Address::parse(&bench.server.as_ref().expect("a server").url(), None).expect("one"));
    let (begun, is_begun) = std::sync::mpsc::channel();
    let (end, ends) = std::sync::mpsc::channel::<()>();
    let reading = std::thread::spawn(move || {
        session.expect("a session").read(|db| {
            db.ask("SELECT count(*) FROM lot", Vec::new())?;
            begun.send(()).expect("heard");
            ends.recv().expect("told");
            Ok(())
        })
    });
    is_begun.recv().expect("it reads");
    let start = Instant::now();
    bench.store.retain().await.expect("retained");
    bench.accept(keyed("meanwhile", &[])).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(bench.partitions("lot").len(), 4);
    end.send(()).expect("told");
    reading.join().expect("no panic").expect("read");
    bench.store.retain().await.expect("retained");
    assert_eq!(names(&bench.partitions("lot")), ["lot_rest", "lot_65536", "lot_131072"]);
}

#[tokio::test]
async fn two_gateways_at_once_make_each_one_once_and_drop_each_one_once() {
    let bench = Bench::on(Engine::Postgres).await;
    let server = bench.server.as_ref().expect("a server");
    let (other, ..) = join(server, &bench.clock).await;
    bench.serve("a").await;
    let mut last = STEP;
    for step in 1..=4 {
        bench.go_on_at(last);
        let key = |who: &str| format!("{who}-{step}");
        let own = || vec![keyed(&key("one"), &[]).intake(START)];
        let others = || vec![keyed(&key("two"), &[]).intake(START)];
        let (one, two) = tokio::join!(bench.store.accept(own()), other.accept(others()));
        assert!(matches!(one.expect("stored")[..], [Accepted::New(_)]));
        assert!(matches!(two.expect("stored")[..], [Accepted::New(_)]));
        let made = bench.partitions_once("lot", step + 3);
        last = made.last().and_then(|(name, _)| name.strip_prefix("lot_")?.parse().ok()).expect("a number");
    }
    let kept = bench.partitions("lot").split_off(4);
    assert_eq!(kept.iter().map(|(_, rows)| *rows).collect::<Vec<_>>(), [2, 2, 0]);
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    let (one, two) = tokio::join!(bench.store.retain(), other.retain());
    one.and(two).expect("retained");
    // Whoever came second left it to the other.
    bench.store.retain().await.expect("retained");
    let left = bench.partitions("lot");
    assert_eq!(names(&left)[1..], names(&kept)[1..], "those that are in use, and the one ahead");
    assert_eq!(bench.rows("lot"), 0);
    other.stop();
}

#[tokio::test]
async fn where_a_partition_is_missing_events_are_taken_all_the_same_and_found() {
    let bench = Bench::on(Engine::Postgres).await;
    bench.serve("a").await;
    // Numbers have gone beyond all partitions before one was made.
    bench.go_on_at(9 * STEP + 5);
    let beyond = bench.serve("beyond").await;
    assert_eq!((beyond, bench.rows("lot_rest"), bench.rows("delivery_rest")), (9 * STEP + 5, 1, 1));
    let lots = bench.partitions_once("lot", 4);
    assert_eq!(lots.last().map(|(name, rows)| (name.as_str(), *rows)), Some(("lot_720896", 0)));
    let again = bench.accept(keyed("beyond", &[("1", "x")])).await;
    assert!(matches!(again, Accepted::Duplicate { ord, .. } if ord.0 == beyond), "{again:?}");
    assert!(bench.known(beyond).await);
    bench.go_on_at(11 * STEP);
    let after = bench.serve("after").await;
    assert_eq!((bench.rows("lot_rest"), bench.rows("lot_720896")), (1, 1));
    let page = bench.store.reader().events(EventQuery { limit: 10, ..EventQuery::default() }).await.expect("read");
    assert_eq!(page.items.iter().map(|line| line.ord.0).collect::<Vec<_>>(), [after, beyond, 1]);
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!((bench.rows("lot"), bench.rows("delivery")), (0, 0), "what lies with the rest goes too");
}

#[tokio::test]
async fn tables_of_the_first_version_become_the_first_partition_and_nothing_in_them_changes() {
    let dir = tempfile::tempdir().expect("a folder");
    let server = server::Postgres::start();
    let address = Address::parse(&server.url(), None).expect("an address");
    let first = tokio::task::spawn_blocking(move || {
        let session = Session::new(address).expect("a session");
        session.write(|db| set_up_to(db, 1)).expect("set up");
    });
    first.await.expect("no panic");
    let frame = keyed("old", &[("1", "x")]).intake(START).frame;
    let body = hex::encode(crate::store::lot::pack(&[&frame]));
    server.sql(
        USER,
        &format!(
            "SELECT setval('event_number', 100000);
             INSERT INTO lot (first, at, events, body) VALUES (100000, {at}, 1, decode('{body}', 'hex'));
             INSERT INTO delivery (id, at, contact, body) VALUES (7, {at}, '', '');
             ALTER TABLE lot OWNER TO {USER}; ALTER TABLE delivery OWNER TO {USER}",
            at = START.0
        ),
    );
    let files = "SELECT pg_relation_filenode(oid) FROM pg_class WHERE relname IN ('lot', 'lot_0') AND relkind = 'r'";
    let before = server.sql(USER, files);
    let bench = Bench::opened(dir, Some(server), Clock::standing(START)).await;
    assert_eq!(bench.sql(files), before, "it wasn't written anew");
    assert_eq!(bench.partitions("lot"), [("lot_0", 1), ("lot_rest", 0), ("lot_131072", 0)].map(named));
    assert_eq!(bench.partitions("delivery").first(), Some(&named(("delivery_0", 1))));
    assert!(bench.known(100_000).await);
    assert_eq!(bench.serve("new").await, 100_001);
}

fn named((name, rows): (&str, i64)) -> (String, i64) {
    (name.to_owned(), rows)
}
