//! Doubt: an answer that isn't clear is never taken for done, and nothing is repeated behind our back.

use serde_json::{Value, json};

use super::{Asked, of_all, of_contacts};
use crate::conformance::Check;
use crate::conformance::ground::{Ground, NOW, is};
use crate::conformance::sort;
use crate::domain::connection::{Capabilities, ProviderKind};
use crate::providers::Ruling;
use crate::providers::{Called, Glance, Outcome};
use crate::sandbox::Call;

/// Much longer than a call may take.
const LATE_MS: u64 = 5_000;

pub const TIMEOUT: Check = Check {
    name: "time-out",
    about: "no answer in time leaves it in doubt",
    asked_of: of_all,
    run: |ground| Box::pin(is_late(ground, json!({ "kind": "timeout", "millis": LATE_MS }))),
};

pub const RESET: Check = Check {
    name: "reset",
    about: "a connection that is closed without an answer leaves it in doubt",
    asked_of: of_all,
    run: |ground| Box::pin(doubts(ground, json!({ "kind": "reset" }))),
};

pub const GHOST: Check = Check {
    name: "done and failed",
    about: "a failure that is told of what was done all the same leaves it in doubt",
    asked_of: of_all,
    run: |ground| Box::pin(ghosts(ground)),
};

async fn ghosts(ground: &Ground) -> Result<(), String> {
    doubts(ground, json!({ "kind": "ghost" })).await?;
    ground.sandbox.clear_faults();
    doubts(ground, json!({ "kind": "ghost", "status": 504 })).await
}

pub const TRUNCATED: Check = Check {
    name: "cut off",
    about: "an answer that breaks off leaves it in doubt, whatever its status",
    asked_of: reads_answers,
    run: |ground| Box::pin(doubts(ground, json!({ "kind": "truncate" }))),
};

pub const DRIP: Check = Check {
    name: "drip",
    about: "an answer that comes too slowly to be read leaves it in doubt, whatever its status",
    asked_of: reads_answers,
    run: |ground| Box::pin(is_late(ground, json!({ "kind": "drip", "millis": LATE_MS }))),
};

pub const SLOW: Check = Check {
    name: "late",
    about: "an answer that comes too late leaves it in doubt, though it was done; one in time is taken",
    asked_of: of_all,
    run: |ground| Box::pin(slow(ground)),
};

async fn slow(ground: &Ground) -> Result<(), String> {
    let whom = ground.whom().await?;
    ground.fault(&json!({ "kind": "slow", "millis": 20 }))?;
    is(&ground.act(whom.as_ref()).await, Ruling::Done)?;
    ground.sandbox.clear_faults();
    is_late(ground, json!({ "kind": "slow", "millis": LATE_MS })).await
}

/// One act in which this goes wrong is in doubt, and one call is made for it.
async fn doubts(ground: &Ground, fault: Value) -> Result<(), String> {
    let whom = ground.whom().await?;
    ground.fault(&fault)?;
    let (called, calls) = ground.calls_of(ground.act(whom.as_ref())).await;
    once_and_in_doubt(&called, &calls)
}

/// The same of what comes too late.
async fn is_late(ground: &Ground, fault: Value) -> Result<(), String> {
    let whom = ground.whom().await?;
    ground.warm_up(whom.as_ref()).await?;
    ground.fault(&fault)?;
    let (called, calls) = ground.calls_of(ground.act_hurriedly(whom.as_ref())).await;
    once_and_in_doubt(&called, &calls)
}

fn once_and_in_doubt(called: &Called, calls: &[Call]) -> Result<(), String> {
    is(called, Ruling::InDoubt)?;
    if calls.len() == 1 { Ok(()) } else { Err(format!("{} calls were made for it", calls.len())) }
}

pub const FOREIGN: Check = Check {
    name: "foreign page",
    about: "a page of somebody else's under 200 is no answer",
    asked_of: of_contacts,
    run: |ground| Box::pin(foreign(ground)),
};

async fn foreign(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    ground.fault(&json!({ "kind": "foreign" }))?;
    let asked = ground.subject.find(&person.by, &Glance::default(), NOW).await;
    let outcome = asked.answer.map_or_else(|outcome| outcome, |found| Outcome::Dead { reason: format!("{found:?}") });
    is(&Called { attempt: asked.attempt, outcome }, Ruling::InDoubt)?;
    is(&ground.read(&person).await, Ruling::InDoubt)?;
    is(&ground.act(Some(&person)).await, Ruling::InDoubt)
}

pub const SHARE: Check = Check {
    name: "failing now and then",
    about: "where a share of the calls fails, what is said to be done is, and all of it gets through",
    asked_of: of_contacts,
    run: |ground| Box::pin(gets_through(ground, json!({ "kind": "rate", "status": 503, "share": 0.5, "seed": 7 }))),
};

pub const MIXED: Check = Check {
    name: "all that passes",
    about: "among all faults that pass, what is said to be done is, and all of it gets through",
    asked_of: of_contacts,
    run: |ground| Box::pin(gets_through(ground, json!({ "kind": "mixed", "share": 0.5, "seed": 1, "millis": 1 }))),
};

/// Tries of one act, until it is a fault of the subject and not of chance.
const MOST_TRIES: usize = 40;

async fn gets_through(ground: &Ground, fault: Value) -> Result<(), String> {
    let mut people = Vec::new();
    for n in 0..40 {
        people.push(ground.person_with(crate::domain::contact::ContactRef::Phone(format!("+5730000001{n:02}"))).await?);
    }
    ground.fault(&fault)?;
    for person in &people {
        let mut tries = 1;
        while sort::of(&ground.act(Some(person)).await.outcome) != Ruling::Done {
            tries += 1;
            if tries > MOST_TRIES {
                return Err(format!("{} never gets through", person.id));
            }
        }
        if ground.tags(person) != ["Lead"] {
            return Err(format!("{} is said to be done, and it isn't", person.id));
        }
    }
    Ok(())
}

/// Those whose answers say more than their status.
fn reads_answers(kind: ProviderKind, _: &Capabilities) -> Asked {
    match kind {
        ProviderKind::Webhook => {
            Err("what a receiver answers is its own affair: the status says that it has taken the body")
        }
        _ => Ok(()),
    }
}
