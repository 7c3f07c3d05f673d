//! How much of an allowance is in use, to be shown.

use serde::{Serialize, Serializer};

use crate::domain::duration::Rate;
use crate::domain::time::{Timestamp, rfc3339};

/// How an allowance stands; where several rates hold, by the one with the least left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// The rate that it is about.
    #[serde(serialize_with = "as_written")]
    pub rate: Rate,
    /// Calls that started in the window that ends now.
    pub used: usize,
    /// How many may start in a window now: fewer than the rate says while 429s slow it down.
    pub calls: u32,
    /// No call starts before this, since the provider asked for it.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "rfc3339::option")]
    pub held_until: Option<Timestamp>,
}

fn as_written<S: Serializer>(rate: &Rate, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(rate)
}
