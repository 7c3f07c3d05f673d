//! Whether a rule's `match` fits an event, and if not, what fails first.

use std::fmt::Display;

use super::expr::eval::Scope;
use super::expr::show;
use super::model::Matcher;
use super::params;
use super::pattern::{ParamPattern, Pattern};
use crate::domain::detail::Detail;
use crate::domain::event::Event;
use crate::domain::value::Value;

/// Whether everything in `match` but the source fits: the index has seen to that already.
pub fn fits(matcher: &Matcher, scope: &Scope<'_>) -> bool {
    let event = scope.event;
    echo_fits(matcher, event)
        && text_fits(&matcher.intents, event.intent.as_deref())
        && text_fits(&matcher.types, event.kind.as_deref())
        && language_fits(matcher, event)
        && words_fit(matcher, scope)
        && regex_fits(matcher, event)
        && matcher.details.iter().all(|(detail, wanted)| detail_fits(event, *detail, wanted))
        && matcher.params.iter().all(|(name, wanted)| {
            let value = param(scope, name);
            wanted.iter().any(|pattern| pattern.fits(&value))
        })
}

/// A key of `match` and what it looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'m> {
    /// `intent`
    Intent,
    /// `type`
    Type,
    /// `language`
    Language,
    /// `text`
    Text,
    /// What only some platforms tell.
    Detail(Detail),
    /// A parameter.
    Param(&'m str),
}

/// Every key of `match` but the source that doesn't fit.
pub fn misses<'m>(matcher: &'m Matcher, scope: &Scope<'_>) -> Vec<Key<'m>> {
    let event = scope.event;
    let fits = [
        (Key::Intent, text_fits(&matcher.intents, event.intent.as_deref())),
        (Key::Type, text_fits(&matcher.types, event.kind.as_deref())),
        (Key::Language, language_fits(matcher, event)),
        (Key::Text, words_fit(matcher, scope) && regex_fits(matcher, event)),
    ];
    let echo = std::iter::once((Key::Detail(Detail::Echo), echo_fits(matcher, event)));
    let details = matcher.details.iter();
    let details = details.map(|(detail, wanted)| (Key::Detail(*detail), detail_fits(event, *detail, wanted)));
    let params = matcher.params.iter().map(|(name, wanted)| {
        let value = param(scope, name);
        (Key::Param(name), wanted.iter().any(|pattern| pattern.fits(&value)))
    });
    fits.into_iter().chain(echo).chain(details).chain(params).filter(|(_, fits)| !fits).map(|(key, _)| key).collect()
}

/// The first key of `match` that doesn't fit, and why.
pub fn first_miss(matcher: &Matcher, scope: &Scope<'_>) -> Option<(String, String)> {
    let event = scope.event;
    let at = |key: &str, found: Option<&str>, wanted: &[&dyn Display]| {
        let found = show::value(&Value::optional_text(found));
        Some((format!("match.{key}"), format!("{found} is not {}", any_of(wanted))))
    };
    if !matcher.sources.is_empty() && !matcher.sources.contains(&event.source) {
        return at("source", Some(event.source.as_str()), &shown(&matcher.sources));
    }
    if !echo_fits(matcher, event) {
        let why = "the event tells of what we did ourselves, and the rule doesn't ask for that";
        return Some(("match.echo".to_owned(), why.to_owned()));
    }
    if !text_fits(&matcher.intents, event.intent.as_deref()) {
        return at("intent", event.intent.as_deref(), &shown(&matcher.intents));
    }
    if !text_fits(&matcher.types, event.kind.as_deref()) {
        return at("type", event.kind.as_deref(), &shown(&matcher.types));
    }
    if !language_fits(matcher, event) {
        return at("language", event.language.as_deref(), &shown(&matcher.languages));
    }
    if let Some((detail, wanted)) = matcher.details.iter().find(|(detail, of)| !detail_fits(event, *detail, of)) {
        let found = show::value(&event.detail(*detail));
        return Some((format!("match.{detail}"), format!("{found} is not {}", any_of(&shown(wanted)))));
    }
    let text = show::value(&Value::optional_text(event.text.as_deref()));
    if !words_fit(matcher, scope) {
        let words = any_of(&shown(&matcher.contains));
        return Some(("match.text.contains".to_owned(), format!("{text} doesn't contain {words}")));
    }
    if !regex_fits(matcher, event) {
        let sources: Vec<_> = matcher.regex.iter().map(|regexp| format!("{:?}", regexp.source())).collect();
        return Some(("match.text.regex".to_owned(), format!("{text} doesn't match {}", any_of(&shown(&sources)))));
    }
    let (name, wanted) = matcher.params.iter().find(|(name, wanted)| {
        let value = param(scope, name);
        !wanted.iter().any(|pattern| pattern.fits(&value))
    })?;
    let value = param(scope, name);
    Some((format!("match.params.{name}"), format!("{} is not {}", show::value(&value), any_of(&shown(wanted)))))
}

fn text_fits(wanted: &[Pattern], text: Option<&str>) -> bool {
    wanted.is_empty() || text.is_some_and(|text| wanted.iter().any(|pattern| pattern.fits(text)))
}

/// What we did ourselves is for rules that ask for it alone: else our own changes would come back as reasons for more.
fn echo_fits(matcher: &Matcher, event: &Event<'_>) -> bool {
    asks_for_echoes(matcher) || !event.is_echo()
}

/// Whether `match` says anything of echoes.
pub fn asks_for_echoes(matcher: &Matcher) -> bool {
    matcher.details.iter().any(|(detail, _)| *detail == Detail::Echo)
}

fn detail_fits(event: &Event<'_>, detail: Detail, wanted: &[ParamPattern]) -> bool {
    let value = event.detail(detail);
    wanted.iter().any(|pattern| pattern.fits(&value))
}

fn language_fits(matcher: &Matcher, event: &Event<'_>) -> bool {
    let language = event.language.as_deref();
    matcher.languages.is_empty() || language.is_some_and(|tag| matcher.languages.iter().any(|wanted| wanted.fits(tag)))
}

fn words_fit(matcher: &Matcher, scope: &Scope<'_>) -> bool {
    matcher.contains.is_empty() || scope.with_words(|words| matcher.contains.iter().any(|phrase| phrase.is_in(words)))
}

fn regex_fits(matcher: &Matcher, event: &Event<'_>) -> bool {
    let text = event.text.as_deref();
    matcher.regex.is_empty() || text.is_some_and(|text| matcher.regex.iter().any(|regexp| regexp.is_in(text)))
}

/// A parameter as its source means it; one that can't mean that is compared as it came.
fn param<'e>(scope: &Scope<'e>, name: &str) -> Value<'e> {
    let as_it_came = || scope.event.params.get(name).map_or(Value::Unset, Value::from_json);
    params::param(scope.event, name, scope.types).unwrap_or_else(|_| as_it_came())
}

fn shown<T: Display>(list: &[T]) -> Vec<&dyn Display> {
    list.iter().map(|item| item as &dyn Display).collect()
}

fn any_of(wanted: &[&dyn Display]) -> String {
    wanted.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}
