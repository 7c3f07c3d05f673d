//! What an event tells of a contact's tags, where its source says that it does.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Catalog;
use super::decide::scope;
use super::expr::eval::Scope;
use super::expr::template::Template;
use super::render::{self, Home};
use crate::domain::contact::{Contact, ContactRef};
use crate::domain::event::{Event, TagNews};
use crate::domain::news::{News, TagsTold};
use crate::domain::tag::TagName;
use crate::domain::value::Value;

/// Where the tags stand in the events of a source.
#[derive(Debug)]
pub struct TagsToldAt {
    /// All that the contact has now.
    pub all: Option<Template>,
    /// Those that were added.
    pub added: Option<Template>,
    /// Those that were removed.
    pub removed: Option<Template>,
}

/// What an event tells of tags; `None` where it tells of none, or is about nobody.
///
/// Whose they are the source's `tags_changed_at` says; else it is the contact that the vendor names, at the connections that know
/// it by that id.
///
/// The event has the parts that [`find_parts`](super::find_parts) finds.
pub fn tags_told(catalog: &Catalog, event: &Event<'_>) -> Option<TagsTold> {
    let source = catalog.entry(event.source.as_str())?;
    if event.tags_told.is_none() && source.finder.tags_told.is_none() {
        return None;
    }
    let scope = scope(catalog, source, event, None);
    let whose: Vec<Contact> = match &event.tags_told {
        Some(told) if source.tags_changed_at.is_empty() => {
            let known_at = source.config.kind.traits().contact_at;
            let connections = catalog.connections().filter(|config| known_at.contains(&config.provider));
            let reference = || ContactRef::Id(told.contact.to_string());
            connections.map(|config| Contact { connection: config.name.clone(), reference: reference() }).collect()
        }
        _ => render::tags_changed(Home { catalog, source }, &scope).filter_map(Result::ok).collect(),
    };
    let news = match (&event.tags_told, &source.finder.tags_told) {
        (Some(told), _) => by_vendor(&told.news),
        (None, Some(at)) => found(at, &scope),
        (None, None) => News::Unknown,
    };
    (!whose.is_empty()).then_some(TagsTold { whose, news })
}

fn by_vendor(news: &TagNews<'_>) -> News {
    let names = |names: &[Cow<'_, str>]| names.iter().filter_map(|name| TagName::parse(name)).collect::<Vec<_>>();
    match news {
        TagNews::All(tags) => News::All(names(tags).into_iter().collect()),
        TagNews::Added(tags) => some(names(tags), Vec::new()),
        TagNews::Removed(tags) => some(Vec::new(), names(tags)),
        TagNews::Unknown => News::Unknown,
    }
}

fn found<'v>(at: &'v TagsToldAt, scope: &Scope<'v>) -> News {
    let tags = |template: Option<&'v Template>| names(&template?.value(scope).ok()?);
    match tags(at.all.as_ref()) {
        Some(all) => News::All(all.into_iter().collect()),
        None => some(tags(at.added.as_ref()).unwrap_or_default(), tags(at.removed.as_ref()).unwrap_or_default()),
    }
}

/// Without a single name something changed all the same.
fn some(added: Vec<TagName>, removed: Vec<TagName>) -> News {
    let each = |tags: Vec<TagName>, there| tags.into_iter().map(move |tag| (tag, there));
    let some: BTreeMap<TagName, bool> = each(added, true).chain(each(removed, false)).collect();
    if some.is_empty() { News::Unknown } else { News::Some(some) }
}

/// A list of names, or of mappings with a `name`; or a text with commas between them.
fn names(value: &Value<'_>) -> Option<Vec<TagName>> {
    match value {
        Value::List(items) => Some(items.iter().filter_map(named).collect()),
        Value::Text(text) => Some(text.split(',').filter_map(TagName::parse).collect()),
        _ => None,
    }
}

fn named(item: &Value<'_>) -> Option<TagName> {
    match item {
        Value::Text(text) => TagName::parse(text),
        Value::Number(number) => TagName::parse(&number.to_string()),
        Value::Map(json) => TagName::parse(&json.get("name")?.as_text()?),
        _ => None,
    }
}
