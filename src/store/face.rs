//! The store's one face.

use std::path::Path;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tokio::sync::{Notify, mpsc::UnboundedSender, oneshot, watch};

use super::command::{Command, Outdated, RuleText};
use super::delivery::Settlement;
use super::forget::{Forgotten, Found};
use super::gathered::Gathered;
use super::log::{Commits, Log};
use super::postgres::{Address, Shared};
use super::read::Reader;
use super::record::Intake;
use super::runs::Runs;
pub use super::shapes::{
    Accepted, Again, Database, Options, PauseKind, Paused, Said, StoreError, Taken, Waiting, Wake, What,
};
use super::started::{Met, Start, Started};
use super::timer::Timer;
use super::writer::Writer;
use super::{recover, schema};
use crate::domain::change::{ChangeId, Judged, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::ConnectionName;
use crate::domain::subscription::{Progress, Subscription};

/// Events, changes and what became of them. Cheap to clone; the last clone that goes stops the writer.
#[derive(Clone)]
pub struct Store {
    commands: Way,
    reader: Reader,
    timers: Arc<Notify>,
    commits: Commits,
    writer: Arc<Mutex<Option<std::thread::JoinHandle<()>>>>,
}

/// How commands reach the writer.
#[derive(Clone)]
enum Way {
    /// It has a thread of its own, and groups what waits.
    Queue(mpsc::SyncSender<Command>),
    /// It serves each command where it is given.
    InPlace(Arc<Mutex<Option<Place>>>),
    /// PostgreSQL's: one thread accepts, another keeps the books.
    Shared(Arc<Shared>),
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
    /// Opens what there is: a file of this gateway's own, or the database that it shares with others.
    pub async fn open_at(
        database: &Database,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
    ) -> Result<(Self, Vec<Waiting>), StoreError> {
        match database {
            Database::Sqlite(file) => Self::open(file, options, wake),
            // What waits is told as the buckets are gained.
            Database::Postgres(address) => {
                Self::open_shared(address.as_ref().clone(), options, wake).await.map(|store| (store, Vec::new()))
            }
        }
    }

    /// Opens or creates the file, brings it up to date and rebuilds what waits. `wake` hears of each contact that gets
    /// something to deliver, after it is durable.
    pub fn open(
        path: &Path,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
    ) -> Result<(Self, Vec<Waiting>), StoreError> {
        let commits = options.commits.clone();
        let Opened { lock, writer, waiting, timers } = opened(path, options, wake)?;
        let (commands, queue) = mpsc::sync_channel(QUEUE);
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            writer.run(&queue);
            drop(lock);
        });
        let thread = thread.map_err(|e| StoreError::Unavailable(e.to_string()))?;
        let writer = Arc::new(Mutex::new(Some(thread)));
        let store = Self { commands: Way::Queue(commands), reader: Reader::new(path), timers, commits, writer };
        Ok((store, waiting))
    }

    /// The same without a thread: each command is a commit of its own and blocks. For simulations, whose time is virtual.
    pub fn open_in_place(
        path: &Path,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
    ) -> Result<(Self, Vec<Waiting>), StoreError> {
        let commits = options.commits.clone();
        let Opened { lock, writer, waiting, timers } = opened(path, options, wake)?;
        let place = Arc::new(Mutex::new(Some(Place { writer, _lock: lock })));
        let reader = Reader::new(path).in_place();
        Ok((Self { commands: Way::InPlace(place), reader, timers, commits, writer: Arc::default() }, waiting))
    }

    /// Joins the gateways of a PostgreSQL database. What is to be delivered by this one is told by `wake`, as its share of the
    /// contacts becomes known. Needs a running tokio runtime.
    pub async fn open_shared(
        address: Address,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
    ) -> Result<Self, StoreError> {
        let (timers, commits) = (Arc::new(Notify::new()), options.commits.clone());
        let (shared, session) = Shared::open(address, options, wake, Arc::clone(&timers)).await?;
        let reader = Reader::shared(session, shared.standing());
        Ok(Self { commands: Way::Shared(Arc::new(shared)), reader, timers, commits, writer: Arc::default() })
    }

    /// No call takes longer than this: what this gateway delivers for stays its own for as long.
    pub fn outlast(&self, longest_call: Duration) {
        if let Way::Shared(shared) = &self.commands {
            shared.standing().outlast(longest_call);
        }
    }

    /// Makes events durable, all of them or none; returns when they are on disk.
    pub async fn accept(&self, events: Vec<Intake>) -> Result<Vec<Accepted>, StoreError> {
        self.accept_gathered(self.gather(events)).await
    }

    /// Events to which others may be added.
    pub fn gather(&self, events: Vec<Intake>) -> Arc<Gathered> {
        let crowd = if let Way::Shared(shared) = &self.commands { Some(Arc::clone(shared.crowd())) } else { None };
        Gathered::new(events, crowd)
    }

    /// The same of events to which others are added as long as they wait for their commit. One answer for each that there was when the
    /// writer took them.
    pub async fn accept_gathered(&self, events: Arc<Gathered>) -> Result<Vec<Accepted>, StoreError> {
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

    /// The same, whichever gateway delivers for them; to be shown.
    pub async fn waiting_anywhere(&self, connection: ConnectionName) -> Result<Vec<Waiting>, StoreError> {
        let recent = self.ask(|reply| Command::InMemory(connection.clone(), reply)).await?;
        self.reader.waiting_anywhere(connection, recent).await
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
    pub async fn start(&self, start: Start) -> Result<Started, StoreError> {
        self.ask(|reply| Command::Start(start, reply)).await
    }

    /// Whether several gateways may share it.
    pub fn is_shared(&self) -> bool {
        matches!(self.commands, Way::Shared(_))
    }

    /// Within how many milliseconds a call starts after its start was written, at the latest.
    pub fn ahead_ms(&self) -> i64 {
        match &self.commands {
            // Other gateways count it from when it was written.
            Way::Shared(_) => super::started::SHARED_AHEAD_MS,
            _ => super::started::AHEAD_MS,
        }
    }

    /// Tags of these contacts were changed by others: whichever gateway has a contact knows nothing of them any more. Returns when
    /// it is durable.
    pub async fn outdated(&self, contacts: Vec<(ContactKey, ConnectionName)>) -> Result<(), StoreError> {
        self.tell_outdated(Outdated { contacts, forgotten: false }).await
    }

    /// These were forgotten: neither their tags are known any more, nor who is meant by an address.
    pub async fn forgotten(&self, contacts: Vec<(ContactKey, ConnectionName)>) -> Result<(), StoreError> {
        self.tell_outdated(Outdated { contacts, forgotten: true }).await
    }

    async fn tell_outdated(&self, outdated: Outdated) -> Result<(), StoreError> {
        if self.is_shared() && !outdated.contacts.is_empty() {
            self.ask(|reply| Command::Outdated(outdated, reply)).await?;
        }
        Ok(())
    }

    /// Tells the other gateways something of a connection. Nobody waits for it: who doesn't hear of it finds out by itself.
    pub fn tell_others(&self, connection: ConnectionName, what: Said) {
        if let Way::Shared(_) = &self.commands {
            let _ = self.send(Command::TellOthers(connection, what));
        }
    }

    /// Leaves how the lanes stand here for the other gateways to read: [`super::postgres::Peer::lanes`].
    pub fn leave_lanes(&self, lanes: &str) {
        if let Way::Shared(shared) = &self.commands {
            shared.standing().leave_lanes(lanes);
        }
    }

    /// Tells the other gateways that the limit of these connections' account was met: they hear of it before their next call starts.
    pub fn tell_limit_met(&self, sharing: Vec<ConnectionName>, met: Met) {
        if let Way::Shared(_) = &self.commands {
            let _ = self.send(Command::LimitMet(sharing, met));
        }
    }

    /// Calls that were written as starting were not made after all. Nobody waits for it: forgetting it costs allowance, once.
    pub fn not_started(&self, ids: Vec<i64>) {
        let _ = self.send(Command::NotStarted(ids));
    }

    /// A contact's last words were said again, as this entry asked.
    pub async fn said_again(&self, contact: ContactKey, entry: i64) -> Result<(), StoreError> {
        self.ask(|reply| Command::SaidAgain(contact, entry, reply)).await
    }

    /// Keeps whether a connection is paused, and for how long it has been in all before.
    pub async fn keep_paused(&self, name: ConnectionName, paused: Paused) -> Result<(), StoreError> {
        self.ask(|reply| Command::KeepPaused(name, Box::new(paused), reply)).await
    }

    /// From now on a subscriber is told; `false` where there are as many as there may be.
    pub async fn subscribe(&self, subscription: Subscription) -> Result<bool, StoreError> {
        self.ask(|reply| Command::Subscribe(Box::new(subscription), reply)).await
    }

    /// A subscriber is told no more, and nothing is kept of it; `false` where there is none.
    pub async fn unsubscribe(&self, id: String) -> Result<bool, StoreError> {
        self.ask(|reply| Command::Unsubscribe(id, reply)).await
    }

    /// Keeps how far a subscription is; `false` where it isn't any more where it was, or is gone.
    pub async fn advance(&self, id: String, was: Progress, is: Progress) -> Result<bool, StoreError> {
        self.ask(|reply| Command::Advance(Box::new((id, was, is)), reply)).await
    }

    /// Hears of each commit of this gateway that adds to a log, from now on. Others' are to be looked for.
    pub fn commits(&self, log: Log) -> watch::Receiver<()> {
        self.commits.hear(log)
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
            Way::Shared(shared) => shared.stop(),
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
            Way::Shared(shared) => shared.send(command),
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
    schema::is_not_migrated(&db)?;
    let recent = recover::recent(&db)?;
    let mut runs = Runs::default();
    let waiting = recover::waiting(&db, &recent, &mut runs)?;
    let timers = Arc::new(Notify::new());
    let writer = Writer::new(db, (recent, runs), options, wake, Arc::clone(&timers))?;
    Ok(Opened { lock, writer, waiting, timers })
}

/// Takes the file's lock for the life of the writer: two writers would each hand out the same numbers.
pub(super) fn lock(path: &Path) -> Result<std::fs::File, StoreError> {
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
