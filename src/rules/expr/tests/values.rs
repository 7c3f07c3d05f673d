//! The value rules, each by name.

use super::*;

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
