//! Starts that are refused, with words that help and the right status.

use std::net::TcpListener;

use crate::support::body::said;
use crate::support::gateway::{Setup, rules};
use crate::support::gestures::states;

const LEAD: &str = "  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";

#[test]
fn a_second_gateway_on_the_same_database_is_refused() {
    let gateway = rules(LEAD).on_a_file().start();
    let second = gateway.setup.fail();
    assert_eq!(second.status, 1, "{second:?}");
    assert!(second.err.contains("tagrelay.db: another tagrelay has this database open"), "{}", second.err);
    gateway.event(&said("still", 7, "lead"));
    assert_eq!(states(&gateway.settled("still")), ["applied"], "the first isn't disturbed");
}

#[test]
fn a_killed_gateway_leaves_no_lock() {
    let mut gateway = rules(LEAD).start();
    gateway.kill();
    gateway.start_again();
    gateway.event(&said("e", 7, "lead"));
}

#[test]
fn the_database_of_a_newer_version_is_left_alone() {
    let mut gateway = rules(LEAD).on_a_file().start();
    gateway.event(&said("e", 7, "lead"));
    gateway.terminate();
    let database = gateway.setup.database();
    let db = rusqlite::Connection::open(&database).expect("opened");
    db.pragma_update(None, "user_version", 99).expect("written");
    drop(db);
    let before = std::fs::read(&database).expect("read");
    let refused = gateway.setup.fail();
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("the database has schema 99, this version knows up to"), "{}", refused.err);
    assert_eq!(std::fs::read(&database).expect("read"), before);
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let setup = rules(LEAD);
    let db = rusqlite::Connection::open(setup.database()).expect("opened");
    db.execute_batch("CREATE TABLE customers (id INTEGER); INSERT INTO customers VALUES (1);").expect("written");
    drop(db);
    let refused = setup.fail();
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("a database of another program"), "{}", refused.err);
    let db = rusqlite::Connection::open(setup.database()).expect("opened");
    let tables: i64 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).expect("read");
    assert_eq!(tables, 1);
}

#[test]
fn a_file_that_is_no_database_is_left_alone() {
    let setup = rules(LEAD);
    let text = "these are notes, not a database; ".repeat(100);
    std::fs::write(setup.database(), &text).expect("written");
    let refused = setup.fail();
    assert_eq!(refused.status, 1, "{}", refused.err);
    assert!(refused.err.contains("tagrelay.db"), "{}", refused.err);
    assert_eq!(std::fs::read_to_string(setup.database()).expect("read"), text);
}

#[test]
fn all_unset_secrets_are_listed_at_once() {
    let setup = rules(LEAD).without_sandbox().set("BOT_PASSWORD", "").set("BOT_SECRET", "").set("CRM_KEY", "");
    let refused = setup.fail();
    assert_eq!(refused.status, 2);
    for name in ["BOT_PASSWORD", "BOT_SECRET", "CRM_KEY"] {
        assert!(refused.err.contains(name), "{name}: {}", refused.err);
    }
    assert!(refused.err.contains("source bot") && refused.err.contains("connection crm"), "{}", refused.err);
    assert!(!setup.database().exists(), "nothing was begun");
}

#[test]
fn rules_that_are_not_clean_are_shown_with_their_places() {
    let setup = rules(
        "  - id: lead\n    match: { intnet: lead }\n    when: params.budget >=\n    tag: { crn: { add: [Lead] } }\n",
    );
    let refused = setup.fail();
    assert_eq!(refused.status, 1);
    for words in ["rules/rules.yaml", "intnet", "crn", "error[E"] {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
    assert!(!setup.database().exists(), "nothing was begun");
}

#[test]
fn a_misspelt_setting_is_an_error_that_knows_the_right_name() {
    let refused = rules(LEAD).set("TAGRELAY_DATABSE_URL", "sqlite://hunter2").fail();
    assert_eq!(refused.status, 2);
    assert!(refused.err.contains("TAGRELAY_DATABSE_URL"), "{}", refused.err);
    assert!(refused.err.contains("did you mean TAGRELAY_DATABASE_URL?"), "{}", refused.err);
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
}

#[test]
fn settings_that_mean_nothing_are_all_told() {
    let setup = rules(LEAD)
        .set("TAGRELAY_LISTEN", "everywhere")
        .set("TAGRELAY_RETENTION", "1h")
        .set("TAGRELAY_LOG_FORMAT", "xml");
    let refused = setup.fail();
    assert_eq!(refused.status, 2);
    for name in ["TAGRELAY_LISTEN", "TAGRELAY_RETENTION", "TAGRELAY_LOG_FORMAT"] {
        assert!(refused.err.contains(name), "{name}: {}", refused.err);
    }
}

#[test]
fn a_port_that_is_taken_is_said_so() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let refused = rules(LEAD).set("TAGRELAY_LISTEN", &address).fail();
    assert_eq!(refused.status, 1);
    assert!(refused.err.contains("TAGRELAY_LISTEN") && refused.err.contains(&address), "{}", refused.err);
}

#[test]
fn a_rule_folder_that_is_not_there_is_said_so() {
    let refused = Setup::bare("").set("TAGRELAY_RULES", "elsewhere").fail();
    assert!(refused.status != 0 && refused.err.contains("elsewhere"), "{refused:?}");
}
