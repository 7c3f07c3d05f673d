//! The commands as a person at a terminal or a script meets them: what they print and how they end.

#[path = "../support/mod.rs"]
mod support;

mod checking;
mod explaining;
mod testing;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use support::command::{Ran, run, run_with};
use support::gateway::{PASSWORD, rules};
use support::process::{PROGRAM, tagrelay};
use tempfile::TempDir;

const COMMANDS: [&str; 26] = [
    "serve",
    "sandbox",
    "send",
    "check",
    "test",
    "explain",
    "schema",
    "graph",
    "fmt",
    "lsp",
    "init",
    "completions",
    "migrate",
    "healthcheck",
    "events",
    "contacts",
    "dead-letters",
    "connections",
    "gateways",
    "audit",
    "diff",
    "capture",
    "replay",
    "subscriptions",
    "forget",
    "backup",
];
const PRICING: &str = "rules/fixtures/es-pricing.json";

/// A folder with a rule set that has an error and a warning.
fn faulty() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let file = folder.path().join("faulty.yaml");
    let text = "sources:\n  open: { kind: dialogflow-es, auth: none }\n\
                connections:\n  crm: { provider: helpcrunch, api_key: env:KEY }\n\
                rules:\n  - id: lead\n    match: { source: opne }\n    contact: \"7\"\n    tag: { crm: { add: [Lead] } }\n";
    std::fs::write(&file, text).expect("written");
    (folder, file)
}

fn plain(ran: &Ran) {
    assert!(!ran.out.contains('\u{1b}') && !ran.err.contains('\u{1b}'), "{ran:?}");
}

#[test]
fn an_address_that_is_none_is_answered_by_one_that_is() {
    for args in [["serve", "--sandbox-at"], ["sandbox", "--listen"], ["healthcheck", "--address"]] {
        let ran = run(&[args[0], args[1], "http://127.0.0.1:8090"]);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(
            ran.err.contains(args[1]) && ran.err.contains("expected an address and port such as 127.0.0.1:"),
            "{ran:?}"
        );
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let all = run(&["--help"]);
    assert_eq!(all.status, 0);
    for command in COMMANDS {
        assert!(all.out.contains(&format!("  {command} ")), "{command}: {}", all.out);
        let help = run(&[command, "--help"]);
        assert_eq!((help.status, help.err.as_str()), (0, ""), "{command}");
        let (_, example) = help.out.split_once("Example").unwrap_or_else(|| panic!("{command}: {}", help.out));
        assert!(example.contains("tagrelay"), "{command}: {example}");
    }
    let listed = all.out.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let listed: Vec<&str> = listed.filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    assert!(listed.iter().all(|command| COMMANDS.contains(command) || ["help", ""].contains(command)), "{listed:?}");
    assert_eq!(run(&["--version"]).out, concat!("tagrelay ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_wrong_call_is_status_2() {
    for args in
        [&[][..], &["chekc"], &["check", "--fromat", "json"], &["check", "--format", "xml"], &["send", "website-bot"]]
    {
        let ran = run(args);
        assert_eq!(ran.status, 2, "{args:?}");
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{ran:?}");
    }
    assert_eq!(run(&["check", "nowhere"]).status, 2);
    assert_eq!(run(&["explain", "--source", "nobody", PRICING]).status, 2);
    assert_eq!(run(&["explain", "--source", "website-bot", "nowhere.json"]).status, 2);
}

#[test]
fn the_example_is_clean_and_passes() {
    let checked = run(&["check"]);
    assert_eq!(checked.status, 0);
    assert!(checked.out.ends_with("rules: clean (15 files, 16 rules, 17 tests)\n"), "{}", checked.out);
    assert_eq!(run(&["check", "rules", "--strict"]).status, 0);
    let tested = run(&["test"]);
    assert_eq!(tested.status, 0);
    assert!(tested.out.starts_with("pass  nothing comes after an opt-out\n"), "{}", tested.out);
    assert!(tested.out.ends_with("17 passed, 0 failed\n"), "{}", tested.out);
    assert_eq!(run(&["test", "--format", "json"]).json()["passed"], 17);
}

#[test]
fn colours_are_for_those_who_want_them() {
    let (folder, file) = faulty();
    let path = file.to_str().expect("UTF-8");
    let args = ["check", path];
    plain(&run_with(folder.path(), &args, &[("NO_COLOR", "1")], b""));
    let forced = run_with(folder.path(), &args, &[("CLICOLOR_FORCE", "1")], b"");
    assert!(forced.out.contains('\u{1b}'), "{}", forced.out);
    let both = run_with(folder.path(), &args, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], b"");
    assert_eq!(both.status, 1);
    for command in [&["test", "rules"][..], &["explain", "--source", "website-bot", PRICING]] {
        plain(&run_with(Path::new(env!("CARGO_MANIFEST_DIR")), command, &[("NO_COLOR", "1")], b""));
    }
}

#[test]
fn graph_draws_the_set_or_a_part_of_it() {
    let whole = run(&["graph", "rules"]);
    assert_eq!(whole.status, 0);
    assert!(whole.out.starts_with("flowchart LR\n") && whole.out.contains("pricing-lead"), "{}", whole.out);
    let part = run(&["graph", "rules", "--tag", "stage:alumni", "--format", "json"]).json();
    let ids: Vec<_> = part["rules"].as_array().expect("rules").iter().map(|rule| rule["id"].clone()).collect();
    // Whoever gets one stage loses the others; and topics of a request may be called anything.
    assert_eq!(ids, ["pricing-lead", "finished", "trial", "enrolled", "ad-lead"]);
    let unknown = run(&["graph", "rules", "--rule", "pricing-laed"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("did you mean \"pricing-lead\"?"), "{}", unknown.err);
    assert_eq!(run(&["graph", "rules", "--source", "nobody"]).status, 2);
    assert_eq!(run(&["graph", "rules", "--rule", "trial", "--tag", "Nobody's"]).status, 1);
}

#[test]
fn fmt_writes_lists_and_shows_and_leaves_what_is_no_yaml() {
    let folder = TempDir::new().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let run = |args: &[&str], input: &str| run_with(folder.path(), args, &[], input.as_bytes());
    let (loose, styled) = ("rules:\n- {id: a,stop: true} # a\n", "rules:\n  - { id: a, stop: true } # a\n");
    std::fs::create_dir(at("rules")).expect("a folder");
    std::fs::write(at("rules/a.yaml"), loose).expect("written");
    std::fs::write(at("rules/b.yaml"), styled).expect("written");

    assert_eq!(run(&["fmt", "-"], loose).out, styled);
    let listed = run(&["fmt", "--check"], "");
    assert_eq!((listed.status, listed.out.as_str()), (1, "rules/a.yaml\n"), "{}", listed.err);
    let shown = run(&["fmt", "--diff", "rules"], "");
    assert_eq!(shown.status, 0);
    assert!(shown.out.contains("-- {id: a,stop: true} # a\n+  - { id: a, stop: true } # a\n"), "{}", shown.out);
    assert_eq!(std::fs::read_to_string(at("rules/a.yaml")).expect("there"), loose);

    let written = run(&["fmt"], "");
    assert_eq!((written.status, written.out.as_str()), (0, "rules/a.yaml\n"));
    assert_eq!(std::fs::read_to_string(at("rules/a.yaml")).expect("there"), styled);
    assert_eq!(std::fs::read_dir(at("rules")).expect("there").count(), 2);
    assert_eq!((run(&["fmt", "--check"], "").status, run(&["fmt"], "").out.as_str()), (0, ""));

    std::fs::write(at("rules/b.yaml"), "rules: [\n").expect("written");
    let broken = run(&["fmt"], "");
    assert_eq!(broken.status, 1);
    assert!(broken.err.contains("rules/b.yaml:") && broken.err.contains("E001"), "{}", broken.err);
    assert_eq!(run(&["fmt", "nowhere"], "").status, 2);
}

#[test]
fn the_schema_is_the_one_beside_the_example() {
    let schema = run(&["schema"]);
    assert_eq!(schema.status, 0);
    assert!(schema.json()["$schema"].as_str().is_some_and(|of| of.contains("json-schema.org")), "{}", schema.out);
    let beside = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/rules/tagrelay.schema.json"));
    assert_eq!(schema.out, beside.expect("the example has its schema"));
}

#[test]
fn what_init_writes_is_clean_passes_and_is_never_written_over() {
    let folder = TempDir::new().expect("a folder");
    let run = |args: &[&str]| run_with(folder.path(), args, &[], b"");
    let made = run(&["init", "mine"]);
    assert_eq!(made.status, 0);
    assert!(made.out.ends_with("next: tagrelay check mine && tagrelay test mine\n"), "{}", made.out);
    assert_eq!(run(&["check", "mine", "--strict"]).status, 0);
    assert_eq!(run(&["test", "mine"]).status, 0);
    let again = run(&["init", "mine"]);
    assert_eq!(again.status, 1);
    assert!(again.err.contains("is there already; nothing was written"), "{}", again.err);
}

#[test]
fn send_signs_and_prints_the_answer() {
    let gateway = rules("  - id: hello\n    match: { intent: hello }\n    reply: Welcome\n").start();
    let folder = gateway.setup.folder();
    let body = support::body::said("sent", 7, "hello").body();
    std::fs::write(folder.join("body.json"), &body).expect("written");
    let url = format!("http://{}", gateway.address);
    let args = |file| ["send", "bot", file, "--url", url.as_str(), "--rules", "rules"];
    let secrets = [("BOT_PASSWORD", PASSWORD), ("BOT_SECRET", support::gateway::SIGNING_SECRET)];
    let sent = run_with(folder, &args("body.json"), &secrets, b"");
    assert_eq!((sent.status, sent.out.as_str()), (0, "{\"fulfillmentText\":\"Welcome\"}\n"), "{}", sent.err);
    assert_eq!(run_with(folder, &args("-"), &secrets, &body).out, sent.out);
    assert_eq!(gateway.events().len(), 1);

    let wrong = [("BOT_PASSWORD", "guessed"), secrets[1]];
    let refused = run_with(folder, &args("body.json"), &wrong, b"");
    assert_eq!(refused.status, 1);
    assert!(refused.out.contains("no-proof") && refused.err.contains("401"), "{refused:?}");
    let unset = run_with(folder, &args("body.json"), &[], b"");
    assert_eq!(unset.status, 2);
    assert!(unset.err.contains("BOT_PASSWORD") && unset.err.contains("--sandbox"), "{}", unset.err);
    let nobody = ["send", "bot", "body.json", "--url", "http://127.0.0.1:9", "--rules", "rules"];
    let nobody = run_with(folder, &nobody, &secrets, b"");
    assert_eq!(nobody.status, 1);
    assert!(nobody.err.contains("is the gateway running?"), "{}", nobody.err);
}

#[test]
fn healthcheck_says_whether_it_is_ready() {
    let mut gateway = rules("  - id: hello\n    match: { intent: hello }\n    reply: Welcome\n").start();
    let address = gateway.address.to_string();
    let well = run(&["healthcheck", "--address", &address]);
    assert_eq!((well.status, well.out.as_str(), well.err.as_str()), (0, "", ""));
    let by_setting = run_with(gateway.setup.folder(), &["healthcheck"], &[("TAGRELAY_LISTEN", &address)], b"");
    assert_eq!(by_setting.status, 0, "{by_setting:?}");
    gateway.terminate();
    let gone = run(&["healthcheck", "--address", &address]);
    assert_eq!(gone.status, 1);
    assert!(gone.err.contains(&address), "{}", gone.err);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_fault() {
    for args in [
        &["schema"][..],
        &["test", "rules"],
        &["check", "rules", "--format", "sarif"],
        &["explain", "--source", "website-bot", PRICING],
        &["--help"],
    ] {
        let mut command = tagrelay();
        command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        drop(child.stdout.take());
        let output = child.wait_with_output().expect("the program ends");
        let err = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), err.as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn an_output_that_takes_nothing_is_told() {
    let line = "exec \"$0\" schema > /dev/full";
    let output = Command::new("sh").args(["-c", line, PROGRAM]).output().expect("there is a shell");
    assert_ne!(output.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&output.stderr).contains("error: standard output"), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"));
}
