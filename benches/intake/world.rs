//! A gateway with its rules, its database and its provider, each in a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::{Running, free_address};
use crate::senders::{SENDER_SECRET, SENDER_SECRET_NAME, sender_rules};
use crate::shapes::{Message, SECRET, SOURCE, rule_files};
use crate::{Outcome, guard, web};

/// The token with which the benchmark reads the API.
const TOKEN: &str = "benchmark-token";
/// This build of tagrelay.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_tagrelay");
/// Beside the build, not in a folder that may be memory: a commit must reach a real disk.
pub const FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// Everything that belongs to one gateway.
pub struct World {
    folder: TempDir,
    database: Option<String>,
    sandbox: Option<(SocketAddr, Running)>,
    /// The gateway's process.
    pub gateway: Running,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long its last start took until it was ready.
    pub ready: Duration,
}

impl World {
    /// A fresh gateway with this many rules, ready.
    pub fn new(rules: usize) -> Outcome<Self> {
        Self::of(Path::new(PROGRAM), rules)
    }

    /// The same with a source and a rule for each vendor besides.
    pub fn mixed(rules: usize) -> Outcome<Self> {
        Self::set_up(Path::new(PROGRAM), rules, None, true)
    }

    /// The same on a database that it shares.
    pub fn on(database: &str, rules: usize) -> Outcome<Self> {
        Self::set_up(Path::new(PROGRAM), rules, Some(database.to_owned()), false)
    }

    /// The same with another build of tagrelay.
    pub fn of(program: &Path, rules: usize) -> Outcome<Self> {
        Self::set_up(program, rules, None, false)
    }

    fn set_up(program: &Path, rules: usize, database: Option<String>, mixed: bool) -> Outcome<Self> {
        let sandbox = free_address()?;
        let files = rule_files(rules, &sandbox.to_string()).into_iter().chain(mixed.then(sender_rules));
        let folder = furnished(files.collect())?;
        let running = start_sandbox(folder.path(), sandbox)?;
        let (gateway, address, ready) = start_gateway(program, folder.path(), database.as_deref())?;
        Ok(Self { folder, database, sandbox: Some((sandbox, running)), gateway, address, ready })
    }

    /// A fresh gateway with these rules, whose providers are the caller's.
    pub fn with(rules: String) -> Outcome<Self> {
        let folder = furnished(vec![("rules.yaml".to_owned(), rules)])?;
        let (gateway, address, ready) = start_gateway(Path::new(PROGRAM), folder.path(), None)?;
        Ok(Self { folder, database: None, sandbox: None, gateway, address, ready })
    }

    /// Kills the gateway as a crash would, and starts it again on what it left.
    pub fn restart(self) -> Outcome<Self> {
        let Self { folder, database, sandbox, gateway, .. } = self;
        drop(gateway);
        let (gateway, address, ready) = start_gateway(Path::new(PROGRAM), folder.path(), database.as_deref())?;
        Ok(Self { folder, database, sandbox, gateway, address, ready })
    }

    /// How a connection stands: its state, and how many contacts wait at it.
    pub fn connection(&self, name: &str) -> Outcome<(String, u64)> {
        let all = web::get_json(self.address, "/api/v1/connections", TOKEN)?;
        let items = all.get("items").and_then(serde_json::Value::as_array).ok_or("no list of connections")?;
        let one = items.iter().find(|item| item.get("name").is_some_and(|n| n == name)).ok_or("no such connection")?;
        let state = one.get("state").and_then(serde_json::Value::as_str).unwrap_or_default();
        Ok((state.to_owned(), one.get("waiting").and_then(serde_json::Value::as_u64).unwrap_or_default()))
    }

    /// Tries all that waits at a connection now.
    pub fn try_now(&self, connection: &str) -> Outcome<()> {
        web::post(self.address, &format!("/api/v1/connections/{connection}/retry"), TOKEN)
    }

    /// Puts a rule file in place of another, or beside the others.
    pub fn put_rules(&self, name: &str, text: &str) -> Outcome<()> {
        let directory = self.folder.path().join("rules");
        std::fs::write(directory.join("next"), text)?;
        Ok(std::fs::rename(directory.join("next"), directory.join(name))?)
    }

    /// Whether the rules in force have a hook of this name: it takes POST alone, and an unknown one nothing.
    pub fn has_hook(&self, name: &str) -> Outcome<bool> {
        Ok(web::get(self.address, &format!("/hooks/{name}"), "")?.status == 405)
    }

    /// Ends the gateway as an operator would.
    pub fn end(self) -> Outcome<()> {
        let status = self.gateway.end()?;
        if status.success() { Ok(()) } else { Err(format!("the gateway ended with {status}").into()) }
    }

    /// The address of its hook, below the host.
    pub fn path() -> String {
        format!("/hooks/{SOURCE}")
    }

    /// Makes sure that the gateway does its work: a proven request is answered by its rule, the same again is the same
    /// answer, and a request without proof is refused. Gives the number of events this stored.
    pub fn probe(&self, number: u64, intents: usize, contacts: usize) -> Outcome<u64> {
        let mut message = Message::new(&Self::path(), intents, contacts, false);
        let request = message.fill(number, tagrelay::clock::now().seconds()).to_vec();
        let first = web::send(self.address, &request)?;
        let text = String::from_utf8_lossy(&first.body).into_owned();
        if first.status != 200 || !text.contains("Thank you! We will") {
            return Err(format!("a signed request was answered with {}: {text}", first.status).into());
        }
        if web::send(self.address, &request)?.body != first.body {
            return Err("a repeated request was answered otherwise".into());
        }
        let unsigned = message.fill(number + 1, 0);
        match web::send(self.address, unsigned)?.status {
            401 => Ok(1),
            status => Err(format!("a request with an old signature was answered with {status}").into()),
        }
    }

    /// Whether the key of this request is held: it is answered and no event is stored.
    pub fn holds(&self, number: u64, intents: usize, contacts: usize) -> Outcome<bool> {
        let before = self.newest()?;
        let mut message = Message::new(&Self::path(), intents, contacts, false);
        let answer = web::send(self.address, message.fill(number, tagrelay::clock::now().seconds()))?;
        Ok(answer.status == 200 && self.newest()? == before)
    }

    /// The number of the newest event that the API shows.
    pub fn newest(&self) -> Outcome<u64> {
        let page = web::get_json(self.address, "/api/v1/events?limit=1", TOKEN)?;
        let id = page.pointer("/items/0/id").ok_or("the list of events has no item")?;
        Ok(id.as_str().map_or_else(|| id.to_string(), str::to_owned).parse()?)
    }

    /// An event as the API shows it.
    pub fn event(&self, id: u64) -> Outcome<serde_json::Value> {
        web::get_json(self.address, &format!("/api/v1/events/{id}"), TOKEN)
    }

    /// Makes sure that one rule fitted an event and changed one thing.
    pub fn has_acted(&self, id: u64) -> Outcome<()> {
        let event = self.event(id)?;
        let count = |what| event.get(what).and_then(serde_json::Value::as_array).map_or(0, Vec::len);
        match (count("rules"), count("changes")) {
            (1, 1) => Ok(()),
            (rules, changes) => {
                Err(format!("event {id} has {rules} rules and {changes} changes in place of one each").into())
            }
        }
    }

    /// The calls that the provider got.
    pub fn provider_calls(&self) -> Outcome<usize> {
        let Some((sandbox, _)) = &self.sandbox else { return Ok(0) };
        let calls = web::get_json(*sandbox, "/_sandbox/calls", "")?;
        Ok(calls.get("calls").and_then(serde_json::Value::as_array).map_or(0, Vec::len))
    }

    /// Bytes of the database with its log.
    pub fn database_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.folder.path()).into_iter().flatten().flatten();
        files.filter_map(|file| file.metadata().ok()).filter(std::fs::Metadata::is_file).map(|m| m.len()).sum()
    }
}

/// A folder with rules in it.
fn furnished(rules: Vec<(String, String)>) -> Outcome<TempDir> {
    let folder = tempfile::Builder::new().prefix("tagrelay-bench-").tempdir_in(FOLDER)?;
    guard::tell(&format!("folder {}", folder.path().display()));
    let directory = folder.path().join("rules");
    std::fs::create_dir(&directory)?;
    for (name, text) in rules {
        std::fs::write(directory.join(name), text)?;
    }
    Ok(folder)
}

/// The sandbox, ready.
fn start_sandbox(folder: &Path, address: SocketAddr) -> Outcome<Running> {
    let mut command = Command::new(PROGRAM);
    command.args(["sandbox", "--listen", &address.to_string()]).current_dir(folder).stdin(Stdio::null());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut sandbox = Running::start("the sandbox", &mut command)?;
    sandbox.wait_until(Instant::now(), || web::get(address, "/_sandbox/", "").is_ok_and(|a| a.status == 200))?;
    Ok(sandbox)
}

/// The gateway, ready, with its address and the time from the start of its process until then.
fn start_gateway(program: &Path, folder: &Path, database: Option<&str>) -> Outcome<(Running, SocketAddr, Duration)> {
    let address = free_address()?;
    let log = std::fs::File::options().create(true).append(true).open(folder.join("gateway.log"))?;
    let mut command = Command::new(program);
    command.arg("serve").current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // Settings of whoever runs this must not change what is measured.
    command.env_clear().env("TAGRELAY_LISTEN", address.to_string()).env("TAGRELAY_RULES", folder.join("rules"));
    let own = || format!("sqlite://{}", folder.join("tagrelay.db").display());
    command.env("TAGRELAY_DATABASE_URL", database.map_or_else(own, str::to_owned));
    command.env("TAGRELAY_ADMIN_TOKEN", TOKEN).env("TAGRELAY_LOG", "info").env("TAGRELAY_LOG_FORMAT", "json");
    command.env("WEBSITE_BOT_SECRET", SECRET).env("HELPCRUNCH_API_KEY", "sandbox");
    command.env("OTHER_API_KEY", "another account").env(SENDER_SECRET_NAME, SENDER_SECRET);
    let from = Instant::now();
    let mut gateway = Running::start("the gateway", &mut command)?;
    let ready = gateway.wait_until(from, || web::get(address, "/readyz", "").is_ok_and(|a| a.status == 200));
    let ready = ready.map_err(|error| {
        let log = std::fs::read_to_string(folder.join("gateway.log")).unwrap_or_default();
        format!("{error}\n{log}")
    })?;
    Ok((gateway, address, ready))
}
