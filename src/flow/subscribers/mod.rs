//! Subscribers: other programs that are told what happens here, by a POST for each (REST hooks).
//!
//! Nothing is written for them when it happens. Each has a lane that reads what is stored anyway behind a position of its own
//! (`store/log.rs`) and keeps that position when the receiver has taken what came before: at least once, in order, across crashes.
//! Of several gateways the owner of a subscription's bucket has its lane.

mod lane;
mod tell;

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use self::lane::Lane;
use super::gateway::Gateway;
use crate::clock::{self, Clock};
use crate::domain::secret::Secret;
use crate::domain::subscription::{Narrowed, Progress, Subscription, Topic};
use crate::providers::outbound::Outbound;
use crate::providers::{AddressPolicy, webhook};
use crate::store::{Log, MOST_SUBSCRIPTIONS, StoreError};

/// How long a receiver may take; Zapier's own limit is 30 s, and it answers at once.
const TIMEOUT: Duration = Duration::from_secs(15);
/// How often other gateways' subscriptions are looked for, where several share the database.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long to wait when the store can't be asked.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// How far back real samples are looked for.
const RECENT: i64 = 200;
/// How many samples there are at most.
const SAMPLES: usize = 3;

/// What handlers share with the lanes.
#[derive(Debug, Default)]
pub struct Subscribers {
    changed: Notify,
    policy: OnceLock<AddressPolicy>,
}

/// Why there is no new subscription.
#[derive(Debug, thiserror::Error)]
pub enum NotSubscribed {
    /// The address can't be one.
    #[error("{0}")]
    Address(String),
    /// It can't be narrowed by that.
    #[error("{0}: {1} can't be narrowed by it; there is: {2}")]
    Filter(&'static str, &'static str, String),
    /// There are as many as there may be.
    #[error("there are {MOST_SUBSCRIPTIONS} subscriptions, which is the most; end some first")]
    TooMany,
    /// The store can't take it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Begins a subscription; its secret is in what this gives, and is never shown again.
pub async fn subscribe(
    gateway: &Gateway,
    topic: Topic,
    narrowed: Narrowed,
    url: &str,
) -> Result<Subscription, NotSubscribed> {
    let url = Secret::new(url.trim());
    let policy = gateway.subscribers.policy.get().copied().unwrap_or(AddressPolicy::PublicOnly);
    if let Some(why) = webhook::refused(&url, policy) {
        return Err(NotSubscribed::Address(why));
    }
    if let Some((name, _)) = narrowed.given().find(|(name, _)| !topic.filters().contains(name)) {
        return Err(NotSubscribed::Filter(name, topic.name(), topic.filters().join(", ")));
    }
    let random = |bytes: &mut [u8]| {
        getrandom::fill(bytes)
            .map_err(|error| StoreError::Unavailable(format!("the system has no randomness: {error}")))
    };
    let (mut id, mut key) = ([0; 12], [0; 32]);
    random(&mut id)?;
    random(&mut key)?;
    let secret = Secret::new(&format!("whsec_{}", STANDARD.encode(key)));
    let subscription = Subscription { id: hex::encode(id), at: clock::now(), topic, narrowed, url, secret };
    if !gateway.store.subscribe(subscription.clone()).await? {
        return Err(NotSubscribed::TooMany);
    }
    tracing::info!(subscription = %subscription.id, event = topic.name(), to = %webhook::place(&subscription.url), "subscribed");
    gateway.subscribers.changed.notify_one();
    Ok(subscription)
}

/// Ends a subscription; `false` where there is none.
pub async fn unsubscribe(gateway: &Gateway, id: &str) -> Result<bool, StoreError> {
    let found = gateway.store.unsubscribe(id.to_owned()).await?;
    if found {
        tracing::info!(subscription = id, "unsubscribed");
        gateway.subscribers.changed.notify_one();
    }
    Ok(found)
}

/// All of them with how far each is, the oldest first.
pub async fn list(gateway: &Gateway) -> Result<Vec<(Subscription, Progress)>, StoreError> {
    gateway.store.reader().subscriptions().await
}

/// Where one goes, for people: the host alone.
pub fn place(subscription: &Subscription) -> String {
    webhook::place(&subscription.url)
}

/// What a subscriber would be told: the newest that there are, else an example.
pub async fn samples(gateway: &Gateway, topic: Topic, narrowed: &Narrowed) -> Result<Vec<Value>, StoreError> {
    let newest = gateway.store.reader().newest(Log::of(topic), RECENT, clock::now()).await?;
    let mut told: Vec<Value> =
        newest.iter().flat_map(|written| tell::of(topic, narrowed, written)).map(|t| t.body).collect();
    told.reverse();
    told.truncate(SAMPLES);
    Ok(if told.is_empty() { vec![tell::example(topic)] } else { told })
}

/// Keeps a lane for each subscription, until it is dropped. Where there is none it sleeps.
pub async fn run(gateway: Arc<Gateway>, clock: Clock, allow_private: bool) {
    let policy = if allow_private { AddressPolicy::Any } else { AddressPolicy::PublicOnly };
    let _ = gateway.subscribers.policy.set(policy);
    let mut lanes = Lanes::default();
    let mut outbound = None;
    let mut away = false;
    loop {
        let active = match list(&gateway).await {
            Ok(all) => all.into_iter().filter(|(_, progress)| progress.ended.is_none()),
            Err(error) => {
                if !std::mem::replace(&mut away, true) {
                    tracing::error!(%error, "subscriptions could not be read; it is tried again until they are");
                }
                tokio::time::sleep(STORE_PAUSE).await;
                continue;
            }
        };
        away = false;
        let active: Vec<Subscription> = active.map(|(subscription, _)| subscription).collect();
        lanes.0.retain(|id, lane| active.iter().any(|one| one.id == *id) && !lane.0.is_finished());
        for subscription in active {
            // One client for all: an idle gateway has none.
            let client = match &outbound {
                Some(client) => client,
                None => match Outbound::new(TIMEOUT, policy) {
                    Ok(client) => outbound.insert(client),
                    Err(error) => {
                        tracing::error!(%error, "subscribers can't be told: there is no client");
                        return;
                    }
                },
            };
            let id = subscription.id.clone();
            lanes.0.entry(id).or_insert_with(|| {
                let lane = Lane::new(Arc::clone(&gateway), clock.clone(), client, subscription);
                Running(tokio::spawn(lane.run()))
            });
        }
        if gateway.store.is_shared() {
            let _ = tokio::time::timeout(LOOK_EVERY, gateway.subscribers.changed.notified()).await;
        } else {
            gateway.subscribers.changed.notified().await;
        }
    }
}

/// The lanes that run; they end with it.
#[derive(Default)]
struct Lanes(HashMap<String, Running>);

struct Running(JoinHandle<()>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}
