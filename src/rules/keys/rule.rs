//! The keys of a rule.

use super::shape::{Key, Object, Shape};
use super::source::LOOK_UP;

pub static RULE: Object = Object {
    what: "a rule",
    keys: &[
        Key::new("id", Shape::Text, "Its name, unique over all files.").required().example("id: pricing-lead"),
        Key::new("description", Shape::Text, "What it is for, in a sentence."),
        Key::new("enabled", Shape::Flag, "`false` puts it to rest; `true` by default."),
        Key::new("match", Shape::Object(&MATCH), "Which events it is for; every key must fit, absent means any.")
            .example("match: { intent: [pricing.*, quote.request], language: es }"),
        Key::new("when", Shape::Condition, "A condition on top of `match`.")
            .example("when: params.budget >= 1000 and confidence >= 0.6"),
        Key::new("contact", Shape::Either(&[Shape::Template, LOOK_UP]), "The contact's id at the connections.")
            .example("contact: \"{{ payload.user.id }}\""),
        Key::new(
            "contact_at",
            Shape::Mapping(&Shape::Either(&[Shape::Template, LOOK_UP])),
            "The contact's id at single connections, where they know the person by different ids.",
        )
        .example("contact_at: { crm: \"{{ params.crm_id }}\" }"),
        Key::new("tag", Shape::Mapping(&Shape::Object(&TAG)), "Tags to add and remove, by connection.")
            .example("tag: { crm: { add: [Lead, \"Plan {{ params.plan }}\"], remove: [Cold] } }"),
        Key::new("reply", Shape::Either(&[Shape::Template, Shape::Object(&REPLY)]), "What to answer.")
            .example("reply: \"¡Gracias! Te llamamos hoy.\""),
        Key::new("stop", Shape::Flag, "`true`: no rule after this one sees the event."),
        Key::later("once", "Changes at most once in that time per contact."),
        Key::later("set", "Fields to set, by connection."),
        Key::later("forward", "Bodies to send on, by connection."),
    ],
};

static MATCH: Object = Object {
    what: "match",
    keys: &[
        Key::new("source", Shape::OneOrMany(&Shape::Name), "The sources that it is for."),
        Key::new("intent", Shape::OneOrMany(&Shape::Text), "The intent; `*` stands for any run of characters.")
            .example("intent: pricing.*"),
        Key::new(
            "type",
            Shape::OneOrMany(&Shape::Text),
            "Dialogflow ES: the action. `*` stands for any run of characters.",
        ),
        Key::new("language", Shape::OneOrMany(&Shape::Text), "The language; `es` covers `es-419`, case is ignored.")
            .example("language: es"),
        Key::new(
            "params",
            Shape::Mapping(&Shape::OneOrMany(&Shape::Scalar)),
            "Parameters and their values; `\"*\"` alone means that it is set.",
        )
        .example("params: { plan: [pro, enterprise], phone: \"*\" }"),
        Key::later("text", "Words in what the person said."),
    ],
};

static TAG: Object = Object {
    what: "a block of tags",
    keys: &[
        Key::new("add", Shape::OneOrMany(&Shape::Either(&[Shape::Template, TAG_MAPPING])), "Tags to add.")
            .example("add: [Lead, \"Plan {{ params.plan }}\"]"),
        Key::new("remove", Shape::OneOrMany(&Shape::Either(&[Shape::Template, TAG_MAPPING])), "Tags to remove.")
            .example("remove: [Cold]"),
        Key::new("unless_tagged", Shape::OneOrMany(&Shape::Text), "Any one of these tags forbids this block.")
            .example("unless_tagged: [Opt-out]"),
        Key::new("if_tagged", Shape::OneOrMany(&Shape::Text), "All of these tags are needed for this block."),
    ],
};

const TAG_MAPPING: Shape = Shape::LaterMapping("a tag with its own `for` or `when`");

static REPLY: Object = Object {
    what: "a reply",
    keys: &[
        Key::new("text", Shape::Either(&[Shape::Template, Shape::LaterMapping("a text per language")]), "Plain words."),
        Key::new("messages", Shape::List(&Shape::Anything), "Messages in the platform's own form."),
        Key::new("payload", Shape::Mapping(&Shape::Anything), "A payload for the integration, passed on as it is."),
        Key::new("contexts", Shape::List(&Shape::Object(&CONTEXT)), "Contexts to set.")
            .example("contexts: [{ name: awaiting-plan, lifespan: 3 }]"),
        Key::new("event", Shape::Object(&EVENT), "An event that the platform shall act on instead of an answer.")
            .example("event: { name: WELCOME }"),
        Key::later("parameters", "Dialogflow CX: session parameters to set."),
        Key::later("target_page", "Dialogflow CX: the page to go to."),
        Key::later("target_flow", "Dialogflow CX: the flow to go to."),
        Key::later("merge", "Dialogflow CX: whether messages replace or join the platform's own."),
    ],
};

static CONTEXT: Object = Object {
    what: "a context",
    keys: &[
        Key::new("name", Shape::Template, "Its short name; the session is put before it.").required(),
        Key::new("lifespan", Shape::Count(0, 1000), "For how many turns it lives; 0 ends it."),
        Key::new("parameters", Shape::Mapping(&Shape::Anything), "What it carries."),
    ],
};

static EVENT: Object = Object {
    what: "an event to invoke",
    keys: &[
        Key::new("name", Shape::Template, "The event's name.").required(),
        Key::new("language", Shape::Template, "The language to go on in; the request's own by default."),
        Key::new("parameters", Shape::Mapping(&Shape::Anything), "What it carries."),
    ],
};
