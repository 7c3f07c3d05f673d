//! One JSON call to a provider, from the wanted request to an attempt that can be shown and a judged answer.

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Map, Value, json};

use super::judge::{self, Row, Ruling};
use super::outbound::{Answer, Call, Extent, NoAnswer, Outbound};
use super::outcome::{Asked, Called, Outcome};
use super::redact::redact;
use crate::domain::attempt::Attempt;
use crate::domain::json::OwnedJson;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;

/// How much of an answer is kept for people.
const SHOWN: usize = 2048;

/// What a provider is asked to do.
#[derive(Debug, Clone)]
pub struct Wish {
    /// `PUT`, `DELETE`, ...
    pub method: Method,
    /// Below the connection's base URL, escaped.
    pub path: String,
    /// The JSON body.
    pub body: Option<Value>,
}

/// The API of one connection: where it is and how its statuses are read.
#[derive(Debug, Clone)]
pub struct Api {
    /// The client.
    pub outbound: Outbound,
    /// Everything before a wish's path, without a `/` at the end.
    pub base_url: String,
    /// What its statuses mean.
    pub table: &'static [Row],
}

/// A call's attempt and, where its status says that it is done, the body for the provider's own reader.
pub struct Heard {
    /// What was sent and what came back; the verdict is the provider's to write.
    pub attempt: Attempt,
    /// The body of a done call and how much of it was read, or what the call came to instead.
    pub answer: Result<(Vec<u8>, Extent), Outcome>,
}

impl Heard {
    /// Reads the body of a done call. A success that doesn't read as the vendor's is not believed: a proxy's page or a wrong
    /// address may say 200 too.
    pub fn read<T>(self, read: impl FnOnce(&[u8], &Extent) -> Result<T, String>) -> Asked<T> {
        let unreadable = |reason| judge::undone(Ruling::InDoubt, reason, None);
        let mut attempt = self.attempt;
        let answer = self.answer.and_then(|(body, extent)| read(&body, &extent).map_err(unreadable));
        attempt.verdict = answer.as_ref().map_or_else(Outcome::verdict, |_| "done".to_owned());
        Asked { attempt, answer }
    }
}

impl Api {
    /// Calls with `token` as the bearer, and judges the status.
    pub async fn call(&self, wish: Wish, token: &Secret, now: Timestamp) -> Heard {
        self.call_with(wish, HeaderMap::new(), token, now).await
    }

    /// The same with these headers besides.
    pub async fn call_with(&self, wish: Wish, headers: HeaderMap, token: &Secret, now: Timestamp) -> Heard {
        let mut attempt = blank(&wish, now);
        let call = match self.prepare(wish, headers, token) {
            Ok(call) => call,
            Err(reason) => return Heard { attempt, answer: Err(Outcome::Refused { reason }) },
        };
        let answer = match self.outbound.send_for(&mut attempt, call).await {
            Ok(answer) => {
                attempt.answer = shown(&answer.body, token);
                self.judged(answer, token, now)
            }
            Err(none) => Err(unanswered(none)),
        };
        Heard { attempt, answer }
    }

    fn prepare(&self, wish: Wish, mut headers: HeaderMap, token: &Secret) -> Result<Call, String> {
        let url = Url::parse(&format!("{}{}", self.base_url, wish.path)).map_err(|e| format!("base_url: {e}"))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
            .map_err(|_| "the credential holds characters that a header can't carry".to_owned())?;
        bearer.set_sensitive(true);
        headers.insert(AUTHORIZATION, bearer);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        Ok(Call { method: wish.method, url, headers, body: wish.body.map(|body| body.to_string()) })
    }

    fn judged(&self, answer: Answer, token: &Secret, now: Timestamp) -> Result<(Vec<u8>, Extent), Outcome> {
        // Of a success the provider's own reader makes more.
        let is_success = (200..300).contains(&answer.status);
        let message = if is_success { None } else { said(&answer.body) }.unwrap_or_default();
        let (ruling, why) = judge::judge_said(self.table, answer.status, &message);
        if ruling != Ruling::Done {
            let after = answer.retry_after.and_then(|text| judge::retry_after(&text, now));
            let told = told(&answer.body, token);
            return Err(judge::undone(ruling, format!("{why} ({}{told})", answer.status), after));
        }
        match answer.extent {
            Extent::Broken(why) => {
                let reason = format!("the answer broke off: {why} ({})", answer.status);
                Err(judge::undone(Ruling::InDoubt, reason, None))
            }
            extent => Ok((answer.body, extent)),
        }
    }
}

/// Fields as the body of a call: `standard` ones under their own names, all others in the list `key`, each as
/// `{"<name>": field, "value": value}`.
pub fn fields(fields: &[(&str, &OwnedJson)], standard: &[&str], key: &str, name: &str) -> Value {
    let mut body = Map::new();
    let mut custom = Vec::new();
    for (field, value) in fields {
        if standard.contains(field) {
            body.insert((*field).to_owned(), value.to_value());
        } else {
            custom.push(json!({ name: field, "value": value.to_value() }));
        }
    }
    if !custom.is_empty() {
        body.insert(key.to_owned(), Value::Array(custom));
    }
    Value::Object(body)
}

/// An attempt of which nothing is known yet.
pub fn blank(wish: &Wish, now: Timestamp) -> Attempt {
    Attempt {
        at: now,
        method: wish.method.to_string(),
        path: wish.path.clone(),
        request: wish.body.clone(),
        status: None,
        answer: String::new(),
        took_ms: 0,
        limits: Vec::new(),
        also: Vec::new(),
        uncounted: false,
        verdict: String::new(),
    }
}

/// A call that isn't made, since it could never succeed.
pub fn not_made(method: Method, path: &str, why: &str, now: Timestamp) -> Called {
    let wish = Wish { method, path: path.to_owned(), body: None };
    Called { attempt: blank(&wish, now), outcome: Outcome::Dead { reason: why.to_owned() } }.told()
}

/// The same where an answer is asked for.
pub fn not_asked<T>(method: Method, path: &str, why: &str, now: Timestamp) -> Asked<T> {
    let Called { attempt, outcome } = not_made(method, path, why, now);
    Asked { attempt, answer: Err(outcome) }
}

/// A call that isn't made: what is to stand in its path can't.
pub fn not_an_id(wish: &Wish, now: Timestamp) -> Called {
    not_made(wish.method.clone(), &wish.path, "this can't be a contact's id", now)
}

/// What a call without an answer came to.
pub fn unanswered(none: NoAnswer) -> Outcome {
    match none {
        NoAnswer::NotYet(until) => Outcome::NotYet { until },
        NoAnswer::Refused(refused) => judge::undone(Ruling::Refused, refused.to_string(), None),
        NoAnswer::NotSent(why) => judge::undone(Ruling::Later, why, None),
        NoAnswer::InDoubt(why) => judge::undone(Ruling::InDoubt, why, None),
    }
}

/// The first part of an answer as text. A provider may quote our own credential back at us, so it is taken out first;
/// NUL goes too, since not every database can keep it.
pub fn shown(body: &[u8], token: &Secret) -> String {
    let text = redact(&String::from_utf8_lossy(body), token).replace('\0', "\u{fffd}");
    cut(&text, SHOWN).to_owned()
}

/// The messages of `{"errors":[{"code","message"}]}`, else `message`, `error_description` or `error`: what to mend, in the
/// provider's words, after `: `.
pub fn told(body: &[u8], token: &Secret) -> String {
    let Ok(Value::Object(body)) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let errors = body.get("errors").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut messages: Vec<String> = errors.iter().take(4).filter_map(message).collect();
    if messages.is_empty() {
        let plain = ["message", "error_description", "error"].into_iter().find_map(|key| body.get(key)?.as_str());
        messages.extend(plain.filter(|text| !text.is_empty()).map(str::to_owned));
    }
    if messages.is_empty() {
        return String::new();
    }
    format!(": {}", cut(&redact(&messages.join("; "), token), 300))
}

/// The `message` at the top level of an answer.
fn said(body: &[u8]) -> Option<String> {
    let message = serde_json::from_slice::<Value>(body).ok()?.get("message")?.as_str()?.to_owned();
    (!message.is_empty()).then_some(message)
}

/// `customer: This value should be of type numeric.`
fn message(error: &Value) -> Option<String> {
    let message = error.get("message")?.as_str()?;
    match error.get("code").and_then(Value::as_str) {
        // The vendor's head line above every list of errors says nothing.
        Some("invalid_request") => None,
        Some(code) => Some(format!("{code}: {message}")),
        None => Some(message.to_owned()),
    }
}

/// At most `bytes` of `text`, whole characters only.
fn cut(text: &str, bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes)).unwrap_or(text)
}

/// One segment of a path. `None` for what can't be one: nothing at all, and the dots that URLs resolve away even when
/// they are escaped, which would turn `/customers/../tags` into somebody else's address.
pub fn segment(text: &str) -> Option<String> {
    (!matches!(text, "" | "." | "..")).then(|| escaped(text))
}

/// Text as it stands in a path's segment or a query's value.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => escaped.push(char::from(byte)),
            _ => {
                escaped.push('%');
                escaped.push_str(&hex::encode_upper([byte]));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stays_in_its_segment() {
        assert_eq!(segment("1568834").as_deref(), Some("1568834"));
        assert_eq!(segment("a/../b?c#d e%ñ").as_deref(), Some("a%2F..%2Fb%3Fc%23d%20e%25%C3%B1"));
        for nowhere in ["", ".", ".."] {
            assert_eq!(segment(nowhere), None, "{nowhere:?}");
        }
    }

    #[test]
    fn what_is_shown_of_an_answer_is_short_and_holds_no_secret() {
        let body = format!("{}hunter2-key\0{}", "é".repeat(1020), "x".repeat(5000));
        let shown = shown(body.as_bytes(), &Secret::new("hunter2-key"));
        assert!(shown.len() <= SHOWN && !shown.contains("hunter2") && !shown.contains('\0'));
        assert!(shown.contains("[secret]"));
    }

    #[test]
    fn the_vendors_messages_are_part_of_the_reason() {
        let body = br#"{"errors":[{"code":"invalid_request","message":"Invalid request"},
            {"code":"customer","message":"This value should be of type numeric."},{"code":"key","message":"k-secret is bad"}]}"#;
        let reason = told(body, &Secret::new("k-secret"));
        assert_eq!(reason, ": customer: This value should be of type numeric.; key: [secret] is bad");
        for (body, reason) in [
            (r#"{"status":"error","message":"API Token is invalid."}"#, ": API Token is invalid."),
            (r#"{"error":"invalid_token","error_description":"a-key is no token"}"#, ": [secret] is no token"),
            (r#"{"error":"unauthorized"}"#, ": unauthorized"),
            (r#"{"message":{"en":"no"}}"#, ""),
        ] {
            assert_eq!(told(body.as_bytes(), &Secret::new("a-key")), reason);
        }
        assert_eq!(
            told(br#"{"code":400,"message":"Validation error for k-secret"}"#, &Secret::new("k-secret")),
            ": Validation error for [secret]"
        );
        for silent in ["", "[]", "{\"errors\":{}}", "<html>"] {
            assert_eq!(told(silent.as_bytes(), &Secret::new("k")), "");
        }
    }
}
