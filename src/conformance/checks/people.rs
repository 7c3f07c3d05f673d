//! People: each way of looking somebody up that a provider has finds nobody, one and several, and what is made is found.

use serde_json::json;

use super::of_contacts;
use crate::conformance::Check;
use crate::conformance::ground::{Ground, NOW, Person, is, owned};
use crate::domain::connection::Fields;
use crate::domain::contact::ContactRef;
use crate::providers::Ruling;
use crate::providers::{Called, Found, Glance};

/// Every way in which the provider says that it finds people.
fn ways(ground: &Ground) -> Vec<ContactRef> {
    ways_with(ground, ground.can().finds.fields)
}

/// Those of them in which somebody can be made.
fn makings(ground: &Ground) -> Vec<ContactRef> {
    ways_with(ground, ground.can().makes_with)
}

fn ways_with(ground: &Ground, fields: Fields) -> Vec<ContactRef> {
    let finds = ground.can().finds;
    let field = |name: &str| ContactRef::Field { name: name.to_owned(), value: "ana-17".to_owned() };
    let fields = match fields {
        Fields::None => Vec::new(),
        Fields::Any => vec![field("customerid")],
        Fields::Of(names) => names.iter().map(|name| field(name)).collect(),
    };
    let email = finds.email.then(|| ContactRef::Email("ana@example.com".to_owned()));
    let phone = finds.phone.then(|| ContactRef::Phone("+573001234567".to_owned()));
    email.into_iter().chain(phone).chain(fields).collect()
}

fn found(by: &ContactRef, found: &Found, wanted: &Found) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{by} finds {found:?} and not {wanted:?}")) }
}

pub const FINDS_NOBODY: Check = Check {
    name: "finds nobody",
    about: "a look-up of what nobody has finds nobody",
    asked_of: of_contacts,
    run: |ground| Box::pin(finds_nobody(ground)),
};

async fn finds_nobody(ground: &Ground) -> Result<(), String> {
    for by in ways(ground) {
        found(&by, &ground.find(&by).await?, &Found::Nobody)?;
    }
    Ok(())
}

pub const FINDS_ONE: Check = Check {
    name: "finds one",
    about: "a look-up finds whoever has it",
    asked_of: of_contacts,
    run: |ground| Box::pin(finds_one(ground)),
};

async fn finds_one(ground: &Ground) -> Result<(), String> {
    ground.person().await?;
    for by in makings(ground) {
        let person = ground.person_with(by).await?;
        found(&person.by, &ground.find(&person.by).await?, &Found::One(person.id))?;
    }
    Ok(())
}

pub const FINDS_SEVERAL: Check = Check {
    name: "finds several",
    about: "where several have it, none of them is taken for the one",
    asked_of: of_contacts,
    run: |ground| Box::pin(finds_several(ground)),
};

async fn finds_several(ground: &Ground) -> Result<(), String> {
    for by in makings(ground) {
        let one = ground.person_with(by).await?;
        let other = ground.person_with(one.by.clone()).await?;
        // Where an address or a number names one contact at most, nobody else was made.
        let wanted = if one.id == other.id { Found::One(one.id) } else { Found::Several };
        found(&one.by, &ground.find(&one.by).await?, &wanted)?;
    }
    Ok(())
}

pub const CREATES: Check = Check {
    name: "creates",
    about: "who is made is found by what it was made with, and can be tagged",
    asked_of: of_contacts,
    run: |ground| Box::pin(creates(ground)),
};

async fn creates(ground: &Ground) -> Result<(), String> {
    for by in makings(ground) {
        let made = ground.subject.create(&by, NOW).await;
        let id = made.answer.map_err(|outcome| format!("{by}: {}", outcome.verdict()))?;
        found(&by, &ground.find(&by).await?, &Found::One(id.clone()))?;
        let person = Person { id, by };
        is(&ground.act(Some(&person)).await, Ruling::Done)?;
        if ground.tags(&person) != ["Lead"] {
            return Err(format!("{} isn't who was tagged", person.by));
        }
    }
    Ok(())
}

pub const SETS: Check = Check {
    name: "sets fields",
    about: "fields that are set are seen at the contact",
    asked_of: of_contacts,
    run: |ground| Box::pin(sets(ground)),
};

async fn sets(ground: &Ground) -> Result<(), String> {
    let person = ground.person().await?;
    let (mail, plan) = (owned(&json!("ana@example.org")), owned(&json!("professional")));
    let fields = [("email", &mail), ("plan", &plan)];
    is(&ground.subject.set_fields(&ContactRef::Id(person.id.clone()), &fields, NOW).await, Ruling::Done)?;
    let contact = ground.sandbox.contact(ground.kind.name(), &person.id).unwrap_or_default().to_string();
    match ["ana@example.org", "professional"].into_iter().find(|value| !contact.contains(value)) {
        Some(value) => Err(format!("{value} isn't there: {contact}")),
        None => Ok(()),
    }
}

pub const CANNOT: Check = Check {
    name: "cannot",
    about: "what the provider can't do ends without a call",
    asked_of: super::of_all,
    run: |ground| Box::pin(cannot(ground)),
};

async fn cannot(ground: &Ground) -> Result<(), String> {
    let can = ground.can();
    let id = ContactRef::Id("7".to_owned());
    let (body, nobody) = (owned(&json!({})), Glance::default());
    let email = ContactRef::Email("ana@example.com".to_owned());
    let field = ContactRef::Field { name: "no-such-field".to_owned(), value: "1".to_owned() };
    let asked = |asked: crate::providers::Asked<Found>| match asked.answer {
        Ok(found) => Err(format!("{found:?} was found")),
        Err(outcome) => is(&Called { attempt: asked.attempt, outcome }, Ruling::Dead),
    };
    let tries = async {
        if !can.forwards {
            is(&ground.subject.forward("msg_1", &body, NOW).await, Ruling::Dead)?;
        }
        if !can.reads_tags {
            is(&ground.subject.read_tags(&id, NOW).await, Ruling::Dead)?;
        }
        if !can.sets_fields {
            is(&ground.subject.set_fields(&id, &[("plan", &body)], NOW).await, Ruling::Dead)?;
        }
        if can.tags_per_call == 0 {
            is(&ground.act(Some(&Person { id: "7".to_owned(), by: email.clone() })).await, Ruling::Dead)?;
        }
        if !can.finds.email {
            asked(ground.subject.find(&email, &nobody, NOW).await)?;
        }
        if can.creates && !can.makes_with.has("telegramId") {
            let by = ContactRef::Field { name: "telegramId".to_owned(), value: "1".to_owned() };
            let crate::providers::Asked { attempt, answer } = ground.subject.create(&by, NOW).await;
            let outcome = answer.err().unwrap_or(crate::providers::Outcome::Unproven);
            is(&Called { attempt, outcome }, Ruling::Dead)?;
        }
        if matches!(can.finds.fields, Fields::None) {
            asked(ground.subject.find(&field, &nobody, NOW).await)?;
        }
        Ok(())
    };
    let (tried, calls) = ground.calls_of(tries).await;
    tried.and_then(|()| match calls.first() {
        Some(call) => Err(format!("{} {} was called", call.method, call.path)),
        None => Ok(()),
    })
}
