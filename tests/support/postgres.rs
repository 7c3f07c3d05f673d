//! A real PostgreSQL for one test: the installed server on a folder and a port of its own, fsync on, passwords by SCRAM.
//!
//! It needs nothing else of `support`, so that unit tests may take this file alone.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// Who owns the databases: no superuser, so that what a user may not do fails here too.
pub const USER: &str = "tagrelay";
/// Its password.
pub const USER_PASSWORD: &str = "pg-password-8c1f";

/// How long a server may take to start or to end on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Small, and slower than it could be for the sake of what is tested: a commit is on disk when it is answered.
const CONFIGURATION: &str = "
fsync = on
synchronous_commit = on
full_page_writes = on
shared_buffers = 16MB
max_connections = 60
wal_level = replica
max_wal_senders = 5
wal_keep_size = 128MB
hot_standby = on
password_encryption = 'scram-sha-256'
log_min_messages = warning
";

/// A running server. It ends with its value.
pub struct Postgres {
    folder: TempDir,
    port: u16,
    child: Option<Child>,
}

impl Postgres {
    /// An empty cluster with one database, [`USER`]'s own.
    #[track_caller]
    pub fn start() -> Self {
        let folder = folder();
        let data = folder.path().join("data").display().to_string();
        let made = tool("initdb", folder.path())
            .args(["-D", &data, "-U", "postgres", "--auth-local=trust", "--auth-host=scram-sha-256"])
            .args(["--encoding=UTF8", "--no-locale", "--no-sync"])
            .output()
            .expect("initdb runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let this = Self::over(folder);
        this.sql("postgres", &format!("CREATE ROLE {USER} LOGIN PASSWORD '{USER_PASSWORD}'"));
        this.database(USER);
        this
    }

    /// Starts on a folder with a data directory, on a port that is free.
    fn over(folder: TempDir) -> Self {
        let mut this = Self { folder, port: 0, child: None };
        let start = Instant::now();
        while this.child.is_none() {
            assert!(start.elapsed() < PATIENCE, "no free port:\n{}", this.log());
            // Between this end and PostgreSQL's start somebody may take it: then it is another one.
            this.port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
            this.configure();
            this.child = this.launch();
        }
        this
    }

    fn configure(&self) {
        let file = self.data().join("postgresql.conf");
        let text = fs::read_to_string(&file).expect("initdb wrote it");
        let kept = text.split("# --- of the test\n").next().unwrap_or_default();
        let folder = self.folder.path().display();
        let own =
            format!("listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{folder}'\n", self.port);
        fs::write(&file, format!("{kept}# --- of the test\n{CONFIGURATION}{own}")).expect("written");
    }

    /// `None`: the port is taken, or who was killed hasn't let go of its memory yet.
    fn launch(&self) -> Option<Child> {
        let log = fs::File::options().append(true).create(true).open(self.log_file()).expect("a log");
        let before = self.log().len();
        let mut command = tool("postgres", self.folder.path());
        command.arg("-D").arg(self.data()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut child = command.spawn().expect("postgres runs");
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child can be asked") {
                let log = self.log();
                let said = log.get(before..).unwrap_or_default();
                let passes = ["could not create any TCP/IP sockets", "is still in use", "lock file"];
                assert!(passes.iter().any(|words| said.contains(words)), "postgres ended with {status}:\n{said}");
                return None;
            }
            // As pg_ctl looks: the eighth line says how far it is.
            let text = fs::read_to_string(self.data().join("postmaster.pid")).unwrap_or_default();
            let mut lines = text.lines();
            let is_own = lines.next() == Some(&child.id().to_string());
            if is_own && lines.nth(6).is_some_and(|state| matches!(state.trim(), "ready" | "standby")) {
                return Some(child);
            }
            assert!(start.elapsed() < PATIENCE, "postgres isn't ready:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// [`USER`]'s own database, with the password in it.
    pub fn url(&self) -> String {
        self.url_of(USER)
    }

    fn url_of(&self, database: &str) -> String {
        format!("postgres://{USER}:{USER_PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its socket, where nobody is asked for a password.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log_file(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// What it wrote to its log.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Makes an empty database and gives its URL.
    #[track_caller]
    pub fn database(&self, name: &str) -> String {
        self.sql("postgres", &format!("CREATE DATABASE \"{name}\" OWNER {USER}"));
        self.url_of(name)
    }

    /// Runs statements as the superuser; gives the rows, columns apart by `|`.
    #[track_caller]
    pub fn sql(&self, database: &str, text: &str) -> String {
        self.try_sql(database, text).unwrap_or_else(|said| panic!("{text}: {said}"))
    }

    /// The same where it may fail.
    pub fn try_sql(&self, database: &str, text: &str) -> Result<String, String> {
        let mut command = tool("psql", self.folder.path());
        command.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-U", "postgres", "-d", database, "-h"]);
        command.arg(self.folder.path()).args(["-p", &self.port.to_string(), "-c", text]);
        let ran = command.stdin(Stdio::null()).output().expect("psql runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).trim().to_owned();
        if ran.status.success() { Ok(text(ran.stdout)) } else { Err(text(ran.stderr)) }
    }

    /// Changes settings that need no restart, as `("ssl", "on")`.
    #[track_caller]
    pub fn set(&self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.sql("postgres", &format!("ALTER SYSTEM SET {name} = '{value}'"));
        }
        self.reload();
    }

    /// Reads its files again; done when new sessions see it.
    #[track_caller]
    fn reload(&self) {
        let loaded = "SELECT extract(epoch FROM pg_conf_load_time())";
        let before = self.sql("postgres", loaded);
        self.sql("postgres", "SELECT pg_reload_conf()");
        // A session starts with what the postmaster has read.
        self.await_sql(&format!("SELECT extract(epoch FROM pg_conf_load_time()) > {before}"), "t");
    }

    /// Asks until this is the answer.
    #[track_caller]
    pub fn await_sql(&self, question: &str, answer: &str) {
        let start = Instant::now();
        while self.sql("postgres", question) != answer {
            assert!(start.elapsed() < PATIENCE, "never {answer:?}: {question}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Copies a file to where the server may read it and nobody else.
    pub fn give(&self, file: &Path, name: &str) -> PathBuf {
        let copy = self.folder.path().join(name);
        fs::copy(file, &copy).expect("copied");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o600)).expect("it is ours");
        hand_over(&copy);
        copy
    }

    /// From now on it speaks TLS with this certificate and its key.
    #[track_caller]
    pub fn secure(&self, certificate: &Path, key: &Path) {
        let (certificate, key) = (self.give(certificate, "server.crt"), self.give(key, "server.key"));
        let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
        self.set(&[("ssl_cert_file", &certificate), ("ssl_key_file", &key), ("ssl", "on")]);
    }

    /// Who is let in how over TCP: the lines of `pg_hba.conf` for it.
    #[track_caller]
    pub fn admit(&self, lines: &str) {
        let file = self.data().join("pg_hba.conf");
        fs::write(&file, format!("local all all trust\nlocal replication all trust\n{lines}\n")).expect("written");
        self.reload();
    }

    /// SIGKILL for the server and all its processes: what wasn't on disk is gone.
    pub fn stop_hard(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let all = children_of(child.id());
        let ids: Vec<String> =
            std::iter::once(child.id()).chain(all.iter().copied()).map(|id| id.to_string()).collect();
        // One may have ended by itself since.
        drop(Command::new("sh").args(["-c", &format!("kill -KILL {}", ids.join(" "))]).stderr(Stdio::null()).status());
        drop(child.wait());
        let start = Instant::now();
        while all.iter().any(|id| is_alive(*id)) && start.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A fast shutdown: sessions are ended, everything is written.
    pub fn stop(&mut self) {
        let Some(child) = &mut self.child else { return };
        drop(Command::new("sh").args(["-c", &format!("kill -INT {}", child.id())]).stderr(Stdio::null()).status());
        let start = Instant::now();
        while start.elapsed() < PATIENCE / 3 {
            if matches!(child.try_wait(), Ok(Some(_)) | Err(_)) {
                self.child = None;
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        self.stop_hard();
    }

    /// Starts again on the same data and port; a running one is stopped first.
    #[track_caller]
    pub fn restart(&mut self) {
        self.stop();
        let start = Instant::now();
        while self.child.is_none() {
            assert!(start.elapsed() < PATIENCE, "it doesn't start again:\n{}", self.log());
            self.child = self.launch();
        }
    }

    /// A standby that has every commit before it is answered: from now on the primary waits for it with each.
    #[track_caller]
    pub fn standby(&self) -> Self {
        let folder = folder();
        let copied = tool("pg_basebackup", folder.path())
            .args(["-U", "postgres", "-p", &self.port.to_string(), "--checkpoint=fast", "--no-sync", "-R", "-h"])
            .arg(self.folder.path())
            .arg("-D")
            .arg(folder.path().join("data"))
            .output()
            .expect("pg_basebackup runs");
        assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
        // A copy of one that waits for a standby would wait for one of its own, once it is promoted.
        let automatic = folder.path().join("data/postgresql.auto.conf");
        let text = fs::read_to_string(&automatic).expect("it was copied");
        let kept: Vec<&str> = text.lines().filter(|line| !line.starts_with("synchronous_standby_names")).collect();
        fs::write(&automatic, kept.join("\n") + "\n").expect("written");
        let standby = Self::over(folder);
        self.set(&[("synchronous_standby_names", "*")]);
        self.await_sql("SELECT sync_state FROM pg_stat_replication", "sync");
        standby
    }

    /// Makes a standby a primary; it takes writes then.
    #[track_caller]
    pub fn promote(&self) {
        assert_eq!(self.sql("postgres", "SELECT pg_promote(true, 30)"), "t", "{}", self.log());
        self.await_sql("SELECT pg_is_in_recovery()", "f");
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            eprintln!("--- the log of PostgreSQL on port {}:\n{}", self.port, self.log());
        }
    }
}

/// A folder that the server's user owns.
fn folder() -> TempDir {
    let folder = tempfile::Builder::new().prefix("tagrelay-pg-").tempdir().expect("a folder");
    hand_over(folder.path());
    folder
}

fn hand_over(path: &Path) {
    if let Some((user, group)) = servant() {
        chown(path, Some(user), Some(group)).expect("root may");
    }
}

/// PostgreSQL refuses root: the user and group that it runs as instead, where the tests are root's.
fn servant() -> Option<(u32, u32)> {
    if fs::metadata("/proc/self").expect("Linux").uid() != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").expect("there are users");
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(of("postgres").or_else(|| of("nobody")).expect("a user without rights"))
}

/// A program of PostgreSQL's, run by whoever owns the folder, without the settings of whoever runs the tests.
fn tool(name: &str, folder: &Path) -> Command {
    servants(&programs().join(name), folder)
}

/// The same of any program.
pub fn servants(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", folder).env("LC_ALL", "C").current_dir(folder);
    if let Some((user, group)) = servant() {
        command.uid(user).gid(group);
    }
    command
}

/// Where the server's programs are: the newest that is installed.
fn programs() -> &'static Path {
    static FOUND: OnceLock<PathBuf> = OnceLock::new();
    FOUND.get_or_init(|| {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut versions: Vec<(u32, PathBuf)> = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
            .filter(|(_, bin)| bin.join("postgres").exists() && bin.join("initdb").exists())
            .collect();
        versions.sort();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let on_path = std::env::split_paths(&path).find(|folder| folder.join("initdb").exists());
        let found = versions.pop().map(|(_, bin)| bin).or(on_path);
        found.expect("PostgreSQL's server is installed (on Debian: apt-get install postgresql)")
    })
}

fn children_of(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("Linux").flatten();
    let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| stat(*id).is_some_and(|(_, of)| of == parent)).collect()
}

/// One that has ended and that nobody has asked for has a place in the list still.
fn is_alive(id: u32) -> bool {
    stat(id).is_some_and(|(state, _)| state != "Z")
}

/// A process's state and parent: what follows its name, which stands in brackets.
fn stat(id: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = text.rsplit_once(") ")?.1.split(' ');
    Some((fields.next()?.to_owned(), fields.next()?.parse().ok()?))
}
