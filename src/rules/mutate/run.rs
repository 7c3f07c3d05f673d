//! Trying mutants out: each is met by the tests that it can matter to, until one fails.

use std::collections::HashMap;

use super::rule::Touched;
use crate::domain::event::Event;
use crate::rules::catalog::{Catalog, is_met};
use crate::rules::decide::{matches, scope};
use crate::rules::expr::Condition;
use crate::rules::model::Rule;
use crate::rules::record::{Mark, Record, address};
use crate::rules::testing::{BodyReader, RuleTest, Trigger, run};

/// Which tests come to which rule and condition, by their places.
#[derive(Debug, Default)]
pub struct Reach {
    /// By rule: tests with an event that fits.
    fits: Vec<Vec<usize>>,
    /// By rule: tests with an event that it matches.
    fired: Vec<Vec<usize>>,
    /// By condition: tests in which it is worked out.
    conditions: HashMap<String, Vec<usize>>,
}

impl Reach {
    /// Runs every test once. The answer is the name of one that fails, where one does.
    pub fn of(catalog: &Catalog, tests: &[RuleTest], read_body: &BodyReader<'_>) -> Result<Self, String> {
        let rules = catalog.all_rules();
        let mut reach =
            Self { fits: vec![Vec::new(); rules.len()], fired: vec![Vec::new(); rules.len()], ..Self::default() };
        for (at, test) in tests.iter().enumerate() {
            let record = Record::default();
            if !run(catalog, test, read_body, Some(&record)).passed {
                return Err(test.name.clone());
            }
            let notes = [(Mark::Fits, &mut reach.fits), (Mark::Fired, &mut reach.fired)];
            for (mark, by_rule) in notes {
                let seen = rules.iter().zip(by_rule).filter(|(rule, _)| record.has(mark, address(*rule)));
                seen.for_each(|(_, tests)| tests.push(at));
            }
            for (name, condition) in &catalog.shared().conditions {
                if record.has(Mark::Asked, address(&*condition.expr)) {
                    reach.conditions.entry(name.clone()).or_default().push(at);
                }
            }
        }
        Ok(reach)
    }
}

/// How a mutant fared.
pub enum Fate {
    /// A test fails.
    Noticed,
    /// None does, of so many that come to what was changed.
    Unnoticed(usize),
}

/// The events of a test, each with whom its source would have found.
type Events<'t> = Vec<(Event<'t>, Option<&'t str>)>;

/// The tests with their events at hand.
pub struct Range<'t> {
    tests: &'t [RuleTest],
    /// The events of each test that are written in short; `None`: one comes as a raw body.
    events: Vec<Option<Events<'t>>>,
    reach: &'t Reach,
    read_body: &'t BodyReader<'t>,
}

impl<'t> Range<'t> {
    /// Builds the events once.
    pub fn new(tests: &'t [RuleTest], reach: &'t Reach, read_body: &'t BodyReader<'t>) -> Self {
        Self { tests, events: tests.iter().map(events).collect(), reach, read_body }
    }

    /// Tries a rule in the place of another.
    pub fn try_rule(&self, catalog: &mut Catalog, place: usize, mutant: Rule, touched: Touched) -> Fate {
        let mut other = mutant;
        catalog.exchange(place, &mut other, touched == Touched::Match);
        let of = |by_rule: &'t [Vec<usize>]| by_rule.get(place).map(Vec::as_slice).unwrap_or_default();
        let fate = match touched {
            Touched::Effect => self.first(catalog, of(&self.reach.fired), |_| true),
            Touched::When => {
                self.first(catalog, of(&self.reach.fits), |at| self.may_differ(catalog, place, &other, at))
            }
            Touched::Match => {
                let all: Vec<usize> = (0..self.tests.len()).collect();
                match self.first(catalog, &all, |at| self.may_differ(catalog, place, &other, at)) {
                    Fate::Unnoticed(_) => Fate::Unnoticed(of(&self.reach.fits).len()),
                    Fate::Noticed => Fate::Noticed,
                }
            }
        };
        catalog.exchange(place, &mut other, false);
        fate
    }

    /// Tries a condition in the place of the one of this name.
    pub fn try_condition(&self, catalog: &mut Catalog, name: &str, mutant: Condition) -> Fate {
        let own = catalog.exchange_condition(name, mutant);
        let tests = self.reach.conditions.get(name).map(Vec::as_slice).unwrap_or_default();
        let fate = self.first(catalog, tests, |_| true);
        if let Some(own) = own {
            catalog.exchange_condition(name, own);
        }
        fate
    }

    fn first(&self, catalog: &Catalog, tests: &[usize], may_differ: impl Fn(usize) -> bool) -> Fate {
        for at in tests.iter().copied().filter(|at| may_differ(*at)) {
            let Some(test) = self.tests.get(at) else { continue };
            if !run(catalog, test, self.read_body, None).passed {
                return Fate::Noticed;
            }
        }
        Fate::Unnoticed(tests.len())
    }

    /// Whether the rule that is tried matches another of a test's events than the one before it. Where it matches the same,
    /// nothing else can differ either.
    fn may_differ(&self, catalog: &Catalog, place: usize, before: &Rule, test: usize) -> bool {
        let (Some(tried), Some(Some(events))) = (catalog.all_rules().get(place), self.events.get(test)) else {
            return true;
        };
        events.iter().any(|(event, found)| {
            let Some(source) = catalog.entry(event.source.as_str()) else { return false };
            let judged = |rule: &Rule| {
                let scope = scope(catalog, source, event, *found);
                let scope = crate::rules::expr::eval::Scope { rule_contact: rule.contact.as_deref(), ..scope };
                if is_met(rule, &event.source) { matches(rule, &scope) } else { Ok(false) }
            };
            judged(tried) != judged(before)
        })
    }
}

fn events(test: &RuleTest) -> Option<Events<'_>> {
    let mut now = test.at;
    let mut events = Vec::new();
    for step in &test.steps {
        now = now.plus(step.after);
        match &step.trigger {
            None => {}
            Some(Trigger::Event(event)) => events.push((event.event(now), event.contact.as_deref())),
            Some(Trigger::Request { .. }) => return None,
        }
    }
    Some(events)
}
