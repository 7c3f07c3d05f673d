//! Holds a tree against the table of keys.

use super::super::near;
use crate::domain::duration::{Rate, parse_duration};
use crate::domain::hours;
use crate::domain::name::SourceName;
use crate::domain::secret::SecretRef;
use crate::domain::time::Timestamp;
use crate::rules::codes::Code;
use crate::rules::expr::regexp::Regexp;
use crate::rules::finding::{Findings, Span};
use crate::rules::keys::{self, Need, Object, Shape, Words};
use crate::rules::pattern::LanguagePattern;
use crate::rules::yaml::{Entry, Kind, Node};

/// Tells of everything in `node` that isn't a mapping as `object` describes it.
pub fn check(object: &'static Object, node: &Node, findings: &mut Findings<'_>) {
    Checker { findings, takes_variables: false }.value(&Shape::Object(object), node, object.what);
}

struct Checker<'t, 'f> {
    findings: &'t mut Findings<'f>,
    /// Within a connection the environment may give any scalar: it is read when the connection is opened.
    takes_variables: bool,
}

impl Checker<'_, '_> {
    /// `label` names the value in messages: `` `timeout` ``, `` an item of `rules` ``.
    fn value(&mut self, shape: &Shape, node: &Node, label: &str) {
        if matches!(node.kind, Kind::Broken) {
            return;
        }
        if let Shape::Either(shapes) = shape {
            match shapes.iter().find(|shape| kind_fits(shape, node)) {
                Some(shape) => self.value(shape, node, label),
                None => self.wrong_kind(shape, node, label),
            }
            return;
        }
        if !kind_fits(shape, node) {
            self.wrong_kind(shape, node, label);
            return;
        }
        match shape {
            Shape::Object(object) => self.object(object, node),
            Shape::Named(inner) => {
                for entry in node.entries() {
                    self.name(entry);
                    self.value(inner, &entry.value, &quoted(&entry.key));
                }
            }
            Shape::Mapping(inner) => {
                node.entries().iter().for_each(|entry| self.value(inner, &entry.value, &quoted(&entry.key)));
            }
            Shape::ByLanguage(inner) => {
                for entry in node.entries() {
                    self.language(entry);
                    self.value(inner, &entry.value, &quoted(&entry.key));
                }
            }
            Shape::List(inner) => {
                let label = format!("an item of {label}");
                let outside = std::mem::take(&mut self.takes_variables);
                node.items().iter().for_each(|item| self.value(inner, item, &label));
                self.takes_variables = outside;
            }
            Shape::OneOrMany(inner) => {
                if matches!(&node.kind, Kind::List(items) if items.is_empty()) {
                    let message = format!("{label} is an empty list, and names nothing");
                    self.findings.add(Code::BadValue, node.span, message).help("name something, or leave the key out");
                }
                let outside = std::mem::take(&mut self.takes_variables);
                node.one_or_many().iter().for_each(|item| self.value(inner, item, label));
                self.takes_variables = outside;
            }
            Shape::OneOf(words) if !self.is_variable(node) => self.word(words, node, label),
            _ => self.scalar(shape, node, label),
        }
    }

    fn object(&mut self, object: &'static Object, node: &Node) {
        let outside = self.takes_variables;
        self.takes_variables = outside || object.what == "a connection";
        for entry in node.entries() {
            match object.key(&entry.key) {
                Some(key) if key.need == Need::Later => {
                    self.later(entry.key_span, &format!("`{}` is not supported yet by this version", entry.key));
                }
                Some(key) => self.value(&key.shape, &entry.value, &quoted(key.name)),
                None => self.unknown_key(object, entry),
            }
        }
        self.takes_variables = outside;
        for key in object.keys.iter().filter(|key| key.need == Need::Required && node.get(key.name).is_none()) {
            let message = format!("{} needs `{}`", object.what, key.name);
            self.findings.add(Code::MissingKey, node.span, message).help(example_of(key.example, key.about));
        }
    }

    fn unknown_key(&mut self, object: &'static Object, entry: &Entry) {
        let known = object.keys.iter().map(|key| key.name);
        let message = format!("{} has no key `{}`", object.what, entry.key);
        let meant = near::meant(&entry.key, known.clone());
        let told = self.findings.add(Code::UnknownKey, entry.key_span, message);
        match meant {
            Some(meant) => told.meant(meant),
            None if object.what == "a reply" && reads_as_language(&entry.key) => told.help(format!(
                "words by language stand under `text`, as in `text: {{ {}: .., default: .. }}`",
                entry.key
            )),
            None if entry.key == "tests" => told.help("tests stand in files whose names end in `.test.yaml`"),
            None if object.what == "a test file" => told.help("a `.test.yaml` file holds `tests` alone"),
            None => {
                let now: Vec<_> =
                    object.keys.iter().filter(|key| key.need != Need::Later).map(|key| key.name).collect();
                let now = now.join(", ");
                match keys::home(object, &entry.key) {
                    Some((home, key)) if !key.example.contains('\n') => told.help(format!(
                        "`{}` is a key of {}, as in `{}`; there are here: {now}",
                        key.name, home.what, key.example
                    )),
                    Some((home, key)) => {
                        told.help(format!("`{}` is a key of {}; there are here: {now}", key.name, home.what))
                    }
                    None => told.help(format!("there are: {now}")),
                }
            }
        };
    }

    fn later(&mut self, span: Span, message: &str) {
        self.findings.add(Code::Later, span, message).help("take it out until then: it would have no effect");
    }

    fn name(&mut self, entry: &Entry) {
        if entry.key.starts_with(RESERVED) {
            self.findings
                .add(Code::BadName, entry.key_span, format!("`{}` begins as only tagrelay's own names do", entry.key))
                .help("give it another name");
        }
        if let Err(bad) = SourceName::parse(&entry.key) {
            let help = format!("a name is {}", bad.expected);
            self.findings.add(Code::BadName, entry.key_span, format!("`{}` is no name", entry.key)).help(help);
        }
    }

    fn language(&mut self, entry: &Entry) {
        if entry.key != "default" && !LanguagePattern::is_language(&entry.key) {
            self.findings
                .add(Code::BadValue, entry.key_span, format!("`{}` is no language", entry.key))
                .help(format!("it must be {LANGUAGE}, or `default`"));
        }
    }

    fn word(&mut self, words: &Words, node: &Node, label: &str) {
        let text = node.scalar().unwrap_or_default();
        let now = (words.now)();
        if now.contains(&text.as_str()) {
            return;
        }
        if words.later.contains(&text.as_str()) {
            self.later(node.span, &format!("`{text}` for {label} is not supported yet by this version"));
            return;
        }
        let told = self.findings.add(Code::BadValue, node.span, format!("{label} can't be `{text}`"));
        match near::meant(&text, now.iter().copied()) {
            Some(meant) => told.meant(meant),
            None => told.help(format!("it is one of: {}", now.join(", "))),
        };
    }

    fn scalar(&mut self, shape: &Shape, node: &Node, label: &str) {
        let Some(text) = node.scalar() else { return };
        if self.is_variable(node) {
            return;
        }
        if matches!(shape, Shape::Text | Shape::Template) && not_read(node, self.findings) {
            return;
        }
        if matches!(shape, Shape::Flag) && !matches!(node.kind, Kind::Bool(_)) {
            self.wrong_kind(shape, node, label);
            return;
        }
        if let Some(expected) = wrong_value(shape, &text) {
            self.findings
                .add(Code::BadValue, node.span, format!("{label} can't be `{text}`"))
                .help(format!("it must be {expected}"));
        }
        match shape {
            Shape::Secret | Shape::Setting => self.secret(shape, node, &text, label),
            Shape::SecretUrl if !["env:", "file:"].iter().any(|form| text.starts_with(form)) && !is_url(&text) => {
                self.findings
                    .add(Code::BadValue, node.span, format!("{label} can't be `{text}`"))
                    .help("it must be an address that begins with `https://` or `http://`, `env:NAME` or `file:PATH`");
            }
            Shape::Regex => {
                if let Err(why) = Regexp::parse(&text) {
                    self.findings
                        .add(Code::Syntax, node.span, format!("this is no regular expression: {why}"))
                        .help("within YAML quotes a backslash is written twice; without quotes once");
                }
            }
            _ => {}
        }
    }

    /// `env:NAME`, where that is read at start. A name that can't be one is told.
    fn is_variable(&mut self, node: &Node) -> bool {
        let Some(name) = node.text().and_then(|text| text.strip_prefix("env:")) else { return false };
        if !self.takes_variables {
            return false;
        }
        if !is_variable(name) {
            self.findings
                .add(Code::BadValue, node.span, format!("`env:{name}` names no variable"))
                .help("after `env:` stands a variable's name: letters, digits and `_`");
        }
        true
    }

    fn secret(&mut self, shape: &Shape, node: &Node, text: &str, label: &str) {
        match SecretRef::parse(text) {
            SecretRef::Literal(_) if matches!(shape, Shape::Setting) => {}
            SecretRef::Literal(_) => {
                self.findings
                    .add(Code::LiteralSecret, node.span, format!("{label} is a secret, and stands in the file itself"))
                    .help("write `env:NAME` or `file:PATH`, and change the secret: others may have read it");
            }
            SecretRef::Env(name) if !is_variable(&name) => {
                self.findings
                    .add(Code::BadValue, node.span, format!("{label} can't be `{text}`"))
                    .help("after `env:` stands a variable's name: letters, digits and `_`");
            }
            SecretRef::File(path) if path.is_empty() => {
                self.findings
                    .add(Code::BadValue, node.span, format!("{label} names no file"))
                    .help("write `file:PATH`");
            }
            SecretRef::Env(_) | SecretRef::File(_) => {}
        }
    }

    fn wrong_kind(&mut self, shape: &Shape, node: &Node, label: &str) {
        let message = format!("{label} must be {}, and this is {}", words(shape), node.words());
        let written = self.findings.text(node.span.file).get(node.span.range()).unwrap_or_default();
        let help = match &node.kind {
            Kind::Null => "write a value, or take the key away".to_owned(),
            Kind::List(_) if label == "`when`" => "join the parts by `and`, `or` and `not` in one text".to_owned(),
            Kind::Map(entries) if label == "`when`" && !entries.is_empty() => {
                "a condition is a text, as in `params.budget > 5`; what an event must fit stands in `match`".to_owned()
            }
            Kind::Map(entries)
                if written.starts_with('{')
                    && matches!(entries.as_slice(), [only] if matches!(only.value.kind, Kind::Null)) =>
            {
                "for what an event holds write two braces, in quotes: `\"{{ params.plan }}\"`".to_owned()
            }
            Kind::Map(_) if matches!(shape, Shape::List(_)) => "each item of a list begins with `- `".to_owned(),
            Kind::Map(_) => "write one value in place of its keys".to_owned(),
            Kind::Text(_) if matches!(shape, Shape::Flag) => "write `true` or `false`, without quotes".to_owned(),
            _ => match (shape, node.scalar()) {
                (Shape::Object(object), _)
                    if object.what == "a block of tags" && object.key(label.trim_matches('`')).is_none() =>
                {
                    "what is added stands under `add`, and what goes under `remove`: `{ add: [Lead] }`".to_owned()
                }
                (Shape::Object(object), _) => {
                    let keys: Vec<_> = object.keys.iter().map(|key| key.name).take(6).collect();
                    format!("its keys are: {}", keys.join(", "))
                }
                (Shape::Named(_) | Shape::Mapping(_), Some(only)) if SourceName::parse(&only).is_ok() => {
                    format!("a name comes first, then its value: `{only}: ..`, or `{{ {only}: .. }}`")
                }
                (Shape::Named(_) | Shape::Mapping(_), None) => {
                    "names come first, each with its value: `name: ..`".to_owned()
                }
                (Shape::List(_), Some(only)) => format!("one alone stands in brackets too: `[{only}]`"),
                _ => String::new(),
            },
        };
        let fix = match (shape, &node.kind) {
            (Shape::Flag, Kind::Text(text)) if matches!(text.as_str(), "true" | "false") => Some(text.clone()),
            (Shape::List(_), Kind::Text(_) | Kind::Number(_)) if !written.contains('\n') && !written.is_empty() => {
                Some(format!("[{written}]"))
            }
            _ => None,
        };
        let told = self.findings.add(Code::WrongKind, node.span, message).help(help);
        if let Some(fix) = fix {
            told.fix(fix);
        }
    }
}

/// Names that begin so stand in events for what no rule file says, as timers.
pub const RESERVED: &str = "tagrelay.";

/// Whether the kind of a value is right; the value itself may still be wrong.
pub fn kind_fits(shape: &Shape, node: &Node) -> bool {
    let is_scalar = matches!(node.kind, Kind::Text(_) | Kind::Number(_) | Kind::Bool(_));
    match shape {
        Shape::Flag => matches!(node.kind, Kind::Bool(_)) || node.text().is_some_and(|text| text.starts_with("env:")),
        Shape::Object(_) | Shape::Named(_) | Shape::Mapping(_) | Shape::ByLanguage(_) => {
            matches!(node.kind, Kind::Map(_))
        }
        Shape::List(_) => matches!(node.kind, Kind::List(_)),
        Shape::OneOrMany(inner) => matches!(node.kind, Kind::List(_)) || kind_fits(inner, node),
        Shape::Either(shapes) => shapes.iter().any(|shape| kind_fits(shape, node)),
        Shape::Anything => true,
        Shape::Nothing => matches!(node.kind, Kind::Null),
        _ => is_scalar,
    }
}

/// What a scalar should have been, if it isn't that.
fn wrong_value(shape: &Shape, text: &str) -> Option<String> {
    let (right, expected) = match shape {
        Shape::Count(least, most) => {
            let right = text.parse::<u64>().is_ok_and(|count| (*least..=*most).contains(&count));
            (right, format!("a whole number from {least} to {most}"))
        }
        Shape::Number(least, most) => {
            let right = text.parse::<f64>().is_ok_and(|number| (*least..=*most).contains(&number));
            (right, format!("a number from {least} to {most}"))
        }
        Shape::Duration => (parse_duration(text).is_some(), DURATION.to_owned()),
        Shape::DurationOr(word) => {
            (text == *word || parse_duration(text).is_some(), format!("{DURATION}, or `{word}`"))
        }
        Shape::Rate => (Rate::parse(text).is_some(), "a rate: `100/min`, `5/s` or `1000/h`".to_owned()),
        Shape::Url => (is_url(text), "an address that begins with `https://` or `http://`".to_owned()),
        Shape::Time => {
            (Timestamp::parse(text).is_some(), "a time with its zone: `2026-03-02T15:00:00-05:00`".to_owned())
        }
        Shape::Hours => (
            hours::Span::parse(text).is_some(),
            "hours: `09:00-18:00`; `22:00-02:00` goes on into the next day".to_owned(),
        ),
        Shape::Date => (hours::date(text).is_some(), "a date: `2026-12-25`".to_owned()),
        Shape::Language => (LanguagePattern::is_language(text), LANGUAGE.to_owned()),
        Shape::Zone => (
            hours::Hours::in_zone(text).is_some(),
            "a time zone's IANA name: `America/Bogota`, `Europe/Madrid`, `UTC`".to_owned(),
        ),
        Shape::Network => (
            network(text).is_some(),
            "an address or a network: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`".to_owned(),
        ),
        _ => return None,
    };
    (!right).then_some(expected)
}

const LANGUAGE: &str = "a language: `es`, which covers all of its regions, or `es-MX`";
const DURATION: &str = "a duration: `500ms`, `10s`, `5m`, `24h` or `7d`";

fn is_url(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    host.is_some_and(|host| !host.is_empty() && !host.starts_with('/') && !text.contains(char::is_whitespace))
}

/// Reads an address or a network.
pub fn network(text: &str) -> Option<ipnet::IpNet> {
    text.parse().ok().or_else(|| text.parse::<std::net::IpAddr>().ok().map(ipnet::IpNet::from))
}

/// `env:NAME` where nothing is read from the environment is told.
pub fn not_read(node: &Node, findings: &mut Findings<'_>) -> bool {
    let Some(name) = node.text().and_then(|text| text.strip_prefix("env:")).filter(|name| is_variable(name)) else {
        return false;
    };
    findings
        .add(Code::BadValue, node.span, format!("`env:{name}` isn't read here: it would be just these letters"))
        .help("secrets and the single settings of a connection come from the environment");
    true
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !name.as_bytes().first().is_some_and(u8::is_ascii_digit)
}

/// What a value should be, in words.
fn words(shape: &Shape) -> String {
    match shape {
        Shape::Flag => "true or false".to_owned(),
        Shape::Object(_) | Shape::Named(_) | Shape::Mapping(_) | Shape::ByLanguage(_) => "a mapping".to_owned(),
        Shape::List(_) => "a list".to_owned(),
        Shape::OneOrMany(inner) => format!("{} or a list", words(inner)),
        Shape::Nothing => "nothing".to_owned(),
        Shape::Duration | Shape::DurationOr(_) => "a duration such as `10s`".to_owned(),
        Shape::Count(..) | Shape::Number(..) => "a number".to_owned(),
        Shape::Either(shapes) => {
            let now: Vec<_> = shapes.iter().filter(|s| !matches!(s, Shape::Nothing)).collect();
            now.into_iter().map(words).collect::<Vec<_>>().join(" or ")
        }
        _ => "a text".to_owned(),
    }
}

fn quoted(key: &str) -> String {
    format!("`{key}`")
}

fn example_of(example: &str, about: &str) -> String {
    if example.is_empty() { about.to_owned() } else { format!("{about} As in `{}`", example.replace('\n', "; ")) }
}

/// `es`, `pt-BR`
fn reads_as_language(key: &str) -> bool {
    let first = key.split(['-', '_']).next().unwrap_or_default();
    (2..=3).contains(&first.len()) && first.bytes().all(|byte| byte.is_ascii_lowercase())
}
