//! What a rule answers an event with.

use super::{Rendered, fault, json};
use crate::domain::reply::{FollowupEvent, OutputContext, Reply};
use crate::rules::expr::eval::Scope;
use crate::rules::expr::template::Template;
use crate::rules::model::{ReplyTemplate, TextTemplate};
use crate::rules::record::Mark;

/// A rule's reply.
pub fn reply<'v>(template: &'v ReplyTemplate, scope: &Scope<'v>) -> Rendered<Reply> {
    let mut reply = Reply::default();
    let words = template.text.as_ref().map(|words| words_for(words, scope)).transpose()?;
    reply.text = words.map(|words| text(words, scope, "reply")).transpose()?;
    for (index, message) in template.messages.iter().enumerate() {
        reply.messages.push(json::tree(message, scope, &format!("reply.messages[{index}]"))?);
    }
    if let Some(payload) = &template.payload {
        reply.payload = Some(json::tree_of(payload, scope, "reply.payload")?);
    }
    for (index, context) in template.contexts.iter().enumerate() {
        let at = format!("reply.contexts[{index}]");
        reply.contexts.push(OutputContext {
            name: text(&context.name, scope, &at)?,
            lifespan: context.lifespan,
            parameters: json::tree_of(&context.parameters, scope, &at)?,
        });
    }
    if let Some(event) = &template.event {
        let language = event.language.as_ref().map(|language| text(language, scope, "reply.event")).transpose()?;
        let parameters = json::tree_of(&event.parameters, scope, "reply.event")?;
        reply.event = Some(FollowupEvent { name: text(&event.name, scope, "reply.event")?, language, parameters });
    }
    if let Some(parameters) = &template.parameters {
        reply.parameters = Some(json::tree_of(parameters, scope, "reply.parameters")?);
    }
    reply.target_page = template.target_page.as_ref().map(|page| text(page, scope, "reply.target_page")).transpose()?;
    reply.target_flow = template.target_flow.as_ref().map(|flow| text(flow, scope, "reply.target_flow")).transpose()?;
    reply.merge = template.merge;
    if let Some(record) = scope.record {
        record.mark(Mark::Answered, template);
        if let Some(words) = words {
            record.mark(Mark::Said, words);
        }
    }
    Ok(reply)
}

/// The words of the most exact language that covers the event's.
fn words_for<'v>(words: &'v TextTemplate, scope: &Scope<'_>) -> Rendered<&'v Template> {
    let (each, default) = match words {
        TextTemplate::One(template) => return Ok(template),
        TextTemplate::Languages { each, default } => (each, default),
    };
    let language = scope.event.language.as_deref().unwrap_or_default();
    let fitting = each.iter().filter(|(pattern, _)| pattern.fits(language));
    let best = fitting.max_by_key(|(pattern, _)| pattern.exactness()).map(|(_, template)| template);
    let none = || fault("reply.text".to_owned(), "it has no words in this language, and no `default`".to_owned());
    best.or(default.as_deref()).ok_or_else(none)
}

fn text<'v>(template: &'v Template, scope: &Scope<'v>, at: &str) -> Rendered<String> {
    template.text(scope).map_err(|problem| fault(at.to_owned(), problem.message))
}
