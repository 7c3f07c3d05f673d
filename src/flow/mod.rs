//! What tagrelay does, use case by use case: receive, fold, converge, deliver.

pub mod allowance;
pub mod batch;
pub mod converge;
pub mod deliver;
pub mod fold;
pub mod gateway;
pub mod lane;
pub mod metrics;
pub mod preview;
pub mod receive;
pub mod retry;
