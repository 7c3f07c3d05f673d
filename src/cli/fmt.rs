//! `tagrelay fmt`: rule files in one style.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use similar::TextDiff;

use super::out::{say, say_line};
use super::{NO, WRONG, fail, ruleset, settings};
use crate::rules::{self, RuleFile, Unformatted, report};

/// Lay rule files out in one style. What they say, their comments and the order of keys stay.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay fmt\n  tagrelay fmt rules --check --diff\n  tagrelay fmt - < rules/1-opt-out.yaml\n\nA file that is no YAML stays as it is. Put `# tagrelay: leave` above what shall keep its own layout.\n\nStatus 0: all is in the style. Status 1: a file isn't (--check), or is no YAML."
)]
pub struct Args {
    /// Directories and files; `-` for standard input, which is written to standard output [default: `TAGRELAY_RULES`, else rules].
    paths: Vec<PathBuf>,
    /// Write nothing; list the files that aren't in the style.
    #[arg(long)]
    check: bool,
    /// Write nothing; show what would change.
    #[arg(long)]
    diff: bool,
}

/// Lays out.
pub fn run(args: &Args) -> ExitCode {
    lay_out(args).unwrap_or_else(|status| status)
}

fn lay_out(args: &Args) -> Result<ExitCode, ExitCode> {
    let paths = match args.paths.as_slice() {
        [] => vec![settings()?.rules],
        paths => paths.to_vec(),
    };
    let is_stdin = |path: &Path| path == Path::new("-");
    if paths.iter().any(|path| is_stdin(path)) && paths.len() > 1 {
        return Err(fail(WRONG, "`-` stands alone"));
    }
    let mut status = 0;
    for path in &paths {
        let files = if is_stdin(path) { vec![from_stdin(path)?] } else { read(path)? };
        for file in &files {
            status = status.max(one(file, is_stdin(path), args));
        }
    }
    Ok(ExitCode::from(status))
}

fn read(path: &Path) -> Result<Vec<RuleFile>, ExitCode> {
    rules::read_dir(path).map_err(|error| fail(WRONG, &error.to_string()))
}

fn from_stdin(path: &Path) -> Result<RuleFile, ExitCode> {
    let bytes = ruleset::body(path)?;
    Ok(RuleFile { path: "<stdin>".to_owned(), text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// One file; the status that it calls for.
fn one(file: &RuleFile, is_stdin: bool, args: &Args) -> u8 {
    let laid = match rules::laid_out(file) {
        Ok(laid) => laid,
        Err(why) => return told(file, &why),
    };
    let is_styled = laid == file.text;
    if args.diff && !is_styled {
        let header = (format!("{} as it is", file.path), format!("{} in the style", file.path));
        say!("{}", TextDiff::from_lines(&file.text, &laid).unified_diff().header(&header.0, &header.1));
    }
    match (args.check, args.diff) {
        (true, diff) => {
            if !is_styled && !diff {
                say_line!("{}", file.path);
            }
            return if is_styled { 0 } else { NO };
        }
        (false, true) => {}
        (false, false) if is_stdin => say!("{laid}"),
        (false, false) if is_styled => {}
        (false, false) => match rules::replace(file, &laid) {
            Ok(()) => say_line!("{}", file.path),
            Err(error) => {
                fail(WRONG, &error.to_string());
                return WRONG;
            }
        },
    }
    0
}

/// Says why a file stays as it is.
fn told(file: &RuleFile, why: &Unformatted) -> u8 {
    match why {
        Unformatted::NotYaml(findings) => {
            anstream::eprint!("{}", report::text(findings, std::slice::from_ref(file), true));
            NO
        }
        Unformatted::TooDeep => {
            fail(
                NO,
                &format!(
                    "{}: it stays as it is: laying out ends at 24 levels and at lines indented by more than 60 columns",
                    file.path
                ),
            );
            NO
        }
        Unformatted::Changed => {
            let what =
                "laying it out would change what it says, so it stays as it is; please report this, with the file";
            fail(WRONG, &format!("{}: {what}", file.path));
            WRONG
        }
    }
}
