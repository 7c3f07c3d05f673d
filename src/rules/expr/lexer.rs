//! Cuts a source into words.

use std::ops::Range;

use super::{Problem, ProblemKind};

/// One word of a source.
#[derive(Debug, Clone, PartialEq)]
pub enum Token<'s> {
    /// A name or a keyword.
    Name(&'s str),
    /// A text, its escapes resolved.
    Text(String),
    /// A number as it is written.
    Number(&'s str),
    /// An operator or a bracket.
    Symbol(&'static str),
    /// The end of the source, or `}}` in a template.
    End,
}

/// Longer ones first, so that `<=` is not read as `<`.
const SYMBOLS: [&str; 19] =
    ["==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/", "%", "(", ")", "[", "]", ",", ".", "|", "~"];

/// Cuts words off the front of a source.
pub struct Lexer<'s> {
    source: &'s str,
    at: usize,
}

impl<'s> Lexer<'s> {
    /// Starts at byte `at` of `source`.
    pub fn new(source: &'s str, at: usize) -> Self {
        Self { source, at }
    }

    /// The next word and where it stands.
    pub fn next(&mut self) -> Result<(Token<'s>, Range<usize>), Problem> {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
        let (rest, start) = (self.rest(), self.at);
        let Some(first) = rest.chars().next() else { return Ok((Token::End, start..start)) };
        if rest.starts_with("}}") {
            return Ok((Token::End, start..start + 2));
        }
        if first == '"' || first == '\'' {
            return self.text(first);
        }
        if first.is_ascii_digit() {
            let number = self.take(number_length(rest));
            return Ok((Token::Number(number), start..self.at));
        }
        if first.is_alphabetic() || first == '_' {
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let name = self.take(length);
            return Ok((Token::Name(name), start..self.at));
        }
        match SYMBOLS.iter().find(|s| rest.starts_with(**s)).filter(|s| !is_foreign(rest) && **s != "~") {
            Some(symbol) => {
                self.at += symbol.len();
                Ok((Token::Symbol(symbol), start..self.at))
            }
            None => Err(unknown(rest, first, start)),
        }
    }

    fn rest(&self) -> &'s str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, length: usize) -> &'s str {
        let taken = self.rest().get(..length).unwrap_or_default();
        self.at += taken.len();
        taken
    }

    /// A text between quotes; `\"`, `\'`, `\\`, `\n` and `\t` are its escapes.
    fn text(&mut self, quote: char) -> Result<(Token<'s>, Range<usize>), Problem> {
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices().skip(1);
        while let Some((offset, c)) = chars.next() {
            match c {
                c if c == quote => {
                    self.at = start + offset + 1;
                    return Ok((Token::Text(text), start..self.at));
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, 't')) => text.push('\t'),
                    Some((_, escaped @ ('"' | '\'' | '\\'))) => text.push(escaped),
                    Some((_, other)) => {
                        let span = start + offset..start + offset + 1 + other.len_utf8();
                        return Err(Problem::new(ProblemKind::Syntax, span, format!("`\\{other}` is no escape"))
                            .help("the escapes are \\\" \\' \\\\ \\n \\t"));
                    }
                    None => break,
                },
                c => text.push(c),
            }
        }
        let span = start..start + 1;
        Err(Problem::new(ProblemKind::Syntax, span, "this text has no end").help(format!("close it with {quote}")))
    }
}

/// `12`, `12.5`, `1e3`: the dot belongs to the number only when a digit follows.
fn number_length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let digits = |from: usize| bytes.iter().skip(from).take_while(|b| b.is_ascii_digit()).count();
    let mut length = digits(0);
    if bytes.get(length) == Some(&b'.') && digits(length + 1) > 0 {
        length += 1 + digits(length + 1);
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        if digits(length + 1 + sign) > 0 {
            length += 1 + sign + digits(length + 1 + sign);
        }
    }
    length
}

/// Signs of comparison as other languages and other hands write them, and ours. Longer ones first.
const FOREIGN: [(&str, &str); 11] = [
    ("===", "=="),
    ("!==", "!="),
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("\u{2265}", ">="),
    ("\u{2264}", "<="),
    ("\u{2260}", "!="),
    ("=!", "!="),
    ("= =", "=="),
    ("=", "=="),
];

/// What begins like a sign of ours and is one of another language, as `||` begins like a filter.
fn is_foreign(rest: &str) -> bool {
    ["||", "===", "!==", "<>"].into_iter().any(|sign| rest.starts_with(sign))
}

fn unknown(rest: &str, first: char, start: usize) -> Problem {
    let problem = |length: usize| {
        let sign = rest.get(..length).unwrap_or_default();
        Problem::new(ProblemKind::Syntax, start..start + length, format!("`{sign}` has no meaning here"))
    };
    if let Some((sign, ours)) = FOREIGN.into_iter().find(|(sign, _)| rest.starts_with(sign)) {
        return Problem { fix: Some(ours.to_owned()), ..problem(sign.len()) }
            .help(format!("write `{ours}` to compare"));
    }
    let (length, help) = match first {
        '&' if rest.starts_with("&&") => (2, "write `and`"),
        '|' => (2, "write `or`"),
        '!' => (1, "write `not`"),
        '{' => (1, "within `{{ }}`, and in a condition, there are no braces"),
        '}' => (1, "`{{` is closed by `}}`; in a condition there are no braces"),
        '~' => (1, "write two `{{ }}` beside each other to join texts"),
        '?' => (1, "`default(..)` answers what is unset; for two cases write two rules, or a tag with its own `when`"),
        '$' => (1, "a name stands alone, and a number too: `params.budget >= 100`"),
        '\u{201c}' | '\u{201d}' | '\u{201e}' | '\u{2018}' | '\u{2019}' => {
            (first.len_utf8(), "texts stand in straight quotes, as a keyboard has them: `\"pro\"`")
        }
        _ => (first.len_utf8(), "texts stand in quotes"),
    };
    problem(length).help(help)
}
