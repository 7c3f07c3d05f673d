//! Any address that takes a POST with JSON: Zapier's catch hooks, Make, n8n, a program of one's own.
//!
//! Headers follow Standard Webhooks: `webhook-id` (the same at every try, so that a receiver knows a repetition),
//! `webhook-timestamp`, and with a signing secret `webhook-signature`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use sha2::Sha256;

use super::addresses::{AddressPolicy, check_literal};
use super::api::{self, Wish, blank};
use super::connect::{ConnectError, open_all};
use super::judge::{self, Row, Ruling, row};
use super::outbound::{Call, Outbound};
use super::outcome::{Called, Outcome};
use super::redact::redact;
use crate::domain::connection::ConnectionConfig;
use crate::domain::json::OwnedJson;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::vault::{LiveSecret, Vault};

/// What a receiver's statuses mean; Standard Webhooks says so of 2xx, 410, 429, 502 and 504.
const TABLE: [Row; 11] = [
    row(200, 299, Ruling::Done, "done"),
    // Redirects aren't followed: the body would go to an address that nobody configured.
    row(300, 399, Ruling::Refused, "the address redirects elsewhere: is url right?"),
    row(401, 401, Ruling::Refused, "the receiver wants another proof"),
    row(403, 403, Ruling::Refused, "the receiver doesn't let us in"),
    row(408, 408, Ruling::InDoubt, "the receiver gave up waiting"),
    row(410, 410, Ruling::Dead, "the hook is gone"),
    row(425, 425, Ruling::Later, "too early"),
    row(429, 429, Ruling::Throttled, "too many requests"),
    row(400, 499, Ruling::Dead, "the receiver refuses this body"),
    row(500, 599, Ruling::InDoubt, "the receiver failed"),
    row(0, u16::MAX, Ruling::InDoubt, "a status that HTTP doesn't know"),
];

/// An address that takes bodies.
#[derive(Debug, Clone)]
pub struct Webhook {
    outbound: Outbound,
    url: LiveSecret,
    signing: Option<LiveSecret>,
}

impl Webhook {
    /// Opens the address and the signing secret; nothing is called yet. Neither is ever shown: who knows a hook's address may
    /// send to it.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let mut secrets = open_all(config, vault)?;
        let signing = config.secrets.iter().find(|(key, _)| *key == "signing_secret");
        let signing = signing
            .map(|(_, secret)| vault.open(secret))
            .transpose()
            .map_err(|error| ConnectError::Credentials { connection: config.name.clone(), missing: vec![error] })?;
        let wrong = |why: &str| ConnectError::Setting { connection: config.name.clone(), why: why.to_owned() };
        let url = secrets.pop().ok_or_else(|| wrong("there is no url"))?;
        if address(&url.current()).is_none() {
            return Err(wrong("url is no address that begins with https:// or http://"));
        }
        if signing.as_ref().is_some_and(|secret| key(&secret.current()).is_none()) {
            return Err(wrong("signing_secret is not a key in base64, as in whsec_..."));
        }
        let policy = if config.allow_private { AddressPolicy::Any } else { AddressPolicy::PublicOnly };
        let outbound = Outbound::new(config.timeout, policy)
            .map_err(|source| ConnectError::Client { connection: config.name.clone(), source })?;
        Ok(Self { outbound, url, signing })
    }

    /// One for an address that no rule file names, through a client that it shares with others.
    pub fn to(outbound: &Outbound, url: Secret, signing: Secret) -> Self {
        let signing = Some(LiveSecret::fixed(signing));
        Self { outbound: outbound.clone(), url: LiveSecret::fixed(url), signing }
    }

    /// Its way out.
    pub(super) fn outbound_mut(&mut self) -> &mut Outbound {
        &mut self.outbound
    }

    /// `POST` with the body as it is.
    pub async fn forward(&self, id: &str, body: &OwnedJson, now: Timestamp) -> Called {
        let url = self.url.current();
        let wish = Wish { method: Method::POST, path: place(&url), body: Some(body.to_value()) };
        let mut attempt = blank(&wish, now);
        let Some(address) = address(&url) else {
            let outcome = Outcome::Refused { reason: "url is no address any more".to_owned() };
            return Called { attempt, outcome }.told();
        };
        let parts = [address.path().to_owned(), address.query().unwrap_or_default().to_owned()];
        let text = body.json().text().to_owned();
        let headers = self.headers(id, &text, now);
        let call = Call { method: Method::POST, url: address, headers, body: Some(text) };
        let outcome = match self.outbound.send_for(&mut attempt, call).await {
            Ok(answer) => {
                attempt.answer = api::shown(&answer.body, &url);
                // Receivers like to tell which path they don't know, and the path is what must stay secret.
                for part in parts.into_iter().filter(|part| part.len() > 1) {
                    attempt.answer = redact(&attempt.answer, &Secret::new(&part));
                }
                let (ruling, why) = judge::judge(&TABLE, answer.status);
                let after = answer.retry_after.as_deref().and_then(|text| judge::retry_after(text, now));
                match ruling {
                    // What a receiver answers is its own affair: the status says that it has taken the body.
                    Ruling::Done => Outcome::Done { tags: None },
                    ruling => judge::undone(ruling, format!("{why} ({})", answer.status), after),
                }
            }
            Err(none) => api::unanswered(none),
        };
        Called { attempt, outcome }.told()
    }

    fn headers(&self, id: &str, body: &str, now: Timestamp) -> HeaderMap {
        let timestamp = now.seconds().to_string();
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        let signature = self.signing.as_ref().and_then(|secret| {
            let mut mac = Hmac::<Sha256>::new_from_slice(&key(&secret.current())?).ok()?;
            mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
            Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
        });
        let named = [
            ("webhook-id", Some(id.to_owned())),
            ("webhook-timestamp", Some(timestamp)),
            ("webhook-signature", signature),
        ];
        for (name, value) in named {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        headers
    }
}

/// Where it goes, for people: the host alone. Who knows the rest may send there.
pub fn place(url: &Secret) -> String {
    let Some(url) = address(url) else { return "***".to_owned() };
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}{port}/***", url.host_str().unwrap_or_default())
}

/// Why a body can't be sent to this address, as far as that can be told without asking for its name.
pub fn refused(url: &Secret, policy: AddressPolicy) -> Option<String> {
    match address(url) {
        None => Some("expected an address that starts with https:// or http://".to_owned()),
        Some(url) => check_literal(&url, policy).err().map(|refused| format!("{} is {}", refused.host, refused.what)),
    }
}

fn address(url: &Secret) -> Option<Url> {
    let url = Url::parse(url.expose().trim()).ok()?;
    (matches!(url.scheme(), "http" | "https") && url.host_str().is_some()).then_some(url)
}

/// The key of a Standard Webhooks secret: base64, after `whsec_` where that is there.
fn key(secret: &Secret) -> Option<Vec<u8>> {
    let text = secret.expose().trim();
    let key = STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text)).ok()?;
    (!key.is_empty()).then_some(key)
}
