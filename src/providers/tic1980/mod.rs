//! 1980TIC: respond.io's Contacts API v1, as its white labels have it. Source: the vendor's page "API de contactos", whose six
//! requests these are, to the letter.

mod answer;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use serde_json::{Value, json};

use super::Direction;
use super::api::{Api, Wish, escaped, not_an_id, not_asked, segment};
use super::connect::{ConnectError, Ready, ready};
use super::judge::{Row, Ruling, row, saying};
use super::outbound::Extent;
use super::outcome::{Asked, Called, Found, Glance, Outcome};
use super::reading::ReadTags;
use crate::domain::connection::ConnectionConfig;
use crate::domain::contact::ContactRef;
use crate::domain::json::{JsonKind, OwnedJson};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::vault::{LiveSecret, Vault};
use answer::Page;

/// How a contact is reported missing. No wording is documented: these are the phrases that a free message would have.
const NO_CONTACT: &[&str] = &[
    "contact not found",
    "contact does not exist",
    "contact doesn't exist",
    "contact is not found",
    "no contact found",
];

/// What the statuses mean. The page names 200, 401, 403, 405 and 429; the other rows are what HTTP says of them. Its 403 is
/// "General" with a free message: it says nothing about the token, so it never makes the connection ill.
const TABLE: [Row; 14] = [
    row(200, 299, Ruling::Done, "done"),
    // Redirects aren't followed: the call would lose its body, or carry the token to another host.
    row(300, 399, Ruling::Refused, "the address redirects elsewhere: is base_url right?"),
    row(401, 401, Ruling::Refused, "the channel token is refused"),
    // Undocumented; it would speak of the account, not of the change.
    row(402, 402, Ruling::Refused, "the account must be paid"),
    saying(403, NO_CONTACT, Ruling::Lost, "no such contact"),
    row(403, 403, Ruling::Dead, "the platform refuses the change"),
    row(404, 404, Ruling::Lost, "no such contact"),
    row(405, 405, Ruling::Dead, "the platform knows no such call"),
    // A time-out may be that of a proxy which had passed the call on already.
    row(408, 408, Ruling::InDoubt, "the provider gave up waiting"),
    row(425, 425, Ruling::Later, "too early"),
    row(429, 429, Ruling::Throttled, "too many requests"),
    row(400, 499, Ruling::Dead, "the request is wrong and isn't repeated as it is"),
    row(500, 599, Ruling::InDoubt, "the provider failed"),
    row(0, u16::MAX, Ruling::InDoubt, "a status that HTTP doesn't know"),
];

/// A search that lists so much before a second person shows isn't worth more calls.
const MOST_PAGES: u32 = 20;

/// How the ids of contacts stand in paths.
#[derive(Debug, Clone, Copy)]
enum Ids {
    Plain,
    /// Viber: "la ID de contacto debe proporcionarse en un formato codificado en Base64". The page doesn't say which alphabet;
    /// this is the standard one, with padding, escaped for the path.
    Base64,
}

/// A channel at 1980TIC, or at another white label of the same product.
#[derive(Debug, Clone)]
pub struct Tic1980 {
    api: Api,
    token: LiveSecret,
    ids: Ids,
}

impl Tic1980 {
    /// Resolves the channel's token and readies the client; nothing is called yet.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let Ready { outbound, base_url, credentials: [token] } = ready(config, vault)?;
        let ids = if config.channel.as_deref() == Some("viber") { Ids::Base64 } else { Ids::Plain };
        Ok(Self { api: Api { outbound, base_url, table: &TABLE }, token, ids })
    }

    /// Its way out.
    pub(super) fn api_mut(&mut self) -> &mut Api {
        &mut self.api
    }

    /// `POST` or `DELETE /contact/{id}/tags` with `{"tags":["Lead"]}`. The answer lists no tags.
    pub async fn change_tags(
        &self,
        contact: &ContactRef,
        direction: Direction,
        tags: &[TagName],
        now: Timestamp,
    ) -> Called {
        let method = match direction {
            Direction::Add => Method::POST,
            Direction::Remove => Method::DELETE,
        };
        let names: Vec<&str> = tags.iter().map(TagName::as_str).collect();
        self.about(method, contact, "/tags", Some(json!({ "tags": names })), answer::read_done, now).await
    }

    /// `GET /contact/{id}`.
    pub async fn read_tags(&self, contact: &ContactRef, now: Timestamp) -> Called {
        self.about(Method::GET, contact, "", None, answer::read_tags, now).await
    }

    /// `PUT /contact/{id}` with `{"custom_fields":[{"name","value"}]}`.
    pub async fn set_fields(&self, contact: &ContactRef, fields: &[(&str, &OwnedJson)], now: Timestamp) -> Called {
        let fields: Vec<Value> = fields.iter().map(|(name, value)| field(name, &written(value))).collect();
        self.about(Method::PUT, contact, "", Some(json!({ "custom_fields": fields })), answer::read_done, now).await
    }

    /// `GET /contact/by_custom_field?name=..&value=..`, a page at a time; an e-mail address and a phone number are the custom
    /// fields `email` and `phone`. Each contact listed is held against the value: the page's own example lists one with
    /// another value than was asked for.
    pub async fn find(&self, contact: &ContactRef, so_far: &Glance, now: Timestamp) -> Asked<Found> {
        let Some((name, value)) = searched(contact) else {
            return not_asked(Method::GET, "/contact/by_custom_field", "this can't be looked up", now);
        };
        // The next page's own address may name another host, so only its number is taken.
        let page = if so_far.pages == 0 { String::new() } else { format!("&page={}", so_far.pages + 1) };
        let path = format!("/contact/by_custom_field?name={}&value={}{page}", escaped(name), escaped(&value));
        let wish = Wish { method: Method::GET, path, body: None };
        let Asked { attempt, answer } = self.ask(wish, |body, extent| answer::read_page(body, extent, name), now).await;
        let answer = match answer {
            Ok(page) => seen(contact, page, so_far),
            // The documented answer is an empty list; the catch-all may say the same.
            Err(Outcome::Lost { .. }) if attempt.status == Some(403) => Ok(Found::Nobody),
            Err(outcome) => Err(outcome),
        };
        Asked { attempt, answer }
    }

    /// `POST /contact/`: a new contact that is found by `contact` from then on; its id.
    pub async fn make(&self, contact: &ContactRef, now: Timestamp) -> Asked<String> {
        let fields: Vec<Value> = searched(contact).iter().map(|(name, value)| field(name, &json!(value))).collect();
        let body = Some(json!({ "custom_fields": fields }));
        let wish = Wish { method: Method::POST, path: "/contact/".to_owned(), body };
        self.ask(wish, answer::read_id, now).await
    }

    /// A call about one contact.
    async fn about(
        &self,
        method: Method,
        contact: &ContactRef,
        below: &str,
        body: Option<Value>,
        read: ReadTags,
        now: Timestamp,
    ) -> Called {
        let Some(segment) = self.segment(contact) else {
            return not_an_id(&Wish { method, path: format!("/contact/{contact}{below}"), body }, now);
        };
        let wish = Wish { method, path: format!("/contact/{segment}{below}"), body };
        self.ask(wish, read, now).await.called()
    }

    fn segment(&self, contact: &ContactRef) -> Option<String> {
        let ContactRef::Id(id) = contact else { return None };
        match self.ids {
            Ids::Plain => segment(id),
            Ids::Base64 => segment(&STANDARD.encode(id)),
        }
    }

    async fn ask<T>(
        &self,
        wish: Wish,
        read: impl FnOnce(&[u8], &Extent) -> Result<T, String>,
        now: Timestamp,
    ) -> Asked<T> {
        // The page shows it for its GET requests too.
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        self.api.call_with(wish, headers, &self.token.current(), now).await.read(read)
    }
}

fn field(name: &str, value: &Value) -> Value {
    json!({ "name": name, "value": value })
}

/// All values that the page shows are texts; of truth values a white label's copy says that they are `TRUE` and `FALSE`.
fn written(value: &OwnedJson) -> Value {
    match value.json().kind() {
        JsonKind::Number => Value::from(value.json().text()),
        JsonKind::Bool => Value::from(value.json().text().to_uppercase()),
        _ => value.to_value(),
    }
}

/// The custom field that is searched, and for what.
fn searched(contact: &ContactRef) -> Option<(&str, String)> {
    match contact {
        ContactRef::Email(address) => Some(("email", address.clone())),
        ContactRef::Phone(number) => Some(("phone", number.clone())),
        ContactRef::Field { name, value } if is_truth(value) => Some((name, value.to_uppercase())),
        ContactRef::Field { name, value } => Some((name, value.clone())),
        ContactRef::Id(_) | ContactRef::Stream { .. } => None,
    }
}

fn is_truth(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

/// Who is found, as far as this page and those before it show.
fn seen(contact: &ContactRef, page: Page, so_far: &Glance) -> Result<Found, Outcome> {
    let meant = page.contacts.into_iter().filter(|(_, told)| told.as_ref().is_none_or(|told| agrees(contact, told)));
    let found = Found::of(so_far.first.iter().cloned().chain(meant.map(|(id, _)| id)));
    let first = match &found {
        Found::One(id) => Some(id.clone()),
        Found::Nobody => None,
        Found::Several | Found::Further(_) => return Ok(found),
    };
    let pages = so_far.pages + 1;
    match page.has_next {
        false => Ok(found),
        true if pages < MOST_PAGES => Ok(Found::Further(Glance { pages, first })),
        true => Err(Outcome::Dead { reason: format!("the search goes on after {pages} pages") }),
    }
}

/// Whether a contact whose field is `told` is the one that is looked for.
fn agrees(contact: &ContactRef, told: &str) -> bool {
    match contact {
        ContactRef::Email(_) => ContactRef::email(told).as_ref() == Some(contact),
        ContactRef::Phone(_) => ContactRef::phone(told).as_ref() == Some(contact),
        ContactRef::Field { value, .. } if is_truth(value) => told.eq_ignore_ascii_case(value),
        ContactRef::Field { value, .. } => told.trim() == value.trim(),
        ContactRef::Id(_) | ContactRef::Stream { .. } => false,
    }
}
