//! Why there is no connection, host by host. The words never show the password.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use rustls::CertificateError;
use tokio_postgres::error::SqlState;

/// No connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// A file that is needed for it can't be used: the password's, a certificate's, a key's.
    #[error("{}: {why}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// Why.
        why: String,
    },
    /// `sslmode=verify-full` where the system has no root certificates.
    #[error("the system has no root certificates: install them (ca-certificates), or name a file in sslrootcert")]
    NoRoots,
    /// TLS can't be set up at all.
    #[error("TLS: {0}")]
    Tls(rustls::Error),
    /// Each server that was tried, in order.
    #[error("{}", told(.0))]
    Tried(Vec<Try>),
}

/// A server that was tried.
#[derive(Debug)]
pub struct Try {
    /// `db.example.org:5432`
    pub server: String,
    /// Why it isn't the one.
    pub fault: Fault,
}

/// Why a server isn't used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its name leads nowhere.
    #[error("its address can't be found: {0}")]
    Unknown(String),
    /// The connection is refused.
    #[error("nobody listens there")]
    Nobody,
    /// The network says no, or the connection broke before it was of use.
    #[error("it can't be reached: {0}")]
    Unreachable(String),
    /// Nothing came in time.
    #[error("it gave no answer within {} s (connect_timeout)", .0.as_secs())]
    Silent(Duration),
    /// A standby.
    #[error("it is a standby, which takes no writes")]
    Standby,
    /// A primary that takes no writes from us.
    #[error("it takes no writes (transaction_read_only is on)")]
    ReadOnly,
    /// It is starting, stopping or recovering.
    #[error("it takes no connections now: {0}")]
    NotNow(String),
    /// As many connections as it takes.
    #[error("it has no connection left: {0}")]
    Full(String),
    /// The wrong password.
    #[error("it refuses the password of its user {0:?}")]
    Password(String),
    /// It asks for a password.
    #[error("it asks for a password and none is set: TAGRELAY_DATABASE_PASSWORD_FILE names a file with it")]
    NoPassword,
    /// Its own rules let us in under no password.
    #[error("it refuses us: {0}")]
    Refused(String),
    /// There is no such database.
    #[error("it has no database {0:?}: make it with CREATE DATABASE, or name another")]
    NoDatabase(String),
    /// Whoever answers isn't who was meant, or can't prove it.
    #[error("its certificate is not trusted: {0}")]
    Untrusted(String),
    /// It has no TLS.
    #[error("it speaks no TLS, and sslmode asks for it")]
    NoTls,
    /// Something else.
    #[error("{0}")]
    Other(String),
}

impl ConnectError {
    /// Whether the same attempt may succeed later though nobody changes a setting: a server comes up, a standby is promoted.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::File { .. } | Self::NoRoots | Self::Tls(_) => false,
            Self::Tried(tries) => tries.iter().any(|tried| tried.fault.may_pass()),
        }
    }
}

impl Fault {
    fn may_pass(&self) -> bool {
        match self {
            Self::Unknown(_)
            | Self::Nobody
            | Self::Unreachable(_)
            | Self::Silent(_)
            | Self::Standby
            | Self::ReadOnly
            | Self::NotNow(_)
            | Self::Full(_)
            | Self::Other(_) => true,
            Self::Password(_)
            | Self::NoPassword
            | Self::Refused(_)
            | Self::NoDatabase(_)
            | Self::Untrusted(_)
            | Self::NoTls => false,
        }
    }

    /// What the driver's error means.
    pub(super) fn of(error: &tokio_postgres::Error, user: &str, database: &str) -> Self {
        if let Some(answer) = error.as_db_error() {
            let message = answer.message().to_owned();
            return match *answer.code() {
                SqlState::INVALID_PASSWORD => Self::Password(user.to_owned()),
                SqlState::INVALID_AUTHORIZATION_SPECIFICATION | SqlState::INSUFFICIENT_PRIVILEGE => {
                    Self::Refused(message)
                }
                SqlState::INVALID_CATALOG_NAME => Self::NoDatabase(database.to_owned()),
                SqlState::CANNOT_CONNECT_NOW | SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
                    Self::NotNow(message)
                }
                SqlState::TOO_MANY_CONNECTIONS => Self::Full(message),
                ref code => Self::Other(format!("{message} ({})", code.code())),
            };
        }
        for cause in causes(error) {
            if let Some(fault) = cause.downcast_ref::<io::Error>().and_then(of_io) {
                return fault;
            }
            match &*cause.to_string() {
                // The driver has no other way to tell.
                "password missing" => return Self::NoPassword,
                "server does not support TLS" => return Self::NoTls,
                _ => {}
            }
        }
        Self::Other(words(error))
    }
}

fn of_io(error: &io::Error) -> Option<Fault> {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return Some(match tls {
            rustls::Error::InvalidCertificate(why) => Fault::Untrusted(of_certificate(why)),
            other => Fault::Other(format!("TLS: {other}")),
        });
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound => Some(Fault::Nobody),
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => None,
        _ => Some(Fault::Unreachable(error.to_string())),
    }
}

fn of_certificate(why: &CertificateError) -> String {
    use CertificateError as Bad;
    match why {
        Bad::UnknownIssuer => "no authority that is believed (sslrootcert) has signed it".to_owned(),
        Bad::NotValidForName | Bad::NotValidForNameContext { .. } => {
            "it is for another name; only its subject alternative names count".to_owned()
        }
        Bad::Expired | Bad::ExpiredContext { .. } => "its time is over".to_owned(),
        Bad::NotValidYet | Bad::NotValidYetContext { .. } => "its time hasn't begun".to_owned(),
        other => other.to_string(),
    }
}

/// An error and what caused it, outermost first.
fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'e (dyn StdError + 'static)| (*error).source())
}

/// An error's own words and those of its causes.
pub(super) fn words(error: &(dyn StdError + 'static)) -> String {
    causes(error).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

fn told(tries: &[Try]) -> String {
    let words: Vec<String> = tries.iter().map(Try::to_string).collect();
    words.join("; ")
}

impl fmt::Display for Try {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.server, self.fault)
    }
}
