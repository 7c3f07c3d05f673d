//! respond.io, API v2 (docs.respond.io). What its pages leave open is as its own n8n package and other integrators' clients have it.

mod answer;

use reqwest::Method;
use serde_json::{Value, json};

use super::Direction;
use super::api::{self, Api, Wish, not_an_id, segment};
use super::connect::{ConnectError, Ready, ready};
use super::judge::{Row, Ruling, row};
use super::outbound::Extent;
use super::outcome::{Asked, Called, Found, Outcome};
use super::reading::ReadTags;
use crate::domain::connection::ConnectionConfig;
use crate::domain::contact::ContactRef;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::vault::{LiveSecret, Vault};

/// What the statuses mean. Documented are 200, 400, 401, 429 and 449; that an unknown contact is 404 is from integrators' clients; the
/// other rows are what HTTP says of them.
const TABLE: [Row; 13] = [
    row(200, 299, Ruling::Done, "done"),
    // Redirects aren't followed: the call would lose its body, or carry the token to another host.
    row(300, 399, Ruling::Refused, "the address redirects elsewhere: is base_url right?"),
    row(401, 401, Ruling::Refused, "the access token is refused"),
    // Undocumented; it would speak of the account, not of the change.
    row(402, 402, Ruling::Refused, "the account must be paid"),
    row(403, 403, Ruling::Refused, "the access token may not do this"),
    row(404, 404, Ruling::Lost, "no such contact"),
    // A time-out may be that of a proxy which had passed the call on already.
    row(408, 408, Ruling::InDoubt, "the provider gave up waiting"),
    row(425, 425, Ruling::Later, "too early"),
    row(429, 429, Ruling::Throttled, "too many requests"),
    row(449, 449, Ruling::Later, "the contact is busy with another change"),
    row(400, 499, Ruling::Dead, "the request is wrong and isn't repeated as it is"),
    row(500, 599, Ruling::InDoubt, "the provider failed"),
    row(0, u16::MAX, Ruling::InDoubt, "a status that HTTP doesn't know"),
];

/// The fields of a contact that the API sets by their own name; any other is one of the workspace's custom fields.
const STANDARD: [&str; 7] = ["firstName", "lastName", "email", "phone", "language", "profilePic", "countryCode"];

/// A workspace at respond.io, or at a white label of it.
#[derive(Debug, Clone)]
pub struct RespondIo {
    api: Api,
    token: LiveSecret,
}

impl RespondIo {
    /// Resolves the workspace's access token and readies the client; nothing is called yet.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let Ready { outbound, base_url, credentials: [token] } = ready(config, vault)?;
        Ok(Self { api: Api { outbound, base_url, table: &TABLE }, token })
    }

    /// Its way out.
    pub(super) fn api_mut(&mut self) -> &mut Api {
        &mut self.api
    }

    /// `POST` or `DELETE /contact/id:{id}/tag` with the bare list `["Lead"]`. The answer lists no tags.
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
        self.about(method, contact, "/tag", Some(json!(names)), answer::read_done, now).await
    }

    /// `GET /contact/id:{id}`.
    pub async fn read_tags(&self, contact: &ContactRef, now: Timestamp) -> Called {
        self.about(Method::GET, contact, "", None, answer::read_tags, now).await
    }

    /// `PUT /contact/id:{id}`: standard fields by their name, any other in `custom_fields`.
    pub async fn set_fields(&self, contact: &ContactRef, fields: &[(&str, &OwnedJson)], now: Timestamp) -> Called {
        let body = api::fields(fields, &STANDARD, "custom_fields", "name");
        self.about(Method::PUT, contact, "", Some(body), answer::read_done, now).await
    }

    /// `GET /contact/email:{address}` or `/contact/phone:{number}`: an identifier names one contact at most, and a 404 is nobody.
    pub async fn find(&self, contact: &ContactRef, now: Timestamp) -> Asked<Found> {
        let wish = |path| Wish { method: Method::GET, path, body: None };
        let Some(identifier) = identifier(contact) else { return cannot(&wish(format!("/contact/{contact}")), now) };
        let Asked { mut attempt, answer } =
            self.ask(wish(format!("/contact/{identifier}")), answer::read_id, now).await;
        let answer = match answer {
            Ok(id) => Ok(Found::One(id)),
            Err(Outcome::Lost { .. }) => {
                "nobody".clone_into(&mut attempt.verdict);
                Ok(Found::Nobody)
            }
            Err(outcome) => Err(outcome),
        };
        Asked { attempt, answer }
    }

    /// `POST /contact/create_or_update/{identifier}` with the address or number: the contact's id. On a contact that is there after
    /// all it changes nothing, so a repetition does no harm.
    pub async fn make(&self, contact: &ContactRef, now: Timestamp) -> Asked<String> {
        let body = match contact {
            ContactRef::Email(address) => json!({ "email": address }),
            ContactRef::Phone(number) => json!({ "phone": number }),
            _ => json!({}),
        };
        let wish = |path| Wish { method: Method::POST, path, body: Some(body) };
        let Some(identifier) = identifier(contact) else { return cannot(&wish(format!("/contact/{contact}")), now) };
        self.ask(wish(format!("/contact/create_or_update/{identifier}")), answer::read_id, now).await
    }

    /// A call about one contact that is known by its id.
    async fn about(
        &self,
        method: Method,
        contact: &ContactRef,
        below: &str,
        body: Option<Value>,
        read: ReadTags,
        now: Timestamp,
    ) -> Called {
        let identifier = identifier(contact).filter(|_| matches!(contact, ContactRef::Id(_)));
        let Some(identifier) = identifier else {
            return not_an_id(&Wish { method, path: format!("/contact/{contact}{below}"), body }, now);
        };
        let wish = Wish { method, path: format!("/contact/{identifier}{below}"), body };
        self.ask(wish, read, now).await.called()
    }

    async fn ask<T>(&self, wish: Wish, read: fn(&[u8], &Extent) -> Result<T, String>, now: Timestamp) -> Asked<T> {
        self.api.call(wish, &self.token.current(), now).await.read(read)
    }
}

/// `id:1568834`, `email:ana%40example.com`, `phone:%2B57300`: a contact as paths name it.
fn identifier(contact: &ContactRef) -> Option<String> {
    let (kind, value) = match contact {
        ContactRef::Id(id) => ("id", id),
        ContactRef::Email(address) => ("email", address),
        ContactRef::Phone(number) => ("phone", number),
        ContactRef::Field { .. } | ContactRef::Stream { .. } => return None,
    };
    Some(format!("{kind}:{}", segment(value)?))
}

fn cannot<T>(wish: &Wish, now: Timestamp) -> Asked<T> {
    let Called { attempt, outcome } = not_an_id(wish, now);
    Asked { attempt, answer: Err(outcome) }
}
