//! Dialogflow CX, API v3: a `WebhookRequest` in, a `WebhookResponse` out.
//!
//! Field names and types follow the message definitions in `google/cloud/dialogflow/cx/v3/webhook.proto`. Protobuf's JSON
//! may spell a field in camel or in snake case and leaves out what is empty, so every field is optional here, in both
//! spellings; Google says that undocumented fields should be ignored.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::domain::detail::Details;
use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind, JsonText, OnlyMap};
use crate::domain::reply::{Merge, Reply};

use super::dialogflow::details::{self, in_either_spelling};
use super::fault::{ReadError, ReplyTooLarge};
use super::typed::{Field, explain, given, written, wrong_type};

/// What we read of a request.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookRequest<'a> {
    #[serde(borrow, alias = "detect_intent_response_id")]
    detect_intent_response_id: Option<JsonText<'a>>,
    #[serde(borrow, alias = "fulfillment_info")]
    fulfillment_info: Option<OnlyMap<FulfillmentInfo<'a>>>,
    #[serde(borrow, alias = "intent_info")]
    intent_info: Option<OnlyMap<IntentInfo<'a>>>,
    #[serde(borrow, alias = "page_info")]
    page_info: Option<OnlyMap<PageInfo<'a>>>,
    #[serde(borrow, alias = "session_info")]
    session_info: Option<OnlyMap<SessionInfo<'a>>>,
    // What the person typed, said or pressed: protobuf sends one of them.
    #[serde(borrow)]
    text: Option<JsonText<'a>>,
    #[serde(borrow)]
    transcript: Option<JsonText<'a>>,
    #[serde(borrow, alias = "dtmf_digits")]
    dtmf_digits: Option<JsonText<'a>>,
    #[serde(borrow, alias = "language_code")]
    language_code: Option<JsonText<'a>>,
    #[serde(borrow, alias = "language_info")]
    language_info: Option<OnlyMap<LanguageInfo<'a>>>,
    /// Dialogflow ES has this in place of all of the above.
    query_result: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct FulfillmentInfo<'a> {
    #[serde(borrow)]
    tag: Option<JsonText<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct IntentInfo<'a> {
    #[serde(borrow, alias = "display_name")]
    display_name: Option<JsonText<'a>>,
    confidence: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo<'a> {
    #[serde(borrow, alias = "current_page")]
    current_page: Option<JsonText<'a>>,
    #[serde(borrow, alias = "display_name")]
    display_name: Option<JsonText<'a>>,
    #[serde(borrow, alias = "form_info")]
    form_info: Option<OnlyMap<FormInfo<'a>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FormInfo<'a> {
    #[serde(borrow, alias = "parameter_info")]
    parameter_info: Option<Json<'a>>,
}

#[derive(Deserialize)]
struct SessionInfo<'a> {
    #[serde(borrow)]
    session: Option<JsonText<'a>>,
    #[serde(borrow)]
    parameters: Option<Json<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LanguageInfo<'a> {
    #[serde(borrow, alias = "resolved_language_code")]
    resolved_language_code: Option<JsonText<'a>>,
}

/// The fields we read and what each must be, for saying which one isn't. A parent stands before its children.
const FIELDS: [Field; 20] = [
    (&["detectIntentResponseId"], JsonKind::Text),
    (&["fulfillmentInfo"], JsonKind::Map),
    (&["fulfillmentInfo", "tag"], JsonKind::Text),
    (&["intentInfo"], JsonKind::Map),
    (&["intentInfo", "displayName"], JsonKind::Text),
    (&["intentInfo", "confidence"], JsonKind::Number),
    (&["pageInfo"], JsonKind::Map),
    (&["pageInfo", "currentPage"], JsonKind::Text),
    (&["pageInfo", "displayName"], JsonKind::Text),
    (&["pageInfo", "formInfo"], JsonKind::Map),
    (&["pageInfo", "formInfo", "parameterInfo"], JsonKind::List),
    (&["sessionInfo"], JsonKind::Map),
    (&["sessionInfo", "session"], JsonKind::Text),
    (&["sessionInfo", "parameters"], JsonKind::Map),
    (&["text"], JsonKind::Text),
    (&["transcript"], JsonKind::Text),
    (&["dtmfDigits"], JsonKind::Text),
    (&["languageCode"], JsonKind::Text),
    (&["languageInfo"], JsonKind::Map),
    (&["languageInfo", "resolvedLanguageCode"], JsonKind::Text),
];

/// Reads a body into `event`.
pub fn read<'a>(body: &'a [u8], event: &mut Event<'a>) -> Result<(), ReadError> {
    let read = Json::parse_as::<OnlyMap<WebhookRequest<'a>>>(body);
    let (OnlyMap(request), json) = read.map_err(|e| explain(body, e, &FIELDS, in_either_spelling))?;
    if !is_of_cx(&request) {
        return Err(of_another_api(&request));
    }
    let tag = request.fulfillment_info.and_then(|OnlyMap(info)| given(info.tag));
    if let Some(OnlyMap(info)) = request.intent_info {
        (event.intent, event.confidence) = (given(info.display_name), info.confidence);
    }
    let mut current_page = None;
    if let Some(OnlyMap(page)) = request.page_info {
        (current_page, event.page) = (given(page.current_page), given(page.display_name));
        let form = page.form_info.and_then(|OnlyMap(form)| form.parameter_info);
        event.form = of_kind(form, "pageInfo.formInfo.parameterInfo", JsonKind::List, Json::EMPTY_LIST)?;
    }
    if let Some(OnlyMap(session)) = request.session_info {
        event.session = given(session.session);
        event.params = of_kind(session.parameters, "sessionInfo.parameters", JsonKind::Map, Json::EMPTY_MAP)?;
    }
    let response = given(request.detect_intent_response_id);
    event.key = response.map(|response| key(&response, tag.as_deref(), current_page.as_deref()).into());
    event.kind = tag;
    event.flow = current_page.and_then(flow_of);
    event.text = given(request.text).or(given(request.transcript)).or(given(request.dtmf_digits));
    let resolved = request.language_info.and_then(|OnlyMap(info)| given(info.resolved_language_code));
    event.language = given(request.language_code).or(resolved);
    event.details = Details::In(details::CX);
    event.payload = json;
    event.body = json;
    Ok(())
}

/// Real requests always have some of these; which ones depends on what happened.
fn is_of_cx(request: &WebhookRequest<'_>) -> bool {
    request.detect_intent_response_id.is_some()
        || request.fulfillment_info.is_some()
        || request.session_info.is_some()
        || request.page_info.is_some()
        || request.intent_info.is_some()
}

fn of_another_api(request: &WebhookRequest<'_>) -> ReadError {
    if request.query_result.is_some() {
        return ReadError::field("fulfillmentInfo", "missing; this is a request of Dialogflow ES")
            .help("this source is of kind `dialogflow-cx`; an ES agent needs a source of its own kind");
    }
    ReadError::field("fulfillmentInfo", "missing; a webhook request of Dialogflow CX has it")
}

fn of_kind<'a>(raw: Option<Json<'a>>, field: &str, expected: JsonKind, empty: Json<'a>) -> Result<Json<'a>, ReadError> {
    let found = raw.unwrap_or(empty);
    if found.kind() == expected { Ok(found) } else { Err(wrong_type(field, expected, found)) }
}

/// One turn may call several webhooks under the same id, so tag and page belong to the key.
///
/// `#` stands between the parts and nowhere else, so that two triples never make the same text.
fn key(response: &str, tag: Option<&str>, page: Option<&str>) -> String {
    let escaped = |part: &str| part.replace('%', "%25").replace('#', "%23");
    [response, tag.unwrap_or_default(), page.unwrap_or_default()].map(escaped).join("#")
}

/// The flow that a page is of: `.../flows/F` of `.../flows/F/pages/P`.
fn flow_of(page: Cow<'_, str>) -> Option<Cow<'_, str>> {
    let end = page.rfind("/pages/").filter(|end| page.get(..*end).is_some_and(|flow| flow.contains("/flows/")))?;
    match page {
        Cow::Borrowed(page) => page.get(..end).map(Cow::Borrowed),
        Cow::Owned(mut page) => {
            page.truncate(end);
            Some(Cow::Owned(page))
        }
    }
}

/// What we write. What isn't there is left out: protobuf refuses an empty value of the wrong type, and with it the whole
/// answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fulfillment_response: Option<FulfillmentResponse<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_info: Option<Parameters<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_page: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_flow: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FulfillmentResponse<'a> {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Cow<'a, Value>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    merge_behavior: Option<&'static str>,
}

#[derive(Serialize)]
struct Parameters<'a> {
    parameters: &'a Map<String, Value>,
}

/// Writes a reply as a `WebhookResponse`; `{}` without one, which leaves the agent's own answer in place.
///
/// A text is the first message, a rule's own `messages` follow it. A `null` among the parameters stays: it removes the
/// session's. `targetPage` and `targetFlow` are one choice in the definition, and two of them would cost the whole answer,
/// so a page wins.
pub fn write_reply(reply: Option<&Reply>) -> Result<Vec<u8>, ReplyTooLarge> {
    let Some(reply) = reply else { return Ok(b"{}".to_vec()) };
    let text = filled(reply.text.as_deref()).map(|text| Cow::Owned(json!({ "text": { "text": [text] } })));
    // A message that isn't a mapping (a template that rendered to nothing) would cost the whole answer too.
    let own = reply.messages.iter().filter(|message| message.is_object()).map(Cow::Borrowed);
    let messages: Vec<_> = text.into_iter().chain(own).collect();
    let merge_behavior = reply.merge.map(|merge| match merge {
        Merge::Append => "APPEND",
        Merge::Replace => "REPLACE",
    });
    let says = !messages.is_empty() || merge_behavior.is_some();
    let target_page = filled(reply.target_page.as_deref());
    written(&WebhookResponse {
        fulfillment_response: says.then_some(FulfillmentResponse { messages, merge_behavior }),
        session_info: reply.parameters.as_ref().map(|parameters| Parameters { parameters }),
        payload: reply.payload.as_ref(),
        target_page,
        target_flow: filled(reply.target_flow.as_deref()).filter(|_| target_page.is_none()),
    })
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}
