//! What gateways that share a database tell each other.

use super::*;
use crate::domain::contact::ContactKey;
use crate::store::{Met, Started, Wake, What};

/// A second gateway on the same database.
async fn another(bench: &Bench) -> Store {
    let server = bench.server.as_ref().expect("a server");
    join(server, &bench.clock).await.0
}

fn start(bench: &Bench, connection: &str, sharing: &[&str], limits: Vec<(u32, i64)>) -> Start {
    let name = |name: &str| ConnectionName::parse(name).expect("a name");
    let sharing = sharing.iter().map(|one| name(one)).collect();
    Start { connection: name(connection), at: bench.clock.now(), sharing, limits }
}

/// Asks until it is answered so: nobody waits for the word of a limit that was met.
async fn eventually(store: &Store, start: impl Fn() -> Start, is_so: impl Fn(&Started) -> bool) -> Started {
    for _ in 0..200 {
        let started = store.start(start()).await.expect("answered");
        if is_so(&started) {
            return started;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never answered so")
}

#[tokio::test]
async fn a_limit_that_one_gateway_has_met_holds_all_of_them_and_slows_them_down() {
    let bench = Bench::on(Engine::Postgres).await;
    let (one, other) = (&bench.store, another(&bench).await);
    let at_crm = || start(&bench, "crm", &["crm", "shop"], Vec::new());
    assert_eq!(other.start(at_crm()).await.expect("answered").met, None);
    let now = bench.clock.now();
    let sharing = || at_crm().sharing;
    let met = |seconds: i64, eighths| Met { at: now, until: now.plus_millis(seconds * 1_000), eighths };
    one.tell_limit_met(sharing(), met(60, 4));
    let held = eventually(&other, at_crm, |started| started.entry.is_err()).await;
    let until = held.entry.expect_err("it is held");
    assert!((58_000..=60_000).contains(&until.since(now)), "as long as it was asked for, by any clock: {until}");
    let heard = held.met.expect("why");
    assert_eq!((heard.until, heard.eighths), (until, 4));
    let elsewhere = other.start(start(&bench, "help", &["help"], Vec::new())).await.expect("answered");
    assert!(elsewhere.entry.is_ok() && elsewhere.met.is_none(), "it is another account");
    let same = other.start(start(&bench, "shop", &["shop"], Vec::new())).await.expect("answered");
    assert!(same.entry.is_ok(), "rules that don't share the account don't share its wait");

    // Whoever meets it meanwhile meets the same: it is halved once, and the longest wait holds.
    other.tell_limit_met(sharing(), met(90, 4));
    other.tell_limit_met(sharing(), met(30, 4));
    let longer = eventually(one, at_crm, |started| started.entry.is_err_and(|until| until.since(now) > 61_000)).await;
    assert_eq!(longer.met.map(|met| met.eighths), Some(4));
    other.stop();
}

/// A beat whose gateway doesn't wait for it any more goes on at the server, and claims.
#[tokio::test]
async fn a_gateway_that_ends_leaves_nothing_that_a_beat_of_its_own_still_claims() {
    let bench = Bench::on(Engine::Postgres).await;
    let server = bench.server.as_ref().expect("a server");
    let claims = "BEGIN; UPDATE gateway SET until = until; SELECT pg_sleep(1.5);
        UPDATE bucket SET owner = (SELECT id FROM gateway) WHERE id = 7; COMMIT";
    std::thread::scope(|scope| {
        scope.spawn(|| server.sql(server::USER, claims));
        std::thread::sleep(Duration::from_millis(500));
        bench.store.stop();
    });
    assert_eq!(server.sql(server::USER, "SELECT count(*) FROM gateway"), "0");
    assert_eq!(server.sql(server::USER, "SELECT id FROM bucket WHERE owner IS NOT NULL"), "");
}

#[tokio::test]
async fn what_belongs_to_a_gateway_that_is_not_there_goes_to_those_that_are() {
    let bench = Bench::on(Engine::Postgres).await;
    let server = bench.server.as_ref().expect("a server");
    server.sql(server::USER, "UPDATE bucket SET owner = 999 WHERE id IN (7, 8)");
    let other = another(&bench).await;
    let lost = || server.sql(server::USER, "SELECT count(*) FROM bucket WHERE owner IS NULL OR owner = 999");
    for _ in 0..500 {
        if lost() == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(lost(), "0");
    other.stop();
}

#[tokio::test]
async fn after_the_wait_calls_start_and_everybody_hears_how_much_is_used() {
    let bench = Bench::on(Engine::Postgres).await;
    let other = another(&bench).await;
    let at_crm = || start(&bench, "crm", &["crm"], vec![(2, 60_000)]);
    let now = bench.clock.now();
    bench.store.tell_limit_met(at_crm().sharing, Met { at: now, until: now.plus_millis(300), eighths: 2 });
    let free = eventually(&other, at_crm, |started| started.entry.is_ok() && started.met.is_some()).await;
    let met = free.met.expect("it was met lately");
    assert!(met.eighths == 2 && met.until <= now && met.at < met.until, "{met:?}");
    // The limits count all the same.
    eventually(&other, at_crm, |started| started.entry.is_err_and(|until| until.since(now) > 50_000)).await;
    other.stop();
}

/// Asks the database until it says so.
pub(super) async fn says(server: &server::Postgres, question: &str, expected: &str) {
    for _ in 0..500 {
        if server.sql(server::USER, question) == expected {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{question}: never {expected}, but {}", server.sql(server::USER, question));
}

/// What came of a contact's changed tags, until it came; the rest is let go of.
async fn told_of(wakes: &mut UnboundedReceiver<Vec<Wake>>, key: ContactKey) -> What {
    let come = async {
        loop {
            let batch = wakes.recv().await.expect("the store is there");
            let mut theirs = batch.into_iter().filter(|wake| wake.key == key).map(|wake| wake.what);
            if let Some(what) = theirs.find(|what| matches!(what, What::Outdated { .. })) {
                return what;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), come).await.expect("it is told within a beat")
}

#[tokio::test]
async fn that_tags_were_changed_is_told_until_it_was_acted_upon() {
    let bench = Bench::on(Engine::Postgres).await;
    let server = bench.server.as_ref().expect("a server");
    let (other, _, mut wakes) = join(server, &bench.clock).await;
    let fair = "SELECT min(n) > 100 AND count(*) = 2 FROM (SELECT count(*) AS n FROM bucket GROUP BY owner) o";
    says(server, fair, "t").await;
    let theirs = |id: &u64| {
        let bucket = contact(&id.to_string()).key().bucket();
        server
            .sql(server::USER, &format!("SELECT owner = (SELECT max(id) FROM gateway) FROM bucket WHERE id = {bucket}"))
            == "t"
    };
    let id = (1..1_000).find(theirs).expect("half of them are").to_string();
    let (key, name) = (contact(&id).key(), contact(&id).connection);
    let left = "SELECT count(*) FROM inbox WHERE what = 1";
    // Of what is its own the other one needs no word.
    other.outdated(vec![(key, name.clone())]).await.expect("written");
    assert_eq!(server.sql(server::USER, left), "0");

    bench.store.outdated(vec![(key, name.clone())]).await.expect("written");
    let first = told_of(&mut wakes, key).await;
    // It is told again as long as nobody has acted upon it, and who takes the contact is told in any case.
    let again = told_of(&mut wakes, key).await;
    assert!(other.look(key).await.expect("looked").outdated.is_some());
    assert_eq!(server.sql(server::USER, left), "1");
    drop((first, again));
    let draining = tokio::spawn(async move { while wakes.recv().await.is_some() {} });
    says(server, left, "0").await;
    assert!(other.look(key).await.expect("looked").outdated.is_none());

    // A gateway that is fenced and hasn't heard of it takes nobody for its own.
    let mine = (1..1_000).find(|id| !theirs(id)).expect("half of them are").to_string();
    other.stop();
    draining.abort();
    let first = "(SELECT min(id) FROM gateway)";
    let fence = format!(
        "UPDATE gateway SET fenced = 1 WHERE id = {first}; UPDATE bucket SET owner = NULL WHERE owner = {first}"
    );
    server.sql(server::USER, &fence);
    bench.store.outdated(vec![(contact(&mine).key(), name)]).await.expect("written");
    assert_eq!(server.sql(server::USER, left), "1");
}
