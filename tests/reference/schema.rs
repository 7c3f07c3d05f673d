//! The JSON Schema against the checker: what the schema refuses is an error, and where the checker finds nothing wrong with a
//! file's form the schema accepts it.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};
use tagrelay::rules::keys::Key;
use tagrelay::rules::{self, Finding, RuleFile, Severity};

use super::documents::{self, COMPANION, Document, Kind};
use super::driver::Driver;

/// The errors of a file's form, as against those of what it speaks of.
const FORM: [&str; 10] = ["E003", "E005", "E006", "E007", "E008", "E009", "E010", "E015", "E016", "E021"];

/// What is no name can't be the name of anything, what is no way into a body reads as an expression, and a number is no
/// condition: the checker's own words for what the schema says with a pattern or a kind.
const MEANING: [&str; 7] = ["E012", "E013", "E014", "E017", "E018", "E020", "E022"];

struct Validator(Driver);

impl Validator {
    fn new() -> Self {
        let mut driver = Driver::validator();
        let schema = serde_json::to_value(rules::schema()).expect("JSON");
        assert_eq!(driver.ask(&json!({ "op": "schema", "schema": schema })), json!({}));
        Self(driver)
    }

    /// Whether the schema accepts each; `None` for what is no YAML.
    fn ask(&mut self, question: &Value) -> Vec<Option<bool>> {
        let answer = self.0.ask(question);
        answer["verdicts"].as_array().unwrap_or_else(|| panic!("{answer}")).iter().map(Value::as_bool).collect()
    }
}

/// The codes of the errors in one file of a set.
fn errors(files: &[RuleFile], path: &str) -> BTreeSet<&'static str> {
    let is_error = |finding: &&Finding| finding.severity == Severity::Error && finding.file == path;
    rules::check(files).findings.iter().filter(is_error).map(|finding| finding.code).collect()
}

fn errors_of(document: &Document) -> BTreeSet<&'static str> {
    let companion = RuleFile { path: "b.yaml".to_owned(), text: COMPANION.to_owned() };
    let file = RuleFile { path: document.path.to_owned(), text: document.value.to_string() };
    errors(&[file, companion], document.path)
}

/// The mapping that a key's example is.
fn example(key: &'static Key) -> Value {
    rules::example(key).unwrap_or_else(|| panic!("the example of `{}` is no YAML with that key", key.name))
}

/// What the checker takes and the schema doesn't: a part of the document's description, and why.
const STRICTER: [(&str, &str); 1] = [(
    "except: \"2026-03-02T15:00:00-05:00\"",
    "the checker reads the date in a time; an editor says that it is no date",
)];

/// What the schema takes and the checker doesn't, because a pattern can't say it.
const LOOSER: [(&str, &str); 8] = [
    ("zone: \"", "whether there is such a zone"),
    ("99999d\"", "that a duration is ten years at most"),
    (": \"\"", "that this text mustn't be empty: elsewhere it may"),
    ("allow_ips: \"", "that it is an address after all"),
    ("tolerance: \"", "that a time is signed"),
    ("keys_url: \"", "that keys come encrypted, or from one's own network"),
    ("reply_within: \"", "for how long Dialogflow waits"),
    ("tagged: \"{{", "that a guard names tags without templates"),
];

/// Numbers may stand in quotes, where their bounds aren't seen.
const QUOTED_NUMBERS: [&str; 4] = ["concurrency: \"", "lifespan: \"", "confidence: \"", "sentiment: \""];

/// What is wrong with the two verdicts on a document; `None` where they agree.
fn disagreement(document: &Document, accepted: bool, errors: &BTreeSet<&str>) -> Option<String> {
    let has = |part: &str| document.what.contains(part);
    let may_refuse = STRICTER.iter().any(|(part, _)| has(part));
    let may_accept = LOOSER.iter().map(|(part, _)| *part).chain(QUOTED_NUMBERS).any(has);
    let any_of = |codes: &[&str]| errors.iter().any(|code| codes.contains(code));
    match accepted {
        _ if document.kind == Kind::Right && !(accepted && errors.is_empty()) => Some(format!("not right: {errors:?}")),
        false if errors.is_empty() && !may_refuse => Some("only the schema refuses it".to_owned()),
        false if !any_of(&FORM) && !any_of(&MEANING) && !may_refuse => {
            Some(format!("only the schema refuses its form: {errors:?}"))
        }
        true if any_of(&FORM) && !may_accept => Some(format!("the schema doesn't see {errors:?}")),
        _ => None,
    }
}

#[test]
fn the_schema_and_the_checker_agree_on_every_key_and_example() {
    let documents = documents::all(example);
    let values: Vec<_> = documents.iter().map(|document| &document.value).collect();
    let verdicts = Validator::new().ask(&json!({ "op": "judge", "values": values }));
    let (mut wrong, mut both_accept, mut both_refuse) = (Vec::new(), 0, 0);
    let (mut examples, mut right) = (BTreeSet::new(), BTreeSet::new());
    for (document, accepted) in documents.iter().zip(verdicts) {
        let accepted = accepted.expect("a verdict");
        let errors = errors_of(document);
        if let Some(how) = disagreement(document, accepted, &errors) {
            wrong.push(format!("{how}: {}", document.what));
        }
        both_accept += usize::from(accepted && errors.is_empty());
        both_refuse += usize::from(!accepted && !errors.is_empty());
        if document.kind == Kind::Example {
            let (base, key) = document.what.split_once(": the example of ").expect("an example");
            let place = (base.split(" {").next().unwrap_or_default(), key);
            examples.insert(place);
            // Whom and what it names needn't be there.
            if accepted && errors.iter().all(|code| !FORM.contains(code)) {
                right.insert(place);
            }
        }
    }
    wrong.extend(examples.difference(&right).map(|place| format!("an example that is nowhere right: {place:?}")));
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), documents.len(), wrong.join("\n"));
    assert!(both_accept > 500 && both_refuse > 5000, "{both_accept} are right, {both_refuse} wrong");
    assert!(examples.len() > 150, "{} examples", examples.len());
}

/// The files of a case, as `tests/diagnostics.rs` reads them.
fn case(path: &Path) -> Vec<RuleFile> {
    let text = std::fs::read_to_string(path).expect("a case");
    let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
    let parts = format!("{name}\n{text}");
    let file = |part: &str| {
        let (path, text) = part.split_once('\n').expect("a file's name and its text");
        RuleFile { path: path.to_owned(), text: text.to_owned() }
    };
    parts.split("# --- ").map(file).collect()
}

#[test]
fn the_schema_and_the_checker_agree_on_every_file_of_ours() {
    let folder =
        std::fs::read_dir("tests/diagnostics").expect("the cases").map(|entry| entry.expect("an entry").path());
    let cases = folder.filter(|path| path.extension().is_some_and(|end| end == "yaml")).map(|path| case(&path));
    let scaffold = rules::scaffold().into_iter().map(|(path, text)| RuleFile { path: path.into(), text: text.into() });
    let sets = [rules::read_dir(Path::new("rules")).expect("the example"), scaffold.collect()];
    let mut validator = Validator::new();
    let mut wrong = Vec::new();
    for files in cases.chain(sets) {
        let texts: Vec<_> = files.iter().map(|file| &file.text).collect();
        let verdicts = validator.ask(&json!({ "op": "read", "texts": texts }));
        for (file, accepted) in files.iter().zip(verdicts) {
            let errors = errors(&files, &file.path);
            let told = || format!("{}: the schema says {accepted:?}, the checker {errors:?}", file.path);
            match accepted {
                // What is no YAML, or is written twice, is refused by whoever reads it first.
                None => wrong.extend(errors.is_empty().then(told)),
                Some(false) if !errors.iter().any(|code| FORM.contains(code) || MEANING.contains(code)) => {
                    wrong.push(told());
                }
                Some(_) => {}
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
