//! Writing a text as a scalar.

/// A text of one line within quotes that need no escape in it; `None` where both kinds would.
pub fn quoted(text: &str) -> Option<String> {
    match () {
        () if text.contains(char::is_control) => None,
        () if !text.contains(['"', '\\']) => Some(format!("\"{text}\"")),
        () if !text.contains('\'') => Some(format!("'{text}'")),
        () => None,
    }
}

/// A word of one line as a scalar, without quotes where it reads as the same text without.
pub fn scalar(word: &str) -> Option<String> {
    let is_plain = word.starts_with(|c: char| c.is_alphabetic())
        && word.chars().all(|c| c.is_alphanumeric() || "._-/ ".contains(c))
        && !word.ends_with(' ')
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(&word.to_lowercase().as_str());
    if is_plain { Some(word.to_owned()) } else { quoted(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_those_that_the_text_does_not_hold() {
        assert_eq!(quoted("{{ a }}").as_deref(), Some("\"{{ a }}\""));
        assert_eq!(quoted("{{ a[\"b\"] }}").as_deref(), Some("'{{ a[\"b\"] }}'"));
        assert_eq!(quoted("{{ a[\"b'\"] }}"), None);
        assert_eq!(quoted("a\nb"), None);
        assert_eq!(scalar("pricing.inquiry").as_deref(), Some("pricing.inquiry"));
        assert_eq!(scalar("a: b").as_deref(), Some("\"a: b\""));
        assert_eq!(scalar("No").as_deref(), Some("\"No\""));
    }
}
