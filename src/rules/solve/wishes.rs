//! What a rule's templates print: an example should have it, or the rule would be a fault in place of its changes.

use super::Demand;
use super::formula::is;
use super::invert::{self, Aim};
use super::numbers::Numbers;
use super::values::Values;
use super::vars::Vars;
use super::witness::Wish;
use crate::domain::value::{Number, Value};
use crate::rules::expr::ast::{Expr, Filter, Node, Root};
use crate::rules::expr::template::{Piece, Template};
use crate::rules::model::{ContactTemplate, FoundBy, JsonTemplate, Rule, TagTemplate, TextTemplate};

/// What a rule's templates print.
pub fn of<'c>(vars: &mut Vars<'c>, rule: &'c Rule) -> Vec<Wish> {
    let mut wishes = Vec::new();
    let contacts = rule.contact.iter().map(Box::as_ref).chain(rule.contact_at.iter().map(|(_, contact)| contact));
    for contact in contacts {
        let sample = sample_of(contact);
        template(vars, &contact.template, sample.as_ref(), &mut wishes);
    }
    for entry in rule.tags.iter().flat_map(|block| block.add.iter().chain(&*block.remove)) {
        if let TagTemplate::Rendered(name) = &entry.name {
            template(vars, name, None, &mut wishes);
        }
    }
    for (_, value) in rule.sets.iter().flat_map(|block| &block.fields) {
        json(vars, value, &mut wishes);
    }
    for forward in &rule.forwards {
        json(vars, &forward.body, &mut wishes);
    }
    if let Some(TextTemplate::One(text)) = rule.reply.as_ref().and_then(|reply| reply.text.as_ref()) {
        template(vars, text, None, &mut wishes);
    }
    wishes
}

fn sample_of(contact: &ContactTemplate) -> Option<Value<'static>> {
    match contact.by {
        FoundBy::Email => Some(Value::text("ana@example.com")),
        FoundBy::Phone => Some(Value::text("+573001234567")),
        FoundBy::Id | FoundBy::Field(_) => None,
    }
}

fn json<'c>(vars: &mut Vars<'c>, of: &'c JsonTemplate, wishes: &mut Vec<Wish>) {
    match of {
        JsonTemplate::Fixed(_) => {}
        JsonTemplate::Text(text) => template(vars, text, None, wishes),
        JsonTemplate::List(items) => items.iter().for_each(|item| json(vars, item, wishes)),
        JsonTemplate::Map(fields) => fields.iter().for_each(|(_, value)| json(vars, value, wishes)),
    }
}

fn template<'c>(vars: &mut Vars<'c>, of: &'c Template, value: Option<&Value<'static>>, wishes: &mut Vec<Wish>) {
    for piece in of.pieces() {
        if let Piece::Expr(expr) = piece {
            printed(vars, expr, value, wishes);
        }
    }
}

fn printed<'c>(vars: &mut Vars<'c>, expr: &'c Expr, value: Option<&Value<'static>>, wishes: &mut Vec<Wish>) {
    match &expr.node {
        // It has an answer for what isn't set.
        Node::Filter(_, Filter::Default, _) => {}
        Node::Path(path) => {
            let printable =
                path.root.filter(|root| !matches!(root, Root::Values | Root::Conditions | Root::ReceivedAt));
            // A source is always there, and so is the contact of an example.
            if let Some(root) = printable.filter(|root| !matches!(root, Root::Source | Root::Contact)) {
                wishes.push(Wish { variable: vars.at(root, &path.steps), value: value.cloned() });
            }
        }
        Node::Compute(..) | Node::Negate(_) => {
            let one = Value::Number(Number::Int(1));
            expr.node.below().into_iter().for_each(|below| printed(vars, below, Some(&one), wishes));
        }
        node => node.below().into_iter().for_each(|below| printed(vars, below, value, wishes)),
    }
}

/// A tag's template renders to this name: said of the one part that it prints, where it prints one.
pub fn renders(vars: &mut Vars<'_>, tag: &TagTemplate, name: &str) -> Option<Demand> {
    let TagTemplate::Rendered(template) = tag else { return None };
    let pieces: Vec<_> = template.pieces().collect();
    let (before, expr, after) = match pieces.as_slice() {
        [Piece::Expr(expr)] => ("", expr, ""),
        [Piece::Text(before), Piece::Expr(expr)] => (before.trim_start(), expr, ""),
        [Piece::Expr(expr), Piece::Text(after)] => ("", expr, after.trim_end()),
        [Piece::Text(before), Piece::Expr(expr), Piece::Text(after)] => (before.trim_start(), expr, after.trim_end()),
        _ => return None,
    };
    let printed = name.strip_prefix(before)?.strip_suffix(after)?;
    let Aim { root, steps, value } = invert::aims(expr, &Value::text(printed.to_owned())).into_iter().next()?;
    let mut values = Values::exactly(&value);
    // Numbers and truths print as texts.
    values.yes |= printed == "true";
    values.no |= printed == "false";
    values.numbers = match printed.parse::<i64>() {
        Ok(number) => Some(Numbers::only([Number::Int(number.into())])),
        Err(_) => values.numbers.or_else(|| printed.parse::<f64>().is_ok().then(Numbers::default)),
    };
    Some(is(vars.at(root, steps), values))
}
