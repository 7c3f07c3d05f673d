//! What goes into the store and comes out of it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::contact::Past;
use super::delivery::Retry;
use super::log::Commits;
use super::postgres::{Address, Hold};
use super::schema;
use crate::clock::Clock;
use crate::domain::change::{Change, ChangeId, Ord};
use crate::domain::contact::{Contact, ContactKey};
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::time::Timestamp;

/// Why the store can't do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The disk or the file refused; nothing was half done. It may work again later.
    #[error("the store can't write or read: {0}")]
    Unavailable(String),
    /// More waits for the writer than it may hold.
    #[error("the store is busy")]
    Busy,
    /// The store has been stopped.
    #[error("the store is stopped")]
    Stopped,
    /// The file belongs to another program.
    #[error("this file is a database of another program")]
    Foreign,
    /// The file was written by a newer version.
    #[error("the database has schema {found}, this version knows up to {known}: run the newer tagrelay")]
    Newer {
        /// The file's schema.
        found: usize,
        /// Ours.
        known: usize,
    },
    /// Another gateway has the file open.
    #[error("another tagrelay has this database open")]
    Locked,
    /// A migration into the database was begun and has not come to its end.
    #[error(
        "a migration into this database has begun and isn't done: run `tagrelay migrate` again with the same --from and --to, and start the gateway when it says that all is there"
    )]
    HalfMigrated,
    /// The file was carried over into a database of several gateways.
    #[error(
        "this file was carried over into PostgreSQL at {0}: a gateway on it would call again for what waits there, and give numbers that were given there. Set TAGRELAY_DATABASE_URL to that database; or, as long as no gateway has accepted anything there, go back with `tagrelay serve --go-back`"
    )]
    Migrated(Timestamp),
    /// There is no file to copy: the database is a server's.
    #[error("this database is a PostgreSQL server's, which has tools of its own for copies: pg_basebackup, pg_dump")]
    NotAFile,
    /// A part of a server's tables is missing.
    #[error(
        "the database lacks {0}, as after a restore that broke off: put the backup into a new database, as docs/scaling.md says"
    )]
    Incomplete(String),
    /// Gateways of the other kind use the database: those that make real calls, if this one is to call a sandbox (`true`), else those
    /// that only try.
    #[error(
        "{}: give each kind a database of its own",
        if *.0 { "this database is one of gateways that make real calls, and `--sandbox` and `--sandbox-at` would take these away from them" }
        else { "this database is one of gateways with a sandbox, and what was tried there would reach real people" }
    )]
    OtherKind(bool),
    /// The file holds something that no version writes.
    #[error("the database is damaged: {0}")]
    Damaged(&'static str),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Where what is durable is.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file of this gateway's own.
    Sqlite(PathBuf),
    /// Servers that several gateways share.
    Postgres(Box<Address>),
}

impl Database {
    /// The file beside which a gateway puts what is its own; without one, a name in the folder where it runs.
    pub fn file(&self) -> PathBuf {
        match self {
            Self::Sqlite(file) => file.clone(),
            Self::Postgres(_) => PathBuf::from("tagrelay.db"),
        }
    }
}

impl Database {
    /// A file that was carried over into another database is used again: it is as any other from now on. Whether it had been.
    pub fn go_back(&self) -> Result<bool, StoreError> {
        match self {
            Self::Sqlite(file) if file.exists() => schema::go_back(file),
            Self::Sqlite(_) | Self::Postgres(_) => Ok(false),
        }
    }
}

/// Without a password.
impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => write!(f, "{}", file.display()),
            Self::Postgres(address) => write!(f, "{address}"),
        }
    }
}

/// How the store behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long events and deliveries are kept; 24 h at least.
    pub retention: Duration,
    /// The clock that stamps commits.
    pub clock: Clock,
    /// How many of a contact's changes are taken at once: what a step needs of memory is bounded, whatever has piled up.
    pub page: usize,
    /// By what people know this gateway among others.
    pub name: String,
    /// Where this gateway leaves its mark among others, so that the next process in its place takes over at once.
    pub mark: Option<PathBuf>,
    /// No call takes longer: what this gateway delivers for stays its own for as long.
    pub longest_call: Duration,
    /// Whether its calls go to a sandbox. A database that is shared belongs to gateways of one kind; `None`: nobody asks.
    pub trial: Option<bool>,
    /// Told of commits, as long as somebody listens.
    pub commits: Commits,
}

impl Options {
    /// The usual ones.
    pub fn new(retention: Duration, clock: Clock) -> Self {
        Self {
            retention,
            clock,
            page: 4_096,
            name: String::new(),
            mark: None,
            longest_call: Duration::from_secs(10),
            trial: None,
            commits: Commits::default(),
        }
    }
}

/// What there is to be heard of a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// It has something new to deliver.
    New,
    /// What is new has waited already, under the name that its contact was looked up by.
    Gathered,
    /// What waited at another gateway is tried not before this, since tries have failed.
    Later(Timestamp),
    /// Its provider asked for a wait until then, and so means everybody of the account.
    Held(Timestamp),
    /// Another gateway heard by then that others changed its tags: what is known of them from before isn't so any more.
    Outdated {
        /// When that was heard.
        by: Timestamp,
        /// Held until this was acted upon; until then whoever takes the contact is told as well.
        unheard: Arc<()>,
    },
    /// Another gateway forgot the person: whom it was found to be goes too.
    Forgotten,
    /// Another gateway may have called for older words of it since: its last words are to be said again, and then this entry is done.
    Again(i64),
    /// It is about no contact, and was said of the connection by another gateway.
    Said(Said),
}

/// What gateways tell each other of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// Somebody asked for all that waits there to be tried now.
    TryNow,
    /// It refused the credentials, or can't be called at all.
    Refused,
    /// It is well again.
    Well,
}

/// A contact that there is something to be heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wake {
    /// Whose.
    pub key: ContactKey,
    /// Where.
    pub connection: ConnectionName,
    /// What.
    pub what: What,
}

impl Wake {
    /// A contact has something new.
    pub fn of(key: ContactKey, connection: ConnectionName) -> Self {
        Self { key, connection, what: What::New }
    }
}

/// A contact with something to deliver at start.
#[derive(Debug, Clone)]
pub struct Waiting {
    /// Whose.
    pub key: ContactKey,
    /// Where.
    pub connection: ConnectionName,
    /// Not before this, when tries have failed.
    pub not_before: Option<Timestamp>,
    /// Whether nobody of the account is to be called before.
    pub throttled: bool,
}

/// What became of an event that was handed in.
#[derive(Debug, Clone, PartialEq)]
pub enum Accepted {
    /// It is on disk under this number.
    New(Ord),
    /// The same source and key came within 24 hours: nothing was stored.
    Duplicate {
        /// The number of the event that it repeats.
        ord: Ord,
        /// The rules that matched then.
        rules: Vec<RuleId>,
        /// What was answered then.
        reply: Vec<u8>,
        /// Whether this body is another one under the same key.
        differs: bool,
    },
}

/// A dead letter that is tried again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Again {
    /// Which.
    pub id: ChangeId,
    /// Whether its connection lists its tag by now, which it was refused for.
    pub mended: bool,
}

/// What a contact waits for, with what a fold needs.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Whom it is about; `None` when nothing waits.
    pub contact: Option<Contact>,
    /// What waits, oldest first.
    pub changes: Vec<(ChangeId, Change)>,
    /// Whether more waits behind these.
    pub more: bool,
    /// What has happened to the contact so far.
    pub past: Past,
    /// Tries that failed so far.
    pub retry: Option<Retry>,
    /// When another gateway was told that others have changed its tags, of which the lane may not have heard yet.
    pub outdated: Option<Timestamp>,
    /// Held as long as the step goes on, where several gateways share the database: the contact isn't another's meanwhile.
    pub hold: Option<Arc<Hold>>,
}

/// A connection's pause.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Paused {
    /// Since when, if it is paused now.
    pub since: Option<Timestamp>,
    /// Why.
    pub reason: String,
    /// Milliseconds of earlier pauses.
    pub before_ms: i64,
    /// What kind of pause it is.
    pub kind: PauseKind,
}

/// Why a connection isn't called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PauseKind {
    /// Its credentials or its address are refused: a person has to mend something.
    #[default]
    Refused,
    /// Too many of its calls fail: the breaker is open.
    Failing,
}

impl PauseKind {
    /// What [`Self::word`] writes.
    pub fn of_word(word: &str) -> Self {
        if word == Self::Failing.word() { Self::Failing } else { Self::Refused }
    }

    /// As it is stored.
    pub fn word(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Failing => "failing",
        }
    }
}
