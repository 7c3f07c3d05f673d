//! Whether a rule's `match` fits an event, and if not, what fails first.

use std::fmt::Display;

use super::expr::show;
use super::model::Matcher;
use super::pattern::Pattern;
use crate::domain::event::Event;
use crate::domain::value::Value;

/// Whether everything in `match` but the source fits: the index has seen to that already.
pub fn fits(matcher: &Matcher, event: &Event<'_>) -> bool {
    text_fits(&matcher.intents, event.intent.as_deref())
        && text_fits(&matcher.types, event.kind.as_deref())
        && language_fits(matcher, event)
        && matcher.params.iter().all(|(name, wanted)| {
            let value = param(event, name);
            wanted.iter().any(|pattern| pattern.fits(&value))
        })
}

/// The first key of `match` that doesn't fit, and why.
pub fn first_miss(matcher: &Matcher, event: &Event<'_>) -> Option<(String, String)> {
    if !matcher.sources.is_empty() && !matcher.sources.contains(&event.source) {
        return Some(("match.source".to_owned(), miss(Some(event.source.as_str()), &matcher.sources)));
    }
    if !text_fits(&matcher.intents, event.intent.as_deref()) {
        return Some(("match.intent".to_owned(), miss(event.intent.as_deref(), &matcher.intents)));
    }
    if !text_fits(&matcher.types, event.kind.as_deref()) {
        return Some(("match.type".to_owned(), miss(event.kind.as_deref(), &matcher.types)));
    }
    if !language_fits(matcher, event) {
        return Some(("match.language".to_owned(), miss(event.language.as_deref(), &matcher.languages)));
    }
    let (name, wanted) = matcher.params.iter().find(|(name, wanted)| {
        let value = param(event, name);
        !wanted.iter().any(|pattern| pattern.fits(&value))
    })?;
    let value = param(event, name);
    Some((format!("match.params.{name}"), format!("{} is not {}", show::value(&value), any_of(wanted))))
}

fn text_fits(wanted: &[Pattern], text: Option<&str>) -> bool {
    wanted.is_empty() || text.is_some_and(|text| wanted.iter().any(|pattern| pattern.fits(text)))
}

fn language_fits(matcher: &Matcher, event: &Event<'_>) -> bool {
    let language = event.language.as_deref();
    matcher.languages.is_empty() || language.is_some_and(|tag| matcher.languages.iter().any(|wanted| wanted.fits(tag)))
}

fn param<'e>(event: &Event<'e>, name: &str) -> Value<'e> {
    event.params.get(name).map_or(Value::Unset, Value::from_json)
}

fn miss(found: Option<&str>, wanted: &[impl Display]) -> String {
    format!("{} is not {}", show::value(&Value::optional_text(found)), any_of(wanted))
}

fn any_of(wanted: &[impl Display]) -> String {
    wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
