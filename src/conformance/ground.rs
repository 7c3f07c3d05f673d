//! Where a check is made: a sandbox of its own, a subject, and somebody who is known there.

use std::collections::HashMap;
use std::io;
use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use super::sort;
use super::subject::Subject;
use crate::domain::connection::{Capabilities, ConnectionConfig, ProviderKind};
use crate::domain::contact::ContactRef;
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::ConnectionName;
use crate::domain::secret::{Secret, SecretRef};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::providers::Ruling;
use crate::providers::{Called, Direction, Found, Glance, Outcome, Provider};
use crate::sandbox::{self, Access, Call, Limit, Sandbox, SandboxOptions, Unknown};
use crate::vault::Vault;

/// Longer than any answer on loopback, also where the machine is busy.
const PATIENT: Duration = Duration::from_secs(10);
/// For what comes too late: checks of that wait as long.
const HURRIED: Duration = Duration::from_millis(250);
/// A credential that is easily found where it must not be.
pub const CREDENTIAL: &str = "hunter2-credential";
/// The number by which the known person is found, where nothing else is said.
const NUMBER: &str = "+573000000000";
/// A whole second, so that both forms of `Retry-After` say the same.
pub const NOW: Timestamp = Timestamp(1_794_041_377_000);

/// Makes a subject of a provider.
pub type Make<'m> = &'m (dyn Fn(Provider) -> Box<dyn Subject> + Sync);

/// Where a check is made.
pub struct Ground {
    /// The provider's sandbox, which knows only whom it made.
    pub sandbox: Sandbox,
    /// What is tried.
    pub subject: Box<dyn Subject>,
    /// The same with little time for a call.
    pub hurried: Box<dyn Subject>,
    /// The provider as it is: what a check needs and doesn't try.
    pub provider: Provider,
    /// Which provider it is.
    pub kind: ProviderKind,
}

/// Somebody who is known at the provider.
pub struct Person {
    /// The id.
    pub id: String,
    /// By what it is found.
    pub by: ContactRef,
}

impl Ground {
    /// A sandbox that lets any key in, sets no limit and knows nobody.
    pub fn new(kind: ProviderKind, make: Make<'_>) -> io::Result<Self> {
        let options = SandboxOptions {
            access: Access::AnyKey,
            limit: Limit::Off,
            unknown: Unknown::NotFound,
            ..SandboxOptions::default()
        };
        let sandbox = sandbox::start(TcpListener::bind("127.0.0.1:0")?, options)?;
        let provider = connect(kind, &sandbox, PATIENT).map_err(io::Error::other)?;
        let hurried = make(connect(kind, &sandbox, HURRIED).map_err(io::Error::other)?);
        Ok(Self { subject: make(provider.clone()), hurried, sandbox, provider, kind })
    }

    /// What the provider says that it can do.
    pub fn can(&self) -> &'static Capabilities {
        self.kind.capabilities()
    }

    /// Somebody new, with this number.
    pub async fn person_with(&self, by: ContactRef) -> Result<Person, String> {
        let made = self.provider.create(&by, NOW).await;
        made.answer
            .map(|id| Person { id, by })
            .map_err(|outcome| format!("nobody could be made: {}", outcome.verdict()))
    }

    /// Somebody new.
    pub async fn person(&self) -> Result<Person, String> {
        self.person_with(ContactRef::Phone(NUMBER.to_owned())).await
    }

    /// Adds or removes tags of somebody.
    pub async fn change(&self, person: &Person, direction: Direction, names: &[&str]) -> Called {
        self.subject.change_tags(&ContactRef::Id(person.id.clone()), direction, &tags(names), NOW).await
    }

    /// The tags of somebody as the provider tells them, by the id or by what had found the person.
    pub async fn read(&self, person: &Person) -> Called {
        if self.can().reads_tags {
            self.subject.read_tags(&ContactRef::Id(person.id.clone()), NOW).await
        } else {
            self.subject.read_found(&person.by, &person.id, NOW).await
        }
    }

    /// Whether somebody has exactly these tags: as the subject reads them, and as they are.
    pub async fn has(&self, person: &Person, names: &[&str]) -> Result<(), String> {
        let is = self.tags(person);
        if is != names {
            return Err(format!("the contact has {is:?} and not {names:?}"));
        }
        match self.read(person).await.outcome {
            Outcome::Done { tags: Some(read) } if read == tags(names) => Ok(()),
            other => Err(format!("{names:?} are read as {other:?}")),
        }
    }

    /// The tags that somebody has, as the sandbox knows.
    pub fn tags(&self, person: &Person) -> Vec<String> {
        self.sandbox.tags(self.kind.name(), &person.id).unwrap_or_default()
    }

    /// One plain act: `Lead` is added to somebody, or where there is nobody a body is sent on.
    pub async fn act(&self, person: Option<&Person>) -> Called {
        act(self.subject.as_ref(), person).await
    }

    /// The same in a hurry. What the first call of all needs, as a token, is there before.
    pub async fn act_hurriedly(&self, person: Option<&Person>) -> Called {
        act(self.hurried.as_ref(), person).await
    }

    /// Lets the hurried subject have what its first call needs; a busy machine may take a few tries.
    pub async fn warm_up(&self, person: Option<&Person>) -> Result<(), String> {
        for _ in 0..20 {
            if sort::of(&self.act_hurriedly(person).await.outcome) == Ruling::Done {
                return Ok(());
            }
        }
        Err("nothing gets through though nothing goes wrong".to_owned())
    }

    /// Whom plain acts are about; nobody where there are no contacts. A token was fetched by then, where one is needed.
    pub async fn whom(&self) -> Result<Option<Person>, String> {
        if self.can().creates { self.person().await.map(Some) } else { Ok(None) }
    }

    /// Looks somebody up, page by page.
    pub async fn find(&self, by: &ContactRef) -> Result<Found, String> {
        let mut so_far = Glance::default();
        loop {
            match self.subject.find(by, &so_far, NOW).await.answer {
                Ok(Found::Further(glance)) => so_far = glance,
                Ok(found) => return Ok(found),
                Err(outcome) => return Err(format!("{by}: {}", outcome.verdict())),
            }
        }
    }

    /// From now on this goes wrong.
    pub fn fault(&self, fault: &Value) -> Result<(), String> {
        self.sandbox.add_faults(&json!([fault]))
    }

    /// The calls that come in while `what` is done.
    pub async fn calls_of<T>(&self, what: impl Future<Output = T>) -> (T, Vec<Call>) {
        let before = self.sandbox.calls().len();
        let done = what.await;
        (done, self.sandbox.calls().split_off(before))
    }
}

async fn act(subject: &dyn Subject, person: Option<&Person>) -> Called {
    match person {
        Some(person) => {
            subject.change_tags(&ContactRef::Id(person.id.clone()), Direction::Add, &tags(&["Lead"]), NOW).await
        }
        None => subject.forward("msg_1", &owned(&json!({ "name": "Ana" })), NOW).await,
    }
}

/// Whether a call came to this.
pub fn is(called: &Called, wanted: Ruling) -> Result<(), String> {
    let sort = sort::of(&called.outcome);
    if sort == wanted { Ok(()) } else { Err(format!("{wanted} was expected, and it is {}", called.outcome.verdict())) }
}

/// Tags by their names; what can't be one is left out.
pub fn tags(names: &[&str]) -> Vec<TagName> {
    names.iter().filter_map(|name| TagName::parse(name)).collect()
}

/// A value as rules have it.
pub fn owned(value: &Value) -> OwnedJson {
    let text = value.to_string();
    OwnedJson::of(Json::parse(text.as_bytes()).unwrap_or(Json::NULL))
}

/// The provider at its sandbox. Nothing of it is secret but the credential, which is the last part of a webhook's address.
fn connect(kind: ProviderKind, sandbox: &Sandbox, timeout: Duration) -> Result<Provider, String> {
    let base_url = sandbox.base_url(kind.name()).ok_or("the sandbox doesn't play it")?;
    let credential = |key: &str| {
        let text = if key == "url" { format!("{base_url}/{CREDENTIAL}") } else { CREDENTIAL.to_owned() };
        SecretRef::Literal(Secret::new(&text))
    };
    let keys = kind.capabilities().credentials.first().copied().unwrap_or_default();
    let name = ConnectionName::parse("suite").map_err(|error| error.to_string())?;
    let mut config = ConnectionConfig::with_defaults(name, kind, keys.iter().map(|key| credential(key)).collect());
    config.base_url.clone_from(&base_url);
    (config.timeout, config.allow_private) = (timeout, true);
    Provider::connect(&config, &Vault::new(HashMap::new(), None)).map_err(|error| error.to_string())
}
