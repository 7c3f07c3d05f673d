//! Random files in random layouts: laid out they say the same, keep their comments, and stay as they are.

use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::Value;

use super::{Unformatted, comments, laid_out};
use crate::rules::{RuleFile, read_dir, scaffold};

fn file(text: &str) -> RuleFile {
    RuleFile { path: "a.yaml".to_owned(), text: text.to_owned() }
}

fn lay(text: &str) -> String {
    laid_out(&file(text)).unwrap_or_else(|why| panic!("{why:?}\n{text}"))
}

#[test]
fn one_style_comes_of_many() {
    let written =
        "# about\r\n\r\n\r\n\r\nrules:\r\n- id: lead   # a lead\r\n  match: {intent: 'a b',language: [ es,en ]}\r\n";
    let styled =
        "# about\r\n\r\nrules:\r\n  - id: lead # a lead\r\n    match: { intent: \"a b\", language: [es, en] }\r\n";
    assert_eq!(lay(written), styled);
    assert_eq!(lay("\u{feff}a: 'say \"hi\"'"), "a: 'say \"hi\"'\n");
    // What is given line by line stays so, and so does a block of text.
    let kept = "a: {\n  b: 1, # one\n  c: 2\n}\nd: |\n  x\n    y\n\n  z\n";
    assert_eq!(lay(kept), kept);
}

#[test]
fn what_can_not_be_laid_out_is_told() {
    let told = laid_out(&file("rules: [\n"));
    assert!(matches!(&told, Err(Unformatted::NotYaml(findings)) if findings[0].code == "E001"), "{told:?}");
    let deep = format!("a: {}1{}\n", "[".repeat(40), "]".repeat(40));
    assert!(matches!(laid_out(&file(&deep)), Err(Unformatted::TooDeep)));
}

#[test]
fn the_example_and_what_init_writes_are_in_the_style() {
    let example = read_dir(std::path::Path::new("rules")).expect("the example");
    let scaffold = scaffold().into_iter().filter(|(path, _)| !path.starts_with("fixtures"));
    let all = example.into_iter().chain(scaffold.map(|(path, text)| RuleFile { path: path.into(), text: text.into() }));
    for file in all {
        assert_eq!(laid_out(&file).expect("YAML"), file.text, "{}: `tagrelay fmt rules`", file.path);
    }
}

/// Texts that YAML has to be careful with.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}",
        "[ -~éñ¿👍\n\t]{0,16}",
        prop::sample::select(vec![
            "yes",
            "null",
            "~",
            "1.50",
            "0x1f",
            "- a",
            "a: b",
            "a #b",
            "{{ params.plan }}",
            "'",
            "\""
        ])
        .prop_map(str::to_owned),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Writes a value in a layout that the dice say, with comments and empty lines between.
struct Writer<'d> {
    dice: &'d [u8],
    thrown: usize,
    to: String,
}

impl Writer<'_> {
    fn throw(&mut self, sides: u8) -> u8 {
        self.thrown += 1;
        self.dice[self.thrown % self.dice.len()] % sides
    }

    /// One line's end, with or without a comment, and what stands between it and the next.
    fn end(&mut self, indent: usize) {
        let (comment, below) = (self.throw(4) == 0, self.throw(6));
        let number = self.thrown;
        if comment {
            self.to.extend(["  # c", &number.to_string(), ": 'a' {b}"]);
        }
        self.to.push('\n');
        match below {
            0 => self.to.push_str("\n\n\n"),
            1 => self.to.extend([&*" ".repeat(indent), "# d", &number.to_string(), "\n"]),
            _ => {}
        }
    }

    fn scalar(&mut self, value: &Value) {
        let single = value.as_str().filter(|text| !text.contains(|letter: char| letter.is_control()));
        match single {
            Some(text) if self.throw(2) == 0 => {
                let quoted = text.replace('\'', "''");
                self.to.extend(["'", &quoted, "'"]);
            }
            _ => self.to.push_str(&value.to_string()),
        }
    }

    /// What stands under a key or a dash, at this indent.
    fn under(&mut self, value: &Value, indent: usize) {
        let filled = value.as_array().is_some_and(|items| !items.is_empty())
            || value.as_object().is_some_and(|entries| !entries.is_empty());
        if filled && self.throw(3) > 0 {
            let indent = indent + 1 + usize::from(self.throw(4));
            self.end(indent);
            self.block(value, indent);
        } else {
            self.to.push(' ');
            self.scalar(value);
            self.end(indent);
        }
    }

    fn block(&mut self, value: &Value, indent: usize) {
        let margin = " ".repeat(indent);
        for item in value.as_array().into_iter().flatten() {
            self.to.extend([&*margin, "-"]);
            self.under(item, indent);
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            self.to.push_str(&margin);
            self.to.push_str(&Value::from(key.as_str()).to_string());
            self.to.push(':');
            self.under(value, indent);
        }
    }
}

proptest! {
    #![proptest_config(Config { cases: 1024, failure_persistence: None, ..Config::default() })]

    #[test]
    fn laying_out_changes_the_layout_alone(
        entries in prop::collection::btree_map("[a-z]{1,6}", value(), 1..5),
        dice in prop::collection::vec(any::<u8>(), 7..64),
    ) {
        let value = Value::Object(entries.into_iter().collect());
        let mut writer = Writer { dice: &dice, thrown: 0, to: "# first\n".to_owned() };
        writer.block(&value, 0);
        let written = writer.to;
        let laid = lay(&written);
        prop_assert_eq!(lay(&laid), laid.clone(), "once more:\n{}", written);
        let read = |text: &str| serde_saphyr::from_str::<Value>(text).map_err(|e| TestCaseError::fail(e.to_string()));
        prop_assert_eq!(&read(&laid)?, &value, "{}\n{}", written, laid);
        // Found here without the library's own reader: a line of ours holds a comment where it says so.
        let marks = |text: &str| text.lines().filter_map(|line| line.split_once("# ")?.1.split(':').next().map(str::to_owned)).collect::<Vec<_>>();
        prop_assume!(!value.to_string().contains('#'));
        prop_assert_eq!(marks(&laid), marks(&written), "{}\n{}", written, laid);
        prop_assert!(comments(&laid).is_some_and(|comments| comments.len() == marks(&laid).len()));
    }
}
