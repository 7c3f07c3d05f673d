//! What every reader needs: a place for findings, and the reading of expressions at their exact places.

use std::borrow::Borrow;
use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::rc::Rc;
use std::sync::Arc;

use super::notes::Notes;
use crate::domain::name::{ConnectionName, SourceName};
use crate::rules::agent::Agent;
use crate::rules::codes::Code;
use crate::rules::expr::ast::{Node as ExprNode, Path};
use crate::rules::expr::known::Known;
use crate::rules::expr::template::Template;
use crate::rules::expr::{self, Condition, Expr, Problem, ProblemKind};
use crate::rules::files::RuleFile;
use crate::rules::finding::{Findings, Span};
use crate::rules::yaml::{Kind, Node, quoted};

/// Something that is named in one place and defined in another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    Source,
    Connection,
    Rule,
}

/// A use of a name.
pub struct Reference {
    pub target: Target,
    pub name: String,
    pub span: Span,
}

/// What a rule or a source asks of a connection, for its provider to be able to do.
pub struct Ask {
    pub connection: ConnectionName,
    pub what: Asked,
    pub span: Span,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// That it adds or removes tags; the name, where it is the same for every event.
    Tag(Option<String>),
    /// That it sets fields.
    Set,
    /// That it takes a body.
    Forward,
}

/// Where findings and references are collected while a set is read.
pub struct Desk<'f> {
    pub findings: Findings<'f>,
    pub references: Vec<Reference>,
    pub asks: Vec<Ask>,
    /// What the expressions that are read now may name.
    pub known: Known,
    pub notes: Notes,
    /// What is known of the agents of sources, by the source's name.
    pub agents: HashMap<String, Rc<Agent>>,
    shared: SharedNames,
}

/// Names that many rules have: each lies in memory once.
#[derive(Default)]
struct SharedNames {
    connections: HashSet<ConnectionName>,
    sources: HashSet<SourceName>,
    paths: HashSet<Arc<str>>,
}

/// Whether it reads as a way into an event.
fn is_way(source: &str) -> bool {
    let way = expr::read(source).ok().map(|expr| expr.node);
    matches!(way, Some(ExprNode::Path(Path { root: Some(_), steps })) if !steps.is_empty())
}

/// What stands between one `{` and one `}`, and where that `{` is.
fn in_single_braces(source: &str) -> impl Iterator<Item = (usize, &str)> {
    source.match_indices('{').filter_map(|(at, _)| {
        let (within, after) = source.get(at + 1..)?.split_once('}')?;
        // The second brace of a template that lacks one at its end is none of these.
        let is_second = source.get(..at)?.ends_with('{');
        (!is_second && !after.starts_with('}') && !within.contains('{')).then_some((at, within))
    })
}

/// The one that is there, or this one, which then is there.
fn shared<T: Borrow<str> + Hash + Eq + Clone>(
    names: &mut HashSet<T>,
    name: &str,
    make: impl FnOnce() -> Option<T>,
) -> Option<T> {
    if let Some(known) = names.get(name) {
        return Some(known.clone());
    }
    let made = make()?;
    names.insert(made.clone());
    Some(made)
}

impl<'f> Desk<'f> {
    pub fn new(findings: Findings<'f>) -> Self {
        Self {
            findings,
            references: Vec::new(),
            asks: Vec::new(),
            known: Known::default(),
            notes: Notes::default(),
            agents: HashMap::new(),
            shared: SharedNames::default(),
        }
    }

    /// The connection of this name, if it is one.
    pub fn connection(&mut self, name: &str) -> Option<ConnectionName> {
        shared(&mut self.shared.connections, name, || ConnectionName::parse(name).ok())
    }

    /// The source of this name, if it is one.
    pub fn source(&mut self, name: &str) -> Option<SourceName> {
        shared(&mut self.shared.sources, name, || SourceName::parse(name).ok())
    }

    /// A file's path.
    pub fn path_of(&mut self, file: &RuleFile) -> Arc<str> {
        let path = file.path.as_str();
        shared(&mut self.shared.paths, path, || Some(path.into())).unwrap_or_else(|| path.into())
    }

    /// Remembers what is asked of a connection.
    pub fn ask(&mut self, connection: &str, what: Asked, span: Span) {
        if let Some(connection) = self.connection(connection) {
            self.asks.push(Ask { connection, what, span });
        }
    }

    /// Remembers that `name` must be defined somewhere.
    pub fn refer(&mut self, target: Target, name: &str, span: Span) {
        self.references.push(Reference { target, name: name.to_owned(), span });
    }

    /// Reads a template.
    pub fn template(&mut self, node: &Node) -> Option<Template> {
        let source = node.scalar()?;
        self.without_braces(node, &source);
        match Template::parse(&source, &self.known) {
            Ok(template) => {
                template.expressions().for_each(|expr| self.notes.used.note(expr));
                Some(template)
            }
            Err(problems) => {
                self.tell(node, &source, problems);
                None
            }
        }
    }

    /// The same where only a text, a number or a list can stand: a whole mapping is none of these.
    pub fn printed(&mut self, node: &Node) -> Option<Template> {
        let template = self.template(node)?;
        if !template.is_mapping(&self.known) {
            return Some(template);
        }
        self.findings
            .add(Code::Types, node.span, "a mapping can't stand here")
            .help("name one of its parts, as in `{{ params.plan }}`");
        None
    }

    /// `payload.id` where a template stands would be these ten letters for every event, and `{payload.id}` these twelve.
    pub fn without_braces(&mut self, node: &Node, source: &str) {
        if is_way(source) {
            let told = self
                .findings
                .add(Code::NoBraces, node.span, format!("without braces `{source}` is just these letters"))
                .help(format!("for what an event holds there write `\"{{{{ {source} }}}}\"`"));
            if let Some(meant) = quoted(&format!("{{{{ {} }}}}", source.trim())) {
                told.fix(meant);
            }
        }
        let single: Vec<_> = in_single_braces(source).filter(|(_, way)| is_way(way)).collect();
        for (at, way) in single {
            let meant = format!("{{{{ {} }}}}", way.trim());
            let place = self.findings.part(node.span, source, &(at..at + way.len() + 2));
            let told = self
                .findings
                .add(Code::NoBraces, node.span, format!("in single braces `{{{way}}}` is just these letters"))
                .help(format!("for what an event holds there write `{meant}`"));
            // With a `$` before it it may be a price, or the whole of it another language's template.
            if place != node.span && !source.get(..at).is_some_and(|before| before.ends_with('$')) {
                told.fix_at(place, meant);
            }
        }
    }

    /// Reads an expression without asking yet what its names mean.
    pub fn unchecked(&mut self, node: &Node) -> Option<Expr> {
        let source = node.scalar()?;
        match expr::read(&source) {
            Ok(expr) => Some(expr),
            Err(problems) => {
                self.tell(node, &source, problems);
                None
            }
        }
    }

    /// Reads a way into a body: names after one another.
    pub fn path(&mut self, node: &Node) -> Option<Path> {
        let source = node.scalar()?;
        // A template that is exactly one `{{ }}` is the same way, written as elsewhere.
        let inner = source.trim().strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}")).unwrap_or(&source);
        match expr::expression(inner, &self.known).map(|expr| expr.node) {
            Ok(ExprNode::Path(path)) => Some(path),
            Ok(_) => {
                self.findings
                    .add(Code::BadValue, node.span, "this must be a way into the body, and nothing is computed on it")
                    .help("as in `body.leads` or `payload.fields`");
                None
            }
            Err(problems) if problems.iter().all(|problem| problem.kind == ProblemKind::UnknownName) => {
                self.findings
                    .add(Code::UnknownWord, node.span, "a way into the body begins with `body` or `payload`")
                    .help(format!("write `body.{0}`, or `payload.{0}` for the item", inner.trim()));
                None
            }
            Err(problems) => {
                self.tell(node, inner, problems);
                None
            }
        }
    }

    /// Reads a condition.
    pub fn condition(&mut self, node: &Node) -> Option<Condition> {
        let source = node.scalar()?;
        match expr::condition(&source, &self.known) {
            Ok(condition) => {
                self.notes.used.note(&condition.expr);
                Some(condition)
            }
            Err(problems) => {
                self.tell(node, &source, problems);
                None
            }
        }
    }

    /// The text of the scalar under `key`, if there is one.
    pub fn text(node: &Node, key: &str) -> Option<String> {
        node.get(key).and_then(Node::scalar)
    }

    /// The flag under `key`, if there is one.
    pub fn flag(node: &Node, key: &str) -> Option<bool> {
        match node.get(key).map(|value| &value.kind) {
            Some(Kind::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    pub fn tell(&mut self, node: &Node, source: &str, problems: Vec<Problem>) {
        for problem in problems {
            let span = self.findings.part(node.span, source, &problem.span);
            let told = self.findings.add(code(problem.kind), span, problem.message).help(problem.help);
            if let Some(meant) = problem.fix {
                told.fix(meant);
            }
        }
    }
}

fn code(kind: ProblemKind) -> Code {
    match kind {
        ProblemKind::Syntax => Code::Syntax,
        ProblemKind::UnknownName => Code::UnknownWord,
        ProblemKind::TooLarge => Code::TooLarge,
        ProblemKind::Types => Code::Types,
        ProblemKind::NotACondition => Code::NotACondition,
        ProblemKind::NotCarried => Code::NotCarried,
    }
}
