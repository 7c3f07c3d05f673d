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
    fills_params: false,
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
    fills_params: true,
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
    fills_params: true,
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
