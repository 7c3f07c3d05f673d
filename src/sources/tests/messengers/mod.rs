//! The events of each messenger's bodies, field by field. The fixtures are ours, of the shapes that the files name.

mod line;
mod meta;
mod proofs;
mod replies;
mod slack;
mod telegram;
mod twilio;
mod viber;

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;

/// What an event says; an empty text is an unset part.
#[derive(Debug, PartialEq, Clone, Copy)]
struct Told {
    kind: &'static str,
    intent: &'static str,
    text: &'static str,
    language: &'static str,
    contact: &'static str,
    session: &'static str,
    key: &'static str,
    /// JSON, or the way to it in the body, as RFC 6901 writes it; empty: the whole body.
    params: &'static str,
}

const NOTHING: Told =
    Told { kind: "", intent: "", text: "", language: "", contact: "", session: "", key: "", params: "{}" };

/// A fixture and its events.
type Row = (&'static str, &'static [Told]);

/// A fixture as it would be sent.
struct Fixture {
    name: String,
    content_type: &'static str,
    body: Vec<u8>,
}

impl Fixture {
    fn all(kind: SourceKind) -> Vec<Fixture> {
        let files = std::fs::read_dir(fixtures().join(kind.name())).expect("the folder");
        let mut all: Vec<Fixture> = files.map(|file| Self::of(&file.expect("a file").path())).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    fn of(path: &Path) -> Fixture {
        let name = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_owned();
        let is_form = path.extension().is_some_and(|extension| extension == "form");
        let content_type = if is_form { "application/x-www-form-urlencoded" } else { "application/json" };
        let body = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        Fixture { name, content_type, body }
    }

    fn sent(&self) -> Sent {
        Sent::new(&self.body).header("content-type", self.content_type)
    }
}

fn of_kind(kind: SourceKind) -> SourceConfig {
    SourceConfig { kind, ..config(Vec::new()) }
}

/// Each fixture of a kind has a row and is read as that says, and what is stored of each event is read as that event again.
fn assert_rows(kind: SourceKind, rows: &[Row]) {
    let fixtures = Fixture::all(kind);
    let names: BTreeSet<&str> = fixtures.iter().map(|fixture| fixture.name.as_str()).collect();
    assert_eq!(names, rows.iter().map(|row| row.0).collect::<BTreeSet<_>>(), "each fixture has a row");
    for fixture in &fixtures {
        let (name, rows) = rows.iter().find(|row| row.0 == fixture.name).expect("a row");
        let sent = fixture.sent();
        let config = of_kind(kind);
        let verified = Verified::by_operator(sent.request());
        let json = json_body(&config, &verified).unwrap_or_else(|e| panic!("{name}: {e}"));
        let reading = read(&config, &verified, &json).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(reading.events.len(), rows.len(), "{name}");
        for (index, (event, told)) in reading.events.iter().zip(*rows).enumerate() {
            assert_told(name, event, told);
            let stored = reading.stored(index, &fixture.body);
            let request = Request { headers: event.headers.clone(), body: &stored, ..sent.request() };
            let replayed = Verified::by_operator(request);
            let json = json_body(&config, &replayed).unwrap_or_else(|e| panic!("{name}: {e}"));
            let again = read(&config, &replayed, &json).unwrap_or_else(|e| panic!("{name}: {e}"));
            assert_eq!(again.events.len(), 1, "{name}: one event is stored as one");
            assert_eq!(again.events[0].payload.text(), event.payload.text(), "{name}");
            assert_eq!(again.events[0].kind, event.kind, "{name}");
            assert_eq!(again.events[0].contact, event.contact, "{name}");
            assert_eq!(again.events[0].key, event.key, "{name}");
        }
    }
}

fn assert_told(name: &str, event: &Event<'_>, told: &Told) {
    let value = |json: Json<'_>| serde_json::from_str::<Value>(json.text()).expect("JSON");
    let part = |part: &Option<std::borrow::Cow<'_, str>>| part.as_deref().unwrap_or_default().to_owned();
    let found = [&event.kind, &event.intent, &event.text, &event.language, &event.contact, &event.session, &event.key];
    let expected = [told.kind, told.intent, told.text, told.language, told.contact, told.session, told.key];
    assert_eq!(
        found.map(part),
        expected.map(str::to_owned),
        "{name}: type, intent, text, language, contact, session, key"
    );
    let params = if told.params.starts_with('/') {
        value(event.body).pointer(told.params).unwrap_or_else(|| panic!("{name}: {}", told.params)).clone()
    } else if told.params.is_empty() {
        value(event.body)
    } else {
        serde_json::from_str(told.params).expect("JSON")
    };
    assert_eq!(value(event.params), params, "{name}: params");
}
