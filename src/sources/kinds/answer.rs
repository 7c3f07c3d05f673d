//! How answers are written that messengers act on.

use serde_json::{Map, Value};

use crate::domain::reply::Reply;
use crate::sources::fault::ReplyTooLarge;

/// Far more than any messenger takes of a message.
const MAX_BYTES: usize = 64 * 1024;

/// An answer's bytes, if they aren't too many.
pub fn bounded(bytes: Vec<u8>) -> Result<Vec<u8>, ReplyTooLarge> {
    if bytes.len() > MAX_BYTES {
        return Err(ReplyTooLarge { bytes: bytes.len(), limit: MAX_BYTES });
    }
    Ok(bytes)
}

/// A mapping as JSON.
pub fn json(map: &Map<String, Value>) -> Result<Vec<u8>, ReplyTooLarge> {
    bounded(serde_json::to_vec(map).expect("texts, mappings and numbers are always JSON"))
}

/// The words of a reply, if there are any.
pub fn words(reply: Option<&Reply>) -> Option<&str> {
    reply?.text.as_deref().filter(|words| !words.is_empty())
}

/// What a rule adds to an answer in the vendor's own words, to be completed.
pub fn payload(reply: Option<&Reply>) -> Map<String, Value> {
    reply.and_then(|reply| reply.payload.clone()).unwrap_or_default()
}

/// Text within an XML element. What XML has no place for is left out, or it would cost the whole answer.
pub fn xml_text(text: &str, to: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => to.push_str("&amp;"),
            '<' => to.push_str("&lt;"),
            '>' => to.push_str("&gt;"),
            // A reader would make a line feed of it.
            '\r' => to.push_str("&#13;"),
            '\t' | '\n' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => to.push(letter),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::xml_text;

    #[test]
    fn words_stay_words_in_xml() {
        let mut xml = String::new();
        xml_text("pan & <café>\r\n\u{0}\u{b}\u{ffff}\t]]> \"☕\"", &mut xml);
        assert_eq!(xml, "pan &amp; &lt;café&gt;&#13;\n\t]]&gt; \"☕\"");
    }
}
