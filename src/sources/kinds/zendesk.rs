//! Zendesk: one event a body, `{"type": "zen:event-type:..", "detail": {..}, "event": {..}, "subject": "zen:user:17"}`.
//!
//! A webhook that a trigger or an automation calls has whatever body its admin wrote: such a body has no type, and its keys are
//! the parameters.

use crate::domain::event::{Event, TagNews, TagsTold};
use crate::domain::json::{Json, JsonKind};
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::Code;
use super::look::{self, id, map, text, texts};

pub static CODE: Code = Code::one(read, include_str!("../samples/zendesk.json"));

/// What every type begins with; rules needn't write it.
const PREFIX: &str = "zen:event-type:";

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [kind, key, detail, change, subject] = json.pick(["type", "id", "detail", "event", "subject"]);
    event.payload = json;
    event.body = json;
    event.params = json;
    let Some(name) = text(kind).and_then(|kind| kind.strip_prefix(PREFIX).map(str::to_owned)) else { return Ok(()) };
    let (detail, change) = (map(detail), map(change));
    let of = |what: &str| text(subject).and_then(|subject| subject.strip_prefix(what).map(str::to_owned));
    let [own, requester, language, tags] = detail.pick(["id", "requester_id", "locale", "tags"]);
    if name.starts_with("user.") {
        event.contact = of("zen:user:").map(Into::into).or_else(|| id(own));
        event.language = text(language);
    } else if name.starts_with("ticket.") {
        event.contact = id(requester);
        event.session = of("zen:ticket:").map(Into::into).or_else(|| id(own));
        event.text = match name.as_str() {
            "ticket.created" => text(detail.get("description")),
            "ticket.comment_added" => said(map(change.get("comment")), event.contact.as_deref()),
            _ => None,
        };
    }
    if name == "user.tags_changed" {
        let news = news(change, tags);
        event.tags_told = event.contact.clone().map(|contact| TagsTold { contact, news });
    }
    event.kind = Some(name.into());
    event.key = id(key);
    event.params = detail;
    Ok(())
}

/// What the person who asked wrote; staff write comments too.
fn said<'a>(comment: Json<'a>, requester: Option<&str>) -> Option<std::borrow::Cow<'a, str>> {
    let [body, author] = comment.pick(["body", "author"]);
    let author = id(map(author).get("id"))?;
    text(body).filter(|_| Some(&*author) == requester)
}

fn news<'a>(change: Json<'a>, tags: Option<Json<'a>>) -> TagNews<'a> {
    if let Some(tags) = tags.filter(|tags| tags.kind() == JsonKind::List) {
        return TagNews::All(texts(tags));
    }
    let [added, removed] =
        change.pick(["added", "removed"]).map(|part| map(part).get("tags").map(texts).unwrap_or_default());
    match (added.as_slice(), removed.as_slice()) {
        ([_, ..], []) => TagNews::Added(added),
        ([], [_, ..]) => TagNews::Removed(removed),
        // Both at once has no word of its own.
        _ => TagNews::Unknown,
    }
}
