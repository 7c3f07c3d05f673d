//! What only some requests tell. A body is searched when a rule asks, and not before.

use std::borrow::Cow;

use super::{person, resource};
use crate::domain::detail::{Detail, Look};
use crate::domain::json::{Json, JsonKind};
use crate::domain::value::{Number, Value};

/// How a request of Dialogflow ES is looked into.
pub const ES: Look = Look { detail: of_es, contact: contact_of_es };

/// How one of Dialogflow CX is.
pub const CX: Look = Look { detail: of_cx, contact: contact_of_cx };

fn contact_of_es(body: Json<'_>) -> Option<Cow<'_, str>> {
    let origin = body.get("originalDetectIntentRequest")?;
    person::contact(text(origin.get("source")).as_deref(), origin.get("payload")?)
}

fn contact_of_cx(body: Json<'_>) -> Option<Cow<'_, str>> {
    person::contact(None, body.get("payload")?)
}

/// A detail of a request of Dialogflow ES.
fn of_es(detail: Detail, body: Json<'_>) -> Value<'_> {
    let result = |way: &[&str]| at(body, &["queryResult"]).and_then(|result| at(result, way));
    let session = || text(at(body, &["session"]));
    let origin = |key: &str| at(body, &["originalDetectIntentRequest", key]);
    match detail {
        Detail::Trigger => trigger(body),
        Detail::Fallback => Value::Bool(is_true(result(&["intent", "isFallback"]))),
        Detail::Knowledge => knowledge(body),
        Detail::Sentiment => score(result(&["sentimentAnalysisResult", "queryTextSentiment"])),
        Detail::IntentId => part_of(text(result(&["intent", "name"])), resource::id),
        Detail::ParentIntent => part_of(text(result(&["intent", "parentFollowupIntentName"])), resource::id),
        Detail::Environment => part_of(session(), resource::environment),
        Detail::Region => part_of(session().or_else(|| text(result(&["intent", "name"]))), resource::region),
        Detail::Platform => {
            let payload = origin("payload").unwrap_or(Json::EMPTY_MAP);
            owned(person::platform(text(origin("source")).as_deref(), payload))
        }
        Detail::Phone => owned(origin("payload").and_then(person::phone)),
        Detail::Echo => Value::Unset,
    }
}

/// A detail of a request of Dialogflow CX.
fn of_cx(detail: Detail, body: Json<'_>) -> Value<'_> {
    let look = |way: &[&str]| way.iter().try_fold(body, |json, key| in_either_spelling(json, key));
    let session = || text(look(&["sessionInfo", "session"]));
    let event = || text(look(&["triggerEvent"]));
    let intent = || text(look(&["intentInfo", "lastMatchedIntent"]));
    match detail {
        Detail::Trigger => owned(event().map(Into::into)),
        Detail::Fallback => {
            let has_no_words = event().is_some_and(|event| NOTHING_FOUND.iter().any(|start| event.starts_with(start)));
            Value::Bool(has_no_words || intent().is_some_and(|intent| resource::id(&intent) == Some(NEGATIVE)))
        }
        Detail::Sentiment => score(look(&["sentimentAnalysisResult"])),
        Detail::IntentId => part_of(intent(), resource::id),
        Detail::Environment => part_of(session(), resource::environment),
        Detail::Region => part_of(session(), resource::region),
        Detail::Platform => owned(look(&["payload"]).and_then(|payload| person::platform(None, payload))),
        Detail::Phone => owned(look(&["payload"]).and_then(person::phone)),
        Detail::Knowledge | Detail::ParentIntent | Detail::Echo => Value::Unset,
    }
}

/// The built-in events of CX for what it has no answer to.
const NOTHING_FOUND: [&str; 2] = ["sys.no-match", "sys.no-input"];
/// The id of each CX agent's Default Negative Intent.
const NEGATIVE: &str = "00000000-0000-0000-0000-000000000001";

/// Finds `displayName` as `display_name` too.
pub fn in_either_spelling<'a>(json: Json<'a>, key: &str) -> Option<Json<'a>> {
    let snake = || {
        let letter = |c: char| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.into() };
        key.chars().map(letter).collect::<String>()
    };
    json.get(key).or_else(|| json.get(&snake()))
}

/// ES has no field for the event: its name stands where the words would. It is told from words by the context that ES makes of an
/// event, or by being a welcome of an integration.
fn trigger(body: Json<'_>) -> Value<'_> {
    let Some(name) = text(at(body, &["queryResult", "queryText"])) else { return Value::Unset };
    let is_name =
        name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') && name.contains(|c: char| c.is_ascii_uppercase());
    let is_welcome = || name == "WELCOME" || (name.ends_with("_WELCOME") && name.to_ascii_uppercase() == name);
    let has_context = || {
        let contexts = at(body, &["queryResult", "outputContexts"]).map(Json::items).unwrap_or_default();
        let names = contexts.into_iter().filter_map(|context| text(context.get("name")));
        names
            .into_iter()
            .any(|context| resource::part(&context, "contexts") == Some(name.to_ascii_lowercase().as_str()))
    };
    if is_name && (is_welcome() || has_context()) { Value::text(name) } else { Value::Unset }
}

/// The first answer of a knowledge base: of the result itself, else of one that ES weighed beside it.
fn knowledge(body: Json<'_>) -> Value<'_> {
    let answer = |result: Json<'_>| {
        let answers = at(result, &["knowledgeAnswers", "answers"]).map(Json::items).unwrap_or_default();
        answers.into_iter().find_map(|answer| text(answer.get("answer"))).map(Cow::into_owned)
    };
    let others = || at(body, &["alternativeQueryResults"]).map(Json::items).unwrap_or_default();
    owned(at(body, &["queryResult"]).and_then(answer).or_else(|| others().into_iter().find_map(answer)))
}

/// A sentiment's score. Protobuf leaves a 0 out, so a sentiment without one is that.
fn score(sentiment: Option<Json<'_>>) -> Value<'_> {
    let Some(sentiment) = sentiment.filter(|json| json.kind() == JsonKind::Map) else { return Value::Unset };
    match sentiment.get("score") {
        Some(score) if score.kind() == JsonKind::Number => Value::from_json(score),
        _ => Value::Number(Number::Int(0)),
    }
}

fn at<'a>(json: Json<'a>, way: &[&str]) -> Option<Json<'a>> {
    way.iter().try_fold(json, |json, key| json.get(key))
}

fn text(json: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    json.and_then(Json::as_text).filter(|text| !text.is_empty())
}

fn is_true(json: Option<Json<'_>>) -> bool {
    json.is_some_and(|json| json.text() == "true")
}

fn owned(text: Option<String>) -> Value<'static> {
    text.map_or(Value::Unset, Value::text)
}

#[expect(clippy::needless_pass_by_value, reason = "names are made for it alone")]
fn part_of(name: Option<Cow<'_, str>>, part: fn(&str) -> Option<&str>) -> Value<'static> {
    owned(name.as_deref().and_then(part).map(str::to_owned))
}
