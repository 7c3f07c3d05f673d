//! tagrelay: a gateway between what people say to a bot and the tags a business keeps on them.
//!
//! The rooms and who may know whom: `domain <- rules, sources, providers, store <- flow <- http, cli <- main`.
//! ARCHITECTURE.md shows the way.

pub mod clock;
pub mod domain;
pub mod rules;
pub mod vault;
