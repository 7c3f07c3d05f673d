//! Rules as they are carried out: checked, with every expression read.

use std::sync::Arc;
use std::time::Duration;

use super::expr::Condition;
use super::expr::regexp::Regexp;
use super::expr::template::Template;
use super::pattern::{LanguagePattern, ParamPattern, Pattern};
use super::words::Phrase;
use crate::domain::change::Guard;
use crate::domain::json::OwnedJson;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
use crate::domain::reply::Merge;
use crate::domain::tag::TagName;

/// A rule.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name.
    pub id: RuleId,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it acts at all.
    pub enabled: bool,
    /// The file it stands in.
    pub file: Arc<str>,
    /// The line of its id, from 1.
    pub line: usize,
    /// Which events it is for.
    pub matcher: Matcher,
    /// A condition on top.
    pub when: Option<Condition>,
    /// Its changes and forwards at most once in that time for each contact.
    pub once: Option<Duration>,
    /// Its own contact.
    pub contact: Option<ContactTemplate>,
    /// Its own contact at single connections.
    pub contact_at: ContactsAt,
    /// What it tags.
    pub tags: Vec<TagBlock>,
    /// The fields that it sets.
    pub sets: Vec<SetBlock>,
    /// What it sends on.
    pub forwards: Vec<Forward>,
    /// What it answers.
    pub reply: Option<ReplyTemplate>,
    /// Whether later rules are kept from the event.
    pub stop: bool,
}

/// Contacts at single connections.
pub type ContactsAt = Vec<(ConnectionName, ContactTemplate)>;

/// How a contact is found.
#[derive(Debug, Clone)]
pub struct ContactTemplate {
    /// By what.
    pub by: FoundBy,
    /// The id, the address, the number or the field's value.
    pub template: Template,
    /// Whether one that isn't found is made.
    pub create: bool,
}

/// What a contact is found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundBy {
    /// The provider's own id.
    Id,
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// A field that the provider can search.
    Field(String),
}

/// Which events a rule is for. An empty list means any.
#[derive(Debug, Clone, Default)]
pub struct Matcher {
    /// Sources.
    pub sources: Vec<SourceName>,
    /// Intents.
    pub intents: Vec<Pattern>,
    /// Types.
    pub types: Vec<Pattern>,
    /// Languages.
    pub languages: Vec<LanguagePattern>,
    /// Parameters, each with what it may be.
    pub params: Vec<(String, Vec<ParamPattern>)>,
    /// Words of which the text holds one.
    pub contains: Vec<Phrase>,
    /// Expressions of which one fits a part of the text.
    pub regex: Vec<Regexp>,
}

/// Tags to change at one connection.
#[derive(Debug, Clone)]
pub struct TagBlock {
    /// Where.
    pub connection: ConnectionName,
    /// What to add.
    pub add: Vec<TagEntry>,
    /// What to remove.
    pub remove: Vec<TagEntry>,
    /// When.
    pub guard: Guard,
}

/// One tag of a block.
#[derive(Debug, Clone)]
pub struct TagEntry {
    /// Its name.
    pub name: TagTemplate,
    /// For how long it is added.
    pub lasts: Option<Duration>,
    /// When it is changed at all.
    pub when: Option<Condition>,
}

/// Fields to set at one connection.
#[derive(Debug, Clone)]
pub struct SetBlock {
    /// Where.
    pub connection: ConnectionName,
    /// The fields and their values.
    pub fields: Vec<(String, JsonTemplate)>,
}

/// A body to send on.
#[derive(Debug, Clone)]
pub struct Forward {
    /// Where.
    pub connection: ConnectionName,
    /// What is sent.
    pub body: JsonTemplate,
}

/// A tag's name, or how it is made.
#[derive(Debug, Clone)]
pub enum TagTemplate {
    /// The same for every event: made once.
    Fixed(TagName),
    /// Rendered for each event.
    Rendered(Template),
}

/// A reply before it is rendered.
#[derive(Debug, Clone, Default)]
pub struct ReplyTemplate {
    /// Plain words.
    pub text: Option<TextTemplate>,
    /// Messages in the platform's own form.
    pub messages: Vec<JsonTemplate>,
    /// A payload.
    pub payload: Option<Vec<(String, JsonTemplate)>>,
    /// Contexts to set.
    pub contexts: Vec<ContextTemplate>,
    /// An event to invoke.
    pub event: Option<EventTemplate>,
    /// Session parameters to set.
    pub parameters: Option<Vec<(String, JsonTemplate)>>,
    /// The page to go to.
    pub target_page: Option<Template>,
    /// The flow to go to.
    pub target_flow: Option<Template>,
    /// What becomes of the agent's own messages.
    pub merge: Option<Merge>,
}

/// Words, perhaps in several languages.
#[derive(Debug, Clone)]
pub enum TextTemplate {
    /// The same for every language.
    One(Template),
    /// By language; the most exact one that covers the event's is taken.
    Languages {
        /// Each with its words.
        each: Vec<(LanguagePattern, Template)>,
        /// For every other.
        default: Option<Template>,
    },
}

/// A context before it is rendered.
#[derive(Debug, Clone)]
pub struct ContextTemplate {
    /// Its name.
    pub name: Template,
    /// For how many turns it lives.
    pub lifespan: Option<u32>,
    /// What it carries.
    pub parameters: Vec<(String, JsonTemplate)>,
}

/// An event to invoke, before it is rendered.
#[derive(Debug, Clone)]
pub struct EventTemplate {
    /// Its name.
    pub name: Template,
    /// The language.
    pub language: Option<Template>,
    /// What it carries.
    pub parameters: Vec<(String, JsonTemplate)>,
}

/// JSON with templates in its texts.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// The same for every event.
    Fixed(OwnedJson),
    /// Rendered; exactly one `{{ }}` keeps its type.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// A mapping.
    Map(Vec<(String, JsonTemplate)>),
}
