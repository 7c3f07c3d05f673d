//! The keys of a test.

use super::shape::{Key, Names, Object, Shape, Snippet};

pub static TEST: Object = Object {
    what: "a test",
    keys: &[
        Key::new("name", Shape::Text, "What it proves, in a sentence.").required().example("name: a big budget becomes a lead"),
        Key::new("at", Shape::Time, "When the event is received; 2026-01-01T12:00:00Z by default.")
            .example("at: 2026-03-02T15:00:00-05:00"),
        Key::new("event", Shape::Object(&EVENT), "The event in short. Either this or `request`.")
            .example("event: { source: website-bot, intent: pricing.inquiry, params: { plan: pro }, contact: \"17\" }"),
        Key::new("request", Shape::Object(&REQUEST), "A raw request, read by the source's own parser.")
            .example("request: { source: website-bot, body: fixtures/es-pricing.json }"),
        Key::new(
            "tagged",
            Shape::Mapping(&Shape::List(&Shape::Text)),
            "The tags that the contact has before, by connection.",
        )
        .keyed_by(Names::Connection)
        .names(Names::Tag)
        .example("tagged: { crm: [Customer] }"),
        Key::new(
            "expect",
            Shape::Object(&EXPECT),
            "What must come of it; each key given is compared whole, order aside.",
        )
        .example("expect: { rules: [pricing-lead] }"),
        Key::new("steps", Shape::List(&Shape::Object(&STEP)), "A sequence of events with time between them, in place of one.")
            .example("steps:\n  - { event: { source: bot, intent: a }, expect: { rules: [r] } }\n  - { after: 7d, expect: { tag: { crm: { remove: [Hot] } } } }"),
    ],
    snippets: &[
        Snippet {
            label: "event",
            about: "A test with an event in short.",
            body: &["name: ${2:who asks for prices is a lead}", "event:", "  source: ${3:website-bot}", "  intent: ${4:pricing.inquiry}", "  contact: \"${5:17}\"", "expect:", "  rules:", "    - ${6:pricing-lead}"],
        },
        Snippet {
            label: "request",
            about: "A test with a real request.",
            body: &["name: ${2:a real request}", "request:", "  source: ${3:website-bot}", "  body: ${4:fixtures/es-pricing.json}", "expect:", "  rules:", "    - ${5:pricing-lead}"],
        },
        Snippet {
            label: "steps",
            about: "A test over some time.",
            body: &["name: ${2:the tag goes after a week}", "steps:", "  - event:", "      source: ${3:website-bot}", "      intent: ${4:pricing.inquiry}", "      contact: \"${5:17}\"", "    expect:", "      rules:", "        - ${6:pricing-lead}"],
        },
    ],
};

static STEP: Object = Object {
    what: "a step",
    keys: &[
        Key::new("after", Shape::Duration, "How long after the step before; `0s` by default.").example("after: 7d"),
        Key::new("event", Shape::Object(&EVENT), "The event in short.")
            .example("event: { source: website-bot, intent: pricing.inquiry }"),
        Key::new("request", Shape::Object(&REQUEST), "A raw request, read by the source's own parser.")
            .example("request: { source: website-bot, body: fixtures/es-pricing.json }"),
        Key::new("expect", Shape::Object(&EXPECT), "What must come of this step, tags that end their time included.")
            .example("expect: { tag: { crm: { remove: [Hot] } } }"),
    ],
    snippets: &[
        Snippet {
            label: "event",
            about: "Something happens.",
            body: &[
                "event:",
                "  source: ${2:website-bot}",
                "  intent: ${3:pricing.inquiry}",
                "expect:",
                "  rules:",
                "    - ${4:pricing-lead}",
            ],
        },
        Snippet {
            label: "time",
            about: "Time goes by.",
            body: &["after: ${2:7d}", "expect:", "  tag:", "    ${3:crm}:", "      remove:", "        - ${4:Hot}"],
        },
    ],
};

static EVENT: Object = Object {
    what: "a test's event",
    keys: &[
        Key::new("source", Shape::Name, "The source that it comes through.")
            .names(Names::Source)
            .required()
            .example("source: website-bot"),
        Key::new("intent", Shape::Text, "What the person meant.")
            .names(Names::Intent)
            .example("intent: pricing.inquiry"),
        Key::new("type", Shape::Text, "Dialogflow ES: the action; CX: the fulfillment tag; else the event's name.")
            .example("type: checkout"),
        Key::new("language", Shape::Text, "The language tag.").example("language: es-419"),
        Key::new("confidence", Shape::Number(0.0, 1.0), "How sure the platform is, 0 to 1.").example("confidence: 0.9"),
        Key::new("text", Shape::Text, "What the person said.").example("text: What does the pro plan cost?"),
        Key::new("params", Shape::Mapping(&Shape::Anything), "What the platform filled in.")
            .keyed_by(Names::Param)
            .example("params: { plan: pro, budget: 6000 }"),
        Key::new("contact", Shape::Scalar, "The contact's id, as the source would have found it.")
            .example("contact: \"1568834\""),
        Key::new("session", Shape::Text, "The conversation.").example("session: projects/p/agent/sessions/1"),
        Key::new("page", Shape::Text, "Dialogflow CX: the page, by its display name.").example("page: Prices"),
        Key::new("flow", Shape::Text, "Dialogflow CX: the flow, by its resource name.")
            .example("flow: projects/p/locations/global/agents/a/flows/f"),
        Key::new(
            "form",
            Shape::Mapping(&Shape::Mapping(&Shape::Anything)),
            "Dialogflow CX: the form's parameters by name.",
        )
        .example("form: { size: { value: 40, state: FILLED } }"),
        Key::new("echo", Shape::Flag, "Whether the event tells of what we did ourselves; `false` by default.")
            .example("echo: true"),
        Key::new("fallback", Shape::Flag, "Dialogflow: whether the agent had no answer; `false` by default.")
            .example("fallback: true"),
        Key::new("trigger", Shape::Text, "Dialogflow: the event that was triggered.").example("trigger: WELCOME"),
        Key::new("knowledge", Shape::Text, "Dialogflow ES: the answer of the knowledge base.")
            .example("knowledge: We deliver on Mondays."),
        Key::new("sentiment", Shape::Number(-1.0, 1.0), "Dialogflow: how glad the words are, -1 to 1.")
            .example("sentiment: -0.6"),
        Key::new("platform", Shape::Text, "Dialogflow: where the person writes or calls from.")
            .example("platform: facebook"),
        Key::new("phone", Shape::Text, "Dialogflow: the person's phone number.").example("phone: \"+573001234567\""),
        Key::new("intent_id", Shape::Text, "Dialogflow: the intent's id.")
            .example("intent_id: 29bcd7f8-f717-4261-a8fd-2d3e451b8af8"),
        Key::new("parent_intent", Shape::Text, "Dialogflow ES: the id of the intent that this one follows.")
            .example("parent_intent: 29bcd7f8-f717-4261-a8fd-2d3e451b8af8"),
        Key::new("environment", Shape::Text, "Dialogflow: the agent's environment.").example("environment: production"),
        Key::new("region", Shape::Text, "Dialogflow: the agent's region.").example("region: europe-west1"),
        Key::new("payload", Shape::Anything, "The item of the body that the event is read from.")
            .example("payload: { event: checkout, total: 40 }"),
        Key::new("body", Shape::Anything, "The whole body; `payload` by default.")
            .example("body: { leads: [{ name: Ana }] }"),
        Key::new("query", Shape::Mapping(&Shape::Scalar), "The request's query.")
            .example("query: { campaign: spring }"),
        Key::new("headers", Shape::Mapping(&Shape::Scalar), "The request's headers.")
            .example("headers: { X-Shop: bogota }"),
    ],
    snippets: &[Snippet {
        label: "intent",
        about: "What the person meant.",
        body: &["source: ${2:website-bot}", "intent: ${3:pricing.inquiry}", "contact: \"${4:17}\""],
    }],
};

static REQUEST: Object = Object {
    what: "a test's request",
    keys: &[
        Key::new("source", Shape::Name, "The source that it comes through.")
            .names(Names::Source)
            .required()
            .example("source: website-bot"),
        Key::new("body", Shape::Text, "The file with the raw body, relative to this file.")
            .required()
            .example("body: fixtures/es-pricing.json"),
    ],
    snippets: &[Snippet {
        label: "request",
        about: "A file with a raw body.",
        body: &["source: ${2:website-bot}", "body: ${3:fixtures/es-pricing.json}"],
    }],
};

static EXPECT: Object = Object {
    what: "expect",
    keys: &[
        Key::new("rules", Shape::List(&Shape::Name), "The rules that match; `[]`: none.")
            .names(Names::Rule)
            .example("rules: [pricing-lead]"),
        Key::new("tag", Shape::Mapping(&Shape::Object(&EXPECTED_TAGS)), "What remains after guards; `{}`: nothing.")
            .keyed_by(Names::Connection)
            .example("tag: { crm: { add: [Lead], remove: [Cold] } }"),
        Key::new(
            "reply",
            Shape::Either(&[Shape::Text, Shape::Object(&EXPECTED_REPLY), Shape::Nothing]),
            "The answer: a text, or a mapping as in a rule; nothing after the colon: none.",
        )
        .example("reply: Thank you! We will get back to you today."),
        Key::new(
            "set",
            Shape::Mapping(&Shape::Mapping(&Shape::Anything)),
            "Fields that are set, by connection; `{}`: none.",
        )
        .keyed_by(Names::Connection)
        .example("set: { crm: { plan: pro } }"),
        Key::new("forward", Shape::Mapping(&Shape::Anything), "Bodies that are sent on, by connection; `{}`: none.")
            .keyed_by(Names::Connection)
            .example("forward: { zapier-sales: { name: Ana } }"),
        Key::new("contact", Shape::Mapping(&Shape::Text), "Whom the changes are for, by connection.")
            .keyed_by(Names::Connection)
            .example("contact: { crm: \"email:ana@example.com\" }"),
        Key::new("faults", Shape::List(&Shape::Text), "The rules that could not be carried out; `[]`: none.")
            .names(Names::Rule)
            .example("faults: [pricing-lead]"),
    ],
    snippets: &[
        Snippet { label: "rules", about: "The rules that match.", body: &["rules:", "  - ${2:pricing-lead}"] },
        Snippet {
            label: "tags",
            about: "The tags that change.",
            body: &["tag:", "  ${2:crm}:", "    add:", "      - ${3:Lead}"],
        },
    ],
};

static EXPECTED_TAGS: Object = Object {
    what: "expected tags",
    keys: &[
        Key::new("add", Shape::List(&Shape::Text), "Tags that are added.").names(Names::Tag).example("add: [Lead]"),
        Key::new("remove", Shape::List(&Shape::Text), "Tags that are removed.")
            .names(Names::Tag)
            .example("remove: [Cold]"),
    ],
    snippets: &[Snippet { label: "add", about: "A tag that is added.", body: &["add:", "  - ${2:Lead}"] }],
};

static EXPECTED_REPLY: Object = Object {
    what: "an expected reply",
    keys: &[
        Key::new("text", Shape::Text, "Plain words.").example("text: Thank you!"),
        Key::new("messages", Shape::List(&Shape::Anything), "Messages in the platform's own form.")
            .example("messages: [{ text: { text: [Thank you!] } }]"),
        Key::new("payload", Shape::Mapping(&Shape::Anything), "The payload for the integration.")
            .example("payload: { buttons: [Prices, Support] }"),
        Key::new("contexts", Shape::List(&Shape::Anything), "Contexts that are set.")
            .example("contexts: [{ name: awaiting-plan, lifespan: 3 }]"),
        Key::new("event", Shape::Mapping(&Shape::Anything), "The event to invoke.").example("event: { name: WELCOME }"),
        Key::new("parameters", Shape::Mapping(&Shape::Anything), "Session parameters that are set.")
            .example("parameters: { plan: pro }"),
        Key::new("target_page", Shape::Text, "The page to go to.")
            .example("target_page: projects/p/locations/global/agents/a/flows/f/pages/g"),
        Key::new("target_flow", Shape::Text, "The flow to go to.")
            .example("target_flow: projects/p/locations/global/agents/a/flows/f"),
        Key::new("merge", Shape::Text, "`append` or `replace`.").example("merge: replace"),
    ],
    snippets: &[Snippet { label: "text", about: "Plain words.", body: &["text: ${2:Thank you!}"] }],
};
