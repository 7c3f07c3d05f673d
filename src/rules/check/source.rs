//! Reading a source.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::time::Duration;

use super::desk::{Desk, Target};
use super::draft::Named;
use super::{auth, contact, intents, reply, shape};
use crate::domain::duration::parse_duration;
use crate::domain::kind::{Handshake, OwnProof};
use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::secret::SecretRef;
use crate::domain::source::{AuthConfig, SourceConfig, SourceKind};
use crate::rules::catalog::Source;
use crate::rules::codes::Code;
use crate::rules::expr::ast::{Path, Root, Step};
use crate::rules::expr::known::Carrier;
use crate::rules::finder::{Finder, ParamsAt};
use crate::rules::index::Index;
use crate::rules::late::Late;
use crate::rules::params::{ParamType, ParamTypes};
use crate::rules::told::TagsToldAt;
use crate::rules::yaml::{Entry, Node};

/// Keys that say where a source without a form of its own finds the parts of an event.
const FINDS: [&str; 6] = ["each", "type", "intent", "text", "params", "tags_told"];

/// What a source's events carry; `None` where its kind isn't known.
pub fn carrier(entry: &Entry) -> Option<Rc<Carrier>> {
    let finds: BTreeSet<&'static str> = FINDS.into_iter().filter(|key| entry.value.get(key).is_some()).collect();
    Some(Rc::new(Carrier { name: entry.key.clone(), kind: kind(&entry.value)?, types: types(&entry.value), finds }))
}

fn kind(node: &Node) -> Option<SourceKind> {
    node.get("kind").and_then(Node::scalar).and_then(|kind| SourceKind::named(&kind))
}

fn types(node: &Node) -> ParamTypes {
    let declared = node.get("types").map(Node::entries).unwrap_or_default();
    ParamTypes::new(
        declared.iter().filter_map(|entry| {
            Some((entry.key.clone(), entry.value.scalar().and_then(|name| ParamType::named(&name))?))
        }),
    )
}

/// Reads one source; the table of keys has been held against it already.
pub fn read(entry: &Entry, desk: &mut Desk<'_>) -> Named<Source> {
    let node = &entry.value;
    // Its templates see its own events alone.
    let everybody = std::mem::take(&mut desk.known.sources);
    desk.known.sources = carrier(entry).into_iter().collect();
    let source = source(entry, desk);
    desk.known.sources = everybody;
    let auth = node.get("auth").map(|value| auth::read(entry, value, kind(node), desk));
    if auth.is_none() {
        desk.findings
            .add(Code::NoAuth, entry.key_span, format!("the source `{}` doesn't say who may call it", entry.key))
            .help(match kind(node).map(|kind| kind.traits().proof) {
                Some(OwnProof::Signature(_) | OwnProof::Header(_)) => {
                    "add `auth: { secret: env:NAME }` with the secret that the sender signs with; `auth: none` lets everybody in"
                }
                _ => "add `auth:` with `basic`, `bearer`, `header`, `query` or `hmac`; `auth: none` lets everybody in",
            });
    }
    let value = source.map(|mut source| {
        source.config.auth = auth.unwrap_or_default();
        no_key(entry, &source, desk);
        source
    });
    Named { name: entry.key.clone(), span: entry.key_span, value }
}

fn source(entry: &Entry, desk: &mut Desk<'_>) -> Option<Source> {
    let node = &entry.value;
    let kind = kind(node);
    if let Some(kind) = kind.filter(|kind| !kind.traits().is_told) {
        for line in node.entries().iter().filter(|line| FINDS.contains(&line.key.as_str())) {
            desk.findings
                .add(Code::BadValue, line.key_span, format!("`{}` is for `catch` sources", line.key))
                .help(format!("a `{}` source has its own; take it away", kind.name()));
        }
    }
    intents::read(entry, kind, desk);
    let contact = node.get("contact").and_then(|node| contact::read(node, desk));
    let contact_at = node.get("contact_at").map(|node| contact::read_at(node, desk)).unwrap_or_default();
    let tags_changed_at = node.get("tags_changed_at").map(|node| contact::read_at(node, desk)).unwrap_or_default();
    let respond_io = respond_io(node, desk);
    let finder = finder(node, desk);
    let late = late(node, kind, desk);
    let each = node.get("each").and_then(|node| each(node, desk));
    let networks = node.get("allow_ips").map(Node::one_or_many).unwrap_or_default();
    let allow_ips = networks.iter().filter_map(Node::scalar).filter_map(|text| shape::network(&text)).collect();
    let name = SourceName::parse(&entry.key).ok()?;
    let verify_token = verify_token(entry, kind, desk);
    let config = SourceConfig { name, kind: kind?, auth: Vec::new(), allow_ips, each, verify_token };
    let (types, index) = (types(node), Index::default());
    Some(Source { config, contact, contact_at, tags_changed_at, types, finder, respond_io, late, index })
}

/// The token that a vendor's first request has to know.
fn verify_token(entry: &Entry, kind: Option<SourceKind>, desk: &mut Desk<'_>) -> Option<SecretRef> {
    let kind = kind?;
    let asks = matches!(kind.traits().handshake, Handshake::Query { .. });
    let token = entry.value.get("verify_token");
    match token {
        Some(token) if !asks => {
            desk.findings
                .add(Code::BadValue, token.span, format!("nobody asks a `{}` source for a token", kind.name()))
                .help("take `verify_token` away");
        }
        None if asks => {
            let title = kind.traits().title;
            desk.findings
                .add(
                    Code::MissingKey,
                    entry.key_span,
                    format!("{title} can't be told that the source `{}` is yours", entry.key),
                )
                .help(format!("add `verify_token: env:NAME`, and give {title} the same token with the address"));
        }
        _ => {}
    }
    token.and_then(Node::scalar).map(|text| SecretRef::parse(&text))
}

/// Only an agent would rather be answered in time than be told what became of its event.
fn late(node: &Node, kind: Option<SourceKind>, desk: &mut Desk<'_>) -> Option<Late> {
    const KEYS: [&str; 2] = ["reply_within", "reply_late"];
    let lines = || node.entries().iter().filter(|line| KEYS.contains(&line.key.as_str()));
    if let Some(kind) = kind.filter(|kind| !kind.traits().has_agent) {
        for line in lines() {
            desk.findings.add(Code::BadValue, line.key_span, format!("`{}` is for Dialogflow sources", line.key)).help(
                format!(
                    "the sender of a `{}` source needs to know whether its event was taken; take it away",
                    kind.name()
                ),
            );
        }
        return None;
    }
    let says = node.get("reply_late").and_then(|node| reply::text(node, desk));
    let Some(within) = node.get("reply_within") else {
        if let Some(line) = lines().next() {
            desk.findings
                .add(Code::DoesNothing, line.key_span, "nothing says when an answer would be late")
                .help("add `reply_within: 4s`");
        }
        return None;
    };
    let time = within.scalar().and_then(|text| parse_duration(&text))?;
    if !(LEAST_WAIT..=MOST_WAIT).contains(&time) {
        desk.findings
            .add(Code::BadValue, within.span, "Dialogflow waits 5 seconds, and 30 where the agent says so")
            .help("write a time from `500ms` to `29s`; `4s` leaves a second for the way");
    }
    Some(Late { within: time, says })
}

const LEAST_WAIT: Duration = Duration::from_millis(500);
const MOST_WAIT: Duration = Duration::from_secs(29);

fn finder(node: &Node, desk: &mut Desk<'_>) -> Finder {
    let mut template = |key: &str| node.get(key).and_then(|node| desk.printed(node));
    let (kind, intent, text, dedupe) = (template("type"), template("intent"), template("text"), template("dedupe"));
    let params = node.get("params").and_then(|node| {
        let path = desk.path(node)?;
        let from_body = match path.root {
            Some(Root::Body) => true,
            Some(Root::Payload) => false,
            _ => {
                not_in_the_body(node, desk);
                return None;
            }
        };
        Some(ParamsAt { from_body, steps: path.steps })
    });
    if let Some(always) = dedupe.as_ref().filter(|template| template.fixed().is_some()).and(node.get("dedupe")) {
        desk.findings
            .add(
                Code::BadValue,
                always.span,
                "this key is the same for every event, so each but the first would be a repetition",
            )
            .help("say where an event's own id stands: `dedupe: \"{{ payload.id }}\"`");
    }
    let tags_told = node.get("tags_told").map(|told| {
        if node.get("tags_changed_at").is_none() {
            desk.findings
                .add(Code::DoesNothing, told.span, "nothing says whose these tags are")
                .help("add `tags_changed_at: { crm: .. }`");
        }
        let mut at = |key| told.get(key).and_then(|node| desk.template(node));
        let (all, added, removed) = (at("all"), at("added"), at("removed"));
        match told.scalar() {
            Some(_) => TagsToldAt { all: desk.template(told), added: None, removed: None },
            None => TagsToldAt { all, added, removed },
        }
    });
    Finder { kind, intent, text, params, dedupe, tags_told }
}

/// The keys from the whole body to the list.
fn each(node: &Node, desk: &mut Desk<'_>) -> Option<Vec<String>> {
    let Path { root, steps } = desk.path(node)?;
    let keys: Vec<String> = steps
        .iter()
        .filter_map(|step| match step {
            Step::Key(key) => Some(key.to_string()),
            Step::Index(_) => None,
        })
        .collect();
    if !matches!(root, Some(Root::Body | Root::Payload)) || keys.len() != steps.len() {
        not_in_the_body(node, desk);
        return None;
    }
    Some(keys)
}

fn not_in_the_body(node: &Node, desk: &mut Desk<'_>) {
    desk.findings
        .add(Code::BadValue, node.span, "this must lead into the body")
        .help("it begins with `body.`, or with `payload.` for the item; as in `body.leads`");
}

fn respond_io(node: &Node, desk: &mut Desk<'_>) -> Vec<ConnectionName> {
    let mut connections = Vec::new();
    for name in node.get("respond_io_parameters").map(Node::one_or_many).unwrap_or_default() {
        let Some(text) = name.scalar() else { continue };
        desk.refer(Target::Connection, &text, name.span);
        desk.ask(&text, super::desk::Asked::Tag(None), name.span);
        connections.extend(ConnectionName::parse(&text).ok());
    }
    connections
}

/// Without any key a sender that repeats a request makes a second event.
fn no_key(entry: &Entry, source: &Source, desk: &mut Desk<'_>) {
    let signs_an_id = |auth: &AuthConfig| matches!(auth, AuthConfig::Hmac { scheme, .. } if scheme.id_header.is_some());
    let config = &source.config;
    if config.kind.has_key() || source.finder.dedupe.is_some() || config.auth.iter().any(signs_an_id) {
        return;
    }
    desk.findings
        .add(Code::NoKey, entry.key_span, format!("nothing tells a repetition of `{}` from a new event", entry.key))
        .help("say where an event's own id stands: `dedupe: \"{{ payload.id }}\"`");
}
