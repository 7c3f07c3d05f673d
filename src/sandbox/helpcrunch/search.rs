//! `POST /customers/search` and the pages of `GET /customers` (docs.helpcrunch.com/rest-api-v1/search-customers-v1).

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::super::request::Reply;
use super::customer::Customer;
use super::errors::Wrong;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Text,
    Tags,
}

/// What can be searched, after `customers.`.
const FIELDS: [(&str, Kind); 16] = [
    ("id", Kind::Number),
    ("name", Kind::Text),
    ("email", Kind::Text),
    ("company", Kind::Text),
    ("phone", Kind::Text),
    ("countryCode", Kind::Text),
    ("city", Kind::Text),
    ("regionCode", Kind::Text),
    ("tagsData", Kind::Tags),
    ("lastSeen", Kind::Number),
    ("userId", Kind::Text),
    ("telegramId", Kind::Text),
    ("facebookId", Kind::Text),
    ("instagramId", Kind::Text),
    ("viberId", Kind::Text),
    ("whatsappId", Kind::Text),
];

/// Which operators a kind of field takes: "`=` all types, `!=` all but arrays, ...".
const OPERATORS: [(Kind, &[&str]); 3] =
    [(Kind::Number, &["=", "!=", ">", "<", ">=", "<="]), (Kind::Text, &["=", "!=", "~", "!~"]), (Kind::Tags, &["="])];

const BLANK: &str = "This value should not be blank.";
const NO_CHOICE: &str = "The value you selected is not a valid choice.";

/// A search as it was sent.
#[derive(Debug)]
pub struct Search {
    any: bool,
    filters: Vec<Filter>,
    /// Which part of what is found is shown.
    pub page: Page,
}

#[derive(Debug)]
struct Filter {
    field: &'static str,
    operator: String,
    value: Value,
}

/// Order and extent of a list.
#[derive(Debug)]
pub struct Page {
    sort: &'static str,
    descending: bool,
    limit: usize,
    offset: usize,
}

impl Search {
    /// Reads the body of a search.
    pub fn read(body: &Map<String, Value>) -> Result<Self, Wrong> {
        let any = match body.get("comparison").and_then(Value::as_str).unwrap_or("AND") {
            "AND" => false,
            "OR" => true,
            _ => return Err(Wrong::field("comparison", NO_CHOICE)),
        };
        let filters = match body.get("filter") {
            None => Vec::new(),
            Some(Value::Array(filters)) => {
                filters.iter().enumerate().map(|(n, filter)| Filter::read(n, filter)).collect::<Result<_, _>>()?
            }
            Some(_) => return Err(Wrong::field("filter", "This value should be of type array.")),
        };
        Ok(Self { any, filters, page: Page::read(body)? })
    }

    /// Whether a customer is meant.
    pub fn finds(&self, customer: &Customer) -> bool {
        // Without a filter everybody is meant, whatever the comparison.
        if self.any && !self.filters.is_empty() {
            return self.filters.iter().any(|f| f.holds(customer));
        }
        self.filters.iter().all(|f| f.holds(customer))
    }
}

impl Filter {
    fn read(n: usize, filter: &Value) -> Result<Self, Wrong> {
        let at = |key: &str| format!("filter[{n}].{key}");
        let text = |key: &str| filter.get(key).and_then(Value::as_str).filter(|t| !t.is_empty());
        let name = text("field").ok_or_else(|| Wrong::field(at("field"), BLANK))?;
        let known = name.strip_prefix("customers.").and_then(|name| FIELDS.iter().find(|(known, _)| *known == name));
        let (field, kind) = *known.ok_or_else(|| Wrong::field(at("field"), NO_CHOICE))?;
        let operator = text("operator").ok_or_else(|| Wrong::field(at("operator"), BLANK))?.to_owned();
        let takes = OPERATORS.iter().any(|(of, operators)| *of == kind && operators.contains(&operator.as_str()));
        if !takes {
            return Err(Wrong::field(at("operator"), NO_CHOICE));
        }
        let value = filter.get("value").cloned().unwrap_or(Value::Null);
        let fits = match kind {
            Kind::Number => number(&value).is_some(),
            Kind::Text => value.is_string(),
            Kind::Tags => {
                value.as_array().is_some_and(|tags| tags.iter().all(|t| t.get("name").is_some_and(Value::is_string)))
            }
        };
        if fits {
            Ok(Self { field, operator, value })
        } else {
            Err(Wrong::field(at("value"), "This value is of a wrong type."))
        }
    }

    fn holds(&self, customer: &Customer) -> bool {
        if self.field == "tagsData" {
            let has = customer.tag_names();
            let wanted = self.value.as_array().map(Vec::as_slice).unwrap_or_default();
            // Several names in one filter must all be there.
            return wanted
                .iter()
                .all(|t| t.get("name").and_then(Value::as_str).is_some_and(|t| has.iter().any(|h| h == t)));
        }
        let id = Value::from(customer.id());
        let held = if self.field == "id" { Some(&id) } else { customer.field(self.field) }.unwrap_or(&Value::Null);
        match self.operator.as_str() {
            "=" => order(held, &self.value) == Some(Ordering::Equal),
            "!=" => order(held, &self.value) != Some(Ordering::Equal),
            ">" => order(held, &self.value) == Some(Ordering::Greater),
            "<" => order(held, &self.value) == Some(Ordering::Less),
            ">=" => order(held, &self.value).is_some_and(Ordering::is_ge),
            "<=" => order(held, &self.value).is_some_and(Ordering::is_le),
            "~" => contains(held, &self.value),
            _ => !contains(held, &self.value),
        }
    }
}

/// Numbers and texts of digits are compared as numbers, since times are both in the vendor's pages.
fn order(held: &Value, wanted: &Value) -> Option<Ordering> {
    if let (Value::String(held), Value::String(wanted)) = (held, wanted) {
        return Some(held.cmp(wanted));
    }
    Some(number(held)?.cmp(&number(wanted)?))
}

fn contains(held: &Value, wanted: &Value) -> bool {
    held.as_str().zip(wanted.as_str()).is_some_and(|(held, wanted)| held.contains(wanted))
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

impl Page {
    /// Reads `sort`, `order`, `limit` and `offset` of a search or a query.
    pub fn read(given: &Map<String, Value>) -> Result<Self, Wrong> {
        const KNOWN: [&str; 6] = ["comparison", "filter", "sort", "order", "limit", "offset"];
        if let Some(key) = given.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(Wrong::field(key, "This field was not expected."));
        }
        let sort = match given.get("sort").and_then(Value::as_str) {
            None | Some("customers.firstSeen") => "firstSeen",
            Some("customers.lastSeen") => "lastSeen",
            Some(_) => return Err(Wrong::field("sort", NO_CHOICE)),
        };
        let descending = match given.get("order").and_then(Value::as_str) {
            None | Some("asc" | "ASC") => false,
            Some("desc" | "DESC") => true,
            Some(_) => return Err(Wrong::field("order", NO_CHOICE)),
        };
        let whole = |key: &'static str, default: usize| match given.get(key) {
            None => Ok(default),
            Some(value) => number(value)
                .and_then(|n| usize::try_from(n).ok())
                .ok_or_else(|| Wrong::field(key, "This value should be of type numeric.")),
        };
        Ok(Self { sort, descending, limit: whole("limit", 100)?.min(1000), offset: whole("offset", 0)? })
    }

    /// `{"data":[..],"total":256}`.
    pub fn of(&self, mut found: Vec<&Customer>) -> Reply {
        found.sort_by_key(|customer| (customer.field(self.sort).and_then(number), customer.id()));
        if self.descending {
            found.reverse();
        }
        let data: Vec<Value> = found.iter().skip(self.offset).take(self.limit).map(|c| c.to_json()).collect();
        Reply::json(200, json!({ "data": data, "total": found.len() }))
    }
}
