//! What `check` tells: a code, a place, what is wrong and how to mend it.

use std::cell::Cell;
use std::ops::Range;

use serde::Serialize;

use super::codes::Code;
use super::files::RuleFile;
use super::near::Meant;
use super::yaml::{byte_in_scalar, scalar};

/// How grave a finding is. A set with an error is not used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The set can't be used.
    Error,
    /// It can, and it is probably not what was meant.
    Warning,
    /// Good to know.
    Note,
}

/// Bytes of a file of the set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The file's place in the list that was checked.
    pub file: usize,
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

impl Span {
    /// As a range of bytes.
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

/// One thing that is wrong, at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// `E005`
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// The path as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// The mend.
    pub help: String,
    /// An event that shows it, as an item of `tests:` in YAML.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<String>,
    /// Other places that have to do with it.
    pub related: Vec<Related>,
    /// A mend that a program may apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<Fix>,
    /// Why a comment of the file waives it; such a finding is counted and not told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waived: Option<String>,
    /// Its bytes.
    #[serde(skip)]
    pub span: Span,
}

/// Another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Related {
    /// The path as it was given.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is there.
    pub message: String,
    /// Its bytes.
    #[serde(skip)]
    pub span: Span,
}

/// A replacement of some bytes, by which the finding goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// Counted from 1; the replacement ends before it.
    pub end_line: usize,
    /// Counted from 1, in characters; the replacement ends before it.
    pub end_column: usize,
    /// What shall stand there.
    pub replacement: String,
    /// The bytes that it replaces.
    #[serde(skip)]
    pub span: Span,
}

/// Collects findings and knows lines and columns.
pub struct Findings<'f> {
    files: &'f [RuleFile],
    /// The first byte of each line of each file.
    lines: Vec<Vec<usize>>,
    /// Up to where the columns of a line were counted last: a file may be one line of 100,000 faults, mostly told in order.
    counted: Cell<Counted>,
    list: Vec<Finding>,
}

/// So many characters lie between the start of a line and a byte of it.
#[derive(Clone, Copy, Default)]
struct Counted {
    file: usize,
    line: usize,
    byte: usize,
    characters: usize,
}

impl<'f> Findings<'f> {
    /// Nothing found yet in `files`.
    pub fn new(files: &'f [RuleFile]) -> Self {
        let starts = |file: &RuleFile| {
            let after_breaks = memchr::memchr_iter(b'\n', file.text.as_bytes()).map(|at| at + 1);
            std::iter::once(0).chain(after_breaks).collect()
        };
        let lines = files.iter().map(starts).collect();
        Self { files, lines, counted: Cell::default(), list: Vec::new() }
    }

    /// Tells of something; the answer takes the rest of what there is to say.
    pub fn add(&mut self, code: Code, span: Span, message: impl Into<String>) -> Told<'_, 'f> {
        let row = code.row();
        let (line, column) = self.place(span.file, span.start);
        let index = self.list.len();
        self.list.push(Finding {
            code: row.code,
            severity: row.severity,
            file: self.path(span.file),
            line,
            column,
            message: message.into(),
            help: String::new(),
            witness: None,
            related: Vec::new(),
            fix: None,
            waived: None,
            span,
        });
        Told { findings: self, index }
    }

    /// How grave the gravest is.
    pub fn worst(&self) -> Option<Severity> {
        self.list.iter().map(|finding| finding.severity).min()
    }

    /// What was told so far.
    pub fn told(&self) -> &[Finding] {
        &self.list
    }

    /// Takes what was found in the same files elsewhere.
    pub fn extend(&mut self, more: Vec<Finding>) {
        self.list.extend(more);
    }

    /// Marks as waived what `is_meant`; gives how many that are.
    pub fn waive(&mut self, is_meant: impl Fn(&Finding) -> bool, reason: &str) -> usize {
        let meant = self.list.iter_mut().filter(|finding| is_meant(finding));
        meant.map(|finding| finding.waived = Some(reason.to_owned())).count()
    }

    /// The text of a file.
    pub fn text(&self, file: usize) -> &'f str {
        self.files.get(file).map_or("", |f| f.text.as_str())
    }

    /// The exact characters of a part of the text that a scalar holds, or the whole scalar.
    pub fn part(&self, scalar: Span, text: &str, part: &Range<usize>) -> Span {
        let raw = self.text(scalar.file).get(scalar.range()).unwrap_or_default();
        let Some(start) = byte_in_scalar(raw, text, part.start) else { return scalar };
        let last = text.get(part.clone()).and_then(|part| part.char_indices().next_back());
        let end = last.and_then(|(at, c)| Some(byte_in_scalar(raw, text, part.start + at)? + c.len_utf8()));
        Span { start: scalar.start + start, end: scalar.start + end.unwrap_or(start).max(start), ..scalar }
    }

    /// The path of a file.
    pub fn path(&self, file: usize) -> String {
        self.files.get(file).map(|f| f.path.clone()).unwrap_or_default()
    }

    /// Line and column of a byte, both from 1, the column in characters.
    pub fn place(&self, file: usize, byte: usize) -> (usize, usize) {
        let starts = self.lines.get(file).map(Vec::as_slice).unwrap_or_default();
        let line = starts.partition_point(|start| *start <= byte).max(1);
        let start = starts.get(line - 1).copied().unwrap_or_default();
        let last = self.counted.get();
        let goes_on = last.file == file && last.line == line && (start..=byte).contains(&last.byte);
        let (from, known) = if goes_on { (last.byte, last.characters) } else { (start, 0) };
        let Some(between) = self.text(file).get(from..byte) else { return (line, 1) };
        let characters = known + between.chars().count();
        self.counted.set(Counted { file, line, byte, characters });
        (line, characters + 1)
    }

    /// The byte at a line and a column, both from 1, the column in characters.
    pub fn byte(&self, file: usize, line: usize, column: usize) -> usize {
        let text = self.text(file);
        let starts = self.lines.get(file).map(Vec::as_slice).unwrap_or_default();
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(text.len());
        let rest = text.get(start..).unwrap_or_default();
        start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(offset, _)| offset)
    }

    /// All of them, in the order of their places; what was told twice (an alias is read where it is used) stands once.
    pub fn into_list(mut self) -> Vec<Finding> {
        self.list.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
        self.list.dedup_by(|a, b| a.span == b.span && a.code == b.code && a.message == b.message);
        self.list
    }
}

/// A finding that was just told.
pub struct Told<'t, 'f> {
    findings: &'t mut Findings<'f>,
    index: usize,
}

impl Told<'_, '_> {
    /// How to mend it.
    pub fn help(self, help: impl Into<String>) -> Self {
        self.edit(|finding| finding.help = help.into())
    }

    /// An event that shows it, as an item of `tests:`.
    pub fn witness(self, test: impl Into<String>) -> Self {
        self.edit(|finding| finding.witness = Some(test.into()))
    }

    /// Another place that has to do with it.
    pub fn related(self, span: Span, message: impl Into<String>) -> Self {
        let (line, column) = self.findings.place(span.file, span.start);
        let related = Related { file: self.findings.path(span.file), line, column, message: message.into(), span };
        self.edit(|finding| finding.related.push(related))
    }

    /// What should stand in its place.
    pub fn fix(self, replacement: impl Into<String>) -> Self {
        let Some(span) = self.findings.list.get(self.index).map(|finding| finding.span) else { return self };
        self.fix_at(span, replacement)
    }

    /// What should stand at another place, which is a part of this one or near it.
    pub fn fix_at(self, span: Span, replacement: impl Into<String>) -> Self {
        let (line, column) = self.findings.place(span.file, span.start);
        let (end_line, end_column) = self.findings.place(span.file, span.end);
        let fix = Fix { line, column, end_line, end_column, replacement: replacement.into(), span };
        self.edit(|finding| finding.fix = Some(fix))
    }

    /// The known word that was meant.
    pub fn meant(self, meant: Meant<'_>) -> Self {
        let told = self.help(format!("did you mean `{}`?", meant.word));
        match scalar(meant.word).filter(|_| meant.is_certain) {
            Some(written) => told.fix(written),
            None => told,
        }
    }

    fn edit(self, change: impl FnOnce(&mut Finding)) -> Self {
        if let Some(finding) = self.findings.list.get_mut(self.index) {
            change(finding);
        }
        self
    }
}
