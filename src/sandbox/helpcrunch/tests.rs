//! The vendor's pages, line by line.

use super::super::Limit;
use super::*;

const NOW: Timestamp = Timestamp(1_603_885_746_000);

fn account() -> Account {
    Account::new(SandboxOptions::default())
}

fn request(method: &str, path: &str, body: &Value) -> Request {
    Request {
        method: method.to_owned(),
        target: path.to_owned(),
        segments: path.split('/').skip(1).map(str::to_owned).collect(),
        headers: BTreeMap::from([
            ("authorization".to_owned(), "Bearer sandbox".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ]),
        body: body.to_string().into_bytes(),
        ..Request::default()
    }
}

fn call(account: &mut Account, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let reply = account.answer(&request(method, path, body), NOW);
    (reply.status, reply.body.unwrap_or_default())
}

#[test]
fn tags_are_appended_and_removed_and_the_whole_customer_is_answered() {
    let mut account = account();
    let body = json!({ "tags": [{ "name": "Lead", "color": "#c57de0" }, { "name": "Black Friday" }] });
    let (status, customer) = call(&mut account, "PUT", "/customers/1568834/tags", &body);
    assert_eq!(status, 200);
    assert_eq!(
        customer["tags"],
        json!([{ "name": "Lead", "color": "#c57de0" }, { "name": "Black Friday", "color": "#c377e0" }])
    );
    for field in [
        "id",
        "name",
        "email",
        "userId",
        "company",
        "phone",
        "firstSeen",
        "lastSeen",
        "location",
        "device",
        "unsubscribed",
        "blocked",
        "source",
        "referer",
        "lastPage",
        "locale",
        "createdFrom",
        "integrationId",
        "notes",
        "customData",
    ] {
        assert!(customer.get(field).is_some(), "{field}");
    }
    assert_eq!((&customer["id"], &customer["firstSeen"]), (&json!(1_568_834), &json!("1603885746")));
    let body = json!({ "tags": [{ "name": "Lead" }, { "name": "never there" }] });
    let (status, customer) = call(&mut account, "DELETE", "/customers/1568834/tags", &body);
    assert_eq!((status, &customer["tags"][0]["name"]), (200, &json!("Black Friday")));
    assert_eq!(account.tags("1568834"), Some(vec!["Black Friday".to_owned()]));
}

#[test]
fn mistakes_get_the_documented_errors() {
    let mut account = account();
    let tags = json!({ "tags": [{ "name": "Lead" }] });
    let (status, errors) = call(&mut account, "PUT", "/customers/ana/tags", &tags);
    assert_eq!(status, 400);
    assert_eq!(
        errors,
        json!({ "errors": [
            { "code": "invalid_request", "message": "Invalid request" },
            { "code": "customer", "message": "This value should be of type numeric." },
        ]})
    );
    for (body, code) in [
        (json!({}), "tags"),
        (json!({ "tags": [] }), "tags"),
        (json!({ "tags": ["Lead"] }), "tags[0]"),
        (json!({ "tags": [{ "name": " " }] }), "tags[0].name"),
        (json!({ "tags": [{ "name": "a" }, { "name": "b", "colour": "red" }] }), "tags[1].colour"),
        (json!({ "tag": [] }), "tag"),
    ] {
        let (status, errors) = call(&mut account, "PUT", "/customers/1/tags", &body);
        assert_eq!((status, &errors["errors"][1]["code"]), (400, &json!(code)), "{body}");
    }
    assert_eq!(call(&mut account, "PUT", "/customers/1/tags", &json!([])).0, 400);
    assert_eq!(call(&mut account, "POST", "/customers/1/tags", &tags).0, 405);
    assert_eq!(call(&mut account, "GET", "/chats", &tags).0, 404);
}

#[test]
fn a_wrong_key_is_refused_and_uses_up_no_limit() {
    let mut account =
        Account::new(SandboxOptions { limit: Limit::At(Rate::per_minute(1)), ..SandboxOptions::default() });
    for authorization in [None, Some("Bearer other"), Some("sandbox"), Some("Bearer "), Some("Basic sandbox")] {
        let mut request = request("GET", "/customers/1", &Value::Null);
        request.headers.remove("authorization");
        request.headers.extend(authorization.map(|a| ("authorization".to_owned(), a.to_owned())));
        let reply = account.answer(&request, NOW);
        let code = reply.body.map(|body| body["errors"][1]["code"].clone());
        assert_eq!((reply.status, code), (401, Some(json!("unauthorized"))), "{authorization:?}");
    }
    assert_eq!(call(&mut account, "GET", "/customers/1", &Value::Null).0, 200);
}

#[test]
fn the_limit_slides() {
    let options = SandboxOptions { limit: Limit::At(Rate::per_minute(2)), ..SandboxOptions::default() };
    let mut account = Account::new(options);
    let mut at = |seconds: i64| {
        account.answer(&request("GET", "/customers/1", &Value::Null), NOW.plus_millis(seconds * 1000)).status
    };
    let statuses: Vec<u16> = [0, 30, 59, 60, 61, 90].into_iter().map(&mut at).collect();
    assert_eq!(statuses, [200, 200, 429, 200, 429, 200]);
}

#[test]
fn a_strict_sandbox_knows_only_whom_it_was_told_of() {
    let options = SandboxOptions { unknown: Unknown::NotFound, ..SandboxOptions::default() };
    let mut account = Account::new(options);
    let (status, errors) = call(&mut account, "GET", "/customers/7", &Value::Null);
    assert_eq!((status, &errors["errors"][1]["message"]), (404, &json!("Chat not found")));
    let (status, ana) = call(&mut account, "POST", "/customers", &json!({ "name": "Ana", "email": "ana@example.com" }));
    assert_eq!((status, &ana["id"]), (201, &json!(1)));
    assert_eq!(call(&mut account, "GET", "/customers/1", &Value::Null).0, 200);
    assert_eq!(call(&mut account, "GET", "/customers/99999999999999999999999999", &Value::Null).0, 404);
}

#[test]
fn there_is_a_bound_to_the_customers() {
    let options = SandboxOptions { most_contacts: 2, ..SandboxOptions::default() };
    let mut account = Account::new(options);
    let statuses: Vec<u16> =
        (1..=3).map(|id| call(&mut account, "GET", &format!("/customers/{id}"), &Value::Null).0).collect();
    assert_eq!(statuses, [200, 200, 503]);
}

#[test]
fn patch_keeps_what_it_does_not_name_and_put_does_not() {
    let mut account = account();
    let custom = json!([{ "property": "plan", "value": "pro" }]);
    let fields = json!({ "name": "Ana", "phone": "+57300", "customData": custom, "tags": [{ "name": "vip" }] });
    call(&mut account, "POST", "/customers", &fields);
    let (_, ana) = call(&mut account, "PATCH", "/customers/1", &json!({ "customData": { "seats": 3 } }));
    assert_eq!((&ana["name"], &ana["customData"]), (&json!("Ana"), &json!({ "plan": "pro", "seats": 3 })));
    let (_, ana) = call(&mut account, "PUT", "/customers/1", &json!({ "name": "Ana" }));
    assert_eq!((&ana["phone"], &ana["customData"]), (&Value::Null, &json!({})));
    assert_eq!(ana["tags"][0]["name"], "vip");
    for (fields, code) in
        [(json!({ "id": 9 }), "id"), (json!({ "email": 9 }), "email"), (json!({ "customData": 9 }), "customData")]
    {
        let (status, errors) = call(&mut account, "PATCH", "/customers/1", &fields);
        assert_eq!((status, &errors["errors"][1]["code"]), (400, &json!(code)));
    }
}

#[test]
fn customers_are_found_by_their_fields() {
    let mut account = account();
    for (name, email, tag) in
        [("Ana", "ana@example.com", "Lead"), ("Bo", "bo@example.com", "Lead"), ("Cy", "cy@other.com", "vip")]
    {
        let fields = json!({ "name": name, "email": email, "location": { "city": "Cali" }, "tags": [{ "name": tag }] });
        call(&mut account, "POST", "/customers", &fields);
    }
    let mut find = |comparison: &str, filters: Value| {
        let body = json!({ "comparison": comparison, "filter": filters, "order": "asc", "offset": 0, "limit": 100 });
        let (status, answer) = call(&mut account, "POST", "/customers/search", &body);
        let ids: Vec<u64> = answer["data"].as_array().into_iter().flatten().filter_map(|c| c["id"].as_u64()).collect();
        (status, ids, answer["errors"][1]["code"].clone())
    };
    let filter = |field: &str, operator: &str, value: Value| json!({ "field": format!("customers.{field}"), "operator": operator, "value": value });
    for (comparison, filters, ids) in [
        ("AND", json!([filter("email", "=", json!("ana@example.com"))]), vec![1]),
        ("AND", json!([filter("email", "~", json!("example")), filter("name", "!=", json!("Ana"))]), vec![2]),
        ("OR", json!([filter("name", "=", json!("Ana")), filter("name", "=", json!("Cy"))]), vec![1, 3]),
        ("AND", json!([filter("email", "!~", json!("example"))]), vec![3]),
        ("AND", json!([filter("tagsData", "=", json!([{ "name": "Lead" }]))]), vec![1, 2]),
        ("AND", json!([filter("id", ">=", json!(2)), filter("id", "<", json!(3))]), vec![2]),
        (
            "AND",
            json!([filter("city", "=", json!("Cali")), filter("lastSeen", "<=", json!(1_603_885_746))]),
            vec![1, 2, 3],
        ),
        ("AND", json!([]), vec![1, 2, 3]),
    ] {
        assert_eq!(find(comparison, filters.clone()), (200, ids, Value::Null), "{filters}");
    }
    for (filter, code) in [
        (json!({ "operator": "=", "value": 1 }), "filter[0].field"),
        (filter("shoe", "=", json!("43")), "filter[0].field"),
        (filter("name", ">", json!("A")), "filter[0].operator"),
        (filter("id", "=", json!("one")), "filter[0].value"),
        (filter("tagsData", "=", json!("Lead")), "filter[0].value"),
    ] {
        assert_eq!(find("AND", json!([filter])), (400, vec![], json!(code)));
    }
    assert_eq!(find("XOR", json!([])).0, 400);
}

#[test]
fn a_list_has_pages() {
    let mut account = account();
    for id in 1..=5 {
        call(&mut account, "GET", &format!("/customers/{id}"), &Value::Null);
    }
    let mut request = request("GET", "/customers", &Value::Null);
    for (key, value) in [("sort", "customers.lastSeen"), ("order", "desc"), ("limit", "2"), ("offset", "1")] {
        request.query.insert(key.to_owned(), value.to_owned());
    }
    let body = account.answer(&request, NOW).body.expect("a body");
    assert_eq!((&body["total"], &body["data"][0]["id"], &body["data"][1]["id"]), (&json!(5), &json!(4), &json!(3)));
}
