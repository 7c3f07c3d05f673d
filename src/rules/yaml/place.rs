//! From a character of a scalar's value back to the file.

/// The byte of `raw` (a scalar as it stands in the file, quotes included) that made byte `at` of its `value`.
///
/// Value and raw text are walked side by side: escapes are longer in the file, and white space at line breaks is folded or
/// cut off. `None` where they part company; the scalar's start is then the best place to show.
pub fn byte_in_scalar(raw: &str, value: &str, at: usize) -> Option<usize> {
    let quote = raw.chars().next().filter(|c| matches!(c, '"' | '\''));
    let mut offset = usize::from(quote.is_some());
    for (index, wanted) in value.char_indices() {
        let start = skip_to(raw, offset, wanted, quote)?;
        if index >= at {
            return Some(start);
        }
        offset = start + length(raw.get(start..)?, quote);
    }
    (at >= value.len()).then_some(offset)
}

/// Where `wanted` stands from `offset` on, white space of folding and indentation left out.
fn skip_to(raw: &str, offset: usize, wanted: char, quote: Option<char>) -> Option<usize> {
    let mut at = offset;
    loop {
        let found = raw.get(at..)?.chars().next()?;
        let folded = matches!((wanted, found), (' ' | '\n', '\n' | '\r'));
        if found == wanted || folded || (quote == Some('"') && found == '\\' && !is_line_continuation(raw.get(at..)?)) {
            return Some(at);
        }
        if found == '\\' {
            at += 1;
        } else if found.is_whitespace() {
            at += found.len_utf8();
        } else {
            return None;
        }
    }
}

fn is_line_continuation(rest: &str) -> bool {
    rest.starts_with("\\\n") || rest.starts_with("\\\r")
}

/// How many bytes of the file one character takes.
fn length(rest: &str, quote: Option<char>) -> usize {
    let mut chars = rest.chars();
    match (quote, chars.next(), chars.next()) {
        (Some('\''), Some('\''), Some('\'')) => 2,
        (Some('"'), Some('\\'), Some('x')) => 4,
        (Some('"'), Some('\\'), Some('u')) => 6,
        (Some('"'), Some('\\'), Some('U')) => 10,
        (Some('"'), Some('\\'), Some(escaped)) => 1 + escaped.len_utf8(),
        (_, Some(plain), _) => plain.len_utf8(),
        (_, None, _) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rest of the file's text from the byte that made `marker` in the value.
    fn rest<'r>(raw: &'r str, value: &str, marker: &str) -> Option<&'r str> {
        byte_in_scalar(raw, value, value.find(marker)?).and_then(|at| raw.get(at..))
    }

    #[test]
    fn places_are_exact_in_every_style_of_scalar() {
        assert_eq!(rest("a {{ x }}", "a {{ x }}", "x"), Some("x }}"));
        assert_eq!(rest("'it''s {{ x }}'", "it's {{ x }}", "x"), Some("x }}'"));
        assert_eq!(rest(r#""é\n\t\u0041 {{ x }}""#, "é\n\tA {{ x }}", "x"), Some("x }}\""));
        assert_eq!(rest("line one\n   two {{ x }}\n", "line one\n two {{ x }}\n", "x"), Some("x }}\n"));
        assert_eq!(rest("folded\n  text {{ y }}\n", "folded text {{ y }}", "y"), Some("y }}\n"));
        assert_eq!(rest("\"a \\\n  b {{ x }}\"", "a b {{ x }}", "x"), Some("x }}\""));
    }

    #[test]
    fn the_end_of_a_value_has_a_place_and_a_stranger_has_none() {
        assert_eq!(byte_in_scalar("'ab'", "ab", 2), Some(3));
        assert_eq!(byte_in_scalar("ab", "xy", 1), None);
    }
}
