//! What tagrelay does, use case by use case: receive, fold, converge, deliver.

pub mod allowance;
pub mod converge;
pub mod deliver;
pub mod fold;
pub mod lane;
pub mod retry;
