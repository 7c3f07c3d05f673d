//! 1980TIC's Contacts API v1 as the vendor's page "API de contactos" has it. The page has one status for every mistake but three: 403
//! with a message, whose wording is the sandbox's own.

use serde_json::{Map, Value, json};

use super::SandboxOptions;
use super::gate::{Barred, Gate};
use super::people::{Missing, People, Person, fields, names};
use super::request::{Reply, Request};
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// Its name in rule files.
pub const NAME: &str = "1980tic";
/// Where its API is.
pub const BASE: &str = "/1980tic/api/v1";
/// "Hay un límite de frecuencia de 100 llamadas API por minuto": for each channel, which is each token.
const DOCUMENTED: Rate = Rate::per_minute(100);
/// "Máximo 10 etiquetas agregadas por solicitud", and as many removed.
const MOST_TAGS: usize = 10;
/// "Máximo 30 campos actualizados por solicitud", and as many at a creation.
const MOST_FIELDS: usize = 30;
/// `"per_page": 10` in the page's example.
const PER_PAGE: usize = 10;

/// A channel.
#[derive(Debug)]
pub struct Channel {
    gate: Gate,
    /// Its contacts.
    pub people: People,
}

/// A call that isn't answered with success.
struct Wrong(u16, String);

impl Channel {
    /// A channel without contacts.
    pub fn new(options: &SandboxOptions) -> Self {
        Self { gate: Gate::new(options, DOCUMENTED), people: People::new(options) }
    }

    /// Answers one call.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.routed(request, now).unwrap_or_else(|Wrong(status, message)| error(status, &message))
    }

    /// Every address there is, in the order of the vendor's page.
    fn routed(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        self.gate.admit(request, request.bearer().unwrap_or_default(), now).map_err(|barred| match barred {
            Barred::Stranger => wrong(401),
            Barred::TooMany { .. } => wrong(429),
        })?;
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["contact", "by_custom_field"]) => self.search(request),
            ("POST", ["contact"] | ["contact", ""]) => self.create(request, now),
            ("GET", ["contact", id]) if !id.is_empty() => Ok(data(&contact(self.get(id, now)?))),
            ("PUT", ["contact", id]) if !id.is_empty() => self.update(id, request, now),
            ("POST", ["contact", id, "tags"]) => {
                let tags = tags(request, "added")?;
                self.get(id, now)?.tag(&tags);
                Ok(success("Contact Tags have been added successfully."))
            }
            ("DELETE", ["contact", id, "tags"]) => {
                let tags = tags(request, "deleted")?;
                self.get(id, now)?.untag(&tags);
                Ok(success("Contact Tags deleted successfully."))
            }
            (_, ["contact"] | ["contact", _] | ["contact", _, "tags"]) => Err(wrong(405)),
            _ => Err(wrong(404)),
        }
    }

    fn get(&mut self, id: &str, now: Timestamp) -> Result<&mut Person, Wrong> {
        self.people.get(id, now).map_err(missing)
    }

    fn create(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let fields = custom_fields(request)?;
        let person = self.people.make(|number| format!("cus_{number}"), now).map_err(missing)?;
        person.fields.extend(fields);
        Ok(data(&json!({ "id": person.id })))
    }

    fn update(&mut self, id: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let fields = custom_fields(request)?;
        let person = self.get(id, now)?;
        person.fields.extend(fields);
        Ok(data(&json!({ "id": person.id })))
    }

    /// A page, as Laravel's pages look.
    fn search(&self, request: &Request) -> Result<Reply, Wrong> {
        let asked = |key: &str| request.query.get(key).filter(|value| !value.is_empty());
        let (Some(name), Some(value)) = (asked("name"), asked("value")) else {
            return Err(refused("The name and value fields are required."));
        };
        let page = asked("page").and_then(|page| page.parse::<usize>().ok()).unwrap_or(1).max(1);
        let found: Vec<Value> = self.people.with(name, value).map(contact).collect();
        let last = found.len().div_ceil(PER_PAGE).max(1);
        let from = (page - 1).saturating_mul(PER_PAGE);
        let shown: Vec<Value> = found.iter().skip(from).take(PER_PAGE).cloned().collect();
        let path = format!("http://{}{BASE}/contact/by_custom_field", request.header("host").unwrap_or("sandbox"));
        let at = |page: usize| format!("{path}?page={page}");
        let place = |offset: usize| (!shown.is_empty()).then_some(from + offset);
        Ok(Reply::json(
            200,
            json!({
                "data": shown,
                "links": {
                    "first": at(1),
                    "last": at(last),
                    "prev": (page > 1).then(|| at(page - 1)),
                    "next": (page < last).then(|| at(page + 1)),
                },
                "meta": {
                    "current_page": page,
                    "from": place(1),
                    "last_page": last,
                    "path": path,
                    "per_page": PER_PAGE,
                    "to": place(shown.len()),
                    "total": found.len(),
                },
            }),
        ))
    }
}

/// A contact as the page's examples show it.
pub fn contact(person: &Person) -> Value {
    json!({ "id": person.id, "custom_fields": person.fields, "tags": person.tags, "created_at": person.created.seconds() })
}

/// The answer of a provider that is told to fail with `status`: the documented message where there is one.
pub fn failure(status: u16) -> Reply {
    if (200..300).contains(&status) {
        return Reply::empty(status);
    }
    let Wrong(_, message) = wrong(status);
    error(status, &message)
}

fn wrong(status: u16) -> Wrong {
    let message = match status {
        401 => "API Token is invalid.",
        404 => "404 Not Found.",
        405 => "405 Method Not Allowed.",
        429 => "Too many requests",
        _ => "Failed on purpose",
    };
    Wrong(status, message.to_owned())
}

fn refused(message: &str) -> Wrong {
    Wrong(403, message.to_owned())
}

fn missing(missing: Missing) -> Wrong {
    match missing {
        Missing::Nobody => refused("Contact not found."),
        Missing::Full => Wrong(503, "The sandbox holds no more contacts".to_owned()),
    }
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({ "status": "error", "message": message, "data": [] }))
}

fn success(message: &str) -> Reply {
    Reply::json(200, json!({ "status": "success", "message": message, "data": [] }))
}

fn data(data: &Value) -> Reply {
    Reply::json(200, json!({ "data": data }))
}

fn tags(request: &Request, what: &str) -> Result<Vec<String>, Wrong> {
    let body = request.json().unwrap_or_default();
    let tags = body.get("tags").and_then(names).filter(|tags| !tags.is_empty());
    let tags = tags.ok_or_else(|| refused("The tags field is required."))?;
    if tags.len() > MOST_TAGS {
        return Err(refused(&format!("Maximum {MOST_TAGS} tags can be {what} per request.")));
    }
    Ok(tags)
}

fn custom_fields(request: &Request) -> Result<Map<String, Value>, Wrong> {
    let body = request.json().unwrap_or_default();
    let given = body.get("custom_fields").and_then(fields).filter(|fields| !fields.is_empty());
    let given = given.ok_or_else(|| refused("The custom_fields field is required."))?;
    if given.len() > MOST_FIELDS {
        return Err(refused(&format!("Maximum {MOST_FIELDS} fields are allowed per request.")));
    }
    Ok(given.into_iter().collect())
}
