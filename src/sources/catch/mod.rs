//! Catch: whatever a sender likes to send. JSON, XML, a form, words, or a query become one JSON text (`body`), and that is one
//! event or a list of them.
//!
//! Where type, intent, text and parameters are found is for the rules to say; here an event only has its item.

mod body;
mod nest;
mod xml;

use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind};
use crate::domain::kind::Media;
use crate::domain::reply::Reply;

use super::fault::ReadError;
use super::reading::{JsonBody, MAX_EVENTS, Reading};

pub use self::body::json_body;

/// Reads the events of a body; `event` is what they all share, its key that of the message.
pub fn read<'a>(
    each: Option<&[String]>,
    body: &'a JsonBody<'_>,
    mut event: Event<'a>,
) -> Result<Reading<'a>, ReadError> {
    let json = Json::parse(&body.json)?;
    event.body = json;
    let list = match each {
        Some(path) if body.media == Some(Media::Xml) => match list_in_xml(json, path)? {
            list if list.kind() == JsonKind::List => list,
            // One of what may be several looks like what can be only one.
            item => return Ok(Reading::of_list(vec![of_item(event, item)], json, item)),
        },
        Some(path) => list_at(json, path)?,
        None if json.kind() == JsonKind::List => json,
        None => {
            if body.media == Some(Media::Text) {
                event.text = json.get("text").and_then(Json::as_text);
            }
            return Ok(Reading::single(of_item(event, json)));
        }
    };
    let items = list.items();
    if items.len() > MAX_EVENTS {
        let message = format!("this list has {} items; {MAX_EVENTS} is the most for one request", items.len());
        return Err(ReadError::field(&name_of(each.unwrap_or_default()), &message));
    }
    // Each of several is stored as JSON, whatever the body was.
    if items.len() > 1 {
        say_json(&mut event);
    }
    let several = items.len() > 1;
    let events = items.into_iter().enumerate().map(|(index, item)| {
        let mut event = of_item(event.clone(), item);
        event.key = event.key.map(|id| if several { format!("{id}#{index}").into() } else { id });
        event
    });
    Ok(Reading::of_list(events.collect(), json, list))
}

fn of_item<'a>(event: Event<'a>, item: Json<'a>) -> Event<'a> {
    let params = if item.kind() == JsonKind::Map { item } else { Json::EMPTY_MAP };
    Event { payload: item, params, ..event }
}

/// The list that `each` leads to.
fn list_at<'a>(json: Json<'a>, each: &[String]) -> Result<Json<'a>, ReadError> {
    let mut found = json;
    for (index, key) in each.iter().enumerate() {
        found = found.get(key).ok_or_else(|| {
            let gone = name_of(each.get(..=index).unwrap_or(each));
            ReadError::field(&gone, "missing; `each` of this source leads through it")
        })?;
    }
    match found.kind() {
        JsonKind::List => Ok(found),
        other => Err(ReadError::field(&name_of(each), &format!("expected a list, found {}", other.name()))),
    }
}

/// What `each` leads to in XML, where an element that would hold the list is empty or has other elements when there is none.
fn list_in_xml<'a>(json: Json<'a>, each: &[String]) -> Result<Json<'a>, ReadError> {
    let Some((last, way)) = each.split_last() else { return Ok(json) };
    let mut found = json;
    for (index, key) in way.iter().enumerate() {
        found = found.get(key).ok_or_else(|| {
            let gone = name_of(each.get(..=index).unwrap_or(each));
            ReadError::field(&gone, "missing; `each` of this source leads through it")
        })?;
    }
    match found.get(last) {
        // The one element at the top is always there, under whatever name.
        None if way.is_empty() => Err(ReadError::field(last, "missing; `each` of this source leads through it")),
        item => Ok(item.filter(|item| item.kind() != JsonKind::Null).unwrap_or(Json::EMPTY_LIST)),
    }
}

fn name_of(way: &[String]) -> String {
    if way.is_empty() { "body".to_owned() } else { way.join(".") }
}

fn say_json(event: &mut Event<'_>) {
    const NAME: &str = "content-type";
    let headers = &mut event.headers.0;
    if !headers.iter().any(|(name, value)| name == NAME && Media::named(value) == Some(Media::Json)) {
        headers.retain(|(name, _)| name != NAME);
        headers.push((NAME.into(), Media::Json.name().into()));
    }
}

/// Writes what stands under `reply` in the answer: the text where a reply is only that, else all of it, `null` for none.
pub fn write_reply(reply: Option<&Reply>) -> Vec<u8> {
    let written = match reply {
        Some(Reply { text: Some(text), .. }) if reply.is_some_and(is_only_text) => serde_json::to_vec(text),
        reply => serde_json::to_vec(&reply),
    };
    written.expect("texts, mappings and numbers are always JSON")
}

fn is_only_text(reply: &Reply) -> bool {
    *reply == Reply { text: reply.text.clone(), ..Reply::default() }
}
