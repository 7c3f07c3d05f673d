//! What an editor is told, in files that are right, wrong and half written. `|` in a file is where the cursor is.

use super::*;
use crate::rules::check;

const SET: &str = "sources:
  web: { kind: dialogflow-es, auth: [{ bearer: env:T }], contact: \"7\", types: { budget: number } }
connections:
  crm: { provider: helpcrunch, api_key: env:K, tags: [Lead, Cold, \"Plan *\"] }
  shop: { provider: b2chat, token: env:B }
values: { big: 1000 }
conditions: { buyer: params.budget >= values.big }
hours: { office: { zone: America/Bogota, mon-fri: \"09:00-18:00\" } }
rules:
  - id: lead
    description: Who asks for prices
    match: { source: web, intent: pricing.inquiry }
    when: conditions.buyer and open(\"office\")
    tag: { crm: { add: [Lead, { name: Plan pro, when: params.budget > 5 }], remove: [\"Cold\"] } }
    forward: { shop: { plan: \"{{ params.plan | lower }} {{ values.big }}\" } }
";

fn file(path: &str, text: &str) -> RuleFile {
    RuleFile { path: path.to_owned(), text: text.to_owned() }
}

fn sheet(text: &str) -> Sheet {
    Sheet::read(file("a.yaml", text)).expect("YAML")
}

/// What is offered at the cursor in a file beside the set.
fn offers(text: &str) -> Vec<Offer> {
    offered(text).list
}

fn offered(text: &str) -> Offers {
    let set = sheet(SET);
    let byte = text.find('|').expect("a cursor");
    let path = if text.starts_with("tests") { "b.test.yaml" } else { "b.yaml" };
    let edited = file(path, &text.replacen('|', "", 1));
    Guide::new(vec![&set]).complete(&edited, byte)
}

fn labels(text: &str) -> Vec<String> {
    offers(text).into_iter().map(|offer| offer.label).collect()
}

fn insert(text: &str, label: &str) -> String {
    let found = offers(text).into_iter().find(|offer| offer.label == label);
    found.unwrap_or_else(|| panic!("{label}: {:?}", labels(text))).insert
}

#[test]
fn names_are_offered_where_the_table_has_them() {
    assert_eq!(labels("rules:\n  - id: x\n    match: { source: | }\n"), ["web"]);
    assert_eq!(labels("rules:\n  - id: x\n    match:\n      source: [web, |]\n"), ["web"]);
    assert_eq!(labels("rules:\n  - id: x\n    match: { intent: pri| }\n"), ["pricing.inquiry"]);
    assert_eq!(labels("rules:\n  - id: x\n    tag:\n      |\n"), ["crm", "shop"]);
    assert_eq!(labels("rules:\n  - id: x\n    tag:\n      shop: {}\n      |\n"), ["crm"]);
    assert_eq!(labels("rules:\n  - id: x\n    match: { params: { | } }\n"), ["budget", "plan"]);
    assert_eq!(labels("tests:\n  - name: x\n    expect: { rules: [|] }\n"), ["lead"]);
    assert_eq!(labels("tests:\n  - name: x\n    tagged: { | }\n"), ["crm", "shop"]);
}

#[test]
fn tags_are_those_of_the_connection() {
    assert_eq!(labels("rules:\n  - id: x\n    tag: { crm: { add: [|] } }\n"), ["Cold", "Lead", "Plan pro"]);
    assert_eq!(
        labels("rules:\n  - id: x\n    tag:\n      crm:\n        add:\n          - |\n").first().expect("one"),
        "Cold"
    );
    assert!(labels("rules:\n  - id: x\n    tag: { shop: { add: [|] } }\n").is_empty());
    assert_eq!(labels("tests:\n  - name: x\n    tagged: { crm: [Le|] }\n"), ["Cold", "Lead", "Plan pro"]);
}

#[test]
fn keys_are_those_of_the_place_that_are_not_there_yet() {
    let keys = labels("rules:\n  - id: x\n    ma|\n");
    assert!(keys.contains(&"match".to_owned()) && !keys.contains(&"id".to_owned()), "{keys:?}");
    assert_eq!(insert("rules:\n  - id: x\n    ma|\n", "match"), "match:\n      ");
    assert_eq!(insert("rules:\n  - id: x\n    ma|\n", "when"), "when: ");
    assert_eq!(insert("rules:\n  - { id: x, match: { | } }\n", "intent"), "intent: ");
    assert_eq!(insert("rules:\n  - { id: x, ma|tch: { source: web } }\n", "match"), "match");
    assert!(labels("|").contains(&"sources".to_owned()));
    assert!(labels("sources: {}\n|\n").contains(&"rules".to_owned()));
    // What is still open, and what is wrong further down, is no hindrance.
    assert!(labels("rules:\n  - id: x\n    match: { sou|\n").contains(&"source".to_owned()));
    assert!(labels("rules:\n  - id: x\n    ma|\n  - [ }\n").contains(&"match".to_owned()));
}

#[test]
fn skeletons_are_whole_lines_in_their_columns() {
    let skeleton = insert("rules:\n  - |\n", "a rule: reply");
    assert_eq!(skeleton.lines().nth(1), Some("    match:"), "{skeleton}");
    assert!(labels("rules: [{ | }]\n").iter().all(|label| !label.contains(':')));
}

#[test]
fn words_are_offered_within_expressions() {
    let with = |when: &str| labels(&format!("rules:\n  - id: x\n    when: {when}\n"));
    assert!(with("|").contains(&"params".to_owned()));
    assert_eq!(with("conditions.|"), ["buyer"]);
    assert_eq!(with("params.bu|"), ["budget", "plan"]);
    assert!(with("params.budget |").contains(&"contains".to_owned()));
    assert!(!with("params.budget |").contains(&"params".to_owned()));
    assert!(with("conditions.buyer and |").contains(&"open".to_owned()));
    let template = |text: &str| labels(&format!("rules:\n  - id: x\n    reply: \"{text}\"\n"));
    assert_eq!(template("Hi {{ values.| }}!"), ["big"]);
    assert!(template("Hi | there").is_empty());
    assert_eq!(labels("rules:\n  - id: x\n    when: 'open(\"|\")'\n"), ["office"]);
}

#[test]
fn filters_follow_a_bar() {
    let set = sheet(SET);
    let text = "rules:\n  - id: x\n    reply: \"{{ params.plan | lo }}\"\n";
    let byte = text.find("lo }}").expect("there") + 2;
    let offers = Guide::new(vec![&set]).complete(&file("b.yaml", text), byte);
    assert!(offers.list.iter().any(|offer| offer.label == "lower"), "{offers:?}");
    assert_eq!(offers.bytes, byte - 2..byte);
}

#[test]
fn an_offer_takes_the_place_of_the_whole_word() {
    let text = "rules:\n  - id: x\n    match: { source: w|eb }\n";
    let start = text.find("w|eb").expect("there");
    assert_eq!(offered(text).bytes, start..start + 3);
    let when = "rules:\n  - id: x\n    when: conditions.bu|yer and true\n";
    assert_eq!(when.get(offered(when).bytes.start..when.find('|').expect("there")), Some("bu"));
}

#[test]
fn what_is_under_the_cursor_is_told() {
    let set = sheet(SET);
    let guide = Guide::new(vec![&set]);
    let hover = |part: &str| {
        let found = guide.hover(&set, SET.find(part).expect("there") + 1);
        found.unwrap_or_else(|| panic!("{part}")).1
    };
    assert!(hover("match:").starts_with("**match** in a rule: Which events"), "{}", hover("match:"));
    assert!(hover("web, intent").contains("`POST /hooks/web`"));
    assert!(hover("Lead, {").contains("Added by `lead`"), "{}", hover("Lead, {"));
    assert!(hover("Cold\"] }").contains("Removed by `lead`"), "{}", hover("Cold\"] }"));
    assert!(hover("Plan pro").contains("Added by `lead`"));
    assert!(hover("buyer and").contains("params.budget >= values.big"));
    assert!(hover("lower }}").contains("In lower case."));
    assert!(hover("pricing.inquiry").contains("Matched by `lead`"));
    assert!(hover("dialogflow-es").contains("One of"));
}

#[test]
fn names_lead_to_their_definition_and_their_uses() {
    let set = sheet(SET);
    let tests = Sheet::read(file(
        "b.test.yaml",
        "tests:\n  - name: x\n    event: { source: web, intent: pricing.inquiry }\n    expect: { rules: [lead], tag: { crm: { add: [Plan pro] } } }\n",
    ))
    .expect("YAML");
    let guide = Guide::new(vec![&set, &tests]);
    let name = |sheet: &Sheet, part: &str| {
        let at = sheet.file.text.find(part).expect("there");
        match &sheet.at(at).expect("a part").what {
            What::Name(name) => name.clone(),
            other => panic!("{other:?}"),
        }
    };
    let defined = |name: &Name| -> Vec<String> {
        let text = |place: Place<'_>| place.sheet.file.text.get(place.bytes).expect("whole characters").to_owned();
        guide.definitions(name).into_iter().map(text).collect()
    };
    assert_eq!(defined(&name(&tests, "lead]")), ["lead"]);
    assert_eq!(defined(&name(&tests, "Plan pro")), ["Plan *"]);
    assert_eq!(defined(&name(&set, "big }}")), ["big"]);
    assert_eq!(guide.places(&name(&set, "web, intent")).count(), 3);
    assert_eq!(guide.places(&name(&set, "big }}")).count(), 3);
}

#[test]
fn another_name_is_written_everywhere_and_the_set_stays_right() {
    let set = sheet(SET);
    let guide = Guide::new(vec![&set]);
    let renamed = |part: &str, to: &str| {
        let at = SET.find(part).expect("there");
        let (name, _) = guide.renamable(&set, at).map_err(|why| why.to_string())?;
        let mut edits = guide.renamed(name, to).map_err(|why| why.to_string())?;
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.place.bytes.start));
        let mut text = SET.to_owned();
        for edit in edits {
            text.replace_range(edit.place.bytes, &edit.text);
        }
        Ok::<_, String>(text)
    };
    let before = check(&[file("a.yaml", SET)]).findings;
    for (part, to) in [
        ("web:", "site-2"),
        ("crm:", "helpdesk"),
        ("lead\n", "priced"),
        ("big:", "large"),
        ("buyer:", "b2"),
        ("office:", "shop-1"),
        ("Lead, Cold", "Hot lead"),
    ] {
        let text = renamed(part, to).expect("it can be");
        let after = check(&[file("a.yaml", &text)]).findings;
        let codes = |findings: &[crate::rules::Finding]| findings.iter().map(|f| f.code).collect::<Vec<_>>();
        assert_eq!(codes(&before), codes(&after), "{text}");
        assert!(text.contains(to), "{text}");
    }
    assert_eq!(
        renamed("big:", "very-big").expect_err("behind a dot").split(':').next(),
        Some("`very-big` is no name here")
    );
    assert_eq!(renamed("web:", "a b").expect_err("a space").split(':').next(), Some("`a b` is no name here"));
    assert_eq!(renamed("crm:", "shop"), Err("there is another `shop`".to_owned()));
    assert!(renamed("pricing.inquiry", "a").is_err());
}

#[test]
fn an_outline_holds_each_part_within_the_one_around_it() {
    fn holds(part: &Outline) {
        assert!(part.bytes.start <= part.at.start && part.at.end <= part.bytes.end, "{part:?}");
        for below in &part.below {
            assert!(part.bytes.start <= below.bytes.start && below.bytes.end <= part.bytes.end, "{part:?}");
            holds(below);
        }
    }
    let set = sheet(SET);
    let parts = outline(&set);
    parts.iter().for_each(holds);
    let rules = parts.last().expect("rules");
    assert_eq!((rules.name.as_str(), rules.below.len()), ("rules", 1));
    let rule = rules.below.first().expect("one");
    assert_eq!((rule.name.as_str(), rule.about.as_str()), ("lead", "Who asks for prices"));
    assert_eq!(rule.bytes.end, SET.trim_end().len());
}

/// Whatever the checker holds against a definition is a name to the editor too, at the same place.
#[test]
fn a_name_that_is_missed_is_a_name_to_the_editor() {
    let text = "connections:\n  crm: { provider: helpcrunch, api_key: env:K }\nsources:\n  web: { kind: catch, auth: none, respond_io_parameters: [no-1], contact_at: { no-2: \"1\" }, tags_changed_at: { no-3: \"1\" } }\nrules:\n  - id: a\n    match: { source: no-4 }\n    contact_at: { no-5: \"1\" }\n    tag: { no-6: { add: [x] } }\n    set: { no-7: { a: b } }\n    forward: { no-8: { a: b } }\n    when: conditions.no_9 and values.no_10 == 1 and open(\"no-11\")\n";
    let findings = check(&[file("a.yaml", text)]).findings;
    let sheet = sheet(text);
    for number in 1..=11 {
        let is_it = |bytes: &Range<usize>| {
            text.get(bytes.clone())
                .is_some_and(|name| name.ends_with(&format!("{}{number}", if name.contains('_') { "_" } else { "-" })))
        };
        assert!(sheet.names().any(|(_, bytes)| is_it(bytes)), "no-{number}");
        let told = findings.iter().any(|finding| {
            finding.message.contains(&format!("no-{number}`")) || finding.message.contains(&format!("no_{number}`"))
        });
        assert!(told, "no-{number}: {:?}", findings.iter().map(|f| &f.message).collect::<Vec<_>>());
    }
}
