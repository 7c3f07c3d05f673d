//! Vendors' webhooks, sent as they send them: signed, read, judged and delivered.

use serde_json::json;

use crate::support::command::run_with;
use crate::support::gateway::{Gateway, Setup, vendors};

const OTHERS: &str = r#"sources:
  b2chat: { kind: b2chat, auth: { query: { name: token, value: env:BOT_SECRET } }, dedupe: "{{ payload.chat.chat_id }}" }
  zendesk: { kind: zendesk, auth: { secret: [env:BOT_PASSWORD, env:BOT_SECRET] } }
"#;

const RULES: &str = "connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY }
rules:
  - id: price
    match: { source: [helpcrunch, respond-io, chatwoot, intercom], text: { contains: cuesta } }
  - id: lead
    match: { source: helpcrunch, type: message.chat.customer }
    tag: { crm: { add: [Lead] } }
  - id: closed
    match: { source: b2chat, type: chat_closed }
  - id: vip
    match: { source: zendesk, type: user.tags_changed }
  - id: pro
    match: { source: typeform, params: { plan: pro, budget: 6000 } }
  - id: commented
    match: { source: github, type: issue_comment.created }
  - id: paid
    match: { source: stripe, type: checkout.session.completed, language: es, params: { payment_status: paid } }
";

fn rules_file() -> String {
    let kinds = ["helpcrunch", "respond-io", "chatwoot", "intercom", "typeform", "github", "stripe"];
    format!("{OTHERS}{}{RULES}", vendors(&kinds))
}

/// What `tagrelay send` of the kind's own body is answered, and with which status it ends.
fn send(gateway: &Gateway, source: &str, secret: &str) -> (i32, serde_json::Value, String) {
    send_with(gateway, source, secret, &[])
}

/// The same with headers that are given by hand.
fn send_with(gateway: &Gateway, source: &str, secret: &str, headers: &[&str]) -> (i32, serde_json::Value, String) {
    let url = format!("http://{}", gateway.address);
    let secrets = [("BOT_SECRET", secret), ("BOT_PASSWORD", secret), ("CRM_KEY", "unused")];
    let mut args = vec!["send", source, "--url", &url, "--rules", "rules"];
    args.extend(headers.iter().flat_map(|header| ["--header", *header]));
    let sent = run_with(gateway.setup.folder(), &args, &secrets, b"");
    (sent.status, serde_json::from_str(&sent.out).unwrap_or_default(), sent.err)
}

#[test]
fn each_vendor_is_known_by_its_own_proof_read_and_judged() {
    let gateway = Setup::bare(&rules_file()).set("BOT_SECRET", "levadura-42").start();
    let fired = [
        ("helpcrunch", json!(["price", "lead"])),
        ("respond-io", json!(["price"])),
        ("b2chat", json!(["closed"])),
        ("chatwoot", json!(["price"])),
        ("intercom", json!(["price"])),
        ("zendesk", json!(["vip"])),
        ("typeform", json!(["pro"])),
        ("github", json!(["commented"])),
        ("stripe", json!(["paid"])),
    ];
    for (source, rules) in &fired {
        let (status, answer, err) = send(&gateway, source, "levadura-42");
        assert_eq!(
            (status, &answer["rules"], &answer["duplicate"]),
            (0, rules, &json!(false)),
            "{source}: {answer} {err}"
        );
    }
    let (_, again, _) = send(&gateway, "stripe", "levadura-42");
    assert_eq!((&again["rules"], &again["duplicate"]), (&json!(["paid"]), &json!(true)));
    let (status, _, err) = send(&gateway, "stripe", "another");
    assert!(status == 1 && err.contains("401"), "{err}");
    // The customer is known at HelpCrunch by the id that the message has.
    gateway.settled_event("1");
    assert_eq!(gateway.contact_in_sandbox(8_745_474), Some(vec!["Lead".to_owned()]));
}

#[test]
fn a_look_whether_anybody_is_there_is_answered_and_kept_nowhere() {
    let gateway = Setup::bare(&rules_file()).set("BOT_SECRET", "levadura-42").start();
    let answer = gateway.call("HEAD", "/hooks/intercom", &[], b"");
    assert_eq!((answer.status, answer.text().as_str()), (200, ""));
    assert_eq!(gateway.call("HEAD", "/hooks/stripe", &[], b"").status, 405);
    assert!(gateway.events().is_empty());
}

#[test]
fn what_is_given_to_send_by_hand_has_the_last_word() {
    let gateway = Setup::bare(&rules_file()).set("BOT_SECRET", "levadura-42").start();
    let headers = ["X-GitHub-Event: issues", "X-GitHub-Delivery: d-1"];
    let (status, answer, err) = send_with(&gateway, "github", "levadura-42", &headers);
    assert_eq!((status, &answer["duplicate"]), (0, &json!(false)), "{answer} {err}");
    let event = &gateway.events()[0];
    assert_eq!((&event["type"], &event["key"]), (&json!("issues.created"), &json!("d-1")));
    let (_, again, _) = send_with(&gateway, "github", "levadura-42", &headers);
    assert_eq!(again["duplicate"], json!(true), "{again}");
    let (status, _, err) = send_with(&gateway, "github", "levadura-42", &["X-Hub-Signature-256: sha256=00"]);
    assert!(status == 1 && err.contains("401"), "{err}");
}
