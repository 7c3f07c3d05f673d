//! Contacts with fields and tags, as respond.io's two APIs have them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{SandboxOptions, Unknown};
use crate::domain::time::Timestamp;

/// A contact.
#[derive(Debug, Clone)]
pub struct Person {
    /// Its id.
    pub id: String,
    /// Its fields.
    pub fields: Map<String, Value>,
    /// Its tags, in the order of their coming.
    pub tags: Vec<String>,
    /// When it came to be.
    pub created: Timestamp,
}

/// Why there is no such contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Nobody has this id.
    Nobody,
    /// The sandbox's own bound.
    Full,
}

/// The contacts of one account.
#[derive(Debug)]
pub struct People {
    known: BTreeMap<String, Person>,
    /// Who is gone for good, whatever becomes of the others on first use.
    lost: BTreeSet<String>,
    unknown: Unknown,
    most: usize,
    next: u64,
}

impl People {
    /// Nobody yet.
    pub fn new(options: &SandboxOptions) -> Self {
        let (known, lost) = (BTreeMap::new(), BTreeSet::new());
        Self { known, lost, unknown: options.unknown, most: options.most_contacts, next: 1 }
    }

    /// The contact with this id, who comes to be where the sandbox isn't strict.
    pub fn get(&mut self, id: &str, now: Timestamp) -> Result<&mut Person, Missing> {
        if self.lost.contains(id) || !self.known.contains_key(id) && self.unknown == Unknown::NotFound {
            return Err(Missing::Nobody);
        }
        self.or_made(id, now)
    }

    /// A new contact with the next free number as its id, written by `spell`.
    pub fn make(&mut self, spell: impl Fn(u64) -> String, now: Timestamp) -> Result<&mut Person, Missing> {
        while self.known.contains_key(&spell(self.next)) || self.lost.contains(&spell(self.next)) {
            self.next += 1;
        }
        self.or_made(&spell(self.next), now)
    }

    fn or_made(&mut self, id: &str, now: Timestamp) -> Result<&mut Person, Missing> {
        if self.known.len() >= self.most && !self.known.contains_key(id) {
            return Err(Missing::Full);
        }
        let person = || Person { id: id.to_owned(), fields: Map::new(), tags: Vec::new(), created: now };
        Ok(self.known.entry(id.to_owned()).or_insert_with(person))
    }

    /// The contact with this id, if it is there.
    pub fn known(&self, id: &str) -> Option<&Person> {
        self.known.get(id)
    }

    /// Everybody whose field has this value, in any case.
    pub fn with<'p>(&'p self, field: &'p str, value: &'p str) -> impl Iterator<Item = &'p Person> {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).to_lowercase();
        let wanted = value.to_lowercase();
        self.known.values().filter(move |person| person.fields.get(field).is_some_and(|held| text(held) == wanted))
    }

    /// The contact is gone, and its id is nobody's from now on.
    pub fn lose(&mut self, id: &str) {
        self.known.remove(id);
        self.lost.insert(id.to_owned());
    }

    /// A hand edit: the contact has exactly these tags now.
    pub fn set_tags(&mut self, id: &str, tags: &[String]) -> Result<&Person, String> {
        self.lost.remove(id);
        let person = self.or_made(id, crate::clock::now()).map_err(|_| "too many contacts".to_owned())?;
        person.tags.clear();
        person.tag(tags);
        Ok(person)
    }

    /// Every contact with its tags, or the one with this id.
    pub fn contacts(&self, id: Option<&str>) -> Vec<Value> {
        let shown = self.known.values().filter(|person| id.is_none_or(|id| person.id == id));
        shown.map(|person| json!({ "id": person.id, "tags": person.tags })).collect()
    }
}

impl Person {
    /// Appends the tags that it doesn't have yet.
    pub fn tag(&mut self, tags: &[String]) {
        for tag in tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
    }

    /// Takes tags away; one that isn't there is no mistake.
    pub fn untag(&mut self, tags: &[String]) {
        self.tags.retain(|tag| !tags.contains(tag));
    }
}

/// A list of names, of which none is blank.
pub fn names(list: &Value) -> Option<Vec<String>> {
    let name = |name: &Value| name.as_str().filter(|name| !name.trim().is_empty()).map(str::to_owned);
    list.as_array()?.iter().map(name).collect()
}

/// The `{"name","value"}` of a list of fields.
pub fn fields(list: &Value) -> Option<Vec<(String, Value)>> {
    let pair = |pair: &Value| Some((pair.get("name")?.as_str()?.to_owned(), pair.get("value")?.clone()));
    list.as_array()?.iter().map(pair).collect()
}
