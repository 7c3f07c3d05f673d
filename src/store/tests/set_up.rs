//! How gateways find the database that they share: whole, of their kind, and there.

use super::*;
use crate::store::postgres::Address;
use crate::store::postgres::schema::INDEXES;

async fn opened(server: &server::Postgres, clock: &Clock, trial: Option<bool>) -> Result<Store, StoreError> {
    let options = Options { trial, ..Options::new(Duration::from_hours(24), clock.clone()) };
    Store::open_shared(Address::parse(&server.url(), None).expect("an address"), options, unbounded_channel().0).await
}

#[tokio::test]
async fn what_a_broken_restore_has_taken_is_named_and_no_gateway_starts_without_it() {
    let bench = Bench::on(Engine::Postgres).await;
    let server = bench.server.as_ref().expect("a server");
    let of_tables = "SELECT string_agg(c.relname, ' ' ORDER BY c.relname COLLATE \"C\") FROM pg_class c
        JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = i.indrelid
        WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.relispartition";
    assert_eq!(server.sql(server::USER, of_tables).trim(), INDEXES.join(" "), "all that there are");
    server.sql(server::USER, "ALTER TABLE pending DROP CONSTRAINT pending_pkey; DROP INDEX dead_by_contact");
    let refused = opened(server, &bench.clock, None).await.err().expect("a part is missing").to_string();
    assert!(refused.starts_with("the database lacks dead_by_contact, pending_pkey, as after a restore"), "{refused}");
}

#[tokio::test]
async fn what_is_tried_out_and_what_is_meant_do_not_meet_in_a_database() {
    for (first, words) in [(false, "gateways that make real calls"), (true, "gateways with a sandbox")] {
        let bench = Bench::on(Engine::Postgres).await;
        let server = bench.server.as_ref().expect("a server");
        let one = opened(server, &bench.clock, Some(first)).await.expect("nobody has said before");
        let same = opened(server, &bench.clock, Some(first)).await.expect("of the same kind");
        let refused = opened(server, &bench.clock, Some(!first)).await.err().expect("of the other kind").to_string();
        assert!(refused.contains(words), "{refused}");
        assert!(refused.ends_with("give each kind a database of its own"), "{refused}");
        one.stop();
        same.stop();
    }
}

#[tokio::test]
async fn a_connection_that_was_closed_while_nobody_asked_costs_nobody_an_error() {
    let bench = Bench::on(Engine::Postgres).await;
    let server = bench.server.as_ref().expect("a server");
    let accept = |key: &'static str| {
        let sent = Sent { key: Some(key), changes: &[("a", "t")], body: "{}" };
        bench.store.accept(vec![sent.intake(bench.clock.now())])
    };
    accept("before").await.expect("stored");
    bench.store.reader().dead_count().await.expect("counted");
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let old = format!("SELECT string_agg(pid::text, ',') FROM pg_stat_activity WHERE usename = '{}'", server::USER);
    let old = server.sql("postgres", &old);
    server.sql("postgres", &format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN ({old})"));
    let left = format!("SELECT count(*) FROM pg_stat_activity WHERE pid IN ({old})");
    for _ in 0..500 {
        if server.sql("postgres", &left) == "0" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    accept("after").await.expect("stored on a connection of its own");
    bench.store.reader().dead_count().await.expect("counted");
    assert_eq!(bench.rows("dedup"), 2);
}
