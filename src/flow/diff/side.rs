//! One of the two sets, with the town in which its changes happen.

use std::collections::HashMap;

use super::Ends;
use super::forecast::Forecast;
use crate::domain::change::Change;
use crate::domain::contact::Contact;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::rules::{Catalog, Happened, People};

/// What a last word is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A tag.
    Tag(TagName),
    /// A field.
    Field(String),
}

/// A last word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// The tag is to be there, or not.
    Tag(bool),
    /// The field has this value.
    Field(OwnedJson),
}

/// Hears each word on a contact.
pub type Words<'w> = dyn FnMut(&Contact, Subject, State) + 'w;

/// A set and its town.
pub struct Side<'s> {
    /// The set.
    pub catalog: &'s Catalog,
    people: People,
    /// The calls that follow.
    pub forecast: Forecast<'s>,
}

impl<'s> Side<'s> {
    /// A town in which nothing has happened.
    pub fn new(catalog: &'s Catalog) -> Self {
        Self { catalog, people: People::default(), forecast: Forecast::new(catalog.connections()) }
    }

    /// Lets time go by.
    pub fn go_on_to(&mut self, now: Timestamp, words: &mut Words<'_>) {
        while let Some(end) = self.people.next_end().filter(|end| *end <= now) {
            let forecast = &mut self.forecast;
            forecast.go_on_to(end);
            self.people.pass_heard(end, &mut |contact, happened| tell(contact, happened, end, forecast, words));
        }
        self.forecast.go_on_to(now);
    }

    /// Carries out what an event asks for.
    pub fn carry_out(&mut self, changes: &[Change], now: Timestamp, words: &mut Words<'_>) {
        let forecast = &mut self.forecast;
        for change in changes {
            forecast.meant(change, now);
        }
        self.people.apply_heard(changes, now, &mut |contact, happened| tell(contact, happened, now, forecast, words));
    }
}

fn tell(contact: &Contact, happened: Happened<'_>, at: Timestamp, forecast: &mut Forecast<'_>, words: &mut Words<'_>) {
    forecast.hear(contact, happened, at);
    match happened {
        Happened::Tag(tag, wants) => words(contact, Subject::Tag(tag.clone()), State::Tag(wants)),
        Happened::Set(field, value) => words(contact, Subject::Field(field.to_owned()), State::Field(value.clone())),
        Happened::Meant | Happened::Forward(_) | Happened::Came(..) => {}
    }
}

/// Keeps a word on a contact, in the list of one of the two.
pub fn word(
    ends: &mut HashMap<Contact, Ends>,
    contact: &Contact,
    subject: Subject,
    state: State,
    of: impl Fn(&mut Ends) -> &mut Vec<(Subject, State)>,
) {
    if !ends.contains_key(contact) {
        ends.insert(contact.clone(), Ends::default());
    }
    let Some(kept) = ends.get_mut(contact) else { return };
    let words = of(kept);
    match words.binary_search_by(|(known, _)| known.cmp(&subject)) {
        Ok(place) => {
            if let Some((_, known)) = words.get_mut(place) {
                *known = state;
            }
        }
        Err(place) => words.insert(place, (subject, state)),
    }
}
