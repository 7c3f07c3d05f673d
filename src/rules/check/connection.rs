//! Reading a connection.

use super::desk::{Asked, Desk};
use super::draft::Named;
use super::globs::{self, Of};
use super::plain_http;
use crate::domain::connection::{ConnectionConfig, ProviderKind, SETTINGS};
use crate::domain::name::ConnectionName;
use crate::domain::secret::SecretRef;
use crate::domain::tag::TagName;
use crate::rules::codes::Code;
use crate::rules::yaml::{Entry, Kind, Node};

/// Reads one connection; the table of keys has been held against it already.
pub fn read(entry: &Entry, desk: &mut Desk<'_>) -> Named<ConnectionConfig> {
    let provider = Desk::text(&entry.value, "provider").and_then(|name| ProviderKind::named(&name));
    if let Some(node) = entry.value.get("provider").filter(|node| node.text().is_some_and(|t| t.starts_with("env:"))) {
        // Any other setting may come from the environment, which is read long after the rules.
        desk.findings
            .add(Code::BadValue, node.span, "`provider` can't come from the environment: the other keys depend on it")
            .help("write the provider's name");
    }
    if let Some(provider) = provider {
        foreign_keys(entry, provider, desk);
    }
    plain_http::look(entry, desk);
    for node in ["tags", "exclusive"]
        .iter()
        .filter_map(|key| entry.value.get(key))
        .flat_map(Node::one_or_many)
        .flat_map(Node::one_or_many)
    {
        node.text().into_iter().for_each(|text| globs::look(text, Of::Texts, node, desk));
    }
    let value = provider.and_then(|provider| {
        let credentials = credentials(entry, provider, desk)?;
        let name = ConnectionName::parse(&entry.key).ok()?;
        Some(with_settings(ConnectionConfig::with_defaults(name, provider, credentials), entry, desk))
    });
    Named { name: entry.key.clone(), span: entry.key_span, value }
}

/// Every credential that the provider demands.
fn credentials(entry: &Entry, provider: ProviderKind, desk: &mut Desk<'_>) -> Option<Vec<SecretRef>> {
    let mut found = Vec::new();
    let sets = provider.capabilities().credentials;
    let given = |set: &&&[&str]| set.iter().any(|key| entry.value.get(key).is_some());
    for key in sets.iter().find(given).or(sets.first()).copied().unwrap_or_default() {
        match Desk::text(&entry.value, key) {
            Some(text) => found.push(SecretRef::parse(&text)),
            None if entry.value.get(key).is_some() => return None,
            None => {
                desk.findings
                    .add(Code::MissingKey, entry.key_span, format!("a {} connection needs `{key}`", provider.name()))
                    .help(format!("as in `{key}: env:{}`", variable(provider, key)));
                return None;
            }
        }
    }
    Some(found)
}

/// A variable's name that a reader would expect.
fn variable(provider: ProviderKind, key: &str) -> String {
    let name = format!("{}_{key}", provider.name()).to_uppercase().replace('-', "_");
    if name.starts_with(|c: char| c.is_ascii_digit()) { format!("TIC_{}", key.to_uppercase()) } else { name }
}

/// Puts every setting in place; what the environment gives is read at start.
fn with_settings(mut config: ConnectionConfig, entry: &Entry, desk: &mut Desk<'_>) -> ConnectionConfig {
    let node = &entry.value;
    let capabilities = config.provider.capabilities();
    for key in SETTINGS {
        match Desk::text(node, key).as_deref().map(|text| (text, text.strip_prefix("env:"))) {
            Some((_, Some(variable))) => config.from_env.push((key, variable.to_owned())),
            // The table of keys has told of what can't be set.
            Some((text, None)) => drop(config.set(key, text)),
            None => {}
        }
    }
    for key in capabilities.optional_secrets {
        config.secrets.extend(Desk::text(node, key).map(|text| (*key, SecretRef::parse(&text))));
    }
    let tags = node.get("tags").map(Node::one_or_many).unwrap_or_default();
    config.tags = texts(tags);
    // A list with one tag in two spellings lets both through; a name that the connection doesn't list is never replaced.
    let sets = node.get("exclusive").map(Node::one_or_many).unwrap_or_default().iter().flat_map(Node::one_or_many);
    for (tag, span) in tags.iter().chain(sets).filter_map(|node| Some((node.text()?.trim(), node.span))) {
        if !tag.is_empty() && !tag.contains('*') {
            desk.ask(&entry.key, Asked::Tag(Some(tag.to_owned())), span);
        }
    }
    config.exclusive = exclusive(node.get("exclusive").map(Node::items).unwrap_or_default());
    for forbids in node.get("unless_tagged").map(Node::one_or_many).unwrap_or_default() {
        if let Some(tag) = forbids.scalar().as_deref().and_then(TagName::parse) {
            // A name that the connection doesn't list would never forbid anything.
            desk.ask(&entry.key, Asked::Tag(Some(tag.as_str().to_owned())), forbids.span);
            config.unless_tagged.push(tag);
        }
    }
    config
}

fn texts(nodes: &[Node]) -> Vec<String> {
    nodes.iter().filter_map(Node::scalar).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// The texts of the list are one set; each list in it is a set of its own.
fn exclusive(items: &[Node]) -> Vec<Vec<String>> {
    let (sets, own): (Vec<_>, Vec<_>) = items.iter().partition(|item| matches!(item.kind, Kind::List(_)));
    let own: Vec<Node> = own.into_iter().cloned().collect();
    let sets = sets.into_iter().map(|set| texts(set.items()));
    std::iter::once(texts(&own)).chain(sets).filter(|set| !set.is_empty()).collect()
}

/// Keys that only other providers' connections have would have no effect here.
fn foreign_keys(entry: &Entry, provider: ProviderKind, desk: &mut Desk<'_>) {
    let own = |kind: ProviderKind| {
        let capabilities = kind.capabilities();
        let secrets = capabilities.credentials.iter().copied().flatten().chain(capabilities.optional_secrets);
        secrets.chain(capabilities.settings).copied().collect::<Vec<_>>()
    };
    let special: Vec<&str> = ProviderKind::ALL.into_iter().flat_map(own).collect();
    for line in entry.value.entries() {
        let key = line.key.as_str();
        if special.contains(&key) && !own(provider).contains(&key) {
            let of: Vec<_> = ProviderKind::ALL.into_iter().filter(|kind| own(*kind).contains(&key)).collect();
            let of: Vec<_> = of.into_iter().map(ProviderKind::name).collect();
            desk.findings
                .add(Code::UnknownKey, line.key_span, format!("a {} connection has no `{key}`", provider.name()))
                .help(format!("it is a key of: {}", of.join(", ")));
        }
    }
    if provider == ProviderKind::Webhook && entry.value.get("base_url").is_some() {
        let span = entry.value.get("base_url").map_or(entry.key_span, |node| node.span);
        desk.findings
            .add(Code::UnknownKey, span, "a webhook connection has no `base_url`")
            .help("its whole address is `url`");
    }
}
