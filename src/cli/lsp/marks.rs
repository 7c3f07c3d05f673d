//! What is wrong, as the editor marks it.

use std::collections::BTreeMap;

use lsp_types::{Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Uri};

use super::place::Lines;
use super::set::Set;
use crate::rules::{Finding, RuleFile, Severity, Span};

/// The most marks of a file: of thousands nobody reads more.
const MOST: usize = 500;

/// What is marked in each file, by its path.
pub type Marks = BTreeMap<String, Vec<Diagnostic>>;

/// What a look at the set found, and in which texts.
#[derive(Default)]
pub struct Look {
    /// The files.
    pub files: Vec<RuleFile>,
    /// What is wrong with them.
    pub findings: Vec<Finding>,
}

impl Look {
    /// As the editor marks it.
    pub fn marks(&self, set: &Set) -> Marks {
        let lines: Vec<Lines<'_>> = self.files.iter().map(|file| Lines::new(&file.text)).collect();
        let mut marks = Marks::new();
        for finding in self.findings.iter().filter(|finding| finding.waived.is_none()) {
            let of_file = marks.entry(finding.file.clone()).or_default();
            if of_file.len() < MOST {
                of_file.extend(self.mark(finding, &lines, set));
            }
        }
        marks
    }

    /// Whether another look saw the same text of a file.
    pub fn agrees(&self, other: &Look, path: &str) -> bool {
        self.text(path) == other.text(path)
    }

    fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    fn mark(&self, finding: &Finding, lines: &[Lines<'_>], set: &Set) -> Option<Diagnostic> {
        let place = |span: Span| -> Option<(Uri, lsp_types::Range)> {
            let uri = set.uri(&self.files.get(span.file)?.path)?;
            Some((uri, lines.get(span.file)?.range(&span.range())))
        };
        let (_, range) = place(finding.span)?;
        let related = finding.related.iter().filter_map(|related| {
            let (uri, range) = place(related.span)?;
            Some(DiagnosticRelatedInformation { location: Location { uri, range }, message: related.message.clone() })
        });
        let help = if finding.help.is_empty() { String::new() } else { format!("\n{}", finding.help) };
        let shown = finding.witness.as_ref().map(|test| format!("\nAn event that shows it:\n{test}"));
        Some(Diagnostic {
            range,
            severity: Some(match finding.severity {
                Severity::Error => DiagnosticSeverity::ERROR,
                Severity::Warning => DiagnosticSeverity::WARNING,
                Severity::Note => DiagnosticSeverity::INFORMATION,
            }),
            code: Some(NumberOrString::String(finding.code.to_owned())),
            source: Some("tagrelay".to_owned()),
            message: format!("{}{help}{}", finding.message, shown.unwrap_or_default()),
            related_information: Some(related.collect()),
            ..Diagnostic::default()
        })
    }
}

/// What the quick look found, and what only a longer one finds: of a file that has changed since, nothing of that is shown.
pub fn joined(quick: &Look, long: &Look, set: &Set) -> Marks {
    let mut marks = quick.marks(set);
    for (path, more) in long.marks(set) {
        if !quick.agrees(long, &path) {
            continue;
        }
        let known = marks.entry(path).or_default();
        for mark in more {
            if known.len() < MOST && !known.contains(&mark) {
                known.push(mark);
            }
        }
    }
    marks
}
