//! The engine put together: its threads, its task, and the ways to them.

use std::collections::HashMap;
use std::sync::mpsc::{self, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc::UnboundedSender, oneshot};

use super::address::Address;
use super::ahead::{Ahead, Room};
use super::engine::Books;
use super::fault::ConnectError;
use super::intakes::Intakes;
use super::lots::Lots;
use super::member::{FIRST, Member};
use super::pace::{ON_THE_WAY, Pace};
use super::schema;
use super::session::Session;
use super::standing::Standing;
use crate::store::command::Command;
use crate::store::face::{Options, StoreError, Wake};
use crate::store::forget::Gone;
use crate::store::gathered::Crowd;

/// Commands that may wait for each of the threads.
const QUEUE: usize = 4_096;

/// What runs for the store.
pub(in crate::store) struct Shared {
    standing: Arc<Standing>,
    intakes: SyncSender<Command>,
    books: SyncSender<Command>,
    crowd: Arc<Crowd>,
    running: Mutex<Option<Running>>,
}

struct Running {
    threads: [JoinHandle<()>; 4],
    leave: oneshot::Sender<()>,
    /// Closed when the task has left.
    left: mpsc::Receiver<()>,
}

/// A connection to a database whose tables are set up. A server that can't be reached may come up, or a standby be promoted: that is
/// waited for. What nobody but a person can mend is told at once.
async fn ready(address: &Address, trial: Option<bool>) -> Result<Session, StoreError> {
    let began = Instant::now();
    loop {
        let reached = address.connect(None).await;
        let may_pass = reached.as_ref().err().is_none_or(ConnectError::may_pass);
        let migrated = match reached {
            Ok(_) => {
                let own = address.clone();
                let migrated = tokio::task::spawn_blocking(move || {
                    let session = Session::new(own)?;
                    schema::migrate(&session, session.address(), trial).map(|()| session)
                });
                migrated.await.map_err(|error| StoreError::Unavailable(error.to_string()))?
            }
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        };
        match migrated {
            Err(error @ StoreError::Unavailable(_)) if may_pass && began.elapsed() < FIRST => {
                tracing::warn!(%error, "the database can't be used; it is waited for");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            done => return done,
        }
    }
}

impl Shared {
    /// Sets the tables up, joins the other gateways, and gives a connection for readers.
    pub async fn open(
        address: Address,
        options: Options,
        wake: UnboundedSender<Vec<Wake>>,
        timers: Arc<Notify>,
    ) -> Result<(Self, Session), StoreError> {
        let session = ready(&address, options.trial).await?;
        let standing = Standing::new();
        standing.outlast(options.longest_call);
        let (intakes, intake_queue) = mpsc::sync_channel(QUEUE);
        let (books, book_queue) = mpsc::sync_channel(QUEUE);
        let (room, needed) = Room::new();
        let ahead = Ahead {
            session: Session::new(address.clone())?,
            standing: Arc::clone(&standing),
            options: options.clone(),
        };
        let for_room = Arc::downgrade(&room);
        let crowd = Arc::new(Crowd::default());
        let (pace, (hand_on, cuts)) = (Arc::new(Pace::new(Arc::clone(&crowd))), tokio::sync::mpsc::channel(ON_THE_WAY));
        let lots = Arc::new(Mutex::new(Lots {
            session: Session::new(address.clone())?,
            standing: Arc::clone(&standing),
            options: options.clone(),
            wake: wake.clone(),
            room: Arc::clone(&room),
            pace: Arc::clone(&pace),
        }));
        let cutting = Intakes {
            standing: Arc::clone(&standing),
            options: options.clone(),
            pace: Arc::clone(&pace),
            to_thread: hand_on,
            lots: Arc::clone(&lots),
        };
        let keeping = Books {
            session: Session::new(address.clone())?,
            standing: Arc::clone(&standing),
            options: options.clone(),
            wake: wake.clone(),
            timers: Arc::clone(&timers),
            gone: Gone::default(),
            heard: HashMap::new(),
            owed: Vec::new(),
            room,
        };
        let spawn = |name: &str, run: Box<dyn FnOnce() + Send>| {
            let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
            thread.map_err(|error| StoreError::Unavailable(error.to_string()))
        };
        let threads = [
            spawn("intake", Box::new(move || cutting.run(&intake_queue)))?,
            // It ends when the first has ended.
            spawn("lots", Box::new(move || Lots::run(&lots, &pace, cuts)))?,
            spawn("books", Box::new(move || keeping.run(&book_queue)))?,
            // It ends when those have ended.
            spawn("partitions", Box::new(move || ahead.run(&for_room, &needed)))?,
        ];
        let (leave, leaving) = oneshot::channel();
        let (tell_left, left) = mpsc::channel();
        let Options { name, clock, mark, .. } = options;
        let member = Member { address, standing: Arc::clone(&standing), wake, timers, name, clock, mark };
        let (tell_joined, joined) = oneshot::channel();
        // A thread of its own: what keeps the lease must not wait behind what the gateway does.
        let task = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            if let Ok(runtime) = runtime {
                runtime.block_on(member.run(tell_joined, leaving));
            }
            drop(tell_left);
        };
        spawn("member", Box::new(task))?;
        let running = Mutex::new(Some(Running { threads, leave, left }));
        let this = Self { standing, intakes, books, crowd, running };
        let joined = joined.await.unwrap_or(Err(StoreError::Stopped));
        if joined.is_err() {
            this.stop();
        }
        joined.map(|()| (this, session))
    }

    /// How this gateway stands.
    pub fn standing(&self) -> &Arc<Standing> {
        &self.standing
    }

    /// The events that wait to be written.
    pub fn crowd(&self) -> &Arc<Crowd> {
        &self.crowd
    }

    /// Hands a command to whoever serves it.
    pub fn send(&self, command: Command) -> Result<(), StoreError> {
        let accepts = matches!(command, Command::Accept(..));
        let to = if accepts { &self.intakes } else { &self.books };
        to.try_send(command).map_err(|error| match error {
            mpsc::TrySendError::Full(_) => StoreError::Busy,
            mpsc::TrySendError::Disconnected(_) => StoreError::Stopped,
        })?;
        if accepts {
            self.crowd.tell();
        }
        Ok(())
    }

    /// Writes what was handed in, and leaves. Blocks until it is done.
    pub fn stop(&self) {
        let Some(running) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        // A full queue still takes this: it is being drained.
        let _ = self.intakes.send(Command::Stop);
        let _ = self.books.send(Command::Stop);
        for thread in running.threads {
            let _ = thread.join();
        }
        let _ = running.leave.send(());
        let _ = running.left.recv();
    }
}
