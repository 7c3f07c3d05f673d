//! Comments that waive a warning: `# tagrelay: allow W101 because the demo is open to all`.
//!
//! Where one stands decides its reach: at the end of a line or above an item, that item; before anything else in a file, the
//! whole file.

use std::ops::Range;

use crate::rules::codes::Code;
use crate::rules::files::RuleFile;
use crate::rules::finding::{Finding, Findings, Severity, Span};
use crate::rules::near;
use crate::rules::yaml::{Kind, Node};

/// What every waiver begins with, after the `#`.
const MARK: &str = "tagrelay:";
const FORM: &str = "a waiver reads `# tagrelay: allow W101 because ..`, with a reason for whoever reads it next";

/// The most waivers of a file: each is looked for among all findings.
const MOST: usize = 1_000;

/// A comment that waives.
pub struct Waiver {
    codes: Vec<Code>,
    reason: String,
    /// The comment.
    span: Span,
    /// The bytes of the same file in which findings are waived.
    reach: Vec<Range<usize>>,
}

/// Reads the waivers of a file; what is wrong with one is told.
pub fn read(index: usize, file: &RuleFile, tree: &Node, findings: &mut Findings<'_>) -> Vec<Waiver> {
    if !file.text.contains(MARK) {
        return Vec::new();
    }
    let mut texts = Vec::new();
    scalars(tree, &mut texts);
    texts.sort_unstable_by_key(|text| text.start);
    let is_text = |at: usize| {
        let before = texts.partition_point(|text| text.start <= at);
        before.checked_sub(1).and_then(|last| texts.get(last)).is_some_and(|text| text.contains(&at))
    };
    let lines = lines(&file.text);
    let mut waivers = Vec::new();
    for (count, (at, comment)) in comments(&file.text).filter(|(at, _)| !is_text(*at)).enumerate() {
        let span = Span { file: index, start: at, end: at + comment.len() };
        if count == MOST {
            findings
                .add(Code::BadWaiver, span, format!("a file has at most {MOST} waivers, and this is one more"))
                .help("a waiver before anything else in the file is for all of it");
            break;
        }
        if let Some((codes, reason)) = allowed(comment, span, findings) {
            waivers.push(Waiver { codes, reason, span, reach: reach(&lines, at, tree) });
        }
    }
    waivers
}

/// Marks what is waived, and tells of waivers that nothing is left for. Where a code wasn't looked for, nobody knows.
pub fn apply(waivers: Vec<Waiver>, was_looked_for: impl Fn(Code) -> bool, findings: &mut Findings<'_>) {
    let mut unused = Vec::new();
    for Waiver { codes, reason, span, reach } in waivers {
        for code in codes {
            let is_meant = |finding: &Finding| {
                finding.code == code.row().code
                    && finding.span.file == span.file
                    && reach.iter().any(|bytes| bytes.contains(&finding.span.start))
            };
            let waived = findings.waive(is_meant, &reason);
            if waived == 0 && was_looked_for(code) {
                unused.push((span, code));
            }
        }
    }
    // An error may hide the warning that is waived.
    if findings.worst() == Some(Severity::Error) {
        return;
    }
    for (span, code) in unused {
        findings
            .add(Code::UnusedWaiver, span, format!("there is no {} here to waive", code.row().code))
            .help("take the waiver away, or move it to the line of what it waives");
    }
}

/// Every comment that begins with the mark, and where. A `#` within a text begins one only for who doesn't read YAML.
fn comments(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('#').filter_map(|(at, _)| {
        let before = text.get(..at)?.chars().next_back();
        let is_one = before.is_none_or(char::is_whitespace)
            && text.get(at + 1..)?.trim_start_matches([' ', '\t']).starts_with(MARK);
        // Only then its end is looked for: a line may be a million of these signs.
        let comment = text.get(at..).filter(|_| is_one)?.lines().next()?.trim_end();
        // `leave` is for `fmt`.
        (!comment.ends_with("leave") || comment.split(MARK).nth(1)?.trim() != "leave").then_some((at, comment))
    })
}

fn scalars(node: &Node, found: &mut Vec<Range<usize>>) {
    match &node.kind {
        Kind::Text(_) => found.push(node.span.range()),
        Kind::List(items) => items.iter().for_each(|item| scalars(item, found)),
        Kind::Map(entries) => entries.iter().for_each(|entry| {
            found.push(entry.key_span.range());
            scalars(&entry.value, found);
        }),
        _ => {}
    }
}

/// The codes that a comment allows and why, or `None` after telling why it allows nothing.
fn allowed(comment: &str, span: Span, findings: &mut Findings<'_>) -> Option<(Vec<Code>, String)> {
    let words = comment.get(1..)?.trim_start().strip_prefix(MARK)?.trim();
    let mut bad = |message: String, help: &str| {
        findings.add(Code::BadWaiver, span, message).help(help);
        None
    };
    let (verb, rest) = words.split_once(char::is_whitespace).unwrap_or((words, ""));
    if verb != "allow" {
        return bad(format!("`{verb}` isn't what a comment for tagrelay can say"), FORM);
    }
    let (names, reason) = match rest.split_once("because") {
        Some((names, reason)) => (names, reason.trim()),
        None => (rest, ""),
    };
    let names: Vec<&str> = names.split([',', ' ']).map(str::trim).filter(|name| !name.is_empty()).collect();
    if names.is_empty() {
        return bad("this waiver names no code".to_owned(), FORM);
    }
    if !reason.contains(char::is_alphanumeric) {
        return bad("this waiver gives no reason, so it waives nothing".to_owned(), FORM);
    }
    let mut codes = Vec::new();
    for name in names {
        let Some(code) = Code::named(name) else {
            let known = Code::ALL.iter().map(|code| code.row().code);
            return match near::nearest(name, known) {
                Some(near) => bad(format!("there is no code `{name}`"), &format!("did you mean `{near}`?")),
                None => bad(format!("there is no code `{name}`"), FORM),
            };
        };
        match code {
            _ if code.row().severity == Severity::Error => {
                let message = format!("{name} is an error, and errors can't be waived");
                return bad(message, "a set with an error can't be used: mend it");
            }
            Code::BadWaiver | Code::UnusedWaiver => {
                return bad(format!("{name} is of waivers themselves, and can't be waived"), "mend the waiver");
            }
            _ if codes.contains(&code) => {}
            _ => codes.push(code),
        }
    }
    Some((codes, reason.to_owned()))
}

/// A line of a file.
struct Line {
    bytes: Range<usize>,
    kind: LineKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LineKind {
    /// Nothing, or what begins a document.
    Empty,
    /// A comment alone.
    Comment,
    /// Anything else.
    Content,
}

fn lines(text: &str) -> Vec<Line> {
    let mut start = 0;
    let line = |line: &str| {
        let bytes = start..start + line.len();
        start = bytes.end;
        let kind = match line.trim() {
            "" | "---" => LineKind::Empty,
            trimmed if trimmed.starts_with('#') => LineKind::Comment,
            trimmed if trimmed.starts_with('%') => LineKind::Empty,
            _ => LineKind::Content,
        };
        Line { bytes, kind }
    };
    text.split_inclusive('\n').map(line).collect()
}

/// Where the comment at `at` waives: the whole file, or a line with what begins on it.
fn reach(lines: &[Line], at: usize, tree: &Node) -> Vec<Range<usize>> {
    let own = lines.partition_point(|line| line.bytes.end <= at);
    let Some((before, from_own)) = lines.split_at_checked(own) else { return Vec::new() };
    let is_alone = from_own.first().is_some_and(|line| line.kind == LineKind::Comment);
    if is_alone && before.iter().all(|line| line.kind != LineKind::Content) {
        let end = lines.last().map_or(0, |line| line.bytes.end);
        return std::iter::once(0..end).collect();
    }
    let Some(line) = from_own.iter().find(|line| line.kind == LineKind::Content) else { return Vec::new() };
    let mut reach = vec![line.bytes.clone()];
    begun_on(&line.bytes, tree, &mut reach);
    reach
}

/// The outermost items that begin within these bytes.
fn begun_on(line: &Range<usize>, node: &Node, found: &mut Vec<Range<usize>>) {
    let items = node.items().iter().map(|item| (item.span.start, item));
    let entries = node.entries().iter().map(|entry| (entry.key_span.start, &entry.value));
    // Of those that begin before, only the last may hold something that begins there.
    let mut last = None;
    for (start, below) in items.chain(entries) {
        if line.contains(&start) {
            found.push(start..end(below).max(start + 1));
        } else if start < line.start {
            last = Some(below);
        }
    }
    if let Some(last) = last {
        begun_on(line, last, found);
    }
}

/// Where the last part of a node ends. Of what has no brackets only the start is known.
fn end(node: &Node) -> usize {
    let items = node.items().iter().map(end);
    let entries = node.entries().iter().map(|entry| entry.key_span.end.max(end(&entry.value)));
    items.chain(entries).fold(node.span.end, usize::max)
}
