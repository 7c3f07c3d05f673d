//! `tagrelay lsp`, driven by the library that VS Code's own client is made of.

use serde_json::{Value, json};

use super::driver::Driver;
use super::support::body::said;
use super::support::gateway::{ADMIN, rules};

const SOURCES: &str = "sources:
  web: { kind: dialogflow-es, auth: [{ bearer: env:T }], contact: \"7\" }
connections:
  crm: { provider: helpcrunch, api_key: env:K }
";
const RULE: &str = "rules:
  - id: lead # 👍 é
    match: { source: web, intent: a }
    tag: { \"crm\": { add: [Lead] } }
";

/// An editor in a folder with a rule set.
struct Editor {
    driver: Driver,
    folder: tempfile::TempDir,
}

impl Editor {
    fn new() -> Self {
        Self::with(&json!({}))
    }

    /// With more of what the server is started with.
    fn with(more: &Value) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("rules")).expect("a folder");
        std::fs::write(folder.path().join("rules/a.yaml"), SOURCES).expect("written");
        std::fs::write(folder.path().join("rules/b.yaml"), RULE).expect("written");
        let mut editor = Self { driver: Driver::client(), folder };
        let program = env!("CARGO_BIN_EXE_tagrelay");
        let mut question = json!({ "op": "start", "program": program, "folder": editor.folder.path() });
        for (name, value) in more.as_object().expect("a mapping") {
            question[name] = value.clone();
        }
        let said = editor.driver.ask(&question);
        assert_eq!(said["serverInfo"]["name"], "tagrelay", "{said}");
        editor
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join("rules").join(name).display().to_string()
    }

    #[track_caller]
    fn ask(&mut self, question: &Value) -> Value {
        let said = self.driver.ask(question);
        assert!(said["fault"].is_null(), "{said}");
        said
    }

    fn open(&mut self, name: &str, text: &str) {
        let path = self.path(name);
        self.ask(&json!({ "op": "open", "path": path, "text": text }));
    }

    /// Asks about the place before `part` in a text that is open.
    #[track_caller]
    fn ask_at(&mut self, op: &str, name: &str, text: &str, part: &str) -> Value {
        let (line, character) = place(text, part);
        let path = self.path(name);
        self.ask(&json!({ "op": op, "path": path, "line": line, "character": character, "to": "site" }))
    }

    /// The mark of this code, once there is one.
    #[track_caller]
    fn mark(&mut self, name: &str, code: &str) -> Value {
        let path = self.path(name);
        let said = self.ask(&json!({ "op": "marks", "path": path, "code": code }));
        let marks = said["marks"].as_array().expect("marks");
        marks.iter().find(|mark| mark["code"] == code).expect("it was waited for").clone()
    }

    /// Waits until nothing is marked in a file.
    #[track_caller]
    fn is_clean(&mut self, name: &str) {
        let path = self.path(name);
        self.ask(&json!({ "op": "marks", "path": path }));
    }
}

/// Line and UTF-16 column of a part of a text.
fn place(text: &str, part: &str) -> (usize, usize) {
    let before = text.get(..text.find(part).expect("it is there")).expect("whole characters");
    let last = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count(), last.encode_utf16().count())
}

#[test]
fn problems_are_marked_in_the_whole_set_and_go_when_they_are_mended() {
    let mut editor = Editor::new();
    // Emoji are two units and one character; the brace stands behind them on the same line.
    editor.open("b.yaml", &RULE.replace("- id: lead # 👍 é", "- { description: 👍 é, idd: lead }\n  - id: lead"));
    let key = editor.mark("b.yaml", "E005");
    let range = json!({ "start": { "line": 1, "character": 25 }, "end": { "line": 1, "character": 28 } });
    assert_eq!((&key["range"], &key["severity"], &key["source"]), (&range, &json!(1), &json!("tagrelay")), "{key}");
    editor.open("b.yaml", RULE);
    editor.is_clean("b.yaml");

    // A name that is gone from an open file is missed in one that isn't open.
    editor.open("a.yaml", &SOURCES.replace("web:", "wob:"));
    let missed = editor.mark("b.yaml", "E012");
    assert_eq!(missed["range"]["start"], json!({ "line": 2, "character": 21 }));
    editor.open("a.yaml", SOURCES);
    editor.is_clean("b.yaml");

    // A name that is taken twice leads to the first one.
    editor.open("c.yaml", "rules:\r\n  - { id: lead, match: { source: web }, reply: \"👍\", stop: true }\r\n");
    let taken = editor.mark("c.yaml", "E011");
    let first = &taken["relatedInformation"][0]["location"];
    assert!(first["uri"].as_str().is_some_and(|uri| uri.ends_with("/rules/b.yaml")), "{taken}");
    assert_eq!(first["range"]["start"]["line"], 1);
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn a_misspelt_name_is_mended_and_a_file_laid_out() {
    let mut editor = Editor::new();
    let path = editor.path("b.yaml");
    editor.open("b.yaml", &RULE.replace("source: web", "source: wbe"));
    editor.mark("b.yaml", "E012");
    let said = editor.ask(&json!({ "op": "mends", "path": path, "line": 2 }));
    let edit = &said["mends"][0]["edit"]["documentChanges"][0]["edits"][0];
    assert_eq!((&said["mends"][0]["title"], &edit["newText"]), (&json!("Write `web`"), &json!("web")), "{said}");
    assert_eq!(edit["range"]["start"], json!({ "line": 2, "character": 21 }));
    assert_eq!(editor.ask(&json!({ "op": "mends", "path": path, "line": 1 }))["mends"], json!([]));

    let said = editor.ask(&json!({ "op": "format", "path": path }));
    assert_eq!(said["edits"], json!([]), "it is in the style");
    editor.open("b.yaml", "rules:\n- {id: lead,reply: 'Hi'} # 👍");
    let said = editor.ask(&json!({ "op": "format", "path": path }));
    let end = json!({ "line": 1, "character": 29 });
    assert_eq!(
        (&said["edits"][0]["range"]["end"], &said["edits"][0]["newText"]),
        (&end, &json!("rules:\n  - { id: lead, reply: \"Hi\" } # 👍\n")),
        "{said}"
    );
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn what_takes_longer_to_find_is_marked_a_while_later_and_goes_again() {
    let mut editor = Editor::new();
    let other = "rules:\n  - id: other\n    match: { source: web, intent: a }\n    tag: { crm: { remove: [Lead] } }\n";
    editor.open("c.yaml", other);
    let clash = editor.mark("c.yaml", "W125");
    assert!(clash["message"].as_str().is_some_and(|message| message.contains("An event that shows it")), "{clash}");
    // While somebody types on, each text counts and none is waited for.
    for length in 1..other.len() {
        if let Some(part) = other.get(..length) {
            editor.open("c.yaml", part);
        }
    }
    editor.open("c.yaml", &other.replace("intent: a", "intent: b"));
    editor.is_clean("c.yaml");
    editor.open("c.yaml", &other.replace("match: {", "match: { text: { contains: [x, x] },"));
    let path = editor.path("c.yaml");
    editor.mark("c.yaml", "W124");
    assert_eq!(editor.ask(&json!({ "op": "mends", "path": path, "line": 0 }))["mends"], json!([]));
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn what_may_be_written_is_offered_in_a_file_that_is_half_written() {
    let mut editor = Editor::new();
    let labels = |said: &Value| -> Vec<String> {
        let items = said["items"].as_array().expect("items").iter();
        items.map(|item| item["label"].as_str().expect("a label").to_owned()).collect()
    };
    // Behind an emoji, with CRLF, and with brackets that are open.
    let text = "rules:\r\n  - { id: x, description: 👍, tag: { crm: { add: [Le";
    editor.open("c.yaml", text);
    let path = editor.path("c.yaml");
    let character = text.lines().last().expect("a line").encode_utf16().count();
    let said = editor.ask(&json!({ "op": "complete", "path": path, "line": 1, "character": character }));
    assert_eq!(labels(&said), ["Lead"], "{said}");
    let edit = &said["items"][0]["textEdit"];
    let start = json!({ "line": 1, "character": character - 2 });
    assert_eq!((&edit["newText"], &edit["range"]["start"]), (&json!("Lead"), &start), "{said}");

    let text = "rules:\n  - id: x\n    m\n    when: params.budget >= 5 and conf";
    editor.open("c.yaml", text);
    let said = editor.ask_at("complete", "c.yaml", text, "\n    when");
    assert!(labels(&said).contains(&"match".to_owned()), "{said}");
    editor.open("c.yaml", &text.replace("    m\n", ""));
    let said = editor.ask(&json!({ "op": "complete", "path": path, "line": 2, "character": 34 }));
    assert!(labels(&said).contains(&"confidence".to_owned()), "{said}");
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn names_are_shown_and_lead_somewhere_and_have_another_everywhere() {
    let mut editor = Editor::new();
    editor.open("b.yaml", RULE);
    let said = editor.ask_at("hover", "b.yaml", RULE, "web");
    assert!(said["shown"]["contents"]["value"].as_str().is_some_and(|text| text.contains("POST /hooks/web")), "{said}");
    let said = editor.ask_at("hover", "b.yaml", RULE, "match");
    assert!(said["shown"]["contents"]["value"].as_str().is_some_and(|text| text.contains("```yaml")), "{said}");
    let said = editor.ask_at("definition", "b.yaml", RULE, "crm");
    let place = &said["places"][0];
    assert!(place["uri"].as_str().is_some_and(|uri| uri.ends_with("/rules/a.yaml")), "{said}");
    assert_eq!(place["range"]["start"], json!({ "line": 3, "character": 2 }));
    let said = editor.ask_at("references", "b.yaml", RULE, "web");
    assert_eq!(said["places"].as_array().map(Vec::len), Some(2), "{said}");
    let said = editor.ask_at("rename", "b.yaml", RULE, "web");
    assert_eq!(said["placed"]["placeholder"], "web", "{said}");
    let changes = said["edit"]["documentChanges"].as_array().expect("edits");
    assert!(changes.iter().all(|change| change["edits"][0]["newText"] == "site") && changes.len() == 2, "{said}");
    let path = editor.path("b.yaml");
    let said = editor.ask(&json!({ "op": "symbols", "path": path }));
    assert_eq!(said["symbols"][0]["children"][0]["name"], "lead", "{said}");
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn all_that_needs_no_question_is_mended_at_once() {
    let mut editor = Editor::new();
    let path = editor.path("b.yaml");
    editor.open("b.yaml", &RULE.replace("source: web", "source: wbe").replace("match", "mach"));
    editor.mark("b.yaml", "E005");
    let said = editor.ask(&json!({ "op": "all", "path": path }));
    let text = &said["mends"][0]["edit"]["documentChanges"][0]["edits"][0]["newText"];
    assert_eq!(text, RULE, "{said}");
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn each_rule_has_the_count_of_events_that_it_would_match() {
    let gateway = rules("  - { id: old, match: { source: bot }, stop: true }\n").start();
    for (key, intent) in [("1", "a"), ("2", "b"), ("3", "a")] {
        gateway.event(&said(key, 7, intent));
    }
    let url = format!("http://{}", gateway.address);
    let mut editor =
        Editor::with(&json!({ "arguments": ["--url", url], "environment": { "TAGRELAY_ADMIN_TOKEN": ADMIN } }));
    // The gateway's events come through a source `bot`.
    editor.open("a.yaml", &SOURCES.replace("web:", "bot:"));
    editor.open("b.yaml", &RULE.replace("web", "bot"));
    let path = editor.path("b.yaml");
    let said = editor.ask(&json!({ "op": "lenses", "path": path }));
    let lens = &said["lenses"][0];
    assert_eq!(lens["command"]["title"], "would match 2 of the last 3 events", "{said}");
    assert_eq!(lens["range"]["start"], json!({ "line": 1, "character": 8 }));
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}

#[test]
fn without_a_gateway_that_is_said_once_and_all_else_goes_on() {
    let mut editor =
        Editor::with(&json!({ "environment": { "TAGRELAY_LISTEN": "127.0.0.1:9", "TAGRELAY_ADMIN_TOKEN": "t" } }));
    let said = editor.ask(&json!({ "op": "log" }));
    let line = said["said"][0].as_str().expect("a line");
    assert!(line.contains("no gateway answers at 127.0.0.1:9"), "{said}");
    assert_eq!(said["watched"][0]["method"], "workspace/didChangeWatchedFiles");
    editor.open("b.yaml", &RULE.replace("source: web", "source: wbe"));
    editor.mark("b.yaml", "E012");
    assert_eq!(editor.ask(&json!({ "op": "stop" }))["status"], 0);
}
