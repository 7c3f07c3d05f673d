//! Reads and checks the rule directory for the commands that need one.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use super::{NO, WRONG, fail};
use crate::domain::source::SourceConfig;
use crate::rules::{self, Checked, RuleFile};

fn files(path: &Path) -> Result<Vec<RuleFile>, ExitCode> {
    rules::read_dir(path).map_err(|error| fail(WRONG, &error.to_string()))
}

/// A clean set, or its findings on stderr and status 1.
pub fn clean(path: &Path) -> Result<(rules::Catalog, Vec<rules::RuleTest>), ExitCode> {
    clean_files(path).map(|(_, catalog, tests)| (catalog, tests))
}

/// The same with its files.
pub fn clean_files(path: &Path) -> Result<(Vec<RuleFile>, rules::Catalog, Vec<rules::RuleTest>), ExitCode> {
    let files = files(path)?;
    let Checked { findings, catalog, tests } = rules::check(&files);
    if findings.iter().any(|finding| finding.waived.is_none()) {
        anstream::eprint!("{}", rules::report::text(&findings, &files, true));
    }
    let catalog = catalog.ok_or_else(|| {
        fail(NO, &format!("the rules in {} are not clean; `tagrelay check` shows them again", path.display()))
    })?;
    Ok((files, catalog, tests))
}

/// The source of this name, or which there are.
pub fn source<'c>(catalog: &'c rules::Catalog, name: &str, path: &Path) -> Result<&'c SourceConfig, ExitCode> {
    catalog.source(name).ok_or_else(|| {
        let names: Vec<&str> = catalog.sources().map(|source| source.name.as_str()).collect();
        fail(WRONG, &format!("there is no source {name:?} in {}; there is: {}", path.display(), names.join(", ")))
    })
}

/// The bytes of a file, or of standard input for `-`.
pub fn body(path: &Path) -> Result<Vec<u8>, ExitCode> {
    let read = if path == Path::new("-") {
        let mut body = Vec::new();
        std::io::stdin().read_to_end(&mut body).map(|_| body)
    } else {
        std::fs::read(path)
    };
    read.map_err(|error| fail(WRONG, &format!("{}: {error}", path.display())))
}
