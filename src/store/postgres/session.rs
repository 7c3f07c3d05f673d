//! A connection to PostgreSQL that is asked from a thread: [`Sql`] over it, in transactions.
//!
//! Statements go as they are, without being prepared by name, so that a pooler in transaction mode may stand between. What nobody
//! waits for is held back and sent together with what comes after it, in one round trip.

use std::cell::{Cell, RefCell};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use tokio::runtime::Runtime;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row as PgRow};

use super::address::Address;
use crate::domain::contact::ContactKey;
use crate::store::StoreError;
use crate::store::sql::{Arg, Each, Row, Sql};

/// How long an answer is waited for. A server that takes longer is treated as one that is gone.
pub(super) const PATIENCE: Duration = Duration::from_secs(15);
/// A transaction whose gateway was stopped in the middle of it is ended by the server: others wait for its locks.
const BEGIN: &str = "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL statement_timeout = '12s'";
/// For look-ups: one moment's state, whatever is written meanwhile.
const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL statement_timeout = '12s'";
/// For moving much: a slow line or disk is no reason to give up.
const BEGIN_PATIENTLY: &str =
    "BEGIN; SET LOCAL idle_in_transaction_session_timeout = '60s'; SET LOCAL statement_timeout = 0";
const PATIENTLY: Duration = Duration::from_mins(30);
/// A connection that nobody asked for so long may have been closed meanwhile.
const QUIET: Duration = Duration::from_millis(50);
/// Rows that are fetched at once of an answer that may be large: few at first, for most readers stop soon.
const FETCHED: [usize; 3] = [16, 64, 256];

/// A value that outlives whoever gave it.
enum Held {
    Int(Option<i64>),
    Text(Option<String>),
    Blob(Option<Vec<u8>>),
    Ints(Vec<i64>),
    Texts(Vec<String>),
    Blobs(Vec<Option<Vec<u8>>>),
    Keys(Vec<Option<Key>>),
    SomeInts(Vec<Option<i64>>),
    SomeTexts(Vec<Option<String>>),
    Yes(bool),
}

/// A key of 16 bytes, as a byte string.
#[derive(Debug)]
pub(in crate::store) struct Key(pub [u8; 16]);

impl ToSql for Key {
    fn to_sql(&self, of: &Type, to: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        self.0.as_slice().to_sql(of, to)
    }

    fn accepts(of: &Type) -> bool {
        <&[u8] as ToSql>::accepts(of)
    }

    to_sql_checked!();
}

/// A value of a statement that only PostgreSQL is asked: besides the usual ones, lists of them.
pub(in crate::store) enum Many<'a> {
    /// One value.
    One(Arg<'a>),
    /// Bytes that needn't be copied.
    Bytes(Vec<u8>),
    /// Numbers.
    Ints(Vec<i64>),
    /// Texts.
    Texts(Vec<String>),
    /// Byte strings, some of them missing.
    Blobs(Vec<Option<Vec<u8>>>),
    /// Keys, some of them missing.
    Keys(Vec<Option<Key>>),
    /// Yes or no.
    Yes(bool),
    /// Numbers, some of them missing.
    SomeInts(Vec<Option<i64>>),
    /// Texts, some of them missing.
    SomeTexts(Vec<Option<String>>),
}

impl Many<'_> {
    /// Keys of contacts.
    pub fn keys<'k>(keys: impl IntoIterator<Item = &'k ContactKey>) -> Self {
        Self::Keys(keys.into_iter().map(|key| Some(Key(key.0))).collect())
    }
}

impl Held {
    fn of(arg: &Arg<'_>) -> Self {
        match *arg {
            Arg::Int(number) => Self::Int(Some(number)),
            Arg::NoInt => Self::Int(None),
            Arg::Text(text) => Self::Text(Some(text.to_owned())),
            Arg::NoText => Self::Text(None),
            Arg::Blob(bytes) => Self::Blob(Some(bytes.to_vec())),
            Arg::NoBlob => Self::Blob(None),
        }
    }

    fn of_many(value: Many<'_>) -> Self {
        match value {
            Many::One(arg) => Self::of(&arg),
            Many::Bytes(bytes) => Self::Blob(Some(bytes)),
            Many::Ints(numbers) => Self::Ints(numbers),
            Many::Texts(texts) => Self::Texts(texts),
            Many::Blobs(blobs) => Self::Blobs(blobs),
            Many::Keys(keys) => Self::Keys(keys),
            Many::Yes(yes) => Self::Yes(yes),
            Many::SomeInts(numbers) => Self::SomeInts(numbers),
            Many::SomeTexts(texts) => Self::SomeTexts(texts),
        }
    }

    fn typed(&self) -> (&(dyn ToSql + Sync), Type) {
        match self {
            Self::Int(value) => (value, Type::INT8),
            Self::Text(value) => (value, Type::TEXT),
            Self::Blob(value) => (value, Type::BYTEA),
            Self::Ints(values) => (values, Type::INT8_ARRAY),
            Self::Texts(values) => (values, Type::TEXT_ARRAY),
            Self::Blobs(values) => (values, Type::BYTEA_ARRAY),
            Self::Keys(values) => (values, Type::BYTEA_ARRAY),
            Self::Yes(value) => (value, Type::BOOL),
            Self::SomeInts(values) => (values, Type::INT8_ARRAY),
            Self::SomeTexts(values) => (values, Type::TEXT_ARRAY),
        }
    }
}

/// A statement on its way.
enum Statement {
    /// Without values and without an answer, or several of them.
    Batch(&'static str),
    /// With values.
    One { sql: String, values: Vec<Held> },
}

/// The rows of an answer, and how many rows a statement concerned.
type Answer = (Vec<PgRow>, u64);

impl Statement {
    /// Of the common SQL, whose values are `?1`, `?2`.
    fn common(sql: &str, args: &[Arg<'_>]) -> Self {
        Self::One { sql: sql.replace('?', "$"), values: args.iter().map(Held::of).collect() }
    }

    /// Of PostgreSQL's own.
    fn own(sql: &str, values: Vec<Many<'_>>) -> Self {
        Self::One { sql: sql.to_owned(), values: values.into_iter().map(Held::of_many).collect() }
    }

    async fn answer(&self, client: &Client) -> Result<Answer, tokio_postgres::Error> {
        match self {
            Self::Batch(sql) => client.batch_execute(sql).await.map(|()| (Vec::new(), 0)),
            Self::One { sql, values } => {
                let values = values.iter().map(Held::typed);
                let mut rows = pin!(client.query_typed_raw(sql, values).await?);
                let mut all = Vec::new();
                while let Some(row) = rows.as_mut().try_next().await? {
                    all.push(row);
                }
                Ok((all, rows.rows_affected().unwrap_or(0)))
            }
        }
    }
}

/// A statement whose answer is awaited.
pub(super) type Flight = Pin<Box<dyn Future<Output = Result<Vec<PgRow>, StoreError>>>>;

/// A connection, opened when it is first asked and after a fault anew.
pub(in crate::store) struct Session {
    address: Address,
    /// Drives the connection while an answer is waited for. It is there until the end.
    runtime: Option<Runtime>,
    client: RefCell<Option<Arc<Client>>>,
    /// When it was last asked.
    asked: Cell<Option<Instant>>,
    /// What is sent with the next question.
    held: RefCell<Vec<Statement>>,
    /// Names of cursors.
    cursors: Cell<u32>,
    /// How long an answer is waited for, and how a transaction that writes begins.
    pace: (Duration, &'static str),
}

impl Session {
    /// One that isn't connected yet.
    pub fn new(address: Address) -> Result<Self, StoreError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let (client, asked) = (RefCell::default(), Cell::default());
        let (held, cursors) = (RefCell::default(), Cell::new(0));
        Ok(Self { address, runtime: Some(runtime), client, asked, held, cursors, pace: (PATIENCE, BEGIN) })
    }

    /// One that moves much and waits for it.
    pub fn patient(address: Address) -> Result<Self, StoreError> {
        let mut this = Self::new(address)?;
        this.pace = (PATIENTLY, BEGIN_PATIENTLY);
        Ok(this)
    }

    /// Where the server is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Carries out `work` in a transaction: all of it or nothing. Whatever fails, the connection goes with it: nobody knows what state
    /// it is in, and a server that takes no writes any more is left at once.
    pub fn write<T>(&self, work: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.transaction(self.pace.1, work)
    }

    /// Looks at one moment's state.
    pub fn read<T>(&self, work: impl FnOnce(&Self) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.transaction(BEGIN_READING, work)
    }

    fn transaction<T>(
        &self,
        begin: &'static str,
        work: impl FnOnce(&Self) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.connect()?;
        *self.held.borrow_mut() = vec![Statement::Batch(begin)];
        let done = work(self).and_then(|done| self.together(&Statement::Batch("COMMIT")).map(|_| done));
        if done.is_err() {
            self.leave();
        }
        done
    }

    /// One statement that is a transaction by itself.
    pub fn alone(&self, sql: &str, values: Vec<Many<'_>>) -> Result<Vec<PgRow>, StoreError> {
        self.connect()?;
        let answer = self.together(&Statement::own(sql, values));
        if answer.is_err() {
            self.leave();
        }
        answer.map(|(rows, _)| rows)
    }

    /// Sends a statement that is a transaction by itself, as soon as it is waited for; others may be sent behind it meanwhile, and are
    /// carried out one after the other. Whoever waits says for how long: [`PATIENCE`].
    pub(super) fn begin(&self, sql: &'static str, values: Vec<Many<'_>>) -> Flight {
        let (connected, statement) = (self.connect(), Statement::own(sql, values));
        let client = self.client.borrow().clone();
        Box::pin(async move {
            connected?;
            let client = client.ok_or_else(|| StoreError::Unavailable("the database is not connected".to_owned()))?;
            statement.answer(&client).await.map(|(rows, _)| rows).map_err(|error| failed(&error))
        })
    }

    /// A question of PostgreSQL's own, inside of a transaction.
    pub fn ask(&self, sql: &str, values: Vec<Many<'_>>) -> Result<Vec<PgRow>, StoreError> {
        self.together(&Statement::own(sql, values)).map(|(rows, _)| rows)
    }

    /// Several such questions in one round trip; the rows of each.
    pub fn ask_all(&self, questions: Vec<(&str, Vec<Many<'_>>)>) -> Result<Vec<Vec<PgRow>>, StoreError> {
        let asked: Vec<Statement> = questions.into_iter().map(|(sql, values)| Statement::own(sql, values)).collect();
        Ok(self.exchange(&asked)?.into_iter().map(|(rows, _)| rows).collect())
    }

    /// The same of one moment's state: a transaction by itself, in one round trip.
    pub fn look(&self, questions: Vec<(&str, Vec<Many<'_>>)>) -> Result<Vec<Vec<PgRow>>, StoreError> {
        self.connect()?;
        *self.held.borrow_mut() = vec![Statement::Batch(BEGIN_READING)];
        let asked = questions.into_iter().map(|(sql, values)| Statement::own(sql, values));
        let asked: Vec<Statement> = asked.chain([Statement::Batch("COMMIT")]).collect();
        let answers = self.exchange(&asked);
        if answers.is_err() {
            self.leave();
        }
        let mut answers = answers?;
        // The last one is the commit's.
        answers.pop();
        Ok(answers.into_iter().map(|(rows, _)| rows).collect())
    }

    /// Several statements in one text that nobody waits for.
    pub fn batch(&self, sql: &'static str) {
        self.held.borrow_mut().push(Statement::Batch(sql));
    }

    /// Drops the connection; the next question opens another.
    pub fn leave(&self) {
        self.client.borrow_mut().take();
        self.held.borrow_mut().clear();
    }

    /// Waits for this while the connection is driven.
    pub fn wait<T>(&self, answer: impl Future<Output = T>) -> Result<T, StoreError> {
        self.runtime.as_ref().map(|runtime| runtime.block_on(answer)).ok_or(StoreError::Stopped)
    }

    fn connect(&self) -> Result<(), StoreError> {
        if self.asked.replace(Some(Instant::now())).is_some_and(|last| last.elapsed() >= QUIET) {
            // The runtime stands still between questions: what the server or the network did meanwhile is heard only now. The first
            // turn looks at the socket, the second reads it, the third is one to spare.
            self.wait(async {
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
            })?;
        }
        if self.client.borrow().as_ref().is_some_and(|client| !client.is_closed()) {
            return Ok(());
        }
        let connected = self.wait(self.address.connect(None))?;
        let client = connected.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        *self.client.borrow_mut() = Some(Arc::new(client));
        Ok(())
    }

    /// Sends what was held back and this behind it, in order, and waits for all of it.
    fn together(&self, last: &Statement) -> Result<Answer, StoreError> {
        Ok(self.exchange(std::slice::from_ref(last))?.pop().unwrap_or_default())
    }

    /// The same of several; the answers to these.
    fn exchange(&self, asked: &[Statement]) -> Result<Vec<Answer>, StoreError> {
        let held = std::mem::take(&mut *self.held.borrow_mut());
        let client = self.client.borrow();
        let Some(client) = client.as_ref() else {
            return Err(StoreError::Unavailable("the database is not connected".to_owned()));
        };
        let all = held.iter().chain(asked).map(|statement| statement.answer(client));
        // Each puts its message into the connection's queue when it is first polled, which is done in this order.
        let answered = self.wait(async { tokio::time::timeout(self.pace.0, join_all(all)).await })?;
        let answers = answered.map_err(|_| StoreError::Unavailable("the database didn't answer".to_owned()))?;
        let answers: Result<Vec<Answer>, _> = answers.into_iter().collect();
        Ok(answers.map_err(|error| failed(&error))?.split_off(held.len()))
    }
}

impl Drop for Session {
    /// A runtime that is dropped where others run on one would panic.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The server's words, and its code; never a value of the statement.
pub(super) fn failed(error: &tokio_postgres::Error) -> StoreError {
    StoreError::Unavailable(match error.as_db_error() {
        Some(said) => format!("the database said: {} (SQLSTATE {})", said.message(), said.code().code()),
        None => format!("the database: {error}"),
    })
}

impl Sql for Session {
    fn run(&self, sql: &str, args: &[Arg<'_>]) -> Result<usize, StoreError> {
        self.together(&Statement::common(sql, args)).map(|(_, concerned)| concerned as usize)
    }

    fn send(&self, sql: &str, args: &[Arg<'_>]) -> Result<(), StoreError> {
        self.held.borrow_mut().push(Statement::common(sql, args));
        Ok(())
    }

    fn each(&self, sql: &str, args: &[Arg<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        let number = self.cursors.get().wrapping_add(1);
        self.cursors.set(number);
        let declare = format!("DECLARE c{number} NO SCROLL CURSOR FOR {sql}");
        self.send(&declare, args)?;
        for rows in FETCHED.into_iter().chain(std::iter::repeat(FETCHED[2])) {
            let (fetched, _) = self.together(&Statement::own(&format!("FETCH {rows} FROM c{number}"), Vec::new()))?;
            for row in &fetched {
                if !each(Row::Postgres(row))? {
                    return self.send(&format!("CLOSE c{number}"), &[]);
                }
            }
            if fetched.len() < rows {
                return self.send(&format!("CLOSE c{number}"), &[]);
            }
        }
        Ok(())
    }

    fn few(&self, sql: &str, args: &[Arg<'_>], each: &mut Each<'_>) -> Result<(), StoreError> {
        let (rows, _) = self.together(&Statement::common(sql, args))?;
        for row in &rows {
            if !each(Row::Postgres(row))? {
                break;
            }
        }
        Ok(())
    }
}
