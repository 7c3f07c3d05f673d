//! What the words of expressions name, told by the words alone: an expression that isn't finished yet has no tree.

use std::ops::Range;

use super::words;
use crate::rules::expr::ast::{FILTERS, ROOTS};
use crate::rules::expr::lexer::{Lexer, Token};
use crate::rules::keys::Names;

/// A word of an expression that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// A word of the language.
    Known(&'static str),
    /// A name.
    Name {
        /// What it is one of.
        names: Names,
        /// Itself.
        text: String,
        /// Whether it stands behind a dot.
        dotted: bool,
    },
}

/// The words of an expression, each with its bytes.
pub fn words(source: &str) -> Vec<(Range<usize>, Word)> {
    of_tokens(&tokens(source, 0).0)
}

/// The words of all expressions of a template.
pub fn of_template(source: &str) -> Vec<(Range<usize>, Word)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = source.get(at..).and_then(|rest| rest.find("{{")).map(|offset| at + offset + 2) {
        let (tokens, end) = tokens(source, start);
        found.extend(of_tokens(&tokens));
        at = end;
    }
    found
}

/// The tokens from a byte up to the end or to `}}`, and where the last one ends; what is no token ends them.
pub fn tokens(source: &str, start: usize) -> (Vec<(Token<'_>, Range<usize>)>, usize) {
    let mut lexer = Lexer::new(source, start);
    let mut tokens = Vec::new();
    let mut end = start;
    while let Ok((token, bytes)) = lexer.next() {
        end = bytes.end;
        if token == Token::End {
            break;
        }
        tokens.push((token, bytes));
    }
    (tokens, end)
}

/// What the members of a root are.
pub fn members(root: &str) -> Option<Names> {
    match root {
        "values" => Some(Names::Value),
        "conditions" => Some(Names::Condition),
        "params" => Some(Names::Param),
        _ => None,
    }
}

fn of_tokens(tokens: &[(Token<'_>, Range<usize>)]) -> Vec<(Range<usize>, Word)> {
    let mut found = Vec::new();
    let symbol =
        |at: usize, wanted: &str| matches!(tokens.get(at), Some((Token::Symbol(symbol), _)) if *symbol == wanted);
    for (at, (token, bytes)) in tokens.iter().enumerate() {
        let Token::Name(name) = token else { continue };
        let after = |wanted: &str| at.checked_sub(1).is_some_and(|before| symbol(before, wanted));
        if after(".") {
            continue;
        }
        let known = if after("|") {
            FILTERS.iter().map(|row| row.name).find(|filter| filter == name)
        } else {
            words::WORDS.iter().map(|word| word.name).find(|word| word == name)
        };
        if let Some(known) = known {
            found.push((bytes.clone(), Word::Known(known)));
        }
        let is_root = ROOTS.iter().any(|(root, _)| root == name);
        let names = members(name).filter(|_| is_root && !after("|"));
        match (tokens.get(at + 1).map(|(token, _)| token), tokens.get(at + 2)) {
            (Some(Token::Symbol(".")), Some((Token::Name(member), bytes))) => {
                let word = |names| Word::Name { names, text: (*member).to_owned(), dotted: true };
                found.extend(names.map(|names| (bytes.clone(), word(names))));
            }
            (Some(Token::Symbol(bracket)), Some((Token::Text(text), bytes))) if matches!(*bracket, "[" | "(") => {
                let hours = (*bracket == "(" && *name == "open").then_some(Names::Hours);
                // Within the quotes; one with an escape in it is longer than its text, and isn't a name.
                let within = bytes.start + 1..bytes.end.saturating_sub(1);
                let names = names.filter(|_| *bracket == "[").or(hours).filter(|_| within.len() == text.len());
                let word = |names| Word::Name { names, text: text.clone(), dotted: false };
                found.extend(names.map(|names| (within, word(names))));
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(source: &str, words: Vec<(Range<usize>, Word)>) -> Vec<String> {
        let shown = |(bytes, word): (Range<usize>, Word)| {
            let written = source.get(bytes).expect("whole characters");
            match word {
                Word::Known(_) => written.to_owned(),
                Word::Name { names, .. } => format!("{names:?} {written}"),
            }
        };
        words.into_iter().map(shown).collect()
    }

    #[test]
    fn names_are_found_in_each_way_of_writing_them() {
        let source = "conditions.buyer and params[\"plan\"] == values.big.most or open(\"office\")";
        let wanted = [
            "conditions",
            "Condition buyer",
            "and",
            "params",
            "Param plan",
            "values",
            "Value big",
            "or",
            "open",
            "Hours office",
        ];
        assert_eq!(found(source, words(source)), wanted);
    }

    #[test]
    fn what_stands_outside_of_braces_is_no_expression() {
        let source = "values.no {{ values.a | lower }} and {{ payload.values.b }} {{ values.";
        assert_eq!(found(source, of_template(source)), ["values", "Value a", "lower", "payload", "values"]);
    }
}
