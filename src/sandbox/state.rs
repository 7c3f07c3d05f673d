//! All that a sandbox remembers, and how one call runs through it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::SandboxOptions;
use super::calls::CallLog;
use super::faults::{Act, Faults, Plan};
use super::place::Place;
use super::request::{Reply, Request};
use super::{b2chat, helpcrunch, respond_io, tic1980, webhook};
use crate::domain::time::Timestamp;

/// All that a sandbox remembers. It is gone with the sandbox.
#[derive(Debug)]
pub struct State {
    /// The account at HelpCrunch.
    pub helpcrunch: helpcrunch::Account,
    /// The account at B2Chat.
    pub b2chat: b2chat::Account,
    /// The channel at 1980TIC.
    pub tic1980: tic1980::Channel,
    /// The workspace at respond.io.
    pub respond_io: respond_io::Workspace,
    /// Addresses that take bodies.
    pub webhook: webhook::Hooks,
    /// The calls that came in.
    pub calls: CallLog,
    /// What goes wrong.
    pub faults: Faults,
}

const NO_CONTACTS: &str = "there are no contacts at this provider";

/// How a reply reaches the caller.
#[derive(Debug, PartialEq)]
pub enum Delivery {
    /// As it should.
    Whole(Reply),
    /// Its first half, then the connection is closed.
    Half(Reply),
    /// A byte at a time, in so long in all.
    Drip(Reply, std::time::Duration),
    /// Somebody else's page instead of it.
    Page,
    /// Not at all: the connection is closed.
    Closed,
}

/// What becomes of a call.
#[derive(Debug, PartialEq)]
pub struct Answered {
    /// How long the caller waits first.
    pub delay: std::time::Duration,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// Then this.
    pub delivery: Delivery,
}

/// A panic while the lock was held would be a bug in a test's server; what it left is still worth showing.
pub fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    /// Nothing has happened yet.
    pub fn new(options: SandboxOptions) -> Self {
        Self {
            b2chat: b2chat::Account::new(options.clone()),
            tic1980: tic1980::Channel::new(&options),
            respond_io: respond_io::Workspace::new(&options),
            webhook: webhook::Hooks::new(&options),
            helpcrunch: helpcrunch::Account::new(options),
            calls: CallLog::default(),
            faults: Faults::default(),
        }
    }

    /// Every contact at `place` with its tags, or the one with this id; `None` where there are no contacts.
    pub fn contacts(&self, place: Place, id: Option<&str>) -> Option<Vec<Value>> {
        match place {
            Place::HelpCrunch => Some(self.helpcrunch.contacts(id)),
            Place::B2chat => Some(self.b2chat.contacts(id)),
            Place::Tic1980 => Some(self.tic1980.people.contacts(id)),
            Place::RespondIo => Some(self.respond_io.people.contacts(id)),
            Place::Webhook => None,
        }
    }

    /// All there is about a contact.
    pub fn contact(&self, place: Place, id: &str) -> Option<Value> {
        match place {
            Place::HelpCrunch => self.helpcrunch.contact(id),
            Place::B2chat => self.b2chat.contact(id),
            Place::Tic1980 => self.tic1980.people.known(id).map(tic1980::contact),
            Place::RespondIo => self.respond_io.people.known(id).map(respond_io::contact),
            Place::Webhook => None,
        }
    }

    /// The names of a contact's tags.
    pub fn tags(&self, place: Place, id: &str) -> Option<Vec<String>> {
        match place {
            Place::HelpCrunch => self.helpcrunch.tags(id),
            Place::B2chat => self.b2chat.tags(id),
            Place::Tic1980 => self.tic1980.people.known(id).map(|person| person.tags.clone()),
            Place::RespondIo => self.respond_io.people.known(id).map(|person| person.tags.clone()),
            Place::Webhook => None,
        }
    }

    /// A hand edit: the contact has exactly these tags now.
    pub fn set_tags(&mut self, place: Place, id: &str, tags: &[String]) -> Result<Value, String> {
        match place {
            Place::HelpCrunch => self.helpcrunch.set_tags(id, tags),
            Place::B2chat => self.b2chat.set_tags(id, tags),
            Place::Tic1980 => self.tic1980.people.set_tags(id, tags).map(tic1980::contact),
            Place::RespondIo => {
                respond_io::number(id)?;
                self.respond_io.people.set_tags(id, tags).map(respond_io::contact)
            }
            Place::Webhook => Err(NO_CONTACTS.to_owned()),
        }
    }

    /// The contact is gone, and its id is nobody's from now on.
    pub fn lose(&mut self, place: Place, id: &str) -> Result<(), String> {
        match place {
            Place::HelpCrunch => self.helpcrunch.lose(id)?,
            Place::B2chat => self.b2chat.lose(id)?,
            Place::Tic1980 => self.tic1980.people.lose(id),
            Place::RespondIo => self.respond_io.people.lose(id),
            Place::Webhook => return Err(NO_CONTACTS.to_owned()),
        }
        Ok(())
    }

    /// Runs one call: the faults that are due, then the provider, then the log.
    pub fn call(&mut self, place: Place, request: &Request, now: Timestamp) -> Answered {
        let plan = self.faults.plan(request);
        let delivery = match &plan.act {
            None => Delivery::Whole(self.reply(place, request, &plan, now)),
            Some(Act::Truncate) => Delivery::Half(self.reply(place, request, &plan, now)),
            Some(Act::Drip) => Delivery::Drip(self.reply(place, request, &plan, now), plan.drip),
            Some(Act::Foreign) => Delivery::Page,
            Some(Act::Echo(status)) => Delivery::Whole(echo(request, *status)),
            Some(Act::Status(status)) => Delivery::Whole(failure(place, *status)),
            Some(Act::Close) => Delivery::Closed,
            Some(Act::GhostStatus(status)) => {
                self.reply(place, request, &plan, now);
                Delivery::Whole(failure(place, *status))
            }
            Some(Act::GhostClose) => {
                self.reply(place, request, &plan, now);
                Delivery::Closed
            }
        };
        let status = match &delivery {
            Delivery::Whole(reply) | Delivery::Half(reply) | Delivery::Drip(reply, _) => Some(reply.status),
            Delivery::Page => Some(200),
            Delivery::Closed => None,
        };
        self.calls.record(now, place.name(), request, status, plan.name);
        Answered { delay: plan.delay, retry_after: plan.retry_after, delivery }
    }

    fn reply(&mut self, place: Place, request: &Request, plan: &Plan, now: Timestamp) -> Reply {
        let reply = match place {
            Place::HelpCrunch => self.helpcrunch.answer(request, now),
            Place::B2chat => self.b2chat.answer(request, now),
            Place::Tic1980 => self.tic1980.answer(request, now),
            Place::RespondIo => self.respond_io.answer(request, now),
            Place::Webhook => self.webhook.answer(request, now),
        };
        match plan.shape {
            // The other forms are forms of its customers.
            Some(shape) if place == Place::HelpCrunch => helpcrunch::reshape(reply, request, shape),
            Some(shape) if place == Place::B2chat => b2chat::reshape(reply, shape),
            _ => reply,
        }
    }
}

/// What a provider says that quotes its callers: the credential, or where who knows the address may call, the address.
fn echo(request: &Request, status: u16) -> Reply {
    let credential = request.header("authorization").and_then(|text| text.split_once(' ')).map(|(_, proof)| proof);
    let quoted = credential.unwrap_or(&request.target);
    Reply::json(status, serde_json::json!({ "message": format!("you said <{quoted}>") }))
}

/// What a provider says that is told to fail with `status`.
fn failure(place: Place, status: u16) -> Reply {
    match place {
        Place::HelpCrunch => helpcrunch::failure(status),
        Place::B2chat => b2chat::failure(status),
        Place::Tic1980 => tic1980::failure(status),
        Place::RespondIo => respond_io::failure(status),
        Place::Webhook => webhook::failure(status),
    }
}
