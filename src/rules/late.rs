//! What a source answers where an event isn't on disk in time: words that promise nothing.

use std::time::Duration;

use super::Catalog;
use super::decide::scope;
use super::model::{ReplyTemplate, TextTemplate};
use super::render;
use crate::domain::event::Event;
use crate::domain::reply::Reply;

/// How long the sender waits at most, and what it reads then.
#[derive(Debug)]
pub struct Late {
    /// From when the request came.
    pub within: Duration,
    /// `None`: nothing, which leaves the agent's own answer in place.
    pub says: Option<TextTemplate>,
}

/// Within what time an event's source answers in any case, and with what. Words that can't be said in the event's language are none.
pub fn late_reply(catalog: &Catalog, event: &Event<'_>) -> Option<(Duration, Option<Reply>)> {
    let source = catalog.entry(event.source.as_str())?;
    let late = source.late.as_ref()?;
    let reply = late.says.as_ref().and_then(|says| {
        let template = ReplyTemplate { text: Some(says.clone()), ..ReplyTemplate::default() };
        render::reply(&template, &scope(catalog, source, event, None)).ok()
    });
    Some((late.within, reply))
}
