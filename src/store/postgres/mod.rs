//! PostgreSQL: many gateways, one database.
//!
//! Any gateway accepts any event; a contact's bucket has one owner at a time, which alone delivers for it. What is written often has
//! statements of its own here; the rest is the common SQL over a [`Session`].

mod accept;
mod address;
mod ahead;
mod beat;
mod connect;
mod engine;
mod fault;
mod gathering;
mod inbox;
mod intakes;
mod keep;
mod keywords;
mod lots;
mod mark;
mod member;
pub(super) mod others;
mod pace;
pub(super) mod partitions;
mod retain;
pub(super) mod schema;
mod session;
mod shared;
mod standing;
mod starts;
mod tls;

pub use address::Address;
pub use fault::{ConnectError, Fault, Try};
pub use others::Peer;
pub(super) use session::{Many, Session};
pub(super) use shared::Shared;
pub use standing::Hold;
pub(super) use standing::Standing;
