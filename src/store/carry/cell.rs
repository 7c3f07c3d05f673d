//! A value on its way from one database to the other.

use std::fmt;

use sha2::{Digest, Sha256};

use super::tables::{Kind, Table};
use crate::store::StoreError;
use crate::store::sql::{Arg, Row};

/// One value. Both databases sort keys as these are sorted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    None,
    Int(i64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    /// A column of a row.
    pub fn of(row: &Row<'_>, column: usize, kind: Kind) -> Result<Self, StoreError> {
        Ok(match kind {
            Kind::Int => row.int_if_any(column)?.map(Self::Int),
            // The one letter that PostgreSQL's texts can't hold; what is JSON writes it otherwise.
            Kind::Text => row.text_if_any(column)?.map(|text| Self::Text(text.replace('\0', "\u{fffd}"))),
            Kind::Blob => row.blob_if_any(column)?.map(|bytes| Self::Blob(bytes.to_vec())),
        }
        .unwrap_or(Self::None))
    }

    /// As a statement's value.
    pub fn arg(&self) -> Arg<'_> {
        match self {
            Self::None => Arg::NoInt,
            Self::Int(number) => Arg::Int(*number),
            Self::Text(text) => Arg::Text(text),
            Self::Blob(bytes) => Arg::Blob(bytes),
        }
    }

    /// About how much room it takes.
    pub fn bytes(&self) -> usize {
        match self {
            Self::None | Self::Int(_) => 8,
            Self::Text(text) => text.len() + 8,
            Self::Blob(bytes) => bytes.len() + 8,
        }
    }
}

/// A row's columns.
pub(super) fn cells(row: &Row<'_>, columns: &[(&str, Kind)]) -> Result<Vec<Cell>, StoreError> {
    columns.iter().enumerate().map(|(place, (_, kind))| Cell::of(row, place, *kind)).collect()
}

/// What a row hashes to. The server works out the same, see `tables.rs`.
pub(super) fn hash(cells: &[Cell]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for cell in cells {
        match cell {
            Cell::None => hasher.update([0]),
            Cell::Int(number) => hasher.update([&[1], number.to_be_bytes().as_slice()].concat()),
            Cell::Text(text) => hasher.update([&[1], Sha256::digest(text).as_slice()].concat()),
            Cell::Blob(bytes) => hasher.update([&[1], Sha256::digest(bytes).as_slice()].concat()),
        }
    }
    hasher.finalize().into()
}

/// A key for people: its columns with a stroke between them.
pub(super) fn key_text(table: &Table, key: &[Cell]) -> String {
    let named = table.key().iter().zip(key).map(|((name, _), cell)| format!("{name} {cell}"));
    named.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Int(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Blob(bytes) => f.write_str(&hex::encode(bytes)),
        }
    }
}
