//! SARIF 2.1.0, for code scanning.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::rules::codes::Code;
use crate::rules::finding::{Finding, Fix, Severity};
use crate::rules::pages::page;

/// One run with every finding, and the table of codes as its rules.
pub fn sarif(findings: &[Finding]) -> String {
    let rules: Vec<_> = Code::ALL
        .iter()
        .map(|code| {
            let row = code.row();
            let level = json!({ "level": level(row.severity) });
            let mut rule =
                json!({ "id": row.code, "shortDescription": { "text": row.about }, "defaultConfiguration": level });
            // Whoever reads a finding elsewhere finds its page with it.
            if let Some(page) = page(*code).filter(|_| findings.iter().any(|finding| finding.code == row.code)) {
                rule["help"] = json!({ "text": row.about, "markdown": page });
            }
            rule
        })
        .collect();
    let results: Vec<_> = findings.iter().map(result).collect();
    let driver = json!({ "name": "tagrelay", "version": env!("CARGO_PKG_VERSION"), "rules": rules });
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{ "tool": { "driver": driver }, "columnKind": "unicodeCodePoints", "results": results }],
    });
    format!("{log:#}\n")
}

fn result(finding: &Finding) -> Value {
    let mut words = if finding.help.is_empty() {
        finding.message.clone()
    } else {
        format!("{}. {}", finding.message, finding.help)
    };
    if let Some(witness) = &finding.witness {
        words.push_str("\n\n");
        words.push_str(witness);
    }
    let related: Vec<_> = finding
        .related
        .iter()
        .map(|related| {
            let mut place = location(&related.file, related.line, related.column);
            place["message"] = json!({ "text": related.message });
            place
        })
        .collect();
    let mut result = json!({
        "ruleId": finding.code,
        "level": level(finding.severity),
        "message": { "text": words },
        "locations": [location(&finding.file, finding.line, finding.column)],
        "relatedLocations": related,
    });
    if let Some(reason) = &finding.waived {
        result["suppressions"] = json!([{ "kind": "inSource", "justification": reason }]);
    }
    if let Some(fix) = &finding.fix {
        result["fixes"] = json!([mend(finding, fix)]);
    }
    result
}

fn mend(finding: &Finding, fix: &Fix) -> Value {
    let region = json!({
        "startLine": fix.line,
        "startColumn": fix.column,
        "endLine": fix.end_line,
        "endColumn": fix.end_column,
    });
    let replacement = json!({ "deletedRegion": region, "insertedContent": { "text": fix.replacement } });
    json!({
        "description": { "text": finding.help },
        "artifactChanges": [{ "artifactLocation": { "uri": uri(&finding.file) }, "replacements": [replacement] }],
    })
}

fn location(file: &str, line: usize, column: usize) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(file) },
            "region": { "startLine": line, "startColumn": column },
        }
    })
}

/// A relative path as an address: what has a meaning in addresses is escaped.
fn uri(path: &str) -> String {
    let mut uri = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'.' | b'-' | b'_' | b'~') {
            uri.push(char::from(byte));
        } else {
            // Writing to a text can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}
