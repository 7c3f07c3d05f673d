//! What a body was read into, and what of it is stored with each event.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::kind::Media;

use super::fault::TooMuch;

/// The most events that one body may hold.
pub(super) const MAX_EVENTS: usize = 1_000;

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
    /// The parameters, where the kind had to write them as a mapping.
    pub(super) params: Option<String>,
}

impl<'a> JsonBody<'a> {
    /// JSON as it came.
    pub(super) fn as_it_came(body: &'a [u8]) -> Self {
        Self::written(Cow::Borrowed(body), Media::Json)
    }

    /// What a kind made of a body that came as `media`.
    pub(super) fn written(json: Cow<'a, [u8]>, media: Media) -> Self {
        Self { json, media: Some(media), params: None }
    }
}

/// A list of the body of which an event has one item, or none.
#[derive(Debug, Clone, Copy)]
pub struct Cut<'a> {
    /// The list.
    pub list: Json<'a>,
    /// What stays of it.
    pub item: Option<Json<'a>>,
}

/// What a body was read into.
#[derive(Debug)]
pub struct Reading<'a> {
    /// The events in the order they stand there.
    pub events: Vec<Event<'a>>,
    /// The lists that they were the items of; `None`: the body is one event.
    split: Option<Split<'a>>,
}

#[derive(Debug)]
struct Split<'a> {
    whole: Json<'a>,
    /// For each event what is cut of the body, in the order in which it stands there.
    cuts: Vec<Vec<Cut<'a>>>,
}

impl<'a> Reading<'a> {
    /// A body that is one event.
    pub(super) fn single(event: Event<'a>) -> Self {
        Self { events: vec![event], split: None }
    }

    /// The items of `list`, which is a part of `whole`.
    pub(super) fn of_list(events: Vec<Event<'a>>, whole: Json<'a>, list: Json<'a>) -> Self {
        let cut = |event: &Event<'a>| vec![Cut { list, item: Some(event.payload) }];
        Self::of_lists(events.into_iter().map(|event| (cut(&event), event)).collect(), whole)
    }

    /// Events from several lists, or from lists in lists: each with the lists of `whole` that its own body has less of, an
    /// outer one before those in its item.
    pub(super) fn of_lists(events: Vec<(Vec<Cut<'a>>, Event<'a>)>, whole: Json<'a>) -> Self {
        let (cuts, events) = events.into_iter().unzip();
        Self { events, split: Some(Split { whole, cuts }) }
    }

    /// Whether the body was a list of events, of whatever length: the answer then is a list too.
    pub fn is_list(&self) -> bool {
        self.split.is_some()
    }

    /// The bytes to keep of the event at `index`: `raw`, the body as it came, where it is the only event. Of several, each
    /// keeps the body with the lists cut down to its own item, which reads as exactly that event again.
    pub fn stored(&self, index: usize, raw: &'a [u8]) -> Cow<'a, [u8]> {
        match (&self.split, self.events.as_slice()) {
            (Some(split), [_, _, ..]) => Cow::Owned(split.pieces(index).concat().into_bytes()),
            _ => Cow::Borrowed(raw),
        }
    }

    /// Whether several events would take more of the store than one request may; headers and query count, since each
    /// event has them.
    pub fn fits(&self) -> Result<(), TooMuch> {
        let (Some(split), [first, _, ..]) = (&self.split, self.events.as_slice()) else { return Ok(()) };
        let pairs = first.headers.0.iter().chain(&first.query.0);
        let each: usize = pairs.map(|(name, value)| name.len() + value.len()).sum();
        let events = self.events.len();
        let bodies: usize = (0..events).flat_map(|index| split.pieces(index)).map(str::len).sum();
        let bytes = bodies + each * events;
        if bytes > MAX_STORED {
            return Err(TooMuch::Bytes { events, bytes, limit: MAX_STORED });
        }
        Ok(())
    }
}

impl<'a> Split<'a> {
    /// The body of one event, piece by piece.
    fn pieces(&self, index: usize) -> Vec<&'a str> {
        let text = self.whole.text();
        let piece = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
        let mut pieces = Vec::with_capacity(5);
        let mut from = 0;
        // Where items that are being written end, and where the lists around them do.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for cut in self.cuts.get(index).map(Vec::as_slice).unwrap_or_default() {
            let (start, end) = self.place(cut.list);
            while let Some((item_ends, list_ends)) = open.pop_if(|(item_ends, _)| start >= *item_ends) {
                pieces.extend([piece(from, item_ends), "]"]);
                from = list_ends;
            }
            pieces.extend([piece(from, start), "["]);
            if let Some(item) = cut.item {
                let (item_starts, item_ends) = self.place(item);
                from = item_starts;
                open.push((item_ends, end));
            } else {
                pieces.push("]");
                from = end;
            }
        }
        while let Some((item_ends, list_ends)) = open.pop() {
            pieces.extend([piece(from, item_ends), "]"]);
            from = list_ends;
        }
        pieces.push(piece(from, text.len()));
        pieces
    }

    /// Where a part of the body begins and ends.
    fn place(&self, part: Json<'a>) -> (usize, usize) {
        let start = part.text().as_ptr().addr().saturating_sub(self.whole.text().as_ptr().addr());
        (start, start + part.text().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(body: &str, cuts: impl FnOnce(Json<'_>) -> Vec<Cut<'_>>) -> String {
        let whole = Json::parse(body.as_bytes()).expect("JSON");
        Split { whole, cuts: vec![cuts(whole)] }.pieces(0).concat()
    }

    /// The list of entries, the first of them, and its two lists.
    fn nested(whole: Json<'_>) -> [Json<'_>; 4] {
        let entries = whole.get("e").expect("a list");
        let entry = entries.items()[0];
        [entries, entry, entry.get("m").expect("a list"), entry.get("s").expect("a list")]
    }

    #[test]
    fn a_body_is_cut_down_to_one_item_of_lists_in_lists() {
        let body = r#"{"o":"page", "e":[{"id":1,"m":[10, 11],"s":[12]}, {"id":2,"m":[20]}],"end":0}"#;
        let first = kept(body, |whole| {
            let [entries, entry, messages, statuses] = nested(whole);
            let outer = Cut { list: entries, item: Some(entry) };
            let inner = Cut { list: messages, item: Some(messages.items()[1]) };
            vec![outer, inner, Cut { list: statuses, item: None }]
        });
        assert_eq!(first, r#"{"o":"page", "e":[{"id":1,"m":[11],"s":[]}],"end":0}"#);
        let status = kept(body, |whole| {
            let [entries, entry, messages, statuses] = nested(whole);
            let outer = Cut { list: entries, item: Some(entry) };
            vec![outer, Cut { list: messages, item: None }, Cut { list: statuses, item: Some(statuses.items()[0]) }]
        });
        assert_eq!(status, r#"{"o":"page", "e":[{"id":1,"m":[],"s":[12]}],"end":0}"#);
        assert_eq!(kept(body, |_| Vec::new()), body);
    }
}
