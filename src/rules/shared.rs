//! What rule files name once and rules use everywhere.

use std::collections::HashMap;

use super::expr::Condition;
use crate::domain::hours::Hours;
use crate::domain::json::OwnedJson;

/// Named values, conditions and opening hours of a set.
#[derive(Debug, Default)]
pub struct Shared {
    /// `values.name`
    pub values: HashMap<String, OwnedJson>,
    /// `conditions.name`
    pub conditions: HashMap<String, Condition>,
    /// `open("name")`
    pub hours: HashMap<String, Hours>,
}
