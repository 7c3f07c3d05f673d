//! A provider and its sandbox: a real client, a real server, a real port.
#![allow(dead_code, reason = "each test crate uses its own part of this")]

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use serde_json::{Value, json};
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::ContactRef;
use tagrelay::domain::json::{Json, OwnedJson};
use tagrelay::domain::name::ConnectionName;
use tagrelay::domain::secret::SecretRef;
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::providers::{Asked, Called, Direction, Found, Glance, Outcome, Provider};
use tagrelay::sandbox::{self, Limit, Sandbox, SandboxOptions};
use tagrelay::vault::Vault;

/// Longer than any answer on loopback, shorter than patience.
const TIMEOUT: Duration = Duration::from_millis(400);

/// An account at a provider of the sandbox.
pub struct Room {
    pub sandbox: Sandbox,
    pub provider: Provider,
    kind: ProviderKind,
}

impl Room {
    pub fn new(kind: ProviderKind) -> Self {
        Self::with(kind, SandboxOptions { limit: Limit::Off, ..SandboxOptions::default() })
    }

    pub fn with(kind: ProviderKind, options: SandboxOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let sandbox = sandbox::start(listener, options).expect("a sandbox");
        let provider = connect(&config(kind, &sandbox.base_url(kind.name()).expect("here"), "sandbox"));
        Self { sandbox, provider, kind }
    }

    pub fn fault(&self, fault: &Value) {
        self.sandbox.add_faults(&json!([fault])).expect("a fault");
    }

    /// A new one in which this goes wrong.
    pub fn with_fault(kind: ProviderKind, fault: &Value) -> Self {
        let room = Self::new(kind);
        room.fault(fault);
        room
    }

    /// Each status is judged so, in the outcome and in the attempt that people see, and none of them changes anything.
    pub async fn judges(&self, table: &[(u16, &str)]) {
        for (status, expected) in table {
            self.fault(&json!({ "kind": "status", "status": status, "times": 1 }));
            let called = self.add("7", &["Lead"]).await;
            assert_eq!(called.outcome.verdict(), *expected);
            assert_eq!((called.attempt.status, called.attempt.verdict.as_str()), (Some(*status), *expected));
            assert_eq!(matches!(called.outcome, Outcome::Retry { throttled: true, .. }), *status == 429);
        }
        assert!(self.tags("7").is_empty(), "nothing was done");
    }

    pub async fn add(&self, id: &str, names: &[&str]) -> Called {
        change(&self.provider, Direction::Add, id, names).await
    }

    pub async fn remove(&self, id: &str, names: &[&str]) -> Called {
        change(&self.provider, Direction::Remove, id, names).await
    }

    pub async fn read(&self, id: &str) -> Called {
        self.provider.read_tags(&ContactRef::Id(id.to_owned()), now()).await
    }

    pub async fn set(&self, id: &str, fields: &[(&str, Value)]) -> Called {
        let values: Vec<OwnedJson> = fields.iter().map(|(_, value)| owned(value)).collect();
        let fields: Vec<_> = fields.iter().zip(&values).map(|((name, _), value)| (*name, value)).collect();
        self.provider.set_fields(&ContactRef::Id(id.to_owned()), &fields, now()).await
    }

    pub async fn find(&self, contact: &ContactRef) -> Asked<Found> {
        self.provider.find(contact, &Glance::default(), now()).await
    }

    /// Who is found; a look-up that fails is a failed test.
    pub async fn found(&self, contact: &ContactRef) -> Found {
        self.find(contact).await.answer.expect("an answer")
    }

    pub async fn create(&self, contact: &ContactRef) -> String {
        self.provider.create(contact, now()).await.answer.expect("an id")
    }

    pub fn tags(&self, id: &str) -> Vec<String> {
        self.sandbox.tags(self.kind.name(), id).unwrap_or_default()
    }

    /// The calls that came in, as `POST /path {"body"}`.
    pub fn lines(&self) -> Vec<String> {
        self.sandbox.calls().iter().map(|call| format!("{} {} {}", call.method, call.path, call.body)).collect()
    }
}

pub fn config(kind: ProviderKind, base_url: &str, token: &str) -> ConnectionConfig {
    let name = ConnectionName::parse("shop").expect("a name");
    ConnectionConfig {
        base_url: base_url.to_owned(),
        timeout: TIMEOUT,
        allow_private: true,
        ..ConnectionConfig::with_defaults(name, kind, vec![SecretRef::parse(token)])
    }
}

pub fn connect(config: &ConnectionConfig) -> Provider {
    Provider::connect(config, &Vault::new(HashMap::new(), None)).expect("credentials")
}

/// A provider behind a server that reads one request and answers these bytes.
pub fn answering(kind: ProviderKind, bytes: &str) -> Provider {
    connect(&config(kind, &format!("http://{}", answer_once(bytes)), "hunter2-token"))
}

/// An answer of 200 with this body.
pub fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A server that reads one request and answers these bytes.
pub fn answer_once(bytes: &str) -> SocketAddr {
    let bytes = bytes.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a call");
        assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
        stream.write_all(bytes.as_bytes()).expect("answered");
    });
    address
}

pub async fn change(provider: &Provider, direction: Direction, id: &str, names: &[&str]) -> Called {
    provider.change_tags(&ContactRef::Id(id.into()), direction, &tags(names), now()).await
}

pub fn tags(names: &[&str]) -> Vec<TagName> {
    names.iter().map(|name| TagName::parse(name).expect("a tag")).collect()
}

pub fn owned(value: &Value) -> OwnedJson {
    OwnedJson::of(Json::parse(value.to_string().as_bytes()).expect("JSON"))
}

pub fn now() -> Timestamp {
    Timestamp::parse("2026-11-06T08:49:37Z").expect("a time")
}

pub fn email(address: &str) -> ContactRef {
    ContactRef::email(address).expect("an address")
}

pub fn phone(number: &str) -> ContactRef {
    ContactRef::phone(number).expect("a number")
}

pub fn field(name: &str, value: &str) -> ContactRef {
    ContactRef::Field { name: name.to_owned(), value: value.to_owned() }
}

pub fn is_done(called: &Called) -> bool {
    matches!(called.outcome, Outcome::Done { .. })
}

pub fn is_in_doubt(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Retry { in_doubt: true, throttled: false, .. })
}
