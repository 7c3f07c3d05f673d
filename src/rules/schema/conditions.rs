//! What one key of an object asks of the others, in the words of JSON Schema.

use serde_json::{Value, json};

use crate::domain::connection::{Capabilities, ProviderKind};
use crate::rules::keys::Object;

/// The conditions of an object, besides its keys' own: keywords of JSON Schema.
pub fn of(object: &Object) -> Vec<(&'static str, Value)> {
    match object.what {
        "a source" => source(),
        "a form of auth" => auth(),
        "hmac" => vec![(
            "allOf",
            json!([
                { "properties": { "value": { "type": "string", "pattern": "\\{signature\\}", "patternErrorMessage": "Put `{signature}` into it." } } },
                { "properties": { "signed": { "type": "string", "pattern": "\\{body\\}", "patternErrorMessage": "Put `{body}` into it." } } },
            ]),
        )],
        "a contact's look-up" => vec![
            ("oneOf", one_of(&["email", "phone", "field"])),
            ("dependencies", json!({ "field": ["value"], "value": ["field"] })),
        ],
        "a connection" => vec![("allOf", ProviderKind::ALL.into_iter().map(provider).collect())],
        "a test" => vec![(
            "allOf",
            json!([{
                "if": { "required": ["steps"] },
                "then": { "properties": {
                    "event": false, "request": false, "expect": false, "steps": { "contains": { "required": ["expect"] } },
                } },
                "else": { "required": ["expect"], "oneOf": one_of(&["event", "request"]) },
            }]),
        )],
        "a step" => vec![
            ("anyOf", one_of(&["event", "request", "after"])),
            ("not", json!({ "required": ["event", "request"] })),
        ],
        "a reply" => vec![("minProperties", json!(1)), ("not", json!({ "required": ["target_page", "target_flow"] }))],
        "match.text" | "expect" => vec![("minProperties", json!(1))],
        _ => Vec::new(),
    }
}

/// An object that has one of these keys.
fn one_of(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({ "required": [key] })).collect()
}

/// Keys that mustn't be there.
fn none_of<'k>(keys: impl IntoIterator<Item = &'k str>) -> Value {
    keys.into_iter().map(|key| (key.to_owned(), Value::Bool(false))).collect::<serde_json::Map<_, _>>().into()
}

fn source() -> Vec<(&'static str, Value)> {
    let finds = none_of(["each", "type", "intent", "text", "params"]);
    let is_catch = json!({ "properties": { "kind": { "const": "catch" } } });
    let dedupe = json!({ "type": "string", "pattern": "\\{\\{", "patternErrorMessage": "Put `{{ }}` into it." });
    let auth = json!({ "required": ["auth"], "properties": { "auth": { "minItems": 1 }, "dedupe": dedupe } });
    // Where the kind is missing, that is said.
    let is_other = json!({ "required": ["kind"], "properties": { "kind": { "not": { "const": "dialogflow-es" } } } });
    let without_agent = json!({ "if": is_other, "then": { "properties": none_of(["agent"]) } });
    vec![("allOf", json!([auth, { "if": is_catch, "else": { "properties": finds } }, without_agent]))]
}

fn auth() -> Vec<(&'static str, Value)> {
    let has_hmac = json!({ "required": ["hmac"] });
    let only_there =
        json!({ "if": has_hmac, "then": { "required": ["secret"] }, "else": { "properties": none_of(["secret"]) } });
    vec![("oneOf", one_of(&["basic", "bearer", "header", "query", "hmac"])), ("allOf", json!([only_there]))]
}

fn own_keys(capabilities: &Capabilities) -> Vec<&'static str> {
    let secrets = capabilities.credentials.iter().copied().flatten().chain(capabilities.optional_secrets);
    secrets.chain(capabilities.settings).copied().collect()
}

/// A provider's credentials must be there, and what only others have mustn't.
fn provider(kind: ProviderKind) -> Value {
    let own = own_keys(kind.capabilities());
    let others = ProviderKind::ALL.into_iter().flat_map(|kind| own_keys(kind.capabilities()));
    let mut foreign: Vec<_> = others.filter(|key| !own.contains(key)).collect();
    if kind == ProviderKind::Webhook {
        foreign.push("base_url");
    }
    let mut then = json!({ "properties": none_of(foreign) });
    match kind.capabilities().credentials {
        [only] => then["required"] = json!(only),
        several => then["anyOf"] = several.iter().map(|set| json!({ "required": set })).collect(),
    }
    json!({ "if": { "required": ["provider"], "properties": { "provider": { "const": kind.name() } } }, "then": then })
}
