//! Takes credentials out of what a provider sends back.

use crate::domain::secret::Secret;

/// `text` without `secret`, also where it stands escaped as JSON has it.
pub fn redact(text: &str, secret: &Secret) -> String {
    let plain = secret.expose();
    if plain.is_empty() {
        return text.to_owned();
    }
    let quoted = serde_json::Value::from(plain).to_string();
    let escaped = quoted.trim_start_matches('"').strip_suffix('"').unwrap_or(plain);
    let text = text.replace(plain, "[secret]");
    if escaped.is_empty() || escaped == plain { text } else { text.replace(escaped, "[secret]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_plain_and_escaped() {
        assert_eq!(redact("key=abc, abc", &Secret::new("abc")), "key=[secret], [secret]");
        assert_eq!(redact(r#"{"k":"a\"b"}"#, &Secret::new("a\"b")), r#"{"k":"[secret]"}"#);
        assert_eq!(redact("abc", &Secret::new("")), "abc");
    }
}
