//! Which changes of the rules no test notices.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use super::super::out::say_line;
use super::super::{NO, fail};
use crate::flow::preview;
use crate::rules::coverage::percent;
use crate::rules::mutate::{Mutation, Unnoticed};
use crate::rules::{RuleFile, RuleTest};

/// Tries all mutants; somebody at a terminal sees how far it is.
pub fn run(files: &[RuleFile], tests: &[RuleTest]) -> Result<Mutation, ExitCode> {
    let is_watched = std::io::stderr().is_terminal();
    let tried = preview::mutate(files, tests, &|done, all| {
        if is_watched {
            let _ = write!(
                std::io::stderr(),
                "\r{done} of {all} rules and conditions{}",
                if done < all { "" } else { "\r\u{1b}[K" }
            );
        }
    });
    tried.map_err(|unready| fail(NO, &unready.to_string()))
}

/// The mutants beside their rules.
pub fn show(mutation: &Mutation) {
    let warn = Style::new().fg_color(Some(AnsiColor::Yellow.into()));
    say_line!("");
    for one in &mutation.unnoticed {
        let Unnoticed { place, rule, change, reached, hint, .. } = one;
        let why = match (reached, hint) {
            (0, _) => "no test comes to it".to_owned(),
            (_, Some(hint)) => format!("no test notices; one with {hint} would"),
            (1, None) => "the one test that comes to it doesn't notice".to_owned(),
            (_, None) => format!("none of the {reached} tests that come to it notices"),
        };
        say_line!("{place}  {rule}  {warn}{change}{warn:#}: {why}");
    }
    let Mutation { noticed, total, .. } = mutation;
    say_line!("{noticed} of {total} changes noticed, {}", percent(*noticed, *total));
}
