//! What the words of expressions mean, for those who write them.

/// A word of the language.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// As it is written.
    pub name: &'static str,
    /// Where it stands.
    pub place: Place,
    /// An example.
    pub form: &'static str,
    /// What it means, in one sentence.
    pub about: &'static str,
}

/// Where a word stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Where a value begins.
    Start,
    /// The same, and a bracket follows.
    Call,
    /// Between values, or behind one.
    Between,
    /// Behind `|`.
    Filter,
}

const fn row(name: &'static str, place: Place, form: &'static str, about: &'static str) -> Row {
    Row { name, place, form, about }
}

const fn start(name: &'static str, form: &'static str, about: &'static str) -> Row {
    row(name, Place::Start, form, about)
}

const fn between(name: &'static str, form: &'static str, about: &'static str) -> Row {
    row(name, Place::Between, form, about)
}

const fn filter(name: &'static str, form: &'static str, about: &'static str) -> Row {
    row(name, Place::Filter, form, about)
}

/// Every word.
pub const WORDS: &[Row] = &[
    start("source", "source == \"website-bot\"", "The source's name."),
    start("type", "type == \"checkout\"", "Dialogflow ES: the action; CX: the fulfillment tag; else the event's name."),
    start("intent", "intent == \"pricing.inquiry\"", "What the person meant, as the platform named it."),
    start("text", "text contains \"pro\"", "What the person said."),
    start("params", "params.budget >= 1000", "What the platform filled in, by name."),
    start("confidence", "confidence >= 0.6", "How sure the platform is, 0 to 1."),
    start("language", "language == \"es-419\"", "The language tag."),
    start("session", "session is set", "The conversation."),
    start("contact", "contact is set", "The contact as the source finds it."),
    start("payload", "payload.items[0].sku", "The request's JSON; of a list, the item."),
    start("body", "body.shop", "The whole JSON of the request."),
    start("query", "query.campaign", "The request's query, without what proves the sender."),
    start(
        "headers",
        "headers[\"X-Campaign\"]",
        "The request's headers, without what proves the sender; their case doesn't matter.",
    ),
    start("received_at", "received_at | date(\"%Y-%m-%d\")", "When the request came: `2026-03-02T20:00:00.000Z`."),
    start("page", "page == \"Order\"", "Dialogflow CX: the display name of the page that the conversation is on."),
    start("flow", "flow is set", "Dialogflow CX: the flow that the conversation is in, by its resource name."),
    start("form", "form.size.value", "Dialogflow CX: the page's form: `form.size.value`, `form.size.state`."),
    start("trigger", "trigger == \"WELCOME\"", "Dialogflow: the event that began this, where nobody said anything."),
    start("fallback", "fallback", "Dialogflow: whether the agent had no answer."),
    start("knowledge", "knowledge is set", "Dialogflow: the answer that was found in the knowledge base."),
    start("sentiment", "sentiment < -0.5", "Dialogflow: how glad the words are, -1 to 1."),
    start("platform", "platform == \"telephony\"", "Dialogflow: where the person writes or calls from."),
    start("phone", "phone is set", "The person's phone number, as `+` and digits."),
    start("intent_id", "intent_id is set", "Dialogflow: the intent's id, the last part of its resource name."),
    start("parent_intent", "parent_intent is set", "Dialogflow: the id of the intent that this one follows."),
    start("environment", "environment == \"production\"", "Dialogflow: the agent's environment; unset for the draft."),
    start("region", "region == \"us-central1\"", "Dialogflow: the agent's region."),
    start("echo", "not echo", "Whether a provider tells of what we did to the contact's tags ourselves."),
    start("values", "values.big", "A value that rule files name under `values:`."),
    start("conditions", "conditions.buyer", "A condition that rule files name under `conditions:`."),
    start("not", "not conditions.buyer", "The opposite of true or false."),
    start("true", "params.vip == true", "True."),
    start("false", "params.vip == false", "False."),
    row("open", Place::Call, "open(\"office\")", "Whether the event was received within these `hours:`."),
    row("bucket", Place::Call, "bucket(\"test\") < 50", "0 to 99, always the same for one contact and this name."),
    between("and", "a and b", "Both are true; what comes after the answer isn't looked at."),
    between("or", "a or b", "One of them is true; what comes after the answer isn't looked at."),
    between("in", "params.plan in [\"pro\", \"team\"]", "An item of a list, or a part of a text."),
    between("contains", "params.topics contains \"prices\"", "A list has this item, or a text this part."),
    between("matches", "text matches \"(?i)pro\"", "A regular expression fits a part of the text."),
    between("is", "params.phone is set", "`is set`: something was given; `is not set`: nothing was."),
    between("set", "params.phone is set", "`is set`: something was given; `is not set`: nothing was."),
    filter("default", "params.name | default(\"friend\")", "This where nothing was given."),
    filter("lower", "params.plan | lower", "In lower case."),
    filter("upper", "params.plan | upper", "In upper case."),
    filter("trim", "text | trim", "Without white space around it."),
    filter("split", "params.topics | split(\",\")", "A text as a list, without white space around the items."),
    filter("join", "params.topics | join(\", \")", "A list as one text."),
    filter("replace", "params.phone | replace(\" \", \"\")", "Each of the first becomes the second."),
    filter("round", "params.total | round(2)", "To so many digits after the point; without a number to a whole one."),
    filter("date", "received_at | date(\"%d.%m.%Y\", \"America/Bogota\")", "A time in this form, and in this zone."),
    filter("slug", "params.plan | slug", "In lower case, without accents, words joined by `-`."),
    filter("first", "params.topics | first", "A list's first item."),
    filter("last", "params.topics | last", "A list's last item."),
    filter("truncate", "text | truncate(80)", "At most so many characters."),
];

/// The row of a word.
pub fn named(name: &str) -> Option<&'static Row> {
    WORDS.iter().find(|row| row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::json::{Json, OwnedJson};
    use crate::rules::expr::ast::{FILTERS, ROOTS};
    use crate::rules::expr::known::Known;
    use crate::rules::expr::template::Template;

    #[test]
    fn every_root_and_filter_has_a_row_and_each_name_one() {
        let of = |place| WORDS.iter().filter(move |row| row.place == place).map(|row| row.name);
        let filters: Vec<_> = of(Place::Filter).collect();
        assert_eq!(filters, FILTERS.iter().map(|row| row.name).collect::<Vec<_>>());
        for (root, _) in ROOTS {
            assert!(of(Place::Start).any(|name| name == root), "{root}");
        }
        let mut names: Vec<_> = WORDS.iter().map(|row| row.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), WORDS.len());
    }

    #[test]
    fn each_example_can_be_read() {
        let mut known = Known::default();
        known.hours.insert("office".to_owned());
        known.conditions.insert("buyer".to_owned(), crate::rules::expr::ast::Cost::default());
        known.values.insert("big".to_owned(), OwnedJson::of(Json::parse(b"1").expect("JSON")));
        for row in WORDS.iter().filter(|row| !matches!(row.name, "and" | "or")) {
            let read = Template::parse(&format!("{{{{ {} }}}}", row.form), &known);
            assert!(read.is_ok(), "{}: {:?}", row.form, read.err());
        }
    }
}
