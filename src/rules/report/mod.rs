//! Findings for people and for programs.

mod sarif;
mod text;

use std::fmt::Write;

use serde_json::json;

use super::finding::{Finding, Severity};

pub use sarif::sarif;
pub use text::text;

/// `{"findings":[..],"waived":[..]}`; what is waived says why.
pub fn json(findings: &[Finding]) -> String {
    let (waived, told): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.waived.is_some());
    let mut text = json!({ "findings": told, "waived": waived }).to_string();
    text.push('\n');
    text
}

/// One workflow command a line, as GitHub's runner reads them.
pub fn github(findings: &[Finding]) -> String {
    let mut lines = String::new();
    for finding in findings.iter().filter(|finding| finding.waived.is_none()) {
        let command = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let parts = [Some(&finding.message), Some(&finding.help), finding.witness.as_ref()];
        let words: Vec<&str> =
            parts.into_iter().flatten().map(|part| part.trim_end()).filter(|part| !part.is_empty()).collect();
        let words = words.join("\n");
        // Writing to a text can't fail.
        let _ = writeln!(
            lines,
            "::{command} file={},line={},col={},title={}::{}",
            property(&finding.file),
            finding.line,
            finding.column,
            finding.code,
            escape(&words)
        );
    }
    lines
}

/// A message may hold anything but line breaks and the sign of the escapes themselves.
fn escape(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property ends at a comma or a colon, too.
fn property(text: &str) -> String {
    escape(text).replace(':', "%3A").replace(',', "%2C")
}
