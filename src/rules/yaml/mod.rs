//! YAML as a tree in which everything knows its place. The only module that knows which library reads it.

mod place;
mod quote;
mod read;
mod tree;

pub use place::byte_in_scalar;
pub use quote::{quoted, scalar};
pub use read::{meaning, read};
pub use tree::{Entry, Kind, Node};
