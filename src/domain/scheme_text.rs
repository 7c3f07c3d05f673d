//! The two small templates of a scheme, parsed once: what stands in the signature's header, and what is signed.

use super::scheme::{HmacScheme, TimeForm};

/// Why a scheme can't work. It holds only what the rule file says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemeError {
    /// `{word}` that means nothing here.
    #[error("`{knob}` knows no {{{name}}}, only {known}")]
    Unknown {
        /// `value` or `signed`.
        knob: &'static str,
        /// What stands between the braces.
        name: String,
        /// What may stand there.
        known: &'static str,
    },
    /// `{` without `}`.
    #[error("`{0}` has a {{ without a }}")]
    Unclosed(&'static str),
    /// Nothing separates two placeholders, so nobody could tell where one ends.
    #[error("`value` has two placeholders with nothing between them")]
    Adjacent,
    /// The header would hold no signature, or more than one place for it.
    #[error("`value` needs {{signature}} exactly once")]
    NotOneSignature,
    /// The time would stand in two places of the header.
    #[error("`value` has {{timestamp}} more than once")]
    TwoTimestamps,
    /// A signature over neither proves nothing about this request.
    #[error("`signed` needs {{body}} or {{url}}")]
    NothingSigned,
    /// The time is signed, but nobody says where it stands.
    #[error("`signed` has {{timestamp}}, but neither `timestamp_header` nor `value` says where it stands")]
    NoTimestamp,
    /// The id is signed, but nobody says where it stands.
    #[error("`signed` has {{id}}, but there is no `id_header`")]
    NoId,
    /// A time that isn't signed can be changed by anybody on the way, so judging it guards nothing.
    #[error("`tolerance` needs {{timestamp}} in `signed`")]
    UnsignedTime,
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself.
    Literal(String),
    /// The message's id.
    Id,
    /// The time, as the sender wrote it.
    Timestamp,
    /// The raw body.
    Body,
    /// The address the sender called.
    Url,
    /// The signature, encoded.
    Signature,
}

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

/// Both templates of a scheme.
#[derive(Debug, Clone)]
pub struct SchemeText {
    /// What stands in the header.
    pub value: ValueText,
    /// What is signed, piece by piece.
    pub signed: Vec<Piece>,
    /// How the time is written.
    pub time_form: TimeForm,
}

/// The placeholder of a time that is written as ISO 8601.
const ISO: &str = "timestamp:iso";

impl SchemeText {
    /// Parses and checks both templates of `scheme`; the first fault found is the error.
    pub fn parse(scheme: &HmacScheme) -> Result<Self, SchemeError> {
        let value = ValueText::parse(&scheme.value)?;
        let known = "{id}, {timestamp}, {timestamp:iso}, {body} and {url}";
        let signed = pieces("signed", &scheme.signed, known, &|name| match name {
            "id" => Some(Piece::Id),
            "timestamp" | ISO => Some(Piece::Timestamp),
            "body" => Some(Piece::Body),
            "url" => Some(Piece::Url),
            _ => None,
        })?;
        let signs = |piece: &Piece| signed.contains(piece);
        let has_time = scheme.timestamp_header.is_some() || value.holds_time();
        if !signs(&Piece::Body) && !signs(&Piece::Url) {
            return Err(SchemeError::NothingSigned);
        }
        if signs(&Piece::Timestamp) && !has_time {
            return Err(SchemeError::NoTimestamp);
        }
        if signs(&Piece::Id) && scheme.id_header.is_none() {
            return Err(SchemeError::NoId);
        }
        if scheme.tolerance.is_some() && !signs(&Piece::Timestamp) {
            return Err(SchemeError::UnsignedTime);
        }
        let is_iso = scheme.signed.contains(&format!("{{{ISO}}}"));
        let time_form = if is_iso { TimeForm::Iso } else { TimeForm::UnixSeconds };
        Ok(Self { value, signed, time_form })
    }
}

impl ValueText {
    /// Commas separate fields when each field has a placeholder of its own; else a comma is text (`v1,{signature}`).
    fn parse(text: &str) -> Result<Self, SchemeError> {
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
    fn holds_time(&self) -> bool {
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
            Piece::Id | Piece::Body | Piece::Url => String::new(),
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

/// Splits a template into its pieces.
fn pieces(
    knob: &'static str,
    text: &str,
    known: &'static str,
    named: &dyn Fn(&str) -> Option<Piece>,
) -> Result<Vec<Piece>, SchemeError> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(SchemeError::Unclosed(knob))?;
        if !before.is_empty() {
            found.push(Piece::Literal(before.to_owned()));
        }
        let unknown = || SchemeError::Unknown { knob, name: name.to_owned(), known };
        found.push(named(name).ok_or_else(unknown)?);
        rest = after;
    }
    if !rest.is_empty() {
        found.push(Piece::Literal(rest.to_owned()));
    }
    Ok(found)
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
    use super::super::scheme::Preset;
    use super::super::time::Timestamp;
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

    #[test]
    fn templates_that_cannot_work_are_errors() {
        let github = Preset::named("github").expect("a preset").scheme();
        let value = |value: &str| SchemeText::parse(&HmacScheme { value: value.to_owned(), ..github.clone() });
        let signed = |signed: &str| SchemeText::parse(&HmacScheme { signed: signed.to_owned(), ..github.clone() });
        assert_eq!(value("sha256=").unwrap_err(), SchemeError::NotOneSignature);
        assert_eq!(value("a={signature},b={signature}").unwrap_err(), SchemeError::NotOneSignature);
        assert_eq!(value("{signature").unwrap_err(), SchemeError::Unclosed("value"));
        assert_eq!(value("{timestamp}{signature}").unwrap_err(), SchemeError::Adjacent);
        assert_eq!(value("{timestamp}.{timestamp}.{signature}").unwrap_err(), SchemeError::TwoTimestamps);
        assert!(matches!(value("{sig}").unwrap_err(), SchemeError::Unknown { name, .. } if name == "sig"));
        assert_eq!(signed("{id}").unwrap_err(), SchemeError::NothingSigned);
        assert_eq!(signed("{timestamp}{body}").unwrap_err(), SchemeError::NoTimestamp);
        let no_id = HmacScheme { signed: "{id}{body}".to_owned(), id_header: None, ..github.clone() };
        assert_eq!(SchemeText::parse(&no_id).unwrap_err(), SchemeError::NoId);
        let tolerance = Some(std::time::Duration::from_mins(5));
        let loose = HmacScheme { tolerance, timestamp_header: Some("x-time".to_owned()), ..github.clone() };
        assert_eq!(SchemeText::parse(&loose).unwrap_err(), SchemeError::UnsignedTime);
        assert!(SchemeError::NoTimestamp.to_string().contains("{timestamp}"));
    }

    #[test]
    fn the_time_is_written_as_the_scheme_says() {
        let form = |name: &str| SchemeText::parse(&Preset::named(name).expect("a preset").scheme()).unwrap().time_form;
        let noon = Timestamp(1_767_268_800_999);
        assert_eq!(form("slack").write(noon), "1767268800");
        assert_eq!(form("zendesk").write(noon), "2026-01-01T12:00:00Z");
    }
}
