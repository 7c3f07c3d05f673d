//! A real `PgBouncer` in transaction mode: whoever asks has a connection to the database for one transaction, then another one has it.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::eventually;
use super::postgres::{Postgres, USER, USER_PASSWORD, servants};

/// A running pooler. It ends with its value.
pub struct Pooler {
    port: u16,
    child: Child,
}

impl Pooler {
    /// Before this server, with at most so many connections to it.
    #[track_caller]
    pub fn to(postgres: &Postgres, connections: usize) -> Self {
        let folder = postgres.folder();
        let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let (settings, users) = (folder.join("pgbouncer.ini"), folder.join("users.txt"));
        fs::write(&users, format!("\"{USER}\" \"{USER_PASSWORD}\"\n")).expect("written");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             auth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\ndefault_pool_size = {connections}\n\
             unix_socket_dir =\n",
            postgres.port(),
            users.display(),
        );
        fs::write(&settings, text).expect("written");
        let log = fs::File::create(folder.join("pgbouncer.log")).expect("a log");
        let mut command = servants(program(), folder);
        let child = command.arg("-q").arg(&settings).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn();
        let this = Self { port, child: child.expect("pgbouncer runs") };
        eventually("the pooler listens", || TcpStream::connect(("127.0.0.1", port)).ok());
        this
    }

    /// [`USER`]'s own database, through the pooler.
    pub fn url(&self) -> String {
        format!("postgres://{USER}:{USER_PASSWORD}@127.0.0.1:{}/{USER}", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Debian puts it where only root's path leads.
fn program() -> &'static Path {
    static FOUND: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    FOUND.get_or_init(|| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
        let found = folders.map(|folder| folder.join("pgbouncer")).find(|program| program.exists());
        found.expect("PgBouncer is installed (on Debian: apt-get install pgbouncer)")
    })
}
