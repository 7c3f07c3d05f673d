//! XML as the mapping that JSON would have been: `<lead id="7"><name>Ana</name></lead>` is `{"lead":{"@id":"7","name":"Ana"}}`.
//!
//! It is read as a stream within bounds. There is no DTD, so there are no entities of a sender's own and nothing is fetched: what
//! takes memory of other readers is refused at its first letter.

use quick_xml::XmlVersion;
use quick_xml::errors::{Error, IllFormedError};
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use serde_json::{Map, Value};

use crate::sources::fault::ReadError;

/// How deep elements may nest. A level here may be two of JSON, a list and a mapping, and JSON has its own bound.
const MAX_DEPTH: usize = 40;
/// The most elements and attributes in all: beyond it, a small body would take much memory.
const MAX_NODES: usize = 10_000;
/// What the words of an element are called where it has attributes or elements too.
const TEXT: &str = "#text";

/// Writes XML as JSON. All values are texts; what is there more than once under one name is a list; what is empty is `null`.
pub fn json_of(text: &str) -> Result<Vec<u8>, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader::from_str(text);
    let mut tree = Tree::default();
    loop {
        let at = reader.buffer_position();
        let event = reader.read_event();
        let event = event.map_err(|error| placed(text, reader.error_position(), (words(&error), None)))?;
        let more = tree.take(event).map_err(|refused| placed(text, at, refused))?;
        if !more {
            return Ok(Value::Object(tree.root).to_string().into_bytes());
        }
    }
}

/// Why an event can't be taken, and what to do about it.
type Refused = (&'static str, Option<&'static str>);

/// What has been read so far.
#[derive(Default)]
struct Tree {
    /// The elements that aren't closed yet, the outermost first.
    open: Vec<Element>,
    /// The one element that XML has at its top, once it is closed.
    root: Map<String, Value>,
    nodes: usize,
}

struct Element {
    name: String,
    /// Its attributes and elements.
    parts: Map<String, Value>,
    text: String,
}

impl Tree {
    /// Takes the next event; `false` at the end.
    fn take(&mut self, event: Event<'_>) -> Result<bool, Refused> {
        match event {
            Event::Start(start) => self.begin(&start)?,
            Event::Empty(start) => {
                self.begin(&start)?;
                self.end();
            }
            Event::End(_) => self.end(),
            Event::Text(words) => self.say(&words.xml10_content())?,
            Event::CData(words) => self.say(&words.xml10_content())?,
            Event::GeneralRef(reference) => self.say(&resolved(&reference)?)?,
            Event::Decl(declaration) => in_utf8(&declaration)?,
            Event::DocType(_) => {
                return Err(("a DOCTYPE is not taken", Some("leave it out: a body needs no DTD")));
            }
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => {
                return match self.open.last() {
                    Some(_) => Err(("the body ends before its elements do", None)),
                    None if self.root.is_empty() => Err(("this is not XML: there is no element", None)),
                    None => Ok(false),
                };
            }
        }
        Ok(true)
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), Refused> {
        if self.open.is_empty() && !self.root.is_empty() {
            return Err(("there is more than one element at the top", None));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(("elements nest more than 40 deep", None));
        }
        self.count()?;
        let mut parts = Map::new();
        // Its own check for repetitions compares each with each, so that many of them would take long.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| ("an attribute is not of the form name=\"value\"", None))?;
            self.count()?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0);
            let value = value.map_err(|_| unknown("an attribute has an entity that isn't known"))?;
            if parts.insert(format!("@{}", attribute.key.0), Value::from(value)).is_some() {
                return Err(("an attribute stands twice", None));
            }
        }
        self.open.push(Element { name: start.name().0.to_owned(), parts, text: String::new() });
        Ok(())
    }

    fn count(&mut self) -> Result<(), Refused> {
        self.nodes += 1;
        if self.nodes > MAX_NODES { Err(("there are more than 10,000 elements and attributes", None)) } else { Ok(()) }
    }

    /// The reader has seen to it that the innermost element is the one that ends.
    fn end(&mut self) {
        let Some(Element { name, mut parts, text }) = self.open.pop() else { return };
        let text = text.trim();
        let value = match (parts.is_empty(), text.is_empty()) {
            (true, true) => Value::Null,
            (true, false) => Value::from(text),
            (false, true) => Value::Object(parts),
            (false, false) => {
                parts.insert(TEXT.to_owned(), Value::from(text));
                Value::Object(parts)
            }
        };
        let around = self.open.last_mut().map_or(&mut self.root, |element| &mut element.parts);
        match around.get_mut(&name) {
            // No value of XML is a list by itself.
            Some(Value::Array(items)) => items.push(value),
            Some(first) => *first = Value::Array(vec![first.take(), value]),
            None => drop(around.insert(name, value)),
        }
    }

    fn say(&mut self, words: &str) -> Result<(), Refused> {
        match self.open.last_mut() {
            Some(element) => element.text.push_str(words),
            None if words.trim().is_empty() => {}
            None => return Err(("there are words outside of the element", None)),
        }
        Ok(())
    }
}

/// The letter that a reference stands for: one of the five that XML knows, or one by its number.
fn resolved(reference: &BytesRef<'_>) -> Result<String, Refused> {
    let by_number = reference.resolve_char_ref().map_err(|_| ("a reference names no letter", None))?;
    let name = reference.xml10_content();
    let known = by_number.or(match &*name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "apos" => Some('\''),
        "quot" => Some('"'),
        _ => None,
    });
    known.map(String::from).ok_or_else(|| unknown("this entity isn't known"))
}

fn unknown(what: &'static str) -> Refused {
    let help = "there are &lt; &gt; &amp; &apos; &quot; and letters by their number, such as &#241;";
    (what, Some(help))
}

fn in_utf8(declaration: &BytesDecl<'_>) -> Result<(), Refused> {
    let named = declaration.encoding().and_then(Result::ok);
    let is_utf8 = |name: &str| ["utf-8", "utf8", "us-ascii"].iter().any(|known| name.eq_ignore_ascii_case(known));
    match named {
        Some(name) if !is_utf8(&name) => Err(("the body says that it isn't UTF-8", Some("send it in UTF-8"))),
        _ => Ok(()),
    }
}

/// What the reader says, without what it quotes of the body.
fn words(error: &Error) -> &'static str {
    match error {
        Error::Syntax(_) => "this is not XML: something that begins here has no end",
        Error::IllFormed(IllFormedError::UnclosedReference) => "& stands alone: write &amp;",
        Error::IllFormed(_) => "this is not XML: what ends here isn't the element that was begun last",
        _ => "this is not XML",
    }
}

/// An error at a byte of the text.
fn placed(text: &str, at: u64, (message, help): Refused) -> ReadError {
    let at = text.floor_char_boundary(usize::try_from(at).unwrap_or(usize::MAX));
    let before = text.get(..at).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = at - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    let help = help.map(str::to_owned);
    ReadError { line: Some(line), column: Some(column), help, ..ReadError::whole(message) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str) -> String {
        json_of(text).map_or_else(|error| error.to_string(), |json| String::from_utf8(json).expect("UTF-8"))
    }

    #[test]
    fn xml_is_the_mapping_that_json_would_have_been() {
        for (xml, expected) in [
            ("<lead/>", r#"{"lead":null}"#),
            ("<lead> </lead>", r#"{"lead":null}"#),
            ("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<lead>Ana</lead>\n", r#"{"lead":"Ana"}"#),
            ("\u{feff}<a>1</a><!-- b --><?c d?>", r#"{"a":"1"}"#),
            (r#"<lead id="7"><name>Ana</name></lead>"#, r#"{"lead":{"@id":"7","name":"Ana"}}"#),
            (r#"<lead id="7"> Ana </lead>"#, r##"{"lead":{"#text":"Ana","@id":"7"}}"##),
            ("<a><b>1</b><c/><b>2</b><b><d>3</d></b></a>", r#"{"a":{"b":["1","2",{"d":"3"}],"c":null}}"#),
            ("<a>1<b/>2</a>", r##"{"a":{"#text":"12","b":null}}"##),
            ("<a>x &lt; y &amp;&#x41;&#241;<![CDATA[<b>&amp;]]></a>", r#"{"a":"x < y &Añ<b>&amp;"}"#),
            ("<a b='&quot;&#65;'>\r\n c\r\nd</a>", r##"{"a":{"#text":"c\nd","@b":"\"A"}}"##),
            (
                "<s:Envelope xmlns:s=\"u\"><s:Body>x</s:Body></s:Envelope>",
                r#"{"s:Envelope":{"@xmlns:s":"u","s:Body":"x"}}"#,
            ),
            ("<__typename><a__b>1</a__b></__typename>", r#"{"__typename":{"a__b":"1"}}"#),
        ] {
            assert_eq!(json(xml), expected, "{xml}");
        }
    }

    #[test]
    fn what_is_not_taken_has_its_place() {
        for (xml, told) in [
            ("", "line 1, column 1: this is not XML: there is no element"),
            ("hola", "line 1, column 1: there are words outside"),
            ("<a>\n  <b>", "line 2, column 6: the body ends before"),
            ("<a>\n</b>", "line 2, column 1: this is not XML: what ends here"),
            ("</a>", "line 1, column 1: this is not XML"),
            ("<a/><b/>", "line 1, column 5: there is more than one element"),
            ("<a/>x", "line 1, column 5: there are words outside"),
            ("<a b=1/>", "line 1, column 1: an attribute is not of the form"),
            ("<a b='1' b='2'/>", "line 1, column 1: an attribute stands twice"),
            ("<a>&nbsp;</a>", "line 1, column 4: this entity isn't known (there are &lt;"),
            ("<a b='&own;'/>", "line 1, column 1: an attribute has an entity that isn't known"),
            ("<a>&#xD800;</a>", "line 1, column 4: a reference names no letter"),
            ("<a>Tom & Ana</a>", "line 1, column 8: & stands alone"),
            ("<a><b", "line 1, column 4: this is not XML: something that begins here has no end"),
            ("<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "line 1, column 1: the body says that it isn't UTF-8"),
        ] {
            let error = json(xml);
            assert!(error.starts_with(told), "{xml}: {error}");
        }
    }

    /// Entities that hold entities, and ones that stand for files: both need a DOCTYPE.
    #[test]
    fn an_entity_bomb_does_nothing() {
        let ten = |name: u32| format!("<!ENTITY e{} \"{}\">", name + 1, format!("&e{name};").repeat(10));
        let laughs: String = (0..20).map(ten).collect();
        for subset in [
            laughs.as_str(),
            "<!ENTITY e20 SYSTEM \"file:///etc/passwd\">",
            "<!ENTITY % p SYSTEM \"http://127.0.0.1/\">%p;",
        ] {
            for body in ["<a>&e20;</a>", "<a b='&e20;'/>"] {
                let error = json(&format!("<!DOCTYPE a [<!ENTITY e0 \"ha\">{subset}]>{body}"));
                assert_eq!(error, "line 1, column 1: a DOCTYPE is not taken (leave it out: a body needs no DTD)");
            }
        }
        assert!(json("<a>&e20;</a>").contains("isn't known"));
    }

    #[test]
    fn depth_and_number_are_bounded() {
        let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(json(&nested(MAX_DEPTH)).starts_with("{\"a\":{"));
        assert!(json(&nested(MAX_DEPTH + 1)).contains("elements nest more than 40 deep"));
        assert!(json(&"<a>".repeat(1_000_000)).contains("deep"));
        let many = |count: usize| format!("<a>{}</a>", "<b/>".repeat(count - 1));
        assert!(json(&many(MAX_NODES)).starts_with('{') && json(&many(MAX_NODES + 1)).contains("10,000"));
        let attributes: String = (0..100_000).fold(String::new(), |all, index| all + " a" + &index.to_string() + "=''");
        assert!(json(&format!("<a{attributes}/>")).contains("10,000"));
        // Two levels of JSON for one of XML, all the way down.
        let twins = format!("{}{}", "<a><b/>".repeat(20), "<b/></a>".repeat(20));
        assert!(crate::domain::json::Json::parse(json(&twins).as_bytes()).is_ok());
        let lists = (0..MAX_DEPTH - 2).fold("<b/><b/>".to_owned(), |inner, _| format!("<b>{inner}</b><b/>"));
        assert!(crate::domain::json::Json::parse(json(&format!("<a>{lists}</a>")).as_bytes()).is_ok());
    }
}
