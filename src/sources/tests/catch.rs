//! Catch: every form of body, lists of events, and what is stored of each.

use super::*;
use crate::domain::presets::Preset;
use crate::domain::scheme::HmacScheme;

fn catch() -> SourceConfig {
    SourceConfig { kind: SourceKind::Catch, ..config(Vec::new()) }
}

fn each(way: &str) -> SourceConfig {
    SourceConfig { each: Some(way.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect()), ..catch() }
}

fn posted(content_type: &str, body: &str) -> Sent {
    Sent::new(body.as_bytes()).header("content-type", content_type)
}

/// The payloads of a request's events.
fn payloads(config: &SourceConfig, sent: &Sent) -> Result<Vec<String>, String> {
    with_reading(config, sent, |reading| {
        let reading = reading.map_err(|e| e.to_string())?;
        Ok(reading.events.iter().map(|event| event.payload.text().to_owned()).collect())
    })
}

fn with_reading<T>(config: &SourceConfig, sent: &Sent, look: impl FnOnce(Result<&Reading<'_>, ReadError>) -> T) -> T {
    let verified = Verified::by_operator(sent.request());
    let json = match json_body(config, &verified) {
        Ok(json) => json,
        Err(e) => return look(Err(e)),
    };
    match read(config, &verified, &json) {
        Ok(reading) => look(Ok(&reading)),
        Err(e) => look(Err(e)),
    }
}

#[test]
fn each_form_of_body_becomes_a_mapping() {
    let form = "application/x-www-form-urlencoded";
    let rows: [(&str, &str, &str); 18] = [
        (
            "application/json",
            r#" {"a": 1.0, "id": 12345678901234567890} "#,
            r#"{"a": 1.0, "id": 12345678901234567890}"#,
        ),
        ("application/vnd.api+json; v=1", r#"{"a":1}"#, r#"{"a":1}"#),
        (
            "application/json",
            r#"{"b":1.50,"lead__name":"Ana","lead__age":1e3}"#,
            r#"{"b":1.50,"lead":{"age":1e3,"name":"Ana"}}"#,
        ),
        ("application/json", r#"{"a":"__", "__typename":1}"#, r#"{"a":"__", "__typename":1}"#),
        ("application/json", r#"{"in":{"a__b":1}}"#, r#"{"in":{"a__b":1}}"#),
        ("application/json", "7", "7"),
        (form, "lead__name=Ana+B&lead__age=27&ok=true", r#"{"lead":{"age":"27","name":"Ana B"},"ok":"true"}"#),
        (form, "t=a&t=b&u[]=c&v__w[]=d&v__w[]=e&[]=f", r#"{"[]":"f","t":["a","b"],"u":["c"],"v":{"w":["d","e"]}}"#),
        (form, "a__0__b=1", r#"{"a":{"0":{"b":"1"}}}"#),
        (form, "a=1&a__b=2\n", r#"{"a":"1","a__b":"2"}"#),
        (form, "a&=b&%C3%B1=%zz", r#"{"":"b","a":"","ñ":"%zz"}"#),
        // What `curl -d` says of JSON.
        (form, r#"{"a": 1}"#, r#"{"a": 1}"#),
        (form, "{a}=1", r#"{"{a}":"1"}"#),
        ("text/plain; charset=utf-8", "Hola, \"señor\"\n", r#"{"text":"Hola, \"señor\"\n"}"#),
        ("text/plain", r#"{"a":1}"#, r#"{"text":"{\"a\":1}"}"#),
        ("application/json", " ", "{}"),
        ("text/xml; charset=utf-8", "<lead id='7'><name>Ana</name></lead>", r#"{"lead":{"@id":"7","name":"Ana"}}"#),
        ("application/soap+xml", "<a__b>1</a__b>", r#"{"a":{"b":"1"}}"#),
    ];
    for (content_type, body, expected) in rows {
        assert_eq!(payloads(&catch(), &posted(content_type, body)), Ok(vec![expected.to_owned()]), "{body}");
    }
}

#[test]
fn without_a_content_type_the_look_decides() {
    for (body, expected) in [
        (r#"{"a":1}"#, r#"{"a":1}"#),
        (" null ", "null"),
        ("a=1&b=2\n", r#"{"a":"1","b":"2"}"#),
        ("1 + 1 = 2", r#"{"text":"1 + 1 = 2"}"#),
        ("hola", r#"{"text":"hola"}"#),
        ("<?xml version='1.0'?><a/>", r#"{"a":null}"#),
        ("<a b='1'/>\n", r#"{"a":{"@b":"1"}}"#),
        ("<3 hola", r#"{"text":"<3 hola"}"#),
    ] {
        assert_eq!(payloads(&catch(), &Sent::new(body.as_bytes())), Ok(vec![expected.to_owned()]), "{body}");
    }
    let damaged = payloads(&catch(), &Sent::new(b"{\"a\":\n oops}")).expect_err("damaged");
    assert!(damaged.starts_with("line 2, column 2"), "{damaged}");
}

#[test]
fn json_is_read_where_it_lies() {
    use std::borrow::Cow;
    let sent = posted("application/json", r#"{"a":"__","b":[1]}"#);
    let verified = Verified::by_operator(sent.request());
    let json = json_body(&catch(), &verified).expect("JSON");
    assert!(matches!(json.json, Cow::Borrowed(_)));
}

#[test]
fn without_a_body_the_query_is_the_payload_and_proofs_are_not_in_it() {
    let auth = vec![AuthConfig::Query { name: "token".into(), value: literal("x") }];
    let config = SourceConfig { auth, ..catch() };
    let sent = Sent::new(b"").query("token=x&access_token=y&lead__name=Ana&t=1&t=2");
    assert_eq!(payloads(&config, &sent), Ok(vec![r#"{"lead":{"name":"Ana"},"t":["1","2"]}"#.to_owned()]));
    assert_eq!(payloads(&config, &Sent::new(b"")), Ok(vec!["{}".to_owned()]));
    let get = |body: &[u8]| {
        let sent = Sent::new(body).query("a=1");
        let verified = Verified::by_operator(Request { method: "GET", ..sent.request() });
        json_body(&config, &verified).map(|json| String::from_utf8_lossy(&json.json).into_owned())
    };
    assert_eq!(get(b""), Ok(r#"{"a":"1"}"#.to_owned()));
    assert!(get(b"{}").is_err_and(|e| e.help.is_some_and(|help| help.contains("POST"))));
}

#[test]
fn only_words_are_the_text_and_only_mappings_are_parameters() {
    let look = |sent: &Sent| {
        with_reading(&catch(), sent, |reading| {
            let event = &reading.expect("an event").events[0];
            (event.text.as_deref().map(str::to_owned), event.params.text().to_owned())
        })
    };
    assert_eq!(look(&posted("text/plain", "hola")), (Some("hola".into()), r#"{"text":"hola"}"#.into()));
    assert_eq!(look(&posted("application/json", r#"{"text":"hola"}"#)), (None, r#"{"text":"hola"}"#.into()));
    assert_eq!(look(&posted("application/json", "\"hola\"")), (None, "{}".into()));
}

#[test]
fn a_list_is_one_event_an_item() {
    let items = r#"[ {"n":1.0}, 7, "x", null ]"#;
    let body = &format!(r#"{{"id": 1, "leads": {items}, "more": {{"leads":[]}}, "payload": {{"leads": {items}}}}}"#);
    for way in ["leads", "payload.leads"] {
        let found = payloads(&each(way), &posted("application/json", body));
        assert_eq!(found, Ok([r#"{"n":1.0}"#, "7", "\"x\"", "null"].map(str::to_owned).to_vec()), "{way}");
    }
    assert_eq!(payloads(&each("more.leads"), &posted("application/json", body)), Ok(Vec::new()));
    let bare = posted("application/json", "[1, [2], {\"a__b\":3}]");
    let items = Ok(["1", "[2]", "{\"a__b\":3}"].map(str::to_owned).to_vec());
    assert_eq!((payloads(&catch(), &bare), payloads(&each(""), &bare)), (items.clone(), items));
    let form = posted("application/x-www-form-urlencoded", "lead__id[]=1&lead__id[]=2");
    assert_eq!(payloads(&each("lead.id"), &form), Ok(vec!["\"1\"".into(), "\"2\"".into()]));
    // XML doesn't say of one that it could have been several.
    let xml = |body: &str| payloads(&each("leads.lead"), &posted("application/xml", body));
    assert_eq!(xml("<leads><lead>1</lead><lead/></leads>"), Ok(vec!["\"1\"".into(), "null".into()]));
    assert_eq!(xml("<leads><lead><n>1</n></lead></leads>"), Ok(vec![r#"{"n":"1"}"#.into()]));
    assert_eq!((xml("<leads/>"), xml("<leads><other/></leads>")), (Ok(Vec::new()), Ok(Vec::new())));
    let other = payloads(&each("lead"), &posted("application/xml", "<leads><lead/></leads>"));
    assert!(other.is_err_and(|e| e.starts_with("lead: missing")), "what is at the top is always there");
    let nesting = posted("application/xml", "<a__b><c>1</c><c>2</c></a__b>");
    with_reading(&each("a.b.c"), &nesting, |reading| {
        let reading = reading.expect("events");
        let stored = String::from_utf8(reading.stored(1, &nesting.body).into_owned()).expect("UTF-8");
        let again = posted("application/json", &stored);
        assert_eq!(payloads(&each("a.b.c"), &again), Ok(vec!["\"2\"".into()]), "{stored}");
    });
    assert!(xml("<lead/>").is_err_and(|e| e.starts_with("leads: missing")));
    let is_list = |config: &SourceConfig, body: &str| {
        with_reading(config, &posted("application/json", body), |reading| reading.expect("events").is_list())
    };
    assert!(is_list(&catch(), "[]") && is_list(&catch(), "[1]") && is_list(&each("a"), r#"{"a":[]}"#));
    assert!(!is_list(&catch(), r#"{"a":[]}"#));
}

#[test]
fn a_way_that_leads_nowhere_is_named() {
    for (way, body, words) in [
        ("leads", "{}", "leads: missing"),
        ("a.b.c", r#"{"a":{}}"#, "a.b: missing"),
        ("a.b", r#"{"a":[]}"#, "a.b: missing"),
        ("a", r#"{"a":null}"#, "a: expected a list, found null"),
        ("a", r#"{"a":{"b":[]}}"#, "a: expected a list, found a mapping"),
        ("", "{}", "body: expected a list, found a mapping"),
        ("leads", "[]", "leads: missing"),
    ] {
        let error = payloads(&each(way), &posted("application/json", body)).expect_err(body);
        assert!(error.starts_with(words), "{error}");
    }
}

#[test]
fn more_events_or_fields_than_a_request_may_have_are_refused() {
    let list = |count: usize| format!("[{}]", vec!["1"; count].join(","));
    let count = |body: String| payloads(&catch(), &posted("application/json", &body)).map(|events| events.len());
    assert_eq!(count(list(1_000)), Ok(1_000));
    assert!(count(list(1_001)).is_err_and(|e| e.contains("1001") && e.contains("1000")));
    let form = |count: usize| posted("application/x-www-form-urlencoded", &vec!["a=1"; count].join("&"));
    assert!(payloads(&catch(), &form(10_000)).is_ok() && payloads(&catch(), &form(10_001)).is_err());
    let binary = Sent::new(b"a=\xff").header("content-type", "text/plain");
    assert_eq!(payloads(&catch(), &binary), Err("the body is not UTF-8".to_owned()));
}

#[test]
fn the_schemes_id_is_the_key_with_the_index_of_each_of_several() {
    let scheme = crate::domain::scheme::Preset::named("standard-webhooks").expect("a preset").scheme();
    let auth = vec![AuthConfig::Hmac { scheme, secrets: vec![literal("whsec_AAAA")] }];
    let config = SourceConfig { auth, ..catch() };
    let keys = |body: &str| {
        let sent = posted("application/json", body).header("webhook-id", "m-1");
        with_reading(&config, &sent, |reading| {
            let events = &reading.expect("events").events;
            events.iter().map(|event| event.key.as_deref().unwrap_or("-").to_owned()).collect::<Vec<_>>()
        })
    };
    assert_eq!((keys("{}"), keys("[1]")), (vec!["m-1".to_owned()], vec!["m-1".to_owned()]));
    assert_eq!(keys("[1,2]"), ["m-1#0", "m-1#1"]);
}

#[test]
fn one_event_keeps_the_body_as_it_came_and_several_their_own_part() {
    let stored = |config: &SourceConfig, sent: &Sent| {
        with_reading(config, sent, |reading| {
            let reading = reading.expect("events");
            let stored = |index| String::from_utf8_lossy(&reading.stored(index, &sent.body)).into_owned();
            (0..reading.events.len()).map(stored).collect::<Vec<_>>()
        })
    };
    let body = r#" {"a": 1, "leads": [1, {"b":2}] , "z":[3]}"#;
    let own = [r#"{"a": 1, "leads": [1] , "z":[3]}"#, r#"{"a": 1, "leads": [{"b":2}] , "z":[3]}"#];
    assert_eq!(stored(&each("leads"), &posted("application/json", body)), own);
    assert_eq!(stored(&each("z"), &posted("application/json", body)), [body]);
    let form = posted("application/x-www-form-urlencoded", "a=1&a=2");
    assert_eq!(
        (stored(&catch(), &form), stored(&each("a"), &form)),
        (vec!["a=1&a=2".into()], vec![r#"{"a":["1"]}"#.into(), r#"{"a":["2"]}"#.into()])
    );
    let types = |sent: &Sent| {
        with_reading(&each("a"), sent, |reading| {
            let headers = reading.expect("events").events[0].headers.clone();
            headers.all("content-type").map(str::to_owned).collect::<Vec<_>>()
        })
    };
    assert_eq!(types(&form), ["application/json"]);
    assert_eq!(types(&Sent::new(b"a=1&a=2")), ["application/json"]);
    assert_eq!(types(&posted("application/hal+json", r#"{"a":[1,2]}"#)), ["application/hal+json"]);
    assert_eq!(types(&posted("application/x-www-form-urlencoded", "a[]=1")), ["application/x-www-form-urlencoded"]);
}

#[test]
fn many_events_in_a_large_body_are_too_much_to_store() {
    let body = |items: usize, filler: usize| {
        format!("{{\"filler\":\"{}\",\"leads\":[{}]}}", "x".repeat(filler), vec!["1"; items].join(","))
    };
    let fits = |items, filler| {
        let sent = posted("application/json", &body(items, filler));
        with_reading(&each("leads"), &sent, |reading| reading.expect("events").fits())
    };
    assert_eq!(fits(1_000, 16_000), Ok(()));
    let much = fits(1_000, 17_000).expect_err("too much");
    assert!(matches!(much, TooMuch::Bytes { events: 1_000, bytes, limit } if bytes > limit), "{much}");
    assert_eq!(fits(1, 17 << 20), Ok(()), "one event is as large as the body");
}

#[test]
fn a_reply_is_its_text_or_all_of_it() {
    use serde_json::json;
    let written = |reply: Option<&Reply>| {
        String::from_utf8(write_reply(SourceKind::Catch, None, None, reply).expect("written")).expect("UTF-8")
    };
    let text = Reply { text: Some("¡Hola!".into()), ..Reply::default() };
    let more = Reply { messages: vec![json!({ "a": 1 })], ..text.clone() };
    assert_eq!(written(None), "null");
    assert_eq!(written(Some(&text)), "\"¡Hola!\"");
    assert_eq!(written(Some(&more)), r#"{"text":"¡Hola!","messages":[{"a":1}]}"#);
    assert_eq!(written(Some(&Reply::default())), "{}");
}

#[test]
fn each_kind_says_what_it_takes() {
    use crate::domain::kind::Media;
    use crate::sources::{methods, takes};
    assert_eq!((methods(SourceKind::DialogflowCx), methods(SourceKind::Catch)), ("POST", "GET, POST, PUT"));
    for kind in SourceKind::ALL.iter().copied() {
        assert!(takes(kind, None).is_ok() && takes(kind, Some("Application/JSON; charset=utf-8")).is_ok());
        assert!(takes(kind, Some("multipart/form-data; boundary=x")).is_err() && takes(kind, Some("?")).is_err());
        let form = kind.traits().media.contains(&Media::Form);
        assert_eq!(takes(kind, Some("text/plain")).is_ok(), kind == SourceKind::Catch);
        assert_eq!(takes(kind, Some("application/x-www-form-urlencoded")).is_ok(), form);
    }
    for xml in ["application/xml", "text/xml; charset=utf-8", "application/soap+xml"] {
        assert!(takes(SourceKind::Catch, Some(xml)).is_ok() && takes(SourceKind::DialogflowEs, Some(xml)).is_err());
    }
    assert!(takes(SourceKind::Catch, Some("multipart/form-data")).is_err_and(|words| words.contains("xml")));
}

#[test]
fn a_pair_that_is_repeated_makes_no_other_event_of_what_is_signed_by_its_fields() {
    let read = |signed: &str, body: &str| {
        let scheme = HmacScheme { signed: signed.to_owned(), ..Preset::named("github").expect("a preset").scheme() };
        let auth = vec![AuthConfig::Hmac { scheme, secrets: Vec::new() }];
        let sent = posted("application/x-www-form-urlencoded", body);
        payloads(&SourceConfig { auth, ..catch() }, &sent).expect("a form").concat()
    };
    let once = r#"{"id":"7","t":["a","b"],"u":["c"]}"#;
    assert_eq!(read("{url}{form}", "id=7&t=a&t=b&u[]=c"), once);
    assert_eq!(read("{url}{form}", "id=7&t=a&t=b&u[]=c&id=%37&t=b&u%5B]=c&id=7"), once);
    assert_eq!(read("{body}", "id=7&id=7"), r#"{"id":["7","7"]}"#);
}
