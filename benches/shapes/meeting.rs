//! Rule sets whose rules meet: what `check` says of two rules takes a proof or an example.

/// Rules that share an intent with nine others and a tag with their neighbours; ranges of a number tell them apart.
pub fn neighbours(rules: usize) -> String {
    let rule = |number: usize| {
        let (topic, tier) = (number / 10, number % 10);
        let (from, to, next) = (tier * 100, (tier + 1) * 100, (tier + 1) % 10);
        format!(
            "  - id: rule-{number:05}\n    match: {{ intent: topic-{topic:05}.*, language: [es, pt] }}\n    when: params.budget >= {from} \
             and params.budget < {to} and confidence >= 0.5\n    tag: {{ crm: {{ add: [Tier {tier}], remove: [Tier {next}] }} }}\n    \
             reply: \"Thank you!\"\n"
        )
    };
    set((0..rules).map(rule))
}

/// All rules meet over one tag; each has a seat of its own, which takes a proof for each pair.
pub fn apart(rules: usize) -> String {
    let rule = |number: usize| {
        let side = if number.is_multiple_of(2) { "add" } else { "remove" };
        format!(
            "  - {{ id: rule-{number:05}, match: {{ intent: \"*.ask\" }}, when: params.seat == {number}, tag: {{ crm: {{ {side}: [Guest] }} }} }}\n"
        )
    };
    set((0..rules).map(rule))
}

/// All rules meet over one tag and nothing tells them apart.
pub fn clashing(rules: usize) -> String {
    let rule = |number: usize| {
        let side = if number.is_multiple_of(2) { "add" } else { "remove" };
        format!(
            "  - {{ id: rule-{number:05}, match: {{ intent: \"*.ask\" }}, tag: {{ crm: {{ {side}: [Guest] }} }} }}\n"
        )
    };
    set((0..rules).map(rule))
}

fn set(rules: impl Iterator<Item = String>) -> String {
    let head = "sources:\n  bot: { kind: dialogflow-es, auth: [{ bearer: env:TOKEN }], contact: \"{{ payload.user.id }}\" }\n\
                connections: { crm: { provider: helpcrunch, api_key: env:KEY } }\nrules:\n";
    std::iter::once(head.to_owned()).chain(rules).collect()
}
