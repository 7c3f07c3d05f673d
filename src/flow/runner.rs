//! One connection's deliveries: a task that waits for its turn, its time or a wake, and for nothing else.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::converge::{Account, Stepped};
use super::deliver::{LaneStatus, News, Told};
use super::desk::Desk;
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::store::{PauseKind, Said, Store, Waiting};

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
    wakes: Vec<News>,
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

impl Runner {
    pub async fn run(mut self, begin: Begin) {
        let mut desk = self.begin_desk(begin).await;
        let account = Arc::clone(&self.account);
        let mut steps: JoinSet<(ContactKey, Stepped)> = JoinSet::new();
        // Nobody is left who could tell it anything: the rules no longer want it like this, or the gateway stops.
        while !self.told.is_closed() {
            let now = self.clock.now();
            let mut moved = std::pin::pin!(account.allowance.moved());
            moved.as_mut().enable();
            while let Some(turn) = desk.lane.pop(now) {
                steps.spawn(desk.step(turn));
            }
            desk.keep_lifted().await;
            let due = desk.lane.next_due(now).map(|at| Duration::from_millis(at.since(now).max(1) as u64));
            tokio::select! {
                Some(ended) = steps.join_next(), if !steps.is_empty() => {
                    if let Ok((key, stepped)) = ended {
                        desk.end(key, &stepped).await;
                    }
                }
                () = &mut moved, if desk.lane.is_held_up(now) => {}
                told = self.told.recv() => match told {
                    Some(told) => self.hear(&mut desk, told).await,
                    None => break,
                },
                () = tokio::time::sleep(due.unwrap_or_default()), if due.is_some() => {}
            }
        }
        // Others of the account needn't wait for a turn that nobody takes.
        desk.lane.share.leave();
        // What has been begun is recorded; nothing new is started.
        while let Some(ended) = steps.join_next().await {
            if let Ok((key, stepped)) = ended {
                desk.end(key, &stepped).await;
            }
        }
        // Whoever waits for it may call from now on.
        drop(self.ended);
    }

    /// The lane with what waits; what is heard meanwhile is part of it.
    async fn begin_desk(&mut self, begin: Begin) -> Desk {
        let ending = match begin {
            Begin::With(waiting) => return self.desk(waiting).await,
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
        let mut desk = self.desk(waiting).await;
        let now = self.clock.now();
        heard.wakes.iter().for_each(|news| news.wake(&mut desk.lane, now));
        if heard.try_now {
            desk.lane.wake_all();
        }
        desk
    }

    async fn desk(&self, waiting: Vec<Waiting>) -> Desk {
        Desk::open(self.store.clone(), Arc::clone(&self.account), self.clock.clone(), waiting).await
    }

    /// Answers and gathers while something else has to be waited for.
    async fn meanwhile<T>(&mut self, what: impl Future<Output = T>) -> (T, Heard) {
        let mut heard = Heard::default();
        let mut what = std::pin::pin!(what);
        loop {
            tokio::select! {
                done = &mut what => return (done, heard),
                Some(told) = self.told.recv() => match told {
                    Told::Wake(news) => heard.wakes.extend(news),
                    Told::Said(Said::TryNow) => heard.try_now = true,
                    // One call looks first where the connection was left paused, and else each finds out by itself.
                    Told::Said(Said::Refused | Said::Well) => {}
                    Told::Status(answer) => drop(answer.send(LaneStatus {
                        name: self.account.config.name.clone(),
                        state: "starting",
                        reason: Some("its rules have changed; calls under way are waited for".to_owned()),
                        since: None,
                        probe_at: None,
                        waiting: heard.wakes.len(),
                        under_way: 0,
                        allowance: self.account.allowance.usage(self.clock.now()),
                    })),
                },
            }
        }
    }

    async fn hear(&self, desk: &mut Desk, told: Told) {
        let now = self.clock.now();
        match told {
            Told::Wake(news) => news.iter().for_each(|news| news.wake(&mut desk.lane, now)),
            Told::Said(Said::TryNow) => {
                self.account.flips.forget_all();
                desk.lane.wake_all();
            }
            Told::Said(Said::Refused) => desk.refused_elsewhere().await,
            Told::Said(Said::Well) => desk.lane.look_now(),
            Told::Status(answer) => {
                let lane = &desk.lane;
                let pause = lane.paused();
                let _ = answer.send(LaneStatus {
                    name: self.account.config.name.clone(),
                    state: match pause.map(|p| p.kind) {
                        None => "well",
                        Some(PauseKind::Refused) => "paused",
                        Some(PauseKind::Failing) if lane.is_looking() => "half-open",
                        Some(PauseKind::Failing) => "open",
                    },
                    reason: pause.map(|p| p.reason.clone()),
                    since: pause.map(|p| p.since),
                    probe_at: pause.map(|p| p.probe_at).filter(|at| at.0 > i64::MIN),
                    waiting: lane.waiting(),
                    under_way: lane.under_way(),
                    allowance: self.account.allowance.usage(now),
                });
            }
        }
    }
}
