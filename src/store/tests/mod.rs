//! The store's invariants, each held by a test. Written against the face alone, so that every store must pass them.

/// Runs tests on each database.
macro_rules! on_each_store {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Engine::Sqlite).await;
            })*
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Engine::Postgres).await;
            })*
        }
    };
}

mod blame;
mod carrying;
mod forgetting;
mod intake;
mod lasting;
mod lots;
mod partitions;
mod recorded;
#[path = "../../../tests/support/postgres.rs"]
#[expect(dead_code, reason = "other tests need the rest of it")]
mod server;
mod set_up;
mod settling;
mod shared;
mod subscriptions;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    Accepted, Intake, Options, Retry, SettledChange, Settlement, Start, Store, StoreError, Taken, Waiting, Wake, What,
};
use crate::clock::Clock;
use crate::domain::change::{Change, ChangeId, Effect, Judged, Ord, Settled, Terms};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// What a store is on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Engine {
    Sqlite,
    Postgres,
}

/// A store in a folder of its own, or on a server of its own, at a time of its own.
struct Bench {
    dir: tempfile::TempDir,
    server: Option<server::Postgres>,
    clock: Clock,
    store: Store,
    waiting: Vec<Waiting>,
    wakes: UnboundedReceiver<Vec<Wake>>,
}

const START: Timestamp = Timestamp(1_800_000_000_000);
const DAY_MS: i64 = 86_400_000;

impl Bench {
    async fn on(engine: Engine) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Clock::standing(START);
        let server = (engine == Engine::Postgres).then(server::Postgres::start);
        Self::opened(dir, server, clock).await
    }

    async fn opened(dir: tempfile::TempDir, server: Option<server::Postgres>, clock: Clock) -> Self {
        let (store, waiting, wakes) = match &server {
            None => open(&dir.path().join("t.db"), &clock).expect("the store"),
            Some(server) => join(server, &clock).await,
        };
        Self { dir, server, clock, store, waiting, wakes }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("t.db")
    }

    /// What a crash leaves: the file as it is, all memory gone. The old writer must not hold the lock any more.
    async fn restart(self) -> Self {
        let Self { dir, server, clock, store, .. } = self;
        store.stop();
        Self::opened(dir, server, clock).await
    }

    async fn accept(&self, event: Sent<'_>) -> Accepted {
        let accepted = self.store.accept(vec![event.intake(self.clock.now())]).await.expect("stored");
        accepted.into_iter().next().expect("an answer for the event")
    }

    async fn take(&self, id: &str) -> Taken {
        self.store.take(contact(id).key()).await.expect("taken")
    }

    /// A call of the connection is to start.
    async fn start(&self) -> i64 {
        self.start_of(contact("1").connection).await
    }

    async fn start_of(&self, connection: ConnectionName) -> i64 {
        let sharing = vec![connection.clone()];
        let start = Start { connection, at: self.clock.now(), sharing, limits: Vec::new() };
        self.store.start(start).await.expect("written").entry.expect("nothing is limited")
    }

    async fn settle(&self, id: &str, settled: Vec<SettledChange>) {
        let at = self.clock.now();
        let settlement = Settlement { settled, ..Settlement::of(contact(id), at) };
        self.store.settle(settlement).await.expect("settled");
    }

    /// How many rows a table has, looked at from outside.
    fn rows(&self, table: &str) -> i64 {
        if let Some(server) = &self.server {
            let count = server.sql(server::USER, &format!("SELECT count(*) FROM {table}"));
            return count.trim().parse().expect("a count");
        }
        let db = rusqlite::Connection::open(self.path()).expect("the file");
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("a count")
    }
}

type Opened = (Store, Vec<Waiting>, UnboundedReceiver<Vec<Wake>>);

fn open(path: &Path, clock: &Clock) -> Result<Opened, StoreError> {
    let (wake, wakes) = unbounded_channel();
    let options = Options::new(Duration::from_hours(24 * 30), clock.clone());
    let (store, waiting) = Store::open(path, options, wake)?;
    Ok((store, waiting, wakes))
}

/// A gateway of its own; what waits comes as it takes over its buckets.
async fn join(server: &server::Postgres, clock: &Clock) -> Opened {
    let (wake, mut wakes) = unbounded_channel();
    let options = Options::new(Duration::from_hours(24 * 30), clock.clone());
    let address = super::postgres::Address::parse(&server.url(), None).expect("an address");
    let store = Store::open_shared(address, options, wake).await.expect("joined");
    let mut waiting = Vec::new();
    while let Ok(woken) = wakes.try_recv() {
        let not_before = |what: &What| if let What::Later(at) | What::Held(at) = what { Some(*at) } else { None };
        let waits = |Wake { key, connection, what }| Waiting {
            key,
            connection,
            not_before: not_before(&what),
            throttled: matches!(what, What::Held(_)),
        };
        waiting.extend(woken.into_iter().map(waits));
    }
    (store, waiting, wakes)
}

/// An event in a few words.
#[derive(Clone, Copy)]
struct Sent<'a> {
    key: Option<&'a str>,
    /// Contact and tag; `-tag` removes.
    changes: &'a [(&'a str, &'a str)],
    body: &'a str,
}

impl Sent<'_> {
    fn intake(self, at: Timestamp) -> Intake {
        let source = SourceName::parse("bot").expect("a name");
        let event = Event { key: self.key.map(Into::into), ..Event::empty(source, at) };
        let changes = self.changes.iter().map(|(id, tag)| change(id, tag)).collect();
        let mut decision = Decision { rules: vec![rule()], changes, ..Decision::default() };
        Intake::of(&event, "hash", &mut decision, b"{\"reply\":1}", self.body.as_bytes())
    }
}

fn keyed<'a>(key: &'a str, changes: &'a [(&'a str, &'a str)]) -> Sent<'a> {
    Sent { key: Some(key), changes, body: "{}" }
}

fn rule() -> RuleId {
    RuleId::parse("a-rule").expect("a name")
}

fn a_failure() -> Retry {
    let (at, failing_since) = (START, START);
    Retry { at, tries: 1, failing_since, paused_before_ms: 0, reason: "a failure".to_owned(), throttled: false }
}

fn contact(id: &str) -> Contact {
    let connection = ConnectionName::parse("crm").expect("a name");
    Contact { connection, reference: ContactRef::Id(id.to_owned()) }
}

fn change(id: &str, tag: &str) -> Change {
    let name = |text: &str| TagName::parse(text).expect("a tag");
    let effect = tag.strip_prefix('-').map_or_else(|| Effect::AddTag(name(tag)), |tag| Effect::RemoveTag(name(tag)));
    Change::plain(contact(id), effect, rule())
}

fn holds(holds: bool) -> Judged {
    Judged::guards(holds)
}

fn id(ord: u64, index: u32) -> ChangeId {
    ChangeId { ord: Ord(ord), index }
}

fn ids(taken: &Taken) -> Vec<ChangeId> {
    taken.changes.iter().map(|(id, _)| *id).collect()
}

fn settled(change_id: ChangeId, contact: &str, tag: &str, how: Settled) -> SettledChange {
    SettledChange {
        id: change_id,
        change: change(contact, tag),
        how,
        reason: "a test".to_owned(),
        others: Vec::new(),
        cause: None,
    }
}
