//! Whatever way the files are changed in, it is noticed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::{ALONE, answering};
use crate::support::body::said;
use crate::support::eventually;
use crate::support::gateway::{Gateway, Setup};

/// Waits until a lead is answered with this.
#[track_caller]
fn answers(gateway: &Gateway, reply: &str) {
    eventually(&format!("the answer {reply}"), || {
        let answer = gateway.event(&said(&format!("{:?}", std::time::Instant::now()), 7, "lead"));
        (answer.json()["fulfillmentText"] == reply).then_some(())
    });
}

fn git(folder: &Path, args: &[&str]) {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=one"]);
    let output = command.args(args).current_dir(folder).output().expect("git is installed");
    assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_file_written_in_place_is_noticed() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    answers(&gateway, "One");
    let before = gateway.rule_set();
    gateway.write_rules("rules.yaml", &answering("Two"));
    answers(&gateway, "Two");
    let after = gateway.rule_set();
    assert_ne!(before, after);
    let told = gateway.log_of("rules reloaded");
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["rule_set"], &told[0]["rule_set_before"]), (&json!(after), &json!(before)));
    assert_eq!((&told[0]["rules"], &told[0]["rules_before"]), (&json!(1), &json!(1)));
    assert!(gateway.counts("tagrelay_rules_reloads_total{result=\"ok\"} 1"));
    assert!(gateway.counts("tagrelay_rules_in_force 1"));
}

#[test]
fn a_file_written_beside_and_renamed_is_noticed() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    for reply in ["Two", "Three"] {
        gateway.write_rules(".rules.yaml.new", &answering(reply));
        fs::rename(gateway.rule_file(".rules.yaml.new"), gateway.rule_file("rules.yaml")).expect("renamed");
        answers(&gateway, reply);
    }
}

#[test]
fn new_directories_and_files_that_go_are_noticed() {
    let gateway = Setup::bare(&answering("Two")).alone(ALONE).start();
    fs::create_dir_all(gateway.rule_file("a/deep")).expect("folders");
    let first = "rules:\n  - id: first\n    match: { intent: lead }\n    reply: One\n";
    gateway.write_rules("a/deep/rules.yaml", first);
    answers(&gateway, "One");
    gateway.write_rules("a/deep/rules.yaml", &first.replace("One", "Uno"));
    answers(&gateway, "Uno");
    fs::remove_dir_all(gateway.rule_file("a")).expect("removed");
    answers(&gateway, "Two");
}

#[test]
fn a_hook_whose_file_is_away_for_a_moment_takes_all_that_comes() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let before = gateway.rule_set();
    gateway.write_rules("more.yaml", "rules:\n  - id: more\n    match: { intent: more }\n    reply: More\n");
    gateway.rule_set_after(&before);
    let (file, away) = (gateway.rule_file("rules.yaml"), std::time::Instant::now());
    fs::remove_file(&file).expect("it is there");
    while away.elapsed() < Duration::from_millis(200) {
        let body = said(&format!("{:?}", away.elapsed()), 7, "lead").body();
        let answer = gateway.send_hook(&body);
        // What came later than the gateway waits, on a machine that stood still, says nothing.
        if away.elapsed() < Duration::from_millis(450) {
            assert_eq!(answer.ok()["fulfillmentText"], "One");
        }
    }
    gateway.write_rules("rules.yaml", &answering("Two"));
    answers(&gateway, "Two");
    fs::remove_file(&file).expect("it is there");
    let gone = || (gateway.call("POST", "/hooks/bot", &[], b"{}").status == 404).then_some(());
    eventually("no hook where its file stays away", gone);
}

#[test]
fn a_checkout_of_another_branch_is_noticed() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let rules = gateway.rule_file("");
    git(&rules, &["init", "-q"]);
    git(&rules, &["add", "."]);
    git(&rules, &["commit", "-qm", "one"]);
    git(&rules, &["checkout", "-qb", "two"]);
    fs::create_dir(rules.join("more")).expect("a folder");
    for n in 0..50 {
        let rule = format!("rules:\n  - id: more-{n}\n    match: {{ intent: more-{n} }}\n    reply: More\n");
        fs::write(rules.join(format!("more/{n}.yaml")), rule).expect("written");
    }
    gateway.write_rules("rules.yaml", &answering("Two"));
    git(&rules, &["add", "."]);
    git(&rules, &["commit", "-qm", "two"]);
    answers(&gateway, "Two");
    for (branch, reply, rules_in_force) in [("one", "One", 1), ("two", "Two", 51), ("one", "One", 1)] {
        git(&rules, &["checkout", "-q", branch]);
        answers(&gateway, reply);
        eventually("all rules of the branch", || {
            (gateway.api("/rules")["items"].as_array().map(Vec::len) == Some(rules_in_force)).then_some(())
        });
    }
}

#[test]
fn a_directory_that_is_swapped_by_its_link_is_noticed() {
    let setup = Setup::bare("").set("TAGRELAY_RULES", "current");
    let folder = setup.folder().to_owned();
    for (release, reply) in [("1", "One"), ("2", "Two")] {
        fs::create_dir_all(folder.join("releases").join(release)).expect("folders");
        fs::write(folder.join("releases").join(release).join("rules.yaml"), answering(reply)).expect("written");
    }
    symlink("releases/1", folder.join("current")).expect("a link");
    let gateway = setup.alone(ALONE).start();
    for (release, reply) in [("2", "Two"), ("1", "One")] {
        symlink(format!("releases/{release}"), folder.join("next")).expect("a link");
        fs::rename(folder.join("next"), folder.join("current")).expect("renamed");
        answers(&gateway, reply);
    }
    fs::write(folder.join("releases/1/rules.yaml"), answering("Uno")).expect("written");
    answers(&gateway, "Uno");
    fs::write(folder.join("releases/2/rules.yaml"), answering("Uno")).expect("written");
    let before = gateway.api("/rules");
    symlink("releases/2", folder.join("next")).expect("a link");
    fs::rename(folder.join("next"), folder.join("current")).expect("renamed");
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(gateway.api("/rules"), before, "the same files elsewhere are the same set");
    fs::write(folder.join("releases/2/rules.yaml"), answering("Dos")).expect("written");
    answers(&gateway, "Dos");
}

#[test]
fn a_config_map_that_is_swapped_is_noticed() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    fs::remove_file(gateway.rule_file("rules.yaml")).expect("removed");
    let publish = |version: &str, reply: &str| {
        fs::create_dir(gateway.rule_file(version)).expect("a folder");
        gateway.write_rules(&format!("{version}/rules.yaml"), &answering(reply));
        symlink(version, gateway.rule_file("..data_tmp")).expect("a link");
        fs::rename(gateway.rule_file("..data_tmp"), gateway.rule_file("..data")).expect("renamed");
    };
    publish("..2026_1", "Two");
    symlink("..data/rules.yaml", gateway.rule_file("rules.yaml")).expect("a link");
    answers(&gateway, "Two");
    publish("..2026_2", "Three");
    fs::remove_dir_all(gateway.rule_file("..2026_1")).expect("removed");
    answers(&gateway, "Three");
}

#[test]
fn a_directory_that_is_replaced_and_a_single_file_are_noticed() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let folder = gateway.setup.folder().to_owned();
    fs::rename(folder.join("rules"), folder.join("old")).expect("renamed");
    gateway.rules_refused();
    fs::create_dir(folder.join("rules")).expect("a folder");
    gateway.write_rules("rules.yaml", &answering("Two"));
    answers(&gateway, "Two");

    let setup = Setup::bare("").set("TAGRELAY_RULES", "one.yaml");
    let file = setup.folder().join("one.yaml");
    fs::write(&file, answering("One")).expect("written");
    let gateway = setup.alone(ALONE).start();
    for reply in ["Two", "Three"] {
        fs::write(file.with_extension("new"), answering(reply)).expect("written");
        fs::rename(file.with_extension("new"), &file).expect("renamed");
        answers(&gateway, reply);
    }
    fs::write(&file, answering("Four")).expect("written");
    answers(&gateway, "Four");
}

#[test]
fn sighup_looks_at_once_and_reading_or_touching_changes_nothing() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let before = gateway.api("/rules");
    fs::read(gateway.rule_file("rules.yaml")).expect("read");
    gateway.write_rules("rules.yaml", &answering("One"));
    gateway.process.signal("HUP");
    eventually("the signal", || (!gateway.log_of("asked to look").is_empty()).then_some(()));
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(gateway.api("/rules"), before);
    assert!(gateway.log_of("rules reloaded").is_empty());
    assert!(gateway.counts("tagrelay_rules_reloads_total{result=\"ok\"} 0"));
}

/// A file that is written under another of its names tells nothing here, as on a network file system.
#[test]
fn sighup_finds_what_the_kernel_did_not_tell() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    let outside = gateway.setup.folder().join("outside.yaml");
    fs::hard_link(gateway.rule_file("rules.yaml"), &outside).expect("a second name");
    fs::write(&outside, answering("Two")).expect("written");
    std::thread::sleep(Duration::from_millis(300));
    assert!(gateway.log_of("rules reloaded").is_empty(), "nothing was told");
    gateway.process.signal("HUP");
    answers(&gateway, "Two");
}

#[test]
fn a_file_with_another_name_may_be_another_set() {
    let gateway = Setup::bare(&answering("One")).alone(ALONE).start();
    fs::rename(gateway.rule_file("rules.yaml"), gateway.rule_file("rules.test.yaml")).expect("renamed");
    assert_eq!(gateway.rules_refused()["reason"], "the rules are not clean");
    answers(&gateway, "One");
    fs::rename(gateway.rule_file("rules.test.yaml"), gateway.rule_file("b.yaml")).expect("renamed");
    eventually("the new name", || {
        let rules = gateway.api("/rules");
        (rules["refused"].is_null() && rules["items"][0]["file"] == "rules/b.yaml").then_some(())
    });
}
