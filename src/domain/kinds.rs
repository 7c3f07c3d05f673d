//! The kinds of sources: rows of one table, each with where its bodies are described and what nobody has confirmed.

use super::connection::ProviderKind;
use super::kind::{Answer, Handshake, Media, OwnProof, Part, Traits};

/// The commonest vendor, from which each row says how it differs: JSON by POST, answered with what became of it, where nobody
/// sees a reply.
const PLAIN: Traits = Traits {
    name: "",
    title: "",
    methods: "POST",
    media: &[Media::Json],
    proof: OwnProof::None,
    handshake: Handshake::None,
    has_key: true,
    is_told: false,
    carries: &[],
    has_agent: false,
    contact_at: &[],
    tells_tags: false,
    reply: &[],
    answer: Answer::Told,
    source: "",
    unconfirmed: "",
};

pub(super) const DIALOGFLOW_ES: Traits = Traits {
    name: "dialogflow-es",
    title: "Dialogflow ES",
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Language, Part::Session, Part::Confidence],
    has_agent: true,
    // The integration of its white label gives the id of its Contacts API.
    contact_at: &[ProviderKind::Tic1980],
    reply: &["text", "messages", "payload", "contexts", "event"],
    answer: Answer::Own("application/json"),
    source: "google/cloud/dialogflow/v2/webhook.proto",
    ..PLAIN
};

pub(super) const DIALOGFLOW_CX: Traits = Traits {
    name: "dialogflow-cx",
    title: "Dialogflow CX",
    carries: &[
        Part::Type,
        Part::Intent,
        Part::Text,
        Part::Language,
        Part::Session,
        Part::Confidence,
        Part::Page,
        Part::Flow,
        Part::Form,
    ],
    has_agent: true,
    reply: &["text", "messages", "payload", "parameters", "target_page", "target_flow", "merge"],
    answer: Answer::Own("application/json"),
    source: "google/cloud/dialogflow/cx/v3/webhook.proto",
    ..PLAIN
};

pub(super) const CATCH: Traits = Traits {
    name: "catch",
    title: "any sender",
    methods: "GET, POST, PUT",
    media: &[Media::Json, Media::Xml, Media::Form, Media::Text],
    has_key: false,
    is_told: true,
    carries: &[Part::Type, Part::Intent, Part::Text],
    reply: &["text", "messages", "payload"],
    source: "the source itself, which says where the parts of its events stand",
    ..PLAIN
};

pub(super) const HELPCRUNCH: Traits = Traits {
    name: "helpcrunch",
    title: "HelpCrunch",
    proof: OwnProof::Signature("helpcrunch"),
    carries: &[Part::Type, Part::Text, Part::Session, Part::Contact],
    contact_at: &[ProviderKind::Helpcrunch],
    tells_tags: true,
    source: "HelpCrunch's pages on webhooks",
    unconfirmed: "whether a change of tags made through the API comes back as an event",
    ..PLAIN
};

pub(super) const RESPOND_IO: Traits = Traits {
    name: "respond-io",
    title: "respond.io",
    proof: OwnProof::Signature("respond-io"),
    carries: &[Part::Type, Part::Text, Part::Language, Part::Contact],
    contact_at: &[ProviderKind::RespondIo],
    tells_tags: true,
    source: "the types of an integrator, heboai/hebo, and integrators' code for tags",
    unconfirmed: "the whole: no page of the vendor shows a body; what an event is called was seen, not read",
    ..PLAIN
};

pub(super) const B2CHAT: Traits = Traits {
    name: "b2chat",
    title: "B2Chat",
    has_key: false,
    carries: &[Part::Type, Part::Session, Part::Contact],
    contact_at: &[ProviderKind::B2chat],
    source: "B2Chat's page on webhooks for what there is, its export of chats for the fields",
    unconfirmed: "the whole: no page shows a body; the fields are those of the export of chats",
    ..PLAIN
};

pub(super) const CHATWOOT: Traits = Traits {
    name: "chatwoot",
    title: "Chatwoot",
    proof: OwnProof::Signature("chatwoot"),
    carries: &[Part::Type, Part::Text, Part::Session, Part::Contact],
    tells_tags: true,
    source: "Chatwoot's pages on webhooks and their events",
    unconfirmed: "how a change of a contact's labels is told; bodies of older versions have no signature",
    ..PLAIN
};

pub(super) const INTERCOM: Traits = Traits {
    name: "intercom",
    title: "Intercom",
    methods: "HEAD, POST",
    proof: OwnProof::Signature("intercom"),
    handshake: Handshake::Head,
    carries: &[Part::Type, Part::Text, Part::Language, Part::Session, Part::Contact],
    tells_tags: true,
    source: "Intercom's pages on webhook topics and models",
    unconfirmed: "the HEAD request with which an address is tried",
    ..PLAIN
};

pub(super) const ZENDESK: Traits = Traits {
    name: "zendesk",
    title: "Zendesk",
    proof: OwnProof::Signature("zendesk"),
    carries: &[Part::Type, Part::Text, Part::Language, Part::Session, Part::Contact],
    tells_tags: true,
    source: "Zendesk's pages on event types, and integrators' schemas of them",
    unconfirmed: "where a change of tags stands (`event.added.tags`), which is from an integrator's code",
    ..PLAIN
};

pub(super) const TYPEFORM: Traits = Traits {
    name: "typeform",
    title: "Typeform",
    proof: OwnProof::Signature("typeform"),
    carries: &[Part::Type, Part::Session],
    source: "Typeform's example payload",
    unconfirmed: "whether a repetition has the same `event_id`",
    ..PLAIN
};

pub(super) const GITHUB: Traits = Traits {
    name: "github",
    title: "GitHub",
    proof: OwnProof::Signature("github"),
    carries: &[Part::Type, Part::Text, Part::Session, Part::Contact],
    source: "octokit/webhooks, payload-examples",
    ..PLAIN
};

pub(super) const STRIPE: Traits = Traits {
    name: "stripe",
    title: "Stripe",
    proof: OwnProof::Signature("stripe"),
    carries: &[Part::Type, Part::Language, Part::Contact],
    source: "Stripe's API reference, the Event object",
    ..PLAIN
};

pub(super) const META: Traits = Traits {
    name: "meta",
    title: "Meta",
    methods: "GET, POST",
    proof: OwnProof::Signature("meta"),
    handshake: Handshake::Query { token: "hub.verify_token", challenge: "hub.challenge" },
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Contact],
    source: "Meta's reference of webhook events, and the test data of pywa",
    unconfirmed: "whether echoes of the WhatsApp app are complete, and the ids of people who hide their number",
    ..PLAIN
};

pub(super) const TELEGRAM: Traits = Traits {
    name: "telegram",
    title: "Telegram",
    proof: OwnProof::Header("x-telegram-bot-api-secret-token"),
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Language, Part::Session, Part::Contact],
    reply: &["text", "payload"],
    answer: Answer::Own("application/json"),
    source: "the page of Telegram's Bot API",
    unconfirmed: "for how long an update is sent again",
    ..PLAIN
};

pub(super) const LINE: Traits = Traits {
    name: "line",
    title: "LINE",
    proof: OwnProof::Signature("line"),
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Session, Part::Contact],
    source: "line-openapi, webhook.yml, and the test data of line-bot-sdk-python",
    ..PLAIN
};

pub(super) const VIBER: Traits = Traits {
    name: "viber",
    title: "Viber",
    proof: OwnProof::Signature("viber"),
    handshake: Handshake::Body { key: "event", is: "webhook", answer: None },
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Language, Part::Contact],
    reply: &["text", "payload"],
    answer: Answer::Own("application/json"),
    source: "Viber's pages on events, and viber-bot-python",
    unconfirmed: "for how long a callback is sent again",
    ..PLAIN
};

pub(super) const SLACK: Traits = Traits {
    name: "slack",
    title: "Slack",
    media: &[Media::Json, Media::Form],
    proof: OwnProof::Signature("slack"),
    handshake: Handshake::Body { key: "type", is: "url_verification", answer: Some("challenge") },
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Session, Part::Contact],
    reply: &["text", "payload"],
    answer: Answer::Own("application/json"),
    source: "Slack's reference of events and interaction payloads",
    ..PLAIN
};

pub(super) const TWILIO: Traits = Traits {
    name: "twilio",
    title: "Twilio",
    methods: "GET, POST",
    media: &[Media::Json, Media::Form],
    proof: OwnProof::Signature("twilio"),
    carries: &[Part::Type, Part::Intent, Part::Text, Part::Session, Part::Confidence, Part::Contact],
    reply: &["text"],
    answer: Answer::Own("text/xml; charset=utf-8"),
    source: "Twilio's pages on webhooks and event streams, and twilio-node",
    unconfirmed: "the header that tells which requests are one",
    ..PLAIN
};
