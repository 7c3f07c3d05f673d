//! One connection's deliveries: a task that waits for its turn, its time or a wake, and for nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::converge::{Account, Next, Seen, Stepped, step};
use super::deliver::{LaneStatus, Told};
use super::lane::{Lane, Turn};
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::store::{Paused, Store, Waiting};

/// How long a lane waits when the store can't be asked.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Deliveries of the same connection that end: until they have, nobody else may call.
#[derive(Clone)]
pub(super) struct Ending {
    /// Closed at the end.
    pub ended: watch::Receiver<()>,
}

impl Ending {
    /// Waits for the end.
    pub async fn end(mut self) {
        while self.ended.changed().await.is_ok() {}
    }
}

/// What waits when deliveries begin.
pub(super) enum Begin {
    /// This: the store was just opened.
    With(Vec<Waiting>),
    /// What the store says, once the ones before have ended.
    After(Option<Ending>),
}

/// What was heard before the deliveries could begin.
#[derive(Default)]
struct Heard {
    wakes: Vec<ContactKey>,
    try_now: bool,
}

/// The task of one connection. It ends when nobody can tell it anything any more, after the calls under way.
pub(super) struct Runner {
    pub store: Store,
    pub account: Arc<Account>,
    pub told: mpsc::UnboundedReceiver<Told>,
    /// Closed at the end.
    pub ended: watch::Sender<()>,
    pub clock: Clock,
}

type Ended = (ContactKey, Stepped);

impl Runner {
    pub async fn run(mut self, begin: Begin) {
        let mut lane = self.begin_lane(begin).await;
        let account = Arc::clone(&self.account);
        let mut steps: JoinSet<Ended> = JoinSet::new();
        // Nobody is left who could tell it anything: the rules no longer want it like this, or the gateway stops.
        while !self.told.is_closed() {
            let now = self.clock.now();
            let mut moved = std::pin::pin!(account.allowance.moved());
            moved.as_mut().enable();
            while let Some(turn) = lane.pop(now) {
                self.begin(&mut steps, turn, lane.paused_ms(now));
            }
            let due = lane.next_due(now).map(|at| Duration::from_millis(at.since(now).max(1) as u64));
            tokio::select! {
                Some(ended) = steps.join_next(), if !steps.is_empty() => {
                    if let Ok((key, stepped)) = ended {
                        self.end(&mut lane, key, &stepped).await;
                    }
                }
                () = &mut moved, if lane.is_held_up(now) => {}
                told = self.told.recv() => match told {
                    Some(told) => self.hear(&mut lane, told),
                    None => break,
                },
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
            }
        }
        // Others of the account needn't wait for a turn that nobody takes.
        lane.share.leave();
        // What has been begun is recorded; nothing new is started.
        while let Some(ended) = steps.join_next().await {
            if let Ok((key, stepped)) = ended {
                self.end(&mut lane, key, &stepped).await;
            }
        }
        // Whoever waits for it may call from now on.
        drop(self.ended);
    }

    /// The lane with what waits; what is heard meanwhile is part of it.
    async fn begin_lane(&mut self, begin: Begin) -> Lane {
        let ending = match begin {
            Begin::With(waiting) => return self.lane(waiting).await,
            Begin::After(ending) => ending,
        };
        let (store, name) = (self.store.clone(), self.account.config.name.clone());
        let waiting = async move {
            if let Some(ending) = ending {
                ending.end().await;
            }
            loop {
                match store.waiting_of(name.clone()).await {
                    Ok(waiting) => return waiting,
                    Err(error) => {
                        tracing::error!(%error, connection = %name, "what waits could not be read; it is tried again");
                        tokio::time::sleep(STORE_PAUSE).await;
                    }
                }
            }
        };
        let (waiting, heard) = self.meanwhile(waiting).await;
        let mut lane = self.lane(waiting).await;
        let now = self.clock.now();
        heard.wakes.into_iter().for_each(|key| lane.wake(key, now));
        if heard.try_now {
            lane.wake_all();
        }
        lane
    }

    /// Answers and gathers while something else has to be waited for.
    async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> (T, Heard) {
        let mut heard = Heard::default();
        let mut what = std::pin::pin!(what);
        loop {
            tokio::select! {
                done = &mut what => return (done, heard),
                Some(told) = self.told.recv() => match told {
                    Told::Wake(keys) => heard.wakes.extend(keys),
                    Told::TryNow => heard.try_now = true,
                    Told::Status(answer) => drop(answer.send(LaneStatus {
                        name: self.account.config.name.clone(),
                        state: "starting",
                        reason: Some("its rules have changed; calls under way are waited for".to_owned()),
                        probe_at: None,
                        waiting: heard.wakes.len(),
                    })),
                },
            }
        }
    }

    /// The lane as it was left: what waits, what of the allowance is used, whether it was paused.
    async fn lane(&self, waiting: Vec<Waiting>) -> Lane {
        let config = &self.account.config;
        let now = self.clock.now();
        let since = now.plus_millis(-self.account.allowance.window_ms());
        let starts = self.store.reader().calls_since(self.account.sharing.clone(), since).await.unwrap_or_default();
        self.account.allowance.remember(starts);
        let paused = self.store.reader().paused(config.name.clone()).await.unwrap_or_default();
        let mut lane = Lane::new(self.account.allowance.share(), config.concurrency, config.gather, paused.before_ms);
        if let Some(since) = paused.since {
            // The start may be the mend: one call looks at once.
            lane.pause(since, paused.reason, now);
        }
        lane.expect(waiting.len());
        for one in waiting {
            match one.not_before {
                Some(at) => lane.not_before(one.key, at),
                None => lane.wake(one.key, now),
            }
        }
        lane
    }

    fn begin(&self, steps: &mut JoinSet<Ended>, Turn { key, pass }: Turn, paused_ms: i64) {
        let (store, account, clock) = (self.store.clone(), Arc::clone(&self.account), self.clock.clone());
        steps.spawn(async move {
            let stepped = match step(&store, &account, key, &pass, paused_ms, &clock).await {
                Ok(stepped) => stepped,
                Err(error) => {
                    tracing::error!(%error, connection = %account.config.name, "a delivery could not be recorded; it is made again");
                    Stepped { next: Next::Later(clock.now().plus(STORE_PAUSE)), seen: Seen::Unclear }
                }
            };
            (key, stepped)
        });
    }

    async fn end(&self, lane: &mut Lane, key: ContactKey, stepped: &Stepped) {
        let now = self.clock.now();
        let was = lane.paused().cloned();
        lane.finished(key, stepped, now);
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
