//! The one table of keys: what rule files may say, where, and what it means.
//!
//! `check` reads it to refuse everything else, `schema` to tell editors. Neither knows a key that the other doesn't.

mod auth;
mod connection;
mod rule;
mod shape;
mod shared;
mod source;
mod test;

pub use shape::{Key, Names, Need, Object, Shape, Snippet, Words};

use connection::CONNECTION;
use rule::RULE;
use shared::HOURS;
use source::SOURCE;
use test::TEST;

/// A file of rules.
pub static RULE_FILE: Object = Object {
    what: "a rule file",
    keys: &[
        Key::new("sources", Shape::Named(&Shape::Object(&SOURCE)), "Inbound hooks: `POST /hooks/{name}`.")
            .defines(Names::Source)
            .example("sources:\n  website-bot:\n    kind: dialogflow-es\n    auth:\n      - bearer: env:BOT_TOKEN"),
        Key::new("connections", Shape::Named(&Shape::Object(&CONNECTION)), "Accounts at providers, by name.")
            .defines(Names::Connection)
            .example("connections:\n  crm:\n    provider: helpcrunch\n    api_key: env:HELPCRUNCH_API_KEY"),
        Key::new("rules", Shape::List(&Shape::Object(&RULE)), "What to do with which events, in this order.").example(
            "rules:\n  - id: pricing-lead\n    match: { intent: pricing.* }\n    tag: { crm: { add: [Lead] } }",
        ),
        Key::new("values", Shape::Named(&Shape::Anything), "Named values that expressions use as `values.name`.")
            .defines(Names::Value)
            .example("values: { big: 1000 }"),
        Key::new(
            "conditions",
            Shape::Named(&Shape::Condition),
            "Named conditions that expressions use as `conditions.name`.",
        )
        .defines(Names::Condition)
        .example("conditions: { buyer: params.budget >= values.big }"),
        Key::new(
            "hours",
            Shape::Named(&Shape::Object(&HOURS)),
            "Named opening hours that expressions ask as `open(\"name\")`.",
        )
        .defines(Names::Hours)
        .example("hours: { office: { zone: America/Bogota, mon-fri: \"09:00-18:00\", except: [2026-12-25] } }"),
    ],
    snippets: &[],
};

/// A file of tests: `*.test.yaml`.
pub static TEST_FILE: Object = Object {
    what: "a test file",
    keys: &[Key::new("tests", Shape::List(&Shape::Object(&TEST)), "Events and what the rules must make of them.")
            .example("tests:\n  - name: who asks for prices is a lead\n    event: { source: website-bot, intent: pricing.inquiry, contact: \"17\" }\n    expect: { rules: [pricing-lead] }")],
    snippets: &[],
};

/// Every object below `shape`.
fn objects(shape: &'static Shape, found: &mut Vec<&'static Object>) {
    match shape {
        Shape::Object(object) => {
            found.push(object);
            object.keys.iter().for_each(|key| objects(&key.shape, found));
        }
        Shape::Named(inner) | Shape::Mapping(inner) | Shape::List(inner) | Shape::OneOrMany(inner) => {
            objects(inner, found);
        }
        Shape::Either(shapes) => shapes.iter().for_each(|shape| objects(shape, found)),
        _ => {}
    }
}

/// Where a key belongs that `object` hasn't got: below it if there, else elsewhere in a file of rules or of tests.
pub fn home(object: &'static Object, name: &str) -> Option<(&'static Object, &'static Key)> {
    [object, &RULE_FILE, &TEST_FILE].into_iter().find_map(|start| {
        let mut found = vec![start];
        start.keys.iter().for_each(|key| objects(&key.shape, &mut found));
        found.into_iter().find_map(|object| object.key(name).map(|key| (object, key)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_described_once() {
        let mut found = Vec::new();
        for file in [&RULE_FILE, &TEST_FILE] {
            found.push(file);
            file.keys.iter().for_each(|key| objects(&key.shape, &mut found));
        }
        assert!(found.len() > 15);
        for object in found {
            let mut names: Vec<_> = object.keys.iter().map(|key| key.name).collect();
            names.sort_unstable();
            let count = names.len();
            names.dedup();
            assert_eq!(names.len(), count, "{}", object.what);
            assert!(object.keys.iter().all(|key| key.about.ends_with('.')), "{}", object.what);
        }
    }
}
