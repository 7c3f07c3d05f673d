//! Programs that are told what happens here: each once it is so, signed, again after whatever went wrong, until they want no more.

use serde_json::{Value, json};
use tagrelay::sandbox::{Call, Sandbox};

use crate::support::body::{said, standard_webhooks};
use crate::support::command::run_with;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup, VIEWER};
use crate::support::gestures::states;
use crate::support::postgres::Postgres;
use crate::support::provider::{connection, provider};

const RULES: &str = "
rules:
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead, Hot], remove: [Cold] } }
  - id: undo
    match: { intent: undo }
    tag: { crm: { remove: [Lead] } }
";

fn setup(provider: &Sandbox) -> Setup {
    let rules = format!("{HEAD}{}{RULES}", connection(provider, ""));
    Setup::bare(&rules).without_sandbox().set("TAGRELAY_SUBSCRIBERS_ALLOW_PRIVATE", "true")
}

/// An address of the sandbox.
fn hook(provider: &Sandbox, name: &str) -> String {
    format!("{}/{name}", provider.base_url("webhook").expect("it has one"))
}

#[track_caller]
fn subscribe(gateway: &Gateway, body: &Value) -> Value {
    let answer = gateway.api_as(ADMIN, "POST", "/api/v1/subscriptions", body.to_string().as_bytes());
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

/// What an address was sent and has taken.
fn told(provider: &Sandbox, name: &str) -> Vec<Call> {
    let path = format!("/webhook/{name}");
    provider.calls().into_iter().filter(|call| call.path == path && call.status == Some(200)).collect()
}

#[track_caller]
fn first_told(provider: &Sandbox, name: &str, count: usize) -> Vec<Call> {
    eventually(&format!("{count} at {name}"), || Some(told(provider, name)).filter(|told| told.len() >= count))
}

fn shown(gateway: &Gateway, subscription: &Value) -> Value {
    gateway.api(&format!("/subscriptions/{}", subscription["id"].as_str().expect("an id")))
}

#[test]
fn a_subscriber_is_told_what_was_brought_about_and_nothing_else() {
    let provider = provider();
    let gateway = setup(&provider).alone("another gateway may tell for a moment more").start();
    gateway.event(&said("before", 6, "lead"));
    assert_eq!(states(&gateway.settled("before")).len(), 3);
    let lead = subscribe(
        &gateway,
        &json!({ "target_url": hook(&provider, "lead"), "event": "tag.added", "tag": "L*", "connection": "crm" }),
    );
    subscribe(&gateway, &json!({ "hookUrl": hook(&provider, "gone"), "event": "tag.removed", "rule": "undo" }));
    subscribe(&gateway, &json!({ "target_url": hook(&provider, "rules"), "event": "rule.fired" }));
    gateway.event(&said("one", 7, "lead"));
    gateway.event(&said("nothing", 7, "chat"));
    gateway.settled("one");
    gateway.event(&said("two", 7, "undo"));

    let rules = first_told(&provider, "rules", 2);
    let fired: Vec<&Value> = rules.iter().map(|call| &call.body["data"]["rule"]).collect();
    assert_eq!(fired, ["lead", "undo"]);
    assert_eq!(
        rules[0].body["data"]["contacts"],
        json!([{ "connection": "crm", "contact": "id:7", "contact_id": "7" }])
    );
    let gone = first_told(&provider, "gone", 1);
    assert_eq!((&gone[0].body["type"], &gone[0].body["data"]["tag"]), (&json!("tag.removed"), &json!("Lead")));
    let added = first_told(&provider, "lead", 1);
    let body = &added[0].body;
    let event = gateway.event_of("one");
    assert_eq!((&body["type"], &body["data"]["tag"]), (&json!("tag.added"), &json!("Lead")));
    assert_eq!((&body["data"]["contact_id"], &body["data"]["event"]), (&json!("7"), &event["id"]));
    assert_eq!(body["data"]["rule"], "lead");

    let header = |name: &str| added[0].headers[name].as_str();
    let secret = lead["secret"].as_str().expect("a secret");
    let at = header("webhook-timestamp").parse().expect("a time");
    let proof = standard_webhooks(secret, body["id"].as_str().expect("an id"), at, body.to_string().as_bytes());
    for (name, value) in &proof {
        assert_eq!(header(name), value, "{name}");
    }
    let counted = eventually("the count", || Some(shown(&gateway, &lead)).filter(|one| one["sent"] == 1));
    assert_eq!(
        (&counted["state"], &counted["target"]),
        (&json!("active"), &json!(format!("{}/***", provider.address())))
    );
    assert!(counted.get("secret").is_none() && !counted.to_string().contains("/webhook"), "{counted}");
    // What came to be before anybody asked, and what nobody asked for.
    assert_eq!((told(&provider, "lead").len(), told(&provider, "gone").len()), (1, 1));

    let id = lead["id"].as_str().expect("an id");
    let settings = [("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let url = format!("http://{}", gateway.address);
    let list = run_with(gateway.setup.folder(), &["subscriptions", "--url", &url], &settings, b"");
    assert!(list.out.contains(id) && list.out.contains("connection crm, tag L*"), "{}", list.out);
    let ended = run_with(gateway.setup.folder(), &["subscriptions", "--url", &url, "--end", id], &settings, b"");
    assert_eq!((ended.status, ended.out), (0, format!("{id} has ended; nothing more is sent\n")));
    gateway.event(&said("three", 9, "lead"));
    first_told(&provider, "rules", 3);
    gateway.settled("three");
    assert_eq!(told(&provider, "lead").len(), 1, "it has ended");
    let again = gateway.api_as(ADMIN, "DELETE", &format!("/api/v1/subscriptions/{id}"), b"");
    assert_eq!(again.status, 404);
}

#[test]
fn what_a_receiver_did_not_take_is_told_after_a_crash_and_a_410_ends_it() {
    let provider = provider();
    let mut gateway = setup(&provider).start();
    let one = subscribe(&gateway, &json!({ "target_url": hook(&provider, "one"), "event": "rule.fired" }));
    let fails = json!([{ "kind": "status", "status": 500, "provider": "webhook" }]);
    provider.add_faults(&fails).expect("faults");
    for key in ["a", "b", "c"] {
        gateway.event(&said(key, 7, "lead"));
    }
    let failing = eventually("a failure", || Some(shown(&gateway, &one)).filter(|one| one["state"] == "failing"));
    assert!(failing["failing"]["reason"].as_str().is_some_and(|reason| reason.contains("500")), "{failing}");
    gateway.kill();
    provider.clear_faults();
    gateway.start_again();
    let events = |calls: &[Call]| {
        calls.iter().map(|call| call.body["data"]["event"].as_str().expect("an id").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(events(&first_told(&provider, "one", 3)), ["1", "2", "3"], "in their order, each once");
    eventually("the count", || (shown(&gateway, &one)["sent"] == 3).then_some(()));

    // What was kept isn't told again.
    gateway.kill();
    provider.add_faults(&json!([{ "kind": "status", "status": 410, "provider": "webhook" }])).expect("faults");
    gateway.start_again();
    gateway.event(&said("d", 7, "lead"));
    let ended = eventually("the end", || Some(shown(&gateway, &one)).filter(|one| one["state"] == "ended"));
    assert!(ended["ended"]["reason"].as_str().is_some_and(|reason| reason.contains("410")), "{ended}");
    assert_eq!(told(&provider, "one").len(), 3);
}

#[test]
fn a_body_is_left_out_for_what_is_said_of_it_and_not_because_nobody_answered_before() {
    let provider = provider();
    let mut gateway = setup(&provider).on_a_file().start();
    let one = subscribe(&gateway, &json!({ "target_url": hook(&provider, "one"), "event": "rule.fired" }));
    let fails = |status: u16| {
        provider.clear_faults();
        provider.add_faults(&json!([{ "kind": "status", "status": status, "provider": "webhook" }])).expect("faults");
    };
    fails(500);
    gateway.event(&said("a", 7, "lead"));
    eventually("a failure", || (shown(&gateway, &one)["state"] == "failing").then_some(()));
    gateway.kill();
    // It has been tried for hours, and is tried again now.
    let db = rusqlite::Connection::open(gateway.setup.database()).expect("the file");
    let later =
        "UPDATE subscription SET progress = json_set(progress, '$.failing.tries', 7, '$.failing.next_try_at', 0)";
    assert_eq!(db.execute(later, []).expect("written"), 1);
    drop(db);
    fails(400);
    gateway.start_again();
    let tried = eventually("a try", || Some(shown(&gateway, &one)).filter(|one| one["failing"]["tries"] != 7));
    assert_eq!((&tried["failing"]["tries"], &tried["left_out"]), (&json!(8), &json!(0)), "{tried}");
}

#[test]
fn of_several_gateways_one_tells_and_where_it_ends_another_goes_on() {
    let server = Postgres::start();
    let provider = provider();
    let start = || setup(&provider).set("TAGRELAY_DATABASE_URL", &server.url()).start();
    let mut gateways = [start(), start()];
    eventually("a fair share of the buckets", || {
        let peers = gateways[0].api("/gateways")["items"].clone();
        (peers.as_array()?.len() == 2 && peers.as_array()?.iter().all(|peer| peer["buckets"] == 128)).then_some(())
    });
    let one = subscribe(&gateways[0], &json!({ "target_url": hook(&provider, "shared"), "event": "rule.fired" }));
    for n in 0..8 {
        gateways[n % 2].event(&said(&format!("e{n}"), n as u64, "lead"));
    }
    let mut ids: Vec<String> =
        first_told(&provider, "shared", 8).iter().map(|call| call.body["id"].to_string()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), told(&provider, "shared").len()), (8, 8), "each once");
    eventually("the count", || (shown(&gateways[1], &one)["sent"] == 8).then_some(()));
    let [first, second] = &mut gateways;
    first.terminate();
    second.event(&said("last", 9, "lead"));
    let last = first_told(&provider, "shared", 9);
    assert_eq!((last.len(), &last[8].body["data"]["rule"]), (9, &json!("lead")));
}

#[test]
fn dead_letters_and_pauses_are_told_and_samples_are_what_really_happened() {
    let provider = provider();
    let gateway = setup(&provider).start();
    let sample = |event: &str| gateway.api(&format!("/subscriptions/sample?event={event}"))["items"].clone();
    for event in ["tag.added", "tag.removed", "rule.fired", "dead_letter.created", "connection.paused"] {
        let items = sample(event);
        assert_eq!((&items[0]["type"], items.as_array().map(Vec::len)), (&json!(event), Some(1)), "{items}");
        assert!(items[0]["id"].as_str().is_some_and(|id| id.ends_with("-example")), "{items}");
        let name = event.replace('.', "-");
        subscribe(&gateway, &json!({ "target_url": hook(&provider, &name), "event": event }));
    }
    provider.lose("helpcrunch", "7").expect("lost");
    gateway.event(&said("lost", 7, "undo"));
    let dead = first_told(&provider, "dead_letter-created", 1);
    assert_eq!(dead[0].body["data"]["wanted"], "remove");
    assert_eq!((&dead[0].body["data"]["subject"], &dead[0].body["data"]["needs"]), (&json!("Lead"), &json!("mend")));
    provider.add_faults(&json!([{ "kind": "status", "status": 401, "provider": "helpcrunch" }])).expect("faults");
    gateway.event(&said("refused", 8, "lead"));
    let paused = first_told(&provider, "connection-paused", 1);
    assert_eq!(
        (&paused[0].body["data"]["connection"], &paused[0].body["data"]["state"]),
        (&json!("crm"), &json!("paused"))
    );
    assert_eq!(sample("connection.paused")[0], paused[0].body);
    assert_eq!(sample("dead_letter.created")[0], dead[0].body);
    let fired = sample("rule.fired&rule=un*");
    assert_eq!((&fired[0]["data"]["rule"], fired.as_array().map(Vec::len)), (&json!("undo"), Some(1)));
}

#[test]
fn a_call_that_is_wrong_makes_no_subscription() {
    let provider = provider();
    let rules = format!("{HEAD}{}{RULES}", connection(&provider, ""));
    let gateway = Setup::bare(&rules).without_sandbox().start();
    let post =
        |token: &str, body: &Value| gateway.api_as(token, "POST", "/api/v1/subscriptions", body.to_string().as_bytes());
    let at = "https://hooks.example.com/1";
    for (body, told) in [
        (json!({ "event": "tag.added" }), "body: target_url: expected the address that is told, found nothing"),
        (json!({ "target_url": at }), "body: event: expected one of tag.added, tag.removed, rule.fired,"),
        (json!({ "target_url": at, "event": "tag" }), "body: event: expected one of tag.added"),
        (json!({ "target_url": at, "hookUrl": at, "event": "tag.added" }), "body: target_url: says the same"),
        (json!({ "target_url": "ftp://a", "event": "tag.added" }), "body: target_url: expected an address that starts"),
        (json!({ "target_url": "http://127.0.0.1/x", "event": "tag.added" }), "body: target_url: 127.0.0.1 is"),
        (json!({ "target_url": "http://[::1]/x", "event": "tag.added" }), "body: target_url: [::1] is"),
        (
            json!({ "target_url": at, "event": "rule.fired", "tag": "Lead" }),
            "body: tag: rule.fired can't be narrowed by it",
        ),
        (
            json!({ "target_url": at, "event": "tag.added", "colour": "red" }),
            "body: colour: unknown; there is: target_url",
        ),
    ] {
        let answer = post(ADMIN, &body);
        let detail = answer.json()["detail"].as_str().unwrap_or_default().to_owned();
        assert!(answer.status == 400 && detail.starts_with(told), "{body}: {detail}");
    }
    assert_eq!(post(VIEWER, &json!({ "target_url": at, "event": "tag.added" })).status, 403);
    assert_eq!(gateway.api("/subscriptions")["items"], json!([]));
    assert_eq!(gateway.api_as(ADMIN, "GET", "/api/v1/subscriptions/sample", b"").status, 400);
}

#[test]
fn the_calls_of_the_page_do_what_it_says() {
    let provider = provider();
    let gateway = setup(&provider).start();
    let page = std::fs::read_to_string("docs/zapier.md").expect("the page");
    let bodies: Vec<&str> =
        page.lines().filter_map(|line| line.trim().strip_prefix("-d '")?.strip_suffix('\'')).collect();
    assert_eq!(bodies.len(), 2);
    for body in bodies {
        let answer = gateway.api_as(ADMIN, "POST", "/api/v1/subscriptions", body.as_bytes());
        assert_eq!(answer.status, 201, "{body}: {}", answer.text());
    }
    assert_eq!(gateway.api("/subscriptions/sample?event=tag.added")["items"][0]["type"], "tag.added");
    let shown = page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a body");
    let (shown, sample): (Value, Value) = (
        serde_json::from_str(shown).expect("JSON"),
        gateway.api("/subscriptions/sample?event=tag.added")["items"][0].clone(),
    );
    let names = |value: &Value| value.as_object().expect("a mapping").keys().cloned().collect::<Vec<_>>();
    assert_eq!((names(&shown), names(&shown["data"])), (names(&sample), names(&sample["data"])));
}
