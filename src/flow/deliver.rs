//! Deliveries: a lane for each connection that can be called, and who hears of what.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::converge::Account;
use super::lane::Lane;
use super::runner::{Begin, Ending, Runner};
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;
use crate::providers::allowance::Usage;
use crate::store::{Said, Store, Waiting, Wake, What};

/// What a lane is told.
pub(super) enum Told {
    /// These contacts have something new.
    Wake(Vec<News>),
    /// This was said of the connection, by a person or by another gateway.
    Said(Said),
    /// Say how things stand.
    Status(oneshot::Sender<LaneStatus>),
}

/// A contact with something new.
pub(super) struct News {
    pub key: ContactKey,
    /// What of it.
    pub what: What,
}

impl News {
    /// Tells the lane.
    pub fn wake(&self, lane: &mut Lane, now: Timestamp) {
        match self.what {
            What::Later(at) if at > now => lane.wake_later(self.key, at),
            What::Held(at) if at > now => {
                lane.share.allowance.throttled(at, now);
                lane.wake_later(self.key, at);
            }
            What::Gathered => lane.wake_gathered(self.key, now),
            _ => lane.wake(self.key, now),
        }
    }
}

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LaneStatus {
    /// The connection.
    pub name: ConnectionName,
    /// `well`, `paused`, `open` or `half-open` as its breaker is, `starting`; `removed` where nothing is called.
    pub state: &'static str,
    /// Why it isn't well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when it isn't.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::domain::time::rfc3339::option")]
    pub since: Option<Timestamp>,
    /// When a call looks again.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::domain::time::rfc3339::option")]
    pub probe_at: Option<Timestamp>,
    /// Contacts that wait or are under way.
    pub waiting: usize,
    /// Those of them that are under way.
    pub under_way: usize,
    /// How its account's allowance stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowance: Option<Usage>,
}

/// The deliveries under way.
pub struct Deliveries {
    store: Store,
    clock: Clock,
    lanes: Arc<Mutex<Lanes>>,
    tasks: Mutex<JoinSet<()>>,
    router: JoinHandle<()>,
    /// Where they run: connections to providers that are kept open belong to it.
    runtime: Handle,
    /// Contacts whose last words are to be said again, each with the entry that asks for it.
    again: Mutex<Option<mpsc::UnboundedReceiver<(ContactKey, i64)>>>,
}

/// Who is told of what.
#[derive(Default)]
struct Lanes {
    served: HashMap<ConnectionName, Served>,
    /// The last lane of each connection that has none now: it may still be calling.
    ending: HashMap<ConnectionName, Ending>,
    /// Contacts that wait at connections without a lane, to be shown.
    unserved: HashMap<ConnectionName, HashSet<ContactKey>>,
}

/// A connection with a lane. Dropping this ends the lane, after its calls under way.
struct Served {
    account: Arc<Account>,
    tell: mpsc::UnboundedSender<Told>,
    ended: watch::Receiver<()>,
}

impl Served {
    fn end(self) -> Ending {
        Ending { ended: self.ended }
    }
}

impl Deliveries {
    /// Starts a lane for each account, with what waited at start, and routes wakes to them.
    pub fn start(
        store: &Store,
        accounts: Vec<Arc<Account>>,
        mut wakes: mpsc::UnboundedReceiver<Vec<Wake>>,
        mut waiting: Vec<Waiting>,
        clock: &Clock,
    ) -> Self {
        let mut by_connection: HashMap<ConnectionName, Vec<Waiting>> = HashMap::new();
        // What waits comes by connection.
        while let Some(connection) = waiting.last().map(|one| one.connection.clone()) {
            let first = waiting.partition_point(|one| one.connection < connection);
            let theirs = if first == 0 { std::mem::take(&mut waiting) } else { waiting.split_off(first) };
            by_connection.insert(connection, theirs);
        }
        let (tell_again, again) = mpsc::unbounded_channel();
        let lanes = Arc::new(Mutex::new(Lanes::default()));
        let (routes, time) = (Arc::clone(&lanes), clock.clone());
        let router = tokio::spawn(async move {
            while let Some(batch) = wakes.recv().await {
                let now = time.now();
                for wake in &batch {
                    if let What::Again(entry) = wake.what {
                        let _ = tell_again.send((wake.key, entry));
                    }
                }
                locked(&routes).route(batch, now);
            }
        });
        let runtime = Handle::current();
        let again = Mutex::new(Some(again));
        let this =
            Self { store: store.clone(), clock: clock.clone(), lanes, tasks: Mutex::default(), router, runtime, again };
        let mut lanes = locked(&this.lanes);
        for account in accounts {
            let waiting = by_connection.remove(&account.config.name).unwrap_or_default();
            this.serve(&mut lanes, account, Begin::With(waiting));
        }
        for (connection, waiting) in by_connection {
            lanes.park(connection, waiting);
        }
        drop(lanes);
        this
    }

    /// Goes over to the connections of another rule set. A lane whose account is the very same goes on undisturbed; another one
    /// ends after its calls under way, and only then does its successor begin, with what waits.
    pub fn change(&self, accounts: Vec<Arc<Account>>) {
        let mut lanes = locked(&self.lanes);
        let mut before = std::mem::take(&mut lanes.served);
        for account in accounts {
            let name = account.config.name.clone();
            let ending = match before.remove(&name) {
                Some(same) if Arc::ptr_eq(&same.account, &account) => {
                    lanes.served.insert(name, same);
                    continue;
                }
                Some(other) => {
                    tracing::info!(connection = %name, "connection changed; what waits goes on as the new rules say");
                    Some(other.end())
                }
                None => {
                    tracing::info!(connection = %name, "connection added");
                    lanes.ending.remove(&name)
                }
            };
            lanes.unserved.remove(&name);
            self.serve(&mut lanes, account, Begin::After(ending));
        }
        for (name, removed) in before {
            tracing::info!(connection = %name, "connection removed; calls under way are finished, and what waits is kept");
            let ending = removed.end();
            lanes.ending.insert(name.clone(), ending.clone());
            self.spawn(look_what_waits(Arc::clone(&self.lanes), self.store.clone(), name, ending));
        }
    }

    /// The accounts that are called now.
    pub fn accounts(&self) -> Vec<Arc<Account>> {
        locked(&self.lanes).served.values().map(|served| Arc::clone(&served.account)).collect()
    }

    /// How each connection stands, in the order of their names; those that nobody calls are there while something waits.
    pub async fn status(&self) -> Vec<LaneStatus> {
        let (mut all, answers) = locked(&self.lanes).ask();
        for answer in answers {
            all.extend(answer.await);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Contacts whose last words are to be said again, for the one who does it.
    pub(super) fn said_again(&self) -> Option<mpsc::UnboundedReceiver<(ContactKey, i64)>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Tries all that waits at a connection now; `false` when there is no such connection.
    pub fn try_now(&self, connection: &str) -> bool {
        let Some(name) = locked(&self.lanes).served.get_key_value(connection).map(|(name, _)| name.clone()) else {
            return false;
        };
        self.store.tell_others(name, Said::TryNow);
        let lanes = locked(&self.lanes);
        lanes.served.get(connection).is_some_and(|served| served.tell.send(Told::Said(Said::TryNow)).is_ok())
    }

    /// Makes a call beside the deliveries, where they run: it is ended and recorded also where whoever asked for it has gone away.
    /// `None` where the gateway stops.
    pub async fn beside<T: Send + 'static>(&self, call: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (tell, told) = oneshot::channel();
        self.spawn(async move {
            let _ = tell.send(call.await);
        });
        told.await.ok()
    }

    /// Starts nothing more and waits for the calls under way, at most `patience`.
    pub async fn stop(&self, patience: Duration) {
        locked(&self.lanes).served.clear();
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("calls were still under way at the end; they are made again at the next start");
        }
        self.router.abort();
    }

    fn serve(&self, lanes: &mut Lanes, account: Arc<Account>, begin: Begin) {
        let (tell, told) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(());
        let name = account.config.name.clone();
        lanes.served.insert(name, Served { account: Arc::clone(&account), tell, ended });
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let runner = Runner { store, account, told, ended: end, clock };
        self.spawn(runner.run(begin));
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, &self.runtime);
    }
}

impl Lanes {
    fn route(&mut self, batch: Vec<Wake>, now: Timestamp) {
        let mut grouped: HashMap<ConnectionName, Vec<News>> = HashMap::new();
        for wake in batch {
            let Wake { key, connection, what } = wake;
            let served = self.served.get(&connection);
            match what {
                What::Said(said) => {
                    let _ = served.map(|served| served.tell.send(Told::Said(said)));
                    continue;
                }
                What::Outdated { by, unheard } => {
                    let _ = served.map(|served| served.account.knowledge.outdate(key, by, now));
                    drop(unheard);
                    continue;
                }
                What::Again(_) => {
                    let _ = served.map(|served| served.account.knowledge.outdate(key, now, now));
                    continue;
                }
                What::Forgotten => {
                    let _ = served.map(|served| served.account.people.forget(key));
                    continue;
                }
                What::New | What::Gathered | What::Later(_) | What::Held(_) => {}
            }
            let news = News { key, what };
            match grouped.get_mut(&connection) {
                Some(theirs) => theirs.push(news),
                None => drop(grouped.insert(connection.clone(), vec![news])),
            }
        }
        for (connection, news) in grouped {
            match self.served.get(&connection) {
                Some(served) => drop(served.tell.send(Told::Wake(news))),
                None => self.wait_unserved(connection, news.into_iter().map(|one| one.key).collect()),
            }
        }
    }

    /// What waits at a connection that nobody calls.
    fn park(&mut self, connection: ConnectionName, waiting: Vec<Waiting>) {
        if waiting.is_empty() || self.served.contains_key(&connection) {
            return;
        }
        self.wait_unserved(connection, waiting.into_iter().map(|one| one.key).collect());
    }

    /// Is told when it begins.
    fn wait_unserved(&mut self, connection: ConnectionName, contacts: Vec<ContactKey>) {
        if !self.unserved.contains_key(&connection) {
            tracing::warn!(%connection, contacts = contacts.len(), "changes wait for a connection that the rules no longer name");
        }
        self.unserved.entry(connection).or_default().extend(contacts);
    }

    /// What can be said at once, and the answers of the lanes to come.
    fn ask(&self) -> (Vec<LaneStatus>, Vec<oneshot::Receiver<LaneStatus>>) {
        let idle = self.unserved.iter().map(|(name, contacts)| {
            let reason = Some("the rules no longer name it; its changes wait".to_owned());
            let waiting = contacts.len();
            LaneStatus {
                name: name.clone(),
                state: "removed",
                reason,
                since: None,
                probe_at: None,
                waiting,
                under_way: 0,
                allowance: None,
            }
        });
        let asked = self.served.values().map(|served| {
            let (ask, answer) = oneshot::channel();
            let _ = served.tell.send(Told::Status(ask));
            answer
        });
        (idle.collect(), asked.collect())
    }
}

/// Shows what a removed connection leaves behind, once its calls have ended.
async fn look_what_waits(lanes: Arc<Mutex<Lanes>>, store: Store, name: ConnectionName, ending: Ending) {
    ending.end().await;
    match store.waiting_of(name.clone()).await {
        Ok(waiting) => locked(&lanes).park(name, waiting),
        Err(error) => tracing::error!(%error, connection = %name, "what waits could not be counted"),
    }
}

fn locked(lanes: &Mutex<Lanes>) -> MutexGuard<'_, Lanes> {
    lanes.lock().unwrap_or_else(PoisonError::into_inner)
}
