//! The language server that editors run for YAML, with our schema: what it marks, shows and offers.

use std::path::Path;

use serde_json::{Value, json};
use tagrelay::rules::{self, RuleFile};

use super::documents::COMPANION;
use super::driver::Driver;

const MODELINE: &str = "# yaml-language-server: $schema=tagrelay.schema.json\n";

/// An editor in a rule directory, where the schema lies as `init` lays it. The modeline alone leads to it.
struct Editor {
    driver: Driver,
    folder: tempfile::TempDir,
    opened: usize,
}

/// A place in a file that is open.
struct Cursor {
    path: String,
    line: usize,
    character: usize,
    text: String,
}

impl Editor {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let schema = serde_json::to_string_pretty(&rules::schema()).expect("JSON");
        std::fs::write(folder.path().join("tagrelay.schema.json"), schema).expect("writable");
        Self { driver: Driver::editor(), folder, opened: 0 }
    }

    /// What is marked in each of these files, each mark with its line from 1.
    fn marks_of(&mut self, files: &[(String, String)]) -> Vec<Vec<(usize, String)>> {
        // Each in a name of its own: what is said of a file is known by its name.
        self.opened += 1;
        let path = |index: usize, name: &str| self.path(&format!("{}-{index}-{name}", self.opened));
        let file =
            |(index, (name, text)): (usize, &(String, String))| json!({ "path": path(index, name), "text": text });
        let files: Vec<_> = files.iter().enumerate().map(file).collect();
        let answer = self.driver.ask(&json!({ "op": "mark", "files": files }));
        let line = |mark: &Value| usize::try_from(mark["line"].as_u64().expect("a line")).expect("small") + 1;
        let mark = |mark: &Value| (line(mark), mark["message"].as_str().expect("a message").to_owned());
        let of_file = |marks: &Value| marks.as_array().expect("a list").iter().map(mark).collect();
        answer["marks"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(of_file).collect()
    }

    /// Whether nothing is marked in any of these files.
    #[track_caller]
    fn leaves_alone(&mut self, files: &[(String, String)]) {
        for ((name, text), marks) in files.iter().zip(self.marks_of(files)) {
            assert_eq!(marks, [], "{name}:\n{text}");
        }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Opens a file with the cursor where `|` stands, below the modeline.
    fn at(&mut self, text: &str) -> Cursor {
        self.opened += 1;
        let name = format!("file-{}.yaml", self.opened);
        let (before, after) = text.split_once('|').expect("the cursor");
        let before = format!("{MODELINE}{before}");
        let text = format!("{before}{after}");
        let file = json!({ "path": self.path(&name), "text": text });
        self.driver.ask(&json!({ "op": "open", "files": [file] }));
        let line = before.matches('\n').count();
        let character = before.lines().last().filter(|_| !before.ends_with('\n')).map_or(0, str::len);
        Cursor { path: self.path(&name), line, character, text }
    }

    fn hover(&mut self, text: &str) -> String {
        let Cursor { path, line, character, .. } = self.at(text);
        let answer = self.driver.ask(&json!({ "op": "hover", "path": path, "line": line, "character": character }));
        answer["text"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    /// What is offered at the cursor: labels, and what each one makes of the file.
    fn offers(&mut self, text: &str) -> Vec<(String, String)> {
        let cursor = self.at(text);
        let Cursor { path, line, character, .. } = &cursor;
        let answer = self.driver.ask(&json!({ "op": "complete", "path": path, "line": line, "character": character }));
        let items = answer["items"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let offer = |item: &Value| {
            let inserted = item["textEdit"]["newText"].as_str().or(item["insertText"].as_str()).expect("a text");
            (item["label"].as_str().expect("a label").to_owned(), cursor.with(inserted))
        };
        items.iter().map(offer).collect()
    }
}

impl Cursor {
    /// The file after a snippet was inserted with its defaults; as editors do, each line is indented like the cursor's.
    fn with(&self, snippet: &str) -> String {
        let mut lines: Vec<_> = self.text.lines().map(str::to_owned).collect();
        lines.resize(lines.len().max(self.line + 1), String::new());
        let line = &lines[self.line];
        let indent: String = line.chars().take_while(|letter| *letter == ' ').collect();
        let (before, after) = line.split_at(self.character);
        lines[self.line] = format!("{before}{}{after}", expanded(snippet).replace('\n', &format!("\n{indent}")));
        lines.join("\n") + "\n"
    }
}

/// A snippet with the defaults of its tab stops.
fn expanded(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet.chars().peekable();
    let mut within = false;
    while let Some(letter) = rest.next() {
        match letter {
            '\\' => text.extend(rest.next()),
            '$' if rest.peek() == Some(&'{') => {
                within = true;
                while rest.next_if(|letter| *letter != ':' && *letter != '}').is_some() {}
                rest.next();
            }
            '$' => while rest.next_if(char::is_ascii_digit).is_some() {},
            '}' if within => within = false,
            other => text.push(other),
        }
    }
    text
}

/// What the checker finds in a file beside the names that it may use, warnings aside.
fn errors(path: &str, text: &str) -> Vec<String> {
    let file = RuleFile { path: path.to_owned(), text: text.to_owned() };
    let companion = RuleFile { path: "b.yaml".to_owned(), text: COMPANION.to_owned() };
    let findings = rules::check(&[file, companion]).findings;
    // The names in a skeleton are for its author to change.
    let names = ["E012", "E013", "E014"];
    let own = findings.into_iter().filter(|finding| finding.file == path && finding.code.starts_with('E'));
    own.filter(|finding| !names.contains(&finding.code)).map(|f| format!("{}: {}", f.code, f.message)).collect()
}

#[test]
fn good_files_are_left_alone() {
    let example = rules::read_dir(Path::new("rules")).expect("the example");
    let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let mut files: Vec<_> = example.into_iter().map(|file| (name(&file.path), file.text)).collect();
    files.extend(rules::scaffold().into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())));
    files.push(("companion.yaml".to_owned(), format!("{MODELINE}{COMPANION}")));
    let own = files.len();
    for page in ["docs/rules.md", "docs/sources.md", "docs/connections.md"] {
        let text = std::fs::read_to_string(page).expect(page);
        let blocks = text.split("\n```yaml\n").skip(1).filter_map(|rest| rest.split("\n```").next());
        let block =
            |(index, block): (usize, &str)| (format!("{}-{index}.yaml", name(page)), format!("{MODELINE}{block}\n"));
        files.extend(blocks.enumerate().map(block));
    }
    assert!(files.len() > own + 3, "the pages have examples");
    Editor::new().leaves_alone(&files);
}

#[test]
fn faults_are_marked_where_they_stand() {
    let source = "sources:\n  web:\n    kind: catch\n    auth:\n      - bearer: env:T\n";
    let rule = "rules:\n  - id: lead\n    match: { intent: a }\n    stop: true\n";
    let connection = "connections:\n  crm:\n    provider: helpcrunch\n    api_key: env:K\n";
    // What is written, what in its place, the line of the mark below the modeline, and a part of what it says.
    let faults = [
        (rule, ("stop: true", "stopp: true"), 4, "stopp"),
        (rule, ("stop: true", "stop: yes"), 4, "boolean"),
        (rule, ("stop: true", "once: soon"), 4, "a duration"),
        (rule, ("match: { intent: a }", "match: [a]"), 3, "Incorrect type"),
        (source, ("kind: catch", "kind: catsh"), 3, "catch"),
        (source, ("bearer: env:T", "hmac: github"), 5, "secret"),
        (source, ("kind: catch", "kind: dialogflow-es\n    each: body.leads"), 4, "each"),
        (source, ("kind: catch", "kind: catch\n    allow_ips: []"), 4, ""),
        (connection, ("    api_key: env:K\n", ""), 2, "api_key"),
        (connection, ("api_key: env:K", "api_key: env:K\n    token: env:T"), 5, "token"),
        (connection, ("api_key: env:K", "api_key: env:K\n    timeout: 1w"), 5, "a duration"),
        (connection, ("api_key: env:K", "api_key: env:K\n    concurrency: 65"), 5, "64"),
    ];
    let mut editor = Editor::new();
    editor.leaves_alone(
        &[rule, source, connection].map(|right| (format!("{}.yaml", right.len()), format!("{MODELINE}{right}"))),
    );
    let mut files = Vec::new();
    for (index, (right, (old, new), ..)) in faults.iter().enumerate() {
        files.push((format!("wrong-{index}.yaml"), format!("{MODELINE}{}", right.replace(old, new))));
    }
    for (((_, text), (.., line, part)), marks) in files.iter().zip(&faults).zip(editor.marks_of(&files)) {
        let is_told = marks.iter().any(|(at, message)| *at == line + 1 && message.contains(part));
        assert!(is_told, "{text}\nline {line}, {part:?}: {marks:#?}");
        assert!(!errors("a.yaml", text).is_empty(), "the checker takes it:\n{text}");
    }
}

#[test]
fn a_key_under_the_cursor_is_explained_with_its_example() {
    let shown = [
        ("rules:\n  - id: lead\n    o|nce: 24h\n", "at most once in that time", "once: 24h"),
        (
            "rules:\n  - id: lead\n    ma|tch: { intent: a }\n",
            "every key must fit",
            "intent: [pricing.*, quote.request]",
        ),
        ("rules:\n  - id: lead\n    tag: { crm: { a|dd: Lead } }\n", "Tags to add", "Plan {{ params.plan }}"),
        ("rules:\n  - id: lead\n    tag: { crm: { add: { name: Hot, f|or: 7d } } }\n", "For how long", "for: 7d"),
        ("sources:\n  web:\n    ki|nd: catch\n", "What its requests look like", "kind: dialogflow-es"),
        ("connections:\n  crm:\n    rate_l|imit: 5/s\n", "Calls that may start", "rate_limit: 100/min"),
        ("tests:\n  - name: a\n    e|vent: { source: web }\n", "The event in short", "intent: pricing.inquiry"),
    ];
    let mut editor = Editor::new();
    for (text, about, example) in shown {
        let hover = editor.hover(text);
        assert!(hover.contains(about) && hover.contains(example), "{text}\n{hover}");
    }
}

#[test]
fn keys_words_and_skeletons_are_offered_and_skeletons_check_clean() {
    // Where the cursor stands, keys and words that are offered there, and how many skeletons at least.
    let places: [(&str, &[&str], usize); 15] = [
        ("|", &["sources", "connections", "rules", "values", "hours", "tests"], 0),
        ("sources:\n  |", &["source: catch"], 3),
        ("sources:\n  web2:\n    |", &["kind", "auth", "contact", "allow_ips"], 3),
        ("sources:\n  web2:\n    kind: catch\n    auth:\n      - |", &["basic", "hmac"], 6),
        ("sources:\n  web2:\n    kind: |", &["catch", "dialogflow-es", "dialogflow-cx"], 0),
        ("connections:\n  |", &["connection: helpcrunch"], 5),
        ("connections:\n  crm2:\n    |", &["provider", "api_key", "timeout", "tags"], 5),
        ("connections:\n  crm2:\n    provider: |", &["helpcrunch", "1980tic", "b2chat", "webhook"], 0),
        ("rules:\n  |", &[], 3),
        ("rules:\n  - |", &["id", "match", "when", "tag", "reply", "stop"], 3),
        ("rules:\n  - id: other\n    match:\n      |", &["source", "intent", "params", "text"], 1),
        ("rules:\n  - id: other\n    tag:\n      |", &["block of tags: add"], 2),
        ("rules:\n  - id: other\n    tag:\n      crm:\n        |", &["add", "remove", "unless_tagged"], 2),
        ("rules:\n  - id: other\n    tag:\n      crm:\n        add:\n          - |", &["name", "for", "when"], 2),
        ("hours:\n  office:\n    |", &["zone", "mon-fri", "except"], 1),
    ];
    let mut editor = Editor::new();
    for (text, labels, least) in places {
        skeletons(&mut editor, text, labels, least, "a.yaml");
    }
    let tests: [(&str, &[&str], usize); 4] = [
        ("tests:\n  - |", &["name", "event", "request", "steps", "expect"], 3),
        ("tests:\n  - name: t\n    steps:\n      - |", &["after", "event", "expect"], 2),
        ("tests:\n  - name: t\n    event: { source: web }\n    expect:\n      |", &["rules", "tag", "reply"], 2),
        ("tests:\n  - name: t\n    expect: { rules: [] }\n    event:\n      |", &["source", "intent", "params"], 1),
    ];
    for (text, labels, least) in tests {
        skeletons(&mut editor, text, labels, least, "a.test.yaml");
    }
}

fn skeletons(editor: &mut Editor, text: &str, labels: &[&str], least: usize, path: &str) {
    let offers = editor.offers(text);
    let offered: Vec<_> = offers.iter().map(|(label, _)| label.as_str()).collect();
    let missing: Vec<_> = labels.iter().filter(|label| !offered.contains(label)).collect();
    assert!(missing.is_empty(), "{text}: {missing:?} are not among {offered:?}");
    let skeletons: Vec<_> = offers.iter().filter(|(label, _)| label.contains(": ")).collect();
    assert!(skeletons.len() >= least, "{text}: {offered:?}");
    let made = skeletons.into_iter().enumerate().map(|(index, (label, made))| {
        assert_eq!(errors(path, made), Vec::<String>::new(), "{label}:\n{made}");
        (format!("made-{index}.yaml"), made.clone())
    });
    let made: Vec<_> = made.collect();
    editor.leaves_alone(&made);
}
