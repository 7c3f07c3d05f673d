//! The solver: can rules match one event, can one match at all, is a condition always true?
//!
//! A rule's `match` and `when` become a formula over the parts of an event (`compile`), each comparison cutting the values of one
//! part in three: true, false, a fault (`cut`, `values`). `search` looks for values that make formulas true, or proves that
//! there are none. What it finds becomes an event (`witness`) and is tried on the code that judges real events, so a find is
//! certain too. In between lies "maybe": what depends on several parts at once, or on texts that no sample fits.

mod compile;
mod cut;
mod formula;
mod glob;
mod invert;
mod numbers;
mod pick;
mod search;
mod texts;
mod trial;
mod values;
mod vars;
mod wishes;
mod witness;
mod yaml;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::catalog::Catalog;
use super::expr::Expr;
use super::model::{Rule, TagTemplate};
use super::pattern::{ParamPattern, Pattern};
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::tag::TagName;
use compile::Compiler;
use formula::Formula;
use pick::Pick;
use search::{Budget, State, search};
use vars::{Home, Vars};
use witness::{Builder, Sample, Wish};

pub use formula::Outcomes;
pub use search::Found;
pub use trial::Trial;
pub use witness::Witness;

/// Something that must be so of an event.
pub type Demand = Rc<Formula>;

/// What is looked for.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// All of these must be so.
    pub demands: Vec<Demand>,
    /// The places of the rules that it is about: they judge the examples, with those that may stop the event before.
    pub rules: Vec<usize>,
    /// What the contact has before.
    pub tagged: Vec<(ConnectionName, Vec<TagName>)>,
    /// Whether a parameter may be a list though no source says so.
    pub lists: Lists,
}

/// Whether a parameter may be a list though no source says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lists {
    /// It may: a platform may send one for any parameter.
    #[default]
    Anywhere,
    /// It isn't.
    WhereDeclared,
}

/// So many rules that stop an event are asked to let it through, one after the other.
const MOST_STOPS: usize = 24;
/// The steps that one question may take.
const STEPS_A_QUESTION: usize = 4_000;
/// The steps that all questions may take together, whatever the set, and for each of its rules on top.
const STEPS: usize = 1_000_000;
const STEPS_A_RULE: usize = 200;

/// Answers questions about the rules of one set.
#[derive(Debug)]
pub struct Solver<'c> {
    catalog: &'c Catalog,
    compiler: Compiler<'c>,
    homes: Vec<Home>,
    places: HashMap<&'c RuleId, usize>,
    matches: HashMap<(usize, bool), Demand>,
    wishes: HashMap<usize, Rc<[Wish]>>,
    /// The rules that let no later one see an event.
    stops: Vec<usize>,
    /// Those that the last question was told to get past.
    passed: Vec<usize>,
    left: usize,
    given_up: usize,
    /// Set by whoever doesn't want the answers any more.
    stop: &'c AtomicBool,
}

impl<'c> Solver<'c> {
    /// For the rules of a set. Once `stop` is set, every question is given up.
    pub fn new(catalog: &'c Catalog, stop: &'c AtomicBool) -> Self {
        let homes = Home::all(catalog.all_sources().iter());
        let compiler = Compiler::new(catalog, Vars::new(&homes));
        let places = catalog.all_rules().iter().enumerate().map(|(place, rule)| (&rule.id, place)).collect();
        let is_stop = |(_, rule): &(usize, &Rule)| rule.enabled && rule.stop;
        let stops = catalog.all_rules().iter().enumerate().filter(is_stop).map(|(place, _)| place).collect();
        let (matches, wishes, passed) = (HashMap::new(), HashMap::new(), Vec::new());
        let left = STEPS + STEPS_A_RULE * catalog.rule_count();
        Self { catalog, compiler, homes, places, matches, wishes, stops, passed, left, given_up: 0, stop }
    }

    /// The set.
    pub fn catalog(&self) -> &'c Catalog {
        self.catalog
    }

    /// The rule at a place.
    pub fn rule(&self, place: usize) -> Option<&'c Rule> {
        self.catalog.all_rules().get(place)
    }

    /// The rules that let no later one see an event, by their places.
    pub fn stops(&self) -> &[usize] {
        &self.stops
    }

    /// The rules that stood in the way of the last question.
    pub fn passed(&self) -> &[usize] {
        &self.passed
    }

    /// How many questions took more work than is allowed. Their answer is the one of which nobody is told: that there may be
    /// something.
    pub fn given_up(&self) -> usize {
        self.given_up
    }

    /// Whether no step is left for any question.
    pub fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// Counts a question that isn't even asked.
    pub fn give_up(&mut self) {
        self.given_up += 1;
    }

    /// The rule at this place matches, or doesn't, whatever stands before it.
    pub fn matches(&mut self, place: usize, matches: bool) -> Demand {
        if let Some(known) = self.matches.get(&(place, matches)) {
            return Rc::clone(known);
        }
        let Some(rule) = self.rule(place) else { return Rc::new(Formula::Never) };
        let made = self.compiler.rule(rule, matches);
        self.matches.insert((place, matches), Rc::clone(&made));
        made
    }

    /// The `match` of a rule fits.
    pub fn fits(&mut self, rule: &'c Rule) -> Demand {
        self.compiler.matcher(&rule.matcher, true)
    }

    /// An expression comes to one of these.
    pub fn truth(&mut self, expr: &'c Expr, outcomes: Outcomes) -> Demand {
        self.compiler.truth(expr, outcomes)
    }

    /// What `and` or `or` would come to with these parts alone.
    pub fn chain(&mut self, parts: &[&'c Expr], outcomes: Outcomes, going_on: Outcomes) -> Demand {
        self.compiler.chain(parts, outcomes, going_on)
    }

    /// A tag's template renders to this name. `None` where nothing can be said of that.
    pub fn renders(&mut self, template: &'c TagTemplate, name: &str) -> Option<Demand> {
        wishes::renders(&mut self.compiler.vars, template, name)
    }

    /// Whether no event of any source makes all of these so.
    pub fn is_impossible(&mut self, demands: &[Demand]) -> bool {
        (0..self.homes.len())
            .all(|home| matches!(self.search(home, demands, Lists::Anywhere, &mut |_, _, _| Some(())), Found::Never))
    }

    /// One search, within what may still be done.
    fn search<T>(
        &mut self,
        home: usize,
        demands: &[Demand],
        lists: Lists,
        accept: &mut dyn FnMut(&Self, &Home, &State) -> Option<T>,
    ) -> Found<T> {
        let Some(at) = self.homes.get(home) else { return Found::Never };
        if self.stop.load(Ordering::Relaxed) {
            self.left = 0;
        }
        let mut budget = Budget { left: STEPS_A_QUESTION.min(self.left) };
        let all = budget.left;
        let found =
            search((&self.compiler.vars, at, lists), demands, &mut budget, &mut |state| accept(self, at, state));
        self.left -= all - budget.left;
        self.given_up += usize::from(matches!(found, Found::TooMuch));
        found
    }

    /// Looks for an event that stands the trial. Rules that stop it before are told to let it through, as long as they can.
    pub fn find(&mut self, question: &Question, trial: &dyn Fn(&Trial) -> bool) -> Found<Witness> {
        let wishes: Vec<Wish> = question.rules.iter().flat_map(|place| self.wishes(*place).to_vec()).collect();
        let mut answer = Found::Never;
        self.passed.clear();
        for home in 0..self.homes.len() {
            match self.find_at(home, question, &wishes, trial) {
                Found::Never => {}
                found @ Found::One(_) => return found,
                other if matches!(answer, Found::Never) => answer = other,
                _ => {}
            }
        }
        answer
    }

    fn find_at(
        &mut self,
        home: usize,
        question: &Question,
        wishes: &[Wish],
        trial: &dyn Fn(&Trial) -> bool,
    ) -> Found<Witness> {
        let mut demands = question.demands.clone();
        for _ in 0..MOST_STOPS {
            let found = self.search(home, &demands, question.lists, &mut |solver, home, state| {
                let builder = Builder { catalog: solver.catalog, vars: &solver.compiler.vars, home, state, wishes };
                [Sample::Text, Sample::Number].into_iter().find_map(|sample| {
                    let witness = Witness { tagged: question.tagged.clone(), ..builder.build(sample)? };
                    let tried = Trial::new(solver.catalog, &witness, &solver.tried(&question.rules));
                    if trial(&tried) {
                        return Some((witness, None));
                    }
                    let stop = solver.stop(&tried, &question.rules)?;
                    Some((witness, Some(stop)))
                })
            });
            match found {
                Found::One((witness, None)) => return Found::One(witness),
                Found::One((_, Some(stop))) => {
                    self.passed.push(stop);
                    demands.push(self.matches(stop, false));
                }
                Found::Never => return Found::Never,
                Found::Unknown => return Found::Unknown,
                Found::TooMuch => return Found::TooMuch,
            }
        }
        Found::Unknown
    }

    /// These rules and those that may stop an event before the last of them, in their order.
    fn tried(&self, rules: &[usize]) -> Vec<usize> {
        let last = rules.iter().max().copied().unwrap_or_default();
        let mut tried: Vec<usize> =
            self.stops.iter().copied().take_while(|stop| *stop < last).chain(rules.iter().copied()).collect();
        tried.sort_unstable();
        tried.dedup();
        tried
    }

    /// The place of the rule that kept the event from one of these.
    fn stop(&self, tried: &Trial, rules: &[usize]) -> Option<usize> {
        let last = *self.places.get(tried.decision.rules.last()?)?;
        let stops = self.rule(last)?.stop && rules.iter().any(|place| *place > last);
        stops.then_some(last)
    }

    fn wishes(&mut self, place: usize) -> Rc<[Wish]> {
        if let Some(known) = self.wishes.get(&place) {
            return Rc::clone(known);
        }
        let Some(rule) = self.rule(place) else { return Rc::default() };
        let made: Rc<[Wish]> = wishes::of(&mut self.compiler.vars, rule).into();
        self.wishes.insert(place, Rc::clone(&made));
        made
    }
}

/// Whether every text that fits the second pattern fits the first.
pub fn covers(wide: &Pattern, narrow: &Pattern) -> bool {
    let (wide, narrow) = (glob::Glob::any_of([wide]), glob::Glob::any_of([narrow]));
    glob::common(&[(&narrow, true), (&wide, false)]) == Pick::Empty
}

/// Whether everything that fits the second fits the first.
pub fn covers_param(wide: &ParamPattern, narrow: &ParamPattern) -> bool {
    let (wide, narrow) = (cut::param(std::slice::from_ref(wide)), cut::param(std::slice::from_ref(narrow)));
    let mut both = narrow.yes.meet(&wide.no);
    // A list fits by its items, so these are told by the items alone.
    both.lists = None;
    both.is_empty()
}
