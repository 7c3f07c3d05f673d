//! What stands in the signature's header: a template that is read out of a request and written into a proof.

use super::scheme_text::{Piece, SchemeError, pieces};

/// How the pieces of the header's value lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layout {
    /// The header as a whole is one item.
    Whole,
    /// Items separated by spaces, each of the one form: `v1,{signature}`.
    Spaces,
    /// Fields separated by commas, in any order, unknown ones among them: `t={timestamp},v1={signature}`.
    Commas,
}

/// What stands in the signature's header.
#[derive(Debug, Clone)]
pub struct ValueText {
    layout: Layout,
    fields: Vec<Vec<Piece>>,
}

/// What a header of that form holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<'h> {
    /// A signature, still encoded.
    Signature(&'h str),
    /// A time.
    Timestamp(&'h str),
}

impl ValueText {
    /// Commas separate fields when each field has a placeholder of its own; else a comma is text (`v1,{signature}`).
    pub(super) fn parse(text: &str) -> Result<Self, SchemeError> {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        let commas = parts.len() > 1 && parts.iter().all(|p| p.contains('{'));
        let layout = match (commas, text.contains(char::is_whitespace)) {
            (true, _) => Layout::Commas,
            (false, true) => Layout::Whole,
            (false, false) => Layout::Spaces,
        };
        let parts = if commas { parts } else { vec![text.trim()] };
        let fields = parts.into_iter().map(value_field).collect::<Result<Vec<_>, _>>()?;
        let value = Self { layout, fields };
        match (value.count(&Piece::Signature), value.count(&Piece::Timestamp)) {
            (1, 0 | 1) => Ok(value),
            (1, _) => Err(SchemeError::TwoTimestamps),
            _ => Err(SchemeError::NotOneSignature),
        }
    }

    fn count(&self, piece: &Piece) -> usize {
        self.fields.iter().flatten().filter(|p| *p == piece).count()
    }

    /// Whether the time stands in this header.
    pub(super) fn holds_time(&self) -> bool {
        self.count(&Piece::Timestamp) > 0
    }

    /// Tells `each` of everything that a header holds, in order; what isn't of the form is passed over.
    pub fn read<'h>(&self, header: &'h str, each: &mut impl FnMut(Found<'h>)) {
        match self.layout {
            Layout::Whole => self.read_item(0, header.trim(), each),
            Layout::Spaces => header.split_ascii_whitespace().for_each(|item| self.read_item(0, item, each)),
            Layout::Commas => {
                header.split(',').enumerate().for_each(|(at, item)| self.read_item(at, item.trim(), each));
            }
        }
    }

    /// A field that begins with text is known by it wherever it stands, one that doesn't by its place.
    fn read_item<'h>(&self, at: usize, item: &'h str, each: &mut impl FnMut(Found<'h>)) {
        let named = |field: &[Piece]| matches!(field.first(), Some(Piece::Literal(_)));
        let fields = self.fields.iter().enumerate().filter(|(place, field)| *place == at || named(field));
        if let Some(found) = fields.map(|(_, field)| match_field(field, item)).find(|found| found.matches) {
            found.timestamp.map(Found::Timestamp).into_iter().for_each(&mut *each);
            found.signature.map(Found::Signature).into_iter().for_each(each);
        }
    }

    /// Writes a header's value.
    pub fn write(&self, signature: &str, timestamp: &str) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Signature => signature.to_owned(),
            Piece::Timestamp => timestamp.to_owned(),
            Piece::Id | Piece::Body | Piece::Url | Piece::Form => String::new(),
        };
        let fields: Vec<String> = self.fields.iter().map(|field| field.iter().map(text).collect()).collect();
        fields.join(",")
    }
}

fn value_field(text: &str) -> Result<Vec<Piece>, SchemeError> {
    let field = pieces("value", text, "{signature} and {timestamp}", &|name| match name {
        "signature" => Some(Piece::Signature),
        "timestamp" => Some(Piece::Timestamp),
        _ => None,
    })?;
    let is_text = |piece: &Piece| matches!(piece, Piece::Literal(_));
    let adjacent = field.iter().zip(field.iter().skip(1)).any(|(a, b)| !is_text(a) && !is_text(b));
    if adjacent { Err(SchemeError::Adjacent) } else { Ok(field) }
}

#[derive(Default)]
struct FieldMatch<'h> {
    matches: bool,
    signature: Option<&'h str>,
    timestamp: Option<&'h str>,
}

/// Lays the pieces of one field over `item`; a placeholder reaches to the next text.
fn match_field<'h>(field: &[Piece], item: &'h str) -> FieldMatch<'h> {
    let mut found = FieldMatch::default();
    let mut waiting: Option<&Piece> = None;
    let mut rest = item;
    for piece in field {
        let Piece::Literal(text) = piece else {
            waiting = Some(piece);
            continue;
        };
        let split = match waiting {
            None => rest.strip_prefix(text.as_str()).map(|after| ("", after)),
            Some(_) => rest.split_once(text.as_str()),
        };
        let Some((value, after)) = split else { return FieldMatch::default() };
        found.keep(waiting.take(), value);
        rest = after;
    }
    found.matches = waiting.is_some() || rest.is_empty();
    found.keep(waiting, rest);
    found
}

impl<'h> FieldMatch<'h> {
    fn keep(&mut self, piece: Option<&Piece>, value: &'h str) {
        match piece {
            Some(Piece::Signature) => self.signature = Some(value),
            Some(Piece::Timestamp) => self.timestamp = Some(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(value: &str, header: &str) -> Vec<String> {
        let mut all = Vec::new();
        let text = ValueText::parse(value).expect("a template");
        text.read(header, &mut |found| {
            all.push(match found {
                Found::Signature(s) => format!("s:{s}"),
                Found::Timestamp(t) => format!("t:{t}"),
            });
        });
        all
    }

    #[test]
    fn each_form_of_header_is_read() {
        assert_eq!(found("{signature}", "abc="), ["s:abc="]);
        assert_eq!(found("sha256={signature}", "sha256=ab"), ["s:ab"]);
        assert!(found("sha256={signature}", "sha1=ab").is_empty());
        assert_eq!(found("v1,{signature}", "v1,a v1a,b  v1,c"), ["s:a", "s:c"]);
        assert_eq!(found("t={timestamp},v1={signature}", "v1=a, t=5,v0=x,v1=b"), ["s:a", "t:5", "s:b"]);
        assert_eq!(found("{timestamp},{signature}", "5,a"), ["t:5", "s:a"]);
        assert_eq!(found("{timestamp}.{signature}", "5.a.b"), ["t:5", "s:a.b"]);
        assert_eq!(found("HMAC {signature};", "HMAC ab;"), ["s:ab"]);
        assert!(found("HMAC {signature};", "HMAC ab; more").is_empty());
        assert!(found("sha256={signature}", "").is_empty());
    }
}
