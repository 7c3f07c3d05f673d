//! Processes that the benchmark starts and ends by their id, and what the kernel says of them.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

use crate::{Outcome, guard};

/// A process of ours. It is killed when this is dropped.
pub struct Running {
    child: Child,
    name: &'static str,
}

/// How long a server may take until it answers, and to end when it is asked to.
const PATIENCE: Duration = Duration::from_mins(1);
/// Ticks of `/proc/PID/stat` in a second; Linux shows 100 whatever the kernel counts in.
const TICKS: f64 = 100.0;

impl Running {
    /// Starts a command.
    pub fn start(name: &'static str, command: &mut Command) -> Outcome<Self> {
        let child = command.spawn().map_err(|error| format!("{name}: {error}"))?;
        guard::tell(&format!("process {}", child.id()));
        Ok(Self { child, name })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until `ready` says yes; gives the time since `from`.
    pub fn wait_until(&mut self, from: Instant, mut ready: impl FnMut() -> bool) -> Outcome<Duration> {
        while from.elapsed() < PATIENCE {
            if ready() {
                return Ok(from.elapsed());
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("{} ended with {status} before it was ready", self.name).into());
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Err(format!("{} was not ready within {PATIENCE:?}", self.name).into())
    }

    /// Asks it to end, and waits.
    pub fn end(mut self) -> Outcome<ExitStatus> {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(format!("{} did not end within {PATIENCE:?}", self.name).into())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        guard::tell(&format!("ended {}", self.child.id()));
    }
}

/// Seconds of CPU that a process has used, and those of its children that have ended.
pub fn cpu(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces; the four times begin with the 12th field after it.
    let after = stat.rsplit(") ").next().unwrap_or_default();
    let ticks = after.split(' ').skip(11).take(4).filter_map(|ticks| ticks.parse::<f64>().ok());
    ticks.sum::<f64>() / TICKS
}

/// The same with all processes that it has started and that still run.
pub fn tree_cpu(process: u32) -> f64 {
    let children = std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    cpu(process) + children.split_whitespace().filter_map(|id| id.parse().ok()).map(tree_cpu).sum::<f64>()
}

/// A size of `/proc/PID/status` in bytes: `VmRSS`, `VmHWM`.
pub fn memory(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    field(&status, name) * 1024
}

/// How often each thread of a process has slept and woken.
fn switches(process: u32) -> HashMap<OsString, u64> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let status = |task: &std::fs::DirEntry| std::fs::read_to_string(task.path().join("status")).unwrap_or_default();
    tasks.map(|task| (task.file_name(), field(&status(&task), "voluntary_ctxt_switches"))).collect()
}

/// How often a second the threads of a process together wake, watched for so long. A thread that ends meanwhile counts as
/// one that woke once to do so.
pub fn wake_ups(process: u32, watched: Duration) -> f64 {
    let (mut before, from) = (switches(process), Instant::now());
    std::thread::sleep(watched);
    let after = switches(process);
    let woken: u64 = after.iter().map(|(thread, count)| count - before.remove(thread).unwrap_or_default()).sum();
    (woken + before.len() as u64) as f64 / from.elapsed().as_secs_f64()
}

fn field(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// A port of loopback that is free now.
pub fn free_address() -> Outcome<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

/// Seconds of CPU that the whole machine has used, time stolen by its host included.
pub fn machine_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let first = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = first.split_whitespace().skip(1).filter_map(|t| t.parse().ok()).collect();
    let idle: f64 = ticks.iter().skip(3).take(2).sum();
    (ticks.iter().take(8).sum::<f64>() - idle) / TICKS
}

/// Waits until the machine is idle: half a minute at most, or only a moment without `patient`.
pub fn wait_for_idle(patient: bool) {
    const ENOUGH: f64 = 0.05;
    let longest = Duration::from_secs(if patient { 30 } else { 3 });
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as f64;
    let from = Instant::now();
    while from.elapsed() < longest {
        let (before, at) = (machine_cpu(), Instant::now());
        std::thread::sleep(Duration::from_millis(300));
        if (machine_cpu() - before) / at.elapsed().as_secs_f64() / cores <= ENOUGH {
            return;
        }
    }
}
