//! Where the database is: a URL as libpq takes it, read by ourselves, since the driver's own parser knows neither
//! `sslmode=verify-full` nor `sslrootcert`, and people paste the URLs that `psql` takes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use tokio_postgres::Config;
use tokio_postgres::config::ChannelBinding;

use super::keywords::Keywords;
use super::tls::Tls;
use crate::domain::secret::Secret;

/// The server processes of one database, and how they are asked. Neither its `Debug` nor its `Display` shows the password.
#[derive(Debug, Clone)]
pub struct Address {
    pub(super) hosts: Vec<Host>,
    pub(super) user: String,
    pub(super) database: String,
    pub(super) password: Password,
    pub(super) tls: Tls,
    /// How long one host is waited for, from its name to the first answer.
    pub(super) patience: Duration,
    /// What holds for every host.
    pub(super) config: Config,
}

/// One of the servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    Tcp {
        name: String,
        port: u16,
    },
    /// The folder in which the server's socket is.
    Socket {
        folder: PathBuf,
        port: u16,
    },
}

/// Where the password comes from.
#[derive(Debug, Clone)]
pub(super) enum Password {
    None,
    Known(Secret),
    /// Read anew for every connection, so that a rotated one works without a restart.
    File(PathBuf),
}

/// A server that has gone says nothing: after so long without an answer to what was sent, the connection has ended.
const USER_TIMEOUT_MS: u64 = 10_000;
/// How long a connection may rest before the server is asked whether it is there, how often it is asked, and how many
/// unanswered times end it. The system's two hours would leave a gateway deaf to what others tell it.
const KEEPALIVE: (u64, u64, u64) = (10, 3, 3);
const HOW: &str = "expected postgres://USER@HOST/DATABASE";

impl Address {
    /// Reads `postgres://USER[:PASSWORD]@HOST[:PORT][,HOST[:PORT]...]/DATABASE[?KEYWORD=VALUE&...]`. An error says what is
    /// wrong and how it is mended, and shows nothing that might be a secret in the wrong place.
    pub fn parse(url: &str, password_file: Option<PathBuf>) -> Result<Self, String> {
        let mut given = Keywords::of_url(url).map_err(|fault| format!("{fault}{}", stray(url)))?;
        let hosts =
            hosts(&given.take("host"), &given.take("port")).map_err(|fault| format!("{fault}{}", stray(url)))?;
        let user = Some(given.take("user")).filter(|user| !user.is_empty());
        let user = user.ok_or_else(|| format!("names no user: {HOW}{}", stray(url)))?;
        let database = Some(given.take("dbname")).filter(|name| !name.is_empty()).unwrap_or_else(|| user.clone());
        let password = match (given.take("password"), password_file) {
            (known, None) if known.is_empty() => Password::None,
            (known, Some(file)) if known.is_empty() => Password::File(file),
            (known, None) => Password::Known(Secret::new(&known)),
            (_, Some(_)) => {
                return Err(
                    "there is a password in the URL and TAGRELAY_DATABASE_PASSWORD_FILE is set: take one away".into()
                );
            }
        };
        let tls = Tls::read(&mut given)?;
        let config = config(&mut given, &user, &database, &tls)?;
        let patience = Duration::from_secs(given.number("connect_timeout", 5, 1..=300, "seconds")?);
        Ok(Self { hosts, user, database, password, tls, patience, config })
    }
}

/// Everything but the host and the password.
fn config(given: &mut Keywords, user: &str, database: &str, tls: &Tls) -> Result<Config, String> {
    let mut config = Config::new();
    config.user(user).dbname(database).ssl_mode(tls.asked());
    let name = Some(given.take("application_name")).filter(|name| !name.is_empty());
    config.application_name(name.unwrap_or_else(|| "tagrelay".to_owned()));
    let options = given.take("options");
    if !options.is_empty() {
        config.options(options);
    }
    let (prefer, require) = (ChannelBinding::Prefer, ChannelBinding::Require);
    let bindings = [("prefer", prefer), ("disable", ChannelBinding::Disable), ("require", require)];
    let binding = given.choice("channel_binding", &bindings)?;
    if binding == require && !tls.is_required() {
        return Err("channel_binding=require needs TLS: add sslmode=require or better".into());
    }
    config.channel_binding(binding);
    config.keepalives(given.choice("keepalives", &[("1", true), ("0", false)])?);
    let (idle, interval, count) = KEEPALIVE;
    config.keepalives_idle(Duration::from_secs(given.number("keepalives_idle", idle, 1..=86_400, "seconds")?));
    config.keepalives_interval(Duration::from_secs(given.number(
        "keepalives_interval",
        interval,
        1..=3_600,
        "seconds",
    )?));
    config.keepalives_retries(given.number("keepalives_count", count, 1..=100, "questions")? as u32);
    let silence = given.number("tcp_user_timeout", USER_TIMEOUT_MS, 0..=3_600_000, "milliseconds")?;
    config.tcp_user_timeout(Duration::from_millis(silence));
    // What is asked of the session is checked after every connection, whatever stands here: see `connect`. Each of these
    // names servers that take writes, or may.
    let attributes = [("read-write", ()), ("any", ()), ("primary", ())];
    given.choice("target_session_attrs", &attributes).map_err(|fault| format!("{fault}; the gateway writes"))?;
    given.choice("load_balance_hosts", &[("disable", ())])?;
    given.choice("gssencmode", &[("disable", ()), ("prefer", ())])?;
    given.choice("sslnegotiation", &[("postgres", ())])?;
    Ok(config)
}

/// `a,b` and `5432,5433`, one port for all of them, or none.
fn hosts(names: &str, ports: &str) -> Result<Vec<Host>, String> {
    let names: Vec<&str> = names.split(',').collect();
    let ports: Vec<u16> = ports.split(',').map(port).collect::<Result<_, _>>()?;
    if ports.len() != 1 && ports.len() != names.len() {
        return Err(format!("{} hosts and {} ports: give each host its own, or one for all", names.len(), ports.len()));
    }
    let all = names.iter().enumerate().map(|(at, name)| {
        let port = ports.get(at).or(ports.first()).copied().unwrap_or(5432);
        match *name {
            "" => Err(format!("names no host: {HOW}, or host=FOLDER among the parameters for a socket")),
            // Whoever forgot to encode a password has the rest of it here.
            name if name.contains(['@', ':', '?', '#', ' ']) && name.parse::<std::net::Ipv6Addr>().is_err() => {
                Err("a host's name holds a letter that can't be in one".to_owned())
            }
            name if name.starts_with('/') => Ok(Host::Socket { folder: PathBuf::from(name), port }),
            name => Ok(Host::Tcp { name: name.to_owned(), port }),
        }
    });
    all.collect()
}

fn port(text: &str) -> Result<u16, String> {
    if text.is_empty() {
        return Ok(5432);
    }
    text.parse().ok().filter(|port| *port > 0).ok_or_else(|| "a port is not a number from 1 to 65535".to_owned())
}

/// What to add where the URL looks as if a password held letters that mean something in URLs.
fn stray(url: &str) -> &'static str {
    let after = url.split_once("://").map_or(url, |(_, after)| after);
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    let is_cut = after.contains('@') && !authority.contains('@');
    if is_cut || after.matches('@').count() > 1 {
        "; in a user or a password @ is written %40, / %2F, ? %3F, # %23 and % %25"
    } else {
        ""
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { name, port } if name.contains(':') => write!(f, "[{name}]:{port}"),
            Self::Tcp { name, port } => write!(f, "{name}:{port}"),
            Self::Socket { folder, port } => write!(f, "{}:{port}", folder.display()),
        }
    }
}

/// As a URL without the password and the parameters.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.hosts.iter().map(Host::to_string).collect();
        write!(f, "postgres://{}@{}/{}", self.user, hosts.join(","), self.database)
    }
}

#[cfg(test)]
mod tests;
