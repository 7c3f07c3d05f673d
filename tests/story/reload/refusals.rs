//! A set that can't be in force leaves the old one, says why, and is taken once it is mended.

use std::fs;

use serde_json::json;

use super::{ALONE, answering};
use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{CRM, Gateway, HEAD, Setup};

#[track_caller]
fn still(gateway: &Gateway, key: &str, reply: &str) {
    assert_eq!(gateway.event(&said(key, 7, "lead")).json()["fulfillmentText"], reply);
    let ready = gateway.call("GET", "/readyz", &[], b"").ok();
    assert_eq!((&ready["status"], &ready["rules"]), (&json!("ready"), &json!(1)));
}

#[track_caller]
fn mended(gateway: &Gateway) {
    eventually("the mend", || gateway.api("/rules")["refused"].is_null().then_some(()));
    assert!(gateway.counts("tagrelay_rules_in_force 1"));
}

#[test]
fn rules_that_are_not_clean_never_replace_good_ones_and_their_mend_is_taken() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let before = gateway.rule_set();
    gateway.write_rules("rules.yaml", &answering("One").replace("intent: lead", "intnet: lead"));
    let refused = gateway.rules_refused();
    assert_eq!(refused["reason"], "the rules are not clean");
    let finding = &refused["findings"][0];
    assert_eq!((&finding["file"], &finding["severity"]), (&json!("rules/rules.yaml"), &json!("error")));
    assert!(finding["line"].as_u64() > Some(1) && finding["code"].as_str().is_some_and(|code| code.starts_with('E')));
    assert_ne!(refused["rule_set"], json!(before));
    assert_eq!(gateway.rule_set(), before);
    still(&gateway, "e1", "One");
    let told = gateway.log_of("are not used");
    assert_eq!((told.len(), &told[0]["level"]), (1, &json!("ERROR")));
    assert!(told[0]["findings"].as_str().is_some_and(|text| text.contains("intnet")), "{told:?}");
    assert!(gateway.counts("tagrelay_rules_in_force 0"));
    assert!(gateway.counts("tagrelay_rules_reloads_total{result=\"refused\"} 1"));

    gateway.write_rules("rules.yaml", &answering("Two"));
    mended(&gateway);
    assert_ne!(gateway.rule_set(), before);
    still(&gateway, "e2", "Two");
}

#[test]
fn going_back_to_the_rules_in_force_ends_a_refusal() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let before = gateway.api("/rules");
    gateway.write_rules("rules.yaml", "rules: 7\n");
    gateway.rules_refused();
    gateway.write_rules("rules.yaml", &answering("One"));
    mended(&gateway);
    assert_eq!(gateway.api("/rules"), before, "in force since then, all the time");
    assert_eq!(gateway.log_of("in force again").len(), 1);
}

#[test]
fn files_that_go_or_are_emptied_leave_the_rules_in_force() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    fs::remove_file(gateway.rule_file("rules.yaml")).expect("removed");
    let reason = gateway.rules_refused()["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("no *.yaml"), "{reason}");
    still(&gateway, "e1", "One");
    gateway.write_rules("rules.yaml", "\n");
    eventually("the next reason", || {
        (gateway.rules_refused()["reason"] == "there is nothing in the rule files").then_some(())
    });
    still(&gateway, "e2", "One");
    fs::remove_dir_all(gateway.rule_file("")).expect("removed");
    eventually("the next reason", || {
        gateway.rules_refused()["reason"].as_str().is_some_and(|why| why.starts_with("rules: ")).then_some(())
    });
    still(&gateway, "e3", "One");
    fs::create_dir(gateway.rule_file("")).expect("a folder");
    gateway.write_rules("rules.yaml", &answering("Two"));
    mended(&gateway);
    still(&gateway, "e4", "Two");
}

#[test]
fn a_secret_that_is_missing_refuses_the_set_and_no_secret_is_shown() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let literal =
        answering("Two").replace("env:BOT_SECRET", "file:bot.key").replace("env:BOT_PASSWORD", "hunter2-3f1a");
    gateway.write_rules("rules.yaml", &literal);
    let reason = gateway.rules_refused()["reason"].as_str().expect("a reason").to_owned();
    assert!(reason.contains("source bot: ") && reason.contains("bot.key"), "{reason}");
    still(&gateway, "e1", "One");
    gateway.write_rules("rules.yaml", &literal.replace("match:", "mtch:"));
    eventually("findings", || (gateway.rules_refused()["reason"] == "the rules are not clean").then_some(()));
    assert!(!gateway.api("/rules").to_string().contains("hunter2"));
    assert!(!gateway.process.log().contains("hunter2"));
    fs::write(gateway.setup.folder().join("bot.key"), "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=\n").expect("written");
    gateway.write_rules("rules.yaml", &literal);
    mended(&gateway);
    assert!(!gateway.process.log().contains("hunter2"));
}

#[test]
fn the_sources_of_a_set_belong_to_it() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let other = format!("{HEAD}{CRM}").replace("  bot:", "  shop-bot:");
    gateway.write_rules("rules.yaml", &other);
    eventually("the old hook to go", || (gateway.send_hook(&said("e", 7, "lead").body()).status == 404).then_some(()));
    assert_eq!(gateway.call("POST", "/hooks/shop-bot", &[], b"{}").status, 401);
    gateway.write_rules("rules.yaml", &answering("One").replace("env:BOT_PASSWORD", "another-password-77"));
    eventually("the new password", || (gateway.send_hook(&said("e", 7, "lead").body()).status == 401).then_some(()));
}
