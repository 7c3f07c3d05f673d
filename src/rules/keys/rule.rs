//! The keys of a rule.

use super::shape::Words;
use super::shape::{Key, Names, Object, Shape, Snippet};
use super::source::CONTACT;

pub static RULE: Object = Object {
    what: "a rule",
    keys: &[
        Key::new("id", Shape::Name, "Its name, unique over all files.")
            .defines(Names::Rule)
            .required()
            .example("id: pricing-lead"),
        Key::new("description", Shape::Text, "What it is for, in a sentence.")
            .example("description: Somebody who asks for prices is a lead"),
        Key::new("enabled", Shape::Flag, "`false` puts it to rest; `true` by default.").example("enabled: false"),
        Key::new("match", Shape::Object(&MATCH), "Which events it is for; every key must fit, absent means any.")
            .example("match: { intent: [pricing.*, quote.request], language: es }"),
        Key::new("when", Shape::Condition, "A condition on top of `match`.")
            .example("when: params.budget >= 1000 and confidence >= 0.6"),
        Key::new("once", Shape::Duration, "Its changes and forwards at most once in that time for each contact.")
            .example("once: 24h"),
        Key::new("contact", CONTACT, "The contact's id at the connections, or how to find the person.")
            .example("contact: \"{{ payload.user.id }}\""),
        Key::new(
            "contact_at",
            Shape::Mapping(&CONTACT),
            "The contact at single connections, where they know the person by different ids.",
        )
        .keyed_by(Names::Connection)
        .example("contact_at: { crm: { email: \"{{ params.email }}\", create: true } }"),
        Key::new("tag", Shape::Mapping(&Shape::Object(&TAG)), "Tags to add and remove, by connection.")
            .keyed_by(Names::Connection)
            .example("tag: { crm: { add: [Lead, \"Plan {{ params.plan }}\"], remove: [Cold] } }"),
        Key::new("reply", Shape::Either(&[Shape::Template, Shape::Object(&REPLY)]), "What to answer.")
            .example("reply: \"¡Gracias! Te llamamos hoy.\""),
        Key::new("stop", Shape::Flag, "`true`: no rule after this one sees the event.").example("stop: true"),
        Key::new(
            "set",
            Shape::Mapping(&Shape::Mapping(&Shape::Anything)),
            "Fields of the contact to set, by connection.",
        )
        .keyed_by(Names::Connection)
        .example("set: { crm: { plan: \"{{ params.plan }}\" } }"),
        Key::new("forward", Shape::Mapping(&Shape::Anything), "Bodies to send on, by connection.")
            .keyed_by(Names::Connection)
            .example("forward: { zapier-sales: { name: \"{{ params.name }}\" } }"),
    ],
    snippets: &[
        Snippet {
            label: "tag",
            about: "A rule that tags who meant something.",
            body: &[
                "id: ${2:pricing-lead}",
                "match:",
                "  intent: ${3:pricing.*}",
                "tag:",
                "  ${4:crm}:",
                "    add:",
                "      - ${5:Lead}",
            ],
        },
        Snippet {
            label: "reply",
            about: "A rule that answers.",
            body: &[
                "id: ${2:greeting}",
                "match:",
                "  intent: ${3:smalltalk.greeting}",
                "reply: ${4:Hello! How can I help you?}",
            ],
        },
        Snippet {
            label: "forward",
            about: "A rule that sends a body on.",
            body: &[
                "id: ${2:to-zapier}",
                "match:",
                "  intent: ${3:pricing.*}",
                "forward:",
                "  ${4:zapier}:",
                "    name: \"{{ ${5:params.name} }}\"",
            ],
        },
    ],
};

static MATCH: Object = Object {
    what: "match",
    keys: &[
        Key::new("source", Shape::OneOrMany(&Shape::Name), "The sources that it is for.").names(Names::Source).example("source: website-bot"),
        Key::new("intent", Shape::OneOrMany(&Shape::Text), "The intent; `*` stands for any run of characters.").names(Names::Intent)
            .example("intent: pricing.*"),
        Key::new(
            "type",
            Shape::OneOrMany(&Shape::Text),
            "Dialogflow ES: the action; CX: the fulfillment tag; else the event's name. `*` stands for any run of characters.",
        ).example("type: checkout"),
        Key::new("language", Shape::OneOrMany(&Shape::Language), "The language; `es` covers `es-419`, case is ignored.")
            .example("language: es"),
        Key::new(
            "params",
            Shape::Mapping(&Shape::OneOrMany(&Shape::Scalar)),
            "Parameters and their values; `\"*\"` alone means that it is set.",
        )
        .keyed_by(Names::Param)
        .example("params: { plan: [pro, enterprise], phone: \"*\" }"),
        Key::new("text", Shape::Object(&TEXT), "What the person said.").example("text: { contains: [precio, coste] }"),
        Key::new(
            "echo",
            Shape::OneOrMany(&Shape::Flag),
            "Whether a provider tells of what we did to the contact's tags ourselves; without this key such events fit no rule.",
        )
        .example("echo: [true, false]"),
        Key::new("fallback", Shape::Flag, "Dialogflow: whether the agent had no answer.").example("fallback: true"),
        Key::new(
            "trigger",
            Shape::OneOrMany(&Shape::Text),
            "Dialogflow: the event that was triggered in place of words; `*` stands for any run of characters.",
        )
        .example("trigger: [WELCOME, \"*_WELCOME\"]"),
        Key::new("platform", Shape::OneOrMany(&Shape::Text), "Dialogflow: where the person writes or calls from.")
            .example("platform: [facebook, telephony]"),
        Key::new("intent_id", Shape::OneOrMany(&Shape::Text), "Dialogflow: the intent's id, which outlives a new name.")
            .example("intent_id: 29bcd7f8-f717-4261-a8fd-2d3e451b8af8"),
        Key::new("parent_intent", Shape::OneOrMany(&Shape::Text), "Dialogflow ES: the id of the intent that this one follows.")
            .example("parent_intent: 29bcd7f8-f717-4261-a8fd-2d3e451b8af8"),
        Key::new(
            "environment",
            Shape::OneOrMany(&Shape::Text),
            "Dialogflow: the agent's environment; the draft has none.",
        )
        .example("environment: production"),
        Key::new("region", Shape::OneOrMany(&Shape::Text), "Dialogflow: the agent's region; a global agent has none.")
            .example("region: europe-west1"),
    ],
    snippets: &[
        Snippet {
            label: "intent",
            about: "What the person meant.",
            body: &["intent: ${2:pricing.*}"],
        },
    ],
};

static TEXT: Object = Object {
    what: "match.text",
    keys: &[
        Key::new(
            "contains",
            Shape::OneOrMany(&Shape::Text),
            "Whole words, or several in a row, of which any one must be there; case and accents are ignored.",
        )
        .example("contains: [precio, \"plan pro\"]"),
        Key::new("regex", Shape::OneOrMany(&Shape::Regex), "A regular expression that fits a part of the text.")
            .example("regex: \"(?i)\\\\bpro\\\\b\""),
    ],
    snippets: &[Snippet {
        label: "words",
        about: "Words that the person said.",
        body: &["contains:", "  - ${2:precio}"],
    }],
};

static TAG: Object = Object {
    what: "a block of tags",
    keys: &[
        Key::new("add", Shape::OneOrMany(&Shape::Either(&[Shape::Template, TAG_MAPPING])), "Tags to add.")
            .names(Names::Tag)
            .example("add: [Lead, \"Plan {{ params.plan }}\"]"),
        Key::new("remove", Shape::OneOrMany(&Shape::Either(&[Shape::Template, TAG_MAPPING])), "Tags to remove.")
            .names(Names::Tag)
            .example("remove: [Cold]"),
        Key::new("unless_tagged", Shape::OneOrMany(&Shape::Text), "Any one of these tags forbids this block.")
            .names(Names::Tag)
            .example("unless_tagged: [Opt-out]"),
        Key::new("if_tagged", Shape::OneOrMany(&Shape::Text), "All of these tags are needed for this block.")
            .names(Names::Tag)
            .example("if_tagged: [Customer]"),
    ],
    snippets: &[
        Snippet { label: "add", about: "Add a tag.", body: &["add:", "  - ${2:Lead}"] },
        Snippet {
            label: "add and remove",
            about: "Add a tag and remove another.",
            body: &["add:", "  - ${2:Lead}", "remove:", "  - ${3:Cold}"],
        },
    ],
};

const TAG_MAPPING: Shape = Shape::Object(&TAG_ENTRY);

static TAG_ENTRY: Object = Object {
    what: "a tag",
    keys: &[
        Key::new("name", Shape::Template, "The tag's name.").names(Names::Tag).required().example("name: Hot"),
        Key::new("for", Shape::Duration, "For how long: the tag goes again so long after the event.")
            .example("for: 7d"),
        Key::new("when", Shape::Condition, "When this tag is changed at all.").example("when: params.budget >= 5000"),
    ],
    snippets: &[
        Snippet { label: "for a time", about: "A tag that goes again.", body: &["name: ${2:Hot}", "for: ${3:7d}"] },
        Snippet {
            label: "on a condition",
            about: "A tag with a condition of its own.",
            body: &["name: ${2:Hot}", "when: ${3:params.budget >= 5000}"],
        },
    ],
};

static REPLY: Object = Object {
    what: "a reply",
    keys: &[
        Key::new(
            "text",
            Shape::Either(&[Shape::Template, Shape::ByLanguage(&Shape::Template)]),
            "Plain words; or words by language, `default` for every other.",
        )
        .example("text: { es: \"¡Gracias!\", pt: \"Obrigado!\", default: \"Thanks!\" }"),
        Key::new("messages", Shape::List(&Shape::Anything), "Messages in the platform's own form.")
            .example("messages: [{ text: { text: [Thank you!] } }]"),
        Key::new("payload", Shape::Mapping(&Shape::Anything), "A payload for the integration, passed on as it is.")
            .example("payload: { buttons: [Prices, Support] }"),
        Key::new("contexts", Shape::List(&Shape::Object(&CONTEXT)), "Contexts to set.")
            .example("contexts: [{ name: awaiting-plan, lifespan: 3 }]"),
        Key::new("event", Shape::Object(&EVENT), "An event that the platform shall act on instead of an answer.")
            .example("event: { name: WELCOME }"),
        Key::new(
            "parameters",
            Shape::Mapping(&Shape::Anything),
            "Dialogflow CX: session parameters to set; nothing after the colon removes one.",
        )
        .example("parameters: { plan: \"{{ params.plan }}\", quote: ~ }"),
        Key::new("target_page", Shape::Template, "Dialogflow CX: the page to go to, by its resource name.")
            .example("target_page: projects/p/locations/global/agents/a/flows/f/pages/g"),
        Key::new("target_flow", Shape::Template, "Dialogflow CX: the flow to go to, by its resource name.")
            .example("target_flow: projects/p/locations/global/agents/a/flows/f"),
        Key::new(
            "merge",
            Shape::OneOf(Words { now: || vec!["append", "replace"], later: &[] }),
            "Dialogflow CX: whether messages come after the agent's own or replace them; `append` by default.",
        )
        .example("merge: replace"),
    ],
    snippets: &[
        Snippet {
            label: "by language",
            about: "Words for each language.",
            body: &["text:", "  ${2:es}: ${3:¡Gracias!}", "  default: ${4:Thank you!}"],
        },
        Snippet {
            label: "text and context",
            about: "Words, and a context to set.",
            body: &["text: ${2:Which plan?}", "contexts:", "  - name: ${3:awaiting-plan}", "    lifespan: ${4:3}"],
        },
    ],
};

static CONTEXT: Object = Object {
    what: "a context",
    keys: &[
        Key::new("name", Shape::Template, "Its short name; the session is put before it.")
            .required()
            .example("name: awaiting-plan"),
        Key::new("lifespan", Shape::Count(0, 1000), "For how many turns it lives; 0 ends it.").example("lifespan: 3"),
        Key::new("parameters", Shape::Mapping(&Shape::Anything), "What it carries.")
            .example("parameters: { plan: \"{{ params.plan }}\" }"),
    ],
    snippets: &[Snippet {
        label: "context",
        about: "A context for some turns.",
        body: &["name: ${2:awaiting-plan}", "lifespan: ${3:3}"],
    }],
};

static EVENT: Object = Object {
    what: "an event to invoke",
    keys: &[
        Key::new("name", Shape::Template, "The event's name.").required().example("name: WELCOME"),
        Key::new("language", Shape::Template, "The language to go on in; the request's own by default.")
            .example("language: es"),
        Key::new("parameters", Shape::Mapping(&Shape::Anything), "What it carries.")
            .example("parameters: { plan: \"{{ params.plan }}\" }"),
    ],
    snippets: &[Snippet { label: "event", about: "An event by its name.", body: &["name: ${2:WELCOME}"] }],
};
