//! What the benchmarks send and judge: the signed request and the rule directory, the same for all of them.

mod message;
mod rule_files;

pub use message::{Message, SECRET};
pub use rule_files::{SOURCE, rule_files};
