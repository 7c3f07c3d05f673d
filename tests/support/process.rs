//! A child process with its log, which is never left behind.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tagrelay");

/// A command of the program in an environment without our settings.
pub fn tagrelay() -> Command {
    let mut command = Command::new(PROGRAM);
    cleaned(&mut command);
    command
}

/// Drops the settings of whoever runs the tests.
pub fn cleaned(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TAGRELAY_") {
            command.env_remove(name);
        }
    }
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
}

/// A running process. Its stderr is kept.
pub struct Process {
    child: Child,
    log: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.expect("the program starts");
        let mut stderr = child.stderr.take().expect("stderr is piped");
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 8192];
            while let Ok(read @ 1..) = stderr.read(&mut piece) {
                let mut log = kept.lock().unwrap_or_else(PoisonError::into_inner);
                log.extend(piece.iter().take(read));
            }
        });
        Self { child, log, reader: Some(reader) }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// All that was written to stderr so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&self.log.lock().unwrap_or_else(PoisonError::into_inner)).into_owned()
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    /// SIGKILL: no chance to tidy up.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        self.wait();
    }

    /// SIGTERM; gives the exit status and how long the end took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        let start = Instant::now();
        self.signal("TERM");
        (self.wait(), start.elapsed())
    }

    pub fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.id())]).status();
        assert!(sent.expect("there is a shell").success(), "SIG{name}");
    }

    /// Lets it write no byte beyond `bytes` of any file; it has to ignore SIGXFSZ, or the first such write is its end.
    pub fn limit_files(&self, bytes: &str) {
        let limit = format!("--fsize={bytes}:");
        let done = Command::new("prlimit").args(["--pid", &self.id().to_string(), &limit]).status();
        assert!(done.expect("util-linux has prlimit").success());
    }

    /// Its end, by itself or since it was told to.
    pub fn wait(&mut self) -> ExitStatus {
        let status = self.child.wait().expect("a child can be waited for");
        // The log ends when the last holder of stderr has gone: nothing was left running.
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the log was read");
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        let log = self.log();
        if std::thread::panicking() {
            eprintln!("--- the log of process {}:\n{log}", self.id());
        } else {
            assert!(!log.contains("panicked at"), "the process panicked:\n{log}");
        }
    }
}
