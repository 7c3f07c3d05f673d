//! Settings from the environment: `TAGRELAY_...`. A misspelt name is an error, and no error shows a secret.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::duration::parse_duration;
use crate::domain::forwarded::TrustedProxies;
use crate::domain::secret::Secret;
use crate::store::Database;
use crate::store::postgres::Address;

const PREFIX: &str = "TAGRELAY_";

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {problem}")]
pub struct BadSetting {
    /// The variable, with its prefix.
    pub name: String,
    /// What is wrong and what was expected, without the value where that may be a secret.
    pub problem: String,
}

/// How logs are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

/// All settings, checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// The directory with the rules.
    pub rules: PathBuf,
    /// The SQLite file, or the servers.
    pub database: Database,
    /// Whether nothing said where it is.
    pub database_by_default: bool,
    /// Full rights over the API; made at start where absent.
    pub admin_token: Option<Secret>,
    /// May only look.
    pub viewer_token: Option<Secret>,
    /// Where the provider sandbox listens.
    pub sandbox_listen: SocketAddr,
    /// What is logged, as `tracing` filters have it.
    pub log: String,
    /// How; `None`: pretty on a terminal, else JSON.
    pub log_format: Option<LogFormat>,
    /// The largest body taken.
    pub max_body_bytes: usize,
    /// How long events and deliveries are kept.
    pub retention: Duration,
    /// The address under which senders reach the gateway.
    pub public_url: Option<String>,
    /// Whether subscribers may be at private addresses.
    pub subscribers_allow_private: bool,
    /// The files of certificate and key; `None`: plain HTTP.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// The proxies that may say who called them.
    pub trusted_proxies: TrustedProxies,
}

/// The variables as envy reads them: all text, so that our own words say what is wrong with a value.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Raw {
    listen: Option<String>,
    rules: Option<String>,
    database_url: Option<String>,
    admin_token: Option<String>,
    viewer_token: Option<String>,
    sandbox_listen: Option<String>,
    tls_cert: Option<String>,
    tls_key: Option<String>,
    database_password_file: Option<String>,
    trusted_proxies: Option<String>,
    log: Option<String>,
    log_format: Option<String>,
    max_body_bytes: Option<String>,
    retention: Option<String>,
    public_url: Option<String>,
    subscribers_allow_private: Option<String>,
}

/// The names, for the message about a misspelt one.
const NAMES: [&str; 16] = [
    "LISTEN",
    "RULES",
    "DATABASE_URL",
    "ADMIN_TOKEN",
    "VIEWER_TOKEN",
    "SANDBOX_LISTEN",
    "TLS_CERT",
    "TLS_KEY",
    "DATABASE_PASSWORD_FILE",
    "TRUSTED_PROXIES",
    "LOG",
    "LOG_FORMAT",
    "MAX_BODY_BYTES",
    "RETENTION",
    "PUBLIC_URL",
    "SUBSCRIBERS_ALLOW_PRIVATE",
];

/// The process's environment, read once.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn environment() -> HashMap<String, String> {
    std::env::vars().collect()
}

impl Settings {
    /// The file with the database's password, for a command that is told where the database is and needs nothing else.
    pub fn password_file(environment: &HashMap<String, String>) -> Result<Option<PathBuf>, Vec<BadSetting>> {
        let faults: Vec<BadSetting> = environment.keys().filter_map(|name| misspelt(name)).collect();
        let given = environment.get("TAGRELAY_DATABASE_PASSWORD_FILE").filter(|file| !file.is_empty());
        if faults.is_empty() { Ok(given.map(PathBuf::from)) } else { Err(faults) }
    }

    /// Whether a gateway with this environment speaks TLS, for a command that is told where it is and needs nothing else.
    pub fn speaks_tls(environment: &HashMap<String, String>) -> bool {
        environment.get("TAGRELAY_TLS_CERT").is_some_and(|file| !file.is_empty())
    }

    /// Where a gateway with these settings is reached on this machine: `http://127.0.0.1:8080`.
    pub fn own_url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", dialled(self.listen))
    }

    /// Reads the settings out of an environment; every fault at once.
    pub fn read(environment: &HashMap<String, String>) -> Result<Self, Vec<BadSetting>> {
        let ours = environment.iter().filter(|(name, value)| name.starts_with(PREFIX) && !value.is_empty());
        let unknown: Vec<BadSetting> = ours.clone().filter_map(|(name, _)| misspelt(name)).collect();
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let pairs = ours.map(|(name, value)| (name.clone(), value.clone()));
        // envy names what is unknown, and that was checked: every field is optional text, so nothing is left to fail.
        let raw: Raw = envy::prefixed(PREFIX).from_iter(pairs).map_err(|_| vec![bad("...", "can't be read")])?;
        raw.check()
    }
}

/// A gateway that listens everywhere is asked on loopback.
pub fn dialled(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

impl Raw {
    fn check(self) -> Result<Settings, Vec<BadSetting>> {
        let mut faults = Vec::new();
        let tls = match (self.tls_cert, self.tls_key) {
            (Some(cert), Some(key)) => Some((PathBuf::from(cert), PathBuf::from(key))),
            (None, None) => None,
            (Some(_), None) => {
                faults.push(bad(
                    "TLS_KEY",
                    "must be set where TAGRELAY_TLS_CERT is: the file with the certificate's key",
                ));
                None
            }
            (None, Some(_)) => {
                faults.push(bad(
                    "TLS_CERT",
                    "must be set where TAGRELAY_TLS_KEY is: the file with the key's certificate",
                ));
                None
            }
        };
        let trusted_proxies =
            self.trusted_proxies.map_or_else(|| Ok(TrustedProxies::default()), |t| TrustedProxies::parse(&t));
        let trusted_proxies = trusted_proxies.map_err(|problem| faults.push(bad("TRUSTED_PROXIES", &problem))).ok();
        let listen = parse(&mut faults, "LISTEN", self.listen, "127.0.0.1:8080", ADDRESS, |t| t.parse().ok());
        let sandbox_listen =
            parse(&mut faults, "SANDBOX_LISTEN", self.sandbox_listen, "127.0.0.1:8090", ADDRESS, |t| t.parse().ok());
        let database_by_default = self.database_url.is_none();
        let database = database(self.database_url, self.database_password_file);
        let database = database.map_err(|fault| faults.push(fault)).ok();
        let log_format = parse(&mut faults, "LOG_FORMAT", self.log_format, "auto", "pretty or json", |t| match t {
            "auto" => Some(None),
            "pretty" => Some(Some(LogFormat::Pretty)),
            "json" => Some(Some(LogFormat::Json)),
            _ => None,
        });
        let max_body_bytes = parse(
            &mut faults,
            "MAX_BODY_BYTES",
            self.max_body_bytes,
            "1048576",
            "a number of bytes from 1024 to 67108864",
            |t| t.parse().ok().filter(|n| (1_024..=67_108_864).contains(n)),
        );
        let retention =
            parse(&mut faults, "RETENTION", self.retention, "30d", "a duration of at least 24h, such as 30d", |t| {
                parse_duration(t).filter(|d| *d >= Duration::from_hours(24))
            });
        let public_url = parse(
            &mut faults,
            "PUBLIC_URL",
            self.public_url,
            "",
            "an address that starts with https:// or http://",
            |t| {
                let web = t.starts_with("https://") || t.starts_with("http://");
                if t.is_empty() { Some(None) } else { web.then(|| Some(t.trim_end_matches('/').to_owned())) }
            },
        );
        let subscribers_allow_private = parse(
            &mut faults,
            "SUBSCRIBERS_ALLOW_PRIVATE",
            self.subscribers_allow_private,
            "false",
            "true or false",
            |t| t.parse().ok(),
        );
        let settings = (|| {
            Some(Settings {
                listen: listen?,
                rules: PathBuf::from(self.rules.unwrap_or_else(|| "rules".to_owned())),
                database: database?,
                database_by_default,
                admin_token: self.admin_token.as_deref().map(Secret::new),
                viewer_token: self.viewer_token.as_deref().map(Secret::new),
                sandbox_listen: sandbox_listen?,
                log: self.log.unwrap_or_else(|| "info".to_owned()),
                log_format: log_format?,
                max_body_bytes: max_body_bytes?,
                retention: retention?,
                public_url: public_url?,
                subscribers_allow_private: subscribers_allow_private?,
                tls,
                trusted_proxies: trusted_proxies?,
            })
        })();
        if let Some(settings) = &settings
            && !settings.listen.ip().is_loopback()
            && settings.admin_token.is_none()
        {
            faults.push(bad("ADMIN_TOKEN", "must be set when TAGRELAY_LISTEN is not a loopback address"));
        }
        settings.filter(|_| faults.is_empty()).ok_or(faults)
    }
}

/// `sqlite://FILE` or `postgres://...`. No error shows the URL: there may be a password in it, also in one that is misspelt.
fn database(url: Option<String>, password_file: Option<String>) -> Result<Database, BadSetting> {
    let url = url.unwrap_or_else(|| "sqlite://tagrelay.db".to_owned());
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        let address = Address::parse(&url, password_file.map(PathBuf::from));
        return address.map(Box::new).map(Database::Postgres).map_err(|problem| bad("DATABASE_URL", &problem));
    }
    let file = url.strip_prefix("sqlite://").filter(|path| !path.is_empty());
    let file = file.ok_or_else(|| bad("DATABASE_URL", "expected sqlite://FILE or postgres://USER@HOST/DATABASE"))?;
    if password_file.is_some() {
        return Err(bad("DATABASE_PASSWORD_FILE", "is for postgres:// alone: a SQLite file has no password"));
    }
    Ok(Database::Sqlite(PathBuf::from(file)))
}

/// Where something listens, as people write it.
const ADDRESS: &str = "an address and port such as 127.0.0.1:8080";

/// Reads where something listens.
///
/// # Errors
/// What was expected.
pub fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| format!("expected {ADDRESS}"))
}

fn parse<T>(
    faults: &mut Vec<BadSetting>,
    name: &str,
    value: Option<String>,
    default: &str,
    expected: &str,
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let text = value.unwrap_or_else(|| default.to_owned());
    let read = read(&text);
    if read.is_none() {
        // No setting that comes here is a secret, but a mixed-up one might be: the value isn't shown.
        faults.push(bad(name, &format!("expected {expected}")));
    }
    read
}

fn bad(name: &str, problem: &str) -> BadSetting {
    BadSetting { name: format!("{PREFIX}{name}"), problem: problem.to_owned() }
}

fn misspelt(name: &str) -> Option<BadSetting> {
    let short = name.strip_prefix(PREFIX)?;
    if NAMES.contains(&short) {
        return None;
    }
    let near = NAMES.iter().max_by(|a, b| likeness(a, short).total_cmp(&likeness(b, short)))?;
    Some(bad(short, &format!("is not a setting; did you mean {PREFIX}{near}?")))
}

/// 0 to 1: the share of letter pairs that two names have in common.
fn likeness(a: &str, b: &str) -> f64 {
    let pairs = |text: &str| text.as_bytes().windows(2).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let (a, b) = (pairs(a), pairs(b));
    let common = a.iter().filter(|pair| b.contains(pair)).count();
    2.0 * common as f64 / (a.len() + b.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, Vec<BadSetting>> {
        Settings::read(&pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
    }

    #[test]
    fn everything_has_a_default_and_an_empty_variable_counts_as_unset() {
        let settings = read(&[("TAGRELAY_LISTEN", ""), ("OTHER", "x")]).expect("defaults");
        assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
        assert!(matches!(&settings.database, Database::Sqlite(file) if file == "tagrelay.db"));
        assert_eq!(settings.retention, Duration::from_hours(720));
    }

    #[test]
    fn a_misspelt_name_is_an_error_that_knows_the_right_one() {
        let faults = read(&[("TAGRELAY_LISTN", "127.0.0.1:1")]).expect_err("misspelt");
        assert_eq!(faults[0].to_string(), "TAGRELAY_LISTN: is not a setting; did you mean TAGRELAY_LISTEN?");
    }

    #[test]
    fn every_fault_is_told_at_once_and_no_value_is_shown() {
        let faults = read(&[
            ("TAGRELAY_LISTEN", "hunter2"),
            ("TAGRELAY_RETENTION", "1h"),
            ("TAGRELAY_DATABASE_URL", "postgres://u:hunter2@h/d?sslmode=hunter2"),
            ("TAGRELAY_TLS_CERT", "/x"),
        ])
        .expect_err("four faults");
        assert_eq!(faults.len(), 4);
        assert!(faults.iter().all(|f| !f.to_string().contains("hunter2")));
    }

    #[test]
    fn the_database_is_a_file_or_servers_and_only_servers_have_a_password() {
        let url = "postgres://u@a,b:5433/d";
        let settings = read(&[("TAGRELAY_DATABASE_URL", url), ("TAGRELAY_DATABASE_PASSWORD_FILE", "/run/p")]);
        assert_eq!(settings.expect("servers").database.to_string(), "postgres://u@a:5432,b:5433/d");
        let secret = read(&[("TAGRELAY_DATABASE_URL", "postgresql://u:hunter2@h/d")]).expect("servers");
        assert!(!format!("{settings:?} {}", secret.database, settings = secret).contains("hunter2"));
        for (url, file, told) in [
            ("sqlite://a.db", "/run/p", "TAGRELAY_DATABASE_PASSWORD_FILE: is for postgres:// alone"),
            ("postgres://u:hunter2@h/d", "/run/p", "TAGRELAY_DATABASE_URL: there is a password in the URL and"),
            (
                "postgres://u:hunter2@h/d?sslmod=x",
                "",
                "TAGRELAY_DATABASE_URL: parameter 1 is unknown: did you mean sslmode?",
            ),
            ("mysql://u:hunter2@h/d", "", "TAGRELAY_DATABASE_URL: expected sqlite://FILE or postgres://"),
        ] {
            let pairs = [("TAGRELAY_DATABASE_URL", url), ("TAGRELAY_DATABASE_PASSWORD_FILE", file)];
            let faults = read(&pairs).expect_err(url);
            assert!(faults[0].to_string().starts_with(told), "{}", faults[0]);
            assert!(!faults[0].to_string().contains("hunter2"), "{}", faults[0]);
        }
    }

    #[test]
    fn certificate_and_key_go_together_and_proxies_are_addresses() {
        for (name, other) in [("TAGRELAY_TLS_CERT", "TAGRELAY_TLS_KEY"), ("TAGRELAY_TLS_KEY", "TAGRELAY_TLS_CERT")] {
            let faults = read(&[(name, "/run/tls.pem")]).expect_err(name);
            assert_eq!(faults[0].name, other);
        }
        let both = [
            ("TAGRELAY_TLS_CERT", "/run/tls.crt"),
            ("TAGRELAY_TLS_KEY", "/run/tls.key"),
            ("TAGRELAY_LISTEN", "[::]:8443"),
        ];
        let both = [&both[..], &[("TAGRELAY_ADMIN_TOKEN", "t")]].concat();
        assert_eq!(read(&both).expect("a pair").own_url(), "https://[::1]:8443");
        assert_eq!(read(&[]).expect("defaults").own_url(), "http://127.0.0.1:8080");
        let faults = read(&[("TAGRELAY_TRUSTED_PROXIES", "10.0.0.0/8,proxy")]).expect_err("a name");
        assert_eq!(
            faults[0].to_string(),
            "TAGRELAY_TRUSTED_PROXIES: entry 2: expected an address or a network such as 10.0.0.0/8"
        );
    }

    #[test]
    fn beyond_loopback_the_admin_token_must_be_set() {
        let faults = read(&[("TAGRELAY_LISTEN", "0.0.0.0:8080")]).expect_err("no token");
        assert_eq!(faults[0].name, "TAGRELAY_ADMIN_TOKEN");
        assert!(read(&[("TAGRELAY_LISTEN", "0.0.0.0:8080"), ("TAGRELAY_ADMIN_TOKEN", "t")]).is_ok());
    }
}
