//! tagrelay: a gateway between what people say to a bot and the tags a business keeps on them.
//!
//! The rooms and who may know whom: `domain <- rules, sources, providers, store <- flow <- http, cli <- main`.
//! ARCHITECTURE.md shows the way.

pub mod cli;
pub mod clock;
pub mod conformance;
pub mod domain;
pub mod flow;
pub mod http;
pub mod providers;
pub mod rules;
pub mod sandbox;
pub mod settings;
pub mod sources;
pub mod store;
pub mod trust;
pub mod vault;
