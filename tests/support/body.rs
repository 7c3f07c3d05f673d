//! Bodies as Dialogflow ES sends them, and the proofs that go with them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// A webhook request of Dialogflow ES: what one person said to the bot.
#[derive(Debug, Clone)]
pub struct Said {
    pub key: String,
    pub contact: u64,
    pub intent: String,
    pub params: Value,
    pub language: String,
}

/// `contact` said something that the bot understood as `intent`; `key` names the request.
pub fn said(key: &str, contact: u64, intent: &str) -> Said {
    let (key, intent, language) = (key.to_owned(), intent.to_owned(), "es".to_owned());
    Said { key, contact, intent, params: json!({}), language }
}

impl Said {
    pub fn with(mut self, params: Value) -> Self {
        self.params = params;
        self
    }

    pub fn body(&self) -> Vec<u8> {
        let body = json!({
            "responseId": self.key,
            "session": format!("projects/school/agent/sessions/{}", self.contact),
            "queryResult": {
                "queryText": "what was said",
                "languageCode": self.language,
                "parameters": self.params,
                "intent": { "name": "projects/school/agent/intents/1", "displayName": self.intent },
                "intentDetectionConfidence": 0.9,
            },
            "originalDetectIntentRequest": { "source": "website", "payload": { "helpcrunch_id": self.contact } },
        });
        body.to_string().into_bytes()
    }
}

/// `Authorization` of HTTP Basic.
pub fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// The three headers of Standard Webhooks.
pub fn standard_webhooks(secret: &str, id: &str, at: i64, body: &[u8]) -> Vec<(String, String)> {
    let key = STANDARD.decode(secret.trim_start_matches("whsec_")).expect("the test's secret is base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    vec![
        ("webhook-id".to_owned(), id.to_owned()),
        ("webhook-timestamp".to_owned(), at.to_string()),
        ("webhook-signature".to_owned(), format!("v1,{signature}")),
    ]
}

/// Now, in Unix seconds.
pub fn now() -> i64 {
    tagrelay::clock::now().millis() / 1000
}
