//! `tagrelay migrate` as a person at a terminal or a script meets it: against a real server, killed in the middle, and wrong.

#[path = "support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use support::command::{Ran, run_with};
use support::postgres::{Postgres, USER, USER_PASSWORD};
use support::process::{Process, tagrelay};
use tagrelay::clock::Clock;
use tagrelay::domain::change::{Change, Effect};
use tagrelay::domain::contact::{Contact, ContactRef};
use tagrelay::domain::decision::Decision;
use tagrelay::domain::event::Event;
use tagrelay::domain::name::{ConnectionName, RuleId, SourceName};
use tagrelay::domain::tag::TagName;
use tagrelay::store::postgres::Address;
use tagrelay::store::{Database, Intake, Options, Store};
use tempfile::TempDir;
use tokio::sync::mpsc::unbounded_channel;

fn options() -> Options {
    Options::new(Duration::from_hours(720), Clock::system())
}

/// A file with so many events, each with a change that waits.
async fn file(folder: &Path, events: usize) -> PathBuf {
    let path = folder.join("t.db");
    let (store, _) = Store::open(&path, options(), unbounded_channel().0).expect("the store");
    let name = |n: usize| n.to_string();
    let intake = |n: usize| {
        let rule = RuleId::parse("lead").expect("a name");
        let connection = ConnectionName::parse("crm").expect("a name");
        let contact = Contact { connection, reference: ContactRef::Id(name(n)) };
        let effect = Effect::AddTag(TagName::parse("Lead").expect("a tag"));
        let changes = vec![Change::plain(contact, effect, rule.clone())];
        let source = SourceName::parse("bot").expect("a name");
        let event = Event { key: Some(name(n).into()), ..Event::empty(source, Clock::system().now()) };
        let mut decision = Decision { rules: vec![rule], changes, ..Decision::default() };
        Intake::of(&event, "hash", &mut decision, b"{}", format!("{{\"n\":{n}}}").as_bytes())
    };
    for from in (0..events).step_by(500) {
        let many = (from..events.min(from + 500)).map(intake).collect();
        store.accept(many).await.expect("stored");
    }
    store.stop();
    path
}

/// The server with the tables of a gateway that was tried once and took nothing.
async fn server() -> Postgres {
    let server = Postgres::start();
    let address = Address::parse(&server.url(), None).expect("an address");
    Store::open_shared(address, options(), unbounded_channel().0).await.expect("tables").stop();
    server
}

fn migrate(folder: &Path, to: &str, more: &[&str]) -> Ran {
    let args = [&["migrate", "--from", "sqlite://t.db", "--to", to], more].concat();
    run_with(folder, &args, &[], b"")
}

#[tokio::test]
async fn a_file_is_looked_at_carried_over_and_put_away() {
    let folder = TempDir::new().expect("a folder");
    file(folder.path(), 700).await;
    let server = Postgres::start();
    let to = server.url();
    let looked = migrate(folder.path(), &to, &["--dry-run"]);
    assert_eq!((looked.status, looked.err.as_str()), (0, ""), "{looked:?}");
    assert!(looked.out.contains("pending       700\n"), "{}", looked.out);
    assert!(
        looked.out.contains("the next event is 701\n") && looked.out.ends_with("nothing was written\n"),
        "{looked:?}"
    );
    assert_eq!(server.sql(USER, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");

    let secret = folder.path().join("password");
    std::fs::write(&secret, format!("{USER_PASSWORD}\n")).expect("written");
    let open = to.replace(&format!(":{USER_PASSWORD}"), "");
    let settings = [("TAGRELAY_DATABASE_PASSWORD_FILE", secret.to_str().expect("UTF-8"))];
    let args = ["migrate", "--from", "sqlite://t.db", "--to", &open, "--format", "json"];
    let done = run_with(folder.path(), &args, &settings, b"");
    assert_eq!((done.status, done.err.as_str()), (0, ""), "{done:?}");
    let answer = done.json();
    assert_eq!(
        (&answer["next_event"], &answer["resumed"], &answer["dry_run"]),
        (&json!(701), &json!(false), &json!(false))
    );
    let table =
        |name: &str| answer["tables"].as_array().and_then(|all| all.iter().find(|t| t["table"] == name)).cloned();
    let pending = table("pending").expect("a row");
    assert_eq!((&pending["rows"], &pending["copied"]), (&json!(700), &json!(700)));
    assert_eq!(pending["checksum"].as_str().map(str::len), Some(64), "{pending}");
    assert!(!done.out.contains(USER_PASSWORD));
    assert_eq!(server.sql(USER, "SELECT nextval('event_number')"), "701");

    // A gateway on the file would do all of it once more.
    let path = folder.path().join("t.db");
    let open = || Store::open(&path, options(), unbounded_channel().0);
    let refused = open().err().expect("it was carried over").to_string();
    assert!(refused.contains("was carried over into PostgreSQL at 20") && refused.contains("--go-back"), "{refused}");
    let file = Database::Sqlite(path.clone());
    assert_eq!((file.go_back().expect("unmarked"), file.go_back().expect("read")), (true, false));
    open().expect("gone back to").0.stop();

    let again = migrate(folder.path(), &to, &[]);
    assert_eq!((again.status, again.out.as_str()), (1, ""), "{again:?}");
    assert!(again.err.contains("has been migrated into it already"), "{}", again.err);
}

#[tokio::test]
async fn a_run_that_is_killed_goes_on_where_it_was() {
    const EVENTS: usize = 20_000;
    let folder = TempDir::new().expect("a folder");
    let path = file(folder.path(), EVENTS).await;
    let server = server().await;
    // The second batch of what waits takes for ever.
    server.sql(
        USER,
        "CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF EXISTS (SELECT FROM pending) THEN PERFORM pg_sleep(600); END IF; RETURN NULL; END $$;
         CREATE TRIGGER waits BEFORE INSERT ON pending EXECUTE FUNCTION waits()",
    );
    let mut command = tagrelay();
    command.args(["migrate", "--from", "sqlite://t.db", "--to", &server.url()]).current_dir(folder.path());
    let mut running = Process::start(&mut command);
    server.await_sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "t");
    let second = migrate(folder.path(), &server.url(), &[]);
    assert!(second.status == 1 && second.err.contains("another tagrelay has this database open"), "{second:?}");
    running.kill();
    assert_eq!(running.log(), "", "nothing is told where nobody watches");
    let copied: usize = server.sql(USER, "SELECT count(*) FROM pending").parse().expect("a number");
    assert!(copied > 0 && copied < EVENTS, "{copied}");

    // What the dead process sent is still being worked on: the next one waits for it.
    let mut command = tagrelay();
    command.args(["migrate", "--from", "sqlite://t.db", "--to", &server.url()]).current_dir(folder.path());
    let mut next = Process::start(&mut command);
    server.await_sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock'", "t");
    server.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    server.await_sql("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'", "t");
    next.kill();
    server.sql("postgres", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    server.sql(USER, "DROP TRIGGER waits ON pending");
    let done = migrate(folder.path(), &server.url(), &["--format", "json"]);
    assert_eq!((done.status, done.err.as_str()), (0, ""), "{done:?}");
    let answer = done.json();
    let tables = answer["tables"].as_array().expect("a list");
    let of = |name: &str| tables.iter().find(|table| table["table"] == name).map(|table| table["copied"].clone());
    assert_eq!((of("lot"), of("pending")), (Some(json!(0)), Some(json!(EVENTS - copied))), "{answer}");
    assert_eq!(answer["resumed"], json!(true));
    assert_eq!(server.sql(USER, "SELECT count(*), count(DISTINCT ord) FROM pending"), format!("{EVENTS}|{EVENTS}"));
    assert!(path.exists());
}

#[tokio::test]
async fn wrong_ends_are_told_in_words_and_nothing_is_written() {
    let folder = TempDir::new().expect("a folder");
    let here = folder.path();
    let server = server().await;
    let to = server.url();
    let none = migrate(here, &to, &[]);
    assert!(none.status == 2 && none.err == "error: t.db: there is no such file\n", "{none:?}");
    let path = file(here, 3).await;
    for (args, told) in [
        (["--from", "t.db", "--to", &to], "--from: expected sqlite://FILE"),
        (["--from", "sqlite://t.db", "--to", "sqlite://u.db"], "--to: expected postgres://USER@HOST/DATABASE"),
        (["--from", "sqlite://t.db", "--to", "postgres://u@h/d?sslmod=x"], "--to: parameter 1 is unknown"),
    ] {
        let ran = run_with(here, &[&["migrate"][..], &args].concat(), &[], b"");
        assert!(ran.status == 2 && ran.err.contains(told), "{ran:?}");
    }
    let misspelt = [("TAGRELAY_DATABASE_PASWORD_FILE", "x")];
    let ran = run_with(here, &["migrate", "--from", "sqlite://t.db", "--to", &to], &misspelt, b"");
    assert!(ran.status == 2 && ran.err.contains("did you mean TAGRELAY_DATABASE_PASSWORD_FILE"), "{ran:?}");
    let gone = migrate(here, "postgres://u:hunter2@127.0.0.1:1/d", &[]);
    assert!(gone.status == 1 && gone.err.contains("the target: ") && !gone.err.contains("hunter2"), "{gone:?}");

    // Every refusal leaves both ends as they were.
    let refused = |told: &str| {
        for more in [&[][..], &["--dry-run"]] {
            let ran = migrate(here, &to, more);
            assert!(ran.status == 1 && ran.out.is_empty() && ran.err.contains(told), "{more:?} {ran:?}");
        }
    };
    server.sql(USER, "INSERT INTO rule_set VALUES ('h', 1, 't')");
    refused("the target: it isn't empty, there are rows in rule_set: migrate wants a new database");
    server.sql(USER, "DELETE FROM rule_set; INSERT INTO gateway (id, name, version, mark, began, until) VALUES (9, 'a', 'b', 'm', 1, 9223372036854775807)");
    refused("the target: a gateway runs on it");
    let steps = server.sql(USER, "SELECT steps FROM tagrelay");
    server.sql(USER, "DELETE FROM gateway; UPDATE tagrelay SET steps = 99");
    refused(&format!(
        "the target: the database has schema 99, this version knows up to {steps}: run the newer tagrelay"
    ));
    server.sql(USER, "ALTER TABLE tagrelay RENAME TO other");
    refused("the target: it holds tables of another program");
    server.sql(USER, &format!("ALTER TABLE other RENAME TO tagrelay; UPDATE tagrelay SET steps = {steps}"));

    let (store, _) = Store::open(&path, options(), unbounded_channel().0).expect("the store");
    refused("the source: another tagrelay has this database open");
    store.stop();
    let schema = |number: i64| {
        let changed = rusqlite::Connection::open(&path).expect("the file");
        changed.pragma_update(None, "user_version", number).expect("written");
    };
    schema(99);
    refused("the source: the database has schema 99, this version knows up to 8: run the newer tagrelay");
    schema(7);
    std::fs::rename(&path, here.join("kept.db")).expect("moved");
    std::fs::write(&path, b"").expect("written");
    refused("the source is empty");
    std::fs::write(&path, "no database at all, just a text that is long enough to be read as one".repeat(9))
        .expect("written");
    refused("the source: the store can't write or read: file is not a database");
    std::fs::remove_file(&path).expect("removed");
    let foreign = rusqlite::Connection::open(&path).expect("a file");
    foreign.execute_batch("CREATE TABLE mine (x)").expect("made");
    drop(foreign);
    refused("the source: this file is a database of another program");
    let counts = "SELECT (SELECT count(*) FROM lot), (SELECT count(*) FROM meta)";
    assert_eq!(server.sql(USER, counts), "0|5");
}
