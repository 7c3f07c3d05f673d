//! Rules that contradict each other: opposite changes of a tag, two values of a field, two replies.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::Review;
use super::clash::{Doubt, MOST_RIVALS, Quarrel, Rival, tell, tell_doubt};
use super::uses::{Earlier, SetUse, TagUse, replies, sets, tags};
use crate::domain::name::ConnectionName;
use crate::domain::tag::TagName;
use crate::rules::codes::Code;
use crate::rules::finding::Span;
use crate::rules::model::{ContactTemplate, JsonTemplate, Rule, TagTemplate, TextTemplate};
use crate::rules::solve::{Demand, Found, Lists, Outcomes, Question, Trial, Witness};

/// Looks at every pair of rules that may meet.
pub fn all(review: &mut Review<'_, '_>, dead: &BTreeSet<usize>) {
    let catalog = review.solver.catalog();
    for uses in tags(catalog, dead).values() {
        tags_of(review, uses);
    }
    for uses in sets(catalog, dead).values() {
        sets_of(review, uses);
    }
    replies_of(review, &replies(catalog, dead));
}

/// Tells what wasn't looked at.
pub fn tell_unanswered(review: &mut Review<'_, '_>) {
    let Some(rule) = review.first_unanswered.and_then(|place| review.solver.rule(place)) else { return };
    let at = review.places.id(rule);
    let count = review.unanswered;
    let pairs = if count == 1 {
        "one question about rules was".to_owned()
    } else {
        format!("{count} questions about rules were")
    };
    review
        .findings
        .add(Code::NotExamined, at, format!("{pairs} given up, this rule's first: contradictions may have been missed"))
        .help("smaller conditions, and intents in `match`, make the work less");
}

/// What became of a pair.
enum Met {
    Apart,
    Clash(Box<Witness>),
    /// Only where a parameter is a list, of which rules want two items.
    ByList(Box<Witness>),
    Doubt,
}

/// Asks whether two rules meet. `shows` says whether a trial shows it.
fn meet(review: &mut Review<'_, '_>, question: &Question, shows: &dyn Fn(&Trial) -> bool) -> Met {
    if review.solver.is_spent() {
        review.solver.give_up();
        review.count_unanswered(question.rules.last().copied().unwrap_or_default());
        return Met::Apart;
    }
    let found = review.solver.find(question, shows);
    review.count_unanswered(question.rules.last().copied().unwrap_or_default());
    match found {
        Found::Never | Found::TooMuch => Met::Apart,
        Found::Unknown => Met::Doubt,
        Found::One(witness) if witness.has_list() => {
            // Most parameters never are lists, so an event without one shows more, and a clash without any is told as another.
            let plain = Question { lists: Lists::WhereDeclared, ..question.clone() };
            match review.solver.find(&plain, shows) {
                Found::One(plain) => Met::Clash(Box::new(plain)),
                _ => Met::ByList(Box::new(witness)),
            }
        }
        Found::One(witness) => Met::Clash(Box::new(witness)),
    }
}

fn tags_of<'c>(review: &mut Review<'c, '_>, uses: &[TagUse<'c>]) {
    let catalog = review.solver.catalog();
    let mut earlier = Earlier::new(catalog);
    for (number, later) in uses.iter().enumerate() {
        let Some(rule) = review.solver.rule(later.place) else { continue };
        let before = earlier.add(number, rule, |other| uses.get(other).map_or(usize::MAX, |used| used.place));
        // By the tag that both are about: one entry may render to several.
        let mut rivals: BTreeMap<String, Vec<Rival<'c>>> = BTreeMap::new();
        let mut doubt = None;
        for other in before.into_iter().filter_map(|other| uses.get(other)) {
            let Some(tag) = common_tag(review, other, later) else { continue };
            if rivals.get(&tag).is_some_and(|known| known.len() >= MOST_RIVALS) {
                continue;
            }
            let Some(earlier_rule) = review.solver.rule(other.place) else { continue };
            let Some(question) = tag_question(review, other, later, &tag) else { continue };
            let name = TagName::parse(&tag);
            // Both made their changes and don't contradict each other: guards see to that, whatever the event.
            let refuted = Cell::new(false);
            let shows = |trial: &Trial| {
                let (Some(first), Some(second)) = (trial.outcome(&earlier_rule.id), trial.outcome(&rule.id)) else {
                    return false;
                };
                let wants = |outcome: &crate::rules::testing::model::Outcome| {
                    name.as_ref().and_then(|name| outcome.tags.wants(later.connection.as_str(), name))
                };
                let same =
                    first.contacts.get(later.connection.as_str()) == second.contacts.get(later.connection.as_str());
                let shown = same && matches!((wants(first), wants(second)), (Some(one), Some(other)) if one != other);
                refuted.set(!shown);
                shown
            };
            match meet(review, &question, &shows) {
                Met::Apart => {}
                Met::Clash(witness) => {
                    let at = place_of(review, earlier_rule, other);
                    let label =
                        format!("`{}` {} `{tag}`", earlier_rule.id, if other.adds { "adds" } else { "removes" });
                    rivals.entry(tag).or_default().push(Rival { rule: earlier_rule, at, label, witness: *witness });
                }
                Met::ByList(witness) => {
                    doubt.get_or_insert((*other, earlier_rule, tag, Some(*witness)));
                }
                Met::Doubt => {
                    let is_fixed = other.name().is_some() && later.name().is_some() && !refuted.get();
                    doubt = doubt.or(is_fixed.then_some((*other, earlier_rule, tag, None)));
                }
            }
        }
        let at = |review: &mut Review<'c, '_>| place_of(review, rule, later);
        for (tag, rivals) in rivals {
            let quarrel = Quarrel { at: at(review), ..tag_quarrel(rule, later, &tag, &rivals) };
            tell(review, &quarrel, &rivals);
        }
        if let Some((other, earlier_rule, tag, witness)) = doubt {
            let quarrel = Quarrel { at: at(review), ..tag_quarrel(rule, later, &tag, &[]) };
            let there = place_of(review, earlier_rule, &other);
            tell_doubt(review, &quarrel, &Doubt { rule: earlier_rule, at: there, witness });
        }
    }
}

fn tag_quarrel<'c>(rule: &'c Rule, later: &TagUse<'_>, tag: &str, rivals: &[Rival<'_>]) -> Quarrel<'c> {
    let other = rivals.first().map_or_else(String::new, |rival| rival.rule.id.to_string());
    let connection = later.connection;
    let message = match (later.adds, later.name()) {
        // Its own tag is another one: that the other goes is the connection's doing.
        (true, Some(name)) if name != tag => {
            format!("`{name}` takes away `{tag}` at `{connection}`, which `{other}` may have added for the same event")
        }
        (true, _) => {
            format!("this adds `{tag}` at `{connection}`, and `{other}` may have removed it for the same event")
        }
        (false, _) => {
            format!("this removes `{tag}` at `{connection}`, and `{other}` may have added it for the same event")
        }
    };
    Quarrel {
        code: Code::OppositeTags,
        later: rule,
        at: None,
        about: format!("`{tag}`"),
        message,
        help: "the later one wins; tell the two apart by `match` or `when`, or give the earlier one `stop: true`",
    }
}

fn place_of(review: &mut Review<'_, '_>, rule: &Rule, used: &TagUse<'_>) -> Option<Span> {
    let key = if used.adds { "add" } else { "remove" };
    review.places.item(rule, &["tag", used.connection.as_str(), key], used.index)
}

/// The tag that two entries change in opposite ways, where they do.
fn common_tag(review: &Review<'_, '_>, one: &TagUse<'_>, other: &TagUse<'_>) -> Option<String> {
    if one.place == other.place {
        return None;
    }
    match (one.name(), other.name()) {
        (Some(first), Some(second)) if one.adds != other.adds => (first == second).then(|| first.to_owned()),
        (Some(first), Some(second)) => {
            let manner = review.solver.catalog().manner(one.connection);
            (one.adds && first != second && manner.exclude_each_other(first, second)).then(|| first.to_owned())
        }
        (Some(name), None) | (None, Some(name)) => (one.adds != other.adds).then(|| name.to_owned()),
        (None, None) => None,
    }
}

fn tag_question<'c>(review: &mut Review<'c, '_>, one: &TagUse<'c>, other: &TagUse<'c>, tag: &str) -> Option<Question> {
    let mut question = pair(review, (one.place, other.place), one.connection)?;
    for used in [one, other] {
        if let Some(when) = used.when() {
            question.demands.push(review.solver.truth(&when.expr, Outcomes::YES));
        }
        if matches!(used.entry.name, TagTemplate::Rendered(_)) {
            question.demands.push(review.solver.renders(&used.entry.name, tag)?);
        }
    }
    let needed: BTreeSet<&TagName> = one.guard.if_tagged.iter().chain(&other.guard.if_tagged).collect();
    // The first one's changes may bring what the second one's guard asks for, so only the first one's is sure to need it.
    let forbidden = one.guard.unless_tagged.iter().chain(&other.guard.unless_tagged);
    if forbidden.into_iter().any(|tag| needed.contains(tag)) {
        return None;
    }
    if !needed.is_empty() {
        question.tagged = vec![(one.connection.clone(), needed.into_iter().cloned().collect())];
    }
    Some(question)
}

/// Two rules match one event and are about the same contact at a connection; `None` where they aren't.
fn pair(review: &mut Review<'_, '_>, places: (usize, usize), at: &ConnectionName) -> Option<Question> {
    let (one, other) = (review.solver.rule(places.0)?, review.solver.rule(places.1)?);
    if !same_contact(own_contact(one, at), own_contact(other, at)) {
        return None;
    }
    Some(Question { demands: both(review, places), rules: vec![places.0, places.1], ..Question::default() })
}

fn both(review: &mut Review<'_, '_>, places: (usize, usize)) -> Vec<Demand> {
    vec![review.solver.matches(places.0, true), review.solver.matches(places.1, true)]
}

fn own_contact<'c>(rule: &'c Rule, at: &ConnectionName) -> Option<&'c ContactTemplate> {
    let there = rule.contact_at.iter().find(|(connection, _)| connection == at).map(|(_, contact)| contact);
    there.or(rule.contact.as_deref())
}

fn same_contact(one: Option<&ContactTemplate>, other: Option<&ContactTemplate>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => one.by == other.by && one.template.source == other.template.source,
        _ => false,
    }
}

fn sets_of<'c>(review: &mut Review<'c, '_>, uses: &[SetUse<'c>]) {
    let mut earlier = Earlier::new(review.solver.catalog());
    for (number, later) in uses.iter().enumerate() {
        let Some(rule) = review.solver.rule(later.place) else { continue };
        let before = earlier.add(number, rule, |other| uses.get(other).map_or(usize::MAX, |used| used.place));
        let (connection, field) = (later.connection.as_str(), later.field);
        let mut rivals = Vec::new();
        let mut doubt = None;
        for other in before.into_iter().filter_map(|other| uses.get(other)) {
            if rivals.len() >= MOST_RIVALS || is_same(other.value, later.value) {
                continue;
            }
            let Some(question) = pair(review, (other.place, later.place), later.connection) else { continue };
            let Some(earlier_rule) = review.solver.rule(other.place) else { continue };
            let shows = |trial: &Trial| {
                let (Some(first), Some(second)) = (trial.outcome(&earlier_rule.id), trial.outcome(&rule.id)) else {
                    return false;
                };
                let value = |outcome: &crate::rules::testing::model::Outcome| {
                    outcome.sets.get(connection).and_then(|fields| fields.get(field)).cloned()
                };
                let same = first.contacts.get(connection) == second.contacts.get(connection);
                same && matches!((value(first), value(second)), (Some(one), Some(other)) if one != other)
            };
            match meet(review, &question, &shows) {
                Met::Apart => {}
                Met::Clash(witness) => {
                    let at = review.places.key(earlier_rule, &["set", connection], field);
                    let label = format!("`{}` sets it here", earlier_rule.id);
                    rivals.push(Rival { rule: earlier_rule, at, label, witness: *witness });
                }
                Met::ByList(witness) => {
                    doubt.get_or_insert((earlier_rule, Some(*witness)));
                }
                Met::Doubt => {
                    let fixed = |value| matches!(value, &JsonTemplate::Fixed(_));
                    doubt = doubt.or((fixed(other.value) && fixed(later.value)).then_some((earlier_rule, None)));
                }
            }
        }
        if rivals.is_empty() && doubt.is_none() {
            continue;
        }
        let other = rivals.first().map_or_else(String::new, |rival| rival.rule.id.to_string());
        let quarrel = Quarrel {
            code: Code::TwoValues,
            later: rule,
            at: review.places.key(rule, &["set", connection], field),
            about: format!("`{field}`"),
            message: format!(
                "this sets `{field}` at `{connection}`, and `{other}` may have set it to another value for the same event"
            ),
            help: "the later one wins; tell the two apart by `match` or `when`, or give the earlier one `stop: true`",
        };
        tell(review, &quarrel, &rivals);
        if let Some((earlier_rule, witness)) = doubt {
            let at = review.places.key(earlier_rule, &["set", connection], field);
            tell_doubt(review, &quarrel, &Doubt { rule: earlier_rule, at, witness });
        }
    }
}

/// Whether two values are always the same.
fn is_same(one: &JsonTemplate, other: &JsonTemplate) -> bool {
    match (one, other) {
        (JsonTemplate::Fixed(one), JsonTemplate::Fixed(other)) => one.canonical() == other.canonical(),
        (JsonTemplate::Text(one), JsonTemplate::Text(other)) => one.source == other.source,
        _ => false,
    }
}

fn replies_of(review: &mut Review<'_, '_>, places: &[usize]) {
    let mut earlier = Earlier::new(review.solver.catalog());
    for (number, place) in places.iter().enumerate() {
        let Some(rule) = review.solver.rule(*place) else { continue };
        let before = earlier.add(number, rule, |other| places.get(other).copied().unwrap_or(usize::MAX));
        let mut rivals = Vec::new();
        let mut doubt = None;
        for other in before.into_iter().filter_map(|other| places.get(other).copied()) {
            if rivals.len() >= MOST_RIVALS {
                break;
            }
            let Some(earlier_rule) = review.solver.rule(other) else { continue };
            let demands = both(review, (other, *place));
            let question = Question { demands, rules: vec![other, *place], ..Question::default() };
            let shows = |trial: &Trial| trial.matched(&earlier_rule.id) && trial.matched(&rule.id);
            match meet(review, &question, &shows) {
                Met::Apart => {}
                Met::Clash(witness) => {
                    let at = review.places.key(earlier_rule, &[], "reply");
                    let label = format!("`{}` answers first", earlier_rule.id);
                    rivals.push((other, Rival { rule: earlier_rule, at, label, witness: *witness }));
                }
                Met::ByList(witness) => {
                    doubt.get_or_insert((earlier_rule, Some(*witness)));
                }
                Met::Doubt => doubt = doubt.or(Some((earlier_rule, None))),
            }
        }
        let never = never_answers(review, *place, &rivals);
        let rivals: Vec<Rival<'_>> = rivals.into_iter().map(|(_, rival)| rival).collect();
        let other = rivals.first().map_or_else(String::new, |rival| rival.rule.id.to_string());
        let (code, message, help) = if never {
            let message = "this is never the answer: earlier rules answer first whatever the event".to_owned();
            (Code::NeverAnswers, message, "put the rule before them, make them narrower, or take the reply away")
        } else {
            let message = format!("this isn't the answer where `{other}` answers the same event first");
            let help = "give the earlier rule `stop: true` if it shall have the last word, or tell the two apart by `match` or `when`";
            (Code::TwoReplies, message, help)
        };
        let at = review.places.key(rule, &[], "reply").filter(|_| !rivals.is_empty() || doubt.is_some());
        let quarrel = Quarrel { code, later: rule, at, about: "the reply".to_owned(), message, help };
        tell(review, &quarrel, &rivals);
        if let Some((earlier_rule, witness)) = doubt {
            let at = review.places.key(earlier_rule, &[], "reply");
            tell_doubt(review, &quarrel, &Doubt { rule: earlier_rule, at, witness });
        }
    }
}

/// Whether one of these always answers before. A reply that is rendered may be a fault, and then the next one is the answer.
fn never_answers(review: &mut Review<'_, '_>, place: usize, rivals: &[(usize, Rival<'_>)]) -> bool {
    let sure = rivals.iter().filter(|(_, rival)| is_sure(rival.rule)).map(|(other, _)| *other);
    let mut demands: Vec<Demand> = Vec::new();
    for other in sure {
        demands.push(review.solver.matches(other, false));
    }
    if demands.is_empty() {
        return false;
    }
    demands.push(review.solver.matches(place, true));
    review.solver.is_impossible(&demands)
}

fn is_sure(rule: &Rule) -> bool {
    let Some(reply) = &rule.reply else { return false };
    let is_plain =
        reply.messages.is_empty() && reply.payload.is_none() && reply.contexts.is_empty() && reply.event.is_none();
    is_plain && matches!(&reply.text, Some(TextTemplate::One(text)) if text.fixed().is_some())
}
