//! Coverage as one page: the rule files with a mark at each line that has something to cover.
//!
//! It needs nothing from elsewhere, follows the reader's light or dark, and can be read with keys and aloud: a line with units
//! is a stop of the Tab key, and says how many of its units are covered before it says its text.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{Coverage, Part, Shown};
use crate::rules::check::check;
use crate::rules::files::RuleFile;
use crate::rules::mask::masked;

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn html(coverage: &Coverage, files: &[RuleFile]) -> String {
    let mut lines: BTreeMap<(&str, usize), Vec<&Shown>> = BTreeMap::new();
    for unit in coverage.parts.iter().flat_map(|part| &part.units) {
        lines.entry((&unit.place.file, unit.place.line)).or_default().push(unit);
    }
    let mut page = head(coverage);
    table(coverage, &mut page);
    // A page is copied about: it holds no secret.
    for file in
        masked(&check(files).findings, files).iter().filter(|file| lines.keys().any(|(path, _)| *path == file.path))
    {
        self::file(file, &lines, &mut page);
    }
    page.push_str("</main>\n</body>\n</html>\n");
    page
}

fn head(coverage: &Coverage) -> String {
    let Coverage { covered, total, .. } = coverage;
    let percent = coverage.percent();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Coverage of the rules: {percent}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Coverage of the rules: {percent}</h1>\n<p>Tests show {covered} of {total} units: rules that match and that don't, \
         parts of conditions true and false, effects and replies.</p>\n\
         <p class=\"key\"><span class=\"all\">all</span> <span class=\"some\">some</span> <span class=\"none\">none</span> \
         of a line's units are covered. Point at a line, or reach it with Tab, to see them.</p>\n"
    )
}

fn table(coverage: &Coverage, page: &mut String) {
    page.push_str(
        "<table>\n<thead><tr><th scope=\"col\">Rule</th><th scope=\"col\">Covered</th><th scope=\"col\">Percent</th></tr>\
         </thead>\n<tbody>\n",
    );
    for part in &coverage.parts {
        let Part { name, place, covered, total, .. } = part;
        // Writing to a text can't fail.
        let _ = writeln!(
            page,
            "<tr class=\"{}\"><th scope=\"row\"><a href=\"#{}\">{}</a></th><td>{covered} of {total}</td><td>{}</td></tr>",
            class(*covered, *total),
            anchor(&place.file, place.line),
            escape(name),
            super::percent(*covered, *total),
        );
    }
    page.push_str("</tbody>\n</table>\n");
}

fn file(file: &RuleFile, lines: &BTreeMap<(&str, usize), Vec<&Shown>>, page: &mut String) {
    // Writing to a text can't fail, here and below.
    let _ = write!(page, "<h2>{}</h2>\n<ol class=\"source\">\n", escape(&file.path));
    for (index, text) in file.text.lines().enumerate() {
        let line = index + 1;
        let anchor = anchor(&file.path, line);
        let text = escape(text);
        let Some(units) = lines.get(&(file.path.as_str(), line)) else {
            let _ = writeln!(page, "<li id=\"{anchor}\"><code>{text}</code></li>");
            continue;
        };
        let covered = units.iter().filter(|unit| unit.covered).count();
        let _ = write!(
            page,
            "<li id=\"{anchor}\" class=\"{}\" tabindex=\"0\"><span class=\"said\">{covered} of {} covered: </span>\
             <code>{text}</code><ul>",
            class(covered, units.len()),
            units.len(),
        );
        for unit in units {
            let (class, words) = if unit.covered {
                ("all", unit.missing.replacen("no test", "a test", 1))
            } else {
                ("none", unit.missing.clone())
            };
            let _ = write!(page, "<li class=\"{class}\">{}</li>", escape(&words));
        }
        page.push_str("</ul></li>\n");
    }
    page.push_str("</ol>\n");
}

fn class(covered: usize, total: usize) -> &'static str {
    match covered {
        _ if covered == total => "all",
        0 => "none",
        _ => "some",
    }
}

/// A name within the page: a path may hold anything, so what isn't a letter or a digit stands as its number.
fn anchor(file: &str, line: usize) -> String {
    let mut anchor = String::new();
    for letter in file.chars() {
        if letter.is_ascii_alphanumeric() {
            anchor.push(letter);
        } else {
            let _ = write!(anchor, "-{:x}-", u32::from(letter));
        }
    }
    format!("{anchor}_{line}")
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
