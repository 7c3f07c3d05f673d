//! A program in another language that answers JSON, a line for a line.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

/// The running program. It ends with its value.
pub struct Driver {
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Driver {
    /// The senders' libraries.
    pub fn signatures() -> Self {
        let installed = installed();
        Self::start(Command::new("node").arg(installed.join("node/signatures.mjs")))
    }

    /// Viber's library, which is in Python.
    pub fn viber() -> Self {
        let python = installed().join("python/bin/python");
        Self::start(Command::new(python).arg(beside("viber.py")))
    }

    /// Google's library for identity tokens.
    pub fn google() -> Self {
        let installed = installed();
        Self::start(Command::new("node").arg(installed.join("node/google.mjs")))
    }

    /// Google's classes.
    pub fn dialogflow() -> Self {
        let python = installed().join("python/bin/python");
        Self::start(Command::new(python).arg(beside("dialogflow.py")))
    }

    /// A validator of JSON Schema.
    pub fn validator() -> Self {
        Self::start(Command::new("node").arg(installed().join("node/validator.mjs")))
    }

    /// The language server that editors run for YAML.
    pub fn editor() -> Self {
        Self::start(Command::new("node").arg(installed().join("node/editor.mjs")))
    }

    /// Zapier's test harness, with our integration.
    pub fn zapier() -> Self {
        Self::start(Command::new("node").arg(installed().join("zapier/zapier.cjs")))
    }

    /// What draws diagrams in Markdown.
    pub fn diagrams() -> Self {
        Self::start(Command::new("node").arg(installed().join("node/diagram.mjs")))
    }

    /// An editor that runs our language server.
    pub fn client() -> Self {
        Self::start(Command::new("node").arg(installed().join("node/client.mjs")))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it is installed");
        let questions = child.stdin.take().expect("stdin is piped");
        let answers = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, questions, answers }
    }

    /// Asks, and waits for the answer.
    #[track_caller]
    pub fn ask(&mut self, question: &Value) -> Value {
        writeln!(self.questions, "{question}").expect("the program listens; its stderr says why not");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("UTF-8");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?} for {question}"))
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Both fail only where it has ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn beside(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name)
}

/// The folder with the packages, which are installed where they are missing. Tests run at once: the first one installs, and
/// the others wait.
fn installed() -> PathBuf {
    let tools = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the target folder").join("tools");
    std::fs::create_dir_all(&tools).expect("a folder");
    let lock = File::create(tools.join("reference.lock")).expect("a file");
    lock.lock().expect("a lock");
    let folder = tools.join("reference");
    let output = Command::new("sh").arg(beside("install")).arg(&folder).output().expect("there is a shell");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    folder
}
