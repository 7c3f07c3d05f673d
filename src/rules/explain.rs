//! Why each rule did or didn't act on an event.

use std::borrow::Cow;

use serde::Serialize;

use super::catalog::{Catalog, Source};
use super::decide::{decide_for, scope};
use super::expr::eval::{Kept, Scope};
use super::expr::show;
use super::matching;
use super::model::Rule;
use super::nearest::Nearest;
use crate::domain::decision::{Decision, Fault};
use crate::domain::event::Event;
use crate::domain::name::RuleId;

/// An event, the decision on it and the verdict on each rule of its source.
#[derive(Debug, Clone, Serialize)]
pub struct Explanation {
    /// What the source made of the body.
    pub event: Seen,
    /// Rule by rule, in the order in which they act.
    pub rules: Vec<Verdict>,
    /// What came of it.
    pub decision: Decision,
}

/// The parts of an event that rules ask for first. They are for people, and not for logs.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// What happened.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What the person meant.
    pub intent: Option<String>,
    /// What the person said.
    pub text: Option<String>,
    /// The language.
    pub language: Option<String>,
    /// The contact's id, where the kind of source knows one.
    pub contact: Option<String>,
    /// The conversation.
    pub session: Option<String>,
    /// What makes a repetition known.
    pub key: Option<String>,
}

impl Seen {
    fn of(event: &Event<'_>) -> Self {
        let owned = |part: &Option<Cow<'_, str>>| part.as_deref().map(str::to_owned);
        Self {
            kind: owned(&event.kind),
            intent: owned(&event.intent),
            text: owned(&event.text),
            language: owned(&event.language),
            contact: owned(&event.contact),
            session: owned(&event.session),
            key: owned(&event.key),
        }
    }

    /// Each part that there is, with the word that rules have for it.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let parts = [
            ("type", &self.kind),
            ("intent", &self.intent),
            ("text", &self.text),
            ("language", &self.language),
            ("contact", &self.contact),
            ("session", &self.session),
            ("key", &self.key),
        ];
        parts.into_iter().filter_map(|(name, part)| Some((name, part.as_deref()?)))
    }
}

/// What became of one rule.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The rule.
    pub id: RuleId,
    /// The file it stands in.
    pub file: String,
    /// The line of its id, from 1.
    pub line: usize,
    /// Whether it matched.
    pub matched: bool,
    /// What went wrong in it.
    pub faults: Vec<Fault>,
    /// Where it missed first, if it didn't match.
    pub miss: Option<Miss>,
    /// What would have to be otherwise for it to match, if it nearly did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nearest: Option<Nearest>,
}

/// The first condition that failed. It shows values of the event: it is for people, and not for logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Miss {
    /// `match.intent`, `when`, `enabled`, `stop`
    pub at: String,
    /// In words, with both values.
    pub message: String,
}

/// Decides on an event and tells why.
pub fn explain(catalog: &Catalog, event: &Event<'_>) -> Explanation {
    explain_for(catalog, event, None)
}

/// The same, where a test says whom the source would have found.
pub(super) fn explain_for(catalog: &Catalog, event: &Event<'_>, found: Option<&str>) -> Explanation {
    let decision = decide_for(catalog, event, found, None);
    let rules = match catalog.entry(event.source.as_str()) {
        Some(source) => verdicts(catalog, (source, event, found), &decision),
        None => Vec::new(),
    };
    Explanation { event: Seen::of(event), rules, decision }
}

fn verdicts<'e>(
    catalog: &'e Catalog,
    (source, event, found): (&'e Source, &'e Event<'e>, Option<&'e str>),
    decision: &Decision,
) -> Vec<Verdict> {
    let kept = Kept::default();
    let scope = Scope { kept: Some(&kept), ..scope(catalog, source, event, found) };
    let mut stopped: Option<&Rule> = None;
    let mut verdicts = Vec::new();
    for rule in catalog.all_rules() {
        let matched = decision.rules.contains(&rule.id);
        let miss = if matched { None } else { miss(rule, &scope, stopped) };
        if matched && rule.stop {
            stopped = Some(rule);
        }
        verdicts.push(Verdict {
            id: rule.id.clone(),
            file: rule.file.to_string(),
            line: rule.line,
            matched,
            faults: decision.faults.iter().filter(|fault| fault.rule == rule.id).cloned().collect(),
            miss,
            nearest: None,
        });
    }
    verdicts
}

fn miss<'v>(rule: &'v Rule, scope: &Scope<'v>, stopped: Option<&Rule>) -> Option<Miss> {
    if !rule.enabled {
        return Some(Miss { at: "enabled".to_owned(), message: "the rule is disabled".to_owned() });
    }
    if let Some(earlier) = stopped {
        return Some(Miss { at: "stop".to_owned(), message: format!("{} stopped the event", earlier.id) });
    }
    if let Some((at, message)) = matching::first_miss(&rule.matcher, scope) {
        return Some(Miss { at, message });
    }
    let scope = &Scope { rule_contact: rule.contact.as_deref(), ..*scope };
    let message = show::why_not(rule.when.as_ref()?, scope)?;
    Some(Miss { at: "when".to_owned(), message })
}
