//! What was probably meant by words that have no meaning where they stand: other languages', and those of everyday speech.

use super::lexer::Token;

/// The mend where an operator or the end should be. `before` and `after` are the letters beside the word.
pub fn in_place_of_operator(token: &Token<'_>, before: Option<char>, after: Option<char>) -> &'static str {
    let is_digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
    match token {
        Token::Symbol(",") if is_digit(before) && is_digit(after) => {
            "a number is written without commas: `1000`, `12.5`"
        }
        Token::Symbol(",") => LIST,
        Token::Symbol("(") => "what is asked stands between two values, as in `text contains \"price\"`",
        Token::Name("not") => "`not` stands before the whole comparison: `not (params.plan in [\"pro\", \"max\"])`",
        Token::Name(word) => match word.to_lowercase().as_str() {
            "and" | "or" => "the joining words are written small: `and`, `or`",
            "equals" | "equal" | "eq" => "to compare is `==`",
            "exists" | "present" | "exist" => "whether there is a value is asked by `is set`: `params.plan is set`",
            "between" => "write two comparisons: `params.budget >= 5 and params.budget <= 10`",
            "like" | "starts_with" | "startswith" | "begins_with" | "starts" | "begins" | "ends_with" | "endswith"
            | "ends" => {
                "a beginning or an end is asked by `matches`: `text matches \"^price\"`, `text matches \"price$\"`"
            }
            "includes" | "include" | "has" => "whether it holds a part or an item is asked by `contains`",
            _ => "",
        },
        _ => "",
    }
}

/// The mend where a word that the language has stands in place of a value.
pub fn in_place_of_value(word: &str) -> String {
    match word {
        "contains" | "in" | "matches" | "is" => {
            let example = match word {
                "contains" => "text contains \"price\"",
                "in" => "params.plan in [\"pro\", \"max\"]",
                "matches" => "text matches \"(?i)prices?\"",
                _ => "params.plan is set",
            };
            format!("`{word}` stands behind a value, as in `{example}`")
        }
        _ => format!("`{word}` is a word of the language"),
    }
}

/// What another language's word is here, where a value begins with it; and whether to write just that in its place.
pub fn foreign_word(word: &str) -> Option<(&'static str, Option<&'static str>)> {
    match word.to_lowercase().as_str() {
        "true" => Some(("write `true`", Some("true"))),
        "false" => Some(("write `false`", Some("false"))),
        "not" => Some(("write `not`", Some("not"))),
        "null" | "none" | "nil" | "undefined" | "empty" => {
            Some(("what isn't there is unset: `params.plan is not set`, `params.plan is set`", None))
        }
        "if" | "when" | "unless" => Some(("a condition stands alone, as in `params.budget > 5`", None)),
        _ => None,
    }
}

const LIST: &str = "a list stands in square brackets: `params.plan in [\"pro\", \"max\"]`";
