//! From the values of variables to an event: the shortest that has them.

use std::collections::BTreeMap;

use serde_json::Value as Tree;

use super::Lists;
use super::formula::VarId;
use super::invert::{self, Aim};
use super::pick::Pick;
use super::search::State;
use super::values::Values;
use super::vars::{Home, Vars, What};
use crate::domain::json::{Json, OwnedJson};
use crate::domain::name::{ConnectionName, SourceName};
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::domain::value::{Number, Value};
use crate::rules::catalog::Catalog;
use crate::rules::expr::ast::{Root, Step};
use crate::rules::params::{self, ParamType};
use crate::rules::testing::{DEFAULT_AT, ShortEvent};

/// An event as a test writes it, with what its contact has before.
#[derive(Debug, Clone)]
pub struct Witness {
    /// The event.
    pub event: ShortEvent,
    /// The contact's tags, by connection.
    pub tagged: Vec<(ConnectionName, Vec<TagName>)>,
    /// When it is received.
    pub at: Timestamp,
}

impl Witness {
    /// Whether one of its parameters is a list.
    pub fn has_list(&self) -> bool {
        self.event.params.to_value().as_object().is_some_and(|params| params.values().any(Tree::is_array))
    }
}

/// A variable that should be set, since a template prints it.
#[derive(Debug, Clone)]
pub struct Wish {
    /// The variable.
    pub variable: VarId,
    /// What it should be, where that is known.
    pub value: Option<Value<'static>>,
}

/// The contact of every example that doesn't need another one.
const CONTACT: &str = "17";
/// In milliseconds.
const HALF_AN_HOUR: i64 = 30 * 60 * 1_000;
/// So many contacts are tried until one is in the right buckets.
const MOST_CONTACTS: u32 = 5_000;

/// What a printed variable is where nothing else is asked of it: most templates print texts, some compute with numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sample {
    Text,
    Number,
}

/// What an example is built of.
pub struct Builder<'b, 'c> {
    pub catalog: &'b Catalog,
    pub vars: &'b Vars<'c>,
    pub home: &'b Home,
    pub state: &'b State,
    pub wishes: &'b [Wish],
}

impl Builder<'_, '_> {
    /// The example; `None` where the values can't stand in one event.
    pub fn build(&self, sample: Sample) -> Option<Witness> {
        let values = self.values(sample)?;
        let mut parts = Parts::new(self.home.names.first()?.clone());
        for (id, value) in &values {
            if let What::At(root, steps) = &self.vars.get(*id)?.what
                && !value.is_unset()
            {
                parts.put(*root, steps, value)?;
            }
        }
        let mut event = parts.event();
        if event.contact.is_none() && !self.wants_no_contact(&values) {
            event.contact = Some(self.contact()?);
        }
        Some(Witness { event, tagged: Vec::new(), at: self.time()? })
    }

    fn is(&self, id: VarId, wanted: Root) -> bool {
        self.vars
            .get(id)
            .is_some_and(|var| matches!(&var.what, What::At(root, steps) if *root == wanted && steps.is_empty()))
    }

    /// Whether it was decided that there is nobody.
    fn wants_no_contact(&self, values: &BTreeMap<VarId, Value<'static>>) -> bool {
        values.iter().any(|(id, value)| self.is(*id, Root::Contact) && value.is_unset() && self.state.contains_key(id))
    }

    /// A value for each variable: what is wished where it may be, else as little as may be.
    fn values(&self, sample: Sample) -> Option<BTreeMap<VarId, Value<'static>>> {
        let mut values = BTreeMap::new();
        for (id, set) in self.state {
            let pick = if self.is(*id, Root::Contact) { contact_of(set) } else { set.pick() };
            match pick {
                Pick::One(value) => drop(values.insert(*id, value)),
                _ => return None,
            }
        }
        for wish in self.wishes {
            let base = || self.vars.base(wish.variable, self.home, Lists::Anywhere);
            let set = self.state.get(&wish.variable).cloned().unwrap_or_else(base);
            let wished = wish.value.clone().unwrap_or_else(|| self.sample(wish.variable, sample));
            if set.holds(&wished) {
                values.insert(wish.variable, wished);
            } else if let Pick::One(value) = set.pick_set() {
                values.insert(wish.variable, value);
            }
        }
        for (id, set) in self.state {
            let Some(What::Computed(expr)) = self.vars.get(*id).map(|var| &var.what) else { continue };
            let Pick::One(wanted) = set.pick_set() else { continue };
            for Aim { root, steps, value } in invert::aims(expr, &wanted) {
                let Some(part) = self.vars.find(root, steps) else { continue };
                if self.state.get(&part).is_none_or(|set| set.holds(&value)) {
                    values.insert(part, value);
                }
            }
        }
        Some(values)
    }

    fn sample(&self, variable: VarId, sample: Sample) -> Value<'static> {
        let steps = match self.vars.get(variable).map(|var| &var.what) {
            Some(What::At(_, steps)) => &**steps,
            _ => &[],
        };
        let name = match steps.last() {
            Some(Step::Key(name)) => name.to_lowercase(),
            _ => String::new(),
        };
        let declared = match steps {
            [Step::Key(name)] => self.home.carrier.types.get(name),
            _ => None,
        };
        let text = match name {
            name if name.contains("mail") => "ana@example.com",
            name if name.contains("phone") => "+573001234567",
            _ => super::glob::ANY,
        };
        match (declared, sample) {
            (Some(ParamType::Number), _) | (None, Sample::Number) => Value::Number(Number::Int(1)),
            (Some(ParamType::Boolean), _) => Value::Bool(true),
            (Some(ParamType::List), _) => Value::List(vec![Value::text(super::glob::ANY)]),
            (Some(ParamType::Date), _) => Value::text(DEFAULT_AT.to_string()),
            (Some(ParamType::Text) | None, _) => Value::text(text),
        }
    }

    /// A contact that is in the buckets that it must be in.
    fn contact(&self) -> Option<String> {
        let buckets: Vec<(&str, &Values)> = self
            .state
            .iter()
            .filter_map(|(id, set)| match self.vars.get(*id)?.what {
                What::Bucket(name) if !set.unset => Some((name, set)),
                _ => None,
            })
            .collect();
        let fits = |contact: &String| buckets.iter().all(|(name, set)| set.holds(&invert::bucket(name, contact)));
        let others = (0..MOST_CONTACTS).map(|number| number.to_string());
        std::iter::once(CONTACT.to_owned()).chain(others).find(fits)
    }

    /// A time at which what must be open is open, and which is as it is compared.
    fn time(&self) -> Option<Timestamp> {
        let mut tests: Vec<Box<dyn Fn(Timestamp) -> bool + '_>> = Vec::new();
        let mut tries = vec![DEFAULT_AT];
        for (id, set) in self.state {
            match &self.vars.get(*id)?.what {
                What::Open(name) => {
                    let hours = self.catalog.shared().hours.get(*name)?;
                    tests.push(Box::new(move |at| set.holds(&Value::Bool(hours.is_open(at)))));
                }
                What::At(Root::ReceivedAt, _) => {
                    tests.push(Box::new(move |at| set.holds(&Value::text(at.to_string()))));
                    if let Pick::One(Value::Text(text)) = set.pick() {
                        tries.extend(Timestamp::parse(&text));
                    }
                    tries.extend(
                        set.texts.iter().flat_map(super::texts::Texts::ends).filter_map(|end| params::time(&end)),
                    );
                }
                _ => {}
            }
        }
        let around = |at: &Timestamp| (-1..=336).map(|step| at.plus_millis(step * HALF_AN_HOUR)).collect::<Vec<_>>();
        let all = tries.iter().copied().chain(tries.iter().flat_map(around));
        all.into_iter().find(|at| tests.iter().all(|test| test(*at)))
    }
}

/// A contact is a text in a test.
fn contact_of(set: &Values) -> Pick<Value<'static>> {
    if set.holds(&Value::text(CONTACT)) {
        return Pick::One(Value::text(CONTACT));
    }
    match &set.texts {
        Some(texts) => texts.pick().map(Value::text).or_else(|| set.pick()),
        None => set.pick(),
    }
}

/// The parts of an event while it is put together.
struct Parts {
    event: ShortEvent,
    params: Tree,
    form: Tree,
    payload: Tree,
    body: Tree,
}

impl Parts {
    fn new(source: SourceName) -> Self {
        Self {
            event: ShortEvent::of(source),
            params: Tree::Null,
            form: Tree::Null,
            payload: Tree::Null,
            body: Tree::Null,
        }
    }

    fn put(&mut self, root: Root, steps: &[Step], value: &Value<'static>) -> Option<()> {
        let text = || match value {
            Value::Text(text) => Some(text.to_string()),
            _ => None,
        };
        let event = &mut self.event;
        match (root, steps) {
            (Root::Source, _) => event.source = SourceName::parse(&text()?).ok()?,
            (Root::Intent, _) => event.intent = Some(text()?),
            (Root::Type, _) => event.kind = Some(text()?),
            (Root::Text, _) => event.text = Some(text()?),
            (Root::Language, _) => event.language = Some(text()?),
            (Root::Session, _) => event.session = Some(text()?),
            (Root::Page, _) => event.page = Some(text()?),
            (Root::Flow, _) => event.flow = Some(text()?),
            (Root::Contact, _) => event.contact = Some(text()?),
            (Root::Confidence, _) => match value {
                Value::Number(number) => event.confidence = Some(number.to_f64()),
                _ => return None,
            },
            (Root::Detail(detail), _) => event.details.push((detail, value.clone())),
            (Root::Query, [Step::Key(name)]) => event.query.push((name.to_string(), text()?)),
            (Root::Headers, [Step::Key(name)]) => event.headers.push((name.to_ascii_lowercase(), text()?)),
            (Root::Params, steps) => put(&mut self.params, steps, value.to_json())?,
            (Root::Form, steps) => put(&mut self.form, steps, value.to_json())?,
            (Root::Payload, steps) => put(&mut self.payload, steps, value.to_json())?,
            (Root::Body, steps) => put(&mut self.body, steps, value.to_json())?,
            (Root::ReceivedAt, _) => {}
            (Root::Query | Root::Headers | Root::Values | Root::Conditions, _) => return None,
        }
        Some(())
    }

    fn event(self) -> ShortEvent {
        let Self { event, params, form, payload, body } = self;
        let json = |tree: &Tree, absent: Json<'_>| {
            if tree.is_null() {
                return OwnedJson::of(absent);
            }
            Json::parse(tree.to_string().as_bytes()).map_or_else(|_| OwnedJson::of(absent), OwnedJson::of)
        };
        let named = |(name, parameter): (&String, &Tree)| {
            let mut parameter = parameter.clone();
            if let Some(map) = parameter.as_object_mut() {
                map.insert("displayName".to_owned(), name.as_str().into());
            }
            parameter
        };
        let form = form.as_object().map(|form| Tree::Array(form.iter().map(named).collect())).unwrap_or_default();
        // In a test the body is the payload where it isn't given.
        let body = if body.is_null() { &payload } else { &body };
        ShortEvent {
            params: json(&params, Json::EMPTY_MAP),
            form: json(&form, Json::EMPTY_LIST),
            payload: json(&payload, Json::EMPTY_MAP),
            body: json(body, Json::EMPTY_MAP),
            ..event
        }
    }
}

/// Lists are made no longer than this for the sake of one item.
const LONGEST_LIST: usize = 64;

/// Puts a value at its way in a tree; `None` where another value stands in the way.
fn put(tree: &mut Tree, steps: &[Step], value: Tree) -> Option<()> {
    let Some((step, rest)) = steps.split_first() else {
        match tree {
            Tree::Null => *tree = value,
            // A mapping of whatever holds these parts too.
            Tree::Object(_) if value.is_object() => {}
            tree if *tree == value => {}
            _ => return None,
        }
        return Some(());
    };
    match step {
        Step::Key(key) => {
            if tree.is_null() {
                *tree = Tree::Object(serde_json::Map::new());
            }
            put(tree.as_object_mut()?.entry(key.to_string()).or_insert(Tree::Null), rest, value)
        }
        Step::Index(index) => {
            if tree.is_null() {
                *tree = Tree::Array(Vec::new());
            }
            let list = tree.as_array_mut()?;
            while list.len() <= *index && list.len() < LONGEST_LIST {
                list.push(Tree::Null);
            }
            put(list.get_mut(*index)?, rest, value)
        }
    }
}
