//! What may be written in an expression.

use super::{Offer, Sort};
use crate::rules::editor::expression::{members, tokens};
use crate::rules::editor::words::{Place, Row, WORDS};
use crate::rules::editor::{Guide, hover};
use crate::rules::expr::lexer::Token;
use crate::rules::keys::Names;

/// Where the expression begins that is open at the end of a template.
pub fn start(before: &str) -> Option<usize> {
    let at = before.rfind("{{")? + 2;
    before.get(at..).filter(|rest| !rest.contains("}}")).map(|_| at)
}

/// What may stand at the end of this text, whose expression begins at `start`; and the length of the word that is there already.
pub fn offers(guide: &Guide<'_>, before: &str, start: usize) -> (usize, Vec<Offer>) {
    let (tokens, end) = tokens(before, start);
    let rest = before.get(end..).unwrap_or_default().trim_start();
    // A text that has no end yet is no token.
    if let Some(text) = rest.strip_prefix(['"', '\'']) {
        let tokens: Vec<&Token<'_>> = tokens.iter().map(|(token, _)| token).collect();
        return (text.len(), in_text(guide, &tokens));
    }
    let (word, tokens) = match tokens.split_last() {
        Some(((Token::Name(word), bytes), others)) if bytes.end == before.len() => (word.len(), others),
        _ => (0, tokens.as_slice()),
    };
    let tokens: Vec<&Token<'_>> = tokens.iter().map(|(token, _)| token).collect();
    let list = match tokens.as_slice() {
        [.., Token::Symbol("|")] => rows(&[Place::Filter]),
        [.., Token::Name(root), Token::Symbol(".")] => members(root).map(|names| of(guide, names)).unwrap_or_default(),
        [.., Token::Symbol(".")] => Vec::new(),
        [.., Token::Name("and" | "or" | "not" | "in" | "contains" | "matches")] => rows(&[Place::Start, Place::Call]),
        [.., Token::Name(_) | Token::Text(_) | Token::Number(_) | Token::Symbol(")" | "]")] => rows(&[Place::Between]),
        _ => rows(&[Place::Start, Place::Call]),
    };
    (word, list)
}

/// Between quotes: what stands before them says what the text is.
fn in_text(guide: &Guide<'_>, tokens: &[&Token<'_>]) -> Vec<Offer> {
    match tokens {
        [.., Token::Name("open"), Token::Symbol("(")] => of(guide, Names::Hours),
        [.., Token::Name(root), Token::Symbol("[")] => members(root).map(|names| of(guide, names)).unwrap_or_default(),
        [.., Token::Name("intent"), Token::Symbol("==" | "!=")] => of(guide, Names::Intent),
        [.., Token::Name("source"), Token::Symbol("==" | "!=")] => of(guide, Names::Source),
        _ => Vec::new(),
    }
}

fn of(guide: &Guide<'_>, names: Names) -> Vec<Offer> {
    let known = guide.known(names, None).into_iter().filter(|name| !name.contains(['*', '"', '\'', '\\', '{']));
    known
        .map(|name| Offer {
            label: name.to_owned(),
            sort: Sort::Name(names),
            detail: hover::detail(guide, names, name).unwrap_or_else(|| hover::what(names).to_owned()),
            about: String::new(),
            insert: name.to_owned(),
        })
        .collect()
}

fn rows(places: &[Place]) -> Vec<Offer> {
    let offer = |row: &Row| Offer {
        label: row.name.to_owned(),
        sort: Sort::Word,
        detail: row.about.to_owned(),
        about: hover::word_text(row),
        insert: match row.place {
            Place::Call => format!("{}(", row.name),
            Place::Start | Place::Between | Place::Filter => row.name.to_owned(),
        },
    };
    WORDS.iter().filter(|row| places.contains(&row.place)).map(offer).collect()
}
