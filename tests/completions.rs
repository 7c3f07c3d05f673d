//! The scripts of `tagrelay completions` in real shells.

#[path = "support/mod.rs"]
mod support;

use std::process::Command;

use support::command::run;

/// What bash offers after these words, the last of which is being written.
fn offered(words: &[&str]) -> Vec<String> {
    let script = run(&["completions", "bash"]);
    assert_eq!((script.status, script.err.as_str()), (0, ""));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tagrelay.bash");
    std::fs::write(&path, script.out).expect("written");
    // What bash does at a press of Tab: it asks which function completes the command, and calls it with the words.
    let program = r#"
        source "$1"; shift
        asked=$(complete -p tagrelay); asked=${asked##*-F }; asked=${asked%% *}
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); previous=${COMP_WORDS[COMP_CWORD - 1]}
        "$asked" tagrelay "${COMP_WORDS[COMP_CWORD]}" "$previous"
        printf '%s\n' "${COMPREPLY[@]}""#;
    let output = Command::new("bash")
        .args(["--norc", "--noprofile", "-euc", program, "bash"])
        .arg(&path)
        .arg("tagrelay")
        .args(words)
        .output()
        .expect("there is a bash");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_commands_options_and_their_values() {
    assert_eq!(offered(&["dead"]), ["dead-letters"]);
    assert_eq!(offered(&["check", "--str"]), ["--strict"]);
    assert_eq!(offered(&["check", "--format", "g"]), ["github"]);
    let shells = offered(&["completions", ""]);
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        assert!(shells.iter().any(|offer| offer == shell), "{shells:?}");
    }
}

#[test]
fn every_shell_has_its_script() {
    for (shell, word) in [
        ("bash", "complete -F _tagrelay"),
        ("zsh", "#compdef tagrelay"),
        ("fish", "complete -c tagrelay"),
        ("powershell", "Register-ArgumentCompleter"),
        ("elvish", "edit:completion:arg-completer[tagrelay]"),
    ] {
        let script = run(&["completions", shell]);
        assert_eq!((script.status, script.err.as_str()), (0, ""), "{shell}");
        assert!(script.out.contains(word) && script.out.contains("dead-letters"), "{shell}: {}", script.out);
    }
    assert_eq!(run(&["completions", "csh"]).status, 2);
}
