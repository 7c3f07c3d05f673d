//! One subscription's lane: what comes behind its position is sent in order, one at a time, until the receiver has taken it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::tell::{self, Told};
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::domain::json::{Json, OwnedJson};
use crate::domain::subscription::{Ended, Failing, Progress, Subscription};
use crate::domain::time::Timestamp;
use crate::flow::gateway::Gateway;
use crate::flow::retry;
use crate::providers::Outcome;
use crate::providers::outbound::Outbound;
use crate::providers::webhook::Webhook;
use crate::store::{Behind, Gap, Log, StoreError};

/// How many of what was written are read at once.
const PAGE: usize = 64;
/// What is written shortly after each other is read together.
const GATHER: Duration = Duration::from_millis(50);
/// Where other gateways write too, which nobody tells: how often it is looked.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What was taken is kept at least so often: after a crash it is sent again.
const KEEP_EVERY: Duration = Duration::from_secs(1);
/// Of what nobody wants to be told, so much may be looked through again after a restart.
const LOOKED: i64 = 1_000;
/// So often the receiver may call a body wrong; then it is left out, so that others may come after it.
const TRIES_OF_WRONG: u32 = 4;
/// Nothing was taken for so long: the subscription ends.
const GIVE_UP_MS: i64 = 3 * 86_400_000;
/// How long to wait when the store can't be asked.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// What happens next.
enum Next {
    /// Whoever commits something of what is told says so.
    Hear,
    /// It is looked again after this time, whatever is heard.
    After(Duration),
    /// Nothing more.
    End,
}

/// What became of a body.
enum Sent {
    Taken,
    /// It is wrong for ever.
    LeftOut(String),
    Later {
        reason: String,
        after: Option<Duration>,
        /// Whether the receiver calls it wrong.
        wrong: bool,
    },
    /// The receiver wants nothing any more.
    Gone,
}

/// A subscription that is told.
pub(super) struct Lane {
    gateway: Arc<Gateway>,
    clock: Clock,
    hook: Webhook,
    subscription: Subscription,
    /// How far it is, and how far it was when that was kept; nothing where it must be read.
    at: Option<(Progress, Progress)>,
    /// Numbers that are missing, where several write.
    gap: Option<Gap>,
    kept: Instant,
}

impl Lane {
    pub fn new(gateway: Arc<Gateway>, clock: Clock, outbound: &Outbound, subscription: Subscription) -> Self {
        let hook = Webhook::to(outbound, subscription.url.clone(), subscription.secret.clone());
        Self { gateway, clock, hook, subscription, at: None, gap: None, kept: Instant::now() }
    }

    /// Tells until the subscription ends.
    pub async fn run(mut self) {
        let mut commits = self.gateway.store.commits(self.log());
        let shared = self.gateway.store.is_shared();
        loop {
            // Before the look: what is committed during it is heard after it.
            commits.mark_unchanged();
            let next = self.turn().await.unwrap_or_else(|error| {
                tracing::error!(%error, subscription = %self.subscription.id, "a subscriber can't be told now");
                self.at = None;
                Next::After(STORE_PAUSE)
            });
            match next {
                Next::End => return,
                Next::After(wait) => tokio::time::sleep(wait).await,
                Next::Hear => {
                    let looked = async {
                        if shared {
                            tokio::time::sleep(LOOK_EVERY).await;
                        } else {
                            std::future::pending::<()>().await;
                        }
                    };
                    tokio::select! {
                        heard = commits.changed() => match heard {
                            Ok(()) => tokio::time::sleep(GATHER).await,
                            Err(_) => return,
                        },
                        () = looked => {}
                    }
                }
            }
        }
    }

    /// What it reads.
    fn log(&self) -> Log {
        Log::of(self.subscription.topic)
    }

    /// Sends all that there is.
    async fn turn(&mut self) -> Result<Next, StoreError> {
        loop {
            let gateway = Arc::clone(&self.gateway);
            let reader = gateway.store.reader();
            if !reader.tells(&self.subscription.id) {
                self.at = None;
                return Ok(Next::After(LOOK_EVERY));
            }
            if self.at.is_none() {
                let all = reader.subscriptions().await?;
                let found = all.into_iter().find(|(one, _)| one.id == self.subscription.id);
                let Some((subscription, progress)) = found.filter(|(_, progress)| progress.ended.is_none()) else {
                    return Ok(Next::End);
                };
                self.subscription.at = subscription.at;
                self.at = Some((progress.clone(), progress));
            }
            let now = self.clock.now();
            let Some((progress, kept)) = &self.at else { continue };
            if let Some(failing) = progress.failing.as_ref().filter(|failing| failing.next_try_at > now) {
                return Ok(Next::After(Duration::from_millis(failing.next_try_at.since(now).max(1) as u64)));
            }
            let asked = Behind { log: self.log(), after: progress.upto, limit: PAGE, gap: self.gap, now };
            let stretch = reader.behind(asked).await?;
            self.gap = stretch.gap;
            let far = stretch.upto - kept.upto >= LOOKED;
            let page = stretch.written.len() >= PAGE;
            for (number, written) in stretch.written {
                // What had been begun before there was anybody to tell is behind the position too, where several write.
                let told = if written.at() >= self.subscription.at || !gateway.store.is_shared() {
                    tell::of(self.subscription.topic, &self.subscription.narrowed, &written)
                } else {
                    Vec::new()
                };
                let done = self.at.as_ref().map_or(0, |(progress, _)| progress.within as usize);
                for one in told.iter().skip(done) {
                    if let Some(next) = self.send(one).await? {
                        return Ok(next);
                    }
                }
                self.with(|progress| (progress.upto, progress.within) = (number, 0));
            }
            self.with(|progress| {
                if progress.upto < stretch.upto {
                    (progress.upto, progress.within) = (stretch.upto, 0);
                }
            });
            let unkept = self.at.as_ref().is_some_and(|(is, was)| is.sent + is.left_out != was.sent + was.left_out);
            if (unkept || far) && !self.keep().await? {
                continue;
            }
            if !page {
                return Ok(if stretch.more { Next::After(STORE_PAUSE) } else { Next::Hear });
            }
        }
    }

    fn with(&mut self, change: impl FnOnce(&mut Progress)) {
        if let Some((progress, _)) = &mut self.at {
            change(progress);
        }
    }

    /// Sends one; what happens next where it isn't the next one's turn.
    async fn send(&mut self, told: &Told) -> Result<Option<Next>, StoreError> {
        let now = self.clock.now();
        let failing = self.at.as_ref().and_then(|(progress, _)| progress.failing.as_ref());
        let (tries, wrong) = failing.map_or((0, 0), |failing| (failing.tries, failing.wrong));
        match self.post(told, wrong, now).await {
            Sent::Taken => self.with(|progress| {
                (progress.within, progress.sent, progress.failing) = (progress.within + 1, progress.sent + 1, None);
            }),
            Sent::LeftOut(reason) => {
                tracing::warn!(subscription = %self.subscription.id, id = told.id, reason, "left out: the receiver refuses it");
                self.with(|progress| {
                    (progress.within, progress.left_out) = (progress.within + 1, progress.left_out + 1);
                    progress.failing = None;
                });
            }
            Sent::Gone => {
                return self.end(now, "the receiver answered 410: it wants nothing any more".to_owned()).await;
            }
            Sent::Later { reason, after, wrong: is_wrong } => {
                let since = self.at.as_ref().and_then(|(p, _)| p.failing.as_ref()).map_or(now, |failing| failing.since);
                if now.since(since) >= GIVE_UP_MS {
                    return self.end(now, format!("nothing was taken for three days: {reason}")).await;
                }
                let (tries, wrong) = (tries + 1, wrong + u32::from(is_wrong));
                let jitter = retry::jitter(ContactKey::from_hash(self.subscription.id.as_bytes()), tries);
                let wait = retry::wait(tries, jitter).max(after.unwrap_or_default());
                if tries == 1 {
                    tracing::warn!(subscription = %self.subscription.id, reason, "a subscriber could not be told; it is tried again");
                }
                self.with(|progress| {
                    progress.failing = Some(Failing { since, tries, wrong, next_try_at: now.plus(wait), reason });
                });
                self.keep().await?;
                return Ok(Some(Next::After(wait)));
            }
        }
        if self.kept.elapsed() >= KEEP_EVERY && !self.keep().await? {
            return Ok(Some(Next::After(Duration::ZERO)));
        }
        Ok(None)
    }

    async fn post(&self, told: &Told, wrong: u32, now: Timestamp) -> Sent {
        let text = told.body.to_string();
        let Ok(body) = Json::parse(text.as_bytes()).map(OwnedJson::of) else {
            return Sent::LeftOut("it is no JSON that we send".to_owned());
        };
        let called = self.hook.forward(&told.id, &body, now).await;
        match called.outcome {
            _ if called.attempt.status == Some(410) => Sent::Gone,
            Outcome::Done { .. } | Outcome::Unproven => Sent::Taken,
            Outcome::Dead { reason } | Outcome::Lost { reason } if wrong + 1 >= TRIES_OF_WRONG => Sent::LeftOut(reason),
            Outcome::Dead { reason } | Outcome::Lost { reason } => Sent::Later { reason, after: None, wrong: true },
            Outcome::Retry { reason, after, .. } => Sent::Later { reason, after, wrong: false },
            Outcome::Refused { reason } => Sent::Later { reason, after: None, wrong: false },
            Outcome::NotYet { .. } => Sent::Later { reason: called.attempt.verdict, after: None, wrong: false },
        }
    }

    async fn end(&mut self, at: Timestamp, reason: String) -> Result<Option<Next>, StoreError> {
        tracing::warn!(subscription = %self.subscription.id, reason, "subscription ended");
        self.with(|progress| progress.ended = Some(Ended { at, reason }));
        self.keep().await?;
        Ok(Some(Next::End))
    }

    /// Keeps how far it is; `false` where somebody else has: then it is read anew.
    async fn keep(&mut self) -> Result<bool, StoreError> {
        let Some((is, was)) = self.at.take() else { return Ok(false) };
        let done = is == was || self.gateway.store.advance(self.subscription.id.clone(), was, is.clone()).await?;
        self.kept = Instant::now();
        self.at = done.then(|| (is.clone(), is));
        Ok(done)
    }
}
