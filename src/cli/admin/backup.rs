//! `tagrelay backup`: a consistent copy of the database of a running gateway.

use std::fs::{File, OpenOptions};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use serde_json::json;

use super::super::out::say_line;
use super::super::{NO, WRONG, fail};
use super::{Client, To, ended};

/// Copy the database of a running gateway to a file.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay backup tagrelay-monday.db\n\nThe file is there whole or not at all, readable by its owner alone. A file that is there already is left as it is."
)]
pub struct Args {
    /// The new file.
    file: PathBuf,
    #[command(flatten)]
    to: To,
}

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Copies.
pub fn run(args: &Args) -> ExitCode {
    ended(backup(args))
}

fn backup(args: &Args) -> Result<(), ExitCode> {
    let file = &args.file;
    if file.exists() {
        return Err(fail(WRONG, &format!("{} is there already", file.display())));
    }
    let client = Client::new(&args.to)?;
    let mut part = file.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let told = |error: std::io::Error| fail(NO, &format!("{}: {error}", part.display()));
    let mut to = create(&part).map_err(told)?;
    let written = copy(&client, &mut to, &part).and_then(|bytes| {
        to.sync_all().map_err(told)?;
        // A link and not a renaming: what came to be there meanwhile is not replaced.
        std::fs::hard_link(&part, file).map_err(told)?;
        Ok(bytes)
    });
    // Nothing half is left, whatever happened.
    let _ = std::fs::remove_file(&part);
    let bytes = written?;
    let answer = json!({ "file": file.display().to_string(), "bytes": bytes });
    if !client.is_for_scripts(&answer) {
        say_line!("{}: {bytes} bytes", file.display());
    }
    Ok(())
}

/// It holds personal data: its owner alone reads it.
fn create(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn copy(client: &Client, to: &mut File, part: &Path) -> Result<u64, ExitCode> {
    let shown = std::io::stderr().is_terminal();
    let (mut bytes, mut told) = (0, Instant::now());
    client.download(&["backup"], &mut |piece, whole| {
        to.write_all(piece).map_err(|error| fail(NO, &format!("{}: {error}", part.display())))?;
        bytes += piece.len() as u64;
        if shown && told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            let share = whole.filter(|whole| *whole > 0).map_or(0, |whole| bytes * 100 / whole);
            eprint!("\r{bytes} bytes, {share} %");
        }
        Ok(())
    })?;
    Ok(bytes)
}
