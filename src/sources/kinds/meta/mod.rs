//! Meta: Messenger, Instagram and WhatsApp, and whatever else its pages and accounts tell.
//!
//! A body is `{"object": .., "entry": [..]}`. An entry has a list of what was said (`messaging`, or `standby` where another app
//! holds the conversation) or of changes, and a change of WhatsApp has lists of its own. Each item of an innermost list is an
//! event; a change without a list is one.

mod messenger;
mod whatsapp;

use std::borrow::Cow;
use std::iter::once;

use sha2::{Digest, Sha256};

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::domain::kind::Media;
use crate::domain::source::SourceConfig;
use crate::sources::fault::ReadError;
use crate::sources::reading::{Cut, JsonBody, Reading};

use super::Code;
use super::look::{self, id, map, text};

pub static CODE: Code = Code {
    body: |_, request| Ok(JsonBody::written(whatsapp::flows_opened(request.body), Media::Json)),
    ..Code::several(read, include_str!("../../samples/meta.json"))
};

/// The lists of an entry.
const LISTS: [&str; 3] = ["messaging", "standby", "changes"];

/// The events found so far, each with what its own body has less of.
type Found<'a> = Vec<(Vec<Cut<'a>>, Event<'a>)>;

fn read<'a>(_: &SourceConfig, body: &'a JsonBody<'_>, event: Event<'a>) -> Result<Reading<'a>, ReadError> {
    let json = look::mapping(body)?;
    let list = look::list(json, "entry", "a webhook of Meta")?;
    // An id of the whole request would be the same for all its events.
    let blank = Event { body: json, key: None, ..event };
    let mut found = Vec::new();
    for entry in list.items() {
        of_entry(json, Cut { list, item: Some(entry) }, entry, &blank, &mut found)?;
    }
    Ok(Reading::of_lists(found, json))
}

/// One more event, unless there are too many: one entry can hold more of them than memory should.
fn add<'a>(found: &mut Found<'a>, cuts: Vec<Cut<'a>>, event: Event<'a>) -> Result<(), ReadError> {
    look::few(found.len() + 1, "entry")?;
    found.push((cuts, event));
    Ok(())
}

fn of_entry<'a>(
    whole: Json<'a>,
    outer: Cut<'a>,
    entry: Json<'a>,
    blank: &Event<'a>,
    found: &mut Found<'a>,
) -> Result<(), ReadError> {
    let lists = lists(entry, LISTS);
    for (name, list) in &lists {
        for item in list.items() {
            let cuts = once(outer).chain(cuts(&lists, name, item)).collect();
            if *name == "changes" {
                of_change(cuts, entry, item, blank, found)?;
            } else {
                let mut event = blank.clone();
                messenger::happened(item, entry, &mut event);
                if *name == "standby" {
                    messenger::overheard(&mut event);
                }
                add(found, cuts, event)?;
            }
        }
    }
    if lists.is_empty() {
        let event = Event { kind: text(whole.get("object")), payload: entry, ..blank.clone() };
        add(found, vec![outer], event)?;
    }
    Ok(())
}

fn of_change<'a>(
    cuts: Vec<Cut<'a>>,
    entry: Json<'a>,
    change: Json<'a>,
    blank: &Event<'a>,
    found: &mut Found<'a>,
) -> Result<(), ReadError> {
    let [field, value] = change.pick(["field", "value"]);
    let value = map(value);
    let lists = lists(value, whatsapp::LISTS);
    for (name, list) in &lists {
        for item in list.items() {
            let mut event = blank.clone();
            whatsapp::happened(name, item, &mut event);
            add(found, cuts.iter().copied().chain(self::cuts(&lists, name, item)).collect(), event)?;
        }
    }
    if !lists.is_empty() {
        return Ok(());
    }
    let mut event = blank.clone();
    if value.get("sender").is_some() {
        messenger::happened(value, entry, &mut event);
    } else {
        changed(text(field), value, &mut event);
    }
    add(found, cuts, event)
}

/// Those of the lists that a mapping has, in the order in which they stand there.
fn lists<'a, const N: usize>(map: Json<'a>, names: [&'static str; N]) -> Vec<(&'static str, Json<'a>)> {
    let lists = names.into_iter().zip(map.pick(names)).filter_map(|(name, list)| Some((name, list?)));
    let mut lists: Vec<_> = lists.filter(|(_, list)| list.kind() == JsonKind::List).collect();
    lists.sort_by_key(|(_, list)| list.text().as_ptr().addr());
    lists
}

/// One item of one of the lists stays.
fn cuts<'a>(lists: &[(&'static str, Json<'a>)], kept: &str, item: Json<'a>) -> impl Iterator<Item = Cut<'a>> {
    lists.iter().map(move |(name, list)| Cut { list: *list, item: (*name == kept).then_some(item) })
}

/// A comment, a lead, a template's approval: what changed is the type, the new value are the parameters.
fn changed<'a>(field: Option<Cow<'a, str>>, value: Json<'a>, event: &mut Event<'a>) {
    let [from, message, words] = value.pick(["from", "message", "text"]);
    let ids = value.pick(["leadgen_id", "comment_id", "id"]);
    event.contact = id(map(from).get("id"));
    event.text = text(message).or_else(|| text(words));
    event.params = value;
    event.payload = value;
    // The same comment is told of again when it is edited, hidden or taken back: only the same words of it are a repetition.
    if let (Some(field), Some(number)) = (&field, ids.into_iter().find_map(id)) {
        let said = hex::encode(Sha256::digest(value.text()));
        event.key = Some(format!("{field}/{number}/{said:.16}").into());
    }
    event.kind = field;
}
