//! Rule files made from the table of keys: each key of each object with right and wrong values, in a file that is right but
//! for it.

use serde_json::{Map, Value, json};
use tagrelay::rules::keys::{Key, Need, Object, RULE_FILE, Shape, TEST_FILE};

/// A file that was made.
pub struct Document {
    /// What was done in it, for messages.
    pub what: String,
    /// Its name: tests stand in files of their own.
    pub path: &'static str,
    pub value: Value,
    pub kind: Kind,
}

/// What is expected of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It is right.
    Right,
    /// It holds an example, which may miss its neighbours here.
    Example,
    /// Nothing.
    Any,
}

/// What stands beside each document, so that its names lead somewhere.
pub const COMPANION: &str = "
sources:
  web: { kind: catch, auth: [{ bearer: env:T }], dedupe: \"{{ payload.id }}\", contact: \"{{ payload.c }}\" }
  es: { kind: dialogflow-es, auth: [{ bearer: env:T }] }
  cx: { kind: dialogflow-cx, auth: [{ bearer: env:T }] }
connections:
  crm: { provider: helpcrunch, api_key: env:K }
  zap: { provider: webhook, url: env:U }
rules: [{ id: lead, match: { source: web, intent: a }, tag: { crm: { add: Lead } } }]
";

/// Right instances of an object, on which one thing at a time is changed. None holds more than it must.
fn bases(object: &Object) -> Vec<Value> {
    match object.what {
        "a source" => ["catch", "dialogflow-es", "dialogflow-cx", "helpcrunch"]
            .into_iter()
            .map(|kind| json!({ "kind": kind, "auth": [{ "bearer": "env:T" }] }))
            .chain([json!({ "kind": "meta", "auth": [{ "bearer": "env:T" }], "verify_token": "env:V" })])
            .collect(),
        "a form of auth" => vec![json!({ "bearer": "env:T" }), json!({ "hmac": "github", "secret": "env:S" })],
        "basic" => vec![json!({ "username": "u", "password": "env:P" })],
        "header" | "query" => vec![json!({ "name": "x", "value": "env:P" })],
        "hmac" => vec![json!({ "header": "x" })],
        "google_id_token" => vec![
            json!({ "audience": "https://hooks.example.com/hooks/a", "email": "a@gcp-sa-dialogflow.iam.gserviceaccount.com" }),
        ],
        "a contact's look-up" => {
            vec![json!({ "phone": "{{ params.phone }}" }), json!({ "field": "userId", "value": "1" })]
        }
        "a connection" => vec![
            json!({ "provider": "helpcrunch", "api_key": "env:K" }),
            json!({ "provider": "1980tic", "token": "env:K" }),
            json!({ "provider": "b2chat", "username": "env:U", "password": "env:P" }),
            json!({ "provider": "webhook", "url": "env:U" }),
        ],
        "a rule" => vec![json!({ "id": "other", "stop": true })],
        "match.text" => vec![json!({ "contains": "precio" })],
        "a tag" => vec![json!({ "name": "Hot" })],
        "a reply" => vec![json!({ "text": "Hi" })],
        "a context" | "an event to invoke" => vec![json!({ "name": "x" })],
        "opening hours" => vec![json!({ "zone": "UTC" })],
        "a test" => vec![
            json!({ "name": "t", "event": { "source": "web" }, "expect": { "rules": [] } }),
            json!({ "name": "t", "steps": [{ "event": { "source": "web" }, "expect": { "rules": [] } }] }),
        ],
        "a step" => vec![
            json!({ "event": { "source": "web" }, "expect": { "rules": [] } }),
            json!({ "after": "1d", "expect": { "rules": [] } }),
        ],
        "a test's event" => vec![json!({ "source": "web" })],
        "a test's request" => vec![json!({ "source": "web", "body": "b.json" })],
        "expect" => vec![json!({ "rules": [] })],
        _ => vec![json!({})],
    }
}

/// What must stand beside a key, where that is something else than in the first of the bases.
fn around(object: &Object, key: &str) -> Option<Value> {
    match (object.what, key) {
        ("a form of auth", "hmac") => Some(json!({ "secret": "env:S" })),
        ("a form of auth", "secret") => Some(json!({ "hmac": "github" })),
        ("a form of auth", _) | ("a contact's look-up", "email") => Some(json!({})),
        ("a test", "request") => Some(json!({ "name": "t", "expect": { "rules": [] } })),
        ("a test", "steps") => Some(json!({ "name": "t" })),
        ("a step", "request") => Some(json!({ "expect": { "rules": [] } })),
        ("a contact's look-up", "value") => Some(json!({ "field": "userId" })),
        ("a contact's look-up", "field") => Some(json!({ "value": "1" })),
        _ => None,
    }
}

/// Values of every kind, right for some shape and wrong for others.
fn values() -> Vec<Value> {
    let texts = [
        "",
        "yes",
        "text",
        "bad name!",
        "env:GOOD_NAME",
        "env:BAD-NAME",
        "env:",
        "file:",
        "file:/x",
        "10s",
        "500ms",
        "10",
        "1.5h",
        "1w",
        "-5s",
        "99999d",
        "100/min",
        "5 / s",
        "0/min",
        "100/day",
        "https://a.example/x",
        "http://",
        "ftp://a",
        "https://a b",
        "2026-12-25",
        "25.12.2026",
        "09:00-18:00",
        "22:00-02:00",
        "9-18",
        "America/Bogota",
        "123",
        "2026-03-02T15:00:00-05:00",
        "2026-03-02",
        "203.0.113.0/24",
        "203.0.113.7",
        "300 / 24",
        "{{ params.x }}",
        "{{ params.",
        "confidence > 0.5",
        "body.leads",
        "params",
        "none",
        "off",
        "(open",
        "web",
        "crm",
        "lead",
        "0.5",
        "sha256",
        "true",
    ];
    let others = json!([
        null, true, false, 0, 1, 4, 64, 65, 5000, -1, 0.5, 4.5, [], {}, ["text"], ["text", "Lead"], [null], [[]], [["a"]], [true],
        { "a": 1 }, { "a": null }, { "crm": "text" }, { "crm": {} }, { "crm": ["a"] }, { "crm": { "a": "b" } }, { "crm": [] },
        { "x": "yes" }, [{ "a": 1 }], ["09:00-13:00", "14:00-18:00"], ["web", 5], ["203.0.113.7", "x"],
    ]);
    let others = others.as_array().expect("a list").clone();
    texts.into_iter().map(Value::from).chain(others).collect()
}

/// The words of a shape, which no list of ours should repeat.
fn words(shape: &Shape) -> Vec<Value> {
    match shape {
        Shape::OneOf(words) => (words.now)().into_iter().chain(words.later.iter().copied()).map(Value::from).collect(),
        Shape::Either(shapes) => shapes.iter().flat_map(words).collect(),
        Shape::OneOrMany(one) | Shape::List(one) => words(one).into_iter().map(|word| json!([word])).collect(),
        Shape::Mapping(one) => words(one).into_iter().map(|word| json!({ "x": word })).collect(),
        _ => Vec::new(),
    }
}

/// `object` with this value under `key`.
fn with(object: &Value, key: &str, value: Value) -> Value {
    let mut changed = object.clone();
    changed[key] = value;
    changed
}

/// Puts a value where an object stands in a file.
type Place<'p> = &'p dyn Fn(Value) -> Value;

struct Maker {
    path: &'static str,
    seen: Vec<&'static str>,
    made: Vec<Document>,
    /// Reads the example of a key: the mapping that it is.
    examples: fn(&'static Key) -> Value,
}

/// Every document.
pub fn all(examples: fn(&'static Key) -> Value) -> Vec<Document> {
    let mut maker = Maker { path: "a.yaml", seen: Vec::new(), made: Vec::new(), examples };
    maker.object(&RULE_FILE, &|value| value);
    maker.path = "a.test.yaml";
    maker.object(&TEST_FILE, &|value| value);
    maker.made
}

impl Maker {
    fn add(&mut self, what: String, value: Value) {
        self.made.push(Document { what, path: self.path, value, kind: Kind::Any });
    }

    fn object(&mut self, object: &'static Object, place: Place<'_>) {
        if self.seen.contains(&object.what) {
            return;
        }
        self.seen.push(object.what);
        for base in bases(object) {
            let told = format!("{} {base}", object.what);
            self.made.push(Document {
                what: told.clone(),
                path: self.path,
                value: place(base.clone()),
                kind: Kind::Right,
            });
            self.add(format!("{told} with an unknown key"), place(with(&base, "unknwn", json!(1))));
            for name in base.as_object().map(Map::keys).into_iter().flatten() {
                let mut less = base.clone();
                less.as_object_mut().expect("a mapping").remove(name);
                self.add(format!("{told} without {name}"), place(less));
            }
            for key in object.keys {
                self.pairs(object, key, &base, place);
            }
        }
        let base = bases(object).swap_remove(0);
        for (index, key) in object.keys.iter().enumerate() {
            let around = around(object, key.name).unwrap_or_else(|| base.clone());
            // The days of a week are one key under many names.
            let is_repeated = object.keys.iter().take(index).any(|other| other.about == key.about);
            // To a text all texts are alike.
            let is_text = matches!(key.shape, Shape::Text | Shape::Template | Shape::Scalar | Shape::Anything);
            let wanted = |value: &Value| !(is_repeated || is_text && value.as_str().is_some_and(|text| text.len() > 2));
            for value in values().into_iter().chain(words(&key.shape)).filter(wanted) {
                let what = format!("{} {around} with {}: {value}", object.what, key.name);
                self.add(what, place(with(&around, key.name, value)));
            }
            if key.need != Need::Later {
                self.inner(&key.shape, &|value| place(with(&around, key.name, value)));
            }
        }
    }

    /// The key's example, alone and with each other key's.
    fn pairs(&mut self, object: &'static Object, key: &'static Key, base: &Value, place: Place<'_>) {
        if key.need == Need::Later {
            return;
        }
        let examples = self.examples;
        let joined = |base: &Value, key: &'static Key| {
            let mut joined = base.clone();
            for (name, value) in examples(key).as_object().expect("an example is a mapping") {
                joined[name] = value.clone();
            }
            joined
        };
        let one = joined(base, key);
        let alone = joined(&json!({}), key);
        let pairs: Vec<_> = object
            .keys
            .iter()
            .filter(|other| other.need != Need::Later && other.name < key.name && object.keys.len() < 25)
            .flat_map(|other| [joined(&one, other), joined(&alone, other)])
            .collect();
        for value in pairs {
            self.add(format!("{} {value}", object.what), place(value));
        }
        let what = format!("{} {base}: the example of {}", object.what, key.name);
        let around = joined(&around(object, key.name).unwrap_or(json!({})), key);
        for value in [one, alone, around] {
            let value = place(value);
            self.made.push(Document { what: what.clone(), path: self.path, value, kind: Kind::Example });
        }
    }

    fn inner(&mut self, shape: &'static Shape, place: Place<'_>) {
        match shape {
            Shape::Object(object) => self.object(object, place),
            Shape::Named(one) => self.inner(one, &|value| place(json!({ "made": value }))),
            Shape::Mapping(one) => self.inner(one, &|value| place(json!({ "crm": value }))),
            Shape::List(one) => self.inner(one, &|value| place(json!([value]))),
            Shape::OneOrMany(one) => self.inner(one, place),
            Shape::Either(shapes) => shapes.iter().for_each(|one| self.inner(one, place)),
            _ => {}
        }
    }
}
