//! The vendor's pages and the integrators' code, line by line.

use super::*;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

const NOW: Timestamp = Timestamp(1_706_644_084_000);

fn account(unknown: Unknown) -> Account {
    Account::new(SandboxOptions { unknown, ..SandboxOptions::default() })
}

fn request(method: &str, target: &str, body: &Value) -> Request {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = query.split('&').filter_map(|pair| pair.split_once('='));
    Request {
        provider: NAME,
        method: method.to_owned(),
        target: target.to_owned(),
        segments: path.split('/').skip(1).map(str::to_owned).collect(),
        query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        headers: BTreeMap::from([
            ("authorization".to_owned(), "Bearer sandbox".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]),
        body: if body.is_null() { Vec::new() } else { body.to_string().into_bytes() },
    }
}

fn call(account: &mut Account, method: &str, target: &str, body: &Value) -> (u16, Value) {
    let reply = account.answer(&request(method, target, body), NOW);
    (reply.status, reply.body.unwrap_or_default())
}

fn token(account: &mut Account, pair: &str, at: Timestamp) -> (u16, Value) {
    let mut request = request("POST", "/oauth/token", &Value::Null);
    request.body = b"grant_type=client_credentials".to_vec();
    request.headers.insert("authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair)));
    request.headers.insert("content-type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    let reply = account.answer(&request, at);
    (reply.status, reply.body.unwrap_or_default())
}

#[test]
fn the_same_token_comes_again_until_it_ends() {
    let mut account = account(Unknown::Created);
    let (status, first) = token(&mut account, "user:sandbox", NOW);
    assert_eq!((status, &first["token_type"], &first["expires_in"]), (200, &json!("bearer"), &json!(86_400)));
    let (_, again) = token(&mut account, "user:sandbox", NOW.plus_millis(205_000));
    assert_eq!((&again["access_token"], &again["expires_in"]), (&first["access_token"], &json!(86_195)));
    let (_, other) = token(&mut account, "user:sandbox", NOW.plus_millis(86_400_000));
    assert_ne!(other["access_token"], first["access_token"]);
    for pair in ["user:wrong", ":sandbox", "sandbox"] {
        assert_eq!(token(&mut account, pair, NOW).0, 401, "{pair}");
    }
    let mut call = request("POST", "/contacts/7/tags?tag_actions=ASSIGN_TAG", &json!([{ "name": "Lead" }]));
    let bearer = format!("Bearer {}", first["access_token"].as_str().expect("a token"));
    call.headers.insert("authorization".to_owned(), bearer);
    let mut at = |seconds: i64| account.answer(&call, NOW.plus_millis(seconds * 1000)).status;
    assert_eq!((at(86_399), at(86_400)), (200, 401));
}

#[test]
fn tokens_live_as_long_as_one_says_and_end_on_demand() {
    let mut account = account(Unknown::Created);
    let edit = |json: Value| serde_json::from_value::<Edit>(json).expect("an edit");
    let shown = account.edit(edit(json!({ "token_seconds": 3 })), NOW);
    assert_eq!(shown["tokens"], json!({ "given": 0, "seconds": 3, "left": 0 }));
    let (_, first) = token(&mut account, "user:sandbox", NOW);
    assert_eq!((&first["expires_in"], &account.shown(NOW)["tokens"]["left"]), (&json!(3), &json!(3)));
    account.edit(edit(json!({ "end_tokens": true })), NOW);
    assert_ne!(token(&mut account, "user:sandbox", NOW).1["access_token"], first["access_token"]);
    assert!(serde_json::from_value::<Edit>(json!({ "token_second": 3 })).is_err());
}

#[test]
fn both_actions_do_what_the_page_says() {
    let mut account = account(Unknown::Created);
    let tags = json!({ "tags": { "Lead": "ACTIVE", "Old": "INACTIVE" } });
    account.edit(serde_json::from_value(tags).expect("an edit"), NOW);
    let wanted = json!([{ "name": "Lead" }, { "name": "Old" }, { "name": "New" }]);
    assert_eq!(call(&mut account, "POST", "/contacts/7/tags?tag_actions=SKIP_TAGS", &wanted), (200, Value::Null));
    assert_eq!(account.tags("7").expect("there"), ["Lead"]);
    assert_eq!(account.shown(NOW)["tags"].get("New"), None);
    call(&mut account, "POST", "/contacts/7/tags?tag_actions=ASSIGN_TAG", &wanted);
    assert_eq!(account.tags("7").expect("there"), ["Lead", "Old", "New"]);
    assert_eq!(account.shown(NOW)["tags"], json!({ "Lead": "ACTIVE", "Old": "INACTIVE", "New": "INACTIVE" }));
    call(&mut account, "DELETE", "/contacts/7/tags", &json!([{ "name": "Old" }, { "name": "Absent" }]));
    assert_eq!(account.tags("7").expect("there"), ["Lead", "New"]);
}

#[test]
fn mistakes_show() {
    let mut account = account(Unknown::NotFound);
    let lead = json!([{ "name": "Lead" }]);
    for (method, target, body, status) in [
        ("POST", "/contacts/7/tags?tag_actions=ASSIGN_TAG", &lead, 404),
        ("POST", "/contacts/7/tags", &lead, 400),
        ("POST", "/contacts/ana/tags?tag_actions=ASSIGN_TAG", &lead, 400),
        ("POST", "/contacts/7/tags?tag_actions=ASSIGN_TAG", &json!(["Lead"]), 400),
        ("POST", "/contacts/7/tags?tag_actions=ASSIGN_TAG", &json!({ "tags": ["Lead"] }), 400),
        ("DELETE", "/contacts/7/tags?tag_actions=ASSIGN_TAG", &lead, 400),
        ("DELETE", "/contacts/7/tags", &Value::Null, 400),
        ("PATCH", "/contacts/7", &json!({ "contact": {} }), 404),
        ("PUT", "/contacts/7", &json!({ "contact": {} }), 404),
        ("GET", "/contacts/7", &Value::Null, 404),
        ("POST", "/contacts/import", &json!({ "contact": { "mobile": "+57300" } }), 400),
        ("POST", "/contacts/import", &json!({ "contact": { "fullname": "Ana", "mobile": "57300" } }), 400),
        ("POST", "/contacts/import", &json!({ "contact": { "fullname": "a".repeat(200), "mobile": "+57300" } }), 400),
        (
            "GET",
            "/contacts/export",
            &json!({ "filters": { "contact_lookup": [{ "field": "email", "value": "a@b" }] } }),
            400,
        ),
        ("GET", "/contacts/export?limit=ten", &Value::Null, 400),
    ] {
        assert_eq!(call(&mut account, method, target, body).0, status, "{method} {target} {body}");
    }
    let mut stranger = request("GET", "/contacts/export", &Value::Null);
    stranger.headers.insert("authorization".to_owned(), "Bearer other".to_owned());
    assert_eq!(account.answer(&stranger, NOW).status, 401);
}

#[test]
fn contacts_are_imported_found_and_updated() {
    let mut account = account(Unknown::NotFound);
    let ana =
        json!({ "skip_required_custom_attributes": true, "contact": { "fullname": "Ana", "mobile": "+573000000000" } });
    let (status, made) = call(&mut account, "POST", "/contacts/import", &ana);
    assert_eq!((status, &made["contact_id"]), (200, &json!(1)));
    call(&mut account, "POST", "/contacts/1/tags?tag_actions=ASSIGN_TAG", &json!([{ "name": "VIP" }]));
    let update = json!({ "contact": { "fullname": "Bo", "fullName": "Eva", "custom_attributes": { "plan": "pro" } } });
    assert_eq!(call(&mut account, "PATCH", "/contacts/1", &update), (200, Value::Null));
    let lookup = json!([{ "field": "mobile", "value": "+573000000000" }]);
    let all = json!({ "filters": { "contact_lookup": lookup, "limit": 2, "skip_tags": false, "skip_custom_attributes": false } });
    let (_, found) = call(&mut account, "GET", "/contacts/export", &all);
    let contact = &found["contacts"][0];
    assert_eq!((&found["exported"], &contact["fullname"]), (&json!(1), &json!("Eva")), "an update reads `fullName`");
    assert_eq!(contact["tags"], json!([{ "name": "VIP", "assigned_at": 1_706_644_084 }]));
    assert_eq!(contact["custom_attributes"], json!({ "plan": "pro" }));
    let (_, bare) = call(&mut account, "GET", "/contacts/export", &json!({ "filters": { "contact_lookup": lookup } }));
    assert_eq!((&bare["contacts"][0]["tags"], &bare["contacts"][0]["custom_attributes"]), (&Value::Null, &Value::Null));
    call(&mut account, "POST", "/contacts/import", &ana);
    let (_, both) = call(&mut account, "GET", "/contacts/export?limit=1", &Value::Null);
    assert_eq!(
        (&both["exported"], &both["total"], &both["contacts"][0]["contact_id"]),
        (&json!(1), &json!(2), &json!(2))
    );
}
