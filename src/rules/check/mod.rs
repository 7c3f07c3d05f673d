//! From files to a catalog: every fault of every file is told at once.
//!
//! First each file's shape is held against the table of keys, then what it says is read, then the whole set is looked at.
//! Each step goes on after a fault, so that one misspelt key hides nothing else.

mod auth;
mod connection;
mod cross;
mod desk;
mod draft;
mod reply;
mod rule;
mod shape;
mod source;
mod tag;
mod test;

use super::catalog::Catalog;
use super::codes::Code;
use super::files::{MAX_FILE, RuleFile};
use super::finding::{Finding, Findings, Severity, Span};
use super::keys::{RULE_FILE, TEST_FILE};
use super::mask::masked;
use super::testing::RuleTest;
use super::yaml::{self, Node};
use desk::Desk;
use draft::Draft;

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
const CROSS_CHECKS: &[fn(&Draft, &mut Desk<'_>)] = &[cross::names_are_unique, cross::references_lead_somewhere];

/// Checks a set of files.
pub fn check(files: &[RuleFile]) -> Checked {
    let mut desk = Desk::new(Findings::new(files));
    let mut draft = Draft::default();
    for (index, file) in files.iter().enumerate() {
        let Some(tree) = tree(index, file, &mut desk.findings) else { continue };
        let object = if file.holds_tests() { &TEST_FILE } else { &RULE_FILE };
        shape::check(object, &tree, &mut desk.findings);
        read(file, &tree, &mut desk, &mut draft);
    }
    for cross_check in CROSS_CHECKS {
        cross_check(&draft, &mut desk);
    }
    let findings = desk.findings.into_list();
    let clean = findings.iter().all(|finding| finding.severity != Severity::Error);
    let (catalog, tests) = draft.finish(files, &masked(&findings, files));
    Checked { findings, catalog: clean.then_some(catalog), tests }
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

fn read(file: &RuleFile, tree: &Node, desk: &mut Desk<'_>, draft: &mut Draft) {
    if file.holds_tests() {
        let tests = tree.get("tests").map(Node::items).unwrap_or_default();
        draft.tests.extend(tests.iter().filter_map(|node| test::read(file, node, desk)));
        return;
    }
    for entry in tree.get("sources").map(Node::entries).unwrap_or_default() {
        draft.sources.push(source::read(entry, desk));
    }
    for entry in tree.get("connections").map(Node::entries).unwrap_or_default() {
        draft.connections.push(connection::read(entry, desk));
    }
    for node in tree.get("rules").map(Node::items).unwrap_or_default() {
        draft.rules.extend(rule::read(file, node, desk));
    }
}
