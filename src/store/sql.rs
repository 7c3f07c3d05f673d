//! One way to ask a database, whichever it is: SQL that SQLite and PostgreSQL both understand, with `?1`, `?2` for its values.
//!
//! What is asked often is written for each of the two by itself (`writer.rs`, `postgres`); all the rest goes through here, so that
//! both give the same answers because it is the same code.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};

use super::StoreError;

/// A value of a statement.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arg<'a> {
    /// A number.
    Int(i64),
    /// No number.
    NoInt,
    /// Text.
    Text(&'a str),
    /// No text.
    NoText,
    /// Bytes.
    Blob(&'a [u8]),
    /// No bytes.
    NoBlob,
}

impl From<i64> for Arg<'_> {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Arg<'_> {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<bool> for Arg<'_> {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<Option<i64>> for Arg<'_> {
    fn from(value: Option<i64>) -> Self {
        value.map_or(Self::NoInt, Self::Int)
    }
}

impl<'a> From<&'a str> for Arg<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Arg<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<Option<&'a str>> for Arg<'a> {
    fn from(value: Option<&'a str>) -> Self {
        value.map_or(Self::NoText, Self::Text)
    }
}

impl<'a> From<&'a [u8]> for Arg<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Blob(value)
    }
}

impl<'a> From<Option<&'a [u8]>> for Arg<'a> {
    fn from(value: Option<&'a [u8]>) -> Self {
        value.map_or(Self::NoBlob, Self::Blob)
    }
}

impl From<crate::domain::change::Ord> for Arg<'_> {
    /// Those that are greater than any are greater than any for the database too.
    fn from(value: crate::domain::change::Ord) -> Self {
        Self::Int(i64::try_from(value.0).unwrap_or(i64::MAX))
    }
}

impl From<crate::domain::time::Timestamp> for Arg<'_> {
    fn from(value: crate::domain::time::Timestamp) -> Self {
        Self::Int(value.0)
    }
}

impl<'a> From<&'a crate::domain::contact::ContactKey> for Arg<'a> {
    fn from(value: &'a crate::domain::contact::ContactKey) -> Self {
        Self::Blob(&value.0)
    }
}

/// The values of a statement, in order.
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::store::sql::Arg::from($value)),*] };
}
pub(super) use args;

/// A row of an answer.
pub(super) enum Row<'r> {
    /// Of SQLite.
    Sqlite(&'r rusqlite::Row<'r>),
    /// Of PostgreSQL.
    Postgres(&'r tokio_postgres::Row),
}

const NOT_SO: StoreError = StoreError::Damaged("a column holds something else than it is for");

impl Row<'_> {
    /// A number.
    pub fn int(&self, column: usize) -> Result<i64, StoreError> {
        self.int_if_any(column)?.ok_or(NOT_SO)
    }

    /// A number that may be missing.
    pub fn int_if_any(&self, column: usize) -> Result<Option<i64>, StoreError> {
        match self {
            Self::Sqlite(row) => row.get(column).map_err(|_| NOT_SO),
            Self::Postgres(row) => row.try_get(column).map_err(|_| NOT_SO),
        }
    }

    /// Text.
    pub fn text(&self, column: usize) -> Result<&str, StoreError> {
        self.text_if_any(column)?.ok_or(NOT_SO)
    }

    /// Text that may be missing.
    pub fn text_if_any(&self, column: usize) -> Result<Option<&str>, StoreError> {
        match self {
            Self::Sqlite(row) => row.get_ref(column).and_then(|value| Ok(value.as_str_or_null()?)).map_err(|_| NOT_SO),
            Self::Postgres(row) => row.try_get(column).map_err(|_| NOT_SO),
        }
    }

    /// Bytes.
    pub fn blob(&self, column: usize) -> Result<&[u8], StoreError> {
        self.blob_if_any(column)?.ok_or(NOT_SO)
    }

    /// Bytes that may be missing.
    pub fn blob_if_any(&self, column: usize) -> Result<Option<&[u8]>, StoreError> {
        match self {
            Self::Sqlite(row) => row.get_ref(column).and_then(|value| Ok(value.as_blob_or_null()?)).map_err(|_| NOT_SO),
            Self::Postgres(row) => row.try_get(column).map_err(|_| NOT_SO),
        }
    }

    /// An event's number.
    pub fn ord(&self, column: usize) -> Result<crate::domain::change::Ord, StoreError> {
        Ok(crate::domain::change::Ord(self.int(column)? as u64))
    }

    /// A change's number, in two columns.
    pub fn change_id(&self, column: usize) -> Result<crate::domain::change::ChangeId, StoreError> {
        let index = u32::try_from(self.int(column + 1)?).map_err(|_| NOT_SO)?;
        Ok(crate::domain::change::ChangeId { ord: self.ord(column)?, index })
    }

    /// A time.
    pub fn time(&self, column: usize) -> Result<crate::domain::time::Timestamp, StoreError> {
        self.int(column).map(crate::domain::time::Timestamp)
    }

    /// A contact's key.
    pub fn key(&self, column: usize) -> Result<crate::domain::contact::ContactKey, StoreError> {
        self.blob(column).map(crate::domain::contact::ContactKey::from_hash)
    }
}

/// What a row is done with; whether there shall be another.
pub(super) type Each<'a> = dyn FnMut(Row<'_>) -> Result<bool, StoreError> + 'a;

/// A database that can be asked.
pub(super) trait Sql {
    /// Carries out a statement; how many rows it concerned.
    fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StoreError>;

    /// The same where nobody has to know how many: it may be sent along with what comes after it, and its fault is told then, at
    /// the commit at the latest.
    fn send(&self, sql: &str, args: &[Arg<'_>]) -> Result<(), StoreError>;

    /// Hands over one row after the other of an answer that may be large.
    fn each(&self, sql: &str, args: &[Arg<'_>], each: &mut Each<'_>) -> Result<(), StoreError>;

    /// Hands over the rows of an answer that is small.
    fn few(&self, sql: &str, args: &[Arg<'_>], each: &mut Each<'_>) -> Result<(), StoreError>;
}

impl dyn Sql + '_ {
    /// Reads the first row of an answer that has one row or none.
    pub fn first<T>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        read: impl FnOnce(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let (mut read, mut found) = (Some(read), None);
        self.few(sql, args, &mut |row| {
            found = read.take().map(|read| read(row)).transpose()?;
            Ok(false)
        })?;
        Ok(found)
    }

    /// Reads all rows of an answer that is small.
    pub fn all<T>(
        &self,
        sql: &str,
        args: &[Arg<'_>],
        read: impl Fn(Row<'_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut found = Vec::new();
        self.few(sql, args, &mut |row| {
            found.push(read(row)?);
            Ok(true)
        })?;
        Ok(found)
    }
}

impl ToSql for Arg<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::NoInt | Self::NoText | Self::NoBlob => ValueRef::Null,
        }))
    }
}

impl Sql for rusqlite::Connection {
    fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StoreError> {
        Ok(self.prepare_cached(sql)?.execute(rusqlite::params_from_iter(args))?)
    }

    fn send(&self, sql: &str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        self.run(sql, args).map(drop)
    }

    fn each(&self, sql: &str, args: &[Arg<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        let mut statement = self.prepare_cached(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(args))?;
        while let Some(row) = rows.next()? {
            if !each(Row::Sqlite(row))? {
                break;
            }
        }
        Ok(())
    }

    fn few(&self, sql: &str, args: &[Arg<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        self.each(sql, args, each)
    }
}
