//! Whether providers can do what rules ask of them, and whether anybody says whom for.

use std::collections::HashMap;

use super::desk::{Asked, Desk};
use super::draft::{Draft, Named};
use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::kind::Part;
use crate::domain::name::ConnectionName;
use crate::rules::catalog::Source;
use crate::rules::codes::Code;
use crate::rules::expr::ast::Root;
use crate::rules::expr::known::Known;
use crate::rules::finding::Span;
use crate::rules::manner::Manner;
use crate::rules::model::{ContactTemplate, FoundBy, Rule, TagTemplate};
use crate::rules::near::{self, Meant};
use crate::rules::words;

fn configs(draft: &Draft) -> HashMap<&ConnectionName, &ConnectionConfig> {
    draft.connections.iter().filter_map(|named| named.value.as_ref()).map(|config| (&config.name, config)).collect()
}

/// Tags, fields and bodies go where there is a place for them.
pub fn providers_can_do_what_is_asked(draft: &Draft, desk: &mut Desk<'_>) {
    let configs = configs(draft);
    for ask in &desk.asks {
        let Some(config) = configs.get(&ask.connection) else { continue };
        let (capabilities, name) = (config.provider.capabilities(), config.provider.name());
        let (can, what, help) = match ask.what {
            // The block that the name stands in was asked for already.
            Asked::Tag(Some(_)) => continue,
            Asked::Tag(None) => (capabilities.tags_per_call > 0, "has no tags", "send what it needs with `forward`"),
            Asked::Set => (capabilities.sets_fields, "has no fields to set", "send what it needs with `forward`"),
            Asked::Forward => (capabilities.forwards, "takes no bodies", "`forward` goes to `webhook` connections"),
        };
        if !can {
            let message = format!("`{}` is a {name} connection, which {what}", ask.connection);
            desk.findings.add(Code::CantDo, ask.span, message).help(help);
        }
    }
}

/// Whoever is looked up can be found in that way where the rule acts.
pub fn contacts_can_be_found(draft: &Draft, desk: &mut Desk<'_>) {
    let configs = configs(draft);
    let sources: Vec<&Source> = draft.sources.iter().filter_map(|named| named.value.as_ref()).collect();
    for rule in &draft.rules {
        let Named { value: Some(model), span, .. } = rule else { continue };
        let acts = acts_at(model);
        for (connection, _) in
            model.contact_at.iter().filter(|(name, _)| configs.contains_key(name) && !acts.contains(&name))
        {
            let message = format!("`contact_at` says whom at `{connection}`, where `{}` changes nobody", model.id);
            desk.findings
                .add(Code::DoesNothing, *span, message)
                .help("take it away, or give the rule `tag` or `set` there");
        }
        if model.once.is_some() && !model.forwards.is_empty() {
            once_needs_somebody(model, *span, &sources, desk);
        }
        for connection in acts {
            let Some(config) = configs.get(connection) else { continue };
            let capabilities = config.provider.capabilities();
            if capabilities.tags_per_call == 0 && !capabilities.sets_fields {
                // It knows no contacts at all, which is told where it is asked for tags.
                continue;
            }
            look_up(model, *span, &sources, config, desk);
        }
    }
    for source in &draft.sources {
        let Named { value: Some(model), span, .. } = source else { continue };
        for config in model.contact_at.iter().filter_map(|(connection, _)| configs.get(connection)) {
            let capabilities = config.provider.capabilities();
            if capabilities.tags_per_call == 0 && !capabilities.sets_fields {
                let (name, provider) = (&config.name, config.provider.name());
                let message = format!("`{name}` is a {provider} connection, which knows no contacts");
                desk.findings.add(Code::CantDo, *span, message).help("take it out of `contact_at`");
            }
        }
        for (connection, contact) in &model.tags_changed_at {
            if let Some(config) = configs.get(connection) {
                may_be_outdated(contact, *span, config, desk);
            }
        }
        for config in model.respond_io.iter().filter_map(|connection| configs.get(connection)) {
            look_up_parameters(model, *span, config, desk);
        }
    }
}

/// Whoever's tags somebody else changes is known at a connection with tags, and isn't made for that.
fn may_be_outdated(contact: &ContactTemplate, span: Span, config: &ConnectionConfig, desk: &mut Desk<'_>) {
    let (name, provider) = (&config.name, config.provider.name());
    if config.provider.capabilities().tags_per_call == 0 {
        let message = format!("`{name}` is a {provider} connection, which has no tags that could change");
        desk.findings.add(Code::CantDo, span, message).help("take it out of `tags_changed_at`");
    } else if contact.create {
        let message = format!("`tags_changed_at` only drops what is known at `{name}`: nobody is looked for or made");
        desk.findings.add(Code::DoesNothing, span, message).help("take `create` away");
    } else if let Some(by) = not_found_by(contact, config) {
        let message = format!("`{name}` is a {provider} connection, which can't find contacts by {by}");
        desk.findings
            .add(Code::CantDo, span, message)
            .help("name them in `tags_changed_at` as rules do, or by their id");
    }
}

/// A rule that sends something on once for each contact has to know the contact.
fn once_needs_somebody(rule: &Rule, span: Span, sources: &[&Source], desk: &mut Desk<'_>) {
    if rule.contact.is_some() {
        return;
    }
    let knows = |source: &Source| source.contact.is_some() || source.config.kind.traits().carries(Part::Contact);
    let silent = sources.iter().filter(|source| !knows(source) && meets(rule, source, &desk.known));
    let silent: Vec<_> = silent.copied().collect();
    nobody_says_whom(&format!("`{}` acts once for each contact", rule.id), span, &silent, desk);
}

/// `what` needs a contact that neither the rule nor these sources name.
fn nobody_says_whom(what: &str, span: Span, silent: &[&Source], desk: &mut Desk<'_>) {
    let names: Vec<_> = silent.iter().map(|source| format!("`{}`", source.config.name)).collect();
    let whose = match names.as_slice() {
        [] => return,
        [only] => format!("the source {only} says"),
        several => format!("the sources {} say", several.join(", ")),
    };
    desk.findings
        .add(Code::NoContact, span, format!("{what}, and neither it nor {whose} whom"))
        .help("add `contact` to the source, or to the rule");
}

/// The same for the tags that a source's own parameters change.
fn look_up_parameters(source: &Source, span: Span, config: &ConnectionConfig, desk: &mut Desk<'_>) {
    let own = source.contact_at.iter().find(|(name, _)| *name == config.name).map(|(_, contact)| contact);
    let contact = own.or(source.contact.as_ref());
    if let Some(contact) = contact {
        can_find(None, contact, span, config, desk);
    }
    if is_by_id(contact) && !config.provider.capabilities().reads_tags {
        let asks = [(!config.unless_tagged.is_empty(), UNLESS_ASKS), (!config.exclusive.is_empty(), EXCLUSIVE_ASKS)];
        tags_are_not_told(&asks, span, config, desk);
    }
}

/// Each connection once at which a rule changes a contact.
fn acts_at(rule: &Rule) -> Vec<&ConnectionName> {
    let tags = rule.tags.iter().map(|block| &block.connection);
    let mut connections: Vec<_> = tags.chain(rule.sets.iter().map(|block| &block.connection)).collect();
    connections.sort();
    connections.dedup();
    connections
}

fn look_up(rule: &Rule, span: Span, sources: &[&Source], config: &ConnectionConfig, desk: &mut Desk<'_>) {
    let contacts = contacts_of(rule, sources, config, &desk.known);
    for (source, contact) in &contacts {
        if let Some(contact) = contact {
            can_find(*source, contact, span, config, desk);
        }
    }
    let unsaid = contacts.iter().filter(|(_, contact)| contact.is_none()).filter_map(|(source, _)| *source);
    let (naming, silent): (Vec<_>, Vec<_>) =
        unsaid.partition(|source| source.config.kind.traits().carries(Part::Contact));
    for source in naming {
        is_known_there(rule, span, source, config, desk);
    }
    // What some of its events name is an id there.
    let silent: Vec<_> =
        silent.into_iter().filter(|it| !it.config.kind.traits().contact_at.contains(&config.provider)).collect();
    nobody_says_whom(&format!("`{}` changes a contact at `{}`", rule.id, config.name), span, &silent, desk);
    if contacts.iter().any(|(_, contact)| is_by_id(*contact)) {
        can_judge(rule, span, config, desk);
    }
}

/// The id that a vendor's events name is an id at that vendor: elsewhere it would be somebody else, or nobody.
fn is_known_there(rule: &Rule, span: Span, source: &Source, config: &ConnectionConfig, desk: &mut Desk<'_>) {
    let traits = source.config.kind.traits();
    if traits.contact_at.contains(&config.provider) {
        return;
    }
    let (connection, provider) = (&config.name, config.provider.name());
    let message = format!(
        "`{}` changes a contact at `{connection}`, a {provider} connection, by the id that {} gives in `{}`",
        rule.id, traits.title, source.config.name
    );
    let not_for_all = if rule.matcher.sources.is_empty() {
        ", or name the sources that the rule is for, as in `match: { source: .. }`"
    } else {
        ""
    };
    desk.findings.add(Code::ForeignContact, span, message).help(format!(
        "say who that is there: `contact_at: {{ {connection}: {{ email: \"{{{{ params.email }}}}\" }} }}` in the source or the rule{not_for_all}"
    ));
}

/// What a source of another kind than `catch` knows by itself is an id.
fn is_by_id(contact: Option<&ContactTemplate>) -> bool {
    contact.is_none_or(|contact| contact.by == FoundBy::Id)
}

/// Whom a rule changes at a connection: its own word, else that of each source it meets, which is then named.
fn contacts_of<'a>(
    rule: &'a Rule,
    sources: &[&'a Source],
    config: &ConnectionConfig,
    known: &Known,
) -> Vec<(Option<&'a Source>, Option<&'a ContactTemplate>)> {
    let at = |contacts: &'a [(ConnectionName, ContactTemplate)]| {
        contacts.iter().find(|(name, _)| *name == config.name).map(|(_, contact)| contact)
    };
    if let Some(own) = at(&rule.contact_at).or(rule.contact.as_deref()) {
        return vec![(None, Some(own))];
    }
    let met = sources.iter().copied().filter(|source| meets(rule, source, known));
    met.map(|source| (Some(source), at(&source.contact_at).or(source.contact.as_ref()))).collect()
}

const GUARD_ASKS: &str = "`if_tagged` and `unless_tagged` ask";
const UNLESS_ASKS: &str = "the connection's `unless_tagged` asks";
const EXCLUSIVE_ASKS: &str = "the connection's `exclusive` asks";

/// What hangs on a contact's tags can be judged where they can be read.
fn can_judge(rule: &Rule, span: Span, config: &ConnectionConfig, desk: &mut Desk<'_>) {
    if config.provider.capabilities().reads_tags {
        return;
    }
    let blocks: Vec<_> = rule.tags.iter().filter(|block| block.connection == config.name).collect();
    let adds = blocks.iter().flat_map(|block| &block.add);
    let changes = adds.clone().next().is_some() || rule.sets.iter().any(|block| block.connection == config.name);
    let manner = Manner::of(config);
    let excludes = |name: &TagTemplate| match name {
        TagTemplate::Fixed(tag) => manner.excludes(tag),
        // It may turn out to be any tag.
        TagTemplate::Rendered(_) => !config.exclusive.is_empty(),
    };
    let asks = [
        (blocks.iter().any(|block| !block.guard.is_open()), GUARD_ASKS),
        (changes && !config.unless_tagged.is_empty(), UNLESS_ASKS),
        (adds.map(|entry| &entry.name).any(excludes), EXCLUSIVE_ASKS),
    ];
    tags_are_not_told(&asks, span, config, desk);
}

fn tags_are_not_told(asks: &[(bool, &str)], span: Span, config: &ConnectionConfig, desk: &mut Desk<'_>) {
    for (_, what) in asks.iter().filter(|(asked, _)| *asked) {
        let (name, provider) = (&config.name, config.provider.name());
        let message = format!(
            "`{name}` is a {provider} connection, which can't tell a contact's tags by its id; {what} for them"
        );
        let help = format!("find the contact by a look-up, as with `contact_at: {{ {name}: {{ phone: .. }} }}`");
        desk.findings.add(Code::CantDo, span, message).help(help);
    }
}

/// Whether an event of this source can fit at all: one that carries no intent never fits a rule that matches intents.
fn meets(rule: &Rule, source: &Source, known: &Known) -> bool {
    let (matcher, name) = (&rule.matcher, &source.config.name);
    let carrier = known.sources.iter().find(|carrier| carrier.name == name.as_str());
    let can = |asked: bool, root| !asked || carrier.is_none_or(|carrier| carrier.carries(root));
    (matcher.sources.is_empty() || matcher.sources.contains(name))
        && can(!matcher.intents.is_empty(), Root::Intent)
        && can(!matcher.types.is_empty(), Root::Type)
        && can(!matcher.languages.is_empty(), Root::Language)
        && matcher.details.iter().all(|(detail, _)| can(true, Root::Detail(*detail)))
}

/// What the contact would be found by, where the provider can't.
fn not_found_by(contact: &ContactTemplate, config: &ConnectionConfig) -> Option<String> {
    let finds = config.provider.capabilities().finds;
    let (can, by) = match &contact.by {
        FoundBy::Id => return None,
        FoundBy::Email => (finds.email, "an e-mail address".to_owned()),
        FoundBy::Phone => (finds.phone, "a phone number".to_owned()),
        FoundBy::Field(name) => (finds.fields.has(name), format!("the field `{name}`")),
    };
    (!can).then_some(by)
}

/// `source` is the one that says whom a rule is about, where the rule doesn't.
fn can_find(
    source: Option<&Source>,
    contact: &ContactTemplate,
    span: Span,
    config: &ConnectionConfig,
    desk: &mut Desk<'_>,
) {
    let (name, provider) = (&config.name, config.provider);
    let whose = source.map_or(String::new(), |it| format!(", as the source `{}` asks", it.config.name));
    if let Some(by) = not_found_by(contact, config) {
        let message = format!("`{name}` is a {} connection, which can't find contacts by {by}{whose}", provider.name());
        desk.findings.add(Code::CantDo, span, message).help(ways(provider));
    } else if contact.create && !provider.capabilities().creates {
        let message = format!("`{name}` is a {} connection, which can't make contacts{whose}", provider.name());
        desk.findings.add(Code::CantDo, span, message).help("take `create` away");
    } else if let (true, FoundBy::Field(field)) = (contact.create, &contact.by)
        && !provider.capabilities().makes_with.has(field)
    {
        let provider = provider.name();
        let message =
            format!("`{name}` is a {provider} connection, where nobody can be made with the field `{field}`{whose}");
        desk.findings
            .add(Code::CantDo, span, message)
            .help("take `create` away, or find the contact by something else");
    }
}

/// How a provider finds people, for a message's help.
fn ways(provider: ProviderKind) -> String {
    let finds = provider.capabilities().finds;
    let mut ways = vec!["their id".to_owned()];
    ways.extend(finds.email.then(|| "an e-mail address".to_owned()));
    ways.extend(finds.phone.then(|| "a phone number".to_owned()));
    match finds.fields {
        crate::domain::connection::Fields::None => {}
        crate::domain::connection::Fields::Any => ways.push("any field".to_owned()),
        crate::domain::connection::Fields::Of(names) => ways.push(format!("one of the fields {}", names.join(", "))),
    }
    format!("it finds them by {}; another connection's way stands in `contact_at`", ways.join(", "))
}

/// Where a connection lists its tags, every name that stands in a rule is one of them.
pub fn tags_are_in_use(draft: &Draft, desk: &mut Desk<'_>) {
    let configs = configs(draft);
    let manners: HashMap<_, _> = configs.iter().map(|(name, config)| (*name, Manner::of(config))).collect();
    for ask in &desk.asks {
        let (Asked::Tag(Some(tag)), Some(manner)) = (&ask.what, manners.get(&ask.connection)) else { continue };
        if manner.knows(tag) {
            continue;
        }
        let known = configs.get(&ask.connection).map(|config| config.tags.as_slice()).unwrap_or_default();
        let plain = known.iter().map(String::as_str).filter(|name| !name.contains('*'));
        let told =
            desk.findings.add(Code::UnknownTag, ask.span, format!("`{}` doesn't list the tag `{tag}`", ask.connection));
        // Another case or another accent is no other tag; any other letter may be one that was forgotten in the list.
        let same = plain.clone().find(|known| words::fold(known) == words::fold(tag));
        let meant = same.map(|word| Meant { word, is_certain: true });
        match meant.or_else(|| near::nearest(tag, plain).map(|word| Meant { word, is_certain: false })) {
            Some(meant) => told.meant(meant),
            None => told.help("add it to the connection's `tags`"),
        };
    }
}
