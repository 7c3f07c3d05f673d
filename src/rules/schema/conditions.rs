//! What one key of an object asks of the others, in the words of JSON Schema.

use serde_json::{Value, json};

use crate::domain::connection::{Capabilities, ProviderKind};
use crate::domain::kind::{Handshake, OwnProof, SourceKind, Traits};
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
    let finds = none_of(["each", "type", "intent", "text", "params", "tags_told"]);
    let is_catch = json!({ "properties": { "kind": { "const": "catch" } } });
    let dedupe = json!({ "type": "string", "pattern": "\\{\\{", "patternErrorMessage": "Put `{{ }}` into it." });
    let auth = json!({ "required": ["auth"], "properties": { "auth": { "minItems": 1 }, "dedupe": dedupe } });
    // Where the kind is missing, that is said.
    let is_other = json!({ "required": ["kind"], "properties": { "kind": { "not": { "const": "dialogflow-es" } } } });
    let without_agent = json!({ "if": is_other, "then": { "properties": none_of(["agent"]) } });
    let mut all = vec![auth, json!({ "if": is_catch, "else": { "properties": finds } }), without_agent];
    // Only an agent would rather be answered in time than be told what became of its event.
    let others = names(|traits| !traits.has_agent);
    all.push(json!({ "if": is_of(&others), "then": { "properties": none_of(["reply_within", "reply_late"]) } }));
    all.extend(proof());
    all.extend(verify_token());
    vec![("allOf", Value::from(all))]
}

/// The names of kinds.
fn names(which: impl Fn(&Traits) -> bool) -> Vec<&'static str> {
    SourceKind::ALL.iter().map(|kind| kind.traits()).filter(|traits| which(traits)).map(|traits| traits.name).collect()
}

/// A source of one of these kinds.
fn is_of(kinds: &[&str]) -> Value {
    json!({ "required": ["kind"], "properties": { "kind": { "enum": kinds } } })
}

/// `secret` alone is for kinds whose senders prove themselves.
fn proof() -> Option<Value> {
    let without = names(|traits| traits.proof == OwnProof::None);
    let named = json!({ "not": { "type": "object", "required": ["secret"], "not": { "required": ["hmac"] } } });
    let then = json!({ "properties": { "auth": { "allOf": [named, { "items": named }] } } });
    (!without.is_empty()).then(|| json!({ "if": is_of(&without), "then": then }))
}

/// `verify_token` is for kinds whose vendors ask for it, and must be there.
fn verify_token() -> Vec<Value> {
    let asks = |traits: &Traits| matches!(traits.handshake, Handshake::Query { .. });
    let (asking, others) = (names(asks), names(|traits| !asks(traits)));
    let taken_away = json!({ "if": is_of(&others), "then": { "properties": none_of(["verify_token"]) } });
    let required = json!({ "if": is_of(&asking), "then": { "required": ["verify_token"] } });
    if asking.is_empty() { vec![taken_away] } else { vec![taken_away, required] }
}

fn auth() -> Vec<(&'static str, Value)> {
    const FORMS: [&str; 6] = ["basic", "bearer", "header", "query", "google_id_token", "hmac"];
    let with_secret = json!({ "if": { "required": ["hmac"] }, "then": { "required": ["secret"] } });
    let without = json!({
        "if": { "anyOf": one_of(&["basic", "bearer", "header", "query", "google_id_token"]) },
        "then": { "properties": none_of(["secret"]) },
    });
    let alone = json!({ "required": ["secret"], "properties": none_of(FORMS) });
    let mut ways = one_of(&FORMS);
    if let Some(ways) = ways.as_array_mut() {
        ways.push(alone);
    }
    vec![("oneOf", ways), ("allOf", json!([with_secret, without]))]
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
