//! What tests show of a set, as a table for people and as a page.

use std::path::Path;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::super::out::say_line;
use super::super::{WRONG, fail};
use crate::rules::RuleFile;
use crate::rules::coverage::{Coverage, html, percent};

/// Writes the page.
pub fn write(coverage: &Coverage, files: &[RuleFile], path: &Path) -> Result<(), ExitCode> {
    std::fs::write(path, html(coverage, files))
        .map_err(|error| fail(WRONG, &format!("{}: the page can't be written: {error}", path.display())))
}

/// Rule by rule, then what no test shows.
pub fn show(coverage: &Coverage) {
    let (all, some) =
        (Style::new().fg_color(Some(AnsiColor::Green.into())), Style::new().fg_color(Some(AnsiColor::Yellow.into())));
    let longest = coverage.parts.iter().map(|part| part.name.chars().count()).max().unwrap_or_default();
    say_line!("\n{:longest$}  covered", "rule");
    for part in &coverage.parts {
        let style = if part.covered == part.total { all } else { some };
        let (counts, percent) = (format!("{} of {}", part.covered, part.total), percent(part.covered, part.total));
        say_line!(
            "{:longest$}  {style}{counts:<10} {percent:>6}{style:#}  {}:{}",
            part.name,
            part.place.file,
            part.place.line
        );
    }
    let missing: Vec<_> =
        coverage.parts.iter().flat_map(|part| part.units.iter().map(move |unit| (part, unit))).collect();
    if coverage.covered < coverage.total {
        say_line!("");
    }
    for (part, unit) in missing.into_iter().filter(|(_, unit)| !unit.covered) {
        say_line!("{}  {}  {some}{}{some:#}", unit.place, part.name, unit.missing);
    }
    say_line!("\n{} of {} covered, {}", coverage.covered, coverage.total, coverage.percent());
}
