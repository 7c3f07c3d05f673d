//! The value rules, each by name, and the abuse that a rule file may try.

use proptest::prelude::*;

use super::eval::{Scope, eval, holds};
use super::template::Template;
use super::*;
use crate::domain::event::Event;
use crate::domain::json::Json;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;

const PARAMS: &str = r#"{"budget": 2000, "whole": 3.0, "digits": "27", "plan": "pro", "empty": "", "null": null,
    "id": 123456789012345678901234567890123456789012345, "topics": ["a", "", "b"], "vip": true, "user-id": "x",
    "at": {"deep": [{"x": 1}]}}"#;

fn event() -> Event<'static> {
    let source = SourceName::parse("bot").expect("a name");
    Event {
        intent: Some("pricing.inquiry".into()),
        confidence: Some(0.9),
        contact: Some("17".into()),
        params: Json::parse(PARAMS.as_bytes()).expect("JSON"),
        ..Event::empty(source, Timestamp(0))
    }
}

fn when(source: &str) -> Result<bool, String> {
    let event = event();
    let scope = Scope { event: &event, found: None, source_contact: None, kept: None };
    let condition = condition(source).map_err(|problems| format!("{problems:?}"))?;
    holds(&condition, &scope).map_err(|fault| fault.message)
}

fn render(source: &str) -> Result<String, String> {
    let event = event();
    let scope = Scope { event: &event, found: None, source_contact: None, kept: None };
    let template = Template::parse(source).map_err(|problems| format!("{problems:?}"))?;
    template.text(&scope).map_err(|fault| fault.message)
}

fn kind(source: &str) -> &'static str {
    let event = event();
    let scope = Scope { event: &event, found: None, source_contact: None, kept: None };
    Template::parse(source).expect("a template").value(&scope).expect("a value").kind()
}

#[test]
fn every_comparison_with_something_unset_is_false() {
    for source in ["absent", "empty", "null"] {
        for operator in ["==", "!=", "<", "<=", ">", ">="] {
            assert_eq!(when(&format!("params.{source} {operator} 1")), Ok(false), "{source} {operator}");
            assert_eq!(when(&format!("1 {operator} params.{source}")), Ok(false), "{source} {operator}");
        }
        assert_eq!(when(&format!("params.{source} in [1]")), Ok(false));
        assert_eq!(when(&format!("params.{source} contains 1")), Ok(false));
        assert_eq!(when(&format!("params.{source} + 1 > 0")), Ok(false));
        assert_eq!(when(&format!("params.{source} is set")), Ok(false));
        assert_eq!(when(&format!("params.{source} is not set")), Ok(true));
    }
}

#[test]
fn ordering_unlike_types_is_a_fault_and_equality_is_false() {
    assert_eq!(when("params.digits >= 1000"), Err("a text and a number have no order".to_owned()));
    assert_eq!(when("params.digits == 27"), Ok(false));
    assert_eq!(when("params.digits != 27"), Ok(true));
    assert_eq!(when("params.budget >= 1000"), Ok(true));
    assert_eq!(when("params.plan < \"z\""), Ok(true));
    assert!(when("params.vip < params.budget").is_err());
}

#[test]
fn numbers_compare_by_value_and_ids_keep_their_digits() {
    assert_eq!(when("params.whole == 3"), Ok(true));
    assert_eq!(render("{{ params.whole }}"), Ok("3".to_owned()));
    assert_eq!(render("{{ params.id }}"), Ok("123456789012345678901234567890123456789012345".to_owned()));
    assert_eq!(render("{{ 7 / 2 }} {{ 8 / 2 }} {{ 7 % 4 }} {{ -2 * 3 }}"), Ok("3.5 4 3 -6".to_owned()));
    assert_eq!(render("{{ 1 / 0 }}"), Err("a division by zero".to_owned()));
}

#[test]
fn printing_something_unset_or_a_mapping_is_a_fault_unless_default_answers_it() {
    assert!(render("Plan {{ params.absent }}").is_err());
    assert!(render("{{ params.empty }}").is_err());
    assert!(render("All {{ params.at }}").is_err());
    assert_eq!(render("Plan {{ params.absent | default(\"none\") }}!"), Ok("Plan none!".to_owned()));
    assert_eq!(render("{{ params.absent | default(\"\") }}"), Ok(String::new()));
    assert_eq!(render("{{ params.absent | lower | default(\"x\") }}"), Ok("x".to_owned()));
}

#[test]
fn exactly_one_expression_keeps_its_type() {
    assert_eq!(kind("{{ params.topics }}"), "a list");
    assert_eq!(kind("{{ params.budget }}"), "a number");
    assert_eq!(kind("{{ params.at }}"), "a mapping");
    assert_eq!(kind(" {{ params.budget }}"), "a text");
    assert_eq!(kind("{{ params.budget }}{{ params.budget }}"), "a text");
}

#[test]
fn hyphenated_names_stand_in_brackets() {
    assert_eq!(when("params[\"user-id\"] == \"x\""), Ok(true));
    assert!(when("params.user-id == \"x\"").unwrap_err().contains("params[\\\"user-id"));
    assert_eq!(when("params.budget - 1 == 1999"), Ok(true));
}

#[test]
fn paths_lead_into_lists_and_mappings() {
    assert_eq!(when("params.at.deep[0].x == 1"), Ok(true));
    assert_eq!(when("params.at.deep[1].x == 1"), Ok(false));
    assert_eq!(when("params.plan.x is not set"), Ok(true));
    assert_eq!(when("headers[\"X-Token\"] is not set and query.a is not set"), Ok(true));
    assert_eq!(when("contact == \"17\""), Ok(true));
}

#[test]
fn lists_and_texts_contain() {
    assert_eq!(when("\"a\" in params.topics and params.topics contains \"b\""), Ok(true));
    assert_eq!(when("params.plan in [\"pro\", \"enterprise\"]"), Ok(true));
    assert_eq!(when("intent contains \"inquiry\" and \"xyz\" in intent"), Ok(false));
    assert!(when("params.plan contains 1").is_err());
}

#[test]
fn and_or_not_bind_as_they_read() {
    assert_eq!(when("true or false and false"), Ok(true));
    assert_eq!(when("not false and false"), Ok(false));
    assert_eq!(when("not params.budget == 1"), Ok(true));
    assert_eq!(when("params.vip and (params.a == 1 or params.budget == 2000)"), Ok(true));
    assert_eq!(when("false and params.digits > 1"), Ok(false), "what comes after the answer isn't looked at");
    assert!(when("params.absent and true").is_err());
}

#[test]
fn filters_work_on_what_they_are_made_for() {
    assert_eq!(render("{{ params.plan | upper }}"), Ok("PRO".to_owned()));
    assert_eq!(render("{{ [\"x\", \"y\"] | join(\"-\") }}"), Ok("x-y".to_owned()));
    assert_eq!(render("{{ params.topics | first }}"), Ok("a".to_owned()));
    assert!(render("{{ params.budget | upper }}").is_err());
    assert!(render("{{ confidence | upper }}").unwrap_err().contains("Types"));
}

#[test]
fn a_text_in_a_template_may_hold_braces_and_quotes() {
    assert_eq!(render("{{ \"}}\" }} {{ '\"{{' }}"), Ok("}} \"{{".to_owned()));
    assert_eq!(render("no braces } { here"), Ok("no braces } { here".to_owned()));
}

#[test]
fn abuse_ends_in_a_problem_and_never_in_a_panic() {
    let too_large = |source: String| {
        let problems = condition(&source).expect_err("refused");
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
    assert!(Template::parse(&"x".repeat(MAX_TEMPLATE + 1)).is_err());
    assert!(Template::parse(&"{{".repeat(MAX_TEMPLATE / 2)).is_err());
    assert!(Template::parse(&"{{ 1 }}".repeat(MAX_TEMPLATE / 7)).is_ok());
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
    let source = SourceName::parse("bot").expect("a name");
    let event = Event { text: Some(text.into()), ..Event::empty(source, Timestamp(0)) };
    let scope = Scope { event: &event, found: None, source_contact: None, kept: None };
    let template = Template::parse("{{ text }}{{ text }}").expect("a template");
    assert!(template.text(&scope).expect_err("too much").message.contains("bytes"));
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(source in "\\PC{0,60}") {
        let _ = condition(&source);
        let _ = Template::parse(&source);
    }

    #[test]
    fn no_order_of_words_makes_anything_panic(
        words in prop::collection::vec(prop::sample::select(vec![
            "and", "or", "not", "is", "set", "in", "contains", "true", "1", "2.5", "\"a\"", "params", ".budget", ".plan",
            "[", "]", "(", ")", "==", "!=", "<", "+", "-", "*", "/", "%", "|", "default", "lower", ",", "{{", "}}", "[0]",
            "intent", "confidence", "params.topics", "params.at", "payload",
        ]), 0..14)
    ) {
        let source = words.join(" ");
        let (parsed, template) = (condition(&source), Template::parse(&format!("{{{{ {source} }}}}")));
        let event = event();
        let scope = Scope { event: &event, found: None, source_contact: None, kept: None };
        if let Ok(condition) = &parsed {
            let truth = holds(condition, &scope);
            let why = show::why_not(condition, &scope);
            if truth == Ok(true) {
                prop_assert_eq!(why, Ok(None));
            }
            let _ = eval(&condition.expr, &scope);
        }
        if let Ok(template) = &template {
            let _ = template.value(&scope);
        }
    }
}
