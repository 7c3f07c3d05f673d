//! What users, senders and scripts do with a running gateway, one method each.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};

use super::body::{Said, basic, now, standard_webhooks};
use super::eventually;
use super::gateway::{ADMIN, Gateway, PASSWORD, SIGNING_SECRET};
use super::http::{Answer, exchange, request};

const ANSWER: Duration = Duration::from_secs(30);

/// A request to one of several gateways.
#[track_caller]
pub fn call_at(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let answer = exchange(address, &request(method, path, headers, body), ANSWER);
    answer.unwrap_or_else(|| panic!("{method} {path}: no answer"))
}

/// A body for the hook `bot` of one of several gateways, with the user and password that it asks for.
#[track_caller]
pub fn send_hook_at(address: SocketAddr, body: &[u8]) -> Answer {
    let authorization = basic("dialogflow", PASSWORD);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    call_at(address, "POST", "/hooks/bot", &headers, body)
}

impl Gateway {
    /// Sends bytes as they are; `None` when nothing came back.
    pub fn send_raw(&self, bytes: &[u8]) -> Option<Answer> {
        exchange(self.next_address(), bytes, ANSWER)
    }

    #[track_caller]
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        call_at(self.next_address(), method, path, headers, body)
    }

    /// A body for the hook `bot`, with the user and password that it asks for.
    #[track_caller]
    pub fn send_hook(&self, body: &[u8]) -> Answer {
        send_hook_at(self.next_address(), body)
    }

    /// The same with a signature.
    #[track_caller]
    pub fn send_signed(&self, body: &[u8]) -> Answer {
        let proof = standard_webhooks(SIGNING_SECRET, "msg_1", now(), body);
        let headers: Vec<(&str, &str)> = proof.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        self.call("POST", "/hooks/bot", &headers, body)
    }

    /// Somebody says something to the bot, and the gateway takes it.
    #[track_caller]
    pub fn event(&self, said: &Said) -> Answer {
        let answer = self.send_hook(&said.body());
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer
    }

    #[track_caller]
    pub fn api_as(&self, token: &str, method: &str, path: &str, body: &[u8]) -> Answer {
        let bearer = format!("Bearer {token}");
        self.call(method, path, &[("Authorization", &bearer)], body)
    }

    /// Looks something up with the admin token.
    #[track_caller]
    pub fn api(&self, path: &str) -> Value {
        self.api_as(ADMIN, "GET", &format!("/api/v1{path}"), b"").ok()
    }

    /// Does something with the admin token.
    #[track_caller]
    pub fn api_post(&self, path: &str) -> Value {
        self.api_as(ADMIN, "POST", &format!("/api/v1{path}"), b"").ok()
    }

    /// All events that are stored, newest first.
    pub fn events(&self) -> Vec<Value> {
        let mut events = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.api(&format!("/events?limit=500{cursor}"));
            events.extend(page["items"].as_array().expect("a list").iter().cloned());
            match page["next"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return events,
            }
        }
    }

    /// The event with this key, with all that became of it.
    #[track_caller]
    pub fn event_of(&self, key: &str) -> Value {
        let events = self.events();
        let event = events.iter().find(|event| event["key"] == key).unwrap_or_else(|| panic!("no event {key}"));
        self.api(&format!("/events/{}", event["id"].as_str().expect("an id")))
    }

    /// Waits until none of the event's changes waits, and gives it.
    #[track_caller]
    pub fn settled(&self, key: &str) -> Value {
        eventually(&format!("the end of all changes of {key}"), || {
            let event = self.event_of(key);
            let changes = event["changes"].as_array().expect("a list");
            changes.iter().all(|change| change["state"] != "waiting").then_some(event)
        })
    }

    /// The same by the event's id.
    #[track_caller]
    pub fn settled_event(&self, id: &str) -> Value {
        eventually(&format!("the end of all changes of event {id}"), || {
            let event = self.api(&format!("/events/{id}"));
            let changes = event["changes"].as_array().expect("a list");
            changes.iter().all(|change| change["state"] != "waiting").then_some(event)
        })
    }

    /// The connection `crm` as the API shows it.
    #[track_caller]
    pub fn crm(&self) -> Value {
        self.api("/connections")["items"][0].clone()
    }

    /// Tries everything that waits at the connection now.
    #[track_caller]
    pub fn try_now(&self) {
        assert_eq!(self.api_post("/connections/crm/retry")["state"], "retrying");
    }

    #[track_caller]
    pub fn ask_sandbox(&self, method: &str, path: &str, body: &Value) -> Answer {
        let address = self.sandbox.expect("this gateway has the built-in sandbox");
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        exchange(address, &request(method, path, &[], &body), ANSWER).expect("the sandbox answers")
    }

    /// A call to the sandbox as somebody else makes it, with the sandbox's own key.
    #[track_caller]
    pub fn at_sandbox(&self, method: &str, path: &str, body: &Value) -> Answer {
        let address = self.sandbox.expect("this gateway has the built-in sandbox");
        let headers = [("Authorization", "Bearer sandbox"), ("Content-Type", "application/json")];
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        exchange(address, &request(method, path, &headers, &body), ANSWER).expect("the sandbox answers")
    }

    /// All that a provider of the sandbox has of a contact.
    pub fn contact_at(&self, provider: &str, id: &str) -> Option<Value> {
        let answer = self.at_sandbox("GET", &format!("/_sandbox/contacts/{provider}/{id}"), &Value::Null);
        (answer.status == 200).then(|| answer.json())
    }

    /// What goes wrong at the provider from now on.
    #[track_caller]
    pub fn set_faults(&self, faults: &Value) {
        self.ask_sandbox("POST", "/_sandbox/faults", faults).ok();
    }

    /// All is well at the provider from now on.
    #[track_caller]
    pub fn clear_faults(&self) {
        assert_eq!(self.ask_sandbox("DELETE", "/_sandbox/faults", &Value::Null).status, 204);
    }

    /// The calls that the provider got, oldest first.
    #[track_caller]
    pub fn calls(&self) -> Vec<Value> {
        let calls = self.ask_sandbox("GET", "/_sandbox/calls", &Value::Null).ok();
        calls["calls"].as_array().expect("a list").clone()
    }

    /// The same as `PUT /customers/7/tags Lead, Hot -> 200`.
    pub fn calls_in_short(&self) -> Vec<String> {
        self.calls().iter().map(in_short).collect()
    }

    /// A contact's tags in the order of their names; `None` for one that the provider hasn't heard of.
    #[track_caller]
    pub fn contact_in_sandbox(&self, id: u64) -> Option<Vec<String>> {
        let found = self.ask_sandbox("GET", &format!("/_sandbox/contacts?id={id}"), &Value::Null).ok();
        let tags = found["helpcrunch"][0]["tags"].as_array()?;
        let mut tags: Vec<String> = tags.iter().filter_map(|tag| Some(tag.as_str()?.to_owned())).collect();
        tags.sort();
        Some(tags)
    }

    /// A hand edit at the provider.
    #[track_caller]
    pub fn set_tags_by_hand(&self, id: u64, tags: &[&str]) {
        let path = format!("/_sandbox/contacts/helpcrunch/{id}");
        self.ask_sandbox("POST", &path, &json!({ "tags": tags })).ok();
    }
}

fn in_short(call: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let path = text(&call["path"]).replace("/helpcrunch/v1", "");
    let tags = call["body"]["tags"].as_array().cloned().unwrap_or_default();
    let tags: Vec<String> = tags.iter().map(|tag| text(&tag["name"])).collect();
    let tags = if tags.is_empty() { String::new() } else { format!(" {}", tags.join(", ")) };
    let status = call["status"].as_u64().map_or_else(|| "nothing".to_owned(), |status| status.to_string());
    format!("{} {path}{tags} -> {status}", text(&call["method"]))
}

/// `(rule, wanted, tag, state)` of each change of an event.
pub fn changes(event: &Value) -> Vec<(String, String, String, String)> {
    let list = event["changes"].as_array().expect("a list");
    let word = |change: &Value, name: &str| change[name].as_str().unwrap_or_default().to_owned();
    list.iter().map(|c| (word(c, "rule"), word(c, "wanted"), word(c, "tag"), word(c, "state"))).collect()
}

/// The state of each change of an event.
pub fn states(event: &Value) -> Vec<String> {
    changes(event).into_iter().map(|change| change.3).collect()
}
