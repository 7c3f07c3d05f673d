//! How connections stand over all gateways that share a database: each leaves what its lanes say, and whoever is asked puts it together.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::deliver::LaneStatus;
use super::gateway::Gateway;
use crate::clock;
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::name::ConnectionName;
use crate::domain::time::{Timestamp, rfc3339};
use crate::store::StoreError;
use crate::store::postgres::Peer;

/// How often it is looked whether something has changed: as often as a gateway beats.
const EVERY: Duration = Duration::from_secs(1);
/// No longer is waited for what others have left.
const PATIENCE: Duration = Duration::from_secs(2);
/// Lanes that one gateway tells of, and letters of a reason: what is left lies in one row.
const MOST: usize = 500;
const LETTERS: usize = 300;

/// The states of a lane, the one that most needs somebody's attention first.
const WORST_FIRST: [&str; 6] = ["paused", "open", "half-open", "starting", "well", "removed"];

/// A lane as its gateway leaves it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Left {
    name: ConnectionName,
    state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probe_at: Option<Timestamp>,
    waiting: usize,
    under_way: usize,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_until: Option<Timestamp>,
}

/// How a connection stands at one gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The gateway's number.
    pub gateway: i64,
    /// Where it listens, and as which process.
    pub at: String,
    /// Whether it is the one that was asked.
    pub this: bool,
    /// As [`LaneStatus::state`].
    pub state: String,
    /// Why it isn't well there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Since when it isn't.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::option")]
    pub since: Option<Timestamp>,
    /// When a call looks again.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::option")]
    pub probe_at: Option<Timestamp>,
    /// Its contacts that wait or are under way.
    pub waiting: usize,
    /// Those that are under way.
    pub under_way: usize,
    /// Until when its provider has asked it to wait, as far as it has heard.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::option")]
    pub held_until: Option<Timestamp>,
}

/// How a connection stands over all gateways.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Standing {
    /// In all: the worst of the states, and the sum of what waits.
    #[serde(flatten)]
    pub whole: LaneStatus,
    /// At each gateway; none where the database is a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<Part>,
}

/// Leaves how the lanes stand for the other gateways. It ends at once where there are none.
pub async fn leave(gateway: Arc<Gateway>) {
    if !gateway.store.is_shared() {
        return;
    }
    loop {
        let lanes: Vec<Left> = gateway.deliveries.status().await.into_iter().take(MOST).map(left).collect();
        // What can't be written as text isn't left; there is no such lane.
        gateway.store.leave_lanes(&serde_json::to_string(&lanes).unwrap_or_default());
        tokio::time::sleep(EVERY).await;
    }
}

/// How each connection stands, in the order of their names. The error is why only this gateway's own part is known.
pub async fn together(gateway: &Gateway) -> (Vec<Standing>, Option<StoreError>) {
    let mut own = gateway.deliveries.status().await;
    if !gateway.store.is_shared() {
        return (own.into_iter().map(|whole| Standing { whole, gateways: Vec::new() }).collect(), None);
    }
    let late = |_| Err(StoreError::Unavailable("it didn't answer in time".to_owned()));
    let peers = tokio::time::timeout(PATIENCE, gateway.store.reader().peers()).await.unwrap_or_else(late);
    match peers {
        Ok(peers) => {
            used_by_all(gateway, &mut own).await;
            (merged(own, &peers), None)
        }
        Err(error) => (merged(own, &[]), Some(error)),
    }
}

/// How a contact's connection stands where calls are made for it: at the gateway that has the contact, known by its last name.
pub async fn serving(gateway: &Gateway, connection: &str, known_as: &[Contact]) -> Option<LaneStatus> {
    let (all, _) = together(gateway).await;
    let Standing { mut whole, gateways } = all.into_iter().find(|one| one.whole.name.as_str() == connection)?;
    let owner = match called_for(known_as) {
        // Where credentials are refused at one, the others look before they call for anything else.
        Some(contact) if !gateways.is_empty() && whole.state != "paused" => {
            gateway.store.reader().owner(contact.key()).await.ok().flatten()
        }
        _ => None,
    };
    if let Some(part) = owner.and_then(|owner| gateways.into_iter().find(|part| part.gateway == owner)) {
        whole.state = WORST_FIRST.into_iter().find(|state| *state == part.state).unwrap_or(whole.state);
        (whole.reason, whole.since, whole.probe_at) = (part.reason, part.since, part.probe_at);
    }
    Some(whole)
}

/// Under which of the contacts that one person is known as calls are made for it.
pub fn called_for(known_as: &[Contact]) -> Option<&Contact> {
    // Where a look-up has found somebody under an id, what waits has moved there.
    known_as.iter().find(|contact| matches!(contact.reference, ContactRef::Id(_))).or(known_as.first())
}

/// Calls count for the account, whichever gateway made them.
async fn used_by_all(gateway: &Gateway, own: &mut [LaneStatus]) {
    for account in gateway.deliveries.accounts() {
        let Some(lane) = own.iter_mut().find(|lane| lane.name == account.config.name) else { continue };
        let now = clock::now();
        let since = now.plus_millis(-account.allowance.window_ms());
        let starts = gateway.store.reader().calls_since(account.sharing.clone(), since);
        if let Ok(Ok(starts)) = tokio::time::timeout(PATIENCE, starts).await {
            lane.allowance = account.allowance.usage_of(&starts, now);
        }
    }
}

/// What each gateway says of each connection; of this one, what it says now.
fn merged(own: Vec<LaneStatus>, peers: &[Peer]) -> Vec<Standing> {
    let mut all: BTreeMap<ConnectionName, Standing> = BTreeMap::new();
    for whole in own {
        let this = peers.iter().find(|peer| peer.this).map(|peer| part(peer, left(whole.clone())));
        all.insert(whole.name.clone(), Standing { gateways: this.into_iter().collect(), whole });
    }
    for peer in peers.iter().filter(|peer| !peer.this) {
        // Another version may leave something else: then nothing is known of it.
        let lanes: Vec<Left> = serde_json::from_str(&peer.lanes).unwrap_or_default();
        for lane in lanes {
            let Some(state) = WORST_FIRST.into_iter().find(|state| *state == lane.state) else { continue };
            let standing = all.entry(lane.name.clone()).or_insert_with(|| Standing {
                whole: LaneStatus {
                    name: lane.name.clone(),
                    state,
                    reason: lane.reason.clone(),
                    since: lane.since,
                    probe_at: lane.probe_at,
                    waiting: 0,
                    under_way: 0,
                    allowance: None,
                },
                gateways: Vec::new(),
            });
            add(&mut standing.whole, state, &lane);
            standing.gateways.push(part(peer, lane));
        }
    }
    let mut all: Vec<Standing> = all.into_values().collect();
    for standing in &mut all {
        standing.gateways.sort_by_key(|part| part.gateway);
    }
    all
}

/// What another gateway says is part of the whole.
fn add(whole: &mut LaneStatus, state: &'static str, lane: &Left) {
    whole.waiting += lane.waiting;
    whole.under_way += lane.under_way;
    if let Some(usage) = &mut whole.allowance {
        usage.held_until = usage.held_until.max(lane.held_until);
    }
    if rank(state) < rank(whole.state) {
        (whole.state, whole.reason, whole.since) = (state, lane.reason.clone(), lane.since);
        whole.probe_at = lane.probe_at;
    } else if rank(state) == rank(whole.state) {
        whole.since = earlier(whole.since, lane.since);
        whole.probe_at = earlier(whole.probe_at, lane.probe_at);
    }
}

fn rank(state: &str) -> usize {
    WORST_FIRST.iter().position(|known| *known == state).unwrap_or(WORST_FIRST.len())
}

fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.into_iter().chain(other).min()
}

fn left(lane: LaneStatus) -> Left {
    Left {
        name: lane.name,
        state: lane.state.to_owned(),
        reason: lane.reason.map(|reason| reason.chars().take(LETTERS).collect()),
        since: lane.since,
        probe_at: lane.probe_at,
        waiting: lane.waiting,
        under_way: lane.under_way,
        held_until: lane.allowance.and_then(|usage| usage.held_until),
    }
}

fn part(peer: &Peer, lane: Left) -> Part {
    Part {
        gateway: peer.id,
        at: peer.name.clone(),
        this: peer.this,
        state: lane.state,
        reason: lane.reason,
        since: lane.since,
        probe_at: lane.probe_at,
        waiting: lane.waiting,
        under_way: lane.under_way,
        held_until: lane.held_until,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane(name: &str, state: &'static str, waiting: usize) -> LaneStatus {
        let is_ill = !matches!(state, "well" | "removed");
        LaneStatus {
            name: ConnectionName::parse(name).expect("a name"),
            state,
            reason: is_ill.then(|| format!("{state}, as it is")),
            since: is_ill.then_some(Timestamp(waiting as i64)),
            probe_at: None,
            waiting,
            under_way: 1,
            allowance: None,
        }
    }

    fn peer(id: i64, this: bool, lanes: Vec<LaneStatus>) -> Peer {
        let lanes: Vec<Left> = lanes.into_iter().map(left).collect();
        Peer {
            id,
            name: format!("gateway {id}"),
            this,
            version: "1".to_owned(),
            since: Timestamp(0),
            until: Timestamp(0),
            rule_set: String::new(),
            buckets: 0,
            silent_ms: None,
            lanes: serde_json::to_string(&lanes).expect("text"),
        }
    }

    #[test]
    fn the_worst_state_is_the_connections_and_what_waits_is_added_up() {
        // What was left is a moment old: of this gateway what it says now counts.
        let peers = [
            peer(7, true, vec![lane("crm", "paused", 900)]),
            peer(3, false, vec![lane("crm", "paused", 5), lane("old", "removed", 2)]),
            peer(9, false, vec![lane("crm", "open", 4), lane("shop", "well", 1)]),
        ];
        let own = vec![lane("crm", "well", 10), lane("shop", "well", 0)];
        let all = merged(own, &peers);
        let shown: Vec<_> = all
            .iter()
            .map(|one| {
                let parts = one.gateways.iter().map(|part| (part.gateway, part.this, part.state.as_str()));
                (one.whole.name.as_str(), one.whole.state, one.whole.waiting, parts.collect::<Vec<_>>())
            })
            .collect();
        assert_eq!(
            shown,
            [
                ("crm", "paused", 19, vec![(3, false, "paused"), (7, true, "well"), (9, false, "open")]),
                ("old", "removed", 2, vec![(3, false, "removed")]),
                ("shop", "well", 1, vec![(7, true, "well"), (9, false, "well")]),
            ]
        );
        let crm = &all.first().expect("crm").whole;
        assert_eq!((crm.reason.as_deref(), crm.since), (Some("paused, as it is"), Some(Timestamp(5))));
        assert_eq!(crm.under_way, 3);
    }

    #[test]
    fn what_another_version_leaves_is_passed_over() {
        let mut strange = peer(1, false, Vec::new());
        strange.lanes = r#"{"crm":"fine"}"#.to_owned();
        let mut newer = peer(2, false, Vec::new());
        newer.lanes = r#"[{"name":"crm","state":"asleep","waiting":1,"under_way":0}]"#.to_owned();
        let all = merged(vec![lane("crm", "well", 1)], &[strange, newer]);
        assert_eq!((all.len(), all.first().map(|one| one.whole.waiting)), (1, Some(1)));
    }
}
