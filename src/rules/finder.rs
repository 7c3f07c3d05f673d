//! Where a catch source finds the parts of an event: its body has no form of its own.

use super::decide::scope;
use super::expr::ExprFault;
use super::expr::ast::Step;
use super::expr::template::Template;
use super::told::TagsToldAt;
use super::{Catalog, render};
use crate::domain::decision::Fault;
use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::domain::name::RuleId;
use crate::domain::value::Value;

/// Templates for the parts of an event; `None`: as the kind of source has it.
#[derive(Debug, Default)]
pub struct Finder {
    /// The type.
    pub kind: Option<Template>,
    /// The intent.
    pub intent: Option<Template>,
    /// What the person said.
    pub text: Option<Template>,
    /// The way to the parameters, in the item or in the whole body.
    pub params: Option<ParamsAt>,
    /// The deduplication key.
    pub dedupe: Option<Template>,
    /// Where its events tell of tags.
    pub tags_told: Option<TagsToldAt>,
}

/// The way to an event's parameters.
#[derive(Debug)]
pub struct ParamsAt {
    /// Whether it begins at the whole body and not at the item.
    pub from_body: bool,
    /// The way from there.
    pub steps: Box<[Step]>,
}

impl Finder {
    fn is_empty(&self) -> bool {
        let Self { kind, intent, text, params, dedupe, tags_told: _ } = self;
        [kind, intent, text, dedupe].iter().all(|template| template.is_none()) && params.is_none()
    }
}

/// Puts the parts of an event in place that its source's rule file says where to find. Parts that can't be found are unset; what
/// is found and can't be that part is a fault.
pub fn find_parts(catalog: &Catalog, event: &mut Event<'_>) -> Vec<Fault> {
    let Some(source) = catalog.entry(event.source.as_str()).filter(|source| !source.finder.is_empty()) else {
        return Vec::new();
    };
    let finder = &source.finder;
    let mut faults = Vec::new();
    if let Some(at) = &finder.params {
        let start = if at.from_body { event.body } else { event.payload };
        let found = at.steps.iter().try_fold(start, |json, step| match step {
            Step::Key(key) => json.get(key),
            Step::Index(index) => json.items().get(*index).copied(),
        });
        event.params = match found.map(|json| (json, json.kind())) {
            Some((json, JsonKind::Map)) => json,
            None | Some((_, JsonKind::Null)) => Json::EMPTY_MAP,
            Some((_, other)) => {
                faults.push(fault("params", &format!("expected a mapping, found {}", other.name())));
                Json::EMPTY_MAP
            }
        };
    }
    let found = {
        let scope = scope(catalog, source, event, None);
        [("type", &finder.kind), ("intent", &finder.intent), ("text", &finder.text), ("dedupe", &finder.dedupe)].map(
            |(name, template)| {
                let template = template.as_ref()?;
                let text = template.value(&scope).and_then(|value| text_of(&value));
                Some(text.unwrap_or_else(|problem| {
                    faults.push(fault(name, &problem.message));
                    None
                }))
            },
        )
    };
    let [kind, intent, text, key] = found;
    let parts = [(&mut event.kind, kind), (&mut event.intent, intent), (&mut event.text, text), (&mut event.key, key)];
    for (part, found) in parts {
        if let Some(found) = found {
            *part = found.map(Into::into);
        }
    }
    faults
}

/// A template with text around its braces needs what it names; one alone may find nothing.
fn text_of(value: &Value<'_>) -> Result<Option<String>, ExprFault> {
    if value.is_unset() {
        return Ok(None);
    }
    let mut text = String::new();
    render::print(value, &mut text)?;
    Ok((!text.is_empty()).then_some(text))
}

/// A fault of the source itself.
pub(super) fn fault(part: &str, message: &str) -> Fault {
    let rule = RuleId::parse(RULE).expect("it has the letters of a name");
    Fault { rule, at: part.to_owned(), message: message.to_owned() }
}

/// The name under which a source's own faults stand; no rule may have it.
pub const RULE: &str = "tagrelay.source";
