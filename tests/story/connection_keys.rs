//! Keys of a connection that decide whether and how it is called: `dry_run`, and settings that the environment gives.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::json;

use crate::support::body::said;
use crate::support::command::run_with;
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup};
use crate::support::gestures::{changes, states};
use crate::support::provider::provider;

/// Two accounts, so that what isn't called for one is seen to be called for the other.
const TRIAL: &str = r#"
connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY, dry_run: true, exclusive: ["stage:*"] }
  live: { provider: b2chat, token: env:CRM_KEY }
rules:
  - id: lead
    match: { intent: lead }
    tag:
      crm: { add: [Lead, "stage:new", { name: Hot, for: 1s }], remove: [Cold], unless_tagged: [Customer] }
    set:
      crm: { plan: pro }
  - id: sale
    match: { intent: sale }
    contact: { phone: "+573001234567", create: true }
    tag:
      crm: { add: [Sale] }
      live: { add: [Sale] }
"#;

fn ask(gateway: &Gateway, args: &[&str]) -> String {
    let address = gateway.address.to_string();
    let settings = [("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let ran = run_with(gateway.setup.folder(), args, &settings, b"");
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    ran.out
}

#[test]
fn a_connection_on_dry_run_is_decided_for_recorded_and_never_called() {
    let gateway = Setup::bare(&format!("{HEAD}{TRIAL}")).start();
    gateway.event(&said("a", 7, "lead"));
    let event = gateway.settled("a");
    assert_eq!(states(&event), ["dry_run"; 5]);
    assert_eq!(event["changes"][0]["reason"], "the connection is on `dry_run`: nothing was called");
    let told = changes(&event).into_iter().map(|(_, wanted, tag, _)| format!("{wanted} {tag}"));
    assert_eq!(told.collect::<Vec<_>>(), ["remove Cold", "add Lead", "add stage:new", "add Hot", "set "]);
    assert_eq!(gateway.calls_in_short(), [""; 0], "not even a look for guards and exclusives");
    assert!(ask(&gateway, &["events", "1"]).contains("dry_run"), "people are told");

    // What was only recorded isn't known of the contact, and starts no clock.
    let contact = gateway.api("/contacts/crm/7");
    assert_eq!((&contact["timers"], &contact["dead_letters"]), (&json!([]), &json!([])));
    let address = gateway.address.to_string();
    let settings = [("TAGRELAY_LISTEN", address.as_str()), ("TAGRELAY_ADMIN_TOKEN", ADMIN)];
    let shown = run_with(gateway.setup.folder(), &["contacts", "crm", "7"], &settings, b"");
    let told = "error: nothing is known of id:7 at crm; crm is on `dry_run`: what is asked of it stands with each event and \
                isn't done\n";
    assert_eq!((shown.status, shown.out.as_str(), shown.err.as_str()), (1, "", told));
}

#[test]
fn nobody_is_looked_up_or_made_on_dry_run_and_other_connections_are_called() {
    let gateway = Setup::bare(&format!("{HEAD}{TRIAL}")).start();
    gateway.event(&said("a", 7, "sale"));
    let event = gateway.settled("a");
    let state = |connection: &str| {
        let list = event["changes"].as_array().expect("a list");
        let of: Vec<_> = list.iter().filter(|change| change["connection"] == connection).collect();
        of.iter().map(|change| change["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((state("crm"), state("live")), (vec![json!("dry_run")], vec![json!("applied")]));
    let calls = gateway.calls();
    assert!(!calls.is_empty() && calls.iter().all(|call| call["provider"] == "b2chat"), "{calls:?}");
}

#[test]
fn explain_says_what_would_only_be_recorded() {
    let setup = Setup::bare(&format!("{HEAD}{TRIAL}"));
    let explain = ["explain", "--source", "bot", "--rules", "rules", "-"];
    let ran = run_with(setup.folder(), &explain, &[], &said("a", 7, "sale").body());
    assert_eq!(ran.status, 0, "{ran:?}");
    let lines: Vec<&str> = ran.out.lines().collect();
    let after = |words: &str| {
        let at =
            lines.iter().position(|line| line.starts_with(words)).unwrap_or_else(|| panic!("{words}: {}", ran.out));
        lines.get(at + 1).copied().unwrap_or_default().trim()
    };
    assert_eq!(after("add    \"Sale\" at crm"), "only recorded: crm is on `dry_run`");
    assert_ne!(after("add    \"Sale\" at live"), "only recorded: live is on `dry_run`");
}

#[test]
fn once_it_is_taken_off_dry_run_what_comes_is_delivered_and_what_was_recorded_is_over() {
    let text = format!("{HEAD}{TRIAL}");
    let gateway = Setup::bare(&text).start();
    gateway.event(&said("a", 7, "lead"));
    gateway.settled("a");
    let before = gateway.rule_set();
    gateway.write_rules("rules.yaml", &text.replace("dry_run: true", "dry_run: false"));
    gateway.rule_set_after(&before);
    gateway.event(&said("b", 8, "lead"));
    let states_of_b = states(&gateway.settled("b"));
    assert_eq!(states_of_b, ["already", "applied", "applied", "applied", "applied"], "Cold wasn't there");
    assert_eq!((states(&gateway.event_of("a")), gateway.contact_in_sandbox(7)), (vec!["dry_run".to_owned(); 5], None));
}

const LEAD: &str = "rules:\n  - id: lead\n    match: { intent: lead }\n    tag: { crm: { add: [Lead] } }\n";

fn from_environment(keys: &str) -> Setup {
    Setup::bare(&format!("{HEAD}connections:\n  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY, {keys} }}\n{LEAD}"))
        .without_sandbox()
}

#[test]
fn the_address_and_the_allowance_come_from_the_environment() {
    let provider = provider();
    let base_url = provider.base_url("helpcrunch").expect("it has one");
    let keys = "base_url: env:CRM_URL, allow_private: env:CRM_PRIVATE, rate_limit: env:CRM_RATE";
    let gateway =
        from_environment(keys).set("CRM_URL", &base_url).set("CRM_PRIVATE", "true").set("CRM_RATE", "1/h").start();
    gateway.event(&said("a", 7, "lead"));
    assert_eq!(states(&gateway.settled("a")), ["applied"]);
    assert_eq!(provider.tags("helpcrunch", "7").expect("known"), ["Lead"]);
    // One call an hour: the second contact waits, where the provider's own limit would let it go at once.
    gateway.event(&said("b", 8, "lead"));
    eventually("a contact that waits", || (gateway.crm()["waiting"] == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(states(&gateway.event_of("b")), ["waiting"]);
    assert_eq!((provider.calls().len(), provider.tags("helpcrunch", "8")), (1, None));
}

#[test]
fn the_patience_comes_from_the_environment() {
    // It takes connections and never answers.
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let base_url = format!("http://{}/v1", silent.local_addr().expect("an address"));
    let keys = "base_url: env:CRM_URL, allow_private: true, timeout: env:CRM_TIMEOUT, give_up_after: env:CRM_END";
    let gateway =
        from_environment(keys).set("CRM_URL", &base_url).set("CRM_TIMEOUT", "50ms").set("CRM_END", "0s").start();
    gateway.event(&said("a", 7, "lead"));
    let event = gateway.settled("a");
    assert_eq!(states(&event), ["dead"], "by default it would be tried for three days");
    let took = &event["deliveries"][0]["attempts"][0]["took_ms"];
    assert!(took.as_u64().is_some_and(|took| (50..5_000).contains(&took)), "by default it would take 10 s: {took}");
    assert!(event["changes"][0]["reason"].as_str().is_some_and(|why| why.contains("given up after 1 try")), "{event}");
}

#[test]
fn what_can_not_be_read_is_told_with_its_variable_and_its_connection_and_is_not_shown() {
    let keys = "base_url: env:CRM_URL, timeout: env:CRM_TIMEOUT, rate_limit: env:CRM_RATE, concurrency: env:CRM_MANY, \
                tag_cache: env:CRM_CACHE, dry_run: env:CRM_DRY, gather: env:CRM_GATHER";
    let refused = from_environment(keys)
        .set("CRM_URL", "hunter2.example/v1")
        .set("CRM_TIMEOUT", "hunter2")
        .set("CRM_RATE", "hunter2/min")
        .set("CRM_MANY", "65")
        .set("CRM_CACHE", "never")
        .set("CRM_DRY", "yes")
        .fail();
    assert_eq!(refused.status, 2, "{refused:?}");
    let says = |words: &str| assert!(refused.err.contains(words), "{words}: {}", refused.err);
    says("connection crm: base_url: CRM_URL must be an address that begins with `https://` or `http://`");
    says("connection crm: timeout: CRM_TIMEOUT must be a duration: `500ms`, `10s`, `5m`, `24h` or `7d`");
    says("connection crm: rate_limit: CRM_RATE must be a rate: `100/min`, `5/s` or `1000/h`");
    says("connection crm: concurrency: CRM_MANY must be a whole number from 1 to 64");
    says("connection crm: tag_cache: CRM_CACHE must be a duration");
    says("connection crm: dry_run: CRM_DRY must be `true` or `false`");
    says("connection crm: gather: environment variable CRM_GATHER is not set");
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
}

#[test]
fn an_address_that_is_one_and_can_not_be_called_names_its_variable_too() {
    let refused = from_environment("base_url: env:CRM_URL").set("CRM_URL", "https://me:hunter2@crm.example").fail();
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.err.contains("connection crm: base_url: CRM_URL must not hold credentials"), "{}", refused.err);
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
}

#[test]
fn a_word_from_the_environment_is_one_that_a_rule_file_may_have() {
    let refused = Setup::bare(
        "connections:\n  viber: { provider: 1980tic, token: env:CRM_KEY, channel: env:TIC_CHANNEL }\n  \
         shop: { provider: b2chat, token: env:CRM_KEY, missing_tags: env:SHOP_TAGS }\n",
    )
    .set("TIC_CHANNEL", "vibre")
    .set("SHOP_TAGS", "keep")
    .fail();
    assert_eq!(refused.status, 2, "{refused:?}");
    for words in [
        "connection viber: channel: TIC_CHANNEL must be `viber`",
        "connection shop: missing_tags: SHOP_TAGS must be `create` or `skip`",
    ] {
        assert!(refused.err.contains(words), "{words}: {}", refused.err);
    }
}
