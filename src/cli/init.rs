//! `tagrelay init`: a new directory that checks clean and passes.

use std::path::PathBuf;
use std::process::ExitCode;

use super::out::say_line;
use super::{NO, fail};
use crate::rules;

/// Write a new rule directory that checks clean and whose tests pass.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  tagrelay init my-rules && tagrelay test my-rules")]
pub struct Args {
    /// The directory; it is made where it doesn't exist.
    #[arg(default_value = "rules")]
    path: PathBuf,
}

/// Writes; a file that is there already stops it before anything is written.
pub fn run(args: &Args) -> ExitCode {
    let files: Vec<(PathBuf, String)> = rules::scaffold()
        .into_iter()
        .map(|(name, text)| (args.path.join(name), text.to_owned()))
        .chain([(args.path.join("tagrelay.schema.json"), super::pretty(&rules::schema()) + "\n")])
        .collect();
    if let Some((there, _)) = files.iter().find(|(path, _)| path.exists()) {
        return fail(NO, &format!("{} is there already; nothing was written", there.display()));
    }
    for (path, text) in &files {
        let parent = path.parent().unwrap_or(&args.path);
        if let Err(error) = std::fs::create_dir_all(parent).and_then(|()| std::fs::write(path, text)) {
            return fail(NO, &format!("{}: {error}", path.display()));
        }
        say_line!("{}", path.display());
    }
    say_line!("next: tagrelay check {0} && tagrelay test {0}", args.path.display());
    ExitCode::SUCCESS
}
