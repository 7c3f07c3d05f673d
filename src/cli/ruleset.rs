//! Reads and checks the rule directory for the commands that need one.

use std::path::Path;
use std::process::ExitCode;

use super::{NO, WRONG, fail};
use crate::rules::{self, Checked, RuleFile};

/// The files and what checking them found.
pub fn read(path: &Path) -> Result<(Vec<RuleFile>, Checked), ExitCode> {
    let files = rules::read_dir(path).map_err(|error| fail(WRONG, &error.to_string()))?;
    let checked = rules::check(&files);
    Ok((files, checked))
}

/// A clean set, or its findings on stderr and status 1.
pub fn clean(path: &Path) -> Result<(rules::Catalog, Vec<rules::RuleTest>), ExitCode> {
    let (files, checked) = read(path)?;
    let Checked { findings, catalog, tests } = checked;
    if !findings.is_empty() {
        anstream::eprint!("{}", rules::report::text(&findings, &files, true));
    }
    let catalog = catalog.ok_or_else(|| {
        fail(NO, &format!("the rules in {} are not clean; `tagrelay check` shows them again", path.display()))
    })?;
    Ok((catalog, tests))
}
