//! The sandbox as a person with curl sees it. Nothing here has a runtime: the sandbox brings its own.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::{Value, json};
use tagrelay::sandbox::{self, Access, Sandbox, SandboxOptions};

fn start(options: SandboxOptions) -> Sandbox {
    sandbox::start(TcpListener::bind("127.0.0.1:0").expect("a port"), options).expect("a sandbox")
}

/// Sends one request and reads until the connection ends; `None` when nothing came.
fn raw(sandbox: &Sandbox, method: &str, path: &str, body: &str) -> Option<String> {
    let mut stream = TcpStream::connect(sandbox.address()).expect("connected");
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer sandbox\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).expect("sent");
    let mut answer = Vec::new();
    // A connection that is reset on purpose is an answer too.
    drop(stream.read_to_end(&mut answer));
    let answer = String::from_utf8(answer).expect("UTF-8");
    (!answer.is_empty()).then_some(answer)
}

fn call(sandbox: &Sandbox, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    let answer = raw(sandbox, method, path, &body).expect("an answer");
    let status = answer.split(' ').nth(1).and_then(|s| s.parse().ok()).expect("a status");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status, serde_json::from_str(body).unwrap_or_default())
}

#[test]
fn it_says_what_there_is() {
    let sandbox = start(SandboxOptions::default());
    for path in ["/", "/_sandbox", "/_sandbox/"] {
        let (status, index) = call(&sandbox, "GET", path, &Value::Null);
        assert_eq!((status, &index["providers"]["helpcrunch"]), (200, &json!("/helpcrunch/v1")), "{path}");
    }
    assert_eq!(call(&sandbox, "GET", "/elsewhere", &Value::Null).0, 404);
    assert_eq!(call(&sandbox, "GET", "/helpcrunch/v1", &Value::Null).0, 404);
    assert_eq!(sandbox.base_url("helpcrunch"), Some(format!("http://{}/helpcrunch/v1", sandbox.address())));
    assert_eq!(sandbox.base_url("elsewhere"), None);
}

#[test]
fn contacts_are_shown_and_edited_by_hand() {
    let sandbox = start(SandboxOptions::default());
    let tags = json!({ "tags": [{ "name": "Lead" }] });
    call(&sandbox, "PUT", "/helpcrunch/v1/customers/7/tags", &tags);
    let (status, edited) =
        call(&sandbox, "POST", "/_sandbox/contacts/helpcrunch/8", &json!({ "tags": ["vip", "Lead"] }));
    assert_eq!((status, &edited["tags"][0]), (200, &json!({ "name": "vip", "color": "#c377e0" })));
    let (_, all) = call(&sandbox, "GET", "/_sandbox/contacts", &Value::Null);
    let expected = json!([{ "id": "7", "tags": ["Lead"] }, { "id": "8", "tags": ["vip", "Lead"] }]);
    assert_eq!(all, json!({ "helpcrunch": expected, "b2chat": [], "1980tic": [], "respond-io": [] }));
    let (_, one) = call(&sandbox, "GET", "/_sandbox/contacts?id=7", &Value::Null);
    assert_eq!(one["helpcrunch"].as_array().map(Vec::len), Some(1));
    assert_eq!(call(&sandbox, "GET", "/_sandbox/contacts/helpcrunch/8", &Value::Null).1["id"], 8);
    for (path, body) in [
        ("/_sandbox/contacts/helpcrunch/ana", json!({ "tags": [] })),
        ("/_sandbox/contacts/elsewhere/7", json!({ "tags": [] })),
        ("/_sandbox/contacts/helpcrunch/7", json!({ "tag": [] })),
    ] {
        let (status, problem) = call(&sandbox, "POST", path, &body);
        assert!(status == 400 && problem["error"].is_string(), "{path}: {problem}");
    }
    assert_eq!(call(&sandbox, "GET", "/_sandbox/contacts/helpcrunch/9", &Value::Null).0, 404);
    assert_eq!(call(&sandbox, "DELETE", "/_sandbox/contacts/helpcrunch/7", &Value::Null).0, 204);
    assert_eq!(call(&sandbox, "GET", "/helpcrunch/v1/customers/7", &Value::Null).0, 404, "lost for good");
    assert_eq!(call(&sandbox, "DELETE", "/_sandbox/contacts/webhook/7", &Value::Null).0, 400);
    assert_eq!(call(&sandbox, "GET", "/_sandbox/contacts?name=7", &Value::Null).0, 400);
}

#[test]
fn calls_are_shown_in_order_from_a_cursor() {
    let sandbox = start(SandboxOptions::default());
    for id in 1..=3 {
        call(&sandbox, "GET", &format!("/helpcrunch/v1/customers/{id}?a=b"), &Value::Null);
    }
    let (_, calls) = call(&sandbox, "GET", "/_sandbox/calls?since=1", &Value::Null);
    assert_eq!((calls["calls"].as_array().map(Vec::len), &calls["last"]), (Some(2), &json!(3)));
    let first = &calls["calls"][0];
    assert_eq!((&first["n"], &first["method"], &first["status"]), (&json!(2), &json!("GET"), &json!(200)));
    assert_eq!(first["path"], "/helpcrunch/v1/customers/2?a=b");
    assert_eq!(first["headers"]["authorization"], "Bearer ***");
    assert_eq!(call(&sandbox, "DELETE", "/_sandbox/calls", &Value::Null).0, 204);
    let (_, calls) = call(&sandbox, "GET", "/_sandbox/calls", &Value::Null);
    assert_eq!(calls, json!({ "calls": [], "last": 3 }));
}

#[test]
fn an_account_at_b2chat_is_shown_and_edited_by_hand() {
    let sandbox = start(SandboxOptions::default());
    assert_eq!(sandbox.base_url("b2chat"), Some(format!("http://{}/b2chat", sandbox.address())));
    let address = "/_sandbox/b2chat";
    let edit = json!({ "tags": { "Lead": "ACTIVE", "Old": "INACTIVE" }, "token_seconds": 90, "end_tokens": true });
    let (status, edited) = call(&sandbox, "POST", address, &edit);
    assert_eq!((status, &edited["tags"], &edited["tokens"]["seconds"]), (200, &edit["tags"], &json!(90)));
    call(
        &sandbox,
        "POST",
        "/b2chat/contacts/7/tags?tag_actions=SKIP_TAGS",
        &json!([{ "name": "Lead" }, { "name": "Old" }]),
    );
    let (_, all) = call(&sandbox, "GET", "/_sandbox/contacts", &Value::Null);
    assert_eq!(all["b2chat"], json!([{ "id": "7", "tags": ["Lead"] }]));
    assert_eq!(call(&sandbox, "GET", address, &Value::Null).1, edited);
    for wrong in [json!({ "tags": { "Lead": "ON" } }), json!({ "token_second": 1 }), json!([])] {
        assert_eq!(call(&sandbox, "POST", address, &wrong).0, 400, "{wrong}");
    }
    let calls = call(&sandbox, "GET", "/_sandbox/calls", &Value::Null).1;
    assert_eq!((&calls["calls"][0]["provider"], &calls["calls"][0]["status"]), (&json!("b2chat"), &json!(200)));
    assert_eq!(call(&sandbox, "GET", "/b2chatter/contacts/7", &Value::Null).0, 404);
}

#[test]
fn faults_come_and_go() {
    let sandbox = start(SandboxOptions::default());
    let fault = json!({ "kind": "status", "status": 503, "times": 2 });
    let (status, faults) = call(&sandbox, "POST", "/_sandbox/faults", &json!({ "faults": [fault] }));
    assert_eq!((status, &faults["faults"][0]), (200, &fault));
    let customer = "/helpcrunch/v1/customers/7";
    assert_eq!(call(&sandbox, "GET", customer, &Value::Null).0, 503);
    assert_eq!(call(&sandbox, "GET", "/_sandbox/faults", &Value::Null).1["faults"][0]["times"], 1);
    assert_eq!(call(&sandbox, "DELETE", "/_sandbox/faults", &Value::Null).0, 204);
    assert_eq!(call(&sandbox, "GET", customer, &Value::Null).0, 200);
    let (status, problem) = call(&sandbox, "POST", "/_sandbox/faults", &json!([{ "kind": "earthquake" }]));
    assert!(status == 400 && problem["error"].as_str().is_some_and(|e| e.contains("earthquake")), "{problem}");
    call(&sandbox, "POST", "/_sandbox/faults", &json!([{ "kind": "reset", "times": 1 }, { "kind": "truncate" }]));
    assert_eq!(raw(&sandbox, "GET", customer, ""), None);
    let half = raw(&sandbox, "GET", customer, "").expect("half an answer");
    assert!(half.contains("200 OK") && half.contains("createdFrom") && !half.ends_with('}'), "{half}");
    let outcomes: Vec<_> = sandbox.calls().iter().map(|call| (call.status, call.fault)).collect();
    assert_eq!(
        outcomes,
        [(Some(503), Some("status")), (Some(200), None), (None, Some("reset")), (Some(200), Some("truncate"))]
    );
}

#[test]
fn a_channel_answers_as_its_page_shows() {
    let sandbox = start(SandboxOptions::default());
    let contact = |below: &str| format!("/1980tic/api/v1/contact{below}");
    let lead = json!({ "tags": ["Lead"] });
    let added = json!({ "status": "success", "message": "Contact Tags have been added successfully.", "data": [] });
    assert_eq!(call(&sandbox, "POST", &contact("/cus_1/tags"), &lead), (200, added));
    let deleted = json!({ "status": "success", "message": "Contact Tags deleted successfully.", "data": [] });
    assert_eq!(call(&sandbox, "DELETE", &contact("/cus_1/tags"), &json!({ "tags": ["Other"] })), (200, deleted));
    let (_, one) = call(&sandbox, "GET", &contact("/cus_1"), &Value::Null);
    assert_eq!((&one["data"]["id"], &one["data"]["tags"]), (&json!("cus_1"), &json!(["Lead"])));
    assert!(one["data"]["created_at"].is_u64() && one["data"]["custom_fields"].is_object(), "{one}");
    let fields = json!({ "custom_fields": [{ "name": "firstName", "value": "Ana" }] });
    assert_eq!(
        call(&sandbox, "POST", &contact("/"), &fields),
        (200, json!({ "data": { "id": "cus_2" } })),
        "cus_1 is taken"
    );
    assert_eq!(call(&sandbox, "PUT", &contact("/cus_1"), &fields), (200, json!({ "data": { "id": "cus_1" } })));
    for _ in 0..10 {
        call(&sandbox, "POST", &contact("/"), &fields);
    }
    let (_, page) = call(&sandbox, "GET", &contact("/by_custom_field?name=firstName&value=ana"), &Value::Null);
    let meta = &page["meta"];
    assert_eq!(
        (page["data"].as_array().map(Vec::len), &meta["total"], &meta["last_page"]),
        (Some(10), &json!(12), &json!(2))
    );
    assert!(page["links"]["next"].as_str().is_some_and(|next| next.ends_with("/by_custom_field?page=2")), "{page}");
    let (_, page) = call(&sandbox, "GET", &contact("/by_custom_field?name=firstName&value=Ana&page=2"), &Value::Null);
    assert_eq!((page["data"].as_array().map(Vec::len), &page["links"]["next"]), (Some(2), &Value::Null));
    for (method, below, body, status, message) in [
        ("PATCH", "/cus_1", &fields, 405, "405 Method Not Allowed."),
        ("GET", "/", &Value::Null, 405, "405 Method Not Allowed."),
        ("POST", "/cus_1/tags", &json!({ "tags": [] }), 403, "The tags field is required."),
        ("POST", "/", &json!({}), 403, "The custom_fields field is required."),
        ("GET", "/by_custom_field?name=firstName", &Value::Null, 403, "The name and value fields are required."),
    ] {
        let error = json!({ "status": "error", "message": message, "data": [] });
        assert_eq!(call(&sandbox, method, &contact(below), body), (status, error), "{method} {below}");
    }
    assert_eq!(call(&sandbox, "GET", "/1980tic/api/v1/message", &Value::Null).0, 404);
    let sandbox = start(SandboxOptions { access: Access::Key("other".into()), ..SandboxOptions::default() });
    let stranger = json!({ "status": "error", "message": "API Token is invalid.", "data": [] });
    assert_eq!(call(&sandbox, "GET", &contact("/7"), &Value::Null), (401, stranger));
}

#[test]
fn a_workspace_answers_as_its_pages_show() {
    let sandbox = start(SandboxOptions::default());
    let contact = |below: &str| format!("/respond-io/v2/contact/{below}");
    assert_eq!(call(&sandbox, "POST", &contact("id:7/tag"), &json!(["Lead"])), (200, json!({ "contactId": 7 })));
    assert_eq!(call(&sandbox, "GET", &contact("id:7"), &Value::Null).1["tags"], json!(["Lead"]));
    let unknown = json!({ "code": 404, "message": "Contact not found" });
    assert_eq!(call(&sandbox, "GET", &contact("email:ana@example.com"), &Value::Null), (404, unknown));
    let wrong = json!({ "code": 400, "message": "Validation error." });
    for (method, below, body) in [
        ("POST", "id:7/tag", json!({ "tags": ["Lead"] })),
        ("PUT", "id:7", json!({ "nickname": "Ana" })),
        ("DELETE", "7/tag", json!(["Lead"])),
    ] {
        assert_eq!(call(&sandbox, method, &contact(below), &body), (400, wrong.clone()), "{method} {below}");
    }
    let many = raw(&sandbox, "POST", &contact("id:7/tag"), "[]");
    let mut answers = (0..60).filter_map(|_| raw(&sandbox, "GET", &contact("id:7"), ""));
    let last = answers.find(|answer| answer.starts_with("HTTP/1.1 429")).expect("more than five in a second");
    assert!(many.is_some() && last.contains("retry-after: 1"), "{last}");
    assert!(last.contains("x-ratelimit-limit: 5") && last.contains("x-ratelimit-remaining: 0"), "{last}");
    assert!(last.contains(r#"{"code":429,"message":"Too Many Requests"}"#), "{last}");
    let sandbox = start(SandboxOptions { access: Access::Key("other".into()), ..SandboxOptions::default() });
    let stranger = json!({ "code": 401, "message": "UN_AUTHORIZED" });
    assert_eq!(call(&sandbox, "GET", &contact("id:7"), &Value::Null), (401, stranger));
}

#[test]
fn a_hook_answers_as_a_catch_hook_does() {
    let sandbox = start(SandboxOptions::default());
    let (status, answer) = call(&sandbox, "POST", "/webhook/sales", &json!({ "n": 1 }));
    assert_eq!((status, &answer["status"]), (200, &json!("success")));
    call(&sandbox, "POST", "/_sandbox/faults", &json!([{ "kind": "status", "status": 410, "contact": "sales" }]));
    assert_eq!(call(&sandbox, "POST", "/webhook/sales", &json!({})).0, 410);
    assert_eq!(call(&sandbox, "POST", "/webhook/other", &json!({})).0, 200);
    for (method, path, status) in
        [("DELETE", "/webhook/other", 405), ("POST", "/webhook", 404), ("POST", "/webhook/", 404)]
    {
        assert_eq!(call(&sandbox, method, path, &json!({})).0, status, "{method} {path}");
    }
    let wrong = json!([{ "kind": "reset", "provider": "elsewhere" }]);
    assert_eq!(call(&sandbox, "POST", "/_sandbox/faults", &wrong).0, 400);
}

#[test]
fn keys_of_real_accounts_are_welcome_where_the_sandbox_says_so() {
    let sandbox = start(SandboxOptions { access: Access::Key("other".into()), ..SandboxOptions::default() });
    assert_eq!(call(&sandbox, "GET", "/helpcrunch/v1/customers/7", &Value::Null).0, 401);
    let sandbox = start(SandboxOptions { access: Access::AnyKey, ..SandboxOptions::default() });
    assert_eq!(call(&sandbox, "GET", "/helpcrunch/v1/customers/7", &Value::Null).0, 200);
}

#[tokio::test]
async fn it_stops_inside_a_runtime_too() {
    let sandbox = start(SandboxOptions::default());
    let address = sandbox.address();
    sandbox.stop().await;
    assert!(TcpStream::connect(address).is_err());
}
