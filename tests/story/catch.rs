//! Senders that aren't Dialogflow ES: whatever a `catch` source is sent, and Dialogflow CX.

use serde_json::{Value, json};

use crate::support::body::{basic, now, standard_webhooks};
use crate::support::command::run_with;
use crate::support::gateway::{Gateway, PASSWORD, SIGNING_SECRET, Setup};
use crate::support::gestures::changes;
use crate::support::http::Answer;

const RULES: &str = r#"
sources:
  feed:
    kind: catch
    auth: [{ bearer: env:BOT_PASSWORD }, { query: { name: token, value: env:BOT_PASSWORD } }]
    contact: "{{ payload.lead.id }}"
  signed:
    kind: catch
    auth: [{ hmac: standard-webhooks, secret: env:BOT_SECRET }]
    contact: "{{ payload.lead.id }}"
  cx:
    kind: dialogflow-cx
    auth: [{ basic: { username: dialogflow, password: env:BOT_PASSWORD } }]
    contact: "{{ payload.payload.helpcrunch_id }}"
connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY }
rules:
  - id: pro
    match: { source: [feed, signed] }
    when: payload.lead.plan == "pro"
    tag: { crm: { add: [Pro] } }
    reply: "Hola, {{ payload.lead.name | default(\"tú\") }}"
  - id: card
    match: { source: feed }
    when: payload.lead.plan == "card"
    reply: { text: Hola, messages: [{ title: Plan }] }
  - id: words
    match: { source: feed }
    when: text contains "precio"
    reply: "{{ text }}"
  - id: order
    match: { source: cx, type: order, intent: order.bread, params: { bread: masa madre } }
    when: payload.pageInfo.displayName == "Pedido" and confidence >= 0.5
    tag: { crm: { add: [Buyer] } }
    reply: { text: "¡Marchando!", messages: [{ payload: { kind: card } }] }
"#;

fn gateway() -> Gateway {
    Setup::bare(RULES).start()
}

fn send(gateway: &Gateway, method: &str, query: &str, content_type: Option<&str>, body: &str) -> Answer {
    let bearer = format!("Bearer {PASSWORD}");
    let mut headers = vec![("Authorization", bearer.as_str())];
    headers.extend(content_type.map(|value| ("Content-Type", value)));
    gateway.call(method, &format!("/hooks/feed{query}"), &headers, body.as_bytes())
}

const FORM: Option<&str> = Some("application/x-www-form-urlencoded");
const JSON: Option<&str> = Some("application/json");

fn success(id: &str, rules: &Value, reply: &Value) -> Value {
    json!({ "status": "success", "id": id, "rules": rules, "duplicate": false, "reply": reply })
}

#[test]
fn every_form_of_body_is_taken_and_answered_in_the_same_words() {
    let gateway = gateway();
    let pro = |id| success(id, &json!(["pro"]), &json!("Hola, Ana"));
    let body = r#"{"lead":{"id":7,"plan":"pro","name":"Ana"}}"#;
    let answer = send(&gateway, "POST", "", JSON, body);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.ok(), pro("1"));
    assert_eq!(send(&gateway, "PUT", "", None, body).ok(), pro("2"));
    let form = "lead__id=7&lead__plan=pro&lead__name=Ana";
    assert_eq!(send(&gateway, "POST", "", FORM, form).ok(), pro("3"));
    assert_eq!(
        send(&gateway, "POST", "", JSON, r#"{"lead__id":7,"lead__plan":"pro","lead__name":"Ana"}"#).ok(),
        pro("4")
    );
    assert_eq!(send(&gateway, "GET", &format!("?{form}"), None, "").ok(), pro("5"));
    assert_eq!(send(&gateway, "POST", &format!("?{form}"), JSON, "").ok(), pro("6"));
    let words = "¿Qué precio tiene?";
    let answer = send(&gateway, "POST", "", Some("text/plain; charset=utf-8"), words);
    assert_eq!(answer.ok(), success("7", &json!(["words"]), &json!(words)));
    let card = json!({ "text": "Hola", "messages": [{ "title": "Plan" }] });
    assert_eq!(send(&gateway, "POST", "", FORM, "lead__plan=card").ok(), success("8", &json!(["card"]), &card));
    assert_eq!(send(&gateway, "POST", "", JSON, "[[1]]").ok()["events"][0]["rules"], json!([]));
    assert_eq!(send(&gateway, "POST", "", JSON, "7").ok(), success("10", &json!([]), &Value::Null));
    assert_eq!(gateway.api("/events/3")["body"], form, "what came is what is kept");
    let wanted = changes(&gateway.api("/events/5"));
    assert_eq!((wanted.len(), wanted[0].2.as_str()), (1, "Pro"));
}

#[test]
fn a_list_is_as_many_events_each_with_its_own_part_of_the_body() {
    let gateway = gateway();
    let body = r#"[{"lead":{"id":7,"plan":"pro"}}, {"lead":{"id":8,"plan":"free"}}]"#;
    let event = |id: &str, rules: &Value, reply: &Value| json!({ "id": id, "rules": rules, "duplicate": false, "reply": reply });
    let events = json!([event("1", &json!(["pro"]), &json!("Hola, tú")), event("2", &json!([]), &Value::Null)]);
    assert_eq!(send(&gateway, "POST", "", JSON, body).ok(), json!({ "status": "success", "events": events }));
    assert_eq!(gateway.api("/events/2")["body"], json!([{ "lead": { "id": 8, "plan": "free" } }]));
    assert_eq!(send(&gateway, "POST", "", JSON, "[]").ok(), json!({ "status": "success", "events": [] }));
    assert_eq!(gateway.events().len(), 2, "an empty list is taken, and nothing is stored");
    let many = format!("[{}]", vec!["1"; 1_001].join(","));
    let problem = send(&gateway, "POST", "", JSON, &many);
    assert_eq!((problem.status, gateway.events().len()), (400, 2), "{}", problem.text());
    // Each event keeps the query, so a thousand of them beside 20 kB would be stored as 20 MB.
    let thousand = format!("[{}]", vec!["1"; 1_000].join(","));
    let problem = send(&gateway, "POST", &format!("?q={}", "x".repeat(20_000)), JSON, &thousand);
    assert_eq!((problem.status, problem.json()["type"].clone()), (413, json!("urn:tagrelay:problem:too-large")));
    assert_eq!(gateway.events().len(), 2);
}

#[test]
fn a_thousand_events_of_one_body_are_all_taken() {
    let gateway = gateway();
    let body: Vec<Value> = (1..=1_000).map(|id| json!({ "lead": { "id": id, "plan": "free" } })).collect();
    let answer = send(&gateway, "POST", "", JSON, &json!(body).to_string()).ok();
    assert_eq!(answer["events"].as_array().map(Vec::len), Some(1_000));
    assert_eq!(gateway.events().len(), 1_000);
    assert_eq!(gateway.api("/events/1000")["body"], json!([body[999]]));
}

#[test]
fn a_repetition_gets_the_stored_answers() {
    let gateway = gateway();
    let signed = |id: &str, body: &str| {
        let proof = standard_webhooks(SIGNING_SECRET, id, now(), body.as_bytes());
        let headers: Vec<(&str, &str)> = proof.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        gateway.call("POST", "/hooks/signed", &headers, body.as_bytes()).ok()
    };
    let one = r#"{"lead":{"id":7,"plan":"pro","name":"Ana"}}"#;
    let mut first = signed("msg_1", one);
    first["duplicate"] = json!(true);
    assert_eq!((signed("msg_1", one), &first["reply"]), (first.clone(), &json!("Hola, Ana")));
    let several = format!("[{one},{{}},{one}]");
    let mut first = signed("msg_2", &several);
    assert_eq!(gateway.events()[0]["key"], "msg_2#2");
    for event in first["events"].as_array_mut().expect("a list") {
        event["duplicate"] = json!(true);
    }
    assert_eq!(signed("msg_2", &several), first);
    assert_eq!(gateway.events().len(), 4);
}

#[test]
fn what_a_source_does_not_take_is_refused_with_what_it_takes() {
    let gateway = gateway();
    let deleted = send(&gateway, "DELETE", "", None, "");
    assert_eq!((deleted.status, deleted.header("allow")), (405, Some("GET, POST, PUT")));
    for content_type in ["multipart/form-data; boundary=x", "application/octet-stream"] {
        let answer = send(&gateway, "POST", "", Some(content_type), "<a/>");
        assert_eq!(answer.status, 415, "{content_type}");
        let detail = answer.json()["detail"].to_string();
        assert!(detail.contains("x-www-form-urlencoded") && detail.contains("text/plain"), "{detail}");
    }
    let damaged = send(&gateway, "POST", "", JSON, "{\"a\":\n oops}");
    assert_eq!((damaged.status, &damaged.json()["line"]), (400, &json!(2)));
    let bomb = "<!DOCTYPE a [<!ENTITY b \"ha\"><!ENTITY c \"&b;&b;\">]><a>&c;</a>";
    let refused = send(&gateway, "POST", "", Some("text/xml"), bomb);
    assert_eq!((refused.status, refused.json()["detail"].to_string().contains("DOCTYPE")), (400, true));
    let get = send(&gateway, "GET", "?a=1", None, "{}");
    assert!(get.status == 400 && get.text().contains("POST"), "{}", get.text());
    let unproven = gateway.call("GET", "/hooks/feed?lead__plan=pro", &[], b"");
    assert_eq!(unproven.status, 401);
    assert!(gateway.events().is_empty());
    let by_query = gateway.call("GET", &format!("/hooks/feed?token={PASSWORD}&a=1"), &[], b"");
    assert_eq!(by_query.ok()["id"], "1");
    assert_eq!(gateway.api("/events/1")["query"], json!([["a", "1"]]), "a secret in the query is no data");
}

#[test]
fn forms_can_be_sent_and_explained_from_a_file() {
    let gateway = gateway();
    let folder = gateway.setup.folder();
    let url = format!("http://{}", gateway.address);
    let secrets = [("BOT_PASSWORD", PASSWORD), ("BOT_SECRET", SIGNING_SECRET)];
    let form = b"lead__id=7&lead__plan=pro&lead__name=Ana\n";
    for (body, rule) in
        [(&form[..], "pro"), (br#"{"lead":{"id":7,"plan":"pro"}}"#, "pro"), ("qué precio tiene".as_bytes(), "words")]
    {
        let sent = run_with(folder, &["send", "feed", "-", "--url", &url, "--rules", "rules"], &secrets, body);
        assert_eq!((sent.status, sent.json()["rules"].clone()), (0, json!([rule])), "{sent:?}");
        let explained = run_with(folder, &["explain", "--source", "feed", "-"], &[("TAGRELAY_RULES", "rules")], body);
        assert!(explained.out.contains(&format!("matched  {rule}")), "{explained:?}");
    }
}

#[test]
fn dialogflow_cx_is_answered_in_its_own_form() {
    let gateway = gateway();
    let agent = "projects/panaderia-demo/locations/global/agents/a";
    let body = json!({
        "detectIntentResponseId": "turn-1",
        "intentInfo": { "displayName": "order.bread", "confidence": 0.75 },
        "pageInfo": { "currentPage": format!("{agent}/flows/f1/pages/p1"), "displayName": "Pedido" },
        "sessionInfo": { "session": format!("{agent}/sessions/s"), "parameters": { "bread": "masa madre" } },
        "fulfillmentInfo": { "tag": "order" },
        "text": "masa madre",
        "languageCode": "es",
        "payload": { "helpcrunch_id": 7 },
    });
    let post = |body: &Value| {
        let authorization = basic("dialogflow", PASSWORD);
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        gateway.call("POST", "/hooks/cx", &headers, body.to_string().as_bytes())
    };
    let messages = json!([{ "text": { "text": ["¡Marchando!"] } }, { "payload": { "kind": "card" } }]);
    let first = post(&body);
    assert_eq!(first.ok(), json!({ "fulfillmentResponse": { "messages": messages } }));
    assert_eq!(post(&body).body, first.body, "a repetition gets the same bytes");
    // One turn may call another webhook under the same id.
    let mut other = body.clone();
    other["fulfillmentInfo"]["tag"] = json!("goodbye");
    assert_eq!(post(&other).ok(), json!({}));
    assert_eq!(gateway.events().len(), 2);
    let event = gateway.settled(&format!("turn-1#order#{agent}/flows/f1/pages/p1"));
    assert_eq!((&event["type"], &event["intent"]), (&json!("order"), &json!("order.bread")));
    assert_eq!(gateway.contact_in_sandbox(7).expect("known"), ["Buyer"]);
    let refused = post(&json!({ "responseId": "1", "queryResult": {} }));
    assert!(refused.status == 400 && refused.text().contains("Dialogflow ES"), "{}", refused.text());
    assert_eq!(gateway.call("GET", "/hooks/cx", &[], b"").header("allow"), Some("POST"));
}

#[test]
fn a_body_of_more_changes_than_anybody_means_is_refused_whole() {
    let gateway = Setup::bare(
        "sources:\n  feed: { kind: catch, auth: [{ bearer: env:BOT_PASSWORD }], each: body.leads, contact: \"{{ payload.id }}\" }\n\
         connections:\n  crm: { provider: helpcrunch, api_key: env:CRM_KEY }\n\
         rules:\n  - id: all\n    tag: { crm: { add: [\"{{ body.tags }}\"] } }\n",
    )
    .start();
    let body = |leads: usize| {
        let tags: Vec<String> = (0..100).map(|n| format!("Tag {n}")).collect();
        let leads: Vec<Value> = (1..=leads).map(|id| json!({ "id": id })).collect();
        json!({ "leads": leads, "tags": tags }).to_string()
    };
    let refused = send(&gateway, "POST", "", JSON, &body(101));
    assert_eq!(refused.status, 413, "{}", refused.text());
    assert!(refused.text().contains("10000 is the most"), "{}", refused.text());
    assert!(gateway.events().is_empty());
    assert_eq!(send(&gateway, "POST", "", JSON, &body(2)).status, 200);
    assert_eq!(gateway.events().len(), 2);
}
