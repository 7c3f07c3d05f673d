//! The store's invariants, each held by a test. Written against the face alone, so that every store must pass them.

mod blame;
mod forgetting;
mod intake;
mod lasting;
mod settling;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Accepted, Intake, Options, SettledChange, Settlement, Store, StoreError, Taken, Waiting, Wake};
use crate::clock::Clock;
use crate::domain::change::{Change, ChangeId, Effect, Judged, Ord, Settled, Terms};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// A store in a folder of its own, at a time of its own.
struct Bench {
    dir: tempfile::TempDir,
    clock: Clock,
    store: Store,
    waiting: Vec<Waiting>,
    wakes: UnboundedReceiver<Vec<Wake>>,
}

const START: Timestamp = Timestamp(1_800_000_000_000);
const DAY_MS: i64 = 86_400_000;

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let clock = Clock::standing(START);
        let (store, waiting, wakes) = open(&dir.path().join("t.db"), &clock).expect("a new store");
        Self { dir, clock, store, waiting, wakes }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("t.db")
    }

    /// What a crash leaves: the file as it is, all memory gone. The old writer must not hold the lock any more.
    fn restart(self) -> Self {
        let Self { dir, clock, store, .. } = self;
        store.stop();
        let (store, waiting, wakes) = open(&dir.path().join("t.db"), &clock).expect("the same store");
        Self { dir, clock, store, waiting, wakes }
    }

    async fn accept(&self, event: Sent<'_>) -> Accepted {
        let accepted = self.store.accept(vec![event.intake(self.clock.now())]).await.expect("stored");
        accepted.into_iter().next().expect("an answer for the event")
    }

    async fn take(&self, id: &str) -> Taken {
        self.store.take(contact(id).key()).await.expect("taken")
    }

    async fn settle(&self, id: &str, settled: Vec<SettledChange>) {
        let at = self.clock.now();
        let settlement = Settlement { settled, ..Settlement::of(contact(id), at) };
        self.store.settle(settlement).await.expect("settled");
    }

    /// How many rows a table has, looked at from outside.
    fn rows(&self, table: &str) -> i64 {
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
