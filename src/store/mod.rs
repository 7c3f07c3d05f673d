//! What is durable: events, their changes, what became of them.
//!
//! One face, [`Store`], and behind it SQLite with a single writer thread that owns every table and all that waits in
//! memory. The model: an event is appended to a *lot* (one row a commit) and is durable; its deduplication key and its
//! changes stay in memory and are later *spread* in sorted slices into tables, so that intake writes no random page. A
//! delivery's settlements are appended too. What waits is therefore always `pending + lots after the watermark -
//! settlements`, and that is what a restart computes.

mod alias;
mod backup;
pub mod carry;
mod command;
mod contact;
mod dead;
mod dedup;
mod delivery;
mod events;
mod face;
mod fault;
mod forget;
mod gathered;
mod hashed;
mod keepsake;
mod log;
mod lot;
mod notice;
mod outbox;
mod pending;
pub mod postgres;
mod read;
mod record;
mod recorded;
mod recover;
mod retain;
mod runs;
mod schema;
mod shapes;
mod sieve;
mod spread;
mod sql;
mod started;
mod subscription;
mod timer;
mod view;
mod waiting;
mod wakes;
mod writer;

#[cfg(test)]
mod tests;

/// How much of what is listed is held at once, as it lies in the file: a page ends there, however many items were asked for.
const HELD: usize = 4 << 20;

pub use contact::{Once, Past, Word, Words};
pub use dead::{DeadFilter, DeadLetter};
pub use dedup::DedupKey;
pub use delivery::{Delivery, Retry, SettledChange, Settlement, TookAway};
pub use events::{EventFilter, EventLine, EventQuery};
pub use face::{
    Accepted, Again, Database, Options, PauseKind, Paused, Said, Store, StoreError, Taken, Waiting, Wake, What,
};
pub use forget::Forgotten;
pub use gathered::Gathered;
pub use log::{Behind, Commits, Gap, Log, Stretch, Written};
pub use notice::Notice;
pub use read::{ChangeState, DeadQuery, DeliveryQuery, EventView, Page, Reader};
pub use record::{EventHead, EventRecord, Intake, Origin};
pub use recorded::RecordedQuery;
pub use started::{Met, Start, Started};
pub use subscription::MOST as MOST_SUBSCRIPTIONS;
pub use timer::Timer;
pub use view::{Blame, ContactQuery, ContactRecord, ContactView};
