//! Tags: what is changed is seen, and no more than may be goes in one call.

use serde_json::Value;

use super::of_contacts;
use crate::conformance::Check;
use crate::conformance::ground::{Ground, Person, is};
use crate::domain::contact::ContactRef;
use crate::providers::Direction;
use crate::providers::Ruling;

pub const ADDS: Check = Check {
    name: "adds",
    about: "a tag that is added is seen by reading",
    asked_of: of_contacts,
    run: |ground| Box::pin(adds(ground)),
};

async fn adds(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    ground.has(&person, &[]).await?;
    is(&ground.change(&person, Direction::Add, &["Lead"]).await, Ruling::Done)?;
    ground.has(&person, &["Lead"]).await
}

pub const ADDS_TWICE: Check = Check {
    name: "adds twice",
    about: "adding a tag that is there changes nothing, and is done",
    asked_of: of_contacts,
    run: |ground| Box::pin(adds_twice(ground)),
};

async fn adds_twice(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    for _ in 0..2 {
        is(&ground.change(&person, Direction::Add, &["Lead", "Ñandú"]).await, Ruling::Done)?;
    }
    ground.has(&person, &["Lead", "Ñandú"]).await
}

pub const REMOVES: Check = Check {
    name: "removes",
    about: "a tag that is removed is gone, the others stay, and removing it again is done",
    asked_of: of_contacts,
    run: |ground| Box::pin(removes(ground)),
};

async fn removes(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    is(&ground.change(&person, Direction::Add, &["Lead", "Cold"]).await, Ruling::Done)?;
    for _ in 0..2 {
        is(&ground.change(&person, Direction::Remove, &["Lead"]).await, Ruling::Done)?;
        ground.has(&person, &["Cold"]).await?;
    }
    Ok(())
}

pub const BOUND: Check = Check {
    name: "tags of a call",
    about: "as many tags as may be go in one call, exactly those that are asked for",
    asked_of: of_contacts,
    run: |ground| Box::pin(bound(ground)),
};

async fn bound(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    let names: Vec<String> = (0..ground.can().tags_per_call).map(|n| format!("Tag {n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for direction in [Direction::Add, Direction::Remove] {
        let (called, calls) = ground.calls_of(ground.change(&person, direction, &names)).await;
        is(&called, Ruling::Done)?;
        let [call] = calls.as_slice() else { return Err(format!("{} calls were made", calls.len())) };
        let sent = texts(&call.body);
        if sent != names {
            return Err(format!("{} tags were asked for, and the call has {}: {sent:?}", names.len(), sent.len()));
        }
    }
    ground.has(&person, &[]).await
}

/// Every text in a body, in its order.
fn texts(body: &Value) -> Vec<&str> {
    match body {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().flat_map(texts).collect(),
        Value::Object(keys) => keys.values().flat_map(texts).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

pub const UNKNOWN: Check = Check {
    name: "nobody there",
    about: "a change of somebody whom the provider doesn't know, or has lost, is lost",
    asked_of: of_contacts,
    run: |ground| Box::pin(unknown(ground)),
};

async fn unknown(ground: &Ground) -> Result<(), String> {
    let stranger = Person { id: "987654".to_owned(), by: ContactRef::Phone("+579999999999".to_owned()) };
    let gone = ground.person().await?;
    ground.sandbox.lose(ground.kind.name(), &gone.id)?;
    for person in [&stranger, &gone] {
        is(&ground.change(person, Direction::Add, &["Lead"]).await, Ruling::Lost)?;
        is(&ground.change(person, Direction::Remove, &["Lead"]).await, Ruling::Lost)?;
        is(&ground.read(person).await, Ruling::Lost)?;
    }
    Ok(())
}
