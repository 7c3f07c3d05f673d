//! Tokens: `POST /oauth/token` with HTTP Basic (b2chat.gitbook.io/b2chat-platform-api-docs/api-access). Asked again before its
//! end, the same token comes back with the time that is left.

use std::collections::VecDeque;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::Access;
use super::super::dice::Dice;
use super::super::request::{Reply, Request};
use super::errors::Wrong;
use crate::domain::time::Timestamp;

/// "Valid 24 h".
const DAY: u64 = 86_400;
/// How many tokens are remembered, ended ones among them.
const MOST: usize = 1000;

/// The tokens of an account.
#[derive(Debug)]
pub struct Tokens {
    /// How long a new one lives, in seconds.
    pub lives: u64,
    /// Text and end; the last is the newest.
    given: VecDeque<(String, Timestamp)>,
    count: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self { lives: DAY, given: VecDeque::new(), count: 0 }
    }
}

impl Tokens {
    /// Answers `POST /oauth/token`.
    pub fn answer(&mut self, request: &Request, access: &Access, now: Timestamp) -> Result<Reply, Wrong> {
        let basic = request.header("authorization").and_then(|a| a.strip_prefix("Basic "));
        let decoded = basic.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
        let known = decoded.as_deref().and_then(|pair| pair.split_once(':')).is_some_and(|(username, password)| {
            !username.is_empty()
                && match access {
                    Access::Key(key) => password == key,
                    Access::AnyKey => !password.is_empty(),
                }
        });
        if !known {
            return Err(Wrong::credentials());
        }
        let form = request.header("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"));
        if !form || request.body != b"grant_type=client_credentials" {
            return Err(Wrong::body("unsupported_grant_type"));
        }
        let newest = self.given.back().filter(|(_, ends)| *ends > now).cloned();
        let (token, ends) = newest.unwrap_or_else(|| self.give(now));
        let left = ends.since(now) / 1000;
        let answer = json!({ "access_token": token, "token_type": "bearer", "expires_in": left, "scope": "all" });
        Ok(Reply::json(200, answer))
    }

    /// Whether a call with this bearer is let in. A token of a real account, which was never given out here, is one where any
    /// key is welcome; so is the sandbox's own key, for connections with a fixed `token`.
    pub fn admits(&self, bearer: &str, access: &Access, now: Timestamp) -> bool {
        match self.given.iter().find(|(token, _)| token == bearer) {
            Some((_, ends)) => *ends > now,
            None => match access {
                Access::Key(key) => bearer == key,
                Access::AnyKey => !bearer.is_empty(),
            },
        }
    }

    /// All tokens end now.
    pub fn end(&mut self, now: Timestamp) {
        for (_, ends) in &mut self.given {
            *ends = (*ends).min(now);
        }
    }

    /// What there is to see: never a token itself.
    pub fn shown(&self, now: Timestamp) -> Value {
        let left = self.given.back().map_or(0, |(_, ends)| ends.since(now).max(0) / 1000);
        json!({ "given": self.count, "seconds": self.lives, "left": left })
    }

    fn give(&mut self, now: Timestamp) -> (String, Timestamp) {
        self.count += 1;
        let mut dice = Dice::new(now.0.unsigned_abs() ^ (self.count << 48));
        let token = format!("{:016x}-{:016x}", dice.next(), dice.next());
        let ends = now.plus(std::time::Duration::from_secs(self.lives));
        if self.given.len() == MOST {
            self.given.pop_front();
        }
        self.given.push_back((token.clone(), ends));
        (token, ends)
    }
}
