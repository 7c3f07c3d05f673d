//! What editors say in one go: what is answered is of the text that they have by then.

use super::*;

const SOURCES: &str = "sources:
  web: { kind: dialogflow-es, auth: [{ bearer: env:T }], contact: \"7\" }
connections:
  crm: { provider: helpcrunch, api_key: env:K }
";
const RULE: &str = "rules:
  - id: lead
    match: { source: web, intent: a }
    tag: { crm: { add: [Lead] } }
";

/// An editor whose words are all there before the first is heard.
struct Editor {
    folder: tempfile::TempDir,
    words: Vec<Message>,
}

impl Editor {
    /// With the rules open, in their second text.
    fn new(second: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("a.yaml"), SOURCES).expect("written");
        std::fs::write(folder.path().join("b.yaml"), RULE).expect("written");
        let mut editor = Self { folder, words: Vec::new() };
        let file = json!({ "uri": editor.uri(), "languageId": "yaml", "version": 1, "text": RULE });
        editor.tell(DidOpenTextDocument::METHOD, json!({ "textDocument": file }));
        let file = json!({ "uri": editor.uri(), "version": 2 });
        let changes = json!([{ "text": second }]);
        editor.tell(DidChangeTextDocument::METHOD, json!({ "textDocument": file, "contentChanges": changes }));
        editor
    }

    fn uri(&self) -> String {
        url::Url::from_file_path(self.folder.path().join("b.yaml")).expect("a path").into()
    }

    fn tell(&mut self, method: &str, params: Value) {
        self.words.push(Message::Notification(Notification::new(method.to_owned(), params)));
    }

    /// The answer to a question right behind all that was told.
    fn ask(mut self, method: &str, params: Value) -> Value {
        self.words.push(Message::Request(Request::new(7.into(), method.to_owned(), params)));
        let (heard, hearing) = mpsc::channel();
        let params: InitializeParams = serde_json::from_value(json!({ "capabilities": {} })).expect("parameters");
        let worker = Worker::start(None, heard.clone());
        let mut server = Server::new(self.folder.path().to_owned(), &params, worker);
        server.begin();
        self.tell(Exit::METHOD, Value::Null);
        for word in self.words {
            heard.send(Heard::Said(word)).expect("it is heard");
        }
        let answers = std::cell::RefCell::new(Vec::new());
        let send = |message: Message| {
            if let Message::Response(answer) = message {
                answers.borrow_mut().push(answer);
            }
            Ok(())
        };
        server.go_on(&hearing, &send).expect("it goes on");
        serde_json::to_value(answers.into_inner().pop().expect("an answer")).expect("JSON")
    }
}

/// The only edit of the file, and of which of its texts it is.
fn edit(edits: &Value) -> (&Value, &Value) {
    let file = &edits["documentChanges"][0];
    assert!(file["edits"][1].is_null(), "{edits}");
    (&file["textDocument"]["version"], &file["edits"][0])
}

fn actions(kind: &str) -> Value {
    let second = RULE.replace("source: web", "source: wbe").replace("[Lead]", "[Lead, \"typed last\"]");
    let editor = Editor::new(&second);
    let range = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 9, "character": 0 } });
    let params = json!({
        "textDocument": { "uri": editor.uri() }, "range": range, "context": { "diagnostics": [], "only": [kind] },
    });
    editor.ask(CodeActionRequest::METHOD, params)["result"].take()
}

#[test]
fn mending_all_keeps_what_was_typed_right_before() {
    let actions = actions("source.fixAll");
    let (version, edit) = edit(&actions[0]["edit"]);
    let text = edit["newText"].as_str().unwrap_or_else(|| panic!("{actions}"));
    assert_eq!(text, RULE.replace("[Lead]", "[Lead, \"typed last\"]"));
    assert_eq!(*version, 2, "{actions}");
}

#[test]
fn a_mend_is_of_the_text_that_was_typed_right_before() {
    let actions = actions("quickfix");
    let (version, edit) = edit(&actions[0]["edit"]);
    assert_eq!((version, &edit["newText"]), (&json!(2), &json!("web")), "{actions}");
}

#[test]
fn a_name_that_was_typed_right_before_is_renamed() {
    let editor = Editor::new(&RULE.replace("lead", "typed-last"));
    let at = json!({ "line": 1, "character": 10 });
    let params = json!({ "textDocument": { "uri": editor.uri() }, "position": at, "newName": "gift" });
    let answer = editor.ask("textDocument/rename", params);
    let (version, edit) = edit(&answer["result"]);
    assert_eq!((version, &edit["range"]["end"]["character"]), (&json!(2), &json!(18)), "{answer}");
}

#[test]
fn where_no_gateway_answers_nothing_is_counted_and_that_is_told_once() {
    // Nobody listens at the port of another program that has just gone.
    let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port");
    let mut recent = lens::Recent::new(Some(format!("http://{port}")));
    let rule = rules::RuleFile { path: "a.yaml".to_owned(), text: format!("{SOURCES}{RULE}") };
    let catalog = rules::check(&[rule]).catalog.expect("a clean set");
    let (counted, told) = recent.count(&catalog, &|| true);
    assert_eq!(counted, Some(Counted::default()), "counts of a gateway that is gone would stay");
    assert!(told.is_some());
    assert_eq!(recent.count(&catalog, &|| true), (Some(Counted::default()), None));
}

#[test]
fn of_a_file_with_thousands_of_faults_the_first_are_marked() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.yaml");
    let keys: Vec<String> = (0..600).map(|number| format!("k{number}: 1")).collect();
    std::fs::write(&path, keys.join("\n")).expect("written");
    let set = Set::new(folder.path().to_owned());
    let files = set.files();
    let findings = rules::check(&files).findings;
    assert!(findings.len() >= 600);
    let look = Look { files, findings };
    let marks = marks::joined(&look, &look, &set);
    assert_eq!(marks[path.to_str().expect("UTF-8")].len(), 500);
}
