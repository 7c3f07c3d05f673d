//! A connection's desk: its lane with what is done for it. Whoever drives it, a task or a simulation, only waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::converge::{Account, Next, Seen, Stepped, step};
use super::lane::{Lane, Pause, Turn};
use crate::clock::Clock;
use crate::domain::contact::ContactKey;
use crate::domain::time::Timestamp;
use crate::providers::allowance::{Ledger, Limit, Written};
use crate::store::{Met, PauseKind, Paused, Said, Start, Store, Waiting};

/// How long a contact waits whose delivery could not be recorded.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// How long after a start nobody concludes from what doesn't wait.
const ARRIVAL: Duration = Duration::from_secs(5);

/// How long a gateway for whose contacts nothing waits goes by what another one found.
const HEARSAY: Duration = Duration::from_secs(30);

/// A connection's lane, with its store and its account.
pub struct Desk {
    /// Whose turn it is.
    pub lane: Lane,
    store: Store,
    account: Arc<Account>,
    clock: Clock,
    /// Whether the store failed to take what became of a step.
    unrecorded: Arc<AtomicBool>,
    /// Whether it failed to take a pause's beginning or end.
    unkept: bool,
    /// Whether the pause is only known from another gateway: it is that one's to keep, and to tell of its end.
    heard: bool,
}

impl Desk {
    /// The lane as it was left: what waits, what of the allowance is used, whether it was paused.
    pub async fn open(store: Store, account: Arc<Account>, clock: Clock, waiting: Vec<Waiting>) -> Self {
        let config = &account.config;
        let now = clock.now();
        let since = now.plus_millis(-account.allowance.window_ms());
        // Without these the limit might be exceeded, and long pauses counted against those who wait.
        let (starts, paused) = loop {
            let starts = store.reader().calls_since(account.sharing.clone(), since).await;
            match (starts, store.reader().paused(config.name.clone()).await) {
                (Ok(starts), Ok(paused)) => break (starts, paused),
                (Err(error), _) | (_, Err(error)) => {
                    tracing::error!(%error, connection = %config.name, "how it was left could not be read; it is tried again");
                    tokio::time::sleep(STORE_PAUSE).await;
                }
            }
        };
        if store.is_shared() {
            // Every start is written down there, under a time of its own.
            account.allowance.replace(starts);
        } else {
            account.allowance.remember(starts);
        }
        let share = account.allowance.share_with(ledger(&store, &account));
        let mut lane = Lane::new(share, config.concurrency, config.gather, paused.before_ms);
        // Who was asked to wait was asked for the whole account.
        let asked = waiting.iter().filter(|one| one.throttled).filter_map(|one| one.not_before).max();
        if let Some(until) = asked.filter(|until| *until > now) {
            account.allowance.throttled(until, now);
        }
        if let Some(since) = paused.since {
            // The start may be the mend: one call looks at once.
            tracing::warn!(connection = %config.name, %since, reason = %paused.reason, "left paused or with its breaker open; one call looks now");
            lane.pause(paused.kind, since, paused.reason, now);
            // What waits may be known only in a moment, where gateways share it out.
            lane.lift_from(now.plus(ARRIVAL));
        }
        lane.expect(waiting.len());
        for one in waiting {
            match one.not_before {
                Some(at) => lane.not_before(one.key, at),
                None => lane.wake(one.key, now),
            }
        }
        Self { lane, store, account, clock, unrecorded: Arc::default(), unkept: false, heard: false }
    }

    /// The step of whose turn it is.
    pub fn step(&self, Turn { key, pass }: Turn) -> impl Future<Output = (ContactKey, Stepped)> + Send + use<> {
        let (store, account, clock) = (self.store.clone(), Arc::clone(&self.account), self.clock.clone());
        let paused_ms = self.lane.paused_ms(clock.now());
        let unrecorded = Arc::clone(&self.unrecorded);
        async move {
            let later = || Stepped { next: Next::Later(clock.now().plus(STORE_PAUSE)), seen: Seen::NoCall };
            // As long as nothing can be recorded nobody is called: a full disk must not send the same body again every second.
            if unrecorded.load(Ordering::Relaxed) {
                if store.ping().await.is_err() {
                    return (key, later());
                }
                unrecorded.store(false, Ordering::Relaxed);
            }
            let stepped = match step(&store, &account, key, &pass, paused_ms, &clock).await {
                Ok(stepped) => stepped,
                Err(error) => {
                    tracing::error!(%error, connection = %account.config.name, "a delivery could not be recorded; it is made again");
                    unrecorded.store(true, Ordering::Relaxed);
                    later()
                }
            };
            (key, stepped)
        }
    }

    /// A step has ended. A pause that begins or ends is kept.
    pub async fn end(&mut self, key: ContactKey, stepped: &Stepped) {
        let now = self.clock.now();
        let was = self.lane.paused().cloned();
        self.lane.finished(key, stepped, now);
        if matches!(stepped.seen, Seen::Throttled(_)) {
            tell_limit_met(&self.store, &self.account, now);
        }
        let is = self.lane.paused().cloned();
        let name = &self.account.config.name;
        match (&was, &is) {
            (None, Some(pause)) => {
                let what = match pause.kind {
                    PauseKind::Refused => "connection paused; its changes wait",
                    PauseKind::Failing => "breaker open; its changes wait",
                };
                tracing::error!(connection = %name, reason = %pause.reason, probe_at = %pause.probe_at, "{what}");
            }
            (Some(_), None) => tracing::info!(connection = %name, "connection is well again"),
            (Some(before), Some(pause)) if before.probes != pause.probes => {
                tracing::warn!(connection = %name, reason = %pause.reason, probe_at = %pause.probe_at, "not well yet; its changes wait");
            }
            _ => {}
        }
        if self.heard {
            let looks = |pause: &Option<Pause>| pause.as_ref().map(|pause| pause.probes);
            self.heard = is.is_some() && looks(&was) == looks(&is);
            if is.is_none() {
                return;
            }
        }
        let same = was.as_ref().map(|pause| pause.kind) == is.as_ref().map(|pause| pause.kind);
        if !same || self.unkept {
            self.keep(now).await;
        }
        // A breaker is each gateway's own: what fails may be its way to the provider. That all is well again is worth a look of each.
        match is {
            Some(pause) if !same && pause.kind == PauseKind::Refused => {
                self.store.tell_others(self.account.config.name.clone(), Said::Refused);
            }
            None if was.is_some() => self.store.tell_others(self.account.config.name.clone(), Said::Well),
            _ => {}
        }
    }

    /// Another gateway was refused. Here too nobody is called any more, but for one call that looks at once: secrets are each
    /// gateway's own, and while they are changed one of them may still have the old one.
    pub async fn refused_elsewhere(&mut self) {
        if self.lane.paused().is_some() {
            return;
        }
        let name = &self.account.config.name;
        match self.store.reader().paused(name.clone()).await {
            Ok(Paused { since: Some(since), kind: PauseKind::Refused, reason, .. }) => {
                let now = self.clock.now();
                tracing::warn!(connection = %name, %reason, "another gateway was refused; one call looks whether this one is too");
                self.lane.pause(PauseKind::Refused, since.min(now), reason, now);
                // Whoever comes next looks, though nobody waits now.
                self.lane.lift_from(now.plus(HEARSAY));
                self.heard = true;
            }
            // It is well again by now.
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, connection = %name, "why another gateway was refused could not be read");
            }
        }
    }

    /// A pause that was lifted, since nobody waits behind it, is kept as ended.
    pub async fn keep_lifted(&mut self) {
        if self.lane.take_lifted() && !std::mem::take(&mut self.heard) {
            tracing::info!(connection = %self.account.config.name, "nothing waits any more; the next change looks whether it is well");
            self.keep(self.clock.now()).await;
        }
    }

    async fn keep(&mut self, now: Timestamp) {
        let is = self.lane.paused().cloned();
        let name = &self.account.config.name;
        let kept = Paused {
            since: is.as_ref().map(|pause| pause.since),
            kind: is.as_ref().map(|pause| pause.kind).unwrap_or_default(),
            before_ms: self.lane.paused_ms(now) - is.as_ref().map_or(0, |pause| now.since(pause.since).max(0)),
            reason: is.map(|pause| pause.reason).unwrap_or_default(),
        };
        let done = self.store.keep_paused(name.clone(), kept).await;
        self.unkept = done.is_err();
        if let Err(error) = done {
            tracing::error!(%error, connection = %name, "the pause could not be recorded");
        }
    }
}

/// Tells the other gateways of a limit that was met: what the provider said to one is meant for all that call the account.
pub(super) fn tell_limit_met(store: &Store, account: &Account, now: Timestamp) {
    let (until, eighths) = account.allowance.pressed();
    store.tell_limit_met(account.sharing.clone(), Met { at: now, until, eighths });
}

/// Writes the starts of a connection's calls into the store.
pub(super) fn ledger(store: &Store, account: &Account) -> Ledger {
    let (writer, name, striker) = (store.clone(), account.config.name.clone(), store.clone());
    let (sharing, allowance) = (account.sharing.clone(), account.allowance.clone());
    Ledger {
        write: Arc::new(move |at, limits: Vec<Limit>| {
            let (store, name, sharing, allowance) = (writer.clone(), name.clone(), sharing.clone(), allowance.clone());
            Box::pin(async move {
                let limits = limits.into_iter().map(|limit| (limit.calls, limit.window_ms)).collect();
                match store.start(Start { connection: name.clone(), at, sharing, limits }).await {
                    Ok(started) => {
                        if let Some(met) = started.met {
                            allowance.throttled_elsewhere(met.until, met.eighths, met.at);
                        }
                        started.entry.map_or_else(Written::UsedUp, Written::Entry)
                    }
                    Err(error) => {
                        tracing::error!(%error, connection = %name, "a call's start could not be recorded; it isn't made");
                        Written::Failed
                    }
                }
            })
        }),
        strike: Arc::new(move |entries| striker.not_started(entries)),
        ahead_ms: store.ahead_ms(),
    }
}
