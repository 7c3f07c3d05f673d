//! Outcomes by what a delivery makes of them, reasons aside.

use std::fmt;

use crate::domain::connection::ProviderKind;
use crate::providers::Outcome;

/// A sort of outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// It is done.
    Done,
    /// Later; nothing was done.
    Later,
    /// Later, and slower; nothing was done.
    Throttled,
    /// Later; it may have been done.
    InDoubt,
    /// Never.
    Dead,
    /// There is no such contact.
    Lost,
    /// The connection is ill.
    Refused,
}

impl Sort {
    /// The sort of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done { .. } | Outcome::Unproven => Self::Done,
            Outcome::Retry { throttled: true, .. } => Self::Throttled,
            Outcome::Retry { in_doubt: true, .. } => Self::InDoubt,
            Outcome::Retry { .. } | Outcome::NotYet { .. } => Self::Later,
            Outcome::Dead { .. } => Self::Dead,
            Outcome::Lost { .. } => Self::Lost,
            Outcome::Refused { .. } => Self::Refused,
        }
    }

    /// What a status must be taken for. This is a second reading of the providers' pages and of HTTP, apart from the tables that the
    /// providers judge by: one mistake must not be in both.
    pub fn of_status(kind: ProviderKind, status: u16) -> Self {
        let is_hook = kind == ProviderKind::Webhook;
        match status {
            200..=299 => Self::Done,
            // "General", with a free message, says 1980TIC's page.
            403 if kind == ProviderKind::Tic1980 => Self::Dead,
            402 if !is_hook => Self::Refused,
            // Redirects aren't followed: the address is wrong.
            300..=399 | 401 | 403 => Self::Refused,
            404 if !is_hook => Self::Lost,
            // A proxy may have passed the call on before it gave up.
            408 => Self::InDoubt,
            425 => Self::Later,
            429 => Self::Throttled,
            // respond.io: the contact is busy with another change.
            449 if kind == ProviderKind::RespondIo => Self::Later,
            400..=499 => Self::Dead,
            _ => Self::InDoubt,
        }
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "done",
            Self::Later => "retried later",
            Self::Throttled => "retried later, and slower",
            Self::InDoubt => "in doubt",
            Self::Dead => "dead",
            Self::Lost => "lost",
            Self::Refused => "refused",
        })
    }
}
