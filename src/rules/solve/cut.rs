//! How a comparison cuts the values of one variable in three: those for which it is true, false, and a fault.

use std::rc::Rc;

use super::glob::Glob;
use super::numbers::{Exact, Numbers};
use super::texts::{Test, Texts};
use super::values::{Lists, Values};
use crate::domain::value::Value;
use crate::rules::expr::ast::Comparison;
use crate::rules::expr::regexp::Regexp;
use crate::rules::model::Matcher;
use crate::rules::pattern::{ParamPattern, Pattern};

/// The values of a variable for which something is true, false and a fault.
#[derive(Debug, Clone)]
pub struct Cut {
    pub yes: Values,
    pub no: Values,
    pub fault: Values,
}

impl Cut {
    /// Never a fault.
    fn sure(yes: Values, no: Values) -> Self {
        Self { yes, no, fault: Values::default() }
    }

    /// Whether it is set.
    pub fn is_set(negated: bool) -> Self {
        let (set, unset) = (Values::set(), Values::unset());
        if negated { Self::sure(unset, set) } else { Self::sure(set, unset) }
    }

    /// The value itself as a condition.
    pub fn truth() -> Self {
        let (yes, no) = (Values::truth(true, false), Values::truth(false, true));
        Self { yes, no, fault: Values { yes: false, no: false, ..Values::all() } }
    }

    /// `matches`
    pub fn regexp(regexp: &Regexp) -> Self {
        let test = |passed| Texts::that(Test::Regexp([regexp.clone()].into()), passed);
        Self {
            yes: Values::texts(test(true)),
            no: Values::texts(test(false)).or_unset(),
            fault: Values { texts: None, ..Values::set() },
        }
    }

    /// The variable compared with a constant. `None` where that can't be told from its values one by one.
    pub fn compare(operator: Comparison, constant: &Value<'_>) -> Option<Self> {
        if constant.is_unset() {
            return Some(Self::sure(Values::default(), Values::all()));
        }
        match operator {
            Comparison::Equal => {
                let (yes, other) = any_of(std::slice::from_ref(constant))?;
                Some(Self::sure(yes, other.or_unset()))
            }
            Comparison::NotEqual => {
                let (yes, other) = any_of(std::slice::from_ref(constant))?;
                Some(Self::sure(other, yes.or_unset()))
            }
            Comparison::In => match constant {
                Value::List(items) => {
                    let (yes, other) = any_of(items)?;
                    Some(Self::sure(yes, other.or_unset()))
                }
                _ => None,
            },
            Comparison::Contains => contains(constant),
            Comparison::Less => Some(order(
                constant,
                |end| (Numbers::to(end.clone(), false), Numbers::from(end, true)),
                |end| (Test::Before(end), true),
            )),
            Comparison::AtMost => Some(order(
                constant,
                |end| (Numbers::to(end.clone(), true), Numbers::from(end, false)),
                |end| (Test::UpTo(end), true),
            )),
            Comparison::Greater => Some(order(
                constant,
                |end| (Numbers::from(end.clone(), false), Numbers::to(end, true)),
                |end| (Test::UpTo(end), false),
            )),
            Comparison::AtLeast => Some(order(
                constant,
                |end| (Numbers::from(end.clone(), true), Numbers::to(end, false)),
                |end| (Test::Before(end), false),
            )),
        }
    }
}

/// Values that equal one of these, and those that are set and equal none.
fn any_of(constants: &[Value<'_>]) -> Option<(Values, Values)> {
    let (mut texts, mut numbers, mut truths) = (Vec::new(), Vec::new(), (false, false));
    for constant in constants {
        match constant {
            Value::Text(text) => texts.push(text.to_string()),
            Value::Number(number) => numbers.push(number.clone().into_owned()),
            Value::Bool(true) => truths.0 = true,
            Value::Bool(false) => truths.1 = true,
            // Something unset in a list is equal to nothing that is set.
            Value::Unset => {}
            Value::List(_) | Value::Map(_) => return None,
        }
    }
    let glob = Rc::new(Glob::texts(texts.iter().map(String::as_str)));
    let yes = Values {
        yes: truths.0,
        no: truths.1,
        numbers: Some(Numbers::only(numbers.iter().cloned())),
        texts: Some(Texts::only(texts)),
        ..Values::default()
    };
    let other = Values {
        yes: !truths.0,
        no: !truths.1,
        numbers: Some(Numbers::but(numbers)),
        texts: Some(Texts::that(Test::Glob(glob), false)),
        ..Values::set()
    };
    Some((yes, other))
}

fn contains(constant: &Value<'_>) -> Option<Cut> {
    let (item, others) = any_of(std::slice::from_ref(constant))?;
    let (mut yes, mut no) = (Values::default(), Values::unset());
    yes.lists = Some(Lists::with(item));
    no.lists = Some(Lists::of(others.or_unset()));
    let mut fault = Values { lists: None, ..Values::set() };
    if let Value::Text(part) = constant {
        let test = |passed| Some(Texts::that(Test::Glob(Rc::new(Glob::containing(part))), passed));
        (yes.texts, no.texts, fault.texts) = (test(true), test(false), None);
    }
    Some(Cut { yes, no, fault })
}

fn order(
    constant: &Value<'_>,
    numbers: impl FnOnce(Exact) -> (Numbers, Numbers),
    text: impl FnOnce(Rc<str>) -> (Test, bool),
) -> Cut {
    match constant {
        Value::Number(number) => {
            let (yes, no) = numbers(number.clone().into_owned());
            let fault = Values { numbers: None, ..Values::set() };
            Cut { yes: Values::numbers(yes), no: Values::numbers(no).or_unset(), fault }
        }
        Value::Text(end) => {
            let (test, passed) = text(end.as_ref().into());
            let (yes, no) = (Texts::that(test.clone(), passed), Texts::that(test, !passed));
            let fault = Values { texts: None, ..Values::set() };
            Cut { yes: Values::texts(yes), no: Values::texts(no).or_unset(), fault }
        }
        // Whatever it is compared with, that is a fault.
        _ => Cut { yes: Values::default(), no: Values::unset(), fault: Values::set() },
    }
}

/// Texts that fit one of these; all others and unset.
pub fn patterns(wanted: &[Pattern]) -> Cut {
    text(&Test::Glob(Rc::new(Glob::any_of(wanted))))
}

/// Languages that one of the rule's covers; all others and unset.
pub fn languages(matcher: &Matcher) -> Cut {
    text(&Test::Glob(Rc::new(Glob::languages(&*matcher.languages))))
}

/// What passes, and what doesn't or is unset.
pub fn text(test: &Test) -> Cut {
    let that = |passed| Values::texts(Texts::that(test.clone(), passed));
    Cut::sure(that(true), that(false).or_unset())
}

/// What `match.params` says of one parameter: a list fits by any of its items, items that are lists again included.
pub fn param(wanted: &[ParamPattern]) -> Cut {
    if wanted.iter().any(|pattern| matches!(pattern, ParamPattern::Set)) {
        return Cut::is_set(false);
    }
    let texts: Vec<&Pattern> = wanted
        .iter()
        .filter_map(|pattern| match pattern {
            ParamPattern::Text(pattern) => Some(pattern),
            _ => None,
        })
        .collect();
    let values: Vec<Value<'static>> = wanted
        .iter()
        .filter_map(|pattern| match pattern {
            ParamPattern::Value(value) => Some(value.clone()),
            _ => None,
        })
        .collect();
    // Only numbers, `true` and `false` are written as values, so there are always two sets.
    let (mut yes, mut no) = any_of(&values).unwrap_or_default();
    let glob = Rc::new(Glob::any_of(texts));
    yes.texts = Some(Texts::that(Test::Glob(Rc::clone(&glob)), true));
    no.texts = Some(Texts::that(Test::Glob(glob), false));
    yes.lists = Some(Lists::with_leaf(yes.clone()));
    no.lists = Some(Lists::of_leaves(no.clone().or_unset()));
    Cut::sure(yes, no.or_unset())
}
