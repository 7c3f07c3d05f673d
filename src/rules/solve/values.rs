//! Sets of values: what a part of an event may be.

use super::numbers::Numbers;
use super::pick::Pick;
use super::texts::Texts;
use crate::domain::json::Json;
use crate::domain::value::Value;

/// A set of values, kind by kind. A kind that is `None` or `false` is not in it.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one value of four that may be in the set")]
pub struct Values {
    /// Whether it may be unset.
    pub unset: bool,
    /// Whether it may be `true`.
    pub yes: bool,
    /// Whether it may be `false`.
    pub no: bool,
    /// Whether it may be a mapping.
    pub maps: bool,
    /// The numbers.
    pub numbers: Option<Numbers>,
    /// The texts.
    pub texts: Option<Texts>,
    /// The lists.
    pub lists: Option<Lists>,
}

/// Lists with an item in each of some sets, whose items are all in another. The same is asked of leaves: the items that are no lists,
/// also those of lists in the list.
#[derive(Debug, Clone, Default)]
pub struct Lists {
    some: Vec<Values>,
    /// `None`: whatever.
    each: Option<Box<Values>>,
    some_leaves: Vec<Values>,
    each_leaf: Option<Box<Values>>,
}

impl Lists {
    /// Lists with an item of this set.
    pub fn with(item: Values) -> Self {
        Self { some: vec![item], ..Self::default() }
    }

    /// Lists of nothing but such items.
    pub fn of(items: Values) -> Self {
        Self { each: Some(Box::new(items)), ..Self::default() }
    }

    /// Lists with a leaf of this set.
    pub fn with_leaf(leaf: Values) -> Self {
        Self { some_leaves: vec![leaf.leaf()], ..Self::default() }
    }

    /// Lists of nothing but such leaves.
    pub fn of_leaves(leaves: Values) -> Self {
        Self { each_leaf: Some(Box::new(leaves.leaf())), ..Self::default() }
    }

    fn meet(&self, other: &Self) -> Self {
        let both = |one: &Option<Box<Values>>, other: &Option<Box<Values>>| match (one, other) {
            (Some(one), Some(other)) => Some(Box::new(one.meet(other))),
            (one, other) => one.clone().or_else(|| other.clone()),
        };
        Self {
            some: self.some.iter().chain(&other.some).cloned().collect(),
            each: both(&self.each, &other.each),
            some_leaves: self.some_leaves.iter().chain(&other.some_leaves).cloned().collect(),
            each_leaf: both(&self.each_leaf, &other.each_leaf),
        }
    }

    fn holds(&self, items: &[Value<'_>]) -> bool {
        self.some.iter().all(|set| items.iter().any(|item| set.holds(item)))
            && self.each.as_ref().is_none_or(|each| items.iter().all(|item| each.holds(item)))
            && self.some_leaves.iter().all(|set| !every_leaf(items, &|leaf| !set.holds(leaf)))
            && self.each_leaf.as_ref().is_none_or(|each| every_leaf(items, &|leaf| each.holds(leaf)))
    }

    /// An item for each set that asks for one: they don't stand in each other's way.
    fn pick(&self) -> Pick<Vec<Value<'static>>> {
        let within =
            |set: &Values, all: &Option<Box<Values>>| all.as_ref().map_or_else(|| set.clone(), |all| set.meet(all));
        let one_of = |set: &Values| set.pick_set().or_else(|| set.pick());
        let mut items = Vec::new();
        let mut is_sure = true;
        for set in &self.some {
            let item = within(set, &self.each);
            if matches!(one_of(&item), Pick::Empty) {
                return Pick::Empty;
            }
            match (one_of(&within(&item.clone().leaf(), &self.each_leaf)), item.lists.is_some()) {
                (Pick::One(leaf), _) => items.push(leaf),
                (Pick::Empty, false) => return Pick::Empty,
                // A list may stand there, whose leaves are bound too.
                _ => match (self.each_leaf.is_none(), one_of(&item)) {
                    (true, Pick::One(item)) => items.push(item),
                    _ => is_sure = false,
                },
            }
        }
        for set in &self.some_leaves {
            let leaf = within(set, &self.each_leaf);
            if matches!(one_of(&leaf), Pick::Empty) {
                return Pick::Empty;
            }
            match one_of(&within(&leaf, &self.each)) {
                Pick::One(leaf) => items.push(leaf),
                // It may stand deeper.
                Pick::Empty | Pick::Unknown => is_sure = false,
            }
        }
        if is_sure { Pick::One(items) } else { Pick::Unknown }
    }
}

fn every_leaf(items: &[Value<'_>], holds: &dyn Fn(&Value<'_>) -> bool) -> bool {
    items.iter().all(|item| match item {
        Value::List(items) => every_leaf(items, holds),
        leaf => holds(leaf),
    })
}

impl Values {
    /// Whatever a value can be.
    pub fn all() -> Self {
        Self { unset: true, ..Self::set() }
    }

    /// Whatever is set.
    pub fn set() -> Self {
        Self {
            unset: false,
            yes: true,
            no: true,
            maps: true,
            numbers: Some(Numbers::default()),
            texts: Some(Texts::default()),
            lists: Some(Lists::default()),
        }
    }

    /// Unset alone.
    pub fn unset() -> Self {
        Self { unset: true, ..Self::default() }
    }

    /// These texts.
    pub fn texts(texts: Texts) -> Self {
        Self { texts: Some(texts), ..Self::default() }
    }

    /// These numbers.
    pub fn numbers(numbers: Numbers) -> Self {
        Self { numbers: Some(numbers), ..Self::default() }
    }

    /// True or false.
    pub fn truth(yes: bool, no: bool) -> Self {
        Self { yes, no, ..Self::default() }
    }

    /// This value alone, where it is a text, a number, true, false or unset; else whatever is of its kind.
    pub fn exactly(value: &Value<'_>) -> Self {
        match value {
            Value::Unset => Self::unset(),
            Value::Bool(truth) => Self::truth(*truth, !truth),
            Value::Number(number) => Self::numbers(Numbers::only([number.clone().into_owned()])),
            Value::Text(text) => Self::texts(Texts::only([text.to_string()])),
            Value::List(_) => Self { lists: Some(Lists::default()), ..Self::default() },
            Value::Map(_) => Self { maps: true, ..Self::default() },
        }
    }

    /// What of it is no list.
    pub fn leaf(self) -> Self {
        Self { lists: None, ..self }
    }

    /// What is in this set, and unset.
    pub fn or_unset(self) -> Self {
        Self { unset: true, ..self }
    }

    /// What is in both.
    pub fn meet(&self, other: &Self) -> Self {
        Self {
            unset: self.unset && other.unset,
            yes: self.yes && other.yes,
            no: self.no && other.no,
            maps: self.maps && other.maps,
            numbers: self.numbers.as_ref().zip(other.numbers.as_ref()).map(|(a, b)| a.meet(b)),
            texts: self.texts.as_ref().zip(other.texts.as_ref()).map(|(a, b)| a.meet(b)),
            lists: self.lists.as_ref().zip(other.lists.as_ref()).map(|(a, b)| a.meet(b)),
        }
    }

    /// Whether a value is in it.
    pub fn holds(&self, value: &Value<'_>) -> bool {
        match value {
            Value::Unset => self.unset,
            Value::Bool(true) => self.yes,
            Value::Bool(false) => self.no,
            Value::Map(_) => self.maps,
            Value::Number(number) => self.numbers.as_ref().is_some_and(|numbers| numbers.holds(number)),
            Value::Text(text) => self.texts.as_ref().is_some_and(|texts| texts.holds(text)),
            Value::List(items) => self.lists.as_ref().is_some_and(|lists| lists.holds(items)),
        }
    }

    /// Whether nothing is in it, as far as that can be proven.
    pub fn is_empty(&self) -> bool {
        !self.unset && !self.yes && !self.no && !self.maps && matches!(self.pick_set(), Pick::Empty)
    }

    /// One of them: unset where it may be, so that an example says no more than it must.
    pub fn pick(&self) -> Pick<Value<'static>> {
        if self.unset { Pick::One(Value::Unset) } else { self.pick_set() }
    }

    /// One of them that is set.
    pub fn pick_set(&self) -> Pick<Value<'static>> {
        let truth = || match (self.yes, self.no) {
            (false, false) => Pick::Empty,
            (yes, _) => Pick::One(Value::Bool(yes)),
        };
        let map = || if self.maps { Pick::One(Value::Map(Json::EMPTY_MAP)) } else { Pick::Empty };
        let numbers = || self.numbers.as_ref().map_or(Pick::Empty, Numbers::pick).map(Value::Number);
        let texts = || self.texts.as_ref().map_or(Pick::Empty, Texts::pick).map(Value::text);
        let lists = || self.lists.as_ref().map_or(Pick::Empty, Lists::pick).map(Value::List);
        truth().or_else(numbers).or_else(texts).or_else(lists).or_else(map)
    }
}

/// A number that owns its digits; a text, a list that own what is in them. `None` for mappings, which borrow.
pub fn owned(value: Value<'_>) -> Option<Value<'static>> {
    Some(match value {
        Value::Unset => Value::Unset,
        Value::Bool(truth) => Value::Bool(truth),
        Value::Number(number) => Value::Number(number.into_owned()),
        Value::Text(text) => Value::Text(text.into_owned().into()),
        Value::List(items) => Value::List(items.into_iter().map(owned).collect::<Option<_>>()?),
        Value::Map(_) => return None,
    })
}
