//! A process that outlives the benchmark by a moment: if the benchmark is ended in the middle, this ends what it started.

use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::Outcome;

static GUARD: OnceLock<Mutex<ChildStdin>> = OnceLock::new();

/// Starts the guard of this process. It ends with the pipe that is told what to look after.
pub fn start() -> Outcome<()> {
    let mut command = Command::new(std::env::current_exe()?);
    let mut guard = command.arg("guard").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let told = guard.stdin.take().ok_or("the guard has no standard input")?;
    GUARD.get_or_init(|| Mutex::new(told));
    Ok(())
}

/// Tells the guard: `process 17`, `ended 17`, `folder /a/b`. Without a guard nothing is looked after.
pub fn tell(line: &str) {
    if let Some(guard) = GUARD.get() {
        let mut told = guard.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(told, "{line}");
    }
}

/// What the guard does: listens until the benchmark has gone, then ends what is left and removes its folders.
pub fn run() {
    let (mut processes, mut folders) = (BTreeSet::new(), Vec::new());
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match line.split_once(' ') {
            Some(("process", id)) => drop(processes.insert(id.to_owned())),
            Some(("ended", id)) => drop(processes.remove(id)),
            Some(("folder", path)) => folders.push(path.to_owned()),
            _ => {}
        }
    }
    for id in processes {
        let _ = Command::new("kill").args(["-KILL", &id]).status();
    }
    for folder in folders {
        // Mostly it is gone already.
        let _ = std::fs::remove_dir_all(folder);
    }
}
