//! Deliveries: a task for each connection that waits for its turn, its time or a wake, and for nothing else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{JoinHandle, JoinSet};

use super::allowance::Allowance;
use super::converge::{Account, Next, Seen, Stepped, step};
use super::lane::Lane;
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::domain::name::ConnectionName;
use crate::domain::time::Timestamp;
use crate::store::{Paused, Store, Waiting, Wake};

/// What a lane is told.
enum Told {
    /// These contacts have something new.
    Wake(Vec<ContactKey>),
    /// Try all that waits now, and look at a paused connection at once.
    TryNow,
    /// Say how things stand.
    Status(oneshot::Sender<LaneStatus>),
}

/// How a connection stands.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct LaneStatus {
    /// The connection.
    pub name: ConnectionName,
    /// `well` or `paused`.
    pub state: &'static str,
    /// Why it is paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When a call looks again.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "crate::domain::time::rfc3339::option")]
    pub probe_at: Option<Timestamp>,
    /// Contacts that wait or are under way.
    pub waiting: usize,
}

/// The deliveries under way.
pub struct Deliveries {
    lanes: Arc<HashMap<ConnectionName, mpsc::UnboundedSender<Told>>>,
    tasks: Mutex<JoinSet<()>>,
    router: JoinHandle<()>,
    stop: watch::Sender<bool>,
}

/// How long a lane waits when the store can't be asked.
const STORE_PAUSE: Duration = Duration::from_secs(1);

impl Deliveries {
    /// Starts a lane for each account, with what waited at start, and routes wakes to them.
    pub fn start(
        store: &Store,
        accounts: Vec<Account>,
        mut wakes: mpsc::UnboundedReceiver<Vec<Wake>>,
        waiting: Vec<Waiting>,
        clock: &Clock,
    ) -> Self {
        let (stop, stopped) = watch::channel(false);
        let mut by_connection: HashMap<ConnectionName, Vec<Waiting>> = HashMap::new();
        for one in waiting {
            by_connection.entry(one.connection.clone()).or_default().push(one);
        }
        let mut lanes = HashMap::new();
        let mut tasks = JoinSet::new();
        for account in accounts {
            let (tell, told) = mpsc::unbounded_channel();
            let waiting = by_connection.remove(&account.config.name).unwrap_or_default();
            lanes.insert(account.config.name.clone(), tell);
            let runner = Runner {
                store: store.clone(),
                account: Arc::new(account),
                told,
                stopped: stopped.clone(),
                clock: clock.clone(),
            };
            tasks.spawn(runner.run(waiting));
        }
        for (connection, waiting) in by_connection {
            tracing::warn!(%connection, contacts = waiting.len(), "changes wait for a connection that the rules no longer name, or whose provider this version doesn't deliver to");
        }
        let lanes = Arc::new(lanes);
        let routes = Arc::clone(&lanes);
        let router = tokio::spawn(async move {
            while let Some(batch) = wakes.recv().await {
                route(&routes, batch);
            }
        });
        Self { lanes, tasks: Mutex::new(tasks), router, stop }
    }

    /// How each connection stands, in the order of their names.
    pub async fn status(&self) -> Vec<LaneStatus> {
        let mut all = Vec::with_capacity(self.lanes.len());
        for lane in self.lanes.values() {
            let (ask, answer) = oneshot::channel();
            let _ = lane.send(Told::Status(ask));
            all.extend(answer.await);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// Tries all that waits at a connection now; `false` when there is no such connection.
    pub fn try_now(&self, connection: &str) -> bool {
        self.lanes.get(connection).is_some_and(|lane| lane.send(Told::TryNow).is_ok())
    }

    /// Starts nothing more and waits for the calls under way, at most `patience`.
    pub async fn stop(&self, patience: Duration) {
        let _ = self.stop.send(true);
        let mut lanes = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let all = async { while lanes.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all).await.is_err() {
            tracing::warn!("calls were still under way at the end; they are made again at the next start");
        }
        self.router.abort();
    }
}

fn route(lanes: &HashMap<ConnectionName, mpsc::UnboundedSender<Told>>, batch: Vec<Wake>) {
    let mut grouped: HashMap<ConnectionName, Vec<ContactKey>> = HashMap::new();
    for wake in batch {
        match grouped.get_mut(&wake.connection) {
            Some(keys) => keys.push(wake.key),
            None => drop(grouped.insert(wake.connection, vec![wake.key])),
        }
    }
    for (connection, keys) in grouped {
        if let Some(lane) = lanes.get(&connection) {
            let _ = lane.send(Told::Wake(keys));
        }
    }
}

struct Runner {
    store: Store,
    account: Arc<Account>,
    told: mpsc::UnboundedReceiver<Told>,
    stopped: watch::Receiver<bool>,
    clock: Clock,
}

type Ended = (ContactKey, Timestamp, Stepped);

impl Runner {
    async fn run(mut self, waiting: Vec<Waiting>) {
        let mut lane = self.lane(waiting).await;
        let mut steps: JoinSet<Ended> = JoinSet::new();
        loop {
            let now = self.clock.now();
            while let Some(key) = lane.pop(now) {
                self.begin(&mut steps, key, now, lane.paused_ms(now));
            }
            let due = lane.next_due(now).map(|at| Duration::from_millis(at.since(now).max(1) as u64));
            tokio::select! {
                Some(ended) = steps.join_next(), if !steps.is_empty() => {
                    if let Ok((key, started, stepped)) = ended {
                        self.end(&mut lane, key, started, &stepped).await;
                    }
                }
                told = self.told.recv() => match told {
                    Some(told) => self.hear(&mut lane, told),
                    None => break,
                },
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
                _ = self.stopped.changed() => break,
            }
        }
        // What has been begun is recorded; nothing new is started.
        while let Some(ended) = steps.join_next().await {
            if let Ok((key, started, stepped)) = ended {
                self.end(&mut lane, key, started, &stepped).await;
            }
        }
    }

    /// The lane as it was left: what waits, what of the allowance is used, whether it was paused.
    async fn lane(&self, waiting: Vec<Waiting>) -> Lane {
        let config = &self.account.config;
        let now = self.clock.now();
        let since = now.plus_millis(-Allowance::window_ms(config.rate_limit));
        let starts = self.store.reader().calls_since(config.name.clone(), since).await.unwrap_or_default();
        let paused = self.store.reader().paused(config.name.clone()).await.unwrap_or_default();
        let allowance = Allowance::new(config.rate_limit, starts);
        let mut lane = Lane::new(allowance, config.concurrency, config.gather, paused.before_ms);
        if let Some(since) = paused.since {
            // The start may be the mend: one call looks at once.
            lane.pause(since, paused.reason, now);
        }
        for one in waiting {
            match one.retry {
                Some(retry) => lane.not_before(one.key, retry.at),
                None => lane.wake(one.key, now),
            }
        }
        lane
    }

    fn begin(&self, steps: &mut JoinSet<Ended>, key: ContactKey, now: Timestamp, paused_ms: i64) {
        let (store, account, clock) = (self.store.clone(), Arc::clone(&self.account), self.clock.clone());
        steps.spawn(async move {
            let stepped = match step(&store, &account, key, paused_ms, &clock).await {
                Ok(stepped) => stepped,
                Err(error) => {
                    tracing::error!(%error, connection = %account.config.name, "a delivery could not be recorded; it is made again");
                    Stepped { next: Next::Later(clock.now().plus(STORE_PAUSE)), seen: Seen::Unclear }
                }
            };
            (key, now, stepped)
        });
    }

    async fn end(&self, lane: &mut Lane, key: ContactKey, started: Timestamp, stepped: &Stepped) {
        let now = self.clock.now();
        let was = lane.paused().cloned();
        lane.finished(key, started, stepped, now);
        let is = lane.paused().cloned();
        let name = &self.account.config.name;
        match (&was, &is) {
            (None, Some(pause)) => {
                tracing::error!(connection = %name, reason = %pause.reason, "connection paused; its changes wait");
            }
            (Some(_), None) => tracing::info!(connection = %name, "connection is well again"),
            _ => {}
        }
        if was.is_some() != is.is_some() {
            let before_ms = lane.paused_ms(now) - is.as_ref().map_or(0, |p| now.since(p.since));
            let kept = Paused {
                since: is.as_ref().map(|p| p.since),
                reason: is.map(|p| p.reason).unwrap_or_default(),
                before_ms,
            };
            if let Err(error) = self.store.keep_paused(name.clone(), kept).await {
                tracing::error!(%error, connection = %name, "the pause could not be recorded");
            }
        }
    }

    fn hear(&self, lane: &mut Lane, told: Told) {
        let now = self.clock.now();
        match told {
            Told::Wake(keys) => keys.into_iter().for_each(|key| lane.wake(key, now)),
            Told::TryNow => lane.wake_all(),
            Told::Status(answer) => {
                let pause = lane.paused();
                let _ = answer.send(LaneStatus {
                    name: self.account.config.name.clone(),
                    state: if pause.is_some() { "paused" } else { "well" },
                    reason: pause.map(|p| p.reason.clone()),
                    probe_at: pause.map(|p| p.probe_at).filter(|at| at.0 > i64::MIN),
                    waiting: lane.waiting(),
                });
            }
        }
    }
}
