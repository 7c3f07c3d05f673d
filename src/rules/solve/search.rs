//! Looking for values of all variables that make formulas true, or for the proof that there are none.
//!
//! Variables are independent of each other, so a branch is a set of values for each, and it ends where one of them is empty.
//! What depends on several parts of an event is a variable of its own that may be anything: then more seems possible than is,
//! so "never" is always a proof, and a find is tried on the real thing.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::Lists;
use super::formula::{Formula, VarId};
use super::values::Values;
use super::vars::{Home, Vars};

/// What each variable may be.
pub type State = BTreeMap<VarId, Values>;

/// What became of a search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<T> {
    /// There is nothing: this is proven.
    Never,
    /// This.
    One(T),
    /// Nothing was found that stood the trial, and there may be something.
    Unknown,
    /// The work was more than was allowed.
    TooMuch,
}

/// How much work may still be done, in steps of some microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Budget {
    pub left: usize,
}

/// Finds are tried at most so often: the next one is mostly refused for the same reason.
const MOST_TRIALS: usize = 16;

/// Looks for events of one home for which all formulas are true, until `accept` makes something of one.
pub fn search<T>(
    (vars, home, lists): (&Vars<'_>, &Home, Lists),
    formulas: &[Rc<Formula>],
    budget: &mut Budget,
    accept: &mut dyn FnMut(&State) -> Option<T>,
) -> Found<T> {
    let mut search = Search { vars, home, lists, budget, accept, found: None, trials: 0, is_over: false };
    search.branch(State::new(), formulas.iter().map(Rc::as_ref).collect(), Vec::new());
    match search.found {
        Some(found) => Found::One(found),
        None if search.is_over => Found::TooMuch,
        None if search.trials > 0 => Found::Unknown,
        None => Found::Never,
    }
}

struct Search<'s, 'c, T> {
    vars: &'s Vars<'c>,
    home: &'s Home,
    lists: Lists,
    budget: &'s mut Budget,
    accept: &'s mut dyn FnMut(&State) -> Option<T>,
    found: Option<T>,
    trials: usize,
    is_over: bool,
}

impl<T> Search<'_, '_, T> {
    fn is_done(&self) -> bool {
        self.found.is_some() || self.is_over || self.trials >= MOST_TRIALS
    }

    /// Everything in `agenda` must hold, and one of each list in `open`.
    fn branch<'f>(&mut self, mut state: State, mut agenda: Vec<&'f Formula>, mut open: Vec<&'f [Rc<Formula>]>) {
        loop {
            // Parts may be shared, so that there are more ways than parts.
            if !self.may_go_on() {
                return;
            }
            while let Some(formula) = agenda.pop() {
                match formula {
                    Formula::Always => {}
                    Formula::Never => return,
                    Formula::All(parts) => agenda.extend(parts.iter().map(Rc::as_ref)),
                    Formula::Any(parts) => open.push(parts),
                    Formula::Is(variable, set) => match self.narrowed(&state, *variable, set) {
                        Some(narrowed) => drop(state.insert(*variable, narrowed)),
                        None => return,
                    },
                }
            }
            let Some((index, ways)) = self.fewest(&state, &open) else {
                self.trials += 1;
                self.found = (self.accept)(&state);
                return;
            };
            open.swap_remove(index);
            match ways.as_slice() {
                [] => return,
                [only] => agenda.push(only),
                several => {
                    for way in several {
                        self.branch(state.clone(), vec![way], open.clone());
                        if self.is_done() {
                            return;
                        }
                    }
                    return;
                }
            }
        }
    }

    /// The list with the fewest ways that are still open, and those; `None` where no list is left.
    fn fewest<'f>(&mut self, state: &State, open: &[&'f [Rc<Formula>]]) -> Option<(usize, Vec<&'f Formula>)> {
        let mut best: Option<(usize, Vec<&Formula>)> = None;
        for (index, parts) in open.iter().enumerate() {
            let is_open = |formula: &&Formula| match formula {
                Formula::Is(variable, set) => self.narrowed(state, *variable, set).is_some(),
                _ => true,
            };
            let ways: Vec<&Formula> = parts.iter().map(Rc::as_ref).filter(is_open).collect();
            let count = ways.len();
            if best.as_ref().is_none_or(|(_, known)| count < known.len()) {
                best = Some((index, ways));
            }
            if count <= 1 {
                break;
            }
        }
        best
    }

    /// Takes a step, if there is one left.
    fn may_go_on(&mut self) -> bool {
        self.is_over |= self.budget.left == 0;
        self.budget.left = self.budget.left.saturating_sub(1);
        !self.is_over
    }

    /// What is left of a variable's values; `None` where nothing is, or where the work is over.
    fn narrowed(&mut self, state: &State, variable: VarId, set: &Values) -> Option<Values> {
        if !self.may_go_on() {
            return None;
        }
        let narrowed = match state.get(&variable) {
            Some(known) => known.meet(set),
            None => self.vars.base(variable, self.home, self.lists).meet(set),
        };
        (!narrowed.is_empty()).then_some(narrowed)
    }
}
