//! Slack: the shapes are those of the vendor's reference of events and interaction payloads, and of the types in bolt-js.

use super::*;

const USER: Told = Told { contact: "U2147483697", ..NOTHING };
const SALES: Told = Told { session: "C0LAN2Q65", ..USER };

#[rustfmt::skip]
const ROWS: [Row; 13] = [
    ("url_verification", &[Told { kind: "url_verification", ..NOTHING }]),
    ("message", &[Told { kind: "message", text: "¿precio?", session: "D024BE91L", params: "/event", key: "Ev0PAN01", ..USER }]),
    ("app_mention", &[Told { kind: "app_mention", text: "<@U0BOT> precio pro", params: "/event", key: "Ev0PAN02", ..SALES }]),
    ("bot_message", &[Told { kind: "message.bot_message", contact: "U0BOT", params: "/event", key: "Ev0PAN03", ..SALES }]),
    ("message_changed", &[Told { kind: "message.message_changed", text: "precio max", params: "/event", key: "Ev0PAN04", ..SALES }]),
    ("reaction_added", &[Told { kind: "reaction_added", params: "/event", key: "Ev0PAN05", ..SALES }]),
    ("team_join", &[Told { kind: "team_join", contact: "U0NEW", params: "/event", key: "Ev0PAN06", ..NOTHING }]),
    ("rate_limited", &[Told { kind: "app_rate_limited", ..NOTHING }]),
    ("slash_command", &[Told { kind: "slash_command", intent: "/precio", text: "pro mañana", params: SLASH, key: "13345224609.738474920.8088930838d88f008e0", ..SALES }]),
    ("block_actions", &[Told { kind: "block_actions", intent: "pricing.inquiry", text: "Precios ☕", params: "/actions/0", key: "12321423423.333649436676.d8c1", ..SALES }]),
    ("select", &[Told { kind: "block_actions", intent: "plan", text: "Plan Max", params: "/actions/0", key: "12321423424.333649436676.d8c2", ..SALES }]),
    ("view_submission", &[Told { kind: "view_submission", intent: "lead.form", params: r#"{"budget":{"amount":{"type":"plain_text_input","value":"6000"}}}"#, key: "12321423425.333649436676.d8c3", ..USER }]),
    ("shortcut", &[Told { kind: "shortcut", intent: "new-lead", key: "12321423426.333649436676.d8c4", ..USER }]),
];

const SLASH: &str = r#"{"token":"deprecated-1","team_id":"T061EG9R6","team_domain":"panaderia","channel_id":"C0LAN2Q65",
    "channel_name":"ventas","user_id":"U2147483697","user_name":"ana","command":"/precio","text":"pro mañana",
    "api_app_id":"A0PNCHHK2","is_enterprise_install":"false","response_url":"https://hooks.slack.com/commands/1234/5678",
    "trigger_id":"13345224609.738474920.8088930838d88f008e0"}"#;

#[test]
fn every_request_is_read() {
    assert_rows(SourceKind::Slack, &ROWS);
}
