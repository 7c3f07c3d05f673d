//! A running gateway: how it is set up, started, ended and started again.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::command::{Ran, finish};
use super::eventually;
use super::http::{exchange, request};
use super::postgres::Postgres;
use super::process::{PROGRAM, Process, cleaned};

pub const ADMIN: &str = "admin-token-7f3a";
pub const VIEWER: &str = "viewer-token-91bc";
pub const PASSWORD: &str = "basic-password-5d1e";
pub const SIGNING_SECRET: &str = "whsec_c2lnbmluZy1zZWNyZXQtNDJhZi1vZi10aGUtdGVzdA==";
pub const API_KEY: &str = "provider-key-c04d";

/// Everything that must never be shown.
pub const SECRETS: [&str; 5] = [ADMIN, VIEWER, PASSWORD, SIGNING_SECRET, API_KEY];

/// A source that takes both proofs, a connection, and no rule.
pub const HEAD: &str = r#"
sources:
  bot:
    kind: dialogflow-es
    auth:
      - basic: { username: dialogflow, password: env:BOT_PASSWORD }
      - hmac: standard-webhooks
        secret: env:BOT_SECRET
    contact: "{{ payload.originalDetectIntentRequest.payload.helpcrunch_id }}"
"#;

/// The connection, as long as a test says nothing else of it.
pub const CRM: &str = "
connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY }
";

/// A connection that believes for an hour what it knows of tags, and the rule that a lead gets one.
pub const REMEMBERED_LEADS: &str = "
connections:
  crm: { provider: helpcrunch, api_key: env:CRM_KEY, tag_cache: 1h }

rules:
  - id: lead
    match: { intent: lead }
    tag: { crm: { add: [Lead] } }
";

/// Sources of these kinds, each named like its kind and proving itself with the bot's secret.
pub fn vendors(kinds: &[&str]) -> String {
    let line = |kind: &&str| format!("  {kind}: {{ kind: {kind}, auth: {{ secret: env:BOT_SECRET }} }}\n");
    kinds.iter().map(line).collect::<Vec<_>>().concat()
}

/// How a gateway is started.
pub struct Setup {
    folder: TempDir,
    args: Vec<String>,
    settings: Vec<(String, String)>,
    /// A shell line that runs before the program takes the shell's place.
    before: String,
    /// The database's server, where it isn't a file.
    server: Option<Postgres>,
    on_postgres: bool,
    /// How many gateways share the database, where that is PostgreSQL.
    gateways: usize,
}

/// Whether gateways are on PostgreSQL, unless a test says otherwise: `TESTS_ON=postgres`, or `TESTS_ON=postgres3` for three of them on
/// one database.
pub fn on_postgres() -> bool {
    matches!(tests_on().as_str(), "postgres" | "postgres3")
}

#[expect(clippy::disallowed_methods, reason = "what the whole run of tests is on is said outside of it")]
fn tests_on() -> String {
    std::env::var("TESTS_ON").unwrap_or_default()
}

/// A gateway with the built-in sandbox and these rules, which get a source `bot` and a connection `crm`.
pub fn rules(rules: &str) -> Setup {
    Setup::bare(&format!("{HEAD}{CRM}\nrules:\n{rules}"))
}

impl Setup {
    /// The rule files hold exactly this.
    pub fn bare(text: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        std::fs::create_dir(folder.path().join("rules")).expect("a folder");
        std::fs::write(folder.path().join("rules/rules.yaml"), text).expect("written");
        let settings = [
            ("TAGRELAY_LISTEN", "127.0.0.1:0"),
            ("TAGRELAY_SANDBOX_LISTEN", "127.0.0.1:0"),
            ("TAGRELAY_DATABASE_URL", "sqlite://tagrelay.db"),
            ("TAGRELAY_RULES", "rules"),
            ("TAGRELAY_LOG", "info,tagrelay=debug"),
            ("TAGRELAY_ADMIN_TOKEN", ADMIN),
            ("TAGRELAY_VIEWER_TOKEN", VIEWER),
            ("BOT_PASSWORD", PASSWORD),
            ("BOT_SECRET", SIGNING_SECRET),
            ("CRM_KEY", API_KEY),
        ];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let args = vec!["serve".to_owned(), "--sandbox".to_owned()];
        let gateways = if tests_on() == "postgres3" { 3 } else { 1 };
        Self { folder, args, settings, before: String::new(), server: None, on_postgres: on_postgres(), gateways }
    }

    /// The rule files are those of a folder of the project.
    pub fn of_folder(name: &str) -> Self {
        let setup = Self::bare("{}");
        for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).expect("a folder") {
            let file = entry.expect("an entry").path();
            if file.extension().is_some_and(|extension| extension == "yaml") {
                let name = file.file_name().expect("a file has a name");
                std::fs::copy(&file, setup.folder.path().join("rules").join(name)).expect("copied");
            }
        }
        setup
    }

    /// Calls go where the rules say.
    pub fn without_sandbox(mut self) -> Self {
        self.args.retain(|arg| arg != "--sandbox");
        self
    }

    /// Sets a variable; an empty value counts as unset.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The database is a file, whatever those of other tests are.
    pub fn on_a_file(mut self) -> Self {
        self.on_postgres = false;
        self
    }

    /// A story of one gateway, whatever those of other tests are; it says why.
    pub fn alone(mut self, _why: &str) -> Self {
        self.gateways = 1;
        self
    }

    /// Three gateways on one database, whatever those of other tests are.
    pub fn among_three(mut self) -> Self {
        self.gateways = 3;
        self.on_postgres = true;
        self
    }

    /// Runs a shell line first, in the process that becomes the gateway.
    pub fn before(mut self, line: &str) -> Self {
        line.clone_into(&mut self.before);
        self
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.folder.path().join("tagrelay.db")
    }

    /// Changes what is stored, behind the gateway's back: as the same statements do in either database.
    pub fn change_store(&self, statements: &str) {
        if let Some(server) = &self.server {
            server.sql(super::postgres::USER, statements);
        } else {
            let db = rusqlite::Connection::open(self.database()).expect("the file");
            db.execute_batch(statements).expect("changed");
        }
    }

    fn command(&self) -> Command {
        self.command_with(&self.args)
    }

    /// Another gateway on the same rules and the same database; it calls the sandbox of the first.
    fn command_of_another(&self, sandbox: Option<SocketAddr>) -> Command {
        let mut args = self.args.clone();
        if let (Some(sandbox), Some(place)) = (sandbox, args.iter().position(|arg| arg == "--sandbox")) {
            args.splice(place..=place, ["--sandbox-at".to_owned(), sandbox.to_string()]);
        }
        self.command_with(&args)
    }

    fn command_with(&self, args: &[String]) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("{}\nexec \"$0\" \"$@\"", self.before), PROGRAM]).args(args);
        cleaned(&mut command);
        command.current_dir(self.folder.path());
        command.envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts and waits until it is ready.
    #[track_caller]
    pub fn start(mut self) -> Gateway {
        let named = self.settings.iter().rfind(|(name, _)| name == "TAGRELAY_DATABASE_URL");
        if self.on_postgres && named.is_some_and(|(_, value)| value == "sqlite://tagrelay.db") {
            let server = Postgres::start();
            self = self.set("TAGRELAY_DATABASE_URL", &server.url());
            self.server = Some(server);
        }
        let process = Process::start(&mut self.command());
        let address = SocketAddr::from(([0; 4], 0));
        let mut gateway =
            Gateway { process, address, sandbox: None, others: Vec::new(), turn: AtomicUsize::new(0), setup: self };
        gateway.await_ready();
        gateway.start_others();
        gateway
    }

    /// A start that is not to succeed: what it says, and its status.
    pub fn fail(&self) -> Ran {
        finish(&mut self.command(), b"")
    }
}

/// A running gateway. It ends with its value.
pub struct Gateway {
    pub process: Process,
    pub address: SocketAddr,
    /// Where the built-in sandbox listens.
    pub sandbox: Option<SocketAddr>,
    /// More gateways on the same database, with where each listens.
    others: Vec<(Process, SocketAddr)>,
    /// Whose turn it is to be asked.
    turn: AtomicUsize,
    pub setup: Setup,
}

impl Gateway {
    #[track_caller]
    fn await_ready(&mut self) {
        self.address = eventually("the line that says where it listens", || {
            if let Some(status) = self.process.ended() {
                panic!("the gateway ended with {status}:\n{}", self.process.log());
            }
            address_in(&self.log_lines(), "is ready")
        });
        // Who speaks TLS has read its certificate by now, and is asked by tests that know whom to believe.
        let secure = self.setup.settings.iter().any(|(name, value)| name == "TAGRELAY_TLS_CERT" && !value.is_empty());
        eventually("readiness", || {
            if secure {
                return Some(());
            }
            let answer = exchange(self.address, &request("GET", "/readyz", &[], b""), Duration::from_secs(5))?;
            (answer.status == 200).then_some(())
        });
        let built_in = self.setup.args.iter().any(|arg| arg == "--sandbox");
        self.sandbox = built_in.then(|| {
            eventually("the sandbox's address", || {
                address_in(&self.log_lines(), "every connection goes to the sandbox")
            })
        });
    }

    /// Starts the rest of those that share the database, if there are to be more, and waits until contacts are shared out.
    #[track_caller]
    fn start_others(&mut self) {
        let others = if self.setup.server.is_some() { self.setup.gateways.saturating_sub(1) } else { 0 };
        for _ in 0..others {
            let mut process = Process::start(&mut self.setup.command_of_another(self.sandbox));
            let address = eventually("another gateway", || {
                assert!(process.ended().is_none(), "it ended:\n{}", process.log());
                let log = process.log();
                let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
                address_in(&lines, "is ready")
            });
            self.others.push((process, address));
        }
        // The last one to join has somewhat fewer.
        let fair = 256 / (others + 1) - 5;
        let sql = format!("SELECT count(*) FROM (SELECT owner FROM bucket GROUP BY owner HAVING count(*) >= {fair}) o");
        if others > 0 {
            eventually("a fair share for each", || (self.sql(&sql) == (others + 1).to_string()).then_some(()));
        }
    }

    /// The gateways that share the database, this one first.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        std::iter::once(self.address).chain(self.others.iter().map(|(_, address)| *address)).collect()
    }

    /// SIGKILL for the last of several.
    pub fn kill_one(&mut self) {
        self.others.pop().expect("there are several").0.kill();
    }

    /// What the database says, behind the gateways' back.
    pub fn sql(&self, question: &str) -> String {
        self.setup.server.as_ref().expect("it is on PostgreSQL").sql(super::postgres::USER, question)
    }

    /// Where the next request goes: to each gateway in turn, as through a load balancer.
    pub fn next_address(&self) -> SocketAddr {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed) % (self.others.len() + 1);
        turn.checked_sub(1).and_then(|other| self.others.get(other)).map_or(self.address, |(_, address)| *address)
    }

    /// The log, a JSON object a line; those of all gateways one after the other.
    pub fn log_lines(&self) -> Vec<Value> {
        let logs = std::iter::once(&self.process).chain(self.others.iter().map(|(other, _)| other)).map(Process::log);
        logs.flat_map(|log| log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect::<Vec<_>>())
            .collect()
    }

    /// The lines of the log with this message.
    pub fn log_of(&self, message: &str) -> Vec<Value> {
        let says = |line: &Value| line["message"].as_str().is_some_and(|text| text.contains(message));
        self.log_lines().into_iter().filter(says).collect()
    }

    /// SIGKILL, for all of them.
    pub fn kill(&mut self) {
        self.others.clear();
        self.process.kill();
    }

    /// SIGTERM; gives the exit status and how long the end took.
    pub fn terminate(&mut self) -> (ExitStatus, Duration) {
        // All at once, but for the one in which the sandbox is that the others call.
        self.others.iter().for_each(|(other, _)| other.signal("TERM"));
        for (mut other, _) in self.others.drain(..) {
            other.wait();
        }
        self.process.terminate()
    }

    /// Starts again on the same folder after an end. The built-in sandbox is a new one, with nothing in it.
    #[track_caller]
    pub fn start_again(&mut self) {
        assert!(self.process.ended().is_some(), "it runs still");
        self.others.clear();
        self.process = Process::start(&mut self.setup.command());
        self.await_ready();
        self.start_others();
    }

    /// Starts on the same folder and is killed after a moment, ready or not.
    pub fn start_in_vain(&mut self, moment: Duration) {
        assert!(self.process.ended().is_some(), "it runs still");
        self.process = Process::start(&mut self.setup.command());
        std::thread::sleep(moment);
        self.process.kill();
    }
}

fn address_in(lines: &[Value], message: &str) -> Option<SocketAddr> {
    let line = lines.iter().find(|line| line["message"].as_str().is_some_and(|text| text.contains(message)))?;
    line["address"].as_str()?.parse().ok()
}
