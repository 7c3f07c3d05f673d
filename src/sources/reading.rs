//! What a body was read into, and what of it is stored with each event.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::Json;

use super::fault::TooMuch;
use super::media::Media;

/// The most bytes that the events of one request may take in the store. A list of many small items in a large body would
/// else become many times the body.
const MAX_STORED: usize = 16 * 1024 * 1024;

/// A request's body as JSON text, which its events borrow from. JSON lies there as it came; a form or a query had to be
/// written as JSON first.
#[derive(Debug)]
pub struct JsonBody<'a> {
    pub(super) json: Cow<'a, [u8]>,
    /// How the body came; `None`: there was none, and the query stands for it.
    pub(super) media: Option<Media>,
}

impl<'a> JsonBody<'a> {
    /// JSON as it came.
    pub(super) fn as_it_came(body: &'a [u8]) -> Self {
        Self { json: Cow::Borrowed(body), media: Some(Media::Json) }
    }
}

/// What a body was read into.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The events in the order they stand there.
    pub events: Vec<Event<'a>>,
    /// What stands around the list that they were the items of; `None`: the body is one event.
    list: Option<Around<'a>>,
}

#[derive(Debug)]
struct Around<'a> {
    before: &'a str,
    after: &'a str,
}

impl<'a> Reading<'a> {
    /// A body that is one event.
    pub(super) fn single(event: Event<'a>) -> Self {
        Self { events: vec![event], list: None }
    }

    /// The items of `list`, which is a part of `whole`.
    pub(super) fn of_list(events: Vec<Event<'a>>, whole: Json<'a>, list: Json<'a>) -> Self {
        let start = list.text().as_ptr().addr().saturating_sub(whole.text().as_ptr().addr());
        let before = whole.text().get(..start).unwrap_or_default();
        let after = whole.text().get(start + list.text().len()..).unwrap_or_default();
        Self { events, list: Some(Around { before, after }) }
    }

    /// Whether the body was a list of events, of whatever length: the answer then is a list too.
    pub fn is_list(&self) -> bool {
        self.list.is_some()
    }

    /// The bytes to keep of the event at `index`: `raw`, the body as it came, where it is the only event. Of several, each
    /// keeps the body with the list cut down to its own item, which reads as exactly that event again.
    pub fn stored(&self, index: usize, raw: &'a [u8]) -> Cow<'a, [u8]> {
        match (&self.list, self.events.as_slice(), self.events.get(index)) {
            (Some(around), [_, _, ..], Some(event)) => {
                let text = [around.before, "[", event.payload.text(), "]", around.after].concat();
                Cow::Owned(text.into_bytes())
            }
            _ => Cow::Borrowed(raw),
        }
    }

    /// Whether several events would take more of the store than one request may; headers and query count, since each
    /// event has them.
    pub fn fits(&self) -> Result<(), TooMuch> {
        let (Some(around), [first, _, ..]) = (&self.list, self.events.as_slice()) else { return Ok(()) };
        let pairs = first.headers.0.iter().chain(&first.query.0);
        let each: usize = pairs.map(|(name, value)| name.len() + value.len()).sum::<usize>()
            + around.before.len()
            + around.after.len();
        let items: usize = self.events.iter().map(|event| event.payload.text().len()).sum();
        let bytes = items + each * self.events.len();
        if bytes > MAX_STORED {
            return Err(TooMuch::Bytes { events: self.events.len(), bytes, limit: MAX_STORED });
        }
        Ok(())
    }
}
