//! A URL taken apart into libpq's keywords: `host`, `port`, `user`, `sslmode` and so on, whether they stand in front of the
//! `?` or behind it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use crate::domain::near;

/// What is understood.
const KNOWN: [&str; 22] = [
    "host",
    "port",
    "user",
    "password",
    "dbname",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "sslnegotiation",
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "application_name",
    "options",
    "channel_binding",
    "target_session_attrs",
    "load_balance_hosts",
    "gssencmode",
];

/// What libpq understands and we don't, and what to do instead.
const REFUSED: [(&str, &str); 20] = [
    ("passfile", "name a file that holds nothing but the password in TAGRELAY_DATABASE_PASSWORD_FILE"),
    ("service", "write what the service file says into the URL"),
    ("servicefile", "write what the service file says into the URL"),
    ("hostaddr", "write the address as the host"),
    ("client_encoding", "leave it out: it is always UTF-8"),
    ("fallback_application_name", "write application_name"),
    ("ssl", "write sslmode=require"),
    ("requiressl", "write sslmode=require"),
    ("sslpassword", "give a key file that isn't encrypted"),
    ("sslcertmode", "leave it out: a certificate is sent where sslcert names one"),
    ("sslcompression", "leave it out: TLS doesn't compress"),
    ("sslsni", "leave it out: the host's name is always sent"),
    ("sslcrl", "leave it out: lists of revoked certificates are not read"),
    ("sslcrldir", "leave it out: lists of revoked certificates are not read"),
    ("ssl_min_protocol_version", "leave it out: TLS 1.2 and 1.3 are spoken"),
    ("ssl_max_protocol_version", "leave it out: TLS 1.2 and 1.3 are spoken"),
    ("requirepeer", "leave it out"),
    ("require_auth", "leave it out; channel_binding=require makes sure that the server knows the password"),
    ("krbsrvname", "leave it out: Kerberos is not spoken"),
    ("replication", "leave it out"),
];

/// Keywords with their values. An empty value counts as absent, as it does for libpq.
pub(super) struct Keywords(BTreeMap<&'static str, String>);

impl Keywords {
    /// Takes a URL apart. No error shows any of it, but for the names of keywords that are known.
    pub(super) fn of_url(url: &str) -> Result<Self, String> {
        let rest = ["postgres://", "postgresql://"].iter().find_map(|scheme| url.strip_prefix(scheme));
        let rest = rest.ok_or("expected postgres://USER@HOST/DATABASE")?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').unwrap_or((place, ""));
        let (who, servers) = authority.split_once('@').unwrap_or(("", authority));
        let (user, password) = who.split_once(':').unwrap_or((who, ""));
        if database.contains(['/', '@']) {
            return Err("the database's name holds a / or an @: they are written %2F and %40".into());
        }
        let mut this = Self(BTreeMap::new());
        let (names, ports) = servers_of(servers)?;
        let parts =
            [("user", user), ("password", password), ("host", &*names), ("port", &*ports), ("dbname", database)];
        for (keyword, text) in parts {
            this.put(keyword, text)?;
        }
        for (at, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
            let (keyword, value) = pair.split_once('=').ok_or_else(|| format!("parameter {} has no =", at + 1))?;
            this.put(known(keyword).map_err(|fault| format!("parameter {}{fault}", at + 1))?, value)?;
        }
        Ok(this)
    }

    fn put(&mut self, keyword: &'static str, text: &str) -> Result<(), String> {
        let value = decoded(text).map_err(|fault| format!("{keyword}: {fault}"))?;
        if value.is_empty() {
            return Ok(());
        }
        match self.0.insert(keyword, value) {
            None => Ok(()),
            Some(_) => Err(format!("{keyword} is given twice")),
        }
    }

    /// The value, empty where there is none.
    pub(super) fn take(&mut self, keyword: &str) -> String {
        self.0.remove(keyword).unwrap_or_default()
    }

    /// One of these words; the first where there is none.
    pub(super) fn choice<T: Copy>(&mut self, keyword: &str, choices: &[(&str, T)]) -> Result<T, String> {
        let word = self.take(keyword);
        let found = choices.iter().find(|(name, _)| word.is_empty() || *name == word).map(|(_, choice)| *choice);
        found.ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            format!("{keyword} is not supported as it is: expected {}", names.join(" or "))
        })
    }

    /// A whole number of `unit`.
    pub(super) fn number(
        &mut self,
        keyword: &str,
        default: u64,
        range: RangeInclusive<u64>,
        unit: &str,
    ) -> Result<u64, String> {
        let text = self.take(keyword);
        let number = if text.is_empty() { Some(default) } else { text.parse().ok() };
        number.filter(|number| range.contains(number)).ok_or_else(|| {
            format!("{keyword}: expected a whole number of {unit} from {} to {}", range.start(), range.end())
        })
    }
}

/// `a:5432,[::1],c` as `a,::1,c` and `5432,,`.
fn servers_of(text: &str) -> Result<(String, String), String> {
    let mut names = Vec::new();
    let mut ports = Vec::new();
    for server in text.split(',') {
        let (name, port) = match server.strip_prefix('[') {
            Some(rest) => {
                let (name, port) = rest.split_once(']').ok_or("an IPv6 address has no closing ]")?;
                (name, port.strip_prefix(':').unwrap_or(port))
            }
            None => server.split_once(':').unwrap_or((server, "")),
        };
        names.push(name);
        ports.push(port);
    }
    // No port anywhere is as if nothing was said of ports: `?port=` may say it.
    let ports = if ports.iter().all(|port| port.is_empty()) { String::new() } else { ports.join(",") };
    Ok((names.join(","), ports))
}

/// The keyword of this name. An unknown one isn't shown: it may be the end of a password with a `?` in it.
fn known(keyword: &str) -> Result<&'static str, String> {
    if let Some(known) = KNOWN.into_iter().find(|known| *known == keyword) {
        return Ok(known);
    }
    if let Some((refused, instead)) = REFUSED.into_iter().find(|(refused, _)| *refused == keyword) {
        return Err(format!(": {refused} is not supported; {instead}"));
    }
    Err(match near::nearest(keyword, KNOWN) {
        Some(near) => format!(" is unknown: did you mean {near}?"),
        None => format!(" is unknown; there are {}", KNOWN.join(", ")),
    })
}

/// Without percent signs.
fn decoded(text: &str) -> Result<String, &'static str> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut parts = text.split('%');
    bytes.extend_from_slice(parts.next().unwrap_or_default().as_bytes());
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).ok_or(NO_CODE)?;
        // `from_str_radix` would take a sign.
        let is_code = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let byte = u8::from_str_radix(digits, 16).ok().filter(|byte| is_code && *byte != 0).ok_or(NO_CODE)?;
        bytes.push(byte);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).map_err(|_| "what its % codes stand for is not UTF-8")
}

const NO_CODE: &str = "a % stands before something that is no code; itself it is written %25";
