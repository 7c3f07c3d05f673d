//! The header `Forwarded` of RFC 7239: `for=192.0.2.60;proto=https;host=hooks.example, for="[2001:db8::17]:4711"`.
//!
//! It is read strictly. A sender who opens a quote hopes that it swallows what the proxy adds behind it; then the line is no
//! longer well-formed, and nothing of it counts.

use std::iter::Peekable;
use std::str::Chars;

use super::{Hop, is_host, known_scheme, node};

/// The hops of one header, outermost first; a line that isn't well-formed is one hop that says nothing.
pub(super) fn hops(line: &str) -> Vec<Hop> {
    read(&mut line.chars().peekable()).unwrap_or_else(|| vec![Hop::default()])
}

fn read(rest: &mut Peekable<Chars<'_>>) -> Option<Vec<Hop>> {
    let mut hops = vec![Hop::default()];
    loop {
        skip_space(rest);
        if rest.peek().is_some_and(|letter| is_token(*letter)) {
            let name = token(rest)?;
            (rest.next()? == '=').then_some(())?;
            let value = if rest.peek() == Some(&'"') { quoted(rest)? } else { token(rest)? };
            note(hops.last_mut()?, &name, value);
            skip_space(rest);
        }
        match rest.next() {
            None => return Some(hops),
            Some(',') => hops.push(Hop::default()),
            Some(';') => {}
            Some(_) => return None,
        }
    }
}

fn note(hop: &mut Hop, name: &str, value: String) {
    match name.to_ascii_lowercase().as_str() {
        "for" => hop.from = node(&value),
        "proto" => hop.scheme = known_scheme(&value),
        "host" => hop.host = Some(value).filter(|host| is_host(host)),
        _ => {}
    }
}

fn skip_space(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|letter| matches!(letter, ' ' | '\t')).is_some() {}
}

/// A token; as in practice also one with a `:` that should have been quoted.
fn token(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    while let Some(letter) = rest.next_if(|letter| is_token(*letter)) {
        text.push(letter);
    }
    (!text.is_empty()).then_some(text)
}

fn is_token(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~:[]".contains(letter)
}

fn quoted(rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut text = String::new();
    rest.next();
    loop {
        match rest.next()? {
            '"' => return Some(text),
            '\\' => text.push(rest.next()?),
            letter => text.push(letter),
        }
    }
}
