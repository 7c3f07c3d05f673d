//! What is counted. Names are Prometheus's; labels are bounded by the rule files.

use std::sync::Arc;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::time::Timestamp;
use crate::store::postgres::Peer;

/// By source.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    source: String,
}

/// By source, and whether the body was another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Duplicates {
    source: String,
    differs: &'static str,
}

/// By source and reason.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusals {
    source: String,
    reason: &'static str,
}

/// By how it ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reloads {
    result: &'static str,
}

/// By connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByConnection {
    connection: String,
}

/// By connection and how a contact was found.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Audits {
    connection: String,
    state: &'static str,
}

/// By rule set.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRuleSet {
    rule_set: String,
}

/// By what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Handshakes {
    reason: &'static str,
}

/// For what is there once or not at all: a gauge of its own would show a zero that means nothing.
type NoLabels = [(&'static str, &'static str); 0];

/// The gateway's counters.
pub struct Metrics {
    registry: Registry,
    accepted: Family<BySource, Counter>,
    duplicates: Family<Duplicates, Counter>,
    refused: Family<Refusals, Counter>,
    waiting: Family<ByConnection, Gauge>,
    paused: Family<ByConnection, Gauge>,
    open: Family<ByConnection, Gauge>,
    dead: Gauge,
    reachable: Gauge,
    reloads: Family<Reloads, Counter>,
    in_force: Gauge,
    audited: Family<Audits, Counter>,
    addresses_waiting: Gauge,
    certificate_ends: Family<NoLabels, Gauge>,
    certificate_reloads: Family<Reloads, Counter>,
    handshakes_failed: Family<Handshakes, Counter>,
    gateways: Family<ByRuleSet, Gauge>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("tagrelay");
        let metrics = |registry: &mut Registry| {
            let accepted = Family::<BySource, Counter>::default();
            registry.register("events", "Events accepted", accepted.clone());
            let duplicates = Family::<Duplicates, Counter>::default();
            registry.register("duplicates", "Requests that repeated an event", duplicates.clone());
            let refused = Family::<Refusals, Counter>::default();
            registry.register("requests_refused", "Requests that were not taken", refused.clone());
            let waiting = Family::<ByConnection, Gauge>::default();
            registry.register("contacts_waiting", "Contacts with changes to deliver", waiting.clone());
            let paused = Family::<ByConnection, Gauge>::default();
            registry.register("connection_paused", "1 while a connection is paused", paused.clone());
            let dead = Gauge::default();
            registry.register("dead_letters", "Changes that wait for a person", dead.clone());
            let reloads = Family::<Reloads, Counter>::default();
            registry.register("rules_reloads", "Changed rule sets by what became of them", reloads.clone());
            let in_force = Gauge::default();
            registry.register("rules_in_force", "1 while the rules on disk are those in force", in_force.clone());
            (accepted, duplicates, refused, waiting, paused, dead, reloads, in_force)
        };
        let (accepted, duplicates, refused, waiting, paused, dead, reloads, in_force) = metrics(&mut registry);
        let audited = Family::<Audits, Counter>::default();
        registry.register("contacts_audited", "Contacts read back by how they were found", audited.clone());
        let open = Family::<ByConnection, Gauge>::default();
        registry.register("breaker_open", "1 while a connection's breaker is open", open.clone());
        let addresses_waiting = Gauge::default();
        registry.register("addresses_waiting", "Addresses with too many failed proofs", addresses_waiting.clone());
        let certificate_ends = Family::<NoLabels, Gauge>::default();
        registry.register("certificate_end_timestamp_seconds", "When the certificate ends", certificate_ends.clone());
        let certificate_reloads = Family::<Reloads, Counter>::default();
        registry.register("certificate_reloads", "Changed certificates by their fate", certificate_reloads.clone());
        let handshakes_failed = Family::<Handshakes, Counter>::default();
        registry.register("handshakes_failed", "Connections without TLS by why", handshakes_failed.clone());
        let reachable = Gauge::default();
        registry.register("database_reachable", "1 while the database answers", reachable.clone());
        let gateways = Family::<ByRuleSet, Gauge>::default();
        registry.register("gateways", "Gateways that share the database by the rule set they run", gateways.clone());
        in_force.set(1);
        for result in ["ok", "refused"] {
            drop(reloads.get_or_create(&Reloads { result }));
        }
        Self {
            registry,
            accepted,
            duplicates,
            refused,
            waiting,
            paused,
            open,
            dead,
            reachable,
            reloads,
            in_force,
            audited,
            addresses_waiting,
            certificate_ends,
            certificate_reloads,
            handshakes_failed,
            gateways,
        }
    }
}

impl Metrics {
    /// An event was accepted.
    pub fn accepted(&self, source: &SourceName) {
        self.accepted.get_or_create(&BySource { source: source.to_string() }).inc();
    }

    /// A request repeated an event.
    pub fn duplicate(&self, source: &SourceName, differs: bool) {
        let differs = if differs { "true" } else { "false" };
        self.duplicates.get_or_create(&Duplicates { source: source.to_string(), differs }).inc();
    }

    /// A request was not taken.
    pub fn refused(&self, source: &str, reason: &'static str) {
        self.refused.get_or_create(&Refusals { source: source.to_owned(), reason }).inc();
    }

    /// A contact was read back.
    pub fn audited(&self, connection: &ConnectionName, state: &'static str) {
        self.audited.get_or_create(&Audits { connection: connection.to_string(), state }).inc();
    }

    /// Another rule set is in force.
    pub fn reloaded(&self) {
        self.reloads.get_or_create(&Reloads { result: "ok" }).inc();
        self.in_force.set(1);
    }

    /// The rule set on disk can't be in force.
    pub fn reload_refused(&self) {
        self.reloads.get_or_create(&Reloads { result: "refused" }).inc();
        self.in_force.set(0);
    }

    /// The rule set on disk is the one in force.
    pub fn rules_agree(&self) {
        self.in_force.set(1);
    }

    /// So many addresses must wait since they failed too often.
    pub fn addresses_waiting(&self, addresses: usize) {
        self.addresses_waiting.set(i64::try_from(addresses).unwrap_or(i64::MAX));
    }

    /// A certificate is in use that ends then.
    pub fn certificate(&self, end: Timestamp) {
        self.certificate_ends.get_or_create(&[]).set(end.millis().div_euclid(1000));
    }

    /// The certificate's files have changed, and were taken or not.
    pub fn certificate_reloaded(&self, taken: bool) {
        let result = if taken { "ok" } else { "refused" };
        self.certificate_reloads.get_or_create(&Reloads { result }).inc();
    }

    /// A connection came to no TLS session.
    pub fn handshake_failed(&self, reason: &'static str) {
        self.handshakes_failed.get_or_create(&Handshakes { reason }).inc();
    }

    /// The text that Prometheus reads; what is only looked at now and then is handed in. `dead` is `None` while the database doesn't
    /// answer: what was last counted stands then. `peers` are the gateways that share it, none where it is a file.
    pub fn text(&self, lanes: &[super::deliver::LaneStatus], dead: Option<u64>, peers: &[Peer]) -> String {
        // A connection that has gone is not to be shown as it was last.
        self.waiting.clear();
        self.paused.clear();
        self.open.clear();
        for lane in lanes {
            let label = ByConnection { connection: lane.name.to_string() };
            self.waiting.get_or_create(&label).set(i64::try_from(lane.waiting).unwrap_or(i64::MAX));
            self.paused.get_or_create(&label).set(i64::from(lane.state == "paused"));
            self.open.get_or_create(&label).set(i64::from(matches!(lane.state, "open" | "half-open")));
        }
        self.gateways.clear();
        for peer in peers {
            self.gateways.get_or_create(&ByRuleSet { rule_set: peer.rule_set.clone() }).inc();
        }
        self.reachable.set(i64::from(dead.is_some()));
        if let Some(dead) = dead {
            self.dead.set(i64::try_from(dead).unwrap_or(i64::MAX));
        }
        let mut text = String::new();
        // Writing to a String can't fail.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Shared by the threads that receive.
pub type SharedMetrics = Arc<Metrics>;
