//! Filters, functions and what rule files name.

use super::*;

#[test]
fn texts_are_split_replaced_cut_and_made_plain() {
    assert_eq!(render("{{ \"a, b ,c\" | split(\",\") | join(\"|\") }}"), Ok("a|b|c".to_owned()));
    assert_eq!(render("{{ \"a_b_c\" | replace(\"_\", \" \") }}"), Ok("a b c".to_owned()));
    assert_eq!(render("{{ \"a_b\" | replace(\"_\", \"\") }}"), Ok("ab".to_owned()));
    assert_eq!(render("{{ params.name | truncate(5) }}"), Ok("Ana M".to_owned()));
    assert_eq!(render("{{ params.name | slug }}"), Ok("ana-maria".to_owned()));
    assert_eq!(kind("{{ \"a,b\" | split(\",\") }}"), "a list");
}

#[test]
fn filters_of_texts_work_on_each_item_of_a_list() {
    assert_eq!(render("{{ params.items | upper | join(\" \") }}"), Ok("A B C".to_owned()));
    assert_eq!(render("{{ [\"Plan Pro\", \"Más\"] | slug | join(\" \") }}"), Ok("plan-pro mas".to_owned()));
    assert_eq!(when("params.items | upper contains \"B\""), Ok(true));
}

#[test]
fn numbers_are_rounded_and_keep_no_trailing_zeros() {
    assert_eq!(render("{{ params.price | round }} {{ params.price | round(2) }}"), Ok("12 12.35".to_owned()));
    assert_eq!(render("{{ params.id | round(2) }}"), Ok("123456789012345678901234567890123456789012345".to_owned()));
    assert_eq!(render("{{ 2.0 | round(1) }}"), Ok("2".to_owned()));
    assert!(render("{{ params.price | round(99) }}").is_err());
}

#[test]
fn times_are_written_in_their_form_and_zone() {
    assert_eq!(
        render("{{ received_at | date(\"%Y-%m-%d %H:%M\", \"America/Bogota\") }}"),
        Ok("2026-03-02 15:00".to_owned())
    );
    assert_eq!(render("{{ received_at | date(\"%H:%M\") }}"), Ok("20:00".to_owned()));
    assert_eq!(render("{{ params.when | date(\"%d/%m\") }}"), Ok("02/03".to_owned()));
    assert_eq!(render("{{ params.since | date(\"%Y\") }}"), Ok("2026".to_owned()));
    assert!(render("{{ params.plan | date(\"%Y\") }}").is_err());
    assert!(render("{{ received_at | date(\"%Y\", \"Bogota\") }}").unwrap_err().contains("time zone"));
}

#[test]
fn something_unset_goes_through_every_filter_and_default_answers_it() {
    for row in ast::FILTERS.iter().filter(|row| row.filter != ast::Filter::Default) {
        let arguments = match row.name {
            "replace" => "(\"a\", \"b\")",
            "truncate" => "(3)",
            "date" => "(\"%Y\")",
            _ if row.least == 1 => "(\",\")",
            _ => "",
        };
        let source = format!("{{{{ params.absent | {}{arguments} | default(\"none\") }}}}", row.name);
        assert_eq!(render(&source), Ok("none".to_owned()), "{source}");
    }
}

#[test]
fn matches_searches_a_text_and_is_checked_before() {
    assert_eq!(when("text matches \"(?i)PRECIO\""), Ok(true));
    assert_eq!(when("text matches \"^precio\""), Ok(false));
    assert_eq!(when("not params.absent matches \".\""), Ok(true));
    assert!(when("text matches \"(\"").unwrap_err().contains("regular expression"));
    assert!(when("text matches params.plan").unwrap_err().contains("in quotes"));
    assert!(when("confidence matches \"1\"").unwrap_err().contains("a number"));
    assert!(when("params.budget matches \"1\"").is_err());
}

#[test]
fn the_office_is_open_when_the_event_was_received() {
    assert_eq!(when("open(\"office\")"), Ok(true));
    let problem = when("open(\"ofice\")").unwrap_err();
    assert!(problem.contains("did you mean `office`"), "{problem}");
    assert!(when("open()").is_err() && when("open(params.plan)").is_err() && when("opened(\"office\")").is_err());
}

#[test]
fn a_contact_stays_in_its_bucket_and_buckets_spread() {
    assert_eq!(when("bucket(\"a\") >= 0 and bucket(\"a\") < 100 and bucket(\"a\") == bucket(\"a\")"), Ok(true));
    assert_eq!(kind("{{ bucket(\"a\") }}"), "a number");
    let world = World::new();
    let template = Template::parse("{{ bucket(\"test\") }}", &known()).expect("a template");
    let mut counts = [0_u32; 100];
    for contact in 0..10_000 {
        let id = contact.to_string();
        let text = template.text(&Scope { found: Some(&id), ..world.scope() }).expect("a number");
        counts[text.parse::<usize>().expect("a number")] += 1;
    }
    // With 100 expected in each, 5 standard deviations are 50.
    assert!(counts.iter().all(|count| (50..150).contains(count)), "{counts:?}");
}

#[test]
fn values_and_conditions_are_named_once_and_used_everywhere() {
    assert_eq!(when("params.budget >= values.big and params.plan in values.plans"), Ok(true));
    assert_eq!(render("{{ values.shop.city }} {{ values.plans[1] }}"), Ok("Cali max".to_owned()));
    assert_eq!(when("conditions.buyer and not conditions.wealthy"), Ok(true));
    for (source, told) in [
        ("values.bgi > 1", "did you mean `big`"),
        ("values.shop.town == \"x\"", "no such part"),
        ("values == 1", "name one of them"),
        ("conditions.seller", "there are no conditions `seller`"),
        ("conditions.buyer.x", "one name"),
        ("values.big == \"1000\"", "can't compare"),
    ] {
        let problem = when(source).expect_err(source);
        assert!(problem.contains(told), "{source}: {problem}");
    }
}

#[test]
fn a_form_has_its_parameters_by_name() {
    assert_eq!(when("page == \"Order\" and form.size.value == 40 and form.colour.state == \"EMPTY\""), Ok(true));
    assert_eq!(when("form.weight is not set and flow is not set"), Ok(true));
}

#[test]
fn parameters_are_what_their_source_says() {
    assert_eq!(when("params.typed >= 20 and params.typed == 27"), Ok(true));
    assert_eq!(when("\"b\" in params.items"), Ok(true));
    assert_eq!(render("{{ params.items | last }}"), Ok("c".to_owned()));
}
