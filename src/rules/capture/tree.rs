//! JSON that can be taken apart, and how it is written in a test: flow style, texts plain where YAML reads them as what they are.

use crate::domain::json::{Json, JsonKind};

/// A value that can be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// A number with all its digits, `true`, `false` or `null`.
    Raw(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Tree>),
    /// A mapping, in order.
    Map(Vec<(String, Tree)>),
}

/// A step of the way to a part of a tree: the place in its list or mapping.
pub type Way = Vec<usize>;

impl Tree {
    /// Reads JSON.
    pub fn of(json: Json<'_>) -> Self {
        match json.kind() {
            JsonKind::Map => {
                Self::Map(json.entries().into_iter().map(|(key, value)| (key.into_owned(), Self::of(value))).collect())
            }
            JsonKind::List => Self::List(json.items().into_iter().map(Self::of).collect()),
            JsonKind::Text => Self::Text(json.as_text().unwrap_or_default().into_owned()),
            JsonKind::Number | JsonKind::Bool | JsonKind::Null => Self::Raw(json.text().to_owned()),
        }
    }

    /// The value under a key of a mapping.
    pub fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// As JSON text.
    pub fn json(&self) -> String {
        match self {
            Self::Raw(text) => text.clone(),
            Self::Text(text) => quoted(text),
            Self::List(items) => format!("[{}]", items.iter().map(Self::json).collect::<Vec<_>>().join(",")),
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| format!("{}:{}", quoted(key), value.json());
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// As YAML in one line.
    pub fn yaml(&self) -> String {
        match self {
            Self::Raw(text) => text.clone(),
            Self::Text(text) => word(text),
            Self::List(items) => format!("[{}]", items.iter().map(Self::yaml).collect::<Vec<_>>().join(", ")),
            Self::Map(entries) if entries.is_empty() => "{}".to_owned(),
            Self::Map(entries) => {
                let entry = |(key, value): &(String, Self)| format!("{}: {}", word(key), value.yaml());
                format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// A part of it.
    pub fn at(&self, way: &[usize]) -> Option<&Self> {
        let Some((step, rest)) = way.split_first() else { return Some(self) };
        match self {
            Self::List(items) => items.get(*step)?.at(rest),
            Self::Map(entries) => entries.get(*step)?.1.at(rest),
            Self::Raw(_) | Self::Text(_) => None,
        }
    }

    /// A part of it, to be changed.
    pub fn at_mut(&mut self, way: &[usize]) -> Option<&mut Self> {
        let Some((step, rest)) = way.split_first() else { return Some(self) };
        match self {
            Self::List(items) => items.get_mut(*step)?.at_mut(rest),
            Self::Map(entries) => entries.get_mut(*step)?.1.at_mut(rest),
            Self::Raw(_) | Self::Text(_) => None,
        }
    }

    /// How many parts it has.
    pub fn len(&self) -> usize {
        match self {
            Self::List(items) => items.len(),
            Self::Map(entries) => entries.len(),
            Self::Raw(_) | Self::Text(_) => 0,
        }
    }

    /// Itself without the part at that place.
    pub fn without(&self, way: &[usize]) -> Self {
        let mut tree = self.clone();
        if let Some((last, parent)) = way.split_last() {
            match tree.at_mut(parent) {
                Some(Self::List(items)) if *last < items.len() => drop(items.remove(*last)),
                Some(Self::Map(entries)) if *last < entries.len() => drop(entries.remove(*last)),
                _ => {}
            }
        }
        tree
    }

    /// The keys on the way to a part, lists passed over: `params.email`.
    pub fn named(&self, way: &[usize]) -> Vec<String> {
        let mut names = Vec::new();
        let mut tree = self;
        for step in way {
            tree = match tree {
                Self::List(items) => match items.get(*step) {
                    Some(item) => item,
                    None => break,
                },
                Self::Map(entries) => match entries.get(*step) {
                    Some((key, value)) => {
                        names.push(key.clone());
                        value
                    }
                    None => break,
                },
                Self::Raw(_) | Self::Text(_) => break,
            };
        }
        names
    }

    /// The ways to all texts and numbers.
    pub fn leaves(&self) -> Vec<Way> {
        let mut found = Vec::new();
        self.gather(&mut Vec::new(), &mut found);
        found
    }

    fn gather(&self, way: &mut Way, found: &mut Vec<Way>) {
        let parts: Vec<&Self> = match self {
            Self::Raw(_) | Self::Text(_) => return found.push(way.clone()),
            Self::List(items) => items.iter().collect(),
            Self::Map(entries) => entries.iter().map(|(_, value)| value).collect(),
        };
        for (step, part) in parts.into_iter().enumerate() {
            way.push(step);
            part.gather(way, found);
            way.pop();
        }
    }
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// A text plain where YAML can't take it for anything else, else in quotes.
pub fn word(text: &str) -> String {
    let is_plain = text.chars().next().is_some_and(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_' | '.' | '+'))
        && !text.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&text.to_lowercase().as_str());
    if is_plain { text.to_owned() } else { quoted(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_read_write_and_lose_parts() {
        let text = r#"{"id":10000000000000000001,"a b":["x",{"y":null,"z":"1"}],"e":{}}"#;
        let tree = Tree::of(Json::parse(text.as_bytes()).expect("JSON"));
        assert_eq!(tree.json(), text);
        assert_eq!(tree.yaml(), r#"{ id: 10000000000000000001, a b: [x, { "y": null, z: "1" }], e: {} }"#);
        assert_eq!(tree.leaves(), [vec![0], vec![1, 0], vec![1, 1, 0], vec![1, 1, 1]]);
        assert_eq!(tree.named(&[1, 1, 1]), ["a b", "z"]);
        assert_eq!(tree.without(&[1, 1]).without(&[0]).json(), r#"{"a b":["x"],"e":{}}"#);
        assert_eq!(tree.without(&[7]), tree);
        for text in ["no", "- a", "#", "", " a", "1", "a: b", "ñandú", "Plan pro", "{{ x }}", "a\nb", "~"] {
            assert_eq!(word(text) == text, ["ñandú", "Plan pro"].contains(&text), "{text}");
        }
    }
}
