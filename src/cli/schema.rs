//! `tagrelay schema`: the JSON Schema of rule files, for editors.

use std::process::ExitCode;

use super::out::say_line;

/// Print the JSON Schema of rule files.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  tagrelay schema > rules/tagrelay.schema.json")]
pub struct Args {}

/// Prints it.
pub fn run(_: &Args) -> ExitCode {
    say_line!("{}", super::pretty(&crate::rules::schema()));
    ExitCode::SUCCESS
}
