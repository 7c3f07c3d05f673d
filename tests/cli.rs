//! The commands as a person at a terminal or a script meets them: what they print and how they end.

#[path = "support/mod.rs"]
mod support;

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
fn findings_have_a_place_a_code_and_a_form_for_every_reader() {
    let (_folder, file) = faulty();
    let path = file.to_str().expect("UTF-8");
    let text = run(&["check", path]);
    assert_eq!(text.status, 1);
    for words in ["faulty.yaml:7:22", "error[E", "warning[W", "did you mean", "1 error, 1 warning"] {
        assert!(text.out.contains(words), "{words}: {}", text.out);
    }
    plain(&text);

    let found = run(&["check", path, "--format", "json"]);
    assert_eq!(found.status, 1);
    let findings = found.json()["findings"].as_array().expect("a list").clone();
    let error = findings.iter().find(|finding| finding["severity"] == "error").expect("an error");
    assert_eq!((&error["line"], &error["column"]), (&json!(7), &json!(22)), "{error}");
    let keys = ["code", "severity", "file", "line", "column", "message", "help", "related"];
    assert!(findings.iter().all(|finding| keys.iter().all(|key| finding.get(key).is_some())), "{findings:?}");

    let github = run(&["check", path, "--format", "github"]);
    assert!(
        github.out.lines().all(|line| line.starts_with("::error ") || line.starts_with("::warning ")),
        "{}",
        github.out
    );
    assert!(github.out.contains("line=7,col=22"), "{}", github.out);

    let sarif = run(&["check", path, "--format", "sarif"]).json();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().expect("a list");
    let levels: Vec<&Value> = results.iter().map(|result| &result["level"]).collect();
    assert!(levels.contains(&&json!("error")) && levels.contains(&&json!("warning")), "{levels:?}");
}

#[test]
fn files_that_can_not_be_read_are_told_beside_all_others() {
    let folder = TempDir::new().expect("a folder");
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).expect("written");
    // As an editor on Windows may save it: the accents are single bytes.
    write("latin.yaml", b"rules:\n  - id: hola\n    reply: \"Adi\xf3s, Mar\xeda\"\n");
    write("large.yaml", format!("rules: []\n# {}\n", "-".repeat(1024 * 1024)).as_bytes());
    write("large.test.yaml", &vec![b'#'; 3 * 1024 * 1024]);
    write("wrong.yaml", b"ruels: []\n");
    let ran = run_with(folder.path(), &["check", "."], &[], b"");
    assert_eq!((ran.status, ran.err.as_str()), (1, ""), "{ran:?}");
    for words in [
        "error[E001]: this is not text in UTF-8",
        "latin.yaml:3:16",
        "save the file as UTF-8",
        "error[E002]: the file has more than 1048576 bytes",
        "large.yaml:1:1",
        "large.test.yaml:1:1",
        "split it: every *.yaml of the directory is read",
        "did you mean `rules`?",
        "4 errors",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    assert!(ran.out.len() < 10_000, "a file that is too large isn't shown whole");
    let found = run_with(folder.path(), &["check", ".", "--format", "json"], &[], b"");
    assert_eq!((found.status, found.json()["findings"].as_array().map(Vec::len)), (1, Some(4)));
    // All other commands that need the rules say the same.
    let tested = run_with(folder.path(), &["test", "."], &[], b"");
    assert!(tested.status == 1 && tested.err.contains("latin.yaml:3:16"), "{tested:?}");
}

#[test]
fn warnings_are_a_no_only_where_they_are_asked_to_be() {
    let (_folder, file) = faulty();
    let text = std::fs::read_to_string(&file).expect("read").replace("opne", "open");
    std::fs::write(&file, text).expect("written");
    let path = file.to_str().expect("UTF-8");
    assert_eq!(run(&["check", path]).status, 0);
    assert_eq!(run(&["check", path, "--strict"]).status, 1);
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
fn a_test_that_fails_shows_what_differs() {
    let folder = TempDir::new().expect("a folder");
    assert_eq!(run_with(folder.path(), &["init", "mine"], &[], b"").status, 0);
    let test = std::fs::read_dir(folder.path().join("mine")).expect("a folder").filter_map(|entry| {
        let path = entry.expect("a file").path();
        path.to_string_lossy().ends_with(".test.yaml").then_some(path)
    });
    let test = test.last().expect("a scaffold has tests");
    let text = std::fs::read_to_string(&test).expect("read").replace("add: [", "add: [Wrong, ");
    std::fs::write(&test, text).expect("written");
    let ran = run_with(folder.path(), &["test", "mine"], &[], b"");
    assert_eq!(ran.status, 1);
    assert!(ran.out.contains("FAIL") && ran.out.contains("Wrong"), "{}", ran.out);
    std::fs::remove_file(&test).expect("removed");
    let none = run_with(folder.path(), &["test", "mine"], &[], b"");
    assert_eq!(none.status, 1);
    assert!(none.err.contains("there are no tests"), "{}", none.err);
}

#[test]
fn explain_says_whose_tags_are_known_no_more() {
    let folder = TempDir::new().expect("a folder");
    let rules = "sources:\n  tells: { kind: catch, auth: none, tags_changed_at: { crm: \"{{ payload.id }}\" } }\n\
                 connections:\n  crm: { provider: helpcrunch, api_key: env:KEY }\n";
    std::fs::write(folder.path().join("rules.yaml"), rules).expect("written");
    let body = folder.path().join("body.json");
    std::fs::write(&body, r#"{"id":7}"#).expect("written");
    let (rules, body) = (folder.path().to_str().expect("text"), body.to_str().expect("text"));
    let ran = run(&["explain", "--rules", rules, "--source", "tells", body]);
    assert!(ran.out.contains("forget what is known of the tags at crm of id:7"), "{ran:?}");
    let told = run(&["explain", "--rules", rules, "--source", "tells", body, "--format", "json"]).json();
    assert_eq!(told["events"][0]["decision"]["tags_changed"][0]["connection"], "crm", "{told}");
}

#[test]
fn explain_names_the_nearest_miss() {
    let ran = run(&["explain", "--source", "website-bot", PRICING]);
    assert_eq!(ran.status, 0);
    for words in [
        "matched  pricing-lead  rules/2-pricing.yaml:",
        "when: conditions.big_budget: params.budget >= values.big_budget: unset >= 5000",
        "match.intent: \"pricing.inquiry\" is not contact.stop",
        "           nearly: if params.budget were 5000 (is unset)\n",
        "add    \"Plan intensivo\" at crm for id:1568834  (pricing-lead, unless_tagged \"Opt-out\")",
        "¡Gracias, Lucía!",
    ] {
        assert!(ran.out.contains(words), "{words}: {}", ran.out);
    }
    let whatsapp = run(&["explain", "--source", "whatsapp-bot", "rules/fixtures/whatsapp-enrol.json"]);
    for words in [
        "add    \"stage:student\" at crm for phone:+573001234567  (enrolled, unless_tagged \"Opt-out\")",
        "set    \"course\" = \"Inglés B1\" at crm",
    ] {
        assert!(whatsapp.out.contains(words), "{words}: {}", whatsapp.out);
    }
    let leads = run(&["explain", "--source", "zapier-leads", "rules/fixtures/zapier-leads.json"]);
    assert!(leads.out.starts_with("event 1 of 2\n") && leads.out.contains("ad-lead, for 7d"), "{}", leads.out);
    let told = run(&["explain", "--source", "website-bot", PRICING, "--format", "json"]).json();
    assert_eq!(told["events"].as_array().map(Vec::len), Some(1));
    let nearly = |ran: &Ran| ran.out.matches("nearly: if ").count();
    let all = run(&["explain", "--source", "website-bot", PRICING, "--all"]);
    assert!(nearly(&ran) == 3 && nearly(&all) > 3, "{}", all.out);
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let piped = run_with(project, &["explain", "--source", "website-bot", "-"], &[], b"not json");
    assert_eq!(piped.status, 1);
    assert!(piped.err.contains("line 1"), "{}", piped.err);
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
fn what_tests_show_is_told_and_gated_and_drawn() {
    let folder = TempDir::new().expect("a folder");
    let page = folder.path().join("coverage.html");
    let path = page.to_str().expect("UTF-8");
    let told = run(&["test", "--coverage", "--html", path]);
    assert_eq!(told.status, 0, "{told:?}");
    assert!(
        told.out.contains("rules/2-pricing.yaml:32:60  big-budget  no test where the contact has one of these tags\n")
    );
    let all = run(&["test", "--coverage", "--format", "json"]).json();
    let coverage = &all["coverage"];
    let (covered, total) =
        (coverage["covered"].as_u64().expect("a number"), coverage["total"].as_u64().expect("a number"));
    assert!(told.out.contains(&format!("\n{covered} of {total} covered, ")), "{}", told.out);
    let page = std::fs::read_to_string(&page).expect("the page");
    assert!(page.starts_with("<!doctype html>") && page.contains("rules/2-pricing.yaml"));
    let most = run(&["test", "--coverage", "--min", "100"]);
    assert_eq!(most.status, 1);
    assert!(most.err.contains("% covered, and at least 100% must be"), "{most:?}");
    assert_eq!(run(&["test", "--coverage", "--min", "50%"]).status, 0);
    assert_eq!(run(&["test", "--coverage", "--html", "/nowhere/page.html"]).status, 2);
    for wrong in [&["test", "--min", "50"][..], &["test", "--coverage", "--min", "101"], &["test", "--html", path]] {
        assert_eq!(run(wrong).status, 2, "{wrong:?}");
    }
}

#[test]
fn what_tests_would_let_pass_is_told_and_gated() {
    let told = run(&["test", "--mutate"]);
    assert_eq!((told.status, told.err.as_str()), (0, ""));
    let line = "rules/shared.yaml:9:28  conditions.big_budget  `>=` could be `>`: no test notices; one with `params.budget` of 5000 would\n";
    assert!(told.out.contains(line), "{}", told.out);
    let mutation = &run(&["test", "--mutate", "--format", "json"]).json()["mutation"];
    let (noticed, total) =
        (mutation["noticed"].as_u64().expect("a number"), mutation["total"].as_u64().expect("a number"));
    assert!(told.out.contains(&format!("\n{noticed} of {total} changes noticed, ")), "{}", told.out);
    assert_eq!(mutation["unnoticed"].as_array().map(Vec::len), usize::try_from(total - noticed).ok());
    let most = run(&["test", "--mutate", "--min", "100"]);
    assert_eq!(most.status, 1);
    assert!(most.err.contains("% noticed, and at least 100% must be"), "{most:?}");
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

#[test]
fn check_mends_what_needs_no_question_and_tells_the_rest() {
    let (folder, file) = faulty();
    let path = file.to_str().expect("UTF-8");
    let before = std::fs::read_to_string(&file).expect("readable");
    let shown = run(&["check", path, "--diff"]);
    assert_eq!(shown.status, 1, "{shown:?}");
    assert!(shown.out.contains("\n-    match: { source: opne }\n+    match: { source: open }\n"), "{}", shown.out);
    assert!(shown.out.ends_with("1 mend\n"), "{}", shown.out);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), before);

    let mended = run(&["check", path, "--fix"]);
    assert_eq!(mended.status, 0, "{mended:?}");
    assert!(mended.out.contains("mended") && mended.out.contains("0 errors, 1 warning"), "{}", mended.out);
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), before.replace("opne", "open"));
    assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    plain(&mended);

    let again = run(&["check", path, "--diff"]);
    assert_eq!((again.status, again.out.as_str()), (0, "0 mends\n"));
    assert_eq!(run(&["check", path, "--strict"]).status, 1);
    let json = run(&["check", path, "--fix", "--format", "json"]).json();
    assert_eq!(json["findings"][0]["code"], "W101");
}

#[test]
fn a_waived_warning_is_counted_and_the_reason_kept() {
    let folder = TempDir::new().expect("a folder");
    let text = "sources:\n  open: { kind: dialogflow-es, auth: none } # tagrelay: allow W101 because it is a demo\n\
                rules:\n  - id: hello\n    reply: Hello!\n";
    std::fs::write(folder.path().join("a.yaml"), text).expect("written");
    let run = |args: &[&str]| run_with(folder.path(), args, &[], b"");
    let checked = run(&["check", ".", "--strict"]);
    assert_eq!((checked.status, checked.out.as_str()), (0, ".: clean (1 file, 1 rule, 0 tests, 1 waived)\n"));
    let json = run(&["check", ".", "--format", "json"]).json();
    assert_eq!(json["findings"], json!([]));
    assert_eq!((&json["waived"][0]["code"], &json["waived"][0]["waived"]), (&json!("W101"), &json!("it is a demo")));
    assert_eq!(run(&["check", ".", "--format", "github"]).out, "");
    let sarif = run(&["check", ".", "--format", "sarif"]).json();
    let suppressed = &sarif["runs"][0]["results"][0]["suppressions"][0];
    assert_eq!(*suppressed, json!({ "kind": "inSource", "justification": "it is a demo" }));
    // A command that needs a clean set says nothing of it.
    std::fs::write(
        folder.path().join("a.test.yaml"),
        "tests:\n  - name: a\n    event: { source: open }\n    expect: { reply: Hello! }\n",
    )
    .expect("written");
    let tested = run(&["test", "."]);
    assert_eq!((tested.status, tested.err.as_str()), (0, ""), "{tested:?}");
}

#[test]
fn since_a_revision_only_what_changed_is_told_and_every_error() {
    let folder = TempDir::new().expect("a folder");
    let git = |args: &[&str]| {
        let who = ["-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false"];
        let ran = Command::new("git").arg("-C").arg(folder.path()).args(who).args(args).output().expect("git runs");
        assert!(ran.status.success(), "{ran:?}");
    };
    let rules = folder.path().join("rules");
    let write = |name: &str, text: &str| std::fs::write(rules.join(name), text).expect("written");
    let run = |args: &[&str]| run_with(folder.path(), args, &[], b"");
    std::fs::create_dir(&rules).expect("a folder");
    let source = |name: &str| format!("  {name}: {{ kind: dialogflow-es, auth: none }}\n");
    write("a.yaml", &format!("sources:\n{}", source("old")));
    let outside = run(&["check", "rules", "--since", "HEAD"]);
    assert_eq!(outside.status, 2);
    assert!(outside.err.contains("rules is in no repository"), "{}", outside.err);
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "one"]);

    let unchanged = run(&["check", "rules", "--strict", "--since", "HEAD"]);
    assert_eq!(unchanged.status, 0, "{unchanged:?}");
    assert!(unchanged.out.ends_with("1 more on lines that are as they were at HEAD\n"), "{}", unchanged.out);
    write("a.yaml", &format!("sources:\n{}{}", source("new"), source("old")));
    write("b c.yaml", &format!("sources:\n{}", source("unknown-to-git")));
    let codes = |ran: &Ran| {
        let findings = ran.json()["findings"].as_array().cloned().expect("a list");
        findings.iter().map(|f| format!("{}:{}", f["file"], f["line"]).replace('"', "")).collect::<Vec<_>>()
    };
    let changed = run(&["check", "rules", "--since", "HEAD", "--format", "json"]);
    assert_eq!(codes(&changed), ["rules/a.yaml:2", "rules/b c.yaml:2"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "two"]);
    // An error stays an error, whoever made it.
    write("c.yaml", "rules:\n  - id: a\n    match: { source: nobody }\n    reply: x\n");
    git(&["add", "."]);
    git(&["commit", "--quiet", "--message", "three"]);
    let broken = run(&["check", "rules", "--since", "HEAD", "--format", "json"]);
    assert_eq!((broken.status, codes(&broken)), (1, vec!["rules/c.yaml:3".to_owned()]));
    for unknown in ["no-such-branch", "--output=x"] {
        let ran = run(&["check", "rules", &format!("--since={unknown}")]);
        assert_eq!(ran.status, 2);
        assert!(ran.err.contains("Git knows no revision"), "{}", ran.err);
    }
}

#[test]
fn each_code_is_explained_in_the_terminal() {
    let page = run(&["check", "--explain", "w110"]);
    assert_eq!(page.status, 0);
    assert!(page.out.starts_with("## W110: ") && page.out.contains("```yaml wrong\n"), "{}", page.out);
    let unknown = run(&["check", "--explain", "W999"]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.err.contains("there is no code \"W999\"; there are: E001"), "{}", unknown.err);
}
