//! respond.io's API v2 as docs.respond.io has it: the calls about one contact. Lists, messages and the workspace's own things are not
//! here.

use serde_json::{Map, Value, json};

use super::SandboxOptions;
use super::gate::{Barred, Gate};
use super::people::{Missing, People, Person, fields, names};
use super::request::{Reply, Request};
use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// Its name in rule files.
pub const NAME: &str = "respond-io";
/// Where its API is.
pub const BASE: &str = "/respond-io/v2";
/// 5 requests a second for each method, over the whole organisation.
const DOCUMENTED: Rate = Rate { calls: 5, window: std::time::Duration::from_secs(1) };
/// 1 to 10 tags a call.
const MOST_TAGS: usize = 10;
/// The fields that a contact has by their own name.
const STANDARD: [&str; 7] = ["firstName", "lastName", "email", "phone", "language", "profilePic", "countryCode"];

/// A workspace.
#[derive(Debug)]
pub struct Workspace {
    gate: Gate,
    /// Its contacts.
    pub people: People,
}

/// A call that isn't answered with success.
enum Wrong {
    Status(u16),
    Message(u16, String),
    TooMany { rate: Rate, wait: std::time::Duration },
}

impl Workspace {
    /// A workspace without contacts.
    pub fn new(options: &SandboxOptions) -> Self {
        Self { gate: Gate::new(options, DOCUMENTED), people: People::new(options) }
    }

    /// Answers one call.
    pub fn answer(&mut self, request: &Request, now: Timestamp) -> Reply {
        self.routed(request, now).unwrap_or_else(|wrong| match wrong {
            Wrong::Status(status) => failure(status),
            Wrong::Message(status, message) => error(status, &message),
            Wrong::TooMany { rate, wait } => {
                let seconds = wait.as_millis().div_ceil(1000).max(1);
                let headers = vec![
                    ("retry-after", seconds.to_string()),
                    ("x-ratelimit-limit", rate.calls.to_string()),
                    ("x-ratelimit-remaining", "0".to_owned()),
                ];
                Reply { headers, ..failure(429) }
            }
        })
    }

    /// Every address there is.
    fn routed(&mut self, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        self.gate.admit(request, &request.method, now).map_err(|barred| match barred {
            Barred::Stranger => Wrong::Status(401),
            Barred::TooMany { rate, wait } => Wrong::TooMany { rate, wait },
        })?;
        let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", ["contact", "create_or_update", who]) => self.create_or_update(who, request, now),
            ("GET", ["contact", who]) => Ok(Reply::json(200, contact(self.find(who, now)?))),
            ("POST", ["contact", who]) => match self.find(who, now) {
                Ok(_) if !who.starts_with("id:") => Err(Wrong::Message(409, "Contact already exists".to_owned())),
                _ => self.create_or_update(who, request, now),
            },
            ("PUT", ["contact", who]) => {
                let fields = contact_fields(request)?;
                let person = self.find(who, now)?;
                person.fields.extend(fields);
                Ok(changed(person))
            }
            ("DELETE", ["contact", who]) => {
                let id = self.find(who, now)?.id.clone();
                self.people.lose(&id);
                Ok(Reply::json(200, json!({ "contactId": id.parse::<u64>().unwrap_or(0) })))
            }
            ("POST" | "DELETE", ["contact", who, "tag"]) => {
                let tags = request.json().as_ref().and_then(names).filter(|tags| (1..=MOST_TAGS).contains(&tags.len()));
                let tags = tags.ok_or(Wrong::Status(400))?;
                let person = self.find(who, now)?;
                if request.method == "POST" {
                    person.tag(&tags);
                } else {
                    person.untag(&tags);
                }
                Ok(changed(person))
            }
            _ => Err(Wrong::Status(404)),
        }
    }

    /// `id:7` comes to be where the sandbox isn't strict; an address or a number that nobody has is nobody's.
    fn find(&mut self, who: &str, now: Timestamp) -> Result<&mut Person, Wrong> {
        let id = match who.split_once(':') {
            Some(("id", id)) if number(id).is_ok() => id.to_owned(),
            Some((field @ ("email" | "phone"), value)) => {
                let found = self.people.with(field, value).next();
                found.map(|person| person.id.clone()).ok_or(Wrong::Status(404))?
            }
            _ => return Err(Wrong::Status(400)),
        };
        self.people.get(&id, now).map_err(missing)
    }

    fn create_or_update(&mut self, who: &str, request: &Request, now: Timestamp) -> Result<Reply, Wrong> {
        let fields = contact_fields(request)?;
        let named = match who.split_once(':') {
            Some((field @ ("email" | "phone"), value)) => Some((field.to_owned(), json!(value))),
            _ => None,
        };
        let person = match self.find(who, now) {
            Ok(person) => person.id.clone(),
            Err(Wrong::Status(404)) if named.is_some() => {
                self.people.make(|number| number.to_string(), now).map_err(missing)?.id.clone()
            }
            Err(wrong) => return Err(wrong),
        };
        let person = self.people.get(&person, now);
        // One who was just made is there, strict or not.
        let person = person.map_err(missing)?;
        person.fields.extend(named);
        person.fields.extend(fields);
        Ok(changed(person))
    }
}

/// A contact, at the top level.
pub fn contact(person: &Person) -> Value {
    let mut object = Map::new();
    object.insert("id".to_owned(), json!(person.id.parse::<u64>().unwrap_or(0)));
    for name in STANDARD {
        object.insert(name.to_owned(), person.fields.get(name).cloned().unwrap_or_default());
    }
    let custom = person.fields.iter().filter(|(name, _)| !STANDARD.contains(&name.as_str()));
    let custom: Vec<Value> = custom.map(|(name, value)| json!({ "name": name, "value": value })).collect();
    object.insert("custom_fields".to_owned(), Value::Array(custom));
    object.insert("tags".to_owned(), json!(person.tags));
    object.insert("status".to_owned(), json!("open"));
    for empty in ["assignee", "lifecycle"] {
        object.insert(empty.to_owned(), Value::Null);
    }
    object.insert("isBlocked".to_owned(), json!(false));
    object.insert("created_at".to_owned(), json!(person.created.seconds()));
    Value::Object(object)
}

/// Ids are numbers here.
pub fn number(id: &str) -> Result<u64, String> {
    id.parse().map_err(|_| format!("{id:?} is not a number, as respond.io's ids are"))
}

/// The answer of a provider that is told to fail with `status`: the documented message where there is one.
pub fn failure(status: u16) -> Reply {
    let message = match status {
        200..=299 => return Reply::empty(status),
        400 => "Validation error.",
        401 => "UN_AUTHORIZED",
        404 => "Contact not found",
        429 => "Too Many Requests",
        // The text that is known breaks off here.
        449 => "Your request cannot be processed at the moment as it is currently in...",
        _ => "Failed on purpose",
    };
    error(status, message)
}

fn error(status: u16, message: &str) -> Reply {
    Reply::json(status, json!({ "code": status, "message": message }))
}

fn missing(missing: Missing) -> Wrong {
    match missing {
        Missing::Nobody => Wrong::Status(404),
        Missing::Full => Wrong::Message(503, "The sandbox holds no more contacts".to_owned()),
    }
}

fn changed(person: &Person) -> Reply {
    Reply::json(200, json!({ "contactId": person.id.parse::<u64>().unwrap_or(0) }))
}

/// Standard fields by their name, the others in `custom_fields`; an unknown key is a mistake.
fn contact_fields(request: &Request) -> Result<Map<String, Value>, Wrong> {
    let Some(Value::Object(body)) = request.json() else { return Err(Wrong::Status(400)) };
    let mut given = Map::new();
    for (name, value) in body {
        match name.as_str() {
            "custom_fields" => given.extend(fields(&value).ok_or(Wrong::Status(400))?),
            known if STANDARD.contains(&known) => {
                given.insert(name, value);
            }
            _ => return Err(Wrong::Status(400)),
        }
    }
    Ok(given)
}
