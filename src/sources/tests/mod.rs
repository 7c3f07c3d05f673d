//! What the room promises, asked from outside.

mod catch;
mod cx;
mod cx_replies;
mod dialogflow;
mod faults;
mod handshakes;
mod kinds;
mod messengers;
mod originals;
mod presets;
mod proofs;
mod random;
mod replies;
mod samples;
mod signatures;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::json::Json;
use crate::domain::name::SourceName;
use crate::domain::secret::{Secret, SecretRef};
use crate::domain::source::AuthConfig;

/// 2026-01-01T12:00:00Z, when our own vectors were signed.
const NOW: Timestamp = Timestamp(1_767_268_800_000);

/// Everything a sender may set.
struct Sent {
    headers: Vec<(String, String)>,
    query: String,
    url: String,
    body: Vec<u8>,
    at: Timestamp,
}

impl Sent {
    fn new(body: &[u8]) -> Self {
        let url = "https://hooks.panaderia.example/hooks/bot".to_owned();
        Self { headers: Vec::new(), query: String::new(), url, body: body.to_vec(), at: NOW }
    }

    fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn query(self, query: &str) -> Self {
        Self { query: query.to_owned(), ..self }
    }

    fn request(&self) -> Request<'_> {
        let headers = self.headers.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        Request {
            method: "POST",
            url: &self.url,
            query: &self.query,
            headers: Fields(headers.collect()),
            body: &self.body,
            peer: None,
            received_at: self.at,
        }
    }

    fn verify(&self, source: &Source) -> Result<(), Refusal> {
        source.verify(self.request()).map(|_| ())
    }
}

fn literal(text: &str) -> SecretRef {
    SecretRef::Literal(Secret::new(text))
}

fn config(auth: Vec<AuthConfig>) -> SourceConfig {
    let name = SourceName::parse("bot").expect("a name");
    SourceConfig { name, kind: SourceKind::DialogflowEs, auth, allow_ips: Vec::new(), each: None, verify_token: None }
}

fn source(auth: Vec<AuthConfig>) -> Source {
    Source::open(&config(auth), &Vault::new(HashMap::new(), None)).unwrap_or_else(|e| panic!("opens: {e:?}"))
}

/// Reads a body as an operator would, and hands its one event to `look`.
fn with_event<T>(body: &[u8], look: impl FnOnce(Result<&Event<'_>, ReadError>) -> T) -> T {
    with_events(&config(Vec::new()), body, |events| look(events.map(|events| &events[0])))
}

/// The same for a source of any kind; a body of Dialogflow is one event.
fn with_events<T>(config: &SourceConfig, body: &[u8], look: impl FnOnce(Result<&[Event<'_>], ReadError>) -> T) -> T {
    let sent = Sent::new(body);
    let verified = Verified::by_operator(sent.request());
    let json = match json_body(config, &verified) {
        Ok(json) => json,
        Err(e) => return look(Err(e)),
    };
    match read(config, &verified, &json) {
        Ok(Reading { events, .. }) => {
            let is_one = matches!(code(config.kind).reader, Reader::One(_));
            assert!(!is_one || events.len() == 1, "{} events", events.len());
            look(Ok(&events))
        }
        Err(e) => look(Err(e)),
    }
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Where the real requests are, which aren't part of the project; tests that want them say so where they are absent.
fn originals() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/samples");
    if !folder.is_dir() {
        println!("../shared/samples is absent: nothing is checked against the originals");
        return None;
    }
    Some(folder)
}

fn original(name: &str) -> Option<Vec<u8>> {
    Some(std::fs::read(originals()?.join(name)).unwrap_or_else(|e| panic!("{name}: {e}")))
}

/// What a body is read as.
#[derive(Debug, PartialEq)]
struct Facts<'f> {
    kind: Option<&'f str>,
    intent: Option<&'f str>,
    text: Option<&'f str>,
    language: Option<&'f str>,
    session: Option<&'f str>,
    key: Option<&'f str>,
    params: &'f str,
    confidence: Option<f64>,
}

fn assert_facts(name: &str, body: &[u8], expected: &Facts<'_>) {
    with_event(body, |event| {
        let event = event.unwrap_or_else(|e| panic!("{name}: {e}"));
        let facts = Facts {
            kind: event.kind.as_deref(),
            intent: event.intent.as_deref(),
            text: event.text.as_deref(),
            language: event.language.as_deref(),
            session: event.session.as_deref(),
            key: event.key.as_deref(),
            params: event.params.text(),
            confidence: event.confidence,
        };
        assert_eq!(&facts, expected, "{name}");
        assert_eq!(event.body.text().as_bytes(), body.trim_ascii(), "{name}");
        assert_eq!(event.payload.text(), event.body.text(), "{name}");
        assert_eq!((event.source.as_str(), event.received_at), ("bot", NOW), "{name}");
    });
}
