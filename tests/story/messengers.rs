//! Messengers: what each asks before its first event, how it proves itself, and what it reads back.

use std::collections::HashMap;

use serde_json::{Value, json};
use tagrelay::clock;
use tagrelay::rules::{self, RuleFile};
use tagrelay::sources::Source;
use tagrelay::vault::Vault;

use crate::support::command::run_with;
use crate::support::gateway::{Gateway, PASSWORD, SIGNING_SECRET, Setup, vendors};
use crate::support::http::Answer;

const META: &str = "sources:
  meta: { kind: meta, auth: { secret: env:BOT_SECRET }, verify_token: env:BOT_PASSWORD }
";

const RULES: &str = r#"connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY }
rules:
  - id: words
    match: { source: [telegram, slack, viber, twilio] }
    when: text contains "precio" or type == "conversation_started"
    reply: "«{{ text | default(\"hola\") }}» & más"
  - id: from-meta
    match: { source: [meta, line], type: message }
    contact_at: { crm: { phone: "+{{ contact }}", create: true } }
    tag: { crm: { add: [Wrote] } }
"#;

fn rules_file() -> String {
    format!("{META}{}{RULES}", vendors(&["telegram", "line", "viber", "slack", "twilio"]))
}

/// A vendor with the secret that the gateway knows, and with our way to sign, which the reference tests hold against theirs.
struct Vendor<'g> {
    gateway: &'g Gateway,
    source: Source,
}

impl<'g> Vendor<'g> {
    fn of(gateway: &'g Gateway, name: &str) -> Self {
        let files = [RuleFile { path: "rules.yaml".to_owned(), text: rules_file() }];
        let checked = rules::check(&files);
        let told = || rules::report::text(&checked.findings, &files, false);
        let catalog = checked.catalog.as_ref().unwrap_or_else(|| panic!("{}", told()));
        let config = catalog.sources().find(|source| source.name.as_str() == name).expect("a source");
        let secrets = ["BOT_SECRET", "BOT_PASSWORD"].map(|name| (name.to_owned(), SIGNING_SECRET.to_owned()));
        let vault = Vault::new(HashMap::from(secrets), None);
        Self { gateway, source: Source::open(config, &vault).expect("its secrets are there") }
    }

    fn path(&self) -> String {
        format!("/hooks/{}", self.source.config().name)
    }

    /// Posts `sent` with the proof that belongs to `signed`.
    fn post_instead(&self, signed: &[u8], sent: &[u8], content_type: &str) -> Answer {
        // The address as the gateway sees it: `call` says that its host is `gateway`.
        let url = format!("http://gateway{}", self.path());
        let proof = self.source.proof(clock::now(), &url, signed, "msg_1");
        let mut path = self.path();
        path.extend(proof.query.iter().map(|(name, value)| format!("?{name}={value}")));
        let mut headers = vec![("Content-Type", content_type)];
        headers.extend(proof.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        self.gateway.call("POST", &path, &headers, sent)
    }

    fn post(&self, body: &[u8], content_type: &str) -> Answer {
        self.post_instead(body, body, content_type)
    }

    fn json(&self, body: &Value) -> Answer {
        self.post(body.to_string().as_bytes(), JSON)
    }

    /// The same a stranger would send, whose proof is of something else.
    fn forged(&self, body: &Value) -> Answer {
        self.post_instead(b"{\"other\":1}", body.to_string().as_bytes(), JSON)
    }
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

#[test]
fn meta_asks_for_the_token_and_sends_several_events_a_body() {
    let gateway = Setup::bare(&rules_file()).start();
    let meta = Vendor::of(&gateway, "meta");
    let ask = |query: &str| gateway.call("GET", &format!("/hooks/meta?{query}"), &[], b"");
    let greeted = ask(&format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={PASSWORD}"));
    assert_eq!((greeted.status, greeted.text().as_str()), (200, "1158201444"));
    assert_eq!(greeted.header("content-type"), Some("text/plain; charset=utf-8"));
    assert_eq!(ask("hub.mode=subscribe&hub.challenge=1&hub.verify_token=other").status, 401);
    assert_eq!(ask("hub.mode=subscribe&hub.challenge=1").status, 401);

    let message = |id: &str| json!({ "from": "573001112233", "id": id, "type": "text", "text": { "body": "hola" } });
    let value = json!({ "messages": [message("wamid.1"), message("wamid.2")] });
    let body = json!({ "object": "whatsapp_business_account",
                       "entry": [{ "id": "1", "changes": [{ "field": "messages", "value": value }] }] });
    assert_eq!(meta.forged(&body).status, 401);
    assert_eq!(gateway.events().len(), 0, "nothing that was refused, and no greeting, is stored");
    let answer = meta.json(&body).ok();
    assert_eq!(answer["events"].as_array().map(Vec::len), Some(2), "{answer}");
    assert_eq!(meta.json(&body).ok()["events"][1]["duplicate"], true);
    let event = gateway.settled("wamid.2");
    assert_eq!((&event["type"], &event["changes"][0]["state"]), (&json!("message"), &json!("applied")), "{event}");
}

#[test]
fn slack_asks_first_and_reads_the_answer_to_a_command() {
    let gateway = Setup::bare(&rules_file()).start();
    let slack = Vendor::of(&gateway, "slack");
    let asked = json!({ "token": "old", "challenge": "3eZbrw1aBm2r", "type": "url_verification" });
    assert_eq!(slack.forged(&asked).status, 401);
    let greeted = slack.json(&asked);
    assert_eq!((greeted.status, greeted.text().as_str()), (200, "3eZbrw1aBm2r"));
    assert_eq!(gateway.events().len(), 0);

    let command = b"command=%2Fprecio&text=precio+pro&user_id=U1&channel_id=C1&trigger_id=1.2";
    let answer = slack.post(command, FORM);
    assert_eq!(answer.ok(), json!({ "text": "«precio pro» & más" }));
    assert_eq!(slack.post(command, FORM).body, answer.body, "a repetition reads the same");
    let silent = slack.post(b"command=%2Fotro&text=&user_id=U1&channel_id=C1&trigger_id=1.3", FORM);
    assert_eq!((silent.status, silent.text().as_str()), (200, ""));
    assert_eq!(gateway.event_of("1.2")["intent"], "/precio");
}

#[test]
fn viber_and_line_try_the_address_and_viber_reads_a_welcome() {
    let gateway = Setup::bare(&rules_file()).start();
    let (viber, line) = (Vendor::of(&gateway, "viber"), Vendor::of(&gateway, "line"));
    assert_eq!(viber.json(&json!({ "event": "webhook", "timestamp": 1, "message_token": 7 })).ok(), json!({}));
    assert_eq!(
        line.json(&json!({ "destination": "U1", "events": [] })).ok(),
        json!({ "status": "success", "events": [] })
    );
    assert_eq!(line.forged(&json!({ "destination": "U1", "events": [] })).status, 401);
    assert_eq!(gateway.events().len(), 0);

    let opened =
        json!({ "event": "conversation_started", "message_token": 8, "user": { "id": "A=", "language": "uk" } });
    assert_eq!(viber.json(&opened).ok(), json!({ "type": "text", "text": "«hola» & más" }));
    let said = json!({ "destination": "U1", "events": [{ "type": "message", "webhookEventId": "01H", "source": { "userId": "57300" },
                       "message": { "type": "text", "id": "1", "text": "hola" } }] });
    assert_eq!(line.json(&said).ok()["events"][0]["rules"], json!(["from-meta"]));
    assert_eq!(line.json(&said).ok()["events"][0]["duplicate"], true);
}

#[test]
fn telegram_is_answered_with_a_call_of_its_api() {
    let gateway = Setup::bare(&rules_file()).start();
    let telegram = Vendor::of(&gateway, "telegram");
    let update =
        json!({ "update_id": 1, "message": { "text": "precio", "from": { "id": 7 }, "chat": { "id": -100_123 } } });
    let call = json!({ "method": "sendMessage", "chat_id": -100_123, "text": "«precio» & más" });
    assert_eq!(telegram.json(&update).ok(), call);
    let other = json!({ "update_id": 2, "message": { "text": "hola", "from": { "id": 7 }, "chat": { "id": 7 } } });
    assert_eq!(telegram.json(&other).ok(), json!({}));
    let headers = [("X-Telegram-Bot-Api-Secret-Token", "other"), ("Content-Type", JSON)];
    assert_eq!(gateway.call("POST", "/hooks/telegram", &headers, update.to_string().as_bytes()).status, 401);
    assert_eq!(gateway.events().len(), 2);
    let kept = gateway.event_of("1").to_string();
    assert!(!kept.contains(SIGNING_SECRET), "the secret is never stored");
}

#[test]
fn twilio_signs_address_and_fields_and_reads_twiml() {
    let gateway = Setup::bare(&rules_file()).start();
    let twilio = Vendor::of(&gateway, "twilio");
    let body: &[u8] = b"MessageSid=SM1&From=whatsapp%3A%2B573001112233&Body=precio+%3Cpro%3E&NumMedia=0";
    let answer = twilio.post(body, FORM);
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/xml; charset=utf-8")));
    let xml = r#"<?xml version="1.0" encoding="UTF-8"?><Response><Message>«precio &lt;pro&gt;» &amp; más</Message></Response>"#;
    assert_eq!(answer.text(), xml);
    assert_eq!(gateway.event_of("SM1")["type"], "message");
    let silent = twilio.post(b"MessageSid=SM1&MessageStatus=delivered&To=%2B1555", FORM);
    assert_eq!(silent.text(), r#"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#);

    let changed = b"MessageSid=SM2&From=whatsapp%3A%2B573001112233&Body=precio&NumMedia=0";
    assert_eq!(twilio.post_instead(body, changed, FORM).status, 401);
    assert_eq!(twilio.post_instead(body, body, JSON).status, 401, "what isn't read as a form isn't signed as one");
    let stream = br#"[{"type":"com.twilio.messaging.inbound-message.received","id":"EZ1","data":{"body":"precio"}}]"#;
    assert_eq!(twilio.post(stream, JSON).status, 200);
    let touched = br#"[{"type":"com.twilio.messaging.inbound-message.received","id":"EZ2","data":{"body":"precio"}}]"#;
    assert_eq!(twilio.post_instead(stream, touched, JSON).status, 401);
}

#[test]
fn send_signs_as_each_messenger_does() {
    let gateway = Setup::bare(&rules_file()).start();
    let folder = gateway.setup.folder();
    let url = format!("http://{}", gateway.address);
    let secrets = [("BOT_SECRET", SIGNING_SECRET), ("BOT_PASSWORD", PASSWORD)];
    for kind in ["meta", "telegram", "line", "viber", "slack", "twilio"] {
        let sent = run_with(folder, &["send", kind, "--url", &url, "--rules", "rules"], &secrets, b"");
        assert_eq!(sent.status, 0, "{kind}: {sent:?}");
    }
    assert_eq!(gateway.events().len(), 6);
}
