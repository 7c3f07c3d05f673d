//! A provider without a network, for simulations in virtual time: what is called is handed to whoever simulates, who says what it
//! came to. Allowances, outcomes and all that stands above are the real ones.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use reqwest::Method;

use super::allowance::Pass;
use super::api::{Wish, blank};
use super::outcome::{Asked, Called, Found, Outcome};
use super::{Direction, NoAnswer};
use crate::domain::contact::ContactRef;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;

/// What is called for.
#[derive(Debug, Clone, PartialEq)]
pub enum Call {
    /// Tags are added or removed.
    ChangeTags(Direction, Vec<TagName>),
    /// Fields are set.
    SetFields(Vec<(String, OwnedJson)>),
    /// A body is sent on, under this id.
    Forward(String, OwnedJson),
    /// The contact's tags are read.
    ReadTags,
    /// Somebody is looked for.
    Find,
    /// Somebody is made.
    Create,
}

/// What a call came to; what isn't asked for is left out.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Of changes, bodies and reads.
    Outcome(Outcome),
    /// Of a search.
    Found(Found),
    /// Of a creation: the new id.
    Created(String),
}

/// Who answers.
pub type Answers = Arc<dyn Fn(ContactRef, Call, Timestamp) -> BoxFuture<'static, Answer> + Send + Sync>;

/// An account whose calls are answered by a function.
#[derive(Clone)]
pub struct Modelled {
    answers: Answers,
    pass: Option<Pass>,
}

impl fmt::Debug for Modelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Modelled").finish_non_exhaustive()
    }
}

impl Modelled {
    /// Calls are answered by this.
    pub fn new(answers: Answers) -> Self {
        Self { answers, pass: None }
    }

    /// From now on each call is counted as it starts.
    pub(super) fn count_with(&mut self, pass: &Pass) {
        self.pass = Some(pass.clone());
    }

    /// A call that changes something or reads tags.
    pub(super) async fn call(&self, contact: &ContactRef, call: Call, now: Timestamp) -> Called {
        let (mut attempt, answer) = self.ask(contact, call, now).await;
        let outcome = match answer {
            Ok(Answer::Outcome(outcome)) | Err(outcome) => outcome,
            Ok(_) => Outcome::Dead { reason: "the model answers something else".to_owned() },
        };
        attempt.status = status(&outcome);
        Called { attempt, outcome }.told()
    }

    /// A search.
    pub(super) async fn find(&self, contact: &ContactRef, now: Timestamp) -> Asked<Found> {
        let (attempt, answer) = self.ask(contact, Call::Find, now).await;
        let answer = match answer {
            Ok(Answer::Found(found)) => Ok(found),
            other => Err(failed(other)),
        };
        Asked { attempt, answer }
    }

    /// A creation.
    pub(super) async fn make(&self, contact: &ContactRef, now: Timestamp) -> Asked<String> {
        let (attempt, answer) = self.ask(contact, Call::Create, now).await;
        let answer = match answer {
            Ok(Answer::Created(id)) => Ok(id),
            other => Err(failed(other)),
        };
        Asked { attempt, answer }
    }

    async fn ask(
        &self,
        contact: &ContactRef,
        call: Call,
        now: Timestamp,
    ) -> (crate::domain::attempt::Attempt, Result<Answer, Outcome>) {
        let wish = Wish { method: Method::POST, path: format!("/{contact}"), body: None };
        let mut attempt = blank(&wish, now);
        if let Some(pass) = &self.pass {
            match pass.start().await {
                Ok(at) => attempt.at = at,
                Err(until) => return (attempt, Err(super::api::unanswered(NoAnswer::NotYet(until)))),
            }
        }
        let at = attempt.at;
        (attempt, Ok((self.answers)(contact.clone(), call, at).await))
    }
}

fn failed(answer: Result<Answer, Outcome>) -> Outcome {
    match answer {
        Ok(Answer::Outcome(outcome)) | Err(outcome) => outcome,
        Ok(_) => Outcome::Dead { reason: "the model answers something else".to_owned() },
    }
}

/// What a server would have said, as far as anything hangs on it.
fn status(outcome: &Outcome) -> Option<u16> {
    match outcome {
        Outcome::Done { .. } | Outcome::Unproven => Some(200),
        Outcome::Dead { .. } => Some(400),
        Outcome::Lost { .. } => Some(404),
        Outcome::Refused { .. } => Some(401),
        Outcome::Retry { .. } | Outcome::NotYet { .. } => None,
    }
}
