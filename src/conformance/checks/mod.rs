//! Every check, in the order in which they are made.

mod answers;
mod doubt;
mod people;
mod tags;

use super::Check;
use crate::domain::connection::{Capabilities, ProviderKind};

/// Every check.
pub static CHECKS: &[Check] = &[
    tags::ADDS,
    tags::ADDS_TWICE,
    tags::REMOVES,
    tags::BOUND,
    tags::UNKNOWN,
    people::FINDS_NOBODY,
    people::FINDS_ONE,
    people::FINDS_SEVERAL,
    people::CREATES,
    people::SETS,
    people::CANNOT,
    answers::STATUSES,
    answers::SECONDS,
    answers::DATE,
    answers::REFUSED_ONCE,
    answers::SECRETS,
    answers::SHAPES,
    doubt::TIMEOUT,
    doubt::RESET,
    doubt::GHOST,
    doubt::TRUNCATED,
    doubt::DRIP,
    doubt::SLOW,
    doubt::FOREIGN,
    doubt::SHARE,
    doubt::MIXED,
];

type Asked = Result<(), &'static str>;

/// Every provider is asked.
#[expect(clippy::unnecessary_wraps, reason = "it is one of several, and the others say why not")]
fn of_all(_: ProviderKind, _: &Capabilities) -> Asked {
    Ok(())
}

/// Those that have contacts.
fn of_contacts(_: ProviderKind, can: &Capabilities) -> Asked {
    if can.creates { Ok(()) } else { Err("it knows no contacts") }
}
