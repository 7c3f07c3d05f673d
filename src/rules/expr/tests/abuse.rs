//! What a rule file or a body may try ends in a problem or a fault, never in a panic, a hang or an endless text.

use proptest::prelude::*;

use super::*;
use crate::rules::{RuleFile, check, decide, explain};

#[test]
fn abuse_ends_in_a_problem_and_never_in_a_panic() {
    let too_large = |source: String| {
        let problems = condition(&source, &known()).expect_err("refused");
        assert_eq!(problems[0].kind, ProblemKind::TooLarge, "{:?}", &problems[0].message);
    };
    too_large(vec!["true"; 100_000].join(" and "));
    too_large(format!("{}true{}", "(".repeat(100_000), ")".repeat(100_000)));
    too_large(format!("{}true", "not ".repeat(100_000)));
    // The same below the bound of the length.
    too_large(vec!["true"; 400].join(" and "));
    too_large(vec!["1"; 400].join("+") + " == 1");
    too_large(format!("{}true{}", "(".repeat(1_000), ")".repeat(1_000)));
    too_large(format!("{}true", "not ".repeat(1_000)));
    too_large(format!("{}1 == 1", "-".repeat(1_000)));
    too_large(format!("{}1{} == 1", "[".repeat(1_000), "]".repeat(1_000)));
    too_large(format!("params{} == 1", ".a".repeat(1_000)));
    too_large(format!("text{} == \"\"", "|trim".repeat(600)));
    assert!(Template::parse(&"x".repeat(MAX_TEMPLATE + 1), &known()).is_err());
    assert!(Template::parse(&"{{".repeat(MAX_TEMPLATE / 2), &known()).is_err());
    assert!(Template::parse(&"{{ 1 }}".repeat(MAX_TEMPLATE / 7), &known()).is_ok());
}

#[test]
fn the_largest_tree_that_is_allowed_is_evaluated() {
    let sum = vec!["1"; MAX_OPERATORS / 2].join("+") + " == 128";
    assert_eq!(when(&sum), Ok(true));
    let nested = format!("{}true{}", "(".repeat(MAX_NESTING), ")".repeat(MAX_NESTING));
    assert_eq!(when(&nested), Ok(true));
}

#[test]
fn what_is_rendered_is_bounded() {
    let text = "x".repeat(MAX_RENDERED / 2 + 1);
    let event = Event { text: Some(text.into()), ..event() };
    let message = |source: &str, event: &Event<'_>| {
        let world = World::new();
        let template = Template::parse(source, &known()).expect("a template");
        template.text(&Scope { event, ..world.scope() }).expect_err("too much").message
    };
    assert!(message("{{ text }}{{ text }}", &event).contains("bytes"));
    assert!(message("{{ text | replace(\"x\", \"xxxx\") }}", &event).contains("bytes"));
    // Of a list as a whole, not item by item.
    let many = format!("{{\"list\": [{}\"a\"]}}", "\"a\",".repeat(10_000));
    let event = Event { params: Json::parse(many.as_bytes()).expect("JSON"), ..event };
    let grown = message("{{ params.list | replace(\"a\", \"aaaaaaaaaaaaaaaaaaaa\") | first }}", &event);
    assert!(grown.contains("to a list"), "{grown}");
    let event = Event { text: Some("x".repeat(2_000).into()), ..event };
    assert!(message("{{ text | split(\"x\") | join(\"\") }}", &event).contains("items"));
}

#[test]
fn conditions_that_name_conditions_cost_no_more_than_one_large_one() {
    assert_eq!(when("conditions.wealthy or conditions.buyer"), Ok(true));
    for large in ["conditions.heavy and true", "not conditions.deep"] {
        let problems = condition(large, &known()).expect_err("refused");
        assert_eq!(problems[0].kind, ProblemKind::TooLarge);
    }
}

#[test]
fn forms_of_dates_make_no_endless_text() {
    assert!(when("received_at | date(\"%9999d\") == \"\"").is_err());
    assert!(render(&format!("{{{{ received_at | date(\"{}\") }}}}", "%Y".repeat(1_000))).is_err());
    assert!(render("{{ received_at | date(params.plan) }}").is_ok());
    assert!(render("{{ received_at | date(\"%!\") }}").is_err());
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(source in "\\PC{0,60}") {
        let _ = condition(&source, &known());
        let _ = Template::parse(&source, &known());
    }

    #[test]
    fn no_order_of_words_makes_anything_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "and", "or", "not", "is", "set", "in", "contains", "true", "1", "2.5", "\"a\"", "params", ".budget", ".plan",
            "[", "]", "(", ")", "==", "!=", "<", "+", "-", "*", "/", "%", "|", "default", "lower", ",", "{{", "}}", "[0]",
            "intent", "confidence", "params.topics", "params.at", "payload", "matches", "\"(a|b)+\"", "open(\"office\")",
            "bucket(\"x\")", "conditions.buyer", "values.big", "values.plans", "form.size.value", "page", "received_at",
            "| date(\"%Y\")", "| split(\",\")", "| join(\"\")", "| replace(\"a\", \"b\")", "| round(2)", "| slug",
            "| truncate(3)", "| first", "params.typed", "params.items", "params.price", "params.id",
        ]), 0..14)
    ) {
        let source = words.join(" ");
        let parsed = condition(&source, &known());
        let template = Template::parse(&format!("{{{{ {source} }}}}"), &known());
        let world = World::new();
        let scope = world.scope();
        if let Ok(condition) = &parsed {
            let truth = holds(condition, &scope);
            let why = show::why_not(condition, &scope);
            if truth == Ok(true) {
                prop_assert_eq!(why, None);
            }
            let _ = eval(&condition.expr, &scope);
        }
        if let Ok(template) = &template {
            let _ = template.value(&scope);
        }
    }
}

/// A set with one rule, whose names lead `conditions` deep into one another.
fn chained(conditions: usize, each: impl Fn(usize) -> String) -> RuleFile {
    let named: Vec<_> = (1..conditions).map(|n| format!("  c{n}: {}\n", each(n - 1))).collect();
    let text = format!(
        "conditions:\n  c0: params.x == 1\n{}sources: {{ bot: {{ kind: dialogflow-es, auth: [{{ bearer: env:T }}] }} }}\n\
         rules: [{{ id: r, when: {}, reply: x }}]\n",
        named.concat(),
        each(conditions - 1)
    );
    RuleFile { path: "deep.yaml".to_owned(), text }
}

/// Tests run on threads of 2 MiB, as workers do; here, unoptimised, each call takes the most room.
#[test]
fn the_deepest_chains_of_conditions_are_worked_out_on_a_small_stack() {
    type Shape = fn(usize) -> String;
    let shapes: [(usize, Shape); 4] = [
        (106, |n| format!("conditions.c{n}")),
        (79, |n| format!("not conditions.c{n}")),
        (7, |n| format!("{}conditions.c{n}{}", "(true and (false or ".repeat(20), "))".repeat(20))),
        (2, |n| format!("conditions.c{n}{}", " | default(1)".repeat(120))),
    ];
    for (longest, each) in shapes {
        assert!(check(&[chained(longest + 1, each)]).catalog.is_none(), "{longest} is not the longest");
        let catalog = check(&[chained(longest, each)]).catalog.expect("so long it may be");
        let params = Json::parse(b"{\"x\": 2}").expect("JSON");
        let event = Event { params, ..event() };
        assert_eq!(decide(&catalog, &event).faults.len(), 0);
        assert_eq!(explain(&catalog, &event).rules.len(), 1);
    }
}

#[test]
fn chains_beyond_the_bound_are_refused_on_a_small_stack() {
    for conditions in [MAX_SIZE + 2, 4_000] {
        let checked = check(&[chained(conditions, |n| format!("not not not conditions.c{n}"))]);
        assert!(checked.catalog.is_none());
    }
}
