//! From files to a catalog: every fault of every file is told at once.
//!
//! First each file's shape is held against the table of keys, then what it says is read, then the whole set is looked at.
//! Each step goes on after a fault, so that one misspelt key hides nothing else.

mod abilities;
mod auth;
mod bounds;
mod connection;
mod contact;
mod cross;
mod desk;
mod draft;
mod effects;
mod expectation;
mod globs;
mod intents;
mod near_tags;
mod notes;
mod plain_http;
mod reply;
mod rule;
mod shape;
mod shared;
mod source;
mod strangers;
mod tag;
mod test;
mod unused;
mod waivers;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};

use super::catalog::Catalog;
use super::codes::Code;
use super::files::{MAX_FILE, RuleFile};
use super::finding::{Finding, Findings, Severity, Span};
use super::keys::{RULE_FILE, TEST_FILE};
use super::mask::masked;
use super::review;
use super::testing::{BodyReader, RuleTest, reached};
use super::yaml::{self, Entry, Node};
use desk::Desk;
use draft::{Draft, Named};
pub use shape::kind_fits;

/// What `check` found and made.
pub struct Checked {
    /// In the order of their places.
    pub findings: Vec<Finding>,
    /// There exactly when no finding is an error.
    pub catalog: Option<Catalog>,
    /// The tests that could be read.
    pub tests: Vec<RuleTest>,
}

/// Looks at the whole set, one concern each.
const CROSS_CHECKS: &[fn(&Draft, &mut Desk<'_>)] = &[
    cross::names_are_unique,
    cross::references_lead_somewhere,
    cross::accounts_have_one_limit,
    abilities::providers_can_do_what_is_asked,
    abilities::contacts_can_be_found,
    abilities::tags_are_in_use,
    near_tags::tags_are_told_apart,
    strangers::tags_are_known_beforehand,
    // The last: they are told only of a set that is otherwise in order.
    unused::everything_is_used,
];

/// How far a set is looked into.
#[derive(Clone, Copy)]
pub enum Depth<'r> {
    /// As far as it takes to use it.
    Usable,
    /// And what its rules mean together: which of them contradict each other, and what never matters. That takes more time, and
    /// what it finds keeps no set from being used, so only people ask for it.
    Meaning,
    /// And which rules its tests reach; bodies are read by this.
    Tests(&'r BodyReader<'r>),
}

/// Checks a set of files as far as it takes to use it.
pub fn check(files: &[RuleFile]) -> Checked {
    check_with(files, Depth::Usable)
}

/// The same, and what the rules mean together.
pub fn inspect(files: &[RuleFile]) -> Checked {
    check_with(files, Depth::Meaning)
}

/// Checks a set of files so far.
pub fn check_with(files: &[RuleFile], depth: Depth<'_>) -> Checked {
    check_until(files, depth, &AtomicBool::new(false))
}

/// The same for somebody who may lose interest: once `stop` is set it ends soon, and what it gives is of no use.
pub fn check_until(files: &[RuleFile], depth: Depth<'_>, stop: &AtomicBool) -> Checked {
    let mut desk = Desk::new(Findings::new(files));
    let mut trees = Vec::new();
    let mut waivers = Vec::new();
    let mut is_half_read = false;
    for (index, file) in files.iter().enumerate() {
        let Some(tree) = tree(index, file, &mut desk.findings) else {
            is_half_read |= !file.holds_tests();
            continue;
        };
        is_half_read |= !file.holds_tests() && tree.entries().iter().any(|entry| RULE_FILE.key(&entry.key).is_none());
        let object = if file.holds_tests() { &TEST_FILE } else { &RULE_FILE };
        shape::check(object, &tree, &mut desk.findings);
        waivers.extend(waivers::read(index, file, &tree, &mut desk.findings));
        trees.push((file, tree));
    }
    let draft = read(trees, &mut desk);
    for cross_check in CROSS_CHECKS {
        cross_check(&draft, &mut desk);
    }
    let mut findings = desk.findings;
    let clean = findings.worst() != Some(Severity::Error);
    let places: HashMap<String, Span> = match depth {
        Depth::Tests(_) => draft.rules.iter().map(|rule| (rule.name.clone(), rule.span)).collect(),
        Depth::Usable | Depth::Meaning => HashMap::new(),
    };
    let (catalog, tests) = draft.finish(files, &masked(findings.told(), files));
    if clean && !matches!(depth, Depth::Usable) {
        findings.extend(review::review(&catalog, files, stop));
    }
    if let (Depth::Tests(reader), true) = (depth, clean && !stop.load(Ordering::Relaxed)) {
        untested(&catalog, &tests, reader, &places, &mut findings);
    }
    // Where questions were given up nobody knows what they would have shown.
    let given_up = findings.told().iter().any(|finding| finding.code == Code::NotExamined.row().code);
    let is_known = |code: Code| !(given_up && review::CODES.contains(&code));
    let was_looked_for = |code: Code| match depth {
        Depth::Usable => code != Code::Untested && !review::CODES.contains(&code),
        Depth::Meaning => code != Code::Untested && is_known(code),
        Depth::Tests(_) => is_known(code),
    };
    waivers::apply(waivers, was_looked_for, &mut findings);
    let mut findings = findings.into_list();
    if is_half_read {
        findings.retain(|finding| !may_follow(finding));
        findings.iter_mut().filter(|finding| finding.code == Code::NotYaml.row().code).for_each(|finding| {
            finding.help.push_str(if finding.help.is_empty() { "" } else { "; " });
            finding.help.push_str("until this file can be read, nobody is told of names that aren't defined");
        });
    }
    let clean = findings.iter().all(|finding| finding.severity != Severity::Error);
    Checked { findings, catalog: clean.then_some(catalog), tests }
}

/// Rules that no test reaches, where there are tests at all.
fn untested(
    catalog: &Catalog,
    tests: &[RuleTest],
    reader: &BodyReader<'_>,
    places: &HashMap<String, Span>,
    findings: &mut Findings<'_>,
) {
    if tests.is_empty() {
        return;
    }
    let reached = reached(catalog, tests, reader);
    for rule in catalog.rules().filter(|rule| rule.enabled && !reached.contains(&rule.id)) {
        let Some(place) = places.get(rule.id.as_str()) else { continue };
        findings
            .add(Code::Untested, *place, format!("no test reaches the rule `{}`", rule.id))
            .help("write a test with an event that it matches, so that a change of it is noticed");
    }
}

/// Whether it may be so only because a part of the set couldn't be read: a name that isn't defined may stand there.
fn may_follow(finding: &Finding) -> bool {
    let names = [Code::UnknownSource, Code::UnknownConnection, Code::UnknownRule, Code::NotCarried];
    names.iter().any(|code| code.row().code == finding.code)
        || finding.code == Code::UnknownWord.row().code && finding.message.starts_with("there are no ")
}

fn tree(index: usize, file: &RuleFile, findings: &mut Findings<'_>) -> Option<Node> {
    let top = Span { file: index, start: 0, end: 0 };
    if file.text.len() as u64 > MAX_FILE {
        findings
            .add(Code::TooLarge, top, format!("the file has more than {MAX_FILE} bytes"))
            .help("split it: every *.yaml of the directory is read");
        return None;
    }
    if let Some(at) = file.text.find('\u{fffd}') {
        let span = Span { file: index, start: at, end: at + '\u{fffd}'.len_utf8() };
        findings.add(Code::NotYaml, span, "this is not text in UTF-8").help("save the file as UTF-8");
        return None;
    }
    yaml::read(index, findings)
}

/// What is named comes first: an expression may name what another file defines, and is typed by the sources that it meets.
fn read(trees: Vec<(&RuleFile, Node)>, desk: &mut Desk<'_>) -> Draft {
    let mut draft = Draft::default();
    let rule_files = || trees.iter().filter(|(file, _)| !file.holds_tests()).map(|(_, tree)| tree);
    let entries =
        |key: &'static str| rule_files().flat_map(move |tree| tree.get(key).map(Node::entries).unwrap_or_default());
    draft.values = entries("values").map(|entry| shared::value(entry, desk)).collect();
    draft.hours = entries("hours").map(|entry| shared::hours(entry, desk)).collect();
    desk.known.values = draft.values.iter().filter_map(|v| Some((v.name.clone(), v.value.clone()?))).collect();
    desk.known.hours = draft.hours.iter().map(|hours| hours.name.clone()).collect();
    desk.known.sources = entries("sources").filter_map(source::carrier).collect();
    let unchecked: Vec<_> = entries("conditions").filter_map(|entry| shared::condition(entry, desk)).collect();
    let mut conditions: HashMap<String, _> = shared::conditions(&unchecked, desk).into_iter().collect();
    let named =
        |entry: &Entry| Named { name: entry.key.clone(), span: entry.key_span, value: conditions.remove(&entry.key) };
    draft.conditions = entries("conditions").map(named).collect();
    draft.sources = entries("sources").map(|entry| source::read(entry, desk)).collect();
    draft.connections = entries("connections").map(|entry| connection::read(entry, desk)).collect();
    // Of thousands of rules, a file's tree makes room for the next one's rules.
    for (file, tree) in trees {
        if file.holds_tests() {
            let tests = tree.get("tests").map(Node::items).unwrap_or_default();
            draft.tests.extend(tests.iter().filter_map(|node| test::read(file, node, desk)));
        } else {
            let rules = tree.get("rules").map(Node::items).unwrap_or_default();
            draft.rules.extend(rules.iter().filter_map(|node| rule::read(file, node, desk)));
        }
    }
    draft
}
