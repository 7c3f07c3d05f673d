//! Mending: as a diff, or in the files.

use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use similar::{ChangeTag, TextDiff};

use crate::cli::out::{say, say_line};
use crate::cli::{NO, fail};
use crate::flow::preview;
use crate::rules::{self, Checked, RuleFile};

/// Shows as a diff what would change. Status 1: something would.
pub fn show(files: &[RuleFile]) -> ExitCode {
    let mended = rules::mend(files, &rules::check);
    for (before, after) in changed(files, &mended.files) {
        diff(before, after);
    }
    let count = mended.done.len();
    say_line!("{count} mend{}", if count == 1 { "" } else { "s" });
    if count == 0 { ExitCode::SUCCESS } else { ExitCode::from(NO) }
}

/// Mends the files; gives them as they are then, with what is left to tell of them.
pub fn carry_out(files: &[RuleFile], for_people: bool) -> Result<(Vec<RuleFile>, Checked), ExitCode> {
    let mended = rules::mend(files, &rules::check);
    let mut refused = None;
    let mut left: Vec<&str> = Vec::new();
    for (before, after) in changed(files, &mended.files) {
        // After one that can't be written the others stay too, and what was written before is told.
        if refused.is_none() {
            refused = rules::replace(before, &after.text).err();
        }
        if refused.is_some() {
            left.push(&before.path);
        }
    }
    for done in mended.done.iter().filter(|done| !left.contains(&done.file.as_str())) {
        let replacement = done.fix.as_ref().map(|fix| fix.replacement.as_str()).unwrap_or_default();
        let line = format!("{}:{}: {}: `{replacement}`", done.file, done.line, done.message);
        let good = Style::new().fg_color(Some(AnsiColor::Green.into()));
        if for_people {
            say_line!("{good}mended{good:#}  {line}");
        } else {
            anstream::eprintln!("{good}mended{good:#}  {line}");
        }
    }
    if let Some(error) = refused {
        return Err(fail(NO, &format!("{error}; not mended: {}", left.join(", "))));
    }
    // What a mend is tried with looks no further than it must.
    let checked = preview::check(&mended.files);
    Ok((mended.files, checked))
}

fn changed<'f>(before: &'f [RuleFile], after: &'f [RuleFile]) -> impl Iterator<Item = (&'f RuleFile, &'f RuleFile)> {
    before.iter().zip(after).filter(|(before, after)| before.text != after.text)
}

/// As `diff -u` writes it, which `git apply -p0` takes.
fn diff(before: &RuleFile, after: &RuleFile) {
    let lines = TextDiff::from_lines(&before.text, &after.text);
    say!("--- {0}\n+++ {0}\n", before.path);
    for hunk in lines.unified_diff().context_radius(2).iter_hunks() {
        say_line!("{}", hunk.header());
        for change in hunk.iter_changes() {
            let style = match change.tag() {
                ChangeTag::Delete => Style::new().fg_color(Some(AnsiColor::Red.into())),
                ChangeTag::Insert => Style::new().fg_color(Some(AnsiColor::Green.into())),
                ChangeTag::Equal => Style::new(),
            };
            say_line!("{style}{}{}{style:#}", change.tag(), change.value().trim_end_matches('\n'));
            if change.missing_newline() {
                say_line!("\\ No newline at end of file");
            }
        }
    }
}
