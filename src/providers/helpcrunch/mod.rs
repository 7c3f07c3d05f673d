//! HelpCrunch, REST API v1 (docs.helpcrunch.com/rest-api-v1).

mod customer;
mod search;

use reqwest::Method;
use serde_json::{Value, json};

pub use customer::Customer;
pub use search::{Filter, Search};

use super::Direction;
use super::api::{self, Api, Wish, not_an_id, segment};
use super::connect::{ConnectError, Ready, ready};
use super::judge::{Row, Ruling, row};
use super::outbound::Extent;
use super::outcome::{Asked, Called, Found, Outcome};
use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::contact::ContactRef;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::vault::{LiveSecret, Vault};

/// What HelpCrunch's statuses mean. Codes and messages differ between copies of its pages (a lost customer is "Chat not
/// found"), so the status alone decides. Of 400 the setup page says: "DO NOT repeat such requests without modifications".
/// The pages name 200, 400, 401, 404 and 429; the other rows are what HTTP says of them.
const TABLE: [Row; 12] = [
    row(200, 299, Ruling::Done, "done"),
    // Redirects aren't followed: the call would lose its body, or carry the key to another host.
    row(300, 399, Ruling::Refused, "the address redirects elsewhere: is base_url right?"),
    row(401, 401, Ruling::Refused, "the API key is refused"),
    // Undocumented; it would speak of the account, not of the change.
    row(402, 402, Ruling::Refused, "the account must be paid"),
    row(403, 403, Ruling::Refused, "the API key may not do this"),
    row(404, 404, Ruling::Lost, "no such contact"),
    // A time-out may be that of a proxy which had passed the call on already.
    row(408, 408, Ruling::InDoubt, "the provider gave up waiting"),
    row(425, 425, Ruling::Later, "too early"),
    row(429, 429, Ruling::Throttled, "too many requests"),
    row(400, 499, Ruling::Dead, "the request is wrong and isn't repeated as it is"),
    row(500, 599, Ruling::InDoubt, "the provider failed"),
    row(0, u16::MAX, Ruling::InDoubt, "a status that HTTP doesn't know"),
];

/// The fields of a customer that the API sets by their own name (docs.helpcrunch.com/rest-api-v1/update-customer-v1).
const STANDARD: [&str; 14] = [
    "name",
    "email",
    "userId",
    "company",
    "phone",
    "location",
    "unsubscribed",
    "blocked",
    "source",
    "referer",
    "lastPage",
    "locale",
    "integrationId",
    "notes",
];

/// An account at HelpCrunch.
#[derive(Debug, Clone)]
pub struct HelpCrunch {
    api: Api,
    key: LiveSecret,
}

impl HelpCrunch {
    /// Resolves the API key and readies the client; nothing is called yet.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let Ready { outbound, base_url, credentials: [key] } = ready(config, vault)?;
        Ok(Self { api: Api { outbound, base_url, table: &TABLE }, key })
    }

    /// Its way out.
    pub(super) fn api_mut(&mut self) -> &mut Api {
        &mut self.api
    }

    /// `PUT` or `DELETE /customers/{id}/tags` with `{"tags":[{"name":"Lead"}]}`. A new tag gets the vendor's colour.
    pub async fn change_tags(
        &self,
        contact: &ContactRef,
        direction: Direction,
        tags: &[TagName],
        now: Timestamp,
    ) -> Called {
        let method = match direction {
            Direction::Add => Method::PUT,
            Direction::Remove => Method::DELETE,
        };
        let names: Vec<Value> = tags.iter().map(|tag| json!({ "name": tag.as_str() })).collect();
        let called = self.tags_call(method, contact, "/tags", Some(json!({ "tags": names })), now).await;
        disbelieve(called, direction, tags)
    }

    /// `GET /customers/{id}`.
    pub async fn read_tags(&self, contact: &ContactRef, now: Timestamp) -> Called {
        self.tags_call(Method::GET, contact, "", None, now).await
    }

    /// `POST /customers/search`: the customers that match.
    pub async fn search(&self, search: &Search, now: Timestamp) -> Asked<Vec<Customer>> {
        let wish = Wish { method: Method::POST, path: "/customers/search".to_owned(), body: Some(search.body()) };
        self.ask(wish, customer::read_list, now).await
    }

    /// `POST /customers` with standard fields and customData as the page has them: the new customer.
    /// Unlike a tag, a creation can't be repeated blindly: after one in doubt, search first.
    pub async fn create(&self, fields: &Value, now: Timestamp) -> Asked<Customer> {
        let wish = Wish { method: Method::POST, path: "/customers".to_owned(), body: Some(fields.clone()) };
        self.ask(wish, customer::read_one, now).await
    }

    /// `PATCH /customers/{id}`: only the given fields change. `PUT` would set the others to null, so it is never used.
    pub async fn update(&self, contact: &ContactRef, fields: &Value, now: Timestamp) -> Called {
        self.tags_call(Method::PATCH, contact, "", Some(fields.clone()), now).await
    }

    /// The customer of an address, a number or another field that can be searched.
    pub async fn find(&self, contact: &ContactRef, now: Timestamp) -> Asked<Found> {
        let filter = |field: &str, value: &str| Filter { field: field.to_owned(), value: Value::from(value) };
        let filters = match contact {
            ContactRef::Email(address) => vec![filter("email", address)],
            ContactRef::Phone(number) => vec![filter("phone", number)],
            ContactRef::Field { name, value } => vec![filter(name, value)],
            ContactRef::Id(_) | ContactRef::Stream { .. } => {
                // A search without a filter would find anybody.
                return api::not_asked(Method::POST, "/customers/search", "nobody is looked up by this", now);
            }
        };
        // Two are enough to see that somebody isn't the only one.
        let Asked { attempt, answer } = self.search(&Search { filters, limit: 2 }, now).await;
        Asked { attempt, answer: answer.map(|found| Found::of(found.into_iter().map(|customer| customer.id))) }
    }

    /// A new customer that is found by `contact` from then on: its id. Messengers' ids can be searched and not written.
    pub async fn make(&self, contact: &ContactRef, now: Timestamp) -> Asked<String> {
        let makes_with = ProviderKind::Helpcrunch.capabilities().makes_with;
        if let ContactRef::Field { name, .. } = contact
            && !makes_with.has(name)
        {
            let why = format!("no customer can be made with the field {name}");
            return api::not_asked(Method::POST, "/customers", &why, now);
        }
        let fields = match contact {
            ContactRef::Email(address) => json!({ "email": address }),
            ContactRef::Phone(number) => json!({ "phone": number }),
            ContactRef::Field { name, value } => json!({ name: value }),
            ContactRef::Id(_) | ContactRef::Stream { .. } => json!({}),
        };
        let Asked { attempt, answer } = self.create(&fields, now).await;
        Asked { attempt, answer: answer.map(|customer| customer.id) }
    }

    /// Sets fields by `PATCH`: standard ones as they are, any other as customData, in the form that requests have.
    pub async fn set_fields(&self, contact: &ContactRef, fields: &[(&str, &OwnedJson)], now: Timestamp) -> Called {
        let body = api::fields(fields, &STANDARD, "customData", "property");
        self.update(contact, &body, now).await
    }

    /// A call about one customer, whose answer may list the customer's tags.
    async fn tags_call(
        &self,
        method: Method,
        contact: &ContactRef,
        below: &str,
        body: Option<Value>,
        now: Timestamp,
    ) -> Called {
        let id = match contact {
            ContactRef::Id(id) => segment(id),
            _ => None,
        };
        let Some(segment) = id else {
            let wish = Wish { method, path: format!("/customers/{contact}{below}"), body };
            return not_an_id(&wish, now);
        };
        let wish = Wish { method, path: format!("/customers/{segment}{below}"), body };
        self.ask(wish, customer::read_tags, now).await.called()
    }

    async fn ask<T>(&self, wish: Wish, read: fn(&[u8], &Extent) -> Result<T, String>, now: Timestamp) -> Asked<T> {
        self.api.call(wish, &self.key.current(), now).await.read(read)
    }
}

/// A list that contradicts the very change it answers was made before the change, and would make a later change seem
/// needless; the change itself has been acknowledged.
fn disbelieve(mut called: Called, direction: Direction, tags: &[TagName]) -> Called {
    let Outcome::Done { tags: Some(listed) } = &called.outcome else { return called };
    let agrees = tags.iter().all(|tag| listed.contains(tag) == (direction == Direction::Add));
    if !agrees {
        called.outcome = Outcome::Done { tags: None };
        called.attempt.verdict.push_str("; they contradict it and aren't believed");
    }
    called
}
