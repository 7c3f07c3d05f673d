//! The JSON Schema of rule files, written from the table of keys.
//!
//! It is for editors as much as for judging: each key has its words, its example and, where there is a skeleton to write, its
//! snippets. `tests/reference` holds it against `check` and shows it to the language server that editors run.

mod conditions;
mod scalar;
mod tree;

use serde_json::{Value, json};

use super::files::RuleFile;
use super::finding::Findings;
use super::keys::{Key, Need, Object, RULE_FILE, Shape, Snippet, TEST_FILE};
use super::yaml;
use scalar::{LANGUAGE, NAME, scalar};
pub use tree::Tree;

/// Draft-07, the draft that editors know best. Keys that this version can't do are left out, so that editors mark them.
pub fn schema() -> Tree {
    let mut defined = Vec::new();
    let mut keys = properties(&RULE_FILE, &mut defined);
    keys.extend(properties(&TEST_FILE, &mut defined));
    Tree::map([
        ("$schema", "http://json-schema.org/draft-07/schema#".into()),
        ("description", "Sources, connections and rules in *.yaml; tests in *.test.yaml.".into()),
        ("type", "object".into()),
        ("additionalProperties", false.into()),
        ("properties", Tree::Map(keys)),
        ("definitions", Tree::Map(defined)),
    ])
}

type Entries = Vec<(String, Tree)>;

fn properties(object: &'static Object, defined: &mut Entries) -> Entries {
    let takes_variables = object.what == "a connection";
    let now = object.keys.iter().filter(|key| key.need != Need::Later);
    now.map(|key| (key.name.to_owned(), property(key, takes_variables, defined))).collect()
}

fn property(key: &'static Key, takes_variables: bool, defined: &mut Entries) -> Tree {
    let mut tree = Tree::Map(Vec::new());
    tree.put("description", key.about);
    tree.put("markdownDescription", format!("{}\n\n```yaml\n{}\n```", key.about, key.example).as_str());
    // On what must be there depends how the rest is read, so it can't wait for the environment.
    tree.join(shape(&key.shape, takes_variables && key.need != Need::Required, defined));
    if let Some(example) = read(key.example).and_then(|tree| value_of(tree, key.name)) {
        if is_inserted_whole(&example) {
            tree.put("examples", Tree::List(vec![example]));
        } else if !["defaultSnippets", "$ref", "anyOf"].iter().any(|keyword| tree.has(keyword)) {
            // Of a list an editor makes item by item.
            let body = match example {
                Tree::List(items) => items.into_iter().next().unwrap_or(Tree::List(Vec::new())),
                other => other,
            };
            let label = format!("{}: an example", key.name);
            let snippet = Tree::map([("label", label.as_str().into()), ("body", quoted(body))]);
            tree.put("defaultSnippets", Tree::List(vec![snippet]));
        }
    }
    tree
}

/// Whether the language server writes an example as it is meant: inside a list or a mapping it sets no quotes, and it knows no
/// mappings in lists. Any other example becomes a snippet, or stands in the description alone.
fn is_inserted_whole(example: &Tree) -> bool {
    let needs_no_quotes = |tree: &Tree| match tree {
        Tree::Value(value) => !value.as_str().is_some_and(|text| text.starts_with('{')),
        inner => is_inserted_whole(inner),
    };
    match example {
        Tree::Value(_) => true,
        Tree::List(items) => items.iter().all(|item| matches!(item, Tree::Value(_)) && needs_no_quotes(item)),
        Tree::Map(entries) => entries.iter().all(|(_, value)| needs_no_quotes(value)),
    }
}

/// The mapping that a key's example is: the key, and the neighbours that it needs. `None` where it isn't there.
pub fn example(key: &Key) -> Option<Value> {
    let tree = read(key.example).filter(|tree| tree.has(key.name))?;
    serde_json::to_value(tree).ok()
}

/// A text of the table as a tree; `None` where it is no YAML, which a test refuses.
fn read(text: &str) -> Option<Tree> {
    let file = RuleFile { path: "keys.yaml".to_owned(), text: text.to_owned() };
    yaml::read(0, &mut Findings::new(&[file])).as_ref().map(Tree::from)
}

fn value_of(tree: Tree, name: &str) -> Option<Tree> {
    match tree {
        Tree::Map(entries) => entries.into_iter().find(|(key, _)| key == name).map(|(_, value)| value),
        _ => None,
    }
}

/// A reference to the object's definition, which is made where it isn't there yet.
fn object(object: &'static Object, defined: &mut Entries) -> Tree {
    let name = object.what.trim_start_matches("a ").trim_start_matches("an ").replace("'s", "").replace(' ', "-");
    let reference = Tree::map([("$ref", format!("#/definitions/{name}").as_str().into())]);
    if defined.iter().any(|(known, _)| *known == name) {
        return reference;
    }
    let place = defined.len();
    defined.push((name, Tree::Map(Vec::new())));
    let required = object.keys.iter().filter(|key| key.need == Need::Required).map(|key| key.name);
    let mut tree = Tree::map([("type", "object".into()), ("additionalProperties", false.into())]);
    let required = Tree::texts(required);
    if required != Tree::List(Vec::new()) {
        tree.put("required", required);
    }
    tree.put("properties", Tree::Map(properties(object, defined)));
    for (keyword, condition) in conditions::of(object) {
        tree.put(keyword, condition);
    }
    if !object.snippets.is_empty() {
        tree.put("defaultSnippets", snippets(object, |body| body));
    }
    if let Some((_, definition)) = defined.get_mut(place) {
        *definition = tree;
    }
    reference
}

/// An object's snippets, each body wrapped as its place asks.
fn snippets(object: &'static Object, wrapped: impl Fn(Tree) -> Tree) -> Tree {
    let kind = object.what.trim_start_matches("a ").trim_start_matches("an ");
    let one = |snippet: &'static Snippet| {
        // A label that is also a key's would be taken for it.
        let label = format!("{kind}: {}", snippet.label);
        let body = wrapped(read(&snippet.body.join("\n")).map_or(Tree::Map(Vec::new()), quoted));
        Tree::map([("label", label.as_str().into()), ("description", snippet.about.into()), ("body", body)])
    };
    Tree::List(object.snippets.iter().map(one).collect())
}

/// Editors insert a snippet's texts as they stand, so what needs quotes in YAML carries them.
fn quoted(tree: Tree) -> Tree {
    match tree {
        Tree::Map(entries) => Tree::Map(entries.into_iter().map(|(key, value)| (key, quoted(value))).collect()),
        Tree::List(items) => Tree::List(items.into_iter().map(quoted).collect()),
        Tree::Value(value) => match value.as_str() {
            Some(text) if text.starts_with('{') => format!("\"{text}\"").as_str().into(),
            _ => Tree::Value(value),
        },
    }
}

fn shape(shape: &'static Shape, takes_variables: bool, defined: &mut Entries) -> Tree {
    if let Some(tree) = scalar(shape, takes_variables) {
        return tree;
    }
    // A variable stands for a whole setting, not for one of several.
    let takes_variables = takes_variables && !matches!(shape, Shape::List(_) | Shape::OneOrMany(_));
    let mut inner = |shape| self::shape(shape, takes_variables, defined);
    match shape {
        Shape::Object(known) => object(known, defined),
        Shape::Named(one) => {
            let names = json!({ "title": "name", "pattern": NAME, "patternErrorMessage": "A name has 1 to 64 of a-z A-Z 0-9 - _ ." });
            let mut tree = Tree::map([("type", "object".into()), ("propertyNames", names.into())]);
            tree.put("additionalProperties", inner(one));
            with_snippets(tree, one, "${1:name}")
        }
        Shape::Mapping(one) => {
            let tree = Tree::map([("type", "object".into()), ("additionalProperties", inner(one))]);
            with_snippets(tree, one, "${1:crm}")
        }
        Shape::ByLanguage(one) => {
            let languages = json!({
                "pattern": format!("{LANGUAGE}|^default$"),
                "patternErrorMessage": "A language such as `es` or `es-MX`, or `default`.",
            });
            Tree::map([
                ("type", "object".into()),
                ("propertyNames", languages.into()),
                ("additionalProperties", inner(one)),
            ])
        }
        Shape::List(one) => {
            let mut tree = Tree::map([("type", "array".into()), ("items", inner(one))]);
            if let Shape::Object(object) = one
                && !object.snippets.is_empty()
            {
                // An editor makes an item of the list of it.
                tree.put("defaultSnippets", snippets(object, |body| body));
            }
            tree
        }
        Shape::OneOrMany(one) => one_or_many(one, inner(one), defined),
        Shape::Either(shapes) => Tree::map([("anyOf", Tree::List(shapes.iter().map(inner).collect()))]),
        _ => Tree::Map(Vec::new()),
    }
}

/// One or a list. Those of single values are the same at many keys, so they are defined once.
fn one_or_many(one: &'static Shape, item: Tree, defined: &mut Entries) -> Tree {
    let list = Tree::map([("type", "array".into()), ("items", item.clone()), ("minItems", json!(1).into())]);
    let either = Tree::map([("anyOf", Tree::List(vec![item, list]))]);
    let name = format!("{one:?}").to_lowercase();
    if !name.chars().all(char::is_alphabetic) {
        return either;
    }
    let name = format!("{name}-or-list");
    let reference = Tree::map([("$ref", format!("#/definitions/{name}").as_str().into())]);
    if !defined.iter().any(|(known, _)| *known == name) {
        defined.push((name, either));
    }
    reference
}

/// A mapping's snippets: a name, and below it the skeleton.
fn with_snippets(mut tree: Tree, one: &'static Shape, name: &str) -> Tree {
    if let Shape::Object(object) = one
        && !object.snippets.is_empty()
    {
        tree.put("defaultSnippets", snippets(object, |body| Tree::map([(name, body)])));
    }
    tree
}
