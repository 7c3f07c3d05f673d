//! One style for rule files. How YAML is laid out is a library's; that nothing else changes is ours to see to.

#[cfg(test)]
mod tests;

use std::panic::catch_unwind;

use pretty_yaml::config::{FormatOptions, LanguageOptions, LayoutOptions, LineBreak};
use yaml_parser::SyntaxKind;

use super::files::{MAX_FILE, RuleFile};
use super::finding::Finding;
use super::yaml;

/// The longest line where a mapping or a list in brackets can be broken into several.
const WIDTH: usize = 128;
/// The library keeps the columns at which something is indented as bits of 64.
const MAX_INDENT: usize = 60;
/// So many levels stay within that.
const MAX_DEPTH: usize = 24;
/// So often it is asked until it changes nothing more.
const MOST_TIMES: usize = 4;

/// Why a file stays as it is.
#[derive(Debug)]
pub enum Unformatted {
    /// It is no YAML.
    NotYaml(Vec<Finding>),
    /// It nests deeper, or is indented further, than can be laid out.
    TooDeep,
    /// What came out says something else, or lost a comment, or is never done: a mistake of ours.
    Changed,
}

/// The file's text in the one style: two spaces a level, double quotes, one empty line at most, a space within braces, brackets on
/// one line where there is room. Comments, the order of keys and line ends stay, and what it says is the same.
pub fn laid_out(file: &RuleFile) -> Result<String, Unformatted> {
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let is_small = file.text.len() as u64 <= MAX_FILE && !file.text.contains('\u{fffd}');
    let Some((says, depth)) = yaml::meaning(text).filter(|_| is_small) else {
        return Err(Unformatted::NotYaml(what_is_wrong(file)));
    };
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    if depth > MAX_DEPTH || text.lines().any(|line| indent(line) > MAX_INDENT) {
        return Err(Unformatted::TooDeep);
    }
    // It might fall over a text that nobody thought of: an editor's server must outlive that.
    let laid = catch_unwind(|| settled(text).filter(|laid| comments(laid) == comments(text)));
    let laid = laid.ok().flatten().ok_or(Unformatted::Changed)?;
    let same = yaml::meaning(&laid).is_some_and(|(said, _)| said == says);
    if same { Ok(laid) } else { Err(Unformatted::Changed) }
}

/// Laid out until laying out changes nothing.
fn settled(text: &str) -> Option<String> {
    let options = options(text);
    let lay = |text: &str| pretty_yaml::format_text(text, &options).ok();
    let mut laid = lay(text)?;
    for _ in 0..MOST_TIMES {
        let again = lay(&laid)?;
        if again == laid {
            return Some(laid);
        }
        laid = again;
    }
    None
}

fn options(text: &str) -> FormatOptions {
    // A file keeps its line ends: what git and Windows make of them is theirs.
    let line_break = if text.contains("\r\n") { LineBreak::Crlf } else { LineBreak::Lf };
    FormatOptions {
        layout: LayoutOptions { print_width: WIDTH, indent_width: 2, line_break },
        language: LanguageOptions {
            trailing_comma: false,
            ignore_comment_directive: "tagrelay: leave".to_owned(),
            ..LanguageOptions::default()
        },
    }
}

/// The comments in their order, without what stands behind them.
fn comments(text: &str) -> Option<Vec<String>> {
    let tree = yaml_parser::parse(text).ok()?;
    let tokens = tree.descendants_with_tokens().filter(|part| part.kind() == SyntaxKind::COMMENT);
    Some(tokens.map(|comment| comment.to_string().trim_end().to_owned()).collect())
}

fn what_is_wrong(file: &RuleFile) -> Vec<Finding> {
    super::check(std::slice::from_ref(file))
        .findings
        .into_iter()
        .filter(|finding| matches!(finding.code, "E001" | "E002"))
        .collect()
}
