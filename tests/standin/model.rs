//! What the rules say, in the fewest words: one event after the other, nothing folded, nothing remembered.

use std::collections::{BTreeMap, BTreeSet};

use crate::{OFFER, OPT_OUT};

/// Each person's tags, by phone number.
pub type People = BTreeMap<String, BTreeSet<String>>;

/// What somebody said, as the rules see it.
#[derive(Debug, Clone)]
pub struct Heard {
    pub intent: &'static str,
    pub phone: String,
    pub tag: String,
}

/// What a rule of this intent does to the person.
pub fn apply(people: &mut People, heard: &Heard) {
    // Nobody but `new` makes a person.
    if heard.intent == "new" {
        people.entry(heard.phone.clone()).or_default();
    }
    let Some(tags) = people.get_mut(&heard.phone) else { return };
    match heard.intent {
        "add" | "phone" | "new" => drop(tags.insert(heard.tag.clone())),
        "remove" => drop(tags.remove(&heard.tag)),
        "swap" => {
            tags.remove("Cold");
            tags.insert("Hot".to_owned());
        }
        "many" => tags.extend((1..=12).map(|n| format!("M{n}"))),
        "offer" if !tags.contains(OPT_OUT) => drop(tags.insert(OFFER.to_owned())),
        "offer" => {}
        other => panic!("{other}"),
    }
}
