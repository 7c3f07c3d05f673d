//! Reading a source.

use super::auth;
use super::desk::Desk;
use super::draft::Named;
use crate::domain::name::SourceName;
use crate::domain::source::{SourceConfig, SourceKind};
use crate::rules::codes::Code;
use crate::rules::expr::template::Template;
use crate::rules::yaml::{Entry, Node};

/// Reads one source; the table of keys has been held against it already.
pub fn read(entry: &Entry, desk: &mut Desk<'_>) -> Named<(SourceConfig, Option<Template>)> {
    let node = &entry.value;
    let contact = node.get("contact").and_then(|node| desk.template(node));
    let auth = node.get("auth").map(|value| auth::read(entry, value, desk));
    if auth.is_none() {
        desk.findings
            .add(Code::NoAuth, entry.key_span, format!("the source `{}` doesn't say who may call it", entry.key))
            .help("add `auth:` with `basic`, `bearer`, `header`, `query` or `hmac`; `auth: none` lets everybody in");
    }
    let kind = node.get("kind").and_then(Node::scalar).and_then(|kind| SourceKind::named(&kind));
    let config = SourceName::parse(&entry.key).ok().zip(kind).map(|(name, kind)| SourceConfig {
        name,
        kind,
        auth: auth.unwrap_or_default(),
        allow_ips: Vec::new(),
        each: None,
    });
    Named { name: entry.key.clone(), span: entry.key_span, value: config.map(|config| (config, contact)) }
}
