//! A store that hangs: who can't wait is answered in time, and what was handed in is stored all the same.

use std::time::{Duration, Instant};

use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{CRM, HEAD, Setup};
use crate::support::postgres::{Postgres, USER};

#[test]
fn an_answer_comes_in_time_though_the_event_is_stored_later() {
    let text = format!(
        "{HEAD}    reply_within: 500ms\n    reply_late: {{ es: Un momento., default: One moment. }}\n{CRM}\nrules:\n  \
         - {{ id: lead, match: {{ intent: lead }}, reply: Welcome, tag: {{ crm: {{ add: [Lead] }} }} }}\n"
    );
    let gateway = Setup::bare(&text).on_a_file().start();
    assert_eq!(gateway.event(&said("a", 7, "lead")).ok()["fulfillmentText"], "Welcome");
    gateway.settled("a");

    // Somebody else has the file for more than the time in which an answer has to come.
    let db = rusqlite::Connection::open(gateway.setup.database()).expect("the file");
    db.busy_timeout(Duration::from_secs(5)).expect("set");
    db.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let asked = Instant::now();
    let answer = gateway.event(&said("b", 7, "lead")).ok();
    let took = asked.elapsed();
    assert_eq!(answer["fulfillmentText"], "Un momento.", "{answer}");
    assert!((Duration::from_millis(450)..Duration::from_secs(3)).contains(&took), "{took:?}");
    db.execute_batch("ROLLBACK").expect("free");

    eventually("the event", || (gateway.events().len() == 2).then_some(()));
    gateway.settled("b");
    assert_eq!(
        gateway.event(&said("b", 7, "lead")).ok()["fulfillmentText"],
        "Welcome",
        "its own answer is what was stored"
    );
    eventually("the log", || (!gateway.log_of("answered before the event was on disk").is_empty()).then_some(()));
}

#[test]
fn nor_does_an_answer_wait_for_finding_out_whose_tags_others_have_changed() {
    let server = Postgres::start();
    let text = format!(
        "{HEAD}    reply_within: 500ms\n    reply_late: One moment.\n    \
         tags_changed_at: {{ crm: {{ email: ana@example.com }} }}\n{CRM}\nrules:\n  \
         - {{ id: lead, match: {{ intent: lead }}, reply: Welcome, tag: {{ crm: {{ add: [Lead] }} }} }}\n"
    );
    let gateway = Setup::bare(&text).set("TAGRELAY_DATABASE_URL", &server.url()).start();
    assert_eq!(gateway.event(&said("a", 7, "lead")).ok()["fulfillmentText"], "Welcome");
    gateway.settled("a");
    std::thread::scope(|scope| {
        let hold = "BEGIN; LOCK TABLE alias IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(2); COMMIT";
        scope.spawn(|| server.sql(USER, hold));
        server.await_sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "1");
        let asked = Instant::now();
        let answer = gateway.event(&said("b", 7, "lead")).ok();
        assert_eq!(answer["fulfillmentText"], "One moment.", "{answer}");
        assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    });
    eventually("the event", || (gateway.events().len() == 2).then_some(()));
}
