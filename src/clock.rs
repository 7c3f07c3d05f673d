//! The one place where the clock is read. Everything else is given the time, or a clock to ask.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::time::Timestamp;

/// Now, by the system's clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Milliseconds by a clock that only goes forward, whatever the system's clock is set to; they say nothing of the time of day.
pub fn steady_ms() -> i64 {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    let began = *BEGAN.get_or_init(std::time::Instant::now);
    i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX)
}

/// A clock that long-lived parts ask: the system's, or one that a test sets by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// The system's clock.
    pub fn system() -> Self {
        Self(None)
    }

    /// A clock that stands still until it is set. Clones show the same time.
    pub fn standing(at: Timestamp) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.millis()))))
    }

    /// Sets a standing clock; the system's stays what it is.
    pub fn set(&self, at: Timestamp) {
        if let Some(time) = &self.0 {
            time.store(at.millis(), Ordering::SeqCst);
        }
    }

    /// Whether it is the system's.
    pub fn is_system(&self) -> bool {
        self.0.is_none()
    }

    /// The time it shows.
    pub fn now(&self) -> Timestamp {
        self.0.as_ref().map_or_else(now, |time| Timestamp(time.load(Ordering::SeqCst)))
    }
}
