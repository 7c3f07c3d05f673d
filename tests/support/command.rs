//! A command that runs to its end.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::process::tagrelay;

/// What a command said.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs `tagrelay ARGS` in `folder`, with these settings and this standard input.
pub fn run_with(folder: &Path, args: &[&str], settings: &[(&str, &str)], input: &[u8]) -> Ran {
    let mut command = tagrelay();
    command.args(args).current_dir(folder).envs(settings.iter().copied());
    finish(&mut command, input)
}

/// Runs `tagrelay ARGS` in the project's folder.
pub fn run(args: &[&str]) -> Ran {
    run_with(Path::new(env!("CARGO_MANIFEST_DIR")), args, &[], b"")
}

/// Runs a command to its end.
pub fn finish(command: &mut Command, input: &[u8]) -> Ran {
    let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    // A program that reads nothing may be gone already.
    drop(child.stdin.take().expect("stdin is piped").write_all(input));
    let output = child.wait_with_output().expect("the program ends");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    let ran = Ran { status: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) };
    assert!(!ran.err.contains("panicked at"), "{}", ran.err);
    ran
}
