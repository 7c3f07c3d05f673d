//! The shape of JSON text, byte by byte: whether it is well-formed, and where a value ends.
//!
//! `serde_json` checks what it skips, again at each look, and an inbound body is looked into several times. What is found well-formed
//! here is what it ignores without an error; whoever is told no asks it, and hears the reason and the place.

/// The bytes that mean something outside of a text: what opens and closes.
const QUOTE: u8 = 1;
const OPENS: u8 = 2;
const CLOSES: u8 = 3;

/// What each byte is to somebody who skips a mapping or a list.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    kinds[b'"' as usize] = QUOTE;
    kinds[b'{' as usize] = OPENS;
    kinds[b'[' as usize] = OPENS;
    kinds[b'}' as usize] = CLOSES;
    kinds[b']' as usize] = CLOSES;
    kinds
};

/// Whether this is one JSON value with nothing but whitespace around it, nested at most `depth` deep (128 at most).
///
/// Of an escape `\u` only the digits are looked at, as by whoever ignores a text.
pub fn is_well_formed(bytes: &[u8], depth: usize) -> bool {
    check(bytes, depth.min(128)).is_some()
}

/// `None`: it is not, or not surely.
fn check(bytes: &[u8], most: usize) -> Option<()> {
    // A bit for each mapping or list that is open: whether it is a mapping.
    let (mut open, mut depth) = (0_u128, 0);
    let mut at = after_space(bytes, 0);
    loop {
        // A value begins here.
        let first = *bytes.get(at)?;
        match first {
            b'"' => at = text_end(bytes, at + 1)?,
            b'{' | b'[' => {
                if depth == most {
                    return None;
                }
                (open, depth) = ((open << 1) | u128::from(first == b'{'), depth + 1);
                at = after_space(bytes, at + 1);
                // `}` and `]` are two after their openings.
                if *bytes.get(at)? != first + 2 {
                    if first == b'{' {
                        at = key_end(bytes, at)?;
                    }
                    continue;
                }
                (open, depth) = (open >> 1, depth - 1);
                at += 1;
            }
            b't' => at = word(bytes, at, b"true")?,
            b'f' => at = word(bytes, at, b"false")?,
            b'n' => at = word(bytes, at, b"null")?,
            _ => at = number_end(bytes, at)?,
        }
        // It has ended, and so may have what it is in.
        loop {
            at = after_space(bytes, at);
            if depth == 0 {
                return (at == bytes.len()).then_some(());
            }
            let in_mapping = open & 1 == 1;
            match *bytes.get(at)? {
                b',' => {
                    at = after_space(bytes, at + 1);
                    if in_mapping {
                        at = key_end(bytes, at)?;
                    }
                    break;
                }
                b'}' if in_mapping => {}
                b']' if !in_mapping => {}
                _ => return None,
            }
            (open, depth) = (open >> 1, depth - 1);
            at += 1;
        }
    }
}

/// Where the value after the key that begins at `at` begins.
fn key_end(bytes: &[u8], at: usize) -> Option<usize> {
    if *bytes.get(at)? != b'"' {
        return None;
    }
    let at = after_space(bytes, text_end(bytes, at + 1)?);
    (*bytes.get(at)? == b':').then(|| after_space(bytes, at + 1))
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn word(bytes: &[u8], at: usize, word: &[u8]) -> Option<usize> {
    bytes.get(at..)?.starts_with(word).then_some(at + word.len())
}

/// Behind the closing quote of the text whose inside begins at `at`.
fn text_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += plain(bytes.get(at..)?);
        match *bytes.get(at)? {
            b'"' => return Some(at + 1),
            b'\\' => match *bytes.get(at + 1)? {
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => at += 2,
                b'u' if bytes.get(at + 2..at + 6)?.iter().all(u8::is_ascii_hexdigit) => at += 6,
                _ => return None,
            },
            _ => return None,
        }
    }
}

/// How many bytes come before the first quote, backslash or control character.
fn plain(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::MAX / 255;
    const HIGH: u64 = ONES << 7;
    // The high bit of each byte that is zero; of higher bytes than the lowest such one it may err.
    let zero = |word: u64| word.wrapping_sub(ONES) & !word & HIGH;
    let (mut before, (eights, rest)) = (0, bytes.as_chunks::<8>());
    for eight in eights {
        let word = u64::from_le_bytes(*eight);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGH;
        let found = control | zero(word ^ (ONES * u64::from(b'"'))) | zero(word ^ (ONES * u64::from(b'\\')));
        if found != 0 {
            return before + found.trailing_zeros() as usize / 8;
        }
        before += 8;
    }
    before + rest.iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)).count()
}

fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |from: usize| {
        let mut at = from;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        (at > from).then_some(at)
    };
    let whole = at + usize::from(*bytes.get(at)? == b'-');
    let mut at = if *bytes.get(whole)? == b'0' { whole + 1 } else { digits(whole)? };
    if bytes.get(at) == Some(&b'.') {
        at = digits(at + 1)?;
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at = digits(at)?;
    }
    Some(at)
}

/// Behind the value that begins at `at`, in well-formed text.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match *bytes.get(at)? {
        b'"' => text_end(bytes, at + 1),
        b'{' | b'[' => {
            let (mut at, mut depth) = (at + 1, 1);
            while depth > 0 {
                let byte = *bytes.get(at)?;
                at += 1;
                match KINDS[usize::from(byte)] {
                    QUOTE => at = text_end(bytes, at)?,
                    OPENS => depth += 1,
                    CLOSES => depth -= 1,
                    _ => {}
                }
            }
            Some(at)
        }
        _ => {
            let rest = bytes.get(at..)?;
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\r' | b'\t');
            Some(at + rest.iter().position(ends).unwrap_or(rest.len()))
        }
    }
}

/// The members of a mapping or the items of a list, in well-formed text, in order. Each as its key with its quotes, nothing in a list,
/// and its value.
pub struct Parts<'a> {
    text: &'a str,
    at: usize,
    keyed: bool,
}

impl<'a> Parts<'a> {
    /// Those of this value; none of anything but a mapping or a list.
    pub fn of(text: &'a str) -> Self {
        let first = text.as_bytes().first();
        let at = if matches!(first, Some(b'{' | b'[')) { 1 } else { text.len() };
        Self { text, at, keyed: first == Some(&b'{') }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let bytes = self.text.as_bytes();
        let begin = after_space(bytes, self.at);
        let (mut value, mut key) = (begin, "");
        if self.keyed {
            if *bytes.get(begin)? != b'"' {
                return None;
            }
            let end = text_end(bytes, begin + 1)?;
            key = self.text.get(begin..end)?;
            value = after_space(bytes, after_space(bytes, end) + 1);
        } else if *bytes.get(begin)? == b']' {
            return None;
        }
        let end = value_end(bytes, value)?;
        let comma = after_space(bytes, end);
        self.at = if bytes.get(comma) == Some(&b',') { comma + 1 } else { bytes.len() };
        Some((key, self.text.get(value..end)?))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn serde_reads(text: &[u8]) -> bool {
        std::str::from_utf8(text).is_ok_and(|text| serde_json::from_str::<IgnoredAny>(text).is_ok())
    }

    #[test]
    fn what_is_no_json_is_none_here() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[",
            "[1,]",
            "[,1]",
            "{,}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{1:2}",
            "[1 2]",
            "{\"a\":1]",
            "[1}",
            "01",
            "-",
            "1.",
            ".5",
            "1e",
            "1e+",
            "+1",
            "tru",
            "nul",
            "truex",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u12",
            "\"\n\"",
            "\"\u{1}\"",
            "1 1",
            "{} []",
            "\u{c}1",
            "NaN",
            "{\"a\" 1}",
            "{\"a\":1 \"b\":2}",
            "\"abcdefgh",
            "\"abcdefgh\\",
        ] {
            assert!(!serde_reads(text.as_bytes()), "{text}");
            assert!(!is_well_formed(text.as_bytes(), 96), "{text}");
        }
    }

    #[test]
    fn json_is_well_formed_up_to_its_depth() {
        for text in [
            "null",
            " true ",
            "false",
            "0",
            "-0.0e-1",
            "1E5",
            "12.5e+7",
            "\"\"",
            "\"\\u00e1\\ud800 \\\" \\\\\"",
            "[]",
            " [ ] ",
            "{}",
            "{ \"a\" : [ 1 , { } , \"x\" ] , \"b\" : null }\n",
            "\"12345678\\\"12345678\"",
            "\"ñandú 1234567 \u{7f}\u{80}\"",
        ] {
            assert!(serde_reads(text.as_bytes()) && is_well_formed(text.as_bytes(), 96), "{text}");
        }
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_well_formed(nested(96).as_bytes(), 96));
        assert!(!is_well_formed(nested(97).as_bytes(), 96));
        assert!(is_well_formed(nested(128).as_bytes(), 500) && !is_well_formed(nested(129).as_bytes(), 500));
    }

    #[test]
    fn parts_are_in_order_with_their_keys() {
        let of = |text| Parts::of(text).collect::<Vec<_>>();
        assert_eq!(
            of("{ \"a\" : [1, \"]\"] ,\"b\\\"\":{\"c\":1} , \"a\":-1.5 }"),
            [("\"a\"", "[1, \"]\"]"), ("\"b\\\"\"", "{\"c\":1}"), ("\"a\"", "-1.5"),]
        );
        assert_eq!(of("[ 1 ,\"x, y\",[ ],{}]"), [("", "1"), ("", "\"x, y\""), ("", "[ ]"), ("", "{}")]);
        for empty in ["{}", "[]", "{ }", "[ ]", "1", "\"x\"", "null", ""] {
            assert_eq!(of(empty), [], "{empty}");
        }
        // Not well-formed: there is less, and no end without one.
        for broken in ["{", "[", "[1", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "[\"", "{a:1}", "[[", "{\"a\":\"\\"] {
            assert!(of(broken).len() < 2, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn nothing_is_taken_that_serde_json_refuses_and_nothing_panics(
            text in r#"([\[\]{},:"\\ 0-9eE+.truefalsn/\-]|"a"|\\u00e1|"[a-zñ]{0,20}":|[ \n]){0,40}"#
        ) {
            prop_assert_eq!(is_well_formed(text.as_bytes(), 96), serde_reads(text.as_bytes()));
            let _ = Parts::of(&text).count();
        }

        #[test]
        fn a_byte_changed_anywhere_is_judged_as_serde_json_judges_it(at in 0_usize..400, byte in any::<u8>()) {
            let mut body = br#"{"responseId":"6b6a","queryResult":{"queryText":"precio \"pro\" \u00e1","parameters":{"a":[1,-2.5e3,true,null]}}}"#.to_vec();
            let at = at % body.len();
            body[at] = byte;
            if let Ok(text) = std::str::from_utf8(&body) {
                prop_assert_eq!(is_well_formed(&body, 96), serde_reads(&body));
                for (_, value) in Parts::of(text) {
                    prop_assert!(!is_well_formed(&body, 96) || serde_reads(value.as_bytes()));
                }
            }
        }
    }
}
