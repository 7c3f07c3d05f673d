//! Rules as they are carried out: checked, with every expression read.
//!
//! A catalog of thousands lies in memory as long as the gateway runs, so lists have no room to grow and rare parts are boxed.

use std::sync::Arc;
use std::time::Duration;

use super::expr::Condition;
use super::expr::regexp::Regexp;
use super::expr::template::Template;
use super::pattern::{LanguagePattern, ParamPattern, Pattern};
use super::words::Phrase;
use crate::domain::change::Guard;
use crate::domain::detail::Detail;
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
    pub description: Option<Box<str>>,
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
    pub contact: Option<Box<ContactTemplate>>,
    /// Its own contact at single connections.
    pub contact_at: ContactsAt,
    /// What it tags.
    pub tags: Box<[TagBlock]>,
    /// The fields that it sets.
    pub sets: Box<[SetBlock]>,
    /// What it sends on.
    pub forwards: Box<[Forward]>,
    /// What it answers.
    pub reply: Option<Box<ReplyTemplate>>,
    /// Whether later rules are kept from the event.
    pub stop: bool,
}

/// Keys and their values, in order.
pub type Fields = Box<[(Box<str>, JsonTemplate)]>;

/// What a parameter may be: any of these.
pub type ParamPatterns = Box<[ParamPattern]>;

/// Contacts at single connections.
pub type ContactsAt = Box<[(ConnectionName, ContactTemplate)]>;

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
    pub sources: Box<[SourceName]>,
    /// Intents.
    pub intents: Box<[Pattern]>,
    /// Types.
    pub types: Box<[Pattern]>,
    /// Languages.
    pub languages: Box<[LanguagePattern]>,
    /// Parameters, each with what it may be.
    pub params: Box<[(Box<str>, ParamPatterns)]>,
    /// What only some platforms tell, each with what it may be.
    pub details: Box<[(Detail, ParamPatterns)]>,
    /// Words of which the text holds one.
    pub contains: Box<[Phrase]>,
    /// Expressions of which one fits a part of the text.
    pub regex: Box<[Regexp]>,
}

/// Tags to change at one connection.
#[derive(Debug, Clone)]
pub struct TagBlock {
    /// Where.
    pub connection: ConnectionName,
    /// What to add.
    pub add: Box<[TagEntry]>,
    /// What to remove.
    pub remove: Box<[TagEntry]>,
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
    pub fields: Fields,
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
    pub messages: Box<[JsonTemplate]>,
    /// A payload.
    pub payload: Option<Fields>,
    /// Contexts to set.
    pub contexts: Box<[ContextTemplate]>,
    /// An event to invoke.
    pub event: Option<Box<EventTemplate>>,
    /// Session parameters to set.
    pub parameters: Option<Fields>,
    /// The page to go to.
    pub target_page: Option<Box<Template>>,
    /// The flow to go to.
    pub target_flow: Option<Box<Template>>,
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
        each: Box<[(LanguagePattern, Template)]>,
        /// For every other.
        default: Option<Box<Template>>,
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
    pub parameters: Fields,
}

/// An event to invoke, before it is rendered.
#[derive(Debug, Clone)]
pub struct EventTemplate {
    /// Its name.
    pub name: Template,
    /// The language.
    pub language: Option<Template>,
    /// What it carries.
    pub parameters: Fields,
}

/// JSON with templates in its texts.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// The same for every event.
    Fixed(OwnedJson),
    /// Rendered; exactly one `{{ }}` keeps its type.
    Text(Template),
    /// A list.
    List(Box<[JsonTemplate]>),
    /// A mapping.
    Map(Fields),
}
