//! `tagrelay connections test`: an account is asked, and left as it was.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};
use tagrelay::domain::duration::Rate;
use tagrelay::sandbox::{self, Access, Limit, Sandbox, SandboxOptions, Unknown};
use tempfile::TempDir;

use crate::support::command::{Ran, run_with};

const KEY: &str = "hunter2-key";

/// Rules with these connections at a provider's sandbox.
struct Office {
    provider: Sandbox,
    folder: TempDir,
}

impl Office {
    fn new() -> Self {
        Self::with(Limit::Off)
    }

    fn with(limit: Limit) -> Self {
        let options =
            SandboxOptions { access: Access::AnyKey, limit, unknown: Unknown::NotFound, ..SandboxOptions::default() };
        let provider = sandbox::start(TcpListener::bind("127.0.0.1:0").expect("a port"), options).expect("a sandbox");
        let at = |kind: &str| format!("base_url: \"{}\", allow_private: true", provider.base_url(kind).expect("here"));
        let rules = format!(
            "connections:\n  crm: {{ provider: helpcrunch, api_key: env:THE_KEY, {} }}\n  \
             quiet: {{ provider: helpcrunch, api_key: env:THE_KEY, dry_run: true, {} }}\n  \
             shop: {{ provider: b2chat, username: env:THE_KEY, password: env:THE_KEY, {} }}\n  \
             inbox: {{ provider: respond-io, token: env:THE_KEY, {} }}\n  \
             unset: {{ provider: 1980tic, token: env:NOT_SET, {} }}\n  \
             closed: {{ provider: helpcrunch, api_key: env:THE_KEY, base_url: \"http://127.0.0.1:9/\" }}\n  \
             hook: {{ provider: webhook, url: env:THE_URL }}\n",
            at("helpcrunch"),
            at("helpcrunch"),
            at("b2chat"),
            at("respond-io"),
            at("1980tic"),
        );
        let folder = TempDir::new().expect("a folder");
        std::fs::write(folder.path().join("rules.yaml"), rules).expect("written");
        Self { provider, folder }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.run_as(args, &[])
    }

    fn run_as(&self, args: &[&str], more: &[(&str, &str)]) -> Ran {
        let mut settings = vec![("THE_KEY", KEY), ("THE_URL", "https://hooks.example.com/hunter2-path")];
        settings.extend(more);
        let words = [&["connections", "test"], args, &["--rules", "."]].concat();
        let ran = run_with(self.folder.path(), &words, &settings, b"");
        assert!(!format!("{ran:?}").contains("hunter2"), "{ran:?}");
        ran
    }

    /// The one connection's report, as scripts get it, and the status.
    fn report(&self, args: &[&str]) -> (Value, i32) {
        let ran = self.run(&[args, &["--format", "json"]].concat());
        (ran.json()["connections"][0].clone(), ran.status)
    }

    /// Somebody at a provider, with a number and an address.
    fn somebody(&self, kind: &str) -> String {
        let (path, body) = match kind {
            "helpcrunch" => ("/customers", json!({ "phone": "+573001234567", "email": "ana@example.com" })),
            "b2chat" => ("/contacts/import", json!({ "contact": { "fullname": "Ana", "mobile": "+573001234567" } })),
            _ => ("/contact/create_or_update/email:ana@example.com", json!({ "email": "ana@example.com" })),
        };
        let url = format!("{}{path}", self.provider.base_url(kind).expect("here"));
        let (address, path) = url.trim_start_matches("http://").split_once('/').expect("a path");
        let headers = [("Authorization", "Bearer any"), ("Content-Type", "application/json")];
        let request = crate::support::http::request("POST", &format!("/{path}"), &headers, body.to_string().as_bytes());
        let answer =
            crate::support::http::exchange(address.parse().expect("an address"), &request, crate::support::PATIENCE)
                .expect("an answer");
        assert_eq!(answer.status, if kind == "helpcrunch" { 201 } else { 200 }, "{}", answer.text());
        "1".to_owned()
    }

    fn fault(&self, fault: &Value) {
        self.provider.add_faults(&json!([fault])).expect("a fault");
    }

    /// Methods of the calls that came in since `before`.
    fn methods_since(&self, before: usize) -> Vec<String> {
        self.provider.calls().iter().skip(before).map(|call| call.method.clone()).collect()
    }
}

/// `credentials ok, contact ok, ...`
fn steps(report: &Value) -> String {
    let text = |step: &Value, key: &str| step[key].as_str().unwrap_or_default().to_owned();
    let steps = report["steps"].as_array().expect("steps");
    steps.iter().map(|step| format!("{} {}", text(step, "step"), text(step, "state"))).collect::<Vec<_>>().join(", ")
}

#[test]
fn a_contact_is_shown_and_nothing_is_changed() {
    let office = Office::new();
    let id = office.somebody("helpcrunch");
    office.provider.set_tags("helpcrunch", &id, &["Lead"]).expect("set");
    let before = office.provider.calls().len();
    let ran = office.run(&["crm", "--contact", &id]);
    assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{ran:?}");
    for words in
        ["crm: helpcrunch at http://", "tags: add, remove; up to 50 in a call", "id:1 is there; its tags: Lead"]
    {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    for args in [&["--email", "ana@example.com"], &["--phone", "+57 300 1234567"]] {
        let (report, status) = office.report(&[&["crm"], args.as_slice()].concat());
        assert_eq!((steps(&report).as_str(), status), ("credentials ok, contact ok, limits skipped, write skipped", 0));
        assert_eq!((&report["can"]["read_tags"], &report["rate_limit"]), (&json!("by id"), &json!("120/min")));
    }
    let (report, status) = office.report(&["crm"]);
    assert_eq!(
        (steps(&report).as_str(), status),
        ("credentials ok, contact skipped, limits skipped, write skipped", 0)
    );
    assert!(office.methods_since(before).iter().all(|method| method == "GET" || method == "POST"));
    assert_eq!(office.provider.tags("helpcrunch", &id).expect("there"), ["Lead"]);
    let coloured = office.run_as(&["crm"], &[("CLICOLOR_FORCE", "1")]);
    assert!(coloured.out.contains('\u{1b}'));
    assert!(!office.run_as(&["crm"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]).out.contains('\u{1b}'));
}

#[test]
fn what_is_written_is_undone() {
    let office = Office::new();
    let id = office.somebody("helpcrunch");
    let all = "credentials ok, contact ok, limits skipped, add ok, seen ok, remove ok, gone ok";
    let (report, status) = office.report(&["crm", "--contact", &id, "--write"]);
    assert_eq!((steps(&report).as_str(), status, &report["left"]), (all, 0, &Value::Null), "{report:#}");
    assert_eq!(office.provider.tags("helpcrunch", &id).expect("there"), Vec::<String>::new());
    let id = office.somebody("b2chat");
    let (report, status) = office.report(&["shop", "--phone", "+573001234567", "--write"]);
    assert_eq!((steps(&report).as_str(), status), (all, 0), "{report:#}");
    let (report, status) = office.report(&["shop", "--contact", &id, "--write"]);
    let blind = "credentials ok, contact skipped, limits skipped, add ok, seen skipped, remove ok, gone skipped";
    assert_eq!((steps(&report).as_str(), status), (blind, 0), "{report:#}");
    assert_eq!(office.provider.tags("b2chat", &id).expect("there"), Vec::<String>::new());
    let (report, _) = office.report(&["quiet", "--contact", "1", "--write"]);
    assert_eq!(steps(&report), "credentials ok, contact ok, limits skipped, write skipped");
}

#[test]
fn a_write_that_fails_midway_is_undone_or_says_what_is_left() {
    for (faults, wanted, is_left) in [
        // It was added, and nobody knows: it is taken away all the same.
        (json!([{ "kind": "ghost", "status": 500, "method": "PUT" }]), "add failed, remove ok, gone ok", false),
        // It surely wasn't.
        (json!([{ "kind": "status", "status": 400, "method": "PUT" }]), "add failed, remove skipped", false),
        // One failure of the removal passes.
        (
            json!([{ "kind": "status", "status": 500, "method": "DELETE", "times": 2 }]),
            "add ok, seen ok, remove ok, gone ok",
            false,
        ),
        // A running gateway may have used up the limit just then.
        (
            json!([{ "kind": "status", "status": 429, "method": "DELETE", "times": 1 }]),
            "add ok, seen ok, remove ok, gone ok",
            false,
        ),
        (json!([{ "kind": "status", "status": 500, "method": "DELETE" }]), "add ok, seen ok, remove failed", true),
        // Done, says the provider, and it isn't so.
        (
            json!([{ "kind": "status", "status": 204, "method": "DELETE" }]),
            "add ok, seen ok, remove ok, gone failed",
            true,
        ),
        (
            json!([{ "kind": "status", "status": 204, "method": "PUT" }]),
            "add ok, seen failed, remove ok, gone ok",
            false,
        ),
    ] {
        let office = Office::new();
        let id = office.somebody("helpcrunch");
        faults.as_array().expect("a list").iter().for_each(|fault| office.fault(fault));
        let ran = office.run(&["crm", "--contact", &id, "--write"]);
        office.provider.clear_faults();
        assert_eq!(office.provider.tags("helpcrunch", &id).expect("there").is_empty(), !is_left, "{faults}");
        assert_eq!(ran.out.contains("the tag `tagrelay-test` may be left on id:1"), is_left, "{faults}: {}", ran.out);
        assert_eq!(ran.status, i32::from(wanted.contains("failed")), "{faults}");
        // Run again, it takes away what was left.
        office.provider.set_tags("helpcrunch", &id, &[]).expect("set");
        faults.as_array().expect("a list").iter().for_each(|fault| office.fault(fault));
        let (report, _) = office.report(&["crm", "--contact", &id, "--write"]);
        assert_eq!(steps(&report), format!("credentials ok, contact ok, limits skipped, {wanted}"), "{faults}");
        office.provider.clear_faults();
        let (report, status) = office.report(&["crm", "--contact", &id, "--write"]);
        assert_eq!((status, office.provider.tags("helpcrunch", &id).expect("there")), (0, Vec::new()), "{report:#}");
    }
}

#[test]
fn nobody_is_touched_whom_nobody_named() {
    let office = Office::new();
    // The only one of the account: whatever finds anybody finds her.
    let id = office.somebody("helpcrunch");
    let before = office.provider.calls().len();
    for whom in ["stream:bot", "field:plan=pro"] {
        let (report, status) = office.report(&["crm", "--contact", whom, "--write"]);
        assert_eq!((steps(&report).contains("contact failed"), status), (true, 1), "{report:#}");
    }
    assert_eq!(office.provider.calls().len(), before, "nothing was called");
    assert!(office.provider.tags("helpcrunch", &id).expect("there").is_empty());
}

#[test]
fn failures_say_what_to_do() {
    let office = Office::new();
    office.somebody("helpcrunch");
    let refused = |office: &Office| {
        office.fault(&json!({ "kind": "echo", "status": 401 }));
        office.run(&["crm", "--contact", "1"])
    };
    let ran = refused(&office);
    assert!(ran.out.contains("credentials: check the credential") && ran.out.contains("401"), "{ran:?}");
    office.provider.clear_faults();
    for (args, state, words) in [
        (
            &["crm", "--contact", "99"][..],
            "credentials ok, contact failed, limits skipped, write skipped",
            "no such contact",
        ),
        (
            &["crm", "--email", "bo@example.com"],
            "credentials ok, contact failed, limits skipped, write skipped",
            "nobody is found",
        ),
        (
            &["crm", "--contact", "99", "--write"],
            "credentials ok, contact failed, limits skipped, write skipped",
            "nobody to write",
        ),
        (&["unset"], "settings failed", "environment variable NOT_SET is not set"),
        (&["closed"], "credentials failed, contact skipped, limits skipped, write skipped", "refused"),
    ] {
        let (report, status) = office.report(args);
        assert_eq!((steps(&report).as_str(), status), (state, 1), "{report:#}");
        assert!(report.to_string().contains(words), "{report:#}");
        let failed = report["steps"].as_array().expect("steps").iter().find(|step| step["state"] == "failed");
        assert!(failed.is_some_and(|step| step["mend"].is_string()), "{report:#}");
    }
    let hook = office.run(&["hook"]);
    assert!(hook.status == 0 && hook.out.contains("can't be asked without sending it one"), "{hook:?}");
    for args in [
        &["nobody"][..],
        &["crm", "--write"],
        &["--contact", "1"],
        &["crm", "--contact", ""],
        &["crm", "--email", "ana"],
        &["crm", "--contact", "1", "--phone", "+57"],
    ] {
        let ran = office.run(args);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{args:?}: {ran:?}");
    }
}

#[test]
fn limits_that_are_told_are_shown() {
    let office = Office::with(Limit::At(Rate { calls: 2, window: Duration::from_mins(1) }));
    let id = office.somebody("respond-io");
    let read = || office.report(&["inbox", "--contact", &id]);
    read();
    read();
    let (report, status) = read();
    assert_eq!(status, 1);
    assert!(report.to_string().contains("x-ratelimit-limit: 2"), "{report:#}");
}

#[test]
fn a_sandbox_of_its_own_needs_no_secret() {
    let office = Office::new();
    let ran = office.run_as(&["--sandbox"], &[("THE_KEY", ""), ("THE_URL", "")]);
    assert_eq!(ran.status, 0, "{ran:?}");
    assert!(office.provider.calls().is_empty(), "the accounts that the rules name aren't called");
    assert_eq!(office.run(&["unset", "--sandbox", "--contact", "7", "--write"]).status, 0);
}
