//! Formulas: what must be true of an event's variables.

use std::rc::Rc;

use super::values::Values;

/// Names a variable: its place in the list of all.
pub type VarId = usize;

/// What must be true.
#[derive(Debug)]
pub enum Formula {
    /// Nothing: it always is.
    Always,
    /// It never is.
    Never,
    /// A variable is in a set.
    Is(VarId, Box<Values>),
    /// All of these.
    All(Vec<Rc<Formula>>),
    /// Any of these.
    Any(Vec<Rc<Formula>>),
}

/// What a condition may come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Outcomes {
    pub yes: bool,
    pub no: bool,
    pub fault: bool,
}

impl Outcomes {
    /// It is true.
    pub const YES: Self = Self { yes: true, no: false, fault: false };
    /// It is false.
    pub const NO: Self = Self { yes: false, no: true, fault: false };
    /// It is true or false, and no fault.
    pub const SURE: Self = Self { yes: true, no: true, fault: false };
    /// It is a fault.
    pub const FAULT: Self = Self { yes: false, no: false, fault: true };
    /// It is false or a fault, which is no match either.
    pub const NOT_YES: Self = Self { yes: false, no: true, fault: true };
    /// It is true or a fault.
    pub const NOT_NO: Self = Self { yes: true, no: false, fault: true };

    /// What `not` makes of it.
    pub fn swapped(self) -> Self {
        Self { yes: self.no, no: self.yes, fault: self.fault }
    }
}

/// All of these.
pub fn all(parts: impl IntoIterator<Item = Rc<Formula>>) -> Rc<Formula> {
    let mut list = Vec::new();
    for part in parts {
        match &*part {
            Formula::Always => {}
            Formula::Never => return part,
            _ => list.push(part),
        }
    }
    match (list.pop(), list.is_empty()) {
        (None, _) => Rc::new(Formula::Always),
        (Some(one), true) => one,
        (Some(last), false) => {
            list.push(last);
            Rc::new(Formula::All(list))
        }
    }
}

/// Any of these.
pub fn any(parts: impl IntoIterator<Item = Rc<Formula>>) -> Rc<Formula> {
    let mut list = Vec::new();
    for part in parts {
        match &*part {
            Formula::Never => {}
            Formula::Always => return part,
            _ => list.push(part),
        }
    }
    match (list.pop(), list.is_empty()) {
        (None, _) => Rc::new(Formula::Never),
        (Some(one), true) => one,
        (Some(last), false) => {
            list.push(last);
            Rc::new(Formula::Any(list))
        }
    }
}

/// A variable is in a set.
pub fn is(variable: VarId, set: Values) -> Rc<Formula> {
    Rc::new(Formula::Is(variable, Box::new(set)))
}
