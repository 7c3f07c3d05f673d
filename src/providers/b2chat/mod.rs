//! B2Chat's platform API (b2chat.gitbook.io/b2chat-platform-api-docs).
//!
//! Adding tags, the token, finding and importing contacts are in the vendor's pages. Removing tags and updating a contact are
//! not: they are what integrators' code does (repositories javieralarcn10/sync-b2chat-shopify and AaronLopezB/b2chat).

mod contact;
mod token;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::Direction;
use super::api::{Api, Heard, Wish, not_an_id, not_asked, segment};
use super::connect::{ConnectError, Ready, ready};
use super::judge::{Row, Ruling, row};
use super::outbound::Extent;
use super::outcome::{Asked, Called, Found, Outcome};
use crate::domain::attempt::Attempt;
use crate::domain::connection::{ConnectionConfig, MissingTags};
use crate::domain::contact::ContactRef;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::vault::Vault;
use contact::Listed;
use token::Tokens;

/// What B2Chat's statuses mean. No page lists them; clients take 401 and 403 for credentials and 429, 500, 502, 503 and 504
/// for something that passes (repository PedroPJaramillo/b2chat-analytics). The other rows are what HTTP says of them.
const TABLE: [Row; 12] = [
    row(200, 299, Ruling::Done, "done"),
    row(300, 399, Ruling::Refused, "the address redirects elsewhere: is base_url right?"),
    row(401, 401, Ruling::Refused, "the token is refused"),
    row(402, 402, Ruling::Refused, "the account must be paid"),
    row(403, 403, Ruling::Refused, "the user may not do this"),
    row(404, 404, Ruling::Lost, "no such contact"),
    row(408, 408, Ruling::InDoubt, "the provider gave up waiting"),
    row(425, 425, Ruling::Later, "too early"),
    row(429, 429, Ruling::Throttled, "too many requests"),
    row(400, 499, Ruling::Dead, "the request is wrong and isn't repeated as it is"),
    row(500, 599, Ruling::InDoubt, "the provider failed"),
    row(0, u16::MAX, Ruling::InDoubt, "a status that HTTP doesn't know"),
];

/// The fields of a contact that the API sets by their own name: the page "crear contactos".
const STANDARD: [&str; 9] =
    ["fullname", "email", "mobile", "landline", "identification", "address", "country", "city", "company"];

/// An account at B2Chat.
#[derive(Debug, Clone)]
pub struct B2chat {
    api: Api,
    tokens: Tokens,
    missing_tags: MissingTags,
}

impl B2chat {
    /// Resolves the credentials and readies the client; nothing is called yet, not even for a token.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let (outbound, base_url, tokens) = if config.credentials.len() == 1 {
            let Ready { outbound, base_url, credentials: [token] } = ready(config, vault)?;
            (outbound, base_url, Tokens::Fixed(token))
        } else {
            let Ready { outbound, base_url, credentials: [username, password] } = ready(config, vault)?;
            let tokens = Tokens::fetched(base_url.clone(), username, password);
            (outbound, base_url, tokens)
        };
        Ok(Self { api: Api { outbound, base_url, table: &TABLE }, tokens, missing_tags: config.missing_tags })
    }

    /// Its way out.
    pub(super) fn api_mut(&mut self) -> &mut Api {
        &mut self.api
    }

    /// `POST /contacts/{id}/tags?tag_actions=ASSIGN_TAG`, or `DELETE /contacts/{id}/tags`, both with `[{"name":"Lead"}]`.
    ///
    /// The vendor's page says only "array of tag names" and its examples are missing; both integrators send objects. With
    /// `SKIP_TAGS` a tag that the account doesn't have, or has switched off, is passed over in silence.
    pub async fn change_tags(
        &self,
        contact: &ContactRef,
        direction: Direction,
        tags: &[TagName],
        now: Timestamp,
    ) -> Called {
        let (method, below) = match (direction, self.missing_tags) {
            (Direction::Add, MissingTags::Create) => (Method::POST, "/tags?tag_actions=ASSIGN_TAG"),
            (Direction::Add, MissingTags::Skip) => (Method::POST, "/tags?tag_actions=SKIP_TAGS"),
            (Direction::Remove, _) => (Method::DELETE, "/tags"),
        };
        let names = tags.iter().map(|tag| json!({ "name": tag.as_str() })).collect();
        let skips = direction == Direction::Add && self.missing_tags == MissingTags::Skip;
        let done = if skips { Outcome::Unproven } else { Outcome::Done { tags: None } };
        self.about_one(method, contact, below, names, done, now).await
    }

    /// Sets fields by `PATCH /contacts/{id}`, in the form that an import has: standard ones as they are, any other as a
    /// custom attribute. A name goes out twice, since B2Chat's update reads it as `fullName` ("error b2chat", says the
    /// integrator who found out).
    pub async fn set_fields(&self, contact: &ContactRef, fields: &[(&str, &OwnedJson)], now: Timestamp) -> Called {
        let (mut set, mut custom) = (Map::new(), Map::new());
        for (field, value) in fields {
            let to = if STANDARD.contains(field) { &mut set } else { &mut custom };
            to.insert((*field).to_owned(), value.to_value());
        }
        if let Some(name) = set.get("fullname").cloned() {
            set.insert("fullName".to_owned(), name);
        }
        if !custom.is_empty() {
            set.insert("custom_attributes".to_owned(), Value::Object(custom));
        }
        let body = json!({ "skip_required_custom_attributes": true, "contact": set });
        self.about_one(Method::PATCH, contact, "", body, Outcome::Done { tags: None }, now).await
    }

    /// The contact with a mobile number. Nothing else can be searched: an integrator notes of e-mail that it "does not work".
    pub async fn find(&self, contact: &ContactRef, now: Timestamp) -> Asked<Found> {
        let Asked { attempt, answer } = self.export(contact, now).await;
        Asked { attempt, answer: answer.map(|listed| Found::of(listed.into_iter().map(|contact| contact.id))) }
    }

    /// The tags of the contact `id`, which had been found by a mobile number: B2Chat has no way to ask for one contact by its
    /// id, so it is looked up once more. A number that belongs to somebody else by now says nothing of this contact.
    pub async fn read_found(&self, by: &ContactRef, id: &str, now: Timestamp) -> Called {
        let Asked { mut attempt, answer } = self.export(by, now).await;
        let outcome = match answer {
            Err(outcome) => outcome,
            Ok(listed) => match Found::of(listed.iter().map(|contact| contact.id.clone())) {
                Found::One(found) if found == id => {
                    Outcome::Done { tags: listed.into_iter().next().and_then(|contact| contact.tags) }
                }
                Found::One(_) => Outcome::Lost { reason: "the number belongs to another contact now".to_owned() },
                Found::Nobody => Outcome::Lost { reason: "nobody has this number any more".to_owned() },
                Found::Several | Found::Further(_) => {
                    Outcome::Dead { reason: "several contacts have this number".to_owned() }
                }
            },
        };
        retell(&mut attempt, &outcome.verdict());
        Called { attempt, outcome }
    }

    /// `POST /contacts/import`: a contact that is found by its number from then on. It is named by the number, as long as
    /// nothing sets its `fullname`.
    pub async fn make(&self, contact: &ContactRef, now: Timestamp) -> Asked<String> {
        let ContactRef::Phone(number) = contact else {
            return only_by_phone(Method::POST, "/contacts/import", now);
        };
        let body = json!({
            "skip_required_custom_attributes": true,
            "contact": { "fullname": number, "mobile": number },
        });
        let wish = Wish { method: Method::POST, path: "/contacts/import".to_owned(), body: Some(body) };
        let Asked { mut attempt, answer } = self.ask(wish, contact::read_made, now).await;
        let answer = answer.and_then(|id| {
            id.ok_or_else(|| {
                let reason = "the contact was made, and the answer doesn't tell its id: it is looked up".to_owned();
                Outcome::Retry { reason, after: None, throttled: false, in_doubt: true }
            })
        });
        if let Err(outcome) = &answer {
            retell(&mut attempt, &outcome.verdict());
        }
        Asked { attempt, answer }
    }

    /// `GET /contacts/export` with a JSON body, as documented: the contacts with this mobile number.
    async fn export(&self, contact: &ContactRef, now: Timestamp) -> Asked<Vec<Listed>> {
        let ContactRef::Phone(number) = contact else {
            return only_by_phone(Method::GET, "/contacts/export", now);
        };
        let filters = json!({
            "contact_lookup": [{ "field": "mobile", "value": number }],
            // Two are enough to see that somebody isn't the only one.
            "limit": 2,
            "offset": 0,
            "skip_tags": false,
        });
        let wish = Wish {
            method: Method::GET,
            path: "/contacts/export".to_owned(),
            body: Some(json!({ "filters": filters })),
        };
        let Asked { mut attempt, answer } = self.ask(wish, contact::read_list, now).await;
        let answer = answer.and_then(|listed| with_number(listed, contact));
        if let Err(outcome) = &answer {
            retell(&mut attempt, &outcome.verdict());
        }
        Asked { attempt, answer }
    }

    /// A call that changes one contact and whose status says all there is.
    async fn about_one(
        &self,
        method: Method,
        contact: &ContactRef,
        below: &str,
        body: Value,
        done: Outcome,
        now: Timestamp,
    ) -> Called {
        let id = match contact {
            ContactRef::Id(id) => segment(id),
            _ => None,
        };
        let Some(segment) = id else {
            let wish = Wish { method, path: format!("/contacts/{contact}{below}"), body: Some(body) };
            return not_an_id(&wish, now);
        };
        let wish = Wish { method, path: format!("/contacts/{segment}{below}"), body: Some(body) };
        let Asked { mut attempt, answer } = self.ask(wish, contact::read_nothing, now).await;
        let outcome = answer.map_or_else(|outcome| outcome, |()| done);
        if outcome == Outcome::Unproven {
            retell(&mut attempt, "done, unless the account doesn't know a tag");
        }
        Called { attempt, outcome }
    }

    /// Asks with a token that is good now. One that is refused all the same is renewed once, and the call is made once more.
    async fn ask<T>(&self, wish: Wish, read: fn(&[u8], &Extent) -> Result<T, String>, now: Timestamp) -> Asked<T> {
        let failed = |Called { attempt, outcome }| Asked { attempt, answer: Err(outcome) };
        let token = match self.tokens.current(&self.api.outbound, now).await {
            Ok(token) => token,
            Err(called) => return failed(called),
        };
        let mut before = if token.is_new { "; a token was fetched for it" } else { "" };
        let mut heard = self.api.call(wish.clone(), &token.secret, now).await;
        if heard.attempt.status == Some(401) {
            match self.tokens.after(&token, &self.api.outbound, now).await {
                None => {}
                Some(Err(called)) => return failed(called),
                Some(Ok(token)) => {
                    before = "; a token was refused with 401 and renewed first";
                    heard = self.api.call(wish, &token.secret, now).await;
                }
            }
        }
        let Heard { mut attempt, answer } = heard;
        let answer = answer.and_then(|(body, extent)| read(&body, &extent).map_err(unreadable));
        attempt.verdict = answer.as_ref().map_or_else(Outcome::verdict, |_| "done".to_owned()) + before;
        Asked { attempt, answer }
    }
}

fn only_by_phone<T>(method: Method, path: &str, now: Timestamp) -> Asked<T> {
    not_asked(method, path, "B2Chat knows people by their mobile number alone", now)
}

/// What a call's status made of it at first turned out otherwise; what was told of tokens stays.
fn retell(attempt: &mut Attempt, verdict: &str) {
    if let Some(about_tokens) = attempt.verdict.strip_prefix("done") {
        attempt.verdict = format!("{verdict}{about_tokens}");
    }
}

/// A success that doesn't read as the vendor's is not believed: a proxy's page or a wrong address may say 200 too.
fn unreadable(why: String) -> Outcome {
    Outcome::Retry { reason: why, after: None, throttled: false, in_doubt: true }
}

/// Those who have the number. A proxy that takes the body off a GET would leave a list of anybody, and a wrong person must
/// never be changed: a list without anybody of this number isn't an answer to our question.
fn with_number(listed: Vec<Listed>, number: &ContactRef) -> Result<Vec<Listed>, Outcome> {
    let any = !listed.is_empty();
    let meant: Vec<Listed> = listed.into_iter().filter(|contact| contact.mobile.as_ref() == Some(number)).collect();
    if any && meant.is_empty() {
        let reason = "the answer lists people with other numbers: does a proxy take the body off the GET?";
        return Err(Outcome::Dead { reason: reason.to_owned() });
    }
    Ok(meant)
}
