//! B2Chat's bearer token: `POST /oauth/token` with HTTP Basic and client credentials, kept in memory, renewed before it ends
//! (b2chat.gitbook.io/b2chat-platform-api-docs/api-access).
//!
//! Asked again before its end, B2Chat gives the same token with the time that is left. A renewal may therefore bring nothing
//! new, and whoever asks for one asks once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::providers::api::{self, Wish, blank};
use crate::providers::judge::{self, Row, Ruling, row};
use crate::providers::outbound::{Answer, Call, Extent, Outbound};
use crate::providers::outcome::{Called, Outcome};
use crate::providers::redact::redact;
use crate::vault::LiveSecret;

/// What the token's address answers. Whatever it says, the contact's own call was not made: nothing is in doubt.
const TABLE: [Row; 7] = [
    row(200, 299, Ruling::Done, "done"),
    row(300, 399, Ruling::Refused, "the address redirects elsewhere: is base_url right?"),
    row(408, 408, Ruling::Later, "the provider gave up waiting"),
    row(429, 429, Ruling::Throttled, "too many requests"),
    // RFC 6749 says 400 and 401 of credentials that don't hold; clients of B2Chat take 401 and 403 for it.
    row(400, 499, Ruling::Refused, "credentials refused"),
    row(500, 599, Ruling::Later, "the provider failed"),
    row(0, u16::MAX, Ruling::Later, "a status that HTTP doesn't know"),
];

/// A token is renewed this long before its end, or when half of its life is over where it lives shorter than that.
const AHEAD: Duration = Duration::from_mins(1);
/// A token whose answer says nothing of its end. Documented is a day.
const UNTOLD: u64 = 300;
/// A longer life than this isn't believed.
const LONGEST: u64 = 30 * 86_400;
/// A token that was fetched just now is used at least this long: else each of many waiting calls would fetch one at its end.
const LEAST: Duration = Duration::from_secs(1);

/// Where bearer tokens come from.
#[derive(Debug, Clone)]
pub enum Tokens {
    /// The rule file names one.
    Fixed(LiveSecret),
    /// They are fetched with a username and a password.
    Fetched(Arc<Desk>),
}

/// A token for one call.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token itself.
    pub secret: Secret,
    /// Whether it was fetched for this call.
    pub is_new: bool,
    /// Which fetch it came from; a token may come again.
    nth: u64,
}

/// The place where one token at a time is fetched, for all calls that wait.
#[derive(Debug)]
pub struct Desk {
    base_url: String,
    username: LiveSecret,
    password: LiveSecret,
    /// How many fetches have ended, well or not.
    ended: AtomicU64,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    token: Option<(Secret, Timestamp)>,
    failure: Option<Called>,
}

impl Tokens {
    /// Tokens that are fetched below `base_url`.
    pub fn fetched(base_url: String, username: LiveSecret, password: LiveSecret) -> Self {
        let (ended, held) = (AtomicU64::new(0), Mutex::default());
        Self::Fetched(Arc::new(Desk { base_url, username, password, ended, held }))
    }

    /// The token that is good now; the attempt of the token's own call where there is none. That call goes out through `outbound`, so
    /// that it counts as one of whoever needs the token.
    pub async fn current(&self, outbound: &Outbound, now: Timestamp) -> Result<Token, Called> {
        match self {
            Self::Fixed(token) => Ok(Token { secret: token.current(), is_new: false, nth: 0 }),
            Self::Fetched(desk) => desk.token(None, outbound, now).await,
        }
    }

    /// A token to try again with after `refused` was; `None` where there can't be another.
    pub async fn after(&self, refused: &Token, outbound: &Outbound, now: Timestamp) -> Option<Result<Token, Called>> {
        match self {
            Self::Fixed(_) => None,
            Self::Fetched(desk) => Some(desk.token(Some(refused.nth), outbound, now).await),
        }
    }
}

impl Desk {
    async fn token(&self, refused: Option<u64>, outbound: &Outbound, now: Timestamp) -> Result<Token, Called> {
        let ended = self.ended.load(Ordering::Acquire);
        let mut held = self.held.lock().await;
        let nth = self.ended.load(Ordering::Acquire);
        // Whoever waited while another fetched has that one's answer, good or bad.
        if let Some(failure) = held.failure.as_ref().filter(|_| nth != ended) {
            return Err(failure.clone());
        }
        let good = |(_, until): &&(Secret, Timestamp)| refused.map_or(*until > now, |refused| refused != nth);
        if let Some((secret, _)) = held.token.as_ref().filter(good) {
            return Ok(Token { secret: secret.clone(), is_new: false, nth });
        }
        let fetched = self.fetch(outbound, now).await;
        self.ended.store(nth + 1, Ordering::Release);
        match fetched {
            Ok((secret, lives)) => {
                let ahead = AHEAD.min(lives / 2);
                let until = now.plus(lives.saturating_sub(ahead).max(LEAST));
                *held = Held { token: Some((secret.clone(), until)), failure: None };
                Ok(Token { secret, is_new: true, nth: nth + 1 })
            }
            Err(called) => {
                *held = Held { token: None, failure: Some(called.clone()) };
                Err(called)
            }
        }
    }

    /// One call of the token's address: the token and for how long it is good.
    async fn fetch(&self, outbound: &Outbound, now: Timestamp) -> Result<(Secret, Duration), Called> {
        let wish = Wish {
            method: Method::POST,
            path: "/oauth/token".to_owned(),
            body: Some(json!({ "grant_type": "client_credentials" })),
        };
        let mut attempt = blank(&wish, now);
        let failed = |attempt, outcome| Called { attempt, outcome }.told();
        let password = self.password.current();
        let basic = STANDARD.encode(format!("{}:{}", self.username.current().expose(), password.expose()));
        let Some(call) = self.call(&basic) else {
            let reason = "base_url leads to no address".to_owned();
            return Err(failed(attempt, Outcome::Refused { reason }));
        };
        let answer = match outbound.send_for(&mut attempt, call).await {
            Ok(answer) => answer,
            Err(none) => return Err(failed(attempt, nothing_done(api::unanswered(none)))),
        };
        let (ruling, why) = judge::judge(&TABLE, answer.status);
        if ruling != Ruling::Done {
            let basic = Secret::new(&basic);
            attempt.answer = redact(&api::shown(&answer.body, &password), &basic);
            let told = redact(&api::told(&answer.body, &password), &basic);
            let after = answer.retry_after.as_deref().and_then(|text| judge::retry_after(text, now));
            let reason = format!("POST /oauth/token: {why} ({}{told})", answer.status);
            return Err(failed(attempt, nothing_done(judge::undone(ruling, reason, after))));
        }
        // An answer of success holds a token: it is never shown, not even where it can't be read.
        read(&answer).ok_or_else(|| {
            let reason = "POST /oauth/token: the answer holds no token: is base_url right?".to_owned();
            failed(attempt, judge::undone(Ruling::Later, reason, None))
        })
    }

    fn call(&self, basic: &str) -> Option<Call> {
        let url = Url::parse(&format!("{}/oauth/token", self.base_url)).ok()?;
        let mut authorization = HeaderValue::from_str(&format!("Basic {basic}")).ok()?;
        authorization.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization);
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        Some(Call { method: Method::POST, url, headers, body: Some("grant_type=client_credentials".to_owned()) })
    }
}

/// A failure to get a token says nothing about the contact's call, which was not made.
fn nothing_done(outcome: Outcome) -> Outcome {
    match outcome {
        Outcome::Retry { reason, after, throttled, .. } => {
            let named = reason.starts_with("POST /oauth/token");
            let reason = if named { reason } else { format!("POST /oauth/token: {reason}") };
            Outcome::Retry { reason, after, throttled, in_doubt: false }
        }
        other => other,
    }
}

/// `{"access_token":"4ba550ac-...","token_type":"bearer","expires_in":86195,"scope":"all"}`
fn read(answer: &Answer) -> Option<(Secret, Duration)> {
    if answer.extent != Extent::Whole {
        return None;
    }
    let body: Value = serde_json::from_slice(&answer.body).ok()?;
    let token = body.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    let told = body.get("expires_in");
    let seconds = told.and_then(|told| told.as_u64().or_else(|| told.as_str()?.parse().ok()));
    Some((Secret::new(token), Duration::from_secs(seconds.unwrap_or(UNTOLD).min(LONGEST))))
}
