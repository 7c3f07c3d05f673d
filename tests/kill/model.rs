//! The plain model: one change after the other on the contact's tags, in the order of acceptance. An event's intent says
//! all that its rule does, so the model needs no rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use serde_json::Value;

use crate::places::{HOOK, PLACES, Place};

pub const TAGS: u64 = 6;
/// Stages, of which a contact has one.
const STAGES: u64 = 3;

/// Each contact's tags.
pub type Contacts = BTreeMap<u64, BTreeSet<String>>;

/// One effect of a rule.
struct Change {
    adds: bool,
    tag: u64,
    /// Whether it is a stage: adding one removes the others.
    stage: bool,
}

/// What an intent stands for.
struct Effect {
    changes: Vec<Change>,
    if_tagged: Option<u64>,
    unless_tagged: Option<u64>,
}

/// All intents that there are: adds, removes, both guarded, and pairs of a remove and an add,
/// guarded and not; and stages.
pub fn intents() -> Vec<String> {
    let mut intents: Vec<String> = (0..STAGES).map(|stage| format!("stage-{stage}")).collect();
    for tag in 0..TAGS {
        intents.extend([format!("add-{tag}"), format!("remove-{tag}")]);
        for other in (0..TAGS).filter(|other| *other != tag) {
            intents.push(format!("add-{tag}-unless-{other}"));
            intents.push(format!("remove-{tag}-if-{other}"));
            intents.push(format!("remove-{tag}-add-{other}"));
            // The guard is for both, though the removal takes away what it asks for.
            intents.push(format!("remove-{tag}-add-{other}-if-{tag}"));
        }
    }
    intents
}

/// A rule for each intent, acting at every place that can do what it asks for; each sends its event on.
pub fn rules() -> String {
    let mut rules = String::new();
    for intent in intents() {
        let effect = Effect::of(&intent);
        let list = |adds: bool| {
            let tags = effect
                .changes
                .iter()
                .filter(|change| change.adds == adds)
                .map(|change| format!("\"{}\"", change.name()));
            tags.collect::<Vec<_>>().join(", ")
        };
        let guard = |tag: Option<u64>| tag.map(name).unwrap_or_default();
        let mut block = String::new();
        for (key, tags) in [
            ("add", list(true)),
            ("remove", list(false)),
            ("if_tagged", guard(effect.if_tagged)),
            ("unless_tagged", guard(effect.unless_tagged)),
        ] {
            if !tags.is_empty() {
                write!(block, "{}{key}: [{tags}]", if block.is_empty() { "" } else { ", " }).expect("text");
            }
        }
        let fitting = PLACES.iter().filter(|place| effect.fits(place));
        let tag: Vec<String> = fitting.map(|place| format!("{}: {{ {block} }}", place.connection)).collect();
        let forward = format!("{HOOK}: {{ key: \"{{{{ payload.responseId }}}}\" }}");
        writeln!(
            rules,
            "  - id: {intent}\n    match: {{ intent: {intent} }}\n    tag: {{ {} }}\n    forward: {{ {forward} }}",
            tag.join(", ")
        )
        .expect("text");
    }
    rules
}

/// What the contacts end as at a place: `events` as the API lists them, newest first.
pub fn outcome(events: &[Value], place: &Place) -> Contacts {
    let mut contacts = Contacts::new();
    for event in events.iter().rev() {
        let text = |name: &str| event[name].as_str().unwrap_or_default();
        let contact =
            text("key").split('-').next().and_then(|id| id.parse().ok()).expect("keys begin with the contact");
        let effect = Effect::of(text("intent"));
        if effect.fits(place) {
            effect.apply(contacts.entry(contact).or_default());
        }
    }
    contacts
}

fn name(tag: u64) -> String {
    format!("T{tag}")
}

impl Change {
    fn name(&self) -> String {
        if self.stage { format!("stage:{}", self.tag) } else { name(self.tag) }
    }
}

impl Effect {
    /// Whether the place can do it.
    fn fits(&self, place: &Place) -> bool {
        let asks = self.if_tagged.is_some() || self.unless_tagged.is_some();
        place.reads || !(asks || self.changes.iter().any(|change| change.stage))
    }

    fn of(intent: &str) -> Self {
        let words: Vec<&str> = intent.split('-').collect();
        let mut effect = Self { changes: Vec::new(), if_tagged: None, unless_tagged: None };
        for pair in words.chunks(2) {
            let tag = pair[1].parse().expect("a tag's number");
            match pair[0] {
                "add" => effect.changes.push(Change { adds: true, tag, stage: false }),
                "remove" => effect.changes.push(Change { adds: false, tag, stage: false }),
                "stage" => effect.changes.push(Change { adds: true, tag, stage: true }),
                "if" => effect.if_tagged = Some(tag),
                "unless" => effect.unless_tagged = Some(tag),
                other => panic!("{other}"),
            }
        }
        effect
    }

    fn apply(&self, tags: &mut BTreeSet<String>) {
        let needs = self.if_tagged.is_none_or(|tag| tags.contains(&name(tag)));
        let allowed = self.unless_tagged.is_none_or(|tag| !tags.contains(&name(tag)));
        if !(needs && allowed) {
            return;
        }
        for change in &self.changes {
            if change.stage {
                tags.retain(|tag| !tag.starts_with("stage:"));
            }
            if change.adds {
                tags.insert(change.name());
            } else {
                tags.remove(&change.name());
            }
        }
    }
}
