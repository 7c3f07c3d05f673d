//! Findings drawn under their source lines.

use std::fmt::Write;

use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use crate::rules::files::RuleFile;
use crate::rules::finding::{Finding, Severity, Span};
use crate::rules::mask::masked;

/// The most findings that are drawn. Nobody reads more at once, and each costs time with the length of its file: a megabyte
/// of faults must not take minutes.
const MOST: usize = 200;

/// Every finding under its lines, then how many there are; with escapes for colours, or without for files and logs. Of very
/// many only the gravest are drawn.
pub fn text(findings: &[Finding], files: &[RuleFile], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let files = &masked(findings, files);
    let mut drawn = String::new();
    let told: Vec<_> = findings.iter().filter(|finding| finding.waived.is_none()).collect();
    let waived = findings.len() - told.len();
    for finding in gravest(told.clone()) {
        drawn.push_str(&renderer.render(&groups(finding, files)));
        drawn.push_str("\n\n");
    }
    if let Some(more @ 1..) = told.len().checked_sub(MOST) {
        // Writing to a text can't fail.
        let _ = writeln!(drawn, "... and {more} more; the other formats tell all of them");
    }
    drawn.push_str(&summary(&told, waived));
    drawn
}

/// In the order in which they came; where they are too many, warnings are left out before errors.
fn gravest(mut all: Vec<&Finding>) -> Vec<&Finding> {
    if all.len() > MOST {
        all.sort_by_key(|finding| finding.severity);
        all.truncate(MOST);
    }
    all
}

fn groups<'a>(finding: &'a Finding, files: &'a [RuleFile]) -> Vec<Group<'a>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut snippet =
        snippet(finding.span, files).annotation(AnnotationKind::Primary.span(visible(finding.span, files)));
    let (here, elsewhere): (Vec<_>, Vec<_>) = finding.related.iter().partition(|r| r.span.file == finding.span.file);
    for related in here {
        let label = AnnotationKind::Context.span(visible(related.span, files)).label(related.message.as_str());
        snippet = snippet.annotation(label);
    }
    let mut main = level.primary_title(finding.message.as_str()).id(finding.code).element(snippet);
    for related in elsewhere {
        let label = AnnotationKind::Context.span(visible(related.span, files)).label(related.message.as_str());
        main = main.element(self::snippet(related.span, files).annotation(label));
    }
    if let Some(witness) = &finding.witness {
        main = main.element(Level::NOTE.message(format!("an event that shows it, as a test:\n{}", witness.trim_end())));
    }
    match &finding.fix {
        Some(fix) => {
            let patch = Patch::new(visible(fix.span, files), fix.replacement.as_str());
            let mend = Level::HELP.secondary_title(finding.help.as_str());
            vec![main, mend.element(self::patched(fix.span, files).patch(patch))]
        }
        None if finding.help.is_empty() => vec![main],
        None => vec![main.element(Level::HELP.message(finding.help.as_str()))],
    }
}

fn snippet(span: Span, files: &[RuleFile]) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let (path, text) = file(span, files);
    Snippet::source(text).path(path)
}

fn patched(span: Span, files: &[RuleFile]) -> Snippet<'_, Patch<'_>> {
    let (path, text) = file(span, files);
    Snippet::source(text).path(path)
}

fn file(span: Span, files: &[RuleFile]) -> (&str, &str) {
    files.get(span.file).map_or(("", ""), |file| (file.path.as_str(), file.text.as_str()))
}

/// What can be drawn of a span: it must lie within its file, and a long one is cut at its first line.
fn visible(span: Span, files: &[RuleFile]) -> std::ops::Range<usize> {
    let (_, text) = file(span, files);
    let start = span.start.min(text.len());
    let end = span.end.clamp(start, text.len());
    let first_line = text.get(start..end).and_then(|part| part.find('\n')).map_or(end, |at| start + at);
    start..first_line
}

fn summary(findings: &[&Finding], waived: usize) -> String {
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let words = |count: usize, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    let waived = if waived == 0 { String::new() } else { format!(", {waived} waived") };
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) if findings.is_empty() => format!("no findings{waived}\n"),
        (0, 0) => format!("{}{waived}\n", words(findings.len(), "note")),
        (errors, warnings) => format!("{}, {}{waived}\n", words(errors, "error"), words(warnings, "warning")),
    }
}
