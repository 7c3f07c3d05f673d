//! B2Chat's platform API as b2chat.gitbook.io documents it; removing tags and updating contacts as integrators' code has it.
//! Where both are silent the sandbox is strict, so that a client's mistake shows: an unknown key, a body that isn't declared
//! as JSON or a tag call without `tag_actions` is a 400, and importing a number twice makes two contacts.

mod contact;
mod errors;
mod export;
mod tags;
mod token;

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use super::gate::Gate;
use super::request::{Reply, Request};
use super::{Limit, SandboxOptions, Unknown};
use crate::domain::time::Timestamp;
use contact::Contact;
use errors::Wrong;
use export::Export;
use tags::{AccountTags, Action, Standing};
use token::Tokens;

pub use errors::{failure, reshape};

/// Its name in rule files.
pub const NAME: &str = "b2chat";
/// Where its API is.
pub const BASE: &str = "/b2chat";

/// An account: its contacts, its tags, its tokens, the calls of the last window.
#[derive(Debug)]
pub struct Account {
    options: SandboxOptions,
    contacts: BTreeMap<u64, Contact>,
    tags: AccountTags,
    tokens: Tokens,
    /// Who is gone for good, whatever becomes of the others on first use.
    lost: BTreeSet<u64>,
    gate: Gate,
    next_id: u64,
}

/// What a person or a test changes about the account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// How long a new token lives, in seconds.
    token_seconds: Option<u64>,
    /// Whether the tokens that were given out end now.
    #[serde(default)]
    end_tokens: bool,
    /// Tags of the account and their state, beside those that it has.
    #[serde(default)]
    tags: AccountTags,
}

impl Account {
    /// An account without contacts. No limit is documented, so there is none unless the options set one.
    pub fn new(options: SandboxOptions) -> Self {
        let (contacts, tags) = (BTreeMap::new(), AccountTags::new());
        let gate = Gate::new(&options, crate::domain::duration::Rate::per_minute(u32::MAX));
        Self { options, contacts, tags, tokens: Tokens::default(), lost: BTreeSet::new(), gate, next_id: 1 }
    }

    /// Answers one call.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.routed(request, now).unwrap_or_else(Wrong::reply)
    }

    /// Every address there is.
    fn routed(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        // Whatever is asked for, and whatever comes of it, is a call.
        if let Limit::At(_) = self.options.limit {
            self.gate.count("account", now).map_err(|_| Wrong::too_many())?;
        }
        if (request.method.as_str(), segments.as_slice()) == ("POST", &["oauth", "token"]) {
            return self.tokens.answer(request, &self.options.access, now);
        }
        let bearer = request.header("authorization").and_then(|a| a.strip_prefix("Bearer ")).unwrap_or_default();
        if !self.tokens.admits(bearer, &self.options.access, now) {
            return Err(Wrong::token());
        }
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["contacts", "export"]) => self.export(request),
            ("POST", ["contacts", "import"]) => self.import(request, now),
            ("PATCH", ["contacts", id]) => self.update(id, request, now),
            ("POST", ["contacts", id, "tags"]) => self.tag(id, request, now),
            ("DELETE", ["contacts", id, "tags"]) => self.untag(id, request, now),
            _ => Err(Wrong::not_found("Not found")),
        }
    }

    fn export(&self, request: &Request) -> Result<Reply, Wrong> {
        let export = Export::read(request)?;
        let (page, total) = export.of(self.contacts.values());
        let contacts: Vec<_> = page.iter().map(|c| c.to_json(export.with_tags, export.with_custom)).collect();
        let answer = json!({ "exported": contacts.len(), "contacts": contacts, "total": total, "trace_id": "sandbox", "message": null });
        Ok(Reply::json(200, answer))
    }

    /// What an import answers is documented nowhere: here the new number, and a faults' `shape: empty` leaves even that out.
    fn import(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let mut contact = Contact::new(self.next_id, now);
        contact.write(given(request)?, "fullname")?;
        if contact.text("fullname").is_none_or(str::is_empty) || contact.text("mobile").is_none() {
            return Err(Wrong::body("fullname and mobile are required"));
        }
        let id = contact.id;
        self.insert(contact)?;
        Ok(Reply::json(200, json!({ "contact_id": id, "trace_id": "sandbox" })))
    }

    fn update(&mut self, id: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let fields = given(request)?;
        self.contact_of(id, now)?.write(fields, "fullName")?;
        Ok(Reply::empty(200))
    }

    fn tag(&mut self, id: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let (action, names) = (Action::read(request)?, tags::names(request)?);
        self.contact_of(id, now)?;
        let resolved = action.resolve(names, &mut self.tags);
        self.contact_of(id, now)?.tag(&resolved, now);
        Ok(Reply::empty(200))
    }

    fn untag(&mut self, id: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        if !request.query.is_empty() {
            return Err(Wrong::body("removing tags takes no query"));
        }
        let names = tags::names(request)?;
        self.contact_of(id, now)?.untag(&names);
        Ok(Reply::empty(200))
    }

    /// The contact of a path, which comes to be where the sandbox isn't strict.
    fn contact_of(&mut self, id: &str, now: Timestamp) -> Result<&mut Contact, Wrong> {
        let lost = || Wrong::not_found("Contact not found");
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Wrong::body("contact_id must be a number"));
        }
        let id: u64 = id.parse().map_err(|_| lost())?;
        if !self.contacts.contains_key(&id) {
            if self.options.unknown == Unknown::NotFound || self.lost.contains(&id) {
                return Err(lost());
            }
            self.insert(Contact::new(id, now))?;
        }
        self.contacts.get_mut(&id).ok_or_else(lost)
    }

    fn insert(&mut self, contact: Contact) -> Result<(), Wrong> {
        if self.contacts.len() >= self.options.most_contacts {
            return Err(Wrong::full());
        }
        self.next_id = self.next_id.max(contact.id.saturating_add(1));
        self.contacts.insert(contact.id, contact);
        Ok(())
    }

    /// Every contact with its tags, or the one with this id.
    pub fn contacts(&self, id: Option<&str>) -> Vec<Value> {
        let shown = self.contacts.values().filter(|c| id.is_none_or(|id| c.id.to_string() == id));
        shown.map(|c| json!({ "id": c.id.to_string(), "tags": c.tag_names() })).collect()
    }

    /// All there is about a contact.
    pub fn contact(&self, id: &str) -> Option<Value> {
        Some(self.contacts.get(&id.parse().ok()?)?.to_json(true, true))
    }

    /// The names of a contact's tags.
    pub fn tags(&self, id: &str) -> Option<Vec<String>> {
        self.contacts.get(&id.parse().ok()?).map(Contact::tag_names)
    }

    /// A hand edit: the contact has exactly these tags now, each of which the account knows as active.
    pub fn set_tags(&mut self, id: &str, names: &[String]) -> Result<Value, String> {
        let now = crate::clock::now();
        let id: u64 = id.parse().map_err(|_| format!("{id:?} is not a number, as B2Chat's ids are"))?;
        if !self.contacts.contains_key(&id) {
            self.insert(Contact::new(id, now)).map_err(|_| "too many contacts".to_owned())?;
        }
        for name in names {
            self.tags.entry(name.clone()).or_insert(Standing::Active);
        }
        let contact = self.contacts.get_mut(&id).ok_or("no such contact")?;
        contact.untag(&contact.tag_names());
        contact.tag(names, now);
        Ok(contact.to_json(true, true))
    }

    /// The contact is gone, and its id is nobody's from now on.
    pub fn lose(&mut self, id: &str) -> Result<(), String> {
        let id: u64 = id.parse().map_err(|_| format!("{id:?} is not a number, as B2Chat's ids are"))?;
        self.contacts.remove(&id);
        self.lost.insert(id);
        Ok(())
    }

    /// The account's tags and what there is to see of its tokens.
    pub fn shown(&self, now: Timestamp) -> Value {
        json!({ "tags": self.tags, "tokens": self.tokens.shown(now) })
    }

    /// A hand edit of the account itself.
    pub fn edit(&mut self, edit: Edit, now: Timestamp) -> Value {
        if let Some(seconds) = edit.token_seconds {
            self.tokens.lives = seconds;
        }
        if edit.end_tokens {
            self.tokens.end(now);
        }
        self.tags.extend(edit.tags);
        self.shown(now)
    }
}

/// The fields of `{"skip_required_custom_attributes":true,"contact":{..}}`.
fn given(request: &Request) -> Result<serde_json::Map<String, Value>, Wrong> {
    match errors::mapping(request, &["skip_required_custom_attributes", "contact"])?.remove("contact") {
        Some(Value::Object(fields)) => Ok(fields),
        _ => Err(Wrong::body("contact must be an object")),
    }
}

#[cfg(test)]
mod tests;
