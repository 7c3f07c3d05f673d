//! The language: its value rules, each by name (`values`), its filters and functions (`words`), and the abuse that a rule file
//! may try (`abuse`).

mod abuse;
mod values;
mod words;

use super::ast::Cost;
use super::eval::{Scope, eval, holds};
use super::known::Known;
use super::template::Template;
use super::*;
use crate::domain::event::Event;
use crate::domain::hours::{Hours, Span};
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;
use crate::rules::params::{ParamType, ParamTypes};
use crate::rules::shared::Shared;

const PARAMS: &str = r#"{"budget": 2000, "whole": 3.0, "digits": "27", "plan": "pro", "empty": "", "null": null,
    "id": 123456789012345678901234567890123456789012345, "topics": ["a", "", "b"], "vip": true, "user-id": "x",
    "at": {"deep": [{"x": 1}]}, "typed": "27", "items": "a, b,c", "when": "2026-03-02", "since": 1767268800,
    "name": "Ana María", "price": 12.345}"#;

const FORM: &str =
    r#"[{"displayName": "size", "value": 40, "state": "FILLED"}, {"displayName": "colour", "state": "EMPTY"}]"#;

/// Monday, 2 March 2026, 15:00 in Bogotá.
const NOW: Timestamp = Timestamp(1_772_481_600_000);

fn event() -> Event<'static> {
    let source = SourceName::parse("bot").expect("a name");
    Event {
        intent: Some("pricing.inquiry".into()),
        text: Some("¿Qué precio tiene?".into()),
        confidence: Some(0.9),
        contact: Some("17".into()),
        page: Some("Order".into()),
        form: Json::parse(FORM.as_bytes()).expect("JSON"),
        params: Json::parse(PARAMS.as_bytes()).expect("JSON"),
        ..Event::empty(source, NOW)
    }
}

fn types() -> ParamTypes {
    let list = [("typed", ParamType::Number), ("items", ParamType::List), ("plan", ParamType::Text)];
    ParamTypes::new(list.map(|(name, declared)| (name.to_owned(), declared)))
}

fn json(text: &str) -> OwnedJson {
    OwnedJson::of(Json::parse(text.as_bytes()).expect("JSON"))
}

fn known() -> Known {
    let values =
        [("big", "1000"), ("plans", r#"["pro", "max"]"#), ("shop", r#"{"city": "Cali"}"#), ("nothing", "null")];
    Known {
        values: values.into_iter().map(|(name, text)| (name.to_owned(), json(text))).collect(),
        conditions: [("buyer", 4, 3), ("wealthy", 5, 6), ("heavy", 999, 3), ("deep", 4, MAX_DEPTH)]
            .map(|(name, size, depth)| (name.to_owned(), Cost { size, depth }))
            .into(),
        hours: ["office".to_owned()].into(),
        sources: Vec::new(),
    }
}

fn shared() -> Shared {
    let known = known();
    let condition = |source: &str| condition(source, &known).expect("a condition");
    let mut office = Hours::in_zone("America/Bogota").expect("a zone");
    office.open_on(0, Span::parse("09:00-18:00").expect("hours"));
    Shared {
        values: known.values.clone().into_iter().collect(),
        conditions: [
            ("buyer".to_owned(), condition("params.budget >= values.big")),
            ("wealthy".to_owned(), condition("conditions.buyer and params.budget > 5000")),
        ]
        .into(),
        hours: [("office".to_owned(), office)].into(),
    }
}

/// What an expression sees, with what rule files name.
struct World {
    event: Event<'static>,
    types: ParamTypes,
    shared: Shared,
}

impl World {
    fn new() -> Self {
        Self { event: event(), types: types(), shared: shared() }
    }

    fn scope(&self) -> Scope<'_> {
        Scope {
            rule_contact: None,
            event: &self.event,
            found: None,
            source_contact: None,
            types: &self.types,
            shared: &self.shared,
            kept: None,
            record: None,
        }
    }
}

fn when(source: &str) -> Result<bool, String> {
    let world = World::new();
    let condition = condition(source, &known()).map_err(|problems| format!("{problems:?}"))?;
    holds(&condition, &world.scope()).map_err(|fault| fault.message)
}

fn render(source: &str) -> Result<String, String> {
    let world = World::new();
    let template = Template::parse(source, &known()).map_err(|problems| format!("{problems:?}"))?;
    template.text(&world.scope()).map_err(|fault| fault.message)
}

fn kind(source: &str) -> &'static str {
    let world = World::new();
    let template = Template::parse(source, &known()).expect("a template");
    template.value(&world.scope()).expect("a value").kind()
}
