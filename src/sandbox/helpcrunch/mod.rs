//! HelpCrunch's REST API v1 as docs.helpcrunch.com documents it. Where the pages are silent the sandbox is strict, so that
//! a client's mistake shows: an unknown field or a body that isn't declared as JSON is a 400.

mod customer;
mod errors;
mod search;
mod shape;
mod tags;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::gate::{Barred, Gate};
use super::request::{Reply, Request};
use super::{SandboxOptions, Unknown};
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;
use customer::Customer;
use errors::Wrong;

pub use errors::failure;
pub use shape::reshape;

/// Its name in rule files.
pub const NAME: &str = "helpcrunch";
/// Where its API is.
pub const BASE: &str = "/helpcrunch/v1";
/// "The default overall requests limit is 120 per minute": docs.helpcrunch.com/rest-api-v1/api-setup-v1.
const DOCUMENTED: Rate = Rate::per_minute(120);

/// An account: its customers, the colours of its tags, the calls of the last minute.
#[derive(Debug)]
pub struct Account {
    options: SandboxOptions,
    customers: BTreeMap<u64, Customer>,
    colours: BTreeMap<String, String>,
    /// Who is gone for good, whatever becomes of the others on first use.
    lost: BTreeSet<u64>,
    gate: Gate,
    next_id: u64,
}

impl Account {
    /// An account without customers.
    pub fn new(options: SandboxOptions) -> Self {
        let (customers, colours) = (BTreeMap::new(), BTreeMap::new());
        let gate = Gate::new(&options, DOCUMENTED);
        Self { options, customers, colours, lost: BTreeSet::new(), gate, next_id: 1 }
    }

    /// Answers one call.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.routed(request, now).unwrap_or_else(Wrong::reply)
    }

    /// Every address there is, in the order of the vendor's pages.
    fn routed(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        self.gate.admit(request, "", now).map_err(|barred| match barred {
            Barred::Stranger => Wrong::unauthorized(),
            Barred::TooMany { .. } => Wrong::too_many(),
        })?;
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["customers"]) => self.list(request),
            ("POST", ["customers"]) => self.create(request, now),
            ("POST", ["customers", "search"]) => self.search(request),
            ("GET", ["customers", id]) => Ok(Reply::json(200, self.customer(id, now)?.to_json())),
            ("PATCH" | "PUT", ["customers", id]) => self.update(id, request, now),
            ("PUT" | "DELETE", ["customers", id, "tags"]) => self.change_tags(id, request, now),
            (_, ["customers"] | ["customers", _] | ["customers", _, "tags"]) => Err(Wrong::method()),
            _ => Err(Wrong::not_found("Not found")),
        }
    }

    /// The customer of a path, which comes to be where the sandbox isn't strict.
    fn customer(&mut self, id: &str, now: Timestamp) -> Result<&mut Customer, Wrong> {
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Wrong::field("customer", "This value should be of type numeric."));
        }
        // The page's own words, for customers too.
        let lost = || Wrong::not_found("Chat not found");
        let id: u64 = id.parse().map_err(|_| lost())?;
        let is_new = !self.customers.contains_key(&id);
        if self.lost.contains(&id) || is_new && self.options.unknown == Unknown::NotFound {
            return Err(lost());
        }
        if is_new {
            self.insert(Customer::new(id, now))?;
        }
        self.customers.get_mut(&id).ok_or_else(lost)
    }

    fn insert(&mut self, customer: Customer) -> Result<(), Wrong> {
        if self.customers.len() >= self.options.most_contacts {
            return Err(Wrong::full());
        }
        self.next_id = self.next_id.max(customer.id().saturating_add(1));
        self.customers.insert(customer.id(), customer);
        Ok(())
    }

    fn create(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let fields = errors::mapping(request)?;
        let mut customer = Customer::new(self.next_id, now);
        let tags = customer.write(&fields)?;
        if let Some(tags) = tags {
            self.dye(&tags);
            customer.tag(&tags, &self.colours);
        }
        let answer = customer.to_json();
        self.insert(customer)?;
        Ok(Reply::json(201, answer))
    }

    /// `PATCH` writes the given fields; `PUT` sets the others to null.
    fn update(&mut self, id: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let fields = errors::mapping(request)?;
        let mut changed = self.customer(id, now)?.clone();
        if request.method == "PUT" {
            changed.clear();
        }
        let tags = changed.write(&fields)?;
        if let Some(tags) = tags {
            self.dye(&tags);
            changed.untag_all();
            changed.tag(&tags, &self.colours);
        }
        let answer = changed.to_json();
        *self.customer(id, now)? = changed;
        Ok(Reply::json(200, answer))
    }

    fn change_tags(&mut self, id: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        // Judged before the body, as the page's example of a 400 has it.
        self.customer(id, now)?;
        let wanted = tags::wanted(&errors::mapping(request)?)?;
        if request.method == "PUT" {
            self.dye(&wanted);
        }
        let colours = self.colours.clone();
        let customer = self.customer(id, now)?;
        match request.method.as_str() {
            "PUT" => customer.tag(&wanted, &colours),
            _ => customer.untag(&wanted),
        }
        Ok(Reply::json(200, customer.to_json()))
    }

    /// An unknown tag is created in the account, in the colour it came with or the vendor's own.
    fn dye(&mut self, tags: &[tags::Wanted]) {
        for tag in tags {
            let colour = tag.color.as_deref().unwrap_or(tags::DEFAULT_COLOUR);
            self.colours.entry(tag.name.clone()).or_insert_with(|| colour.to_owned());
        }
    }

    fn list(&self, request: &Request) -> Result<Reply, Wrong> {
        let query: serde_json::Map<String, Value> = request.query.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        let page = search::Page::read(&query)?;
        Ok(page.of(self.customers.values().collect()))
    }

    fn search(&self, request: &Request) -> Result<Reply, Wrong> {
        let search = search::Search::read(&errors::mapping(request)?)?;
        Ok(search.page.of(self.customers.values().filter(|c| search.finds(c)).collect()))
    }

    /// Every contact with its tags, or the one with this id.
    pub fn contacts(&self, id: Option<&str>) -> Vec<Value> {
        let shown = self.customers.values().filter(|c| id.is_none_or(|id| c.id().to_string() == id));
        shown.map(|c| json!({ "id": c.id().to_string(), "tags": c.tag_names() })).collect()
    }

    /// All there is about a contact.
    pub fn contact(&self, id: &str) -> Option<Value> {
        self.customers.get(&id.parse().ok()?).map(Customer::to_json)
    }

    /// The names of a contact's tags.
    pub fn tags(&self, id: &str) -> Option<Vec<String>> {
        self.customers.get(&id.parse().ok()?).map(Customer::tag_names)
    }

    /// The contact is gone, and its id is nobody's from now on.
    pub fn lose(&mut self, id: &str) -> Result<(), String> {
        let id: u64 = id.parse().map_err(|_| format!("{id:?} is not a number, as HelpCrunch's ids are"))?;
        self.customers.remove(&id);
        self.lost.insert(id);
        Ok(())
    }

    /// A hand edit: the contact has exactly these tags now.
    pub fn set_tags(&mut self, id: &str, names: &[String]) -> Result<Value, String> {
        let id: u64 = id.parse().map_err(|_| format!("{id:?} is not a number, as HelpCrunch's ids are"))?;
        let wanted = tags::named(names);
        self.dye(&wanted);
        self.lost.remove(&id);
        if !self.customers.contains_key(&id) {
            self.insert(Customer::new(id, crate::clock::now())).map_err(|_| "too many contacts".to_owned())?;
        }
        let customer = self.customers.get_mut(&id).ok_or("no such contact")?;
        customer.untag_all();
        customer.tag(&wanted, &self.colours);
        Ok(customer.to_json())
    }
}

#[cfg(test)]
mod tests;
