//! Lots on their way to PostgreSQL one behind the other.

use std::time::Instant;

use tokio_postgres::{Client, NoTls};

use super::*;
use crate::domain::contact::ContactKey;

/// Whoever writes a lot waits for this.
async fn held(server: &server::Postgres) -> Client {
    let (client, connection) = tokio_postgres::connect(&server.url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client.batch_execute("BEGIN; LOCK TABLE lot IN SHARE MODE").await.expect("locked");
    client
}

/// Events with these keys, some time from now.
async fn accept(bench: &Bench, after_ms: u64, keys: &[&str]) -> Result<Vec<Accepted>, StoreError> {
    tokio::time::sleep(Duration::from_millis(after_ms)).await;
    bench.store.accept(keys.iter().map(|key| keyed(key, &[("1", "a")]).intake(START)).collect()).await
}

#[tokio::test]
async fn they_keep_their_order_and_know_each_others_repetitions() {
    let bench = Bench::on(Engine::Postgres).await;
    accept(&bench, 0, &["first"]).await.expect("stored");
    let held = held(bench.server.as_ref().expect("a server")).await;
    let (one, two, three, ()) =
        tokio::join!(accept(&bench, 0, &["a"]), accept(&bench, 60, &["a", "b"]), accept(&bench, 120, &["c"]), async {
            tokio::time::sleep(Duration::from_millis(300)).await;
            held.batch_execute("COMMIT").await.expect("let go of");
        });
    assert_eq!(one.expect("stored"), [Accepted::New(Ord(2))]);
    let two = two.expect("stored");
    assert!(matches!(two[0], Accepted::Duplicate { ord: Ord(2), differs: false, .. }), "{two:?}");
    assert_eq!(two[1], Accepted::New(Ord(4)));
    assert_eq!(three.expect("stored"), [Accepted::New(Ord(5))]);
    assert_eq!(bench.take("1").await.changes.len(), 4);
}

/// Two are on their way, the third one isn't.
#[tokio::test]
async fn those_on_their_way_over_a_connection_that_ends_are_not_taken_and_the_next_ones_are() {
    let bench = Bench::on(Engine::Postgres).await;
    accept(&bench, 0, &["first"]).await.expect("stored");
    let server = bench.server.as_ref().expect("a server");
    let held = held(server).await;
    let (one, two, three, ()) = tokio::join!(
        accept(&bench, 0, &["a"]),
        accept(&bench, 60, &["b"]),
        accept(&bench, 120, &["c"]),
        async {
            tokio::time::sleep(Duration::from_millis(250)).await;
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%accept_3(%' AND wait_event = 'relation'";
            assert_eq!(server.sql("postgres", end), "t");
            tokio::time::sleep(Duration::from_millis(100)).await;
            held.batch_execute("COMMIT").await.expect("let go of");
        }
    );
    for lost in [one, two] {
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    }
    assert!(matches!(three.expect("stored")[..], [Accepted::New(_)]));
    let again = accept(&bench, 0, &["a", "b", "c"]).await.expect("stored");
    let is_new = |accepted: &Accepted| matches!(accepted, Accepted::New(_));
    assert_eq!(again.iter().map(is_new).collect::<Vec<_>>(), [true, true, false]);
}

/// Another gateway beside this one, its wakes, and contacts of the first one.
async fn beside(bench: &Bench) -> (Store, tokio::sync::mpsc::UnboundedReceiver<Vec<Wake>>, Vec<String>) {
    let server = bench.server.as_ref().expect("a server");
    let (other, _, wakes) = join(server, &bench.clock).await;
    let fair = "SELECT min(n) > 100 AND count(*) = 2 FROM (SELECT count(*) AS n FROM bucket GROUP BY owner) o";
    shared::says(server, fair, "t").await;
    let sql = |bucket: u8| format!("SELECT owner = (SELECT min(id) FROM gateway) FROM bucket WHERE id = {bucket}");
    let is_its = |id: &u64| server.sql(server::USER, &sql(contact(&id.to_string()).key().bucket())) == "t";
    (other, wakes, (1..1_000).filter(is_its).take(3).map(|id| id.to_string()).collect())
}

/// What others are to hear of is written with the lot: whose contacts have something new, and no more.
#[tokio::test]
async fn news_is_of_what_is_new_and_of_everybody_where_nothing_is_the_gateways_own_any_more() {
    let bench = Bench::on(Engine::Postgres).await;
    let (other, _wakes, its) = beside(&bench).await;
    let server = bench.server.as_ref().expect("a server");
    let told = || {
        let all = "SELECT string_agg(encode(c.contact, 'hex') || ' ' || c.connection, ',' ORDER BY n.xid)
            FROM news n, unnest(n.contacts, n.connections) AS c (contact, connection)";
        server.sql(server::USER, all)
    };
    let named = |ids: &[&String]| {
        let named = ids.iter().map(|id| format!("{} crm", hex::encode(contact(id).key().0)));
        named.collect::<Vec<_>>().join(",")
    };
    let sent = |key: &str, id: &str| keyed(key, &[(id, "a")]).intake(START);

    bench.store.accept(vec![sent("own", &its[0])]).await.expect("stored");
    assert_eq!(told(), "", "whoever accepts for itself tells nobody");
    other.accept(vec![sent("a", &its[0])]).await.expect("stored");
    assert_eq!(told(), named(&[&its[0]]));
    let some = other.accept(vec![sent("a", &its[0]), sent("b", &its[1])]).await.expect("stored");
    assert!(matches!(some[..], [Accepted::Duplicate { .. }, Accepted::New(_)]), "{some:?}");
    assert_eq!(told(), named(&[&its[0], &its[1]]));

    // Not while it hears of all this, or it would know.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let fenced = "UPDATE gateway SET fenced = 1 WHERE id = (SELECT min(id) FROM gateway)";
    server.sql(server::USER, fenced);
    bench.store.accept(vec![sent("c", &its[2])]).await.expect("stored");
    assert_eq!(told(), named(&[&its[0], &its[1], &its[2]]));
    other.stop();
}

/// During an update gateways of two versions share the database.
#[tokio::test]
async fn gateways_of_the_version_before_are_heard_and_hear() {
    let mut bench = Bench::on(Engine::Postgres).await;
    let (other, _wakes, its) = beside(&bench).await;
    let server = bench.server.as_ref().expect("a server");
    let key = |id: &String| hex::encode(contact(id).key().0);
    let seen = server.sql(server::USER, "SELECT pg_current_snapshot()");
    other.accept(vec![keyed("a", &[(&its[0], "a")]).intake(START)]).await.expect("stored");
    let heard = format!(
        "SELECT encode(contact, 'hex') || ' ' || note FROM beat_2((SELECT min(id) FROM gateway), 60000,
            (SELECT array_agg(b) FROM generate_series(0, 255) b), '{{}}', '{seen}', '{{}}') WHERE what = 0"
    );
    assert_eq!(server.sql(server::USER, &heard), format!("{} crm", key(&its[0])));
    assert_eq!(woken(&mut bench).await, contact(&its[0]).key());

    let server = bench.server.as_ref().expect("a server");
    let told = format!(
        "SELECT first_number FROM accept_2((SELECT max(id) FROM gateway), 1, false, ARRAY['\\x00'::bytea], '', ARRAY['\\x{0}'::bytea],
            '{{0}}', '{{0}}', '{{x}}', ARRAY['\\x{0}'::bytea], '{{crm}}', '{{0}}', '{{0}}', '{{}}', '{{}}')",
        key(&its[1])
    );
    assert_eq!(server.sql(server::USER, &told), "2");
    assert_eq!(woken(&mut bench).await, contact(&its[1]).key());
    other.stop();
}

/// A beat says that the gateway is alive, and has to be committed.
#[tokio::test]
async fn news_is_heard_without_a_beat() {
    let mut bench = Bench::on(Engine::Postgres).await;
    let (other, _wakes, its) = beside(&bench).await;
    let url = bench.server.as_ref().expect("a server").url();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let beaten = async || -> i64 {
        let row = client.query_one("SELECT until FROM gateway WHERE id = (SELECT min(id) FROM gateway)", &[]).await;
        row.expect("it is there").get(0)
    };
    let mut between = false;
    for number in 0..10 {
        let before = beaten().await;
        other.accept(vec![keyed(&format!("{number}"), &[(&its[0], "a")]).intake(START)]).await.expect("stored");
        assert_eq!(woken(&mut bench).await, contact(&its[0]).key());
        between |= beaten().await == before;
    }
    assert!(between, "each time a beat was needed");

    other.stop();
}

/// A beat comes each second anyhow: nine of ten that come within 400 ms of a notice are no chance.
#[tokio::test]
async fn an_inbox_and_buckets_that_are_free_have_a_beat_at_once() {
    let mut bench = Bench::on(Engine::Postgres).await;
    let url = bench.server.as_ref().expect("a server").url();
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let key = contact("1").key();
    let (told, free) = (
        format!(
            "INSERT INTO inbox (bucket, contact, connection, what, at) VALUES ({}, '\\x{}', 'crm', 0, 0); NOTIFY tagrelay, '999'",
            key.bucket(),
            hex::encode(key.0)
        ),
        "UPDATE bucket SET owner = NULL WHERE id = 5; NOTIFY tagrelay, '999 free'",
    );
    let mut soon = [0, 0];
    for _ in 0..10 {
        let began = Instant::now();
        client.batch_execute(&told).await.expect("written");
        assert_eq!(woken(&mut bench).await, key);
        soon[0] += usize::from(began.elapsed() < Duration::from_millis(400));
        let began = Instant::now();
        client.batch_execute(free).await.expect("written");
        let owner = "SELECT owner IS NOT NULL FROM bucket WHERE id = 5";
        while !client.query_one(owner, &[]).await.expect("it is there").get::<_, bool>(0) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        soon[1] += usize::from(began.elapsed() < Duration::from_millis(400));
    }
    assert!(soon.iter().all(|soon| *soon >= 9), "{soon:?} of 10");
}

/// Where gateways share the database, lots go one by one.
#[tokio::test]
async fn those_that_go_alone_keep_their_order_and_are_written_before_the_end() {
    let bench = Bench::on(Engine::Postgres).await;
    let (other, _wakes, its) = beside(&bench).await;
    let server = bench.server.as_ref().expect("a server");
    let send = async |after_ms: u64, keys: &[&str]| {
        tokio::time::sleep(Duration::from_millis(after_ms)).await;
        other.accept(keys.iter().map(|key| keyed(key, &[(&its[0], "a")]).intake(START)).collect()).await
    };
    send(0, &["first"]).await.expect("stored");
    let lock = held(server).await;
    let (one, two, three, ()) = tokio::join!(send(0, &["a"]), send(60, &["a", "b"]), send(120, &["c"]), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        lock.batch_execute("COMMIT").await.expect("let go of");
    });
    let Accepted::New(a) = one.expect("stored")[0] else { panic!("it is new") };
    let two = two.expect("stored");
    assert!(matches!(two[0], Accepted::Duplicate { ord, .. } if ord == a), "{two:?}");
    let (Accepted::New(b), Accepted::New(c)) = (&two[1], &three.expect("stored")[0]) else { panic!("they are new") };
    assert!(a < *b && b < c, "{a:?} {b:?} {c:?}");

    let lock = held(server).await;
    let (lost, next, ()) = tokio::join!(send(0, &["d"]), send(60, &["e"]), async {
        tokio::time::sleep(Duration::from_millis(250)).await;
        let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%accept_3(%' AND wait_event = 'relation'";
        assert_eq!(server.sql("postgres", end), "t");
        tokio::time::sleep(Duration::from_millis(100)).await;
        lock.batch_execute("COMMIT").await.expect("let go of");
    });
    assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
    assert!(matches!(next.expect("stored")[..], [Accepted::New(_)]));

    let lock = held(server).await;
    let stopped = other.clone();
    let (last, ()) = tokio::join!(send(0, &["f"]), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let stopping = tokio::task::spawn_blocking(move || stopped.stop());
        tokio::time::sleep(Duration::from_millis(100)).await;
        lock.batch_execute("COMMIT").await.expect("let go of");
        stopping.await.expect("it ends");
    });
    assert!(matches!(last.expect("stored")[..], [Accepted::New(_)]));
}

/// A lot that nobody waited for any more may be written all the same: whoever repeats its events has their contacts' gateway told.
#[tokio::test]
async fn a_repetition_wakes_who_waits_still_whichever_gateway_it_comes_to() {
    let mut bench = Bench::on(Engine::Postgres).await;
    let (other, _wakes, its) = beside(&bench).await;
    let sent = |key: &str, id: &str| vec![keyed(key, &[(id, "a")]).intake(START)];

    bench.store.accept(sent("a", &its[0])).await.expect("stored");
    assert_eq!(woken(&mut bench).await, contact(&its[0]).key());
    for store in [&bench.store.clone(), &other] {
        let repeated = store.accept(sent("a", &its[0])).await.expect("answered");
        assert!(matches!(repeated[..], [Accepted::Duplicate { .. }]), "{repeated:?}");
        assert_eq!(woken(&mut bench).await, contact(&its[0]).key());
    }

    bench.take(&its[0]).await;
    bench.settle(&its[0], vec![settled(id(1, 0), &its[0], "a", Settled::Applied)]).await;
    for store in [&bench.store.clone(), &other] {
        store.accept(sent("a", &its[0])).await.expect("answered");
    }
    other.accept(sent("b", &its[1])).await.expect("stored");
    assert_eq!(woken(&mut bench).await, contact(&its[1]).key(), "nothing waits for the first one any more");
}

async fn woken(bench: &mut Bench) -> ContactKey {
    let come = tokio::time::timeout(Duration::from_secs(10), bench.wakes.recv());
    come.await.expect("it is told within a beat").expect("the store is there")[0].key
}
