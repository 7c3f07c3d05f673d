//! Rules as they are carried out: checked, with every expression read.

use std::sync::Arc;

use serde_json::Value;

use super::expr::Condition;
use super::expr::template::Template;
use super::pattern::{LanguagePattern, ParamPattern, Pattern};
use crate::domain::change::Guard;
use crate::domain::name::{ConnectionName, RuleId, SourceName};
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
    /// Its own contact.
    pub contact: Option<Template>,
    /// Its own contact at single connections.
    pub contact_at: Vec<(ConnectionName, Template)>,
    /// What it tags.
    pub tags: Vec<TagBlock>,
    /// What it answers.
    pub reply: Option<ReplyTemplate>,
    /// Whether later rules are kept from the event.
    pub stop: bool,
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
}

/// Tags to change at one connection.
#[derive(Debug, Clone)]
pub struct TagBlock {
    /// Where.
    pub connection: ConnectionName,
    /// What to add.
    pub add: Vec<TagTemplate>,
    /// What to remove.
    pub remove: Vec<TagTemplate>,
    /// When.
    pub guard: Guard,
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
    pub text: Option<Template>,
    /// Messages in the platform's own form.
    pub messages: Vec<JsonTemplate>,
    /// A payload.
    pub payload: Option<Vec<(String, JsonTemplate)>>,
    /// Contexts to set.
    pub contexts: Vec<ContextTemplate>,
    /// An event to invoke.
    pub event: Option<EventTemplate>,
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
    Fixed(Value),
    /// Rendered; exactly one `{{ }}` keeps its type.
    Text(Template),
    /// A list.
    List(Vec<JsonTemplate>),
    /// A mapping.
    Map(Vec<(String, JsonTemplate)>),
}
