//! Dialogflow ES, API v2: a `WebhookRequest` in, a `WebhookResponse` out.
//!
//! Field names and types follow the message definitions in `google/cloud/dialogflow/v2/webhook.proto`. Google says that
//! requests may hold undocumented fields which should be ignored, so nothing unknown disturbs.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::domain::detail::Details;
use crate::domain::event::Event;
use crate::domain::json::{Json, JsonKind, JsonText, OnlyMap};
use crate::domain::reply::{FollowupEvent, OutputContext, Reply};

use super::dialogflow::details;
use super::fault::{ReadError, ReplyTooLarge};
use super::typed::{Field, explain, given, written, wrong_type};

/// What we read of a request. Everything is optional: real requests come without a session (the console's) and with
/// `null` anywhere (protobuf serialisers that write unset fields).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WebhookRequest<'a> {
    #[serde(borrow)]
    response_id: Option<JsonText<'a>>,
    #[serde(borrow)]
    session: Option<JsonText<'a>>,
    #[serde(borrow)]
    query_result: Option<OnlyMap<QueryResult<'a>>>,
    /// Where an integration tells whose conversation it is; rules look for contacts there.
    #[serde(borrow)]
    original_detect_intent_request: Option<Json<'a>>,
    /// API v1 has this in place of `queryResult`.
    result: Option<IgnoredAny>,
    /// Dialogflow CX has these.
    detect_intent_response_id: Option<IgnoredAny>,
    fulfillment_info: Option<IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryResult<'a> {
    #[serde(borrow)]
    query_text: Option<JsonText<'a>>,
    #[serde(borrow)]
    language_code: Option<JsonText<'a>>,
    #[serde(borrow)]
    action: Option<JsonText<'a>>,
    #[serde(borrow)]
    parameters: Option<Json<'a>>,
    #[serde(borrow)]
    intent: Option<OnlyMap<Intent<'a>>>,
    intent_detection_confidence: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Intent<'a> {
    #[serde(borrow)]
    display_name: Option<JsonText<'a>>,
}

const ORIGINAL: &str = "originalDetectIntentRequest";

/// The fields we read and what each must be, for saying which one isn't. A parent stands before its children.
const FIELDS: [Field; 10] = [
    (&["responseId"], JsonKind::Text),
    (&["session"], JsonKind::Text),
    (&["queryResult"], JsonKind::Map),
    (&["queryResult", "queryText"], JsonKind::Text),
    (&["queryResult", "languageCode"], JsonKind::Text),
    (&["queryResult", "action"], JsonKind::Text),
    (&["queryResult", "parameters"], JsonKind::Map),
    (&["queryResult", "intent"], JsonKind::Map),
    (&["queryResult", "intent", "displayName"], JsonKind::Text),
    (&["queryResult", "intentDetectionConfidence"], JsonKind::Number),
];

/// Reads a body into `event`.
pub fn read<'a>(body: &'a [u8], event: &mut Event<'a>) -> Result<(), ReadError> {
    let read = Json::parse_as::<OnlyMap<WebhookRequest<'a>>>(body);
    let (OnlyMap(request), json) = read.map_err(|e| explain(body, e, &FIELDS, |json, key| json.get(key)))?;
    let Some(OnlyMap(result)) = request.query_result else { return Err(no_query_result(&request)) };
    let params = result.parameters.unwrap_or(Json::EMPTY_MAP);
    if params.kind() != JsonKind::Map {
        return Err(wrong_type("queryResult.parameters", JsonKind::Map, params));
    }
    event.key = given(request.response_id);
    event.session = given(request.session);
    event.kind = given(result.action);
    event.intent = result.intent.and_then(|OnlyMap(intent)| given(intent.display_name));
    event.text = given(result.query_text);
    event.language = given(result.language_code);
    event.confidence = result.intent_detection_confidence;
    event.params = params;
    event.details = Details::In(details::ES);
    event.payload = json;
    event.known_part = request.original_detect_intent_request.map(|original| (ORIGINAL, original));
    event.body = json;
    Ok(())
}

/// A mapping without `queryResult`: most likely another API's request.
fn no_query_result(request: &WebhookRequest<'_>) -> ReadError {
    if request.result.is_some() {
        return ReadError::field("result", "this is a request of Dialogflow's API v1, which is retired")
            .help("in the agent's settings, under General, set the API version to V2");
    }
    if request.detect_intent_response_id.is_some() || request.fulfillment_info.is_some() {
        return ReadError::field("queryResult", "missing; this is a request of Dialogflow CX")
            .help("this source is of kind `dialogflow-es`; a CX agent needs a source of its own kind");
    }
    ReadError::field("queryResult", "missing; a webhook request of Dialogflow ES has it")
}

/// What we write. Protobuf refuses an empty value of the wrong type (`""` for a list), and with it the whole answer, so
/// what isn't there is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookResponse<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    fulfillment_text: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fulfillment_messages: Vec<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<&'a Map<String, Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    output_contexts: Vec<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    followup_event_input: Option<EventInput<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Context<'a> {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lifespan_count: Option<i32>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: &'a Map<String, Value>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EventInput<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    language_code: Option<&'a str>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    parameters: &'a Map<String, Value>,
}

/// Writes a reply as a `WebhookResponse`; `{}` without one, which leaves the agent's own answer in place.
///
/// A text goes into `fulfillmentText` alone, which is enough where there are no messages; none is made up beside it, so
/// that a rule's own `messages` are all the messages there are. Where an event is set Dialogflow ignores text, messages
/// and payload, so they may stand there. Contexts are left out when the request has no session: their names need it, and
/// a wrong name would cost the whole answer.
pub fn write_reply(
    session: Option<&str>,
    language: Option<&str>,
    reply: Option<&Reply>,
) -> Result<Vec<u8>, ReplyTooLarge> {
    let Some(reply) = reply else { return Ok(b"{}".to_vec()) };
    let contexts = reply.contexts.iter().filter_map(|context| session.map(|session| output_context(session, context)));
    let response = WebhookResponse {
        fulfillment_text: reply.text.as_deref().filter(|text| !text.is_empty()),
        // A message that isn't a mapping (a template that rendered to nothing) would cost the whole answer too.
        fulfillment_messages: reply.messages.iter().filter(|message| message.is_object()).collect(),
        payload: reply.payload.as_ref(),
        output_contexts: contexts.collect(),
        followup_event_input: reply.event.as_ref().map(|event| event_input(language, event)),
    };
    written(&response)
}

fn output_context<'a>(session: &str, context: &'a OutputContext) -> Context<'a> {
    Context {
        name: format!("{session}/contexts/{}", context.name),
        // The field is an int32, which ends below what a rule may say.
        lifespan_count: context.lifespan.map(|turns| i32::try_from(turns).unwrap_or(i32::MAX)),
        parameters: &context.parameters,
    }
}

fn event_input<'a>(language: Option<&'a str>, event: &'a FollowupEvent) -> EventInput<'a> {
    EventInput {
        name: &event.name,
        language_code: event.language.as_deref().or(language),
        parameters: &event.parameters,
    }
}
