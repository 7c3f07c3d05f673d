//! `tagrelay capture`: a recorded event as a rule test.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::json;

use super::super::out::{say, say_line};
use super::super::{NO, WRONG, fail, ruleset, settings};
use super::{Client, To, ended};
use crate::flow::preview;
use crate::flow::recorded::Recorded;
use crate::rules::{self, Captured, Catalog, Checked, RuleFile, RuleTest};

/// Write a recorded event as a rule test: reduced to what the rules read, without what is personal in it.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay capture 17\n  tagrelay capture 17 --name \"a big budget becomes a lead\" --append rules/leads.test.yaml\n  tagrelay capture 17 --append rules/leads.test.yaml --request\n\nThe test is run before it is shown: it passes with the rules in --rules. What it expects is what they do now; read it before you keep it."
)]
pub struct Args {
    /// The event.
    id: u64,
    /// The rules that the test is for [default: `TAGRELAY_RULES`, else rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// What the test proves, in a sentence.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// Put it at the end of this test file, whose text stays as it is, in place of showing it.
    #[arg(long, value_name = "FILE")]
    append: Option<PathBuf>,
    /// Keep the whole body, in `fixtures` beside that file, in place of the event in short: the source's own reader is tested too.
    #[arg(long, requires = "append")]
    request: bool,
    #[command(flatten)]
    to: To,
}

/// One page of recorded events.
#[derive(Deserialize)]
struct Page {
    items: Vec<Recorded>,
}

/// Where a test stands that is only shown.
const NOWHERE: &str = "captured.test.yaml";

/// Captures.
pub fn run(args: &Args) -> ExitCode {
    ended(capture(args))
}

fn capture(args: &Args) -> Result<(), ExitCode> {
    let path = args.rules.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let is_test = |file: &Path| RuleFile { path: file.display().to_string(), text: String::new() }.holds_tests();
    if let Some(file) = args.append.as_deref().filter(|file| !is_test(file)) {
        return Err(fail(WRONG, &format!("{}: the name of a test file ends with .test.yaml", file.display())));
    }
    let (files, catalog, tests) = ruleset::clean_files(&path)?;
    let client = Client::new(&args.to)?;
    let event = recorded(&client, args.id)?;
    let name = name(args, &event, &tests);
    let captured = written(&catalog, &event, &name, args.request)?;
    let (file, text) = place(args, &path, &captured)?;
    let body = captured.body.as_ref().map(|body| keep_body(&file, &event, body)).transpose()?;
    if let Err(status) = proven(files, &file, &text, &name) {
        // Nothing half is left.
        drop(body.map(std::fs::remove_file));
        return Err(status);
    }
    if args.append.is_some() {
        std::fs::write(&file, &text).map_err(|error| {
            drop(body.map(std::fs::remove_file));
            fail(NO, &format!("{}: {error}", file.display()))
        })?;
    }
    let kept: Vec<_> = captured.kept.iter().map(|kept| json!({ "at": kept.at, "what": kept.what })).collect();
    let answer = json!({ "event": event.id.to_string(), "name": name, "test": captured.item, "file": args.append,
                         "kept": kept, "as_they_came": captured.as_they_came });
    if !client.is_for_scripts(&answer) {
        if args.append.is_some() {
            say_line!("{}: event {} is tested as {name:?}", file.display(), event.id);
        } else {
            say!("{}", captured.item);
        }
    }
    remarks(&catalog, &event, &captured);
    Ok(())
}

fn recorded(client: &Client, id: u64) -> Result<Recorded, ExitCode> {
    let before = id.saturating_sub(1).to_string();
    let page: Page = client.read(&["events", "recorded"], &[("cursor", Some(&before)), ("limit", Some("1"))])?;
    let event = page.items.into_iter().find(|event| event.id == id);
    let event = event.ok_or_else(|| fail(NO, &format!("there is no event {id}, or its retention has ended")))?;
    if event.is_ours() {
        return Err(fail(
            NO,
            &format!("event {id} is of {}: no request brought it, so there is nothing that rules judge", event.source),
        ));
    }
    if event.forgotten {
        return Err(fail(NO, &format!("event {id}: its body went with a person who was forgotten")));
    }
    Ok(event)
}

/// Names are unique over all tests.
fn name(args: &Args, event: &Recorded, tests: &[RuleTest]) -> String {
    let about = event.intent.as_deref().map_or_else(|| event.source.to_string(), ToOwned::to_owned);
    let name = args.name.clone().unwrap_or_else(|| format!("event {} - {about}", event.id));
    let is_free = |name: &String| tests.iter().all(|test| test.name != *name);
    let others = (2..).map(|n| format!("{name} {n}"));
    std::iter::once(name.clone()).chain(others).find(is_free).unwrap_or(name)
}

fn written(catalog: &Catalog, event: &Recorded, name: &str, whole: bool) -> Result<Captured, ExitCode> {
    let id = event.id;
    let captured = event.read(catalog, |source, events| match events {
        [_] if whole => {
            let came = (event.bytes(), event.received_at);
            let named = (name, file_of(event));
            rules::capture_body(catalog, source, (&came.0, came.1), &preview::read, (named.0, &named.1))
                .map_err(|why| why.to_string())
        }
        [one] => rules::capture(catalog, one, name).map_err(|why| why.to_string()),
        several => Err(format!("its source now reads {} events in the body, where there was one", several.len())),
    });
    match captured {
        Ok(Ok(captured)) => Ok(captured),
        Ok(Err(why)) => Err(fail(NO, &format!("event {id}: {why}"))),
        Err(why) => Err(fail(NO, &format!("event {id}: {why}"))),
    }
}

/// The file of a body, beside the test's.
fn file_of(event: &Recorded) -> String {
    format!("fixtures/event-{}.json", event.id)
}

/// Writes a body where its test looks for it; one that is there already is left as it is.
fn keep_body(test: &Path, event: &Recorded, body: &str) -> Result<PathBuf, ExitCode> {
    let path = test.parent().unwrap_or(Path::new("")).join(file_of(event));
    let told = |error: std::io::Error| fail(NO, &format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(told)?;
    }
    let mut file = std::fs::File::create_new(&path).map_err(told)?;
    std::io::Write::write_all(&mut file, body.as_bytes()).map_err(told)?;
    Ok(path)
}

/// The file that the test stands in, and its new text.
fn place(args: &Args, rules: &Path, captured: &Captured) -> Result<(PathBuf, String), ExitCode> {
    let Some(file) = &args.append else {
        let folder = if rules.is_dir() { rules } else { rules.parent().unwrap_or(Path::new("")) };
        return Ok((folder.join(NOWHERE), format!("tests:\n{}", captured.item)));
    };
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(fail(WRONG, &format!("{}: {error}", file.display()))),
    };
    let text = rules::insert_test(&text, &captured.item).ok_or_else(|| {
        fail(WRONG, &format!("{}: `tests` has brackets; write it as lines that begin with `- `", file.display()))
    })?;
    Ok((file.clone(), text))
}

/// Runs the test as it will stand in its file.
fn proven(mut files: Vec<RuleFile>, file: &Path, text: &str, name: &str) -> Result<(), ExitCode> {
    let whole = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let new = RuleFile { path: file.display().to_string(), text: text.to_owned() };
    match files.iter_mut().find(|known| whole(Path::new(&known.path)) == whole(file)) {
        Some(known) => *known = new,
        None => files.push(new),
    }
    let Checked { findings, catalog, tests } = rules::check(&files);
    let test: Vec<RuleTest> = tests.into_iter().filter(|test| test.name == name).collect();
    let report = catalog.as_ref().map(|catalog| preview::test(catalog, &test));
    if report.as_ref().is_some_and(|report| report.passed == 1 && report.failed == 0) {
        return Ok(());
    }
    anstream::eprint!("{}", rules::report::text(&findings, &files, true));
    for difference in report.iter().flat_map(|report| &report.tests).flat_map(|test| &test.differences) {
        eprintln!("{difference}");
    }
    Err(fail(NO, "written as a test, this event isn't decided as it was; nothing was kept"))
}

/// What a person should look at.
fn remarks(catalog: &Catalog, event: &Recorded, captured: &Captured) {
    for kept in &captured.kept {
        eprintln!("warning: {} is {} and stays as it came: a rule compares it", kept.at, kept.what);
    }
    if !captured.as_they_came.is_empty() {
        eprintln!("note: as they came, since rules read them: {}", captured.as_they_came.join(", "));
    }
    let now = event.judge(catalog).unwrap_or_default();
    let now: Vec<String> = now.iter().flat_map(|verdict| &verdict.decision.rules).map(ToString::to_string).collect();
    if now != event.rules {
        let named = |rules: &[String]| if rules.is_empty() { "no rule".to_owned() } else { rules.join(", ") };
        eprintln!("note: when it came, {} matched; by these rules {}", named(&event.rules), named(&now));
    }
}
