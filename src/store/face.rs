//! The store's one face.

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, mpsc::UnboundedSender, oneshot};

use super::contact::Past;
use super::delivery::{Retry, Settlement};
use super::forget::{Forgotten, Found};
use super::read::Reader;
use super::record::Intake;
use super::runs::Runs;
use super::timer::Timer;
use super::writer::{Command, RuleText, Writer};
use super::{recover, schema};
use crate::clock::Clock;
use crate::domain::change::{Change, ChangeId, Judged, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;

/// Why the store can't do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk or the file refused; nothing was half done. It may work again later.
    #[error("the store can't write or read: {0}")]
    Unavailable(String),
    /// More waits for the writer than it may hold.
    #[error("the store is busy")]
    Busy,
    /// The store has been stopped.
    #[error("the store is stopped")]
    Stopped,
    /// The file belongs to another program.
    #[error("this file is a database of another program")]
    Foreign,
    /// The file was written by a newer version.
    #[error("the database has schema {found}, this version knows up to {known}: run the newer tagrelay")]
    Newer {
        /// The file's schema.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// Another gateway has the file open.
    #[error("another tagrelay has this database open")]
    Locked,
    /// The file holds something that no version writes.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// How the store behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long events and deliveries are kept; 24 h at least.
    pub retention: Duration,
    /// The clock that stamps commits.
    pub clock: Clock,
    /// How many of a contact's changes are taken at once: what a step needs of memory is bounded, whatever has piled up.
    pub page: usize,
}

impl Options {
    /// The usual ones.
    pub fn new(retention: Duration, clock: Clock) -> Self {
        Self { retention, clock, page: 4_096 }
    }
}

/// A contact with something to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// Whose.
    pub key: ContactKey,
    /// Where.
    pub connection: ConnectionName,
    /// Whether what is new has waited already, under the name that its contact was looked up by.
    pub gathered: bool,
}

/// A contact with something to deliver at start.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Whose.
    pub key: ContactKey,
    /// Where.
    pub connection: ConnectionName,
    /// Not before this, when tries have failed.
    pub not_before: Option<Timestamp>,
}

/// What became of an event that was handed in.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    /// It is on disk under this number.
    New(Ord),
    /// The same source and key came within 24 hours: nothing was stored.
    Duplicate {
        /// The number of the event that it repeats.
        ord: Ord,
        /// The rules that matched then.
        rules: Vec<crate::domain::name::RuleId>,
        /// What was answered then.
        reply: Vec<u8>,
        /// Whether this body is another one under the same key.
        differs: bool,
    },
}

/// A dead letter that is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// Which.
    pub id: ChangeId,
    /// Whether its connection lists its tag by now, which it was refused for.
    pub mended: bool,
}

/// What a contact waits for, with what a fold needs.
#[derive(Debug, Clone)]
pub struct Taken {
    /// Whom it is about; `None` when nothing waits.
    pub contact: Option<Contact>,
    /// What waits, oldest first.
    pub changes: Vec<(ChangeId, Change)>,
    /// Whether more waits behind these.
    pub more: bool,
    /// What has happened to the contact so far.
    pub past: Past,
    /// Tries that failed so far.
    pub retry: Option<Retry>,
}

/// Events, changes and what became of them. Cheap to clone; the last clone that goes stops the writer.
#[derive(Clone)]
pub struct Store {
    commands: Way,
    reader: Reader,
    timers: Arc<Notify>,
    writer: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

/// How commands reach the writer.
#[derive(Clone)]
enum Way {
    /// It has a thread of its own, and groups what waits.
    Queue(mpsc::SyncSender<Command>),
    /// It serves each command where it is given.
    InPlace(Arc<Mutex<Option<Place>>>),
}

/// A writer without a thread, and the lock on its file.
struct Place {
    writer: Writer,
    _lock: std::fs::File,
}

/// Commands that may wait for the writer; beyond it the store is busy and a sender is told to come back. Room for all of
/// them is taken at once.
const QUEUE: usize = 4_096;

impl Store {
    /// Opens or creates the file, brings it up to date and rebuilds what waits. `wake` hears of each contact that gets
    /// something to deliver, after it is durable.
    pub fn open(
        path: &Path,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
    ) -> Result<(Self, Vec<Waiting>), StoreError> {
        let Opened { lock, writer, waiting, timers } = opened(path, options, wake)?;
        let (commands, queue) = mpsc::sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            writer.run(&queue);
            drop(lock);
        });
        let thread = thread.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let writer = Arc::new(Mutex::new(Some(thread)));
        let store = Self { commands: Way::Queue(commands), reader: Reader::new(path), timers, writer };
        Ok((store, waiting))
    }

    /// The same without a thread: each command is a commit of its own and blocks. For simulations, whose time is virtual.
    pub fn open_in_place(
        path: &Path,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
    ) -> Result<(Self, Vec<Waiting>), StoreError> {
        let Opened { lock, writer, waiting, timers } = opened(path, options, wake)?;
        let place = Arc::new(Mutex::new(Some(Place { writer, _lock: lock })));
        let reader = Reader::new(path).in_place();
        Ok((Self { commands: Way::InPlace(place), reader, timers, writer: Arc::default() }, waiting))
    }

    /// Makes events durable, all of them or none; returns when they are on disk.
    pub async fn accept(&self, events: Vec<Intake>) -> Result<Vec<Accepted>, StoreError> {
        self.ask(|reply| Command::Accept(events, reply)).await
    }

    /// What a contact waits for: the oldest [`Options::page`] changes.
    pub async fn take(&self, contact: ContactKey) -> Result<Taken, StoreError> {
        self.ask(|reply| Command::Take { contact, for_call: true, reply }).await
    }

    /// All of it, only to be looked at.
    pub async fn look(&self, contact: ContactKey) -> Result<Taken, StoreError> {
        self.ask(|reply| Command::Take { contact, for_call: false, reply }).await
    }

    /// The contacts of one connection with something to deliver, for deliveries that begin while the store is open. It reads
    /// all that waits, beside the writer: right for a change of the rules, too much for each event.
    pub async fn waiting_of(&self, connection: ConnectionName) -> Result<Vec<Waiting>, StoreError> {
        // Memory first: what is spread between the two looks is then found in the table.
        let recent = self.ask(|reply| Command::InMemory(connection.clone(), reply)).await?;
        self.reader.waiting_of(connection, recent).await
    }

    /// Records one convergence of a contact: settled changes wait no more.
    pub async fn settle(&self, settlement: Settlement) -> Result<(), StoreError> {
        self.ask(|reply| Command::Settle(Box::new(settlement), reply)).await
    }

    /// Records calls that were made only to look, with nothing settled: neither the contact's row nor its retry changes.
    pub async fn tell(&self, calls: Settlement) -> Result<(), StoreError> {
        self.ask(|reply| Command::Tell(Box::new(calls), reply)).await
    }

    /// Makes what was judged durable before the first call, so that a retry judges the same.
    pub async fn keep_judged(&self, contact: Contact, judged: Vec<(ChangeId, Judged)>) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepJudged(Box::new((contact, judged)), reply)).await
    }

    /// Puts the changes of dead letters back under their old numbers; gives those that there were.
    pub async fn retry_dead(&self, letters: Vec<Again>) -> Result<Vec<ChangeId>, StoreError> {
        self.ask(|reply| Command::RetryDead(letters, reply)).await
    }

    /// Ends a dead letter for good; `false` when there is no such dead letter.
    pub async fn discard_dead(&self, id: ChangeId, note: String) -> Result<bool, StoreError> {
        self.ask(|reply| Command::DiscardDead(id, note, reply)).await
    }

    /// Nobody needs to look at an event's faults any more; `false` when there are none that somebody would have to.
    pub async fn dismiss(&self, event: Ord) -> Result<bool, StoreError> {
        self.ask(|reply| Command::Dismiss(event, reply)).await
    }

    /// Erases all that names a contact, under whatever it is known by; gives how much, and the keys that were theirs.
    pub async fn forget(&self, contact: Contact) -> Result<(Forgotten, Vec<ContactKey>), StoreError> {
        let known_as = self.reader.known_as(contact.clone()).await?;
        // The long look is beside the writer, which then looks at what has come since.
        let found = self.reader.find(known_as.iter().map(Contact::key).collect()).await?;
        self.forget_found(contact, found).await
    }

    /// The same, where the events have been looked through.
    pub(super) async fn forget_found(
        &self,
        contact: Contact,
        found: Found,
    ) -> Result<(Forgotten, Vec<ContactKey>), StoreError> {
        self.ask(|reply| Command::Forget(Box::new((contact, found)), reply)).await
    }

    /// Keeps the text of a rule set under its hash.
    pub async fn keep_rule_set(&self, hash: String, text: String) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepRuleSet(Box::new(RuleText { hash, text }), reply)).await
    }

    /// Writes that a call of this connection starts, before it does; the id goes into the settlement that tells of the call.
    pub async fn start(&self, connection: ConnectionName, at: Timestamp) -> Result<i64, StoreError> {
        self.ask(|reply| Command::Start(connection, at, reply)).await
    }

    /// Calls that were written as starting were not made after all. Nobody waits for it: forgetting it costs allowance, once.
    pub fn not_started(&self, ids: Vec<i64>) {
        let _ = self.send(Command::NotStarted(ids));
    }

    /// Keeps whether a connection is paused, and for how long it has been in all before.
    pub async fn keep_paused(&self, name: ConnectionName, paused: Paused) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepPaused(name, Box::new(paused), reply)).await
    }

    /// Forgets timers that have been carried out.
    pub async fn end_timers(&self, timers: Vec<Timer>) -> Result<(), StoreError> {
        self.ask(|reply| Command::EndTimers(timers, reply)).await
    }

    /// Returns when a timer was set since the last call returned.
    pub async fn timer_set(&self) {
        self.timers.notified().await;
    }

    /// Removes what is older than the retention; called now and then by the owner of the clock. Others are served in between.
    pub async fn retain(&self) -> Result<(), StoreError> {
        while self.ask(Command::Retain).await? {}
        Ok(())
    }

    /// Whether the writer answers and can write.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.ask(Command::Ping).await
    }

    /// What people and scripts look up.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Writes what was handed in, closes the file and ends the writer. Blocks shortly.
    pub fn stop(&self) {
        match &self.commands {
            // A full queue still takes this: the writer is draining it.
            Way::Queue(queue) => drop(queue.send(Command::Stop)),
            Way::InPlace(place) => {
                if let Some(place) = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take() {
                    place.writer.close();
                }
            }
        }
        let thread = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }

    fn send(&self, command: Command) -> Result<(), StoreError> {
        match &self.commands {
            Way::Queue(queue) => queue.try_send(command).map_err(|error| match error {
                mpsc::TrySendError::Full(_) => StoreError::Busy,
                mpsc::TrySendError::Disconnected(_) => StoreError::Stopped,
            }),
            Way::InPlace(place) => {
                let mut place = place.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                place.as_mut().ok_or(StoreError::Stopped)?.writer.serve(vec![command]);
                Ok(())
            }
        }
    }

    async fn ask<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Command,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.send(command(reply))?;
        // No answer at all: the commit failed before this command's turn.
        answer.await.map_err(|_| StoreError::Unavailable("the commit that held this failed".to_owned()))?
    }
}

/// A file that is open for writing.
struct Opened {
    lock: std::fs::File,
    writer: Writer,
    waiting: Vec<Waiting>,
    timers: Arc<Notify>,
}

fn opened(path: &Path, options: Options, wake: UnboundedSender<Vec<Wake>>) -> Result<Opened, StoreError> {
    let lock = lock(path)?;
    let mut db = schema::open_writer(path)?;
    schema::migrate(&mut db)?;
    let recent = recover::recent(&db)?;
    let mut runs = Runs::default();
    let waiting = recover::waiting(&db, &recent, &mut runs)?;
    let timers = Arc::new(Notify::new());
    let writer = Writer::new(db, (recent, runs), options, wake, Arc::clone(&timers))?;
    Ok(Opened { lock, writer, waiting, timers })
}

/// A connection's pause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paused {
    /// Since when, if it is paused now.
    pub since: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Milliseconds of earlier pauses.
    pub before_ms: i64,
    /// What kind of pause it is.
    pub kind: PauseKind,
}

/// Why a connection isn't called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PauseKind {
    /// Its credentials or its address are refused: a person has to mend something.
    #[default]
    Refused,
    /// Too many of its calls fail: the breaker is open.
    Failing,
}

impl PauseKind {
    /// What [`Self::word`] writes.
    pub fn of_word(word: &str) -> Self {
        if word == Self::Failing.word() { Self::Failing } else { Self::Refused }
    }

    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failing => "failing",
        }
    }
}

/// Takes the file's lock for the life of the writer: two writers would each hand out the same numbers.
fn lock(path: &Path) -> Result<std::fs::File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = std::fs::File::options().create(true).truncate(false).write(true).open(&name);
    let file = file.map_err(|e| StoreError::Unavailable(format!("{}: {e}", Path::new(&name).display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::Locked),
        Err(std::fs::TryLockError::Error(e)) => Err(StoreError::Unavailable(e.to_string())),
    }
}
