//! A rule with one thing changed: its `match`, its conditions, its effects.

use super::expression::{self, Changed};
use crate::domain::tag::TagName;
use crate::rules::coverage::name;
use crate::rules::expr::Condition;
use crate::rules::expr::ast::Node;
use crate::rules::model::{Matcher, ParamPatterns, Rule, TextTemplate};
use crate::rules::pattern::{ParamPattern, Pattern};
use crate::rules::places::Way;
use crate::rules::shared::Shared;

/// What of a rule is changed: it says which tests may notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Touched {
    /// Which events fit.
    Match,
    /// Which of those that fit match.
    When,
    /// What becomes of those that match.
    Effect,
}

/// A rule with one thing changed.
pub struct Mutant {
    /// Where.
    pub way: Way,
    /// What, in words.
    pub what: String,
    /// What a test would need to notice it, where that is plain.
    pub hint: Option<String>,
    /// Which part.
    pub touched: Touched,
    /// The rule.
    pub rule: Rule,
}

/// What is around a rule, so that no change is made that can't matter.
#[derive(Clone, Copy)]
pub struct Around<'a> {
    /// What the rule files name.
    pub shared: &'a Shared,
    /// Whether there are other sources.
    pub other_sources: bool,
    /// Whether a later rule could see the event.
    pub has_later: bool,
}

struct Bench<'b> {
    rule: &'b Rule,
    around: Around<'b>,
    mutants: Vec<Mutant>,
}

/// Where a matcher has values by name.
type OfValues<K> = fn(&mut Matcher) -> &mut Box<[(K, ParamPatterns)]>;

/// Every change of a rule that tests should notice.
pub fn mutants(rule: &Rule, around: Around<'_>) -> Vec<Mutant> {
    let mut bench = Bench { rule, around, mutants: Vec::new() };
    bench.matcher();
    if let Some(when) = &rule.when {
        bench.condition(when, Touched::When, &Way::start().key("when"), |rule, when| rule.when = when);
    }
    bench.tags();
    bench.effects();
    bench.reply();
    bench.mutants
}

impl Bench<'_> {
    /// The rule with something else.
    fn add(&mut self, touched: Touched, way: Way, what: String, hint: Option<String>, change: impl FnOnce(&mut Rule)) {
        let mut rule = self.rule.clone();
        change(&mut rule);
        self.mutants.push(Mutant { way, what, hint, touched, rule });
    }

    fn matcher(&mut self) {
        let Matcher { sources, intents, types, languages, params, details, contains, regex } = &self.rule.matcher;
        let start = Way::start().key("match");
        if self.around.other_sources {
            self.list("source", sources, &start, |source| Some(source.to_string()), |matcher| &mut matcher.sources);
        }
        self.list("intent", intents, &start, exact, |matcher| &mut matcher.intents);
        self.stars("intent", intents, &start, |matcher| &mut matcher.intents);
        self.list("type", types, &start, exact, |matcher| &mut matcher.types);
        self.stars("type", types, &start, |matcher| &mut matcher.types);
        self.list("language", languages, &start, |one| Some(one.to_string()), |matcher| &mut matcher.languages);
        let text = start.key("text");
        self.list("contains", contains, &text, |_| None, |matcher| &mut matcher.contains);
        let written: Vec<_> = regex.iter().map(|regexp| Written(regexp.source())).collect();
        self.list_of("regex", &written, &text, |_| None, |matcher, index| without(&mut matcher.regex, index));
        for (index, (name, wanted)) in params.iter().enumerate() {
            let way = start.key("params").key(&**name);
            self.values(&format!("params.{name}"), &way, index, wanted, |matcher| &mut matcher.params);
        }
        for (index, (detail, wanted)) in details.iter().enumerate() {
            self.values(detail.name(), &start.key(detail.name()), index, wanted, |matcher| &mut matcher.details);
        }
    }

    /// Something that has a value of its own, left out, and with one value less.
    fn values<K: Clone>(&mut self, name: &str, way: &Way, index: usize, wanted: &[ParamPattern], of: OfValues<K>) {
        let what = format!("`{name}` could be left out of `match`");
        self.add(Touched::Match, way.clone(), what, None, |rule| without(of(&mut rule.matcher), Some(index)));
        for (item, pattern) in wanted.iter().enumerate().filter(|_| wanted.len() > 1) {
            let what = format!("{pattern} could be left out");
            self.add(Touched::Match, way.item(item), what, None, |rule| {
                if let Some((_, wanted)) = of(&mut rule.matcher).get_mut(index) {
                    without(wanted, Some(item));
                }
            });
        }
    }

    /// A list of which any one must fit, with one less, and left out as a whole.
    fn list<T: Clone + std::fmt::Display>(
        &mut self,
        key: &str,
        items: &[T],
        way: &Way,
        event: fn(&T) -> Option<String>,
        of: fn(&mut Matcher) -> &mut Box<[T]>,
    ) {
        let hint = |item: &T| event(item).map(|value| format!("`{key}` of {value}"));
        self.list_of(key, items, way, hint, |matcher, index| without(of(matcher), index));
    }

    fn list_of<T: std::fmt::Display>(
        &mut self,
        key: &str,
        items: &[T],
        way: &Way,
        hint: impl Fn(&T) -> Option<String>,
        change: impl Fn(&mut Matcher, Option<usize>),
    ) {
        if items.is_empty() {
            return;
        }
        let way = way.key(key);
        for (index, item) in items.iter().enumerate().filter(|_| items.len() > 1) {
            let what = format!("`{item}` could be left out");
            self.add(Touched::Match, way.item(index), what, hint(item), |rule| change(&mut rule.matcher, Some(index)));
        }
        let what = format!("`{key}` could be left out of `match`");
        self.add(Touched::Match, way, what, None, |rule| change(&mut rule.matcher, None));
    }

    /// `pricing.*` without its star.
    fn stars(&mut self, key: &str, patterns: &[Pattern], way: &Way, of: fn(&mut Matcher) -> &mut Box<[Pattern]>) {
        for (index, pattern) in patterns.iter().enumerate().filter(|(_, pattern)| pattern.exact().is_none()) {
            let bare = pattern.to_string().replace('*', "");
            if bare.is_empty() {
                continue;
            }
            let what = format!("`{pattern}` could be `{bare}`");
            self.add(Touched::Match, way.key(key).item(index), what, None, |rule| {
                if let Some(place) = of(&mut rule.matcher).get_mut(index) {
                    *place = Pattern::parse(&bare);
                }
            });
        }
    }

    fn condition(
        &mut self,
        condition: &Condition,
        touched: Touched,
        way: &Way,
        set: impl Fn(&mut Rule, Option<Condition>),
    ) {
        for Changed { within, what, hint, expr } in
            expression::of_condition(&condition.expr, &condition.source, self.around.shared)
        {
            let changed = Condition { source: condition.source.clone(), expr: Box::new(expr) };
            self.add(touched, way.within(within), what, hint, |rule| set(rule, Some(changed)));
        }
        // Of a chain of `and` each part is left out already.
        if !matches!(condition.expr.node, Node::And(_)) {
            let what = format!("`{}` could be left out", condition.source.trim());
            self.add(touched, way.clone(), what, None, |rule| set(rule, None));
        }
    }

    fn tags(&mut self) {
        for (at, block) in self.rule.tags.iter().enumerate() {
            let way = Way::start().key("tag").key(block.connection.as_str());
            for (side, other) in [("add", "remove"), ("remove", "add")] {
                let entries = if side == "add" { &block.add } else { &block.remove };
                for (index, entry) in entries.iter().enumerate() {
                    let way = way.key(side).item(index);
                    let take = move |rule: &mut Rule| {
                        let block = rule.tags.get_mut(at)?;
                        let list = if side == "add" { &mut block.add } else { &mut block.remove };
                        let entry = list.get(index).cloned();
                        without(list, Some(index));
                        entry
                    };
                    let what = format!("{} could be left out of `{side}`", name(entry));
                    self.add(Touched::Effect, way.clone(), what, None, |rule| drop(take(rule)));
                    let what = format!("{} could stand in `{other}`", name(entry));
                    self.add(Touched::Effect, way.clone(), what, None, |rule| {
                        if let (Some(mut entry), Some(block)) = (take(rule), rule.tags.get_mut(at)) {
                            entry.lasts = None;
                            let list = if side == "add" { &mut block.remove } else { &mut block.add };
                            *list = list.iter().cloned().chain([entry]).collect();
                        }
                    });
                    if entry.lasts.is_some() {
                        let what = format!("`for` of {} could be left out", name(entry));
                        let hint = Some("a step after that time".to_owned());
                        self.add(Touched::Effect, way.key("for"), what, hint, |rule| {
                            if let Some(entry) = rule.tags.get_mut(at).and_then(|block| block.add.get_mut(index)) {
                                entry.lasts = None;
                            }
                        });
                    }
                    if let Some(when) = &entry.when {
                        self.condition(when, Touched::Effect, &way.key("when"), |rule, when| {
                            if let Some(block) = rule.tags.get_mut(at) {
                                let list = if side == "add" { &mut block.add } else { &mut block.remove };
                                if let Some(entry) = list.get_mut(index) {
                                    entry.when = when;
                                }
                            }
                        });
                    }
                }
            }
            let guard = &block.guard;
            for (key, tags) in [("if_tagged", &guard.if_tagged), ("unless_tagged", &guard.unless_tagged)] {
                for (index, tag) in tags.iter().enumerate() {
                    let what = format!("`{tag}` could be left out of `{key}`");
                    let hint = Some(contact(key, tag));
                    self.add(Touched::Effect, way.key(key).item(index), what, hint, |rule| {
                        if let Some(block) = rule.tags.get_mut(at) {
                            let guard = &mut block.guard;
                            let tags = if key == "if_tagged" { &mut guard.if_tagged } else { &mut guard.unless_tagged };
                            tags.remove(index);
                        }
                    });
                }
            }
        }
    }

    fn effects(&mut self) {
        let (rule, start) = (self.rule, Way::start());
        for (at, block) in rule.sets.iter().enumerate() {
            for (index, (field, _)) in block.fields.iter().enumerate() {
                let way = start.key("set").key(block.connection.as_str()).key(&**field);
                self.add(Touched::Effect, way, format!("`{field}` could be left out of `set`"), None, |rule| {
                    if let Some(block) = rule.sets.get_mut(at) {
                        without(&mut block.fields, Some(index));
                    }
                });
            }
        }
        for (index, forward) in rule.forwards.iter().enumerate() {
            let way = start.key("forward").key(forward.connection.as_str());
            let what = format!("the forward to `{}` could be left out", forward.connection);
            self.add(Touched::Effect, way, what, None, |rule| without(&mut rule.forwards, Some(index)));
        }
        if rule.once.is_some() {
            let hint = Some("a second event within that time".to_owned());
            let what = "`once` could be left out".to_owned();
            self.add(Touched::Effect, start.key("once"), what, hint, |rule| rule.once = None);
        }
        if rule.contact.is_some() {
            let what = "`contact` could be left out".to_owned();
            self.add(Touched::Effect, start.key("contact"), what, None, |rule| rule.contact = None);
        }
        for (index, (connection, _)) in rule.contact_at.iter().enumerate() {
            let way = start.key("contact_at").key(connection.as_str());
            let what = format!("`{connection}` could be left out of `contact_at`");
            self.add(Touched::Effect, way, what, None, |rule| without(&mut rule.contact_at, Some(index)));
        }
        if rule.stop && self.around.has_later {
            let hint = Some("an event that a later rule matches too".to_owned());
            let what = "`stop` could be left out".to_owned();
            self.add(Touched::Effect, start.key("stop"), what, hint, |rule| rule.stop = false);
        }
    }

    fn reply(&mut self) {
        let Some(reply) = self.rule.reply.as_deref() else { return };
        let way = Way::start().key("reply");
        self.add(Touched::Effect, way.clone(), "`reply` could be left out".to_owned(), None, |rule| rule.reply = None);
        let Some(TextTemplate::Languages { each, .. }) = &reply.text else { return };
        for (index, (language, _)) in each.iter().enumerate() {
            let way = way.key("text").key(language.to_string());
            let hint = Some(format!("`language` of {language}"));
            let what = format!("the words in `{language}` could be left out");
            self.add(Touched::Effect, way, what, hint, |rule| {
                let text = rule.reply.as_mut().and_then(|reply| reply.text.as_mut());
                if let Some(TextTemplate::Languages { each, .. }) = text {
                    without(each, Some(index));
                }
            });
        }
    }
}

/// What a pattern without a star is.
fn exact(pattern: &Pattern) -> Option<String> {
    pattern.exact().map(str::to_owned)
}

/// Takes one item out, or all.
fn without<T: Clone>(items: &mut Box<[T]>, index: Option<usize>) {
    let kept = items.iter().enumerate().filter(|(at, _)| index.is_some_and(|index| index != *at));
    *items = kept.map(|(_, item)| item.clone()).collect();
}

fn contact(key: &str, tag: &TagName) -> String {
    if key == "if_tagged" {
        format!("a contact that has all the others and not `{tag}`")
    } else {
        format!("a contact that has `{tag}`")
    }
}

/// A text as it is written.
struct Written<'w>(&'w str);

impl std::fmt::Display for Written<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}
