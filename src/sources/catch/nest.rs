//! Flat keys that mean a mapping in a mapping: `lead__name` is `name` in `lead`, as Zapier writes it.

use std::collections::BTreeMap;

/// What stands between the names of a nesting key.
const BETWEEN: &str = "__";
/// The most names in one key; a longer one is no nesting key. Depth is bounded here, since writing recurses.
const MAX_NAMES: usize = 16;

enum Tree<'t> {
    /// JSON text.
    Leaf(&'t str),
    Map(BTreeMap<&'t str, Tree<'t>>),
}

/// Whether a key nests: `__typename` doesn't, for want of a name before the line.
pub fn nests(key: &str) -> bool {
    names(key).len() > 1
}

fn names(key: &str) -> Vec<&str> {
    let names: Vec<&str> = key.split(BETWEEN).take(MAX_NAMES + 1).collect();
    let good = names.len() <= MAX_NAMES && names.iter().all(|name| !name.is_empty());
    if good { names } else { vec![key] }
}

/// Writes entries, each a key and its JSON text, as one mapping. Where `a` has a value of its own, `a__b` has no place in it
/// and stays as it came: nothing is lost, whatever the order.
pub fn nested(entries: &BTreeMap<String, String>) -> Vec<u8> {
    let mut split: Vec<_> = entries.iter().map(|(key, json)| (names(key), key.as_str(), json.as_str())).collect();
    // The shorter first, so that the order in which a sender writes its keys decides nothing.
    split.sort_by_key(|(names, ..)| names.len());
    let mut root = BTreeMap::new();
    for (names, key, json) in split {
        if !insert(&mut root, &names, json) {
            root.insert(key, Tree::Leaf(json));
        }
    }
    let mut text = String::new();
    write(&root, &mut text);
    text.into_bytes()
}

/// Whether there was a place for it.
fn insert<'t>(map: &mut BTreeMap<&'t str, Tree<'t>>, names: &[&'t str], json: &'t str) -> bool {
    match names {
        [] => false,
        [last] => map.insert(last, Tree::Leaf(json)).is_none(),
        [first, rest @ ..] => match map.entry(first).or_insert_with(|| Tree::Map(BTreeMap::new())) {
            Tree::Leaf(_) => false,
            Tree::Map(inner) => insert(inner, rest, json),
        },
    }
}

fn write(map: &BTreeMap<&str, Tree<'_>>, text: &mut String) {
    text.push('{');
    for (index, (key, value)) in map.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&serde_json::Value::from(*key).to_string());
        text.push(':');
        match value {
            Tree::Leaf(json) => text.push_str(json),
            Tree::Map(inner) => write(inner, text),
        }
    }
    text.push('}');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pairs: &[(&str, &str)]) -> String {
        let entries = pairs.iter().map(|(key, json)| ((*key).to_owned(), (*json).to_owned())).collect();
        String::from_utf8(nested(&entries)).expect("UTF-8")
    }

    #[test]
    fn keys_nest_and_values_stay_as_they_are() {
        assert_eq!(of(&[]), "{}");
        assert_eq!(
            of(&[("lead__name", "\"Ana\""), ("lead__id", "12345678901234567890.0"), ("ok", "true")]),
            r#"{"lead":{"id":12345678901234567890.0,"name":"Ana"},"ok":true}"#
        );
        assert_eq!(of(&[("a__0__b", "1"), ("a__1__b", "2")]), r#"{"a":{"0":{"b":1},"1":{"b":2}}}"#);
    }

    #[test]
    fn a_key_without_a_place_stays_as_it_came() {
        assert_eq!(of(&[("a", "{\"x\":1}"), ("a__b", "2")]), r#"{"a":{"x":1},"a__b":2}"#);
        assert_eq!(of(&[("a__b__c", "2"), ("a__b", "1")]), r#"{"a":{"b":1},"a__b__c":2}"#);
        for key in ["__typename", "a__", "a____b", "__", "", "\"__"] {
            assert!(!nests(key) || key == "\"__", "{key}");
            assert_eq!(of(&[(key, "1")]), format!("{{{}:1}}", serde_json::json!(key)));
        }
        let long = ["a"; 17].join("__");
        assert_eq!(of(&[(&long, "1")]), format!("{{\"{long}\":1}}"));
        assert!(nests(&["a"; 16].join("__")) && !nests(&"a__".repeat(100_000)));
    }
}
