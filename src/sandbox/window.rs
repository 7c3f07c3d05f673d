//! How many calls came in within the last window.

use std::collections::VecDeque;

use crate::domain::duration::Rate;
use crate::domain::time::Timestamp;

/// The calls of the last window.
#[derive(Debug, Default)]
pub struct Window(VecDeque<Timestamp>);

impl Window {
    /// Counts a call in, unless the window is full.
    pub fn admits(&mut self, limit: Rate, now: Timestamp) -> bool {
        let window = i64::try_from(limit.window.as_millis()).unwrap_or(i64::MAX);
        while self.0.front().is_some_and(|start| now.since(*start) >= window) {
            self.0.pop_front();
        }
        let has_room = self.0.len() < limit.calls as usize;
        if has_room {
            self.0.push_back(now);
        }
        has_room
    }

    /// How many were counted in.
    #[cfg(test)]
    pub fn calls(&self) -> usize {
        self.0.len()
    }
}
