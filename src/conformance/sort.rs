//! What an outcome is, reasons aside, and what it must be.

use crate::domain::connection::ProviderKind;
use crate::providers::Outcome;
use crate::providers::Ruling;

/// The ruling that an outcome came from.
pub fn of(outcome: &Outcome) -> Ruling {
    match outcome {
        Outcome::Done { .. } | Outcome::Unproven => Ruling::Done,
        Outcome::Retry { throttled: true, .. } => Ruling::Throttled,
        Outcome::Retry { in_doubt: true, .. } => Ruling::InDoubt,
        Outcome::Retry { .. } | Outcome::NotYet { .. } => Ruling::Later,
        Outcome::Dead { .. } => Ruling::Dead,
        Outcome::Lost { .. } => Ruling::Lost,
        Outcome::Refused { .. } => Ruling::Refused,
    }
}

/// What a status must be taken for. This is a second reading of the providers' pages and of HTTP, apart from the tables that the
/// providers judge by: one mistake must not be in both.
pub fn of_status(kind: ProviderKind, status: u16) -> Ruling {
    let is_hook = kind == ProviderKind::Webhook;
    match status {
        200..=299 => Ruling::Done,
        // "General", with a free message, says 1980TIC's page.
        403 if kind == ProviderKind::Tic1980 => Ruling::Dead,
        402 if !is_hook => Ruling::Refused,
        // Redirects aren't followed: the address is wrong.
        300..=399 | 401 | 403 => Ruling::Refused,
        404 if !is_hook => Ruling::Lost,
        // A proxy may have passed the call on before it gave up.
        408 => Ruling::InDoubt,
        425 => Ruling::Later,
        429 => Ruling::Throttled,
        // respond.io: the contact is busy with another change.
        449 if kind == ProviderKind::RespondIo => Ruling::Later,
        400..=499 => Ruling::Dead,
        _ => Ruling::InDoubt,
    }
}
