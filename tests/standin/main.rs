//! The gateway against stand-ins that were written in another language, from the vendors' pages alone: the sandbox and the
//! client are by the same hands, and could share a mistake.

#[path = "../support/mod.rs"]
mod support;

mod model;
mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::{Value, json};
use support::body::said;
use support::eventually;
use support::gateway::{Gateway, HEAD, Setup};

use model::{Heard, People};
use server::StandIn;

const OPT_OUT: &str = "Opt-out";
const OFFER: &str = "Offer";
/// People whom every provider knows, with the ids 1 to 5.
const KNOWN: u64 = 5;

/// A provider: the path below the stand-in, and the credentials that its connection has.
struct Row {
    provider: &'static str,
    path: &'static str,
    credentials: &'static str,
}

const ROWS: [Row; 4] = [
    Row { provider: "helpcrunch", path: "/helpcrunch/v1", credentials: "api_key: env:HC_KEY" },
    Row { provider: "1980tic", path: "/1980tic/api/v1", credentials: "token: env:TIC_TOKEN" },
    Row { provider: "respond-io", path: "/respond-io/v2", credentials: "token: env:RIO_TOKEN" },
    Row { provider: "b2chat", path: "/b2chat", credentials: "username: env:B2_USER, password: env:B2_PASSWORD" },
];

/// What was sent on of each person, in order.
type Received = BTreeMap<String, Vec<String>>;

/// A connection's name.
fn name(row: &Row) -> String {
    format!("at-{}", row.provider)
}

/// The same rule for every provider.
fn rules(server: &StandIn) -> String {
    let mut text = format!("{HEAD}connections:\n");
    for row in &ROWS {
        let (name, base_url) = (name(row), server.base_url(row.path));
        writeln!(
            text,
            "  {name}: {{ provider: {}, {}, base_url: \"{base_url}\", allow_private: true, rate_limit: 100000/min }}",
            row.provider, row.credentials
        )
        .expect("text");
    }
    let hook = server.base_url("/receiver/hook");
    writeln!(
        text,
        "  hook: {{ provider: webhook, url: \"{hook}\", signing_secret: env:HOOK, allow_private: true, rate_limit: 1000/s }}\n\
         rules:\n  - id: everything\n    forward: {{ hook: {{ about: \"{{{{ params.phone }}}}\", n: \"{{{{ params.n }}}}\" }} }}"
    )
    .expect("text");
    let many = (1..=12).map(|n| format!("M{n}")).collect::<Vec<_>>().join(", ");
    let tag = "\"{{ params.tag }}\"";
    let phone = "{ phone: \"{{ params.phone }}\" }";
    for (intent, contact, block) in [
        ("add", "", format!("add: [{tag}]")),
        ("remove", "", format!("remove: [{tag}]")),
        ("swap", "", "remove: [Cold], add: [Hot]".to_owned()),
        ("many", "", format!("add: [{many}]")),
        ("phone", phone, format!("add: [{tag}]")),
        ("new", "{ phone: \"{{ params.phone }}\", create: true }", format!("add: [{tag}]")),
        ("offer", phone, format!("add: [{OFFER}], unless_tagged: [{OPT_OUT}]")),
    ] {
        let at: Vec<String> = ROWS.iter().map(|row| format!("{}: {{ {block} }}", name(row))).collect();
        let contact = if contact.is_empty() { String::new() } else { format!("    contact: {contact}\n") };
        writeln!(
            text,
            "  - id: {intent}\n    match: {{ intent: {intent} }}\n{contact}    tag: {{ {} }}",
            at.join(", ")
        )
        .expect("text");
    }
    text
}

/// The keys of the accounts.
const KEYS: [(&str, &str); 5] = [
    ("HC_KEY", "hc-key"),
    ("TIC_TOKEN", "tic-token"),
    ("RIO_TOKEN", "rio-token"),
    ("B2_USER", "b2-user"),
    ("B2_PASSWORD", "b2-password"),
];
/// What the receiver checks signatures with.
const HOOK: &str = "whsec_c3RhbmQtaW4gb2YgdGhlIHJlY2VpdmVyIDMyIGJ5dGVz";

fn start(server: &StandIn, keys: &[(&str, &str)]) -> Gateway {
    let seeds: Vec<Value> = (1..=KNOWN).map(|n| json!({ "id": n.to_string(), "phone": number(n) })).collect();
    let seeds: serde_json::Map<_, _> = ROWS.iter().map(|row| (row.provider.to_owned(), json!(seeds))).collect();
    server.tell("seed", &Value::Object(seeds));
    let setup = Setup::bare(&rules(server)).without_sandbox().set("HOOK", HOOK);
    keys.iter().fold(setup, |setup, (name, value)| setup.set(name, value)).start()
}

/// Nobody has a tag yet.
fn seeded() -> People {
    (1..=KNOWN).map(|person| (number(person), BTreeSet::new())).collect()
}

fn number(person: u64) -> String {
    format!("+57300000000{person}")
}

/// What happens, from a small generator: the same for every run.
fn story(events: u64, newcomers: u64) -> Vec<Heard> {
    const INTENTS: [&str; 10] = ["add", "add", "remove", "remove", "swap", "phone", "phone", "new", "offer", "many"];
    const TAGS: [&str; 6] = ["Lead", "Cold", "Hot", OPT_OUT, OFFER, "Ñandú 50%/año"];
    let mut seed = 7_u64;
    let mut next = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let hear = |_| {
        let intent = INTENTS[next(INTENTS.len() as u64) as usize];
        let is_by_id = matches!(intent, "add" | "remove" | "swap" | "many");
        let person = 1 + next(if is_by_id { KNOWN } else { KNOWN + newcomers });
        Heard { intent, phone: number(person), tag: TAGS[next(TAGS.len() as u64) as usize].to_owned() }
    };
    (0..events).map(hear).collect()
}

/// Sends everything in order; `people` become what the rules say of it, and `told` is what was sent on. After every
/// `kills`th event the gateway is killed with its calls under way.
fn tell(
    gateway: &mut Gateway,
    (people, told): (&mut People, &mut Received),
    part: &str,
    story: &[Heard],
    kills: Option<usize>,
) {
    for (n, heard) in story.iter().enumerate() {
        let person: u64 = heard.phone.trim_start_matches("+57300000000").parse().expect("a number of ours");
        let name = format!("{part}-{n}");
        let params = json!({ "phone": heard.phone, "tag": heard.tag, "n": name });
        told.entry(heard.phone.clone()).or_default().push(name.clone());
        gateway.event(&said(&name, person, heard.intent).with(params));
        model::apply(people, heard);
        if kills.is_some_and(|every| n % every == every - 1) {
            gateway.kill();
            gateway.start_again();
        }
        // Whether a number is anybody's is asked when its turn comes, which must be before the next event makes somebody.
        if matches!(heard.intent, "phone" | "new" | "offer") {
            drain(gateway);
        }
    }
    drain(gateway);
}

/// Waits until nothing waits.
#[track_caller]
fn drain(gateway: &Gateway) {
    eventually("the end of all that waits", || {
        let connections = gateway.api("/connections");
        let items = connections["items"].as_array().expect("a list");
        for item in items.iter().filter(|item| item["waiting"] != 0) {
            gateway.api_post(&format!("/connections/{}/retry", item["name"].as_str().expect("a name")));
        }
        items.iter().all(|item| item["waiting"] == 0).then_some(())
    });
}

/// Each person's tags at a provider. Two people with one number would be a mistake of ours.
fn at(state: &Value, provider: &str) -> People {
    let contacts = state["contacts"][provider].as_object().expect("contacts");
    let mut people = People::new();
    for contact in contacts.values() {
        let tags = contact["tags"].as_array().expect("a list").iter();
        let tags = tags.map(|tag| tag.as_str().expect("a text").to_owned()).collect();
        let phone = contact["phone"].as_str().expect("everybody has one").to_owned();
        assert!(people.insert(phone.clone(), tags).is_none(), "{provider}: {phone} is there twice");
    }
    people
}

#[track_caller]
fn compare(server: &StandIn, expected: &People, told: &Received) {
    let state = server.state();
    assert_eq!(state["complaints"], json!([]), "requests that no page knows");
    for row in &ROWS {
        assert_eq!(&at(&state, row.provider), expected, "{}", row.provider);
    }
    assert_eq!(state["received"], json!(told), "each body once, in order");
}

#[test]
fn everybody_ends_with_the_tags_that_the_rules_say_at_every_provider() {
    let server = StandIn::start();
    let mut gateway = start(&server, &KEYS);
    let (mut people, mut told) = (seeded(), Received::new());
    tell(&mut gateway, (&mut people, &mut told), "all", &story(150, 3), None);
    compare(&server, &people, &told);
    assert!(people.len() > KNOWN as usize, "somebody new has come");
    let state = server.state();
    // Whether a number is anybody's is told by a 404 at respond.io.
    let asked = |call: &&Value| call["provider"] == "respond-io" && call["method"] == "GET" && call["status"] == 404;
    let failed = |call: &&Value| call["status"].as_u64().is_none_or(|status| status >= 300) && !asked(call);
    let failed: Vec<&Value> = state["calls"].as_array().expect("a list").iter().filter(failed).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn they_do_so_through_failures_limits_kills_and_tokens_that_end() {
    let server = StandIn::start();
    let mut gateway = start(&server, &KEYS);
    let (mut people, mut told) = (seeded(), Received::new());
    let providers: Vec<&str> = ROWS.iter().map(|row| row.provider).chain(["webhook"]).collect();
    for (n, part) in story(90, 2).chunks(10).enumerate() {
        for provider in &providers {
            let fault = match n % 3 {
                0 => json!({ "status": 503, "times": 2 }),
                1 => json!({ "status": 429, "times": 1, "retry_after": "1" }),
                // It was done, and nobody could know.
                _ => {
                    json!({ "status": 500, "times": 2, "done": true, "path": if *provider == "webhook" { "/hook" } else { "/tag" } })
                }
            };
            let mut fault = fault.as_object().expect("a mapping").clone();
            fault.insert("provider".to_owned(), json!(provider));
            server.tell("fail", &Value::Object(fault));
        }
        server.tell("mix", &json!({ "share": 0.3, "seed": n }));
        server.tell("end", &json!({}));
        tell(&mut gateway, (&mut people, &mut told), &n.to_string(), part, Some(3));
    }
    compare(&server, &people, &told);
    let state = server.state();
    let had = |status: u64| state["calls"].as_array().expect("a list").iter().any(|call| call["status"] == status);
    assert!([401, 429, 500, 503].into_iter().all(had), "{}", state["faults"]);
}

#[test]
fn keys_that_are_refused_pause_each_connection_and_change_nobody() {
    let server = StandIn::start();
    let wrong = KEYS.map(|(name, _)| (name, "wrong-key-3b1f"));
    let gateway = start(&server, &wrong);
    gateway.event(&said("one", 1, "swap"));
    let connections = eventually("every pause", || {
        let items = gateway.api("/connections")["items"].as_array().expect("a list").clone();
        let accounts = items.into_iter().filter(|item| item["name"] != "hook").collect::<Vec<_>>();
        accounts.iter().all(|item| item["state"] == "paused").then_some(accounts)
    });
    assert_eq!(connections.len(), ROWS.len());
    assert!(connections.iter().all(|item| item["waiting"] == 1), "{connections:?}");
    drop(gateway);
    let state = server.state();
    assert!(ROWS.iter().all(|row| at(&state, row.provider) == seeded()), "{state:#}");
}
