//! Goes through a file's tree along the table of keys: at each place it is known what may stand there and what it names.

use crate::rules::check::kind_fits;
use crate::rules::keys::{Key, Names, Object, RULE_FILE, Shape, TEST_FILE};
use crate::rules::yaml::{Entry, Kind, Node};

/// What stands around a place.
#[derive(Clone, Copy, Default)]
pub struct Around<'t> {
    /// The key of the table under which it stands.
    pub key: Option<&'static Key>,
    /// The one around that.
    pub outer: Option<&'static Key>,
    /// Whether the mapping here is the one whose keys that key speaks of, and not one further below.
    is_next: bool,
    /// The mapping that the place is in.
    pub mapping: Option<&'t Node>,
    /// The connection that it is about.
    pub connection: Option<&'t str>,
    /// The source, rule or test that it is in.
    pub owner: Option<&'t Node>,
}

/// What is met on the way.
pub trait Visit<'t> {
    /// A line of a mapping of known keys; `None`: it has no such key.
    fn key(&mut self, object: &'static Object, key: Option<&'static Key>, entry: &'t Entry, around: Around<'t>);
    /// A line of a mapping whose keys are names of the author's own.
    fn named(&mut self, names: Option<Named>, entry: &'t Entry, around: Around<'t>);
    /// A value that may be one of several.
    fn either(&mut self, _shapes: &'static [Shape], _node: &'t Node, _around: Around<'t>) {}
    /// A value that is no mapping and no list, or not what it should be.
    fn value(&mut self, shape: &'static Shape, node: &'t Node, around: Around<'t>);
}

/// What a name is one of, and whether this is where it is defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    pub names: Names,
    pub defines: bool,
}

impl Named {
    /// What the keys of a mapping below `key` name.
    pub fn keys_of(key: &Key) -> Option<Self> {
        let of = |names, defines| Self { names, defines };
        key.defines.map(|names| of(names, true)).or(key.keyed_by.map(|names| of(names, false)))
    }

    /// What the values below `key` name.
    pub fn values_of(key: &Key) -> Option<Self> {
        // A mapping's keys define, not what stands under them.
        let defines = key.defines.filter(|_| !matches!(key.shape, Shape::Named(_) | Shape::Mapping(_)));
        let of = |names, defines| Self { names, defines };
        defines.map(|names| of(names, true)).or(key.names.map(|names| of(names, false)))
    }
}

/// Goes through a file.
pub fn file<'t>(holds_tests: bool, tree: &'t Node, visit: &mut dyn Visit<'t>) {
    object(if holds_tests { &TEST_FILE } else { &RULE_FILE }, tree, Around::default(), visit);
}

fn object<'t>(object: &'static Object, node: &'t Node, around: Around<'t>, visit: &mut dyn Visit<'t>) {
    let owner = if matches!(object.what, "a rule" | "a test" | "a source") { Some(node) } else { around.owner };
    let around = Around { mapping: Some(node), owner, ..around };
    for entry in node.entries() {
        let key = object.key(&entry.key);
        visit.key(object, key, entry, around);
        if let Some(key) = key {
            value(
                &key.shape,
                &entry.value,
                Around { key: Some(key), outer: around.key, is_next: true, ..around },
                visit,
            );
        }
    }
}

fn value<'t>(shape: &'static Shape, node: &'t Node, around: Around<'t>, visit: &mut dyn Visit<'t>) {
    match (shape, &node.kind) {
        (Shape::Either(shapes), _) => {
            visit.either(shapes, node, around);
            match shapes.iter().find(|shape| kind_fits(shape, node)) {
                Some(fitting) => value(fitting, node, around, visit),
                None => visit.value(shape, node, around),
            }
        }
        (Shape::Object(below), Kind::Map(_)) => object(below, node, around, visit),
        (Shape::Named(inner) | Shape::Mapping(inner) | Shape::ByLanguage(inner), Kind::Map(entries)) => {
            mapping(inner, node, entries, around, visit);
        }
        (Shape::Anything, Kind::Map(entries)) => mapping(shape, node, entries, around, visit),
        (Shape::Anything, Kind::List(items)) => items.iter().for_each(|item| value(shape, item, around, visit)),
        (Shape::List(inner), Kind::List(items)) => items.iter().for_each(|item| value(inner, item, around, visit)),
        (Shape::OneOrMany(inner), _) => node.one_or_many().iter().for_each(|item| value(inner, item, around, visit)),
        _ => visit.value(shape, node, around),
    }
}

fn mapping<'t>(
    inner: &'static Shape,
    node: &'t Node,
    entries: &'t [Entry],
    around: Around<'t>,
    visit: &mut dyn Visit<'t>,
) {
    let named = around.key.filter(|_| around.is_next).and_then(Named::keys_of);
    let around = Around { mapping: Some(node), is_next: false, ..around };
    for entry in entries {
        visit.named(named, entry, around);
        let is_connection = named.is_some_and(|named| named.names == Names::Connection);
        let connection = if is_connection { Some(entry.key.as_str()) } else { around.connection };
        value(inner, &entry.value, Around { connection, ..around }, visit);
    }
}
