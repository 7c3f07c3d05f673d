//! GitHub: one event a body, whose name stands in a header and whose action stands in the body: `issues` and `labeled`.

use std::borrow::Cow;

use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::sources::fault::ReadError;
use crate::sources::reading::JsonBody;

use super::look::{self, id, map, text};
use super::{Code, Sample};

pub static CODE: Code = Code { sample: SAMPLE, ..Code::one(read, "") };

const SAMPLE: Sample =
    Sample { body: include_str!("../samples/github.json"), headers: &[("x-github-event", "issue_comment")] };

fn read<'a>(body: &'a JsonBody<'_>, event: &mut Event<'a>) -> Result<(), ReadError> {
    let json = look::mapping(body)?;
    let [action, sender, comment, review, issue, pull_request] =
        json.pick(["action", "sender", "comment", "review", "issue", "pull_request"]);
    let action = text(action);
    let name = event.headers.get("x-github-event").filter(|name| !name.is_empty());
    event.kind = match (name, &action) {
        (Some(name), Some(action)) => Some(format!("{name}.{action}").into()),
        (Some(name), None) => Some(name.to_owned().into()),
        (None, _) => action.clone(),
    };
    event.key = event.headers.get("x-github-delivery").filter(|id| !id.is_empty()).map(|id| id.to_owned().into());
    event.contact = id(map(sender).get("id"));
    let subject = issue.or(pull_request);
    event.session = subject.and_then(|subject| text(subject.get("node_id")));
    // Of an issue's own words only the first are news; labelling it doesn't say them again.
    let opened = action.as_deref() == Some("opened");
    event.text = said(comment).or_else(|| said(review)).or_else(|| said(subject.filter(|_| opened)));
    event.params = json;
    event.payload = json;
    event.body = json;
    Ok(())
}

fn said(about: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    text(about?.get("body"))
}
