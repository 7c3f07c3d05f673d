//! Reads words into a tree, loosest operators first.
//!
//! `or` < `and` < `not` < comparisons < `+ -` < `* / %` < unary `-` < `| filter` < a value.

use std::ops::Range;

use super::ast::{Arithmetic, Comparison, Expr, FILTERS, Node, Path, ROOTS, Root, Step};
use super::lexer::{Lexer, Token};
use super::regexp::Regexp;
use super::{MAX_NESTING, MAX_OPERATORS, Problem, ProblemKind, hints};
use crate::domain::value::{Number, Value};
use crate::rules::near;

/// Reads a whole source as one expression. Problems that don't stop the reading are told too.
pub fn whole(source: &str, problems: &mut Vec<Problem>) -> Option<Expr> {
    let (expr, end) = part(source, 0, problems)?;
    if end.start == source.len() {
        return Some(expr);
    }
    problems.push(Problem::new(ProblemKind::Syntax, end, "`}}` has no meaning here"));
    None
}

/// Reads one expression from byte `at` on, up to the end of the source or `}}`; gives the place of that end too.
pub fn part(source: &str, at: usize, problems: &mut Vec<Problem>) -> Option<(Expr, Range<usize>)> {
    match Parser::start(source, at, problems).and_then(Parser::finish) {
        Ok((expr, end)) => Some((expr, end)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

struct Parser<'s, 'p> {
    source: &'s str,
    lexer: Lexer<'s>,
    token: Token<'s>,
    span: Range<usize>,
    /// Where the word before this one ended.
    before: usize,
    nesting: usize,
    operators: usize,
    problems: &'p mut Vec<Problem>,
}

type Read<T> = Result<T, Problem>;

impl<'s, 'p> Parser<'s, 'p> {
    fn start(source: &'s str, at: usize, problems: &'p mut Vec<Problem>) -> Read<Self> {
        let mut lexer = Lexer::new(source, at);
        let (token, span) = lexer.next()?;
        Ok(Self { source, lexer, token, span, before: at, nesting: 0, operators: 0, problems })
    }

    fn finish(mut self) -> Read<(Expr, Range<usize>)> {
        let expr = self.or()?;
        match &self.token {
            Token::End => Ok((expr, self.span)),
            _ => Err(self.no_operator("an operator or the end")),
        }
    }

    /// Something stands where a value has ended.
    fn no_operator(&self, wanted: &str) -> Problem {
        let before = self.source.get(..self.span.start).and_then(|text| text.chars().next_back());
        let after = self.source.get(self.span.end..).and_then(|text| text.chars().next());
        self.unexpected(wanted).help(hints::in_place_of_operator(&self.token, before, after))
    }

    fn advance(&mut self) -> Read<Token<'s>> {
        let (token, span) = self.lexer.next()?;
        self.before = self.span.end;
        self.span = span;
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn at_word(&self, word: &str) -> bool {
        self.token == Token::Name(word)
    }

    fn take_word(&mut self, word: &str) -> Read<bool> {
        let there = self.at_word(word);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn take_symbol(&mut self, symbol: &str) -> Read<bool> {
        let there = matches!(&self.token, Token::Symbol(s) if *s == symbol);
        if there {
            self.advance()?;
        }
        Ok(there)
    }

    fn expect(&mut self, symbol: &str) -> Read<()> {
        if self.take_symbol(symbol)? { Ok(()) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let found = match &self.token {
            Token::End => "this ends".to_owned(),
            _ => format!("`{}` stands", self.source.get(self.span.clone()).unwrap_or_default()),
        };
        Problem::new(ProblemKind::Syntax, self.span.clone(), format!("{found} where {wanted} should be"))
    }

    /// Counts what makes a tree larger; the bound keeps every later recursion shallow.
    fn count(&mut self) -> Read<()> {
        self.operators += 1;
        if self.operators <= MAX_OPERATORS {
            return Ok(());
        }
        let message = format!("an expression may have at most {MAX_OPERATORS} operators and items");
        Err(Problem::new(ProblemKind::TooLarge, self.span.clone(), message).help("split the rule into several"))
    }

    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.nesting == MAX_NESTING {
            let message = format!("nested more than {MAX_NESTING} deep");
            return Err(Problem::new(ProblemKind::TooLarge, self.span.clone(), message).help("take brackets away"));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    fn or(&mut self) -> Read<Expr> {
        let mut items = vec![self.and()?];
        while self.take_word("or")? {
            self.count()?;
            items.push(self.and()?);
        }
        Ok(chain(items, Node::Or))
    }

    fn and(&mut self) -> Read<Expr> {
        let mut items = vec![self.not()?];
        while self.take_word("and")? {
            self.count()?;
            items.push(self.not()?);
        }
        Ok(chain(items, Node::And))
    }

    fn not(&mut self) -> Read<Expr> {
        let start = self.span.start;
        if !self.take_word("not")? {
            return self.comparison();
        }
        self.count()?;
        let inner = self.nested(Self::not)?;
        let span = start..inner.span.end;
        Ok(Expr { node: Node::Not(Box::new(inner)), span })
    }

    fn comparison(&mut self) -> Read<Expr> {
        let left = self.sum()?;
        if self.at_word("is") {
            return self.is_set(left);
        }
        if self.at_word("matches") {
            return self.matches(left);
        }
        let Some(operator) = self.comparison_sign()? else { return Ok(left) };
        self.count()?;
        let right = self.sum()?;
        let span = self.span.clone();
        if self.comparison_sign()?.is_some() || self.at_word("is") || self.at_word("matches") {
            let help = "join two comparisons by `and`: `1 < a and a < 5`";
            return Err(Problem::new(ProblemKind::Syntax, span, "comparisons don't follow one another").help(help));
        }
        let span = left.span.start..right.span.end;
        Ok(Expr { node: Node::Compare(operator, Box::new(left), Box::new(right)), span })
    }

    fn comparison_sign(&mut self) -> Read<Option<Comparison>> {
        let operator = match &self.token {
            Token::Symbol("==") => Comparison::Equal,
            Token::Symbol("!=") => Comparison::NotEqual,
            Token::Symbol("<") => Comparison::Less,
            Token::Symbol("<=") => Comparison::AtMost,
            Token::Symbol(">") => Comparison::Greater,
            Token::Symbol(">=") => Comparison::AtLeast,
            Token::Name("in") => Comparison::In,
            Token::Name("contains") => Comparison::Contains,
            _ => return Ok(None),
        };
        self.advance()?;
        Ok(Some(operator))
    }

    fn is_set(&mut self, of: Expr) -> Read<Expr> {
        self.advance()?;
        self.count()?;
        let negated = self.take_word("not")?;
        let end = self.span.end;
        if !self.take_word("set")? {
            return Err(self.unexpected("`set`").help("`is set` and `is not set` are all there is after `is`"));
        }
        let span = of.span.start..end;
        Ok(Expr { node: Node::IsSet { of: Box::new(of), negated }, span })
    }

    /// The expression stands there as a text: it is read once, and not for each event.
    fn matches(&mut self, of: Expr) -> Read<Expr> {
        self.advance()?;
        self.count()?;
        let span = self.span.clone();
        let Token::Text(source) = self.token.clone() else {
            return Err(self.unexpected("a regular expression in quotes").help("as in `text matches \"(?i)prices?\"`"));
        };
        self.advance()?;
        let regexp = Regexp::parse(&source).map_err(|why| {
            let message = format!("this is no regular expression: {why}");
            Problem::new(ProblemKind::Syntax, span.clone(), message).help("a backslash is written twice: \"\\\\d+\"")
        })?;
        let whole = of.span.start..span.end;
        Ok(Expr { node: Node::Matches(Box::new(of), regexp), span: whole })
    }

    fn sum(&mut self) -> Read<Expr> {
        let mut left = self.product()?;
        loop {
            let operator = match &self.token {
                Token::Symbol("+") => Arithmetic::Add,
                Token::Symbol("-") => Arithmetic::Subtract,
                _ => return Ok(left),
            };
            let glued = self.before == self.span.start;
            self.advance()?;
            self.refuse_hyphenated_name(&left, operator, glued)?;
            self.count()?;
            left = compute(operator, left, self.product()?);
        }
    }

    /// `params.user-id` reads like a name and would be a subtraction; `params.a - b` with spaces is one.
    fn refuse_hyphenated_name(&self, left: &Expr, operator: Arithmetic, glued: bool) -> Read<()> {
        let (Node::Path(_), Arithmetic::Subtract, Token::Name(name)) = (&left.node, operator, &self.token) else {
            return Ok(());
        };
        if !glued || self.before != self.span.start || ROOTS.iter().any(|(root, _)| root == name) {
            return Ok(());
        }
        let written = self.source.get(left.span.clone()).unwrap_or_default();
        let (parent, last) = written.rsplit_once('.').unwrap_or(("params", written));
        let help = format!("write `{parent}[\"{last}-{name}\"]`, or put spaces around the `-`");
        let span = left.span.start..self.span.end;
        Err(Problem::new(ProblemKind::Syntax, span, "a name with a hyphen stands in brackets and quotes").help(help))
    }

    fn product(&mut self) -> Read<Expr> {
        let mut left = self.unary()?;
        loop {
            let operator = match &self.token {
                Token::Symbol("*") => Arithmetic::Multiply,
                Token::Symbol("/") => Arithmetic::Divide,
                Token::Symbol("%") => Arithmetic::Remainder,
                _ => return Ok(left),
            };
            self.advance()?;
            self.count()?;
            left = compute(operator, left, self.unary()?);
        }
    }

    fn unary(&mut self) -> Read<Expr> {
        let start = self.span.start;
        if !self.take_symbol("-")? {
            return self.filtered();
        }
        self.count()?;
        let inner = self.nested(Self::unary)?;
        let span = start..inner.span.end;
        Ok(Expr { node: Node::Negate(Box::new(inner)), span })
    }

    fn filtered(&mut self) -> Read<Expr> {
        let mut value = self.value()?;
        while self.take_symbol("|")? {
            self.count()?;
            let span = self.span.clone();
            let Token::Name(name) = self.token else { return Err(self.unexpected("a filter's name")) };
            self.advance()?;
            let arguments = if self.take_symbol("(")? { self.items(")")? } else { Vec::new() };
            let Some(row) = FILTERS.iter().find(|row| row.name == name) else {
                return Err(unknown_filter(name, span));
            };
            if !(row.least..=row.most).contains(&arguments.len()) {
                let given = arguments.len();
                let wanted = if row.least == row.most {
                    row.least.to_string()
                } else {
                    format!("{} or {}", row.least, row.most)
                };
                let message = format!("`{name}` takes {wanted} in its brackets, and {given} are given");
                return Err(Problem::new(ProblemKind::Syntax, span, message));
            }
            let whole = value.span.start..self.before;
            value = Expr { node: Node::Filter(Box::new(value), row.filter, arguments.into()), span: whole };
        }
        Ok(value)
    }

    fn items(&mut self, close: &str) -> Read<Vec<Expr>> {
        self.nested(|parser| {
            let mut items = Vec::new();
            while !parser.take_symbol(close)? {
                if !items.is_empty() {
                    parser.expect(",")?;
                    if parser.take_symbol(close)? {
                        break;
                    }
                }
                parser.count()?;
                items.push(parser.or()?);
            }
            Ok(items)
        })
    }

    fn value(&mut self) -> Read<Expr> {
        let start = self.span.start;
        let node = match self.token.clone() {
            Token::Text(text) => {
                self.advance()?;
                // Not `Value::text`: a rule author's `""` is a text to print, as in `default("")`.
                Node::Literal(Value::Text(text.into()))
            }
            Token::Number(number) => {
                self.advance()?;
                Node::Literal(Value::Number(Number::parse(number).into_owned()))
            }
            Token::Name(word @ ("true" | "false")) => {
                self.advance()?;
                Node::Literal(Value::Bool(word == "true"))
            }
            Token::Name(word @ ("and" | "or" | "in" | "is" | "contains" | "set" | "matches")) => {
                return Err(self.unexpected("a value").help(hints::in_place_of_value(word)));
            }
            Token::Name(name) => self.named(name)?,
            Token::Symbol("[") => {
                self.advance()?;
                Node::List(self.items("]")?.into())
            }
            Token::Symbol("(") => {
                self.advance()?;
                let inner = self.nested(Self::or)?;
                if !self.take_symbol(")")? {
                    return Err(self.no_operator("`)`"));
                }
                return Ok(Expr { node: inner.node, span: start..self.before });
            }
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Expr { node, span: start..self.before })
    }

    /// A path, or a function with its one text.
    fn named(&mut self, name: &'s str) -> Read<Node> {
        let span = self.span.clone();
        self.advance()?;
        if !self.take_symbol("(")? {
            return self.path(name, span).map(Node::Path);
        }
        let function = match name {
            "open" => Node::Open,
            "bucket" => Node::Bucket,
            _ => return Err(unknown_function(name, span)),
        };
        self.count()?;
        let Token::Text(text) = self.token.clone() else {
            let example = if let Token::Name(meant) = self.token { meant } else { "office" };
            return Err(self.unexpected("a name in quotes").help(format!("as in `{name}(\"{example}\")`")));
        };
        self.advance()?;
        self.expect(")")?;
        Ok(function(text.into()))
    }

    fn path(&mut self, name: &'s str, span: Range<usize>) -> Read<Path> {
        let root = ROOTS.iter().find(|(known, _)| *known == name).map(|(_, root)| *root);
        if root.is_none() {
            let rest = self.source.get(span.start..).unwrap_or_default();
            self.problems.push(unknown_root(name, way(rest), span));
        }
        let mut steps = Vec::new();
        loop {
            if self.take_symbol(".")? {
                let Token::Name(key) = self.token else { return Err(self.unexpected("a name")) };
                self.advance()?;
                steps.push(key_step(root, key));
            } else if self.take_symbol("[")? {
                steps.push(self.bracket(root)?);
                self.expect("]")?;
            } else {
                return Ok(Path { root, steps: steps.into() });
            }
            self.count()?;
        }
    }

    fn bracket(&mut self, root: Option<Root>) -> Read<Step> {
        let step = match &self.token {
            Token::Text(key) => key_step(root, key),
            Token::Number(number) => match number.parse() {
                Ok(index) => Step::Index(index),
                Err(_) => return Err(self.unexpected("a whole number")),
            },
            _ => return Err(self.unexpected("a name in quotes or a number")),
        };
        self.advance()?;
        Ok(step)
    }
}

/// Headers are kept in lower case, and rule authors write them as their vendor does.
fn key_step(root: Option<Root>, key: &str) -> Step {
    if root == Some(Root::Headers) { Step::Key(key.to_ascii_lowercase().into()) } else { Step::Key(key.into()) }
}

fn chain(mut items: Vec<Expr>, node: fn(Box<[Expr]>) -> Node) -> Expr {
    let span = match (items.first(), items.last()) {
        (Some(first), Some(last)) => first.span.start..last.span.end,
        _ => 0..0,
    };
    match items.pop() {
        Some(only) if items.is_empty() => only,
        last => {
            items.extend(last);
            Expr { node: node(items.into()), span }
        }
    }
}

fn compute(operator: Arithmetic, left: Expr, right: Expr) -> Expr {
    let span = left.span.start..right.span.end;
    Expr { node: Node::Compute(operator, Box::new(left), Box::new(right)), span }
}

/// What stands at the beginning of a source up to whatever no name has: `pricing.inquiry`.
fn way(source: &str) -> &str {
    let end = source.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.').unwrap_or(source.len());
    source.get(..end).unwrap_or_default().trim_end_matches('.')
}

/// `written` is the name with what hangs on it.
fn unknown_root(name: &str, written: &str, span: Range<usize>) -> Problem {
    let known = ROOTS.map(|(known, _)| known);
    let problem = Problem::new(ProblemKind::UnknownName, span, format!("there is no `{name}`"));
    if let Some((help, fix)) = hints::foreign_word(name) {
        return Problem { fix: fix.map(str::to_owned), ..problem }.help(help);
    }
    match near::meant(name, known) {
        Some(meant) => problem.meant(meant),
        None => problem.help(format!(
            "a text stands in quotes: `\"{written}\"`; a parameter is `params.{written}`; there are: {}",
            known.join(", ")
        )),
    }
}

fn unknown_filter(name: &str, span: Range<usize>) -> Problem {
    let known = FILTERS.map(|row| row.name);
    let problem = Problem::new(ProblemKind::UnknownName, span, format!("there is no filter `{name}`"));
    match near::meant(name, known) {
        Some(meant) => problem.meant(meant),
        None => problem.help(format!("there are: {}", known.join(", "))),
    }
}

fn unknown_function(name: &str, span: Range<usize>) -> Problem {
    let message = format!("there is no function `{name}`");
    let problem = Problem::new(ProblemKind::UnknownName, span, message);
    match near::meant(name, ["open", "bucket"]) {
        Some(meant) => problem.meant(meant),
        None => {
            problem.help("there are `open(..)` and `bucket(..)`; a filter is written after a value: `value | filter`")
        }
    }
}
