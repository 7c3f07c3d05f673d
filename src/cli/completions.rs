//! `tagrelay completions`: what a shell needs to complete the command line.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use super::out::say;

/// Print the script that completes commands and their options in a shell.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay completions bash > ~/.local/share/bash-completion/completions/tagrelay\n  tagrelay completions zsh > ~/.zfunc/_tagrelay\n  tagrelay completions fish > ~/.config/fish/completions/tagrelay.fish"
)]
pub struct Args {
    /// The shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Prints it.
pub fn run(args: &Args) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "tagrelay", &mut script);
    say!("{}", String::from_utf8_lossy(&script));
    ExitCode::SUCCESS
}
