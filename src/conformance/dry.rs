//! The suite's dry form: a real account is asked what changes nothing, and only when it is told to, a tag of its own is added and
//! taken away again.

mod write;

use serde::Serialize;

use super::subject::Subject;
use crate::clock;
use crate::domain::attempt::Attempt;
use crate::domain::connection::ProviderKind;
use crate::domain::contact::ContactRef;
use crate::domain::tag::TagName;
use crate::providers::{Called, Found, Glance, Outcome};

/// The tag that is added and taken away.
pub const TAG: &str = "tagrelay-test";
/// Nobody's address and number: looking them up proves the credentials and finds nobody.
const NOBODY: (&str, &str) = ("nobody@tagrelay.invalid", "+10000000000");
/// Pages of one look-up that are asked for.
const MOST_PAGES: u32 = 20;

/// What is asked of an account.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Whom to look at.
    pub contact: Option<ContactRef>,
    /// Whether [`TAG`] may be added to the contact and taken away again.
    pub write: bool,
}

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should.
    Ok,
    /// Not as it should.
    Failed,
    /// It wasn't tried.
    Skipped,
}

impl State {
    /// `ok`, `failed`, `skipped`
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// One step and what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What was tried.
    pub step: &'static str,
    /// How it ended.
    pub state: State,
    /// What was seen, or why it wasn't tried.
    pub what: String,
    /// What to do about a failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mend: Option<&'static str>,
}

impl Step {
    /// It is as it should be.
    pub fn ok(step: &'static str, what: impl Into<String>) -> Self {
        Self { step, state: State::Ok, what: what.into(), mend: None }
    }

    /// It isn't.
    pub fn failed(step: &'static str, what: impl Into<String>, mend: &'static str) -> Self {
        Self { step, state: State::Failed, what: what.into(), mend: Some(mend) }
    }

    /// It wasn't tried.
    pub fn skipped(step: &'static str, why: impl Into<String>) -> Self {
        Self { step, state: State::Skipped, what: why.into(), mend: None }
    }
}

/// What trying an account showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Tried {
    /// Step by step.
    pub steps: Vec<Step>,
    /// What may be left at the provider, in words; absent where nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
}

impl Tried {
    /// Whether a step failed.
    pub fn has_failed(&self) -> bool {
        self.steps.iter().any(|step| step.state == State::Failed)
    }
}

/// Somebody at the account, and by what the provider can be asked for the tags.
struct Whom {
    id: ContactRef,
    by: Option<ContactRef>,
}

/// An account under trial.
struct Trial<'t> {
    subject: &'t dyn Subject,
    kind: ProviderKind,
    limits: Vec<String>,
    tried: Tried,
}

/// Tries an account. At most a handful of calls are made, and nobody counts them.
pub async fn try_out(subject: &dyn Subject, kind: ProviderKind, wish: &Wish) -> Tried {
    let mut trial = Trial { subject, kind, limits: Vec::new(), tried: Tried::default() };
    if kind.capabilities().tags_per_call == 0 {
        for step in ["credentials", "contact", "limits", "write"] {
            trial.tell(Step::skipped(step, "an address that takes bodies can't be asked without sending it one"));
        }
        return trial.tried;
    }
    let whom = trial.look(wish).await;
    trial.tell_limits();
    match whom {
        Some(whom) if wish.write => trial.write(&whom).await,
        None if wish.write => trial.tell(Step::skipped("write", "there is nobody to write to")),
        _ => trial.tell(Step::skipped("write", "nothing is changed unless you ask for it")),
    }
    trial.tried
}

impl Trial<'_> {
    fn tell(&mut self, step: Step) {
        self.tried.steps.push(step);
    }

    fn hear(&mut self, attempt: &Attempt) {
        if !attempt.limits.is_empty() {
            self.limits.clone_from(&attempt.limits);
        }
    }

    fn tell_limits(&mut self) {
        let step = if self.limits.is_empty() {
            Step::skipped("limits", "the answers say nothing of limits")
        } else {
            Step::ok("limits", self.limits.join(", "))
        };
        self.tell(step);
    }

    /// Asks for the contact, which shows whether the credentials are accepted.
    async fn look(&mut self, wish: &Wish) -> Option<Whom> {
        let finds = self.kind.capabilities().finds;
        if let Some((by, what)) = wish.contact.as_ref().and_then(|by| Some((by, finds.lacks(by)?))) {
            let told = format!("{by}: {} contacts can't be found by {what}; nothing was called", self.kind.name());
            self.tell(Step::failed("contact", told, "name somebody by what the list above says"));
            return None;
        }
        match &wish.contact {
            None => {
                let by = if finds.email { ContactRef::email(NOBODY.0) } else { ContactRef::phone(NOBODY.1) };
                self.find(&by?).await?;
                self.tell(Step::skipped("contact", "none is named"));
                None
            }
            Some(id @ ContactRef::Id(_)) if self.kind.capabilities().reads_tags => {
                let whom = Whom { id: id.clone(), by: None };
                let called = self.read(&whom).await;
                self.tell_of_credentials(&called)?;
                self.tell_of_contact(&whom, &called)
            }
            Some(id @ ContactRef::Id(_)) => {
                let by = ContactRef::phone(NOBODY.1)?;
                self.find(&by).await?;
                self.tell(Step::skipped(
                    "contact",
                    "this provider can't show a contact by its id; name a phone number",
                ));
                Some(Whom { id: id.clone(), by: None })
            }
            Some(by) => {
                let found = self.find(by).await?;
                let mend = "name somebody whom the account knows, by something that nobody else has";
                let Found::One(id) = found else {
                    let how_many = if found == Found::Nobody { "nobody is" } else { "several are" };
                    self.tell(Step::failed("contact", format!("{how_many} found by {by}"), mend));
                    return None;
                };
                let whom = Whom { id: ContactRef::Id(id), by: Some(by.clone()) };
                let called = self.read(&whom).await;
                self.tell_of_contact(&whom, &called)
            }
        }
    }

    /// Looks somebody up, page by page; `None` once a failure has been told.
    async fn find(&mut self, by: &ContactRef) -> Option<Found> {
        let mut so_far = Glance::default();
        loop {
            let asked = self.subject.find(by, &so_far, clock::now()).await;
            self.hear(&asked.attempt);
            match asked.answer {
                Ok(Found::Further(glance)) if glance.pages < MOST_PAGES => so_far = glance,
                Ok(found) => {
                    let outcome = Outcome::Done { tags: None };
                    self.tell_of_credentials(&Called { attempt: asked.attempt, outcome })?;
                    return Some(found);
                }
                Err(outcome) => {
                    let called = Called { attempt: asked.attempt, outcome };
                    self.tell_of_credentials(&called)?;
                    self.tell(Step::failed("contact", verdict(&called), mend(&called)));
                    return None;
                }
            }
        }
    }

    async fn read(&mut self, whom: &Whom) -> Called {
        let called = match (&whom.id, &whom.by) {
            (ContactRef::Id(id), Some(by)) if !self.kind.capabilities().reads_tags => {
                self.subject.read_found(by, id, clock::now()).await
            }
            (id, _) => self.subject.read_tags(id, clock::now()).await,
        };
        self.hear(&called.attempt);
        called
    }

    /// Whether the credentials are accepted, from the first call that was made; `None` when they aren't, or it can't be told.
    fn tell_of_credentials(&mut self, called: &Called) -> Option<()> {
        let accepted = match &called.outcome {
            Outcome::Refused { .. } | Outcome::Retry { .. } | Outcome::NotYet { .. } => false,
            // What is refused for another reason was looked at; what was never sent wasn't.
            Outcome::Done { .. } | Outcome::Unproven | Outcome::Dead { .. } | Outcome::Lost { .. } => {
                called.attempt.status.is_some()
            }
        };
        if accepted {
            self.tell(Step::ok(
                "credentials",
                format!("accepted by {} {}", called.attempt.method, called.attempt.path),
            ));
            return Some(());
        }
        self.tell(Step::failed("credentials", verdict(called), mend(called)));
        self.tell(Step::skipped("contact", "nobody can be asked for"));
        None
    }

    fn tell_of_contact(&mut self, whom: &Whom, called: &Called) -> Option<Whom> {
        let Whom { id, by } = whom;
        match &called.outcome {
            Outcome::Done { tags: Some(tags) } => {
                self.tell(Step::ok("contact", format!("{id} is there; {}", listed(tags))));
            }
            Outcome::Done { tags: None } | Outcome::Unproven => {
                self.tell(Step::ok("contact", format!("{id} is there; the answer lists no tags")));
            }
            _ => {
                self.tell(Step::failed("contact", verdict(called), mend(called)));
                return None;
            }
        }
        Some(Whom { id: id.clone(), by: by.clone() })
    }
}

fn listed(tags: &[TagName]) -> String {
    let names: Vec<&str> = tags.iter().map(TagName::as_str).collect();
    if names.is_empty() { "it has no tags".to_owned() } else { format!("its tags: {}", names.join(", ")) }
}

/// `GET /customers/7: lost: no such contact (404: Chat not found)`
fn verdict(called: &Called) -> String {
    format!("{} {}: {}", called.attempt.method, called.attempt.path, called.outcome.verdict())
}

/// What to do about a call that failed.
fn mend(called: &Called) -> &'static str {
    match (&called.outcome, called.attempt.status) {
        (Outcome::Refused { .. }, Some(300..=399)) => "check `base_url`",
        (Outcome::Refused { .. }, Some(_)) => "check the credential and what it may do, in the provider's settings",
        (Outcome::Refused { .. }, None) => "check `base_url`; addresses of your own network need `allow_private: true`",
        (Outcome::Lost { .. }, _) => "name somebody whom the account knows: the id is the provider's own",
        (Outcome::Dead { .. }, _) => "see what the provider says",
        (Outcome::Retry { in_doubt: false, .. }, None) => "check `base_url`, and whether this machine reaches it",
        _ => "run it again when the provider is well",
    }
}
