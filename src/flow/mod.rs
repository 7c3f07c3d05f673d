//! What tagrelay does, use case by use case: receive, fold, converge, deliver, reload.

mod accounts;
pub mod again;
pub mod audit;
pub mod batch;
mod breaker;
pub mod by_hand;
pub mod converge;
pub mod deliver;
pub mod desk;
pub mod fold;
pub mod forget;
pub mod gateway;
pub mod grounds;
pub mod lane;
pub mod letters;
pub mod metrics;
mod outdated;
pub mod preview;
pub mod receive;
pub mod reload;
pub mod replay;
pub mod retry;
pub mod ruleset;
mod runner;
pub mod timers;
pub mod watch;
