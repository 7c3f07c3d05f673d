//! From text to the tree, within budgets.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Location, Spanned, UserMessageFormatter, alias_limits, budget, options};

use super::quote::quoted;
use super::tree::{Entry, Kind, Node};
use crate::rules::codes::Code;
use crate::rules::finding::{Findings, Span};

/// Reads file `file` of the set. `None` when it is no YAML, or empty; what is wrong is told.
pub fn read(file: usize, findings: &mut Findings<'_>) -> Option<Node> {
    let text = findings.text(file);
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options()) {
        Ok(raw) => Some(Reader { file, text, findings }.node(raw)).filter(|node| !matches!(node.kind, Kind::Null)),
        Err(error) => {
            tell(file, &error, findings);
            None
        }
    }
}

fn options() -> serde_saphyr::Options {
    options! {
        strict_booleans: true,
        // Ours name both places, and the reading goes on.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        with_snippet: false,
        // An alias bomb of 10^10 nodes must end at once, and rule sets need few aliases.
        budget: budget! { max_nodes: 1_000_000, max_events: 2_000_000, max_aliases: 2_000, max_depth: 64 },
        alias_limits: alias_limits! { max_total_replayed_events: 50_000 },
    }
}

/// All that a text says, duplicate keys and the order of keys included, without its layout and comments; and how deep it nests.
/// `None` when it is no YAML.
pub fn meaning(text: &str) -> Option<(String, usize)> {
    let raw = serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options()).ok()?;
    let mut says = String::new();
    let depth = say(&raw, text, &mut says);
    Some((says, depth))
}

/// Writes what a value says, and gives how deep it nests.
fn say(raw: &Spanned<Raw>, text: &str, to: &mut String) -> usize {
    match &raw.value {
        Raw::Null => to.push('~'),
        Raw::Bool(truth) => to.push_str(if *truth { "true" } else { "false" }),
        Raw::Number(typed) => to.push_str(&all_digits(written(raw.defined, text), typed.clone())),
        Raw::Text(words) => to.push_str(&serde_json::Value::from(words.as_str()).to_string()),
        Raw::List(items) => {
            to.push('[');
            let deepest = items.iter().map(|item| {
                let depth = say(item, text, to);
                to.push(',');
                depth
            });
            let depth = deepest.max().unwrap_or_default();
            to.push(']');
            return depth + 1;
        }
        Raw::Map(entries) => {
            to.push('{');
            let mut depth = 0;
            for (key, value) in entries {
                depth = depth.max(say(key, text, to));
                to.push(':');
                depth = depth.max(say(value, text, to));
                to.push(',');
            }
            to.push('}');
            return depth + 1;
        }
    }
    0
}

fn bytes(location: Location) -> std::ops::Range<usize> {
    let span = location.span();
    let start = span.byte_offset().map_or(0, |at| at as usize);
    start..start + span.byte_len().map_or(0, |length| length as usize)
}

fn written(location: Location, text: &str) -> &str {
    text.get(bytes(location)).unwrap_or_default()
}

/// The library's words without the place that they repeat.
fn tell(file: usize, error: &serde_saphyr::Error, findings: &mut Findings<'_>) {
    let words = error.without_snippet().render_with_formatter(&UserMessageFormatter);
    let message = words.split(" at line ").next().unwrap_or("this is not YAML").trim().to_owned();
    let place = error.location().map_or((1, 1), |l| (l.line() as usize, l.column() as usize));
    let start = findings.byte(file, place.0, place.1);
    let span = Span { file, start, end: start };
    let too_large = ["too large", "recursion limit", "limit exceeded", "budget"].iter().any(|w| message.contains(w));
    if too_large {
        findings.add(Code::TooLarge, span, message).help("split the file, or take aliases and nesting away");
    } else {
        findings
            .add(Code::NotYaml, span, message)
            .help("look at the indentation, the quotes and the brackets before it");
    }
}

struct Reader<'t, 'f> {
    file: usize,
    text: &'f str,
    findings: &'t mut Findings<'f>,
}

impl Reader<'_, '_> {
    fn node(&mut self, raw: Spanned<Raw>) -> Node {
        let span = self.span(raw.defined);
        let written = self.text.get(span.range()).unwrap_or_default();
        let kind = match raw.value {
            Raw::Null => Kind::Null,
            Raw::Bool(truth) => Kind::Bool(truth),
            Raw::Number(typed) => Kind::Number(all_digits(written, typed)),
            Raw::Text(text) => Kind::Text(text),
            Raw::List(items) => Kind::List(items.into_iter().map(|item| self.node(item)).collect()),
            Raw::Map(entries) => self.mapping(entries),
        };
        Node { kind, span }
    }

    fn mapping(&mut self, raw: Vec<(Spanned<Raw>, Spanned<Raw>)>) -> Kind {
        let mut broken = false;
        let mut entries: Vec<Entry> = Vec::with_capacity(raw.len());
        let mut seen: HashMap<String, Span> = HashMap::with_capacity(raw.len());
        for (key, value) in raw {
            let (key, value) = (self.node(key), self.node(value));
            let Some(name) = key.scalar() else {
                broken = true;
                if matches!(key.kind, Kind::Broken) {
                    continue;
                }
                let help = match key.kind {
                    // `null`, `~` and nothing at all; a key of that name is a text in quotes.
                    Kind::Null => "a key that reads like nothing stands in quotes: `\"null\": ..`",
                    _ => "put quotes around a value that begins with `{{`: \"{{ params.plan }}\"",
                };
                let told = self
                    .findings
                    .add(Code::BadKey, key.span, format!("a key must be a text, and this is {}", key.words()))
                    .help(help);
                if let Some((span, quoted)) = unquoted_template(self.text, key.span) {
                    told.fix_at(span, quoted);
                }
                continue;
            };
            if let Some(first) = seen.get(&name) {
                self.findings
                    .add(Code::DuplicateKey, key.span, format!("`{name}` stands twice here"))
                    .related(*first, "the first one")
                    .help("join the two, or take one away");
                continue;
            }
            seen.insert(name.clone(), key.span);
            entries.push(Entry { key: name, key_span: key.span, value });
        }
        if broken { Kind::Broken } else { Kind::Map(entries) }
    }

    fn span(&self, location: Location) -> Span {
        let std::ops::Range { start, end } = bytes(location);
        Span { file: self.file, start, end }
    }
}

/// The whole `{{ .. }}` whose second brace begins this key, and the same within quotes.
fn unquoted_template(text: &str, key: Span) -> Option<(Span, String)> {
    let start = key.start.checked_sub(1).filter(|start| text.get(*start..).is_some_and(|t| t.starts_with("{{")))?;
    let length = text.get(start..)?.find("}}")? + 2;
    let span = Span { start, end: start + length, ..key };
    let written = text.get(span.range()).filter(|written| !written.contains('\n'))?;
    Some((span, quoted(written)?))
}

/// A number as it stands in the file, where JSON writes it in the same way: an id must not lose a digit.
fn all_digits(written: &str, typed: String) -> String {
    let is_json = serde_json::from_str::<&serde_json::value::RawValue>(written).is_ok();
    if is_json && !written.is_empty() { written.to_owned() } else { typed }
}

/// A value as the library hands it over.
enum Raw {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Raw, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Raw, E> {
        Ok(Raw::Bool(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Raw, E> {
        Ok(Raw::Number(number.to_string()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Raw, E> {
        Ok(Raw::Number(number.to_string()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Raw, E> {
        Ok(Raw::Number(number.to_string()))
    }

    fn visit_u128<E>(self, number: u128) -> Result<Raw, E> {
        Ok(Raw::Number(number.to_string()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Raw, E> {
        Ok(Raw::Number(number.to_string()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}
