//! What is carried: each table with its columns, its key first.
//!
//! One list says what is read, written and compared, so that nothing is copied that isn't checked.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Blob,
}

use Kind::{Blob, Int, Text};

/// One table.
#[derive(Debug)]
pub(super) struct Table {
    /// Its name in PostgreSQL, and for people.
    pub name: &'static str,
    /// Its columns in both databases; the first ones are the key, which both sort in the same way.
    pub columns: &'static [(&'static str, Kind)],
    /// How many of them are the key.
    pub keys: usize,
    /// What it is read from in SQLite.
    pub source: &'static str,
    /// What it is read from in PostgreSQL.
    pub target: &'static str,
    /// How its rows are counted.
    pub count: &'static str,
    /// What makes several rows of one that was read.
    pub multiplied: &'static str,
}

const fn same(name: &'static str, keys: usize, columns: &'static [(&'static str, Kind)]) -> Table {
    Table { name, columns, keys, source: name, target: name, count: "count(*)", multiplied: "" }
}

/// A request that repeats an event is a row without a key: rows that are alike are one with a number.
const DUPLICATES: &str =
    "(SELECT ord, at, differs, count(*) AS n FROM duplicate GROUP BY ord, at, differs) AS duplicates";

/// Three tables without a time are one with a time, that of the key's event. A key that came again after a day is in two of them: the
/// later event counts. What is older than a day, seen from the newest event, is known to nobody any more.
const KEYS: &str = "(SELECT k.key AS key, k.ord AS ord, l.at AS at FROM
    (SELECT key, max(ord) AS ord FROM (SELECT key, ord FROM dedup_0 UNION ALL SELECT key, ord FROM dedup_1
        UNION ALL SELECT key, ord FROM dedup_2) GROUP BY key) k
    CROSS JOIN lot l ON l.first = (SELECT m.first FROM lot m WHERE m.first <= k.ord ORDER BY m.first DESC LIMIT 1)
    WHERE l.first + l.events > k.ord AND l.at > (SELECT n.at FROM lot n ORDER BY n.first DESC LIMIT 1) - 86400000) AS keys";

/// All that a gateway knows. `meta` stays: it tells of lots that are not spread, and here all are.
pub(super) const TABLES: [Table; 15] = [
    same("lot", 1, &[("first", Int), ("at", Int), ("events", Int), ("body", Blob), ("skipped", Text)]),
    Table { source: KEYS, ..same("dedup", 1, &[("key", Blob), ("ord", Int), ("at", Int)]) },
    Table {
        source: DUPLICATES,
        target: DUPLICATES,
        count: "coalesce(sum(n), 0)",
        multiplied: ", generate_series(1, r.n)",
        ..same("duplicate", 3, &[("ord", Int), ("at", Int), ("differs", Int), ("n", Int)])
    },
    same("pending", 3, &[("contact", Blob), ("ord", Int), ("ix", Int), ("run", Int), ("change", Text)]),
    same(
        "contact",
        1,
        &[
            ("key", Blob),
            ("connection", Text),
            ("reference", Text),
            ("retry", Text),
            ("words", Text),
            ("guards", Text),
            ("more", Text),
        ],
    ),
    same("delivery", 1, &[("id", Int), ("at", Int), ("contact", Blob), ("body", Text)]),
    same(
        "dead",
        2,
        &[("ord", Int), ("ix", Int), ("contact", Blob), ("at", Int), ("body", Text), ("event", Blob), ("cause", Text)],
    ),
    same("fault", 1, &[("ord", Int)]),
    same("timer", 3, &[("due", Int), ("ord", Int), ("ix", Int), ("remove", Text), ("contact", Blob)]),
    same("alias", 2, &[("key", Blob), ("other", Blob), ("contact", Text)]),
    same("rule_set", 1, &[("hash", Text), ("at", Int), ("text", Text)]),
    same(
        "connection",
        1,
        &[("name", Text), ("paused_since", Int), ("reason", Text), ("paused_ms", Int), ("kind", Text)],
    ),
    same("started", 1, &[("id", Int), ("connection", Text), ("at", Int)]),
    same("subscription", 1, &[("id", Text), ("at", Int), ("ended", Int), ("body", Text), ("progress", Text)]),
    same("notice", 1, &[("id", Int), ("at", Int), ("body", Text)]),
];

impl Table {
    fn names(columns: &[(&str, Kind)], each: impl Fn(&str, Kind) -> String) -> String {
        columns.iter().map(|(name, kind)| each(name, *kind)).collect::<Vec<_>>().join(", ")
    }

    /// The columns of its key.
    pub fn key(&self) -> &'static [(&'static str, Kind)] {
        self.columns.get(..self.keys).unwrap_or(self.columns)
    }

    /// All rows of SQLite in the order of the key; behind a key, whose columns are `?1`, `?2`.
    pub fn read(&self, is_behind: bool) -> String {
        let plain = |name: &str, _| name.to_owned();
        let (columns, key) = (Self::names(self.columns, plain), Self::names(self.key(), plain));
        let behind = if is_behind { format!(" WHERE ({key}) > ({})", self.places('?')) } else { String::new() };
        format!("SELECT {columns} FROM {}{behind} ORDER BY {key}", self.source)
    }

    /// How many rows there are in SQLite.
    pub fn count_read(&self) -> String {
        // PostgreSQL's sum isn't a number of the same kind as its count.
        format!("SELECT CAST({} AS BIGINT) FROM {}", self.count, self.source)
    }

    /// How many rows there are in PostgreSQL.
    pub fn count_written(&self) -> String {
        format!("SELECT CAST({} AS BIGINT) FROM {}", self.count, self.target)
    }

    /// Writes rows whose columns are lists.
    pub fn write(&self) -> String {
        let plain = |name: &str, _| name.to_owned();
        let stored = self.columns.iter().filter(|(name, _)| self.multiplied.is_empty() || *name != "n");
        let stored: Vec<_> = stored.copied().collect();
        let (stored, columns) = (Self::names(&stored, plain), Self::names(self.columns, plain));
        let lists: Vec<String> = (1..=self.columns.len()).map(|place| format!("${place}")).collect();
        // Numbers that the table gives by itself are the ones that it gave.
        let own = if self.name == "started" { " OVERRIDING SYSTEM VALUE" } else { "" };
        let (name, multiplied, lists) = (self.name, self.multiplied, lists.join(", "));
        format!("INSERT INTO {name} ({stored}){own} SELECT {stored} FROM unnest({lists}) AS r ({columns}){multiplied}")
    }

    /// The greatest key in PostgreSQL.
    pub fn last(&self) -> String {
        let key = Self::names(self.key(), |name, _| name.to_owned());
        let newest = Self::names(self.key(), |name, kind| format!("{} DESC", sorted(name, kind)));
        format!("SELECT {key} FROM {} ORDER BY {newest} LIMIT 1", self.target)
    }

    /// Keys and what their rows' columns hash to in PostgreSQL, in the order of the key; behind a key, `$1`, `$2`.
    pub fn digests(&self, is_behind: bool, rows: usize) -> String {
        let key = Self::names(self.key(), |name, _| name.to_owned());
        let order = Self::names(self.key(), sorted);
        let behind = if is_behind { format!(" WHERE ({order}) > ({})", self.places('$')) } else { String::new() };
        let parts: Vec<String> = self.columns.iter().map(|(name, kind)| hashed(name, *kind)).collect();
        let digest = format!("sha256({})", parts.join(" || "));
        format!("SELECT {key}, {digest} FROM {}{behind} ORDER BY {order} LIMIT {rows}", self.target)
    }

    fn places(&self, mark: char) -> String {
        let places: Vec<String> = (1..=self.keys).map(|place| format!("{mark}{place}")).collect();
        places.join(", ")
    }
}

/// Text byte by byte, as SQLite sorts it, whatever the database's language.
fn sorted(name: &str, kind: Kind) -> String {
    if kind == Text { format!("{name} COLLATE \"C\"") } else { name.to_owned() }
}

/// What [`super::cell::hash`] gives, by the server.
fn hashed(name: &str, kind: Kind) -> String {
    let bytes = match kind {
        Int => format!("int8send({name})"),
        Text => format!("sha256(convert_to({name}, 'UTF8'))"),
        Blob => format!("sha256({name})"),
    };
    format!("coalesce('\\x01'::bytea || {bytes}, '\\x00'::bytea)")
}
