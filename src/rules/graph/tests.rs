//! Pictures of small sets, and which part of them is wanted.

use super::{Graph, Part, graph};
use crate::rules::{Catalog, RuleFile, check};

fn catalog() -> Catalog {
    let sources = "
sources:
  web: { kind: dialogflow-es, auth: [{ bearer: env:T }], contact: \"7\" }
  zap: { kind: catch, auth: [{ bearer: env:T }], dedupe: \"{{ payload.id }}\", contact: \"7\" }
connections:
  crm: { provider: helpcrunch, api_key: env:K, exclusive: [\"stage:*\"] }
  out: { provider: webhook, url: env:U }
rules:
  - { id: stop-it, match: { source: web, intent: stop }, tag: { crm: { add: [Opt-out] } }, reply: Bye, stop: true }
";
    let rules = "
rules:
  - id: lead
    match: { intent: pricing.*, params: { plan: \"*\" } }
    when: params.budget >= 5
    tag: { crm: { add: [{ name: Hot, for: 7d }, \"Plan {{ params.plan }}\"], remove: Cold, unless_tagged: [Opt-out] } }
    forward: { out: { a: 1 } }
  - { id: trial, match: { source: zap }, tag: { crm: { add: [\"stage:trial\"] } }, set: { crm: { a: 1, b: 2 } } }
  - { id: rest, enabled: false, match: { source: web }, reply: Hi }
";
    let file = |path: &str, text: &str| RuleFile { path: path.to_owned(), text: text.to_owned() };
    let files = [file("a.yaml", sources), file("b.yaml", rules)];
    let checked = check(&files);
    checked.catalog.unwrap_or_else(|| panic!("{:#?}", checked.findings))
}

fn ids(graph: &Graph) -> Vec<&str> {
    graph.rules.iter().map(|rule| rule.id.as_str()).collect()
}

#[test]
fn a_set_is_drawn_from_its_sources_to_its_connections() {
    let drawn = graph(&catalog(), &Part::default()).mermaid();
    let expected = r#"flowchart LR
  s0(["web<br/>dialogflow-es"]):::source
  s1(["zap<br/>catch"]):::source
  any(["any source"]):::source
  subgraph f0["a.yaml"]
    r0["stop-it<br/>intent stop<br/>replies, stops"]:::stop
  end
  subgraph f1["b.yaml"]
    r1["lead<br/>intent pricing.#42;<br/>params plan set<br/>when params.budget #62;= 5"]:::rule
    r2["trial"]:::rule
    r3["rest<br/>disabled, replies"]:::resting
  end
  c0[("crm<br/>helpcrunch<br/>one of stage#58;#42;")]:::connection
  c1[("out<br/>webhook")]:::connection
  any --> r1
  s0 --> r0 & r3
  s1 --> r2
  r0 -->|"add Opt-out"| c0
  r1 -->|"remove Cold<br/>add Hot for 7d<br/>add Plan {{ params.plan }}<br/>unless tagged Opt-out"| c0
  r1 -->|"forward"| c1
  r2 -->|"add stage#58;trial<br/>set a<br/>set b"| c0
"#;
    assert_eq!(drawn.split("  classDef").next(), Some(expected));
}

#[test]
fn a_part_holds_the_rules_that_are_asked_for_and_what_they_touch() {
    let catalog = catalog();
    let part = |part: Part| graph(&catalog, &part);
    let zap = part(Part { source: Some("zap".to_owned()), ..Part::default() });
    assert_eq!(ids(&zap), ["lead", "trial"]);
    assert_eq!(zap.sources.len(), 1);
    assert!(zap.mermaid().contains("s0 --> r0") && !zap.mermaid().contains("any"), "{}", zap.mermaid());

    let one = part(Part { rules: vec!["trial".to_owned()], ..Part::default() });
    assert_eq!(ids(&one), ["trial"]);
    assert_eq!((one.sources.len(), one.connections.len()), (1, 1));

    let by_tag = |tag: &str| part(Part { tag: Some(tag.to_owned()), ..Part::default() });
    assert_eq!(ids(&by_tag("Hot")), ["lead"]);
    // By a template, by a guard, by a set of which a contact has one.
    assert_eq!(ids(&by_tag("Plan pro")), ["lead"]);
    assert_eq!(ids(&by_tag("Opt-out")), ["stop-it", "lead"]);
    assert_eq!(ids(&by_tag("stage:student")), ["trial"]);
    assert!(ids(&by_tag("Nobody's")).is_empty());
}
