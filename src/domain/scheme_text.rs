//! The two small templates of a scheme, parsed once: what is signed, and what stands in the signature's header, which has a
//! file of its own.

use super::scheme::{HmacScheme, TimeForm};
use super::scheme_value::ValueText;

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
    /// A body that is no form has its hash in the address, which must be signed then.
    #[error("`signed` has {{form}}, which needs {{url}} too")]
    FormAlone,
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
    /// The fields of a form, or the assurance that the address has the body's hash.
    Form,
    /// The signature, encoded.
    Signature,
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
        let known = "{id}, {timestamp}, {timestamp:iso}, {body}, {url} and {form}";
        let signed = pieces("signed", &scheme.signed, known, &|name| match name {
            "id" => Some(Piece::Id),
            "timestamp" | ISO => Some(Piece::Timestamp),
            "body" => Some(Piece::Body),
            "url" => Some(Piece::Url),
            "form" => Some(Piece::Form),
            _ => None,
        })?;
        let signs = |piece: &Piece| signed.contains(piece);
        let has_time = scheme.timestamp_header.is_some() || value.holds_time();
        if !signs(&Piece::Body) && !signs(&Piece::Url) {
            return Err(SchemeError::NothingSigned);
        }
        if signs(&Piece::Form) && !signs(&Piece::Url) {
            return Err(SchemeError::FormAlone);
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

/// Splits a template into its pieces.
pub(super) fn pieces(
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

#[cfg(test)]
mod tests {
    use super::super::scheme::Preset;
    use super::super::time::Timestamp;
    use super::*;

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
        assert_eq!(signed("{form}").unwrap_err(), SchemeError::NothingSigned);
        assert_eq!(signed("{body}{form}").unwrap_err(), SchemeError::FormAlone);
        assert!(signed("{url}{form}").is_ok());
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
        let form = |name: &str| {
            SchemeText::parse(&Preset::named(name).expect("a preset").scheme()).expect("a scheme").time_form
        };
        let noon = Timestamp(1_767_268_800_999);
        assert_eq!(form("slack").write(noon), "1767268800");
        assert_eq!(form("zendesk").write(noon), "2026-01-01T12:00:00Z");
    }
}
