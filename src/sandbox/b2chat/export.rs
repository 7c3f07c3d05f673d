//! What `GET /contacts/export` takes: a JSON body on a GET, or a few of its keys as a query.

use serde_json::{Map, Value};

use super::super::request::Request;
use super::contact::Contact;
use super::errors::{Wrong, mapping, only};

/// "Max 1000 rows."
const MOST: u64 = 1000;
/// The default of a call without `limit`.
const USUAL: u64 = 10;

/// A question for contacts.
#[derive(Debug)]
pub struct Export {
    mobiles: Vec<String>,
    limit: u64,
    offset: u64,
    ascending: bool,
    /// Tags are left out unless `skip_tags` is false.
    pub with_tags: bool,
    /// Custom attributes too.
    pub with_custom: bool,
}

impl Export {
    /// Reads the body, else the query.
    pub fn read(request: &Request) -> Result<Self, Wrong> {
        let filters = if request.body.is_empty() {
            let number = |text: &String| text.parse::<u64>().map_or_else(|_| Value::from(text.as_str()), Value::from);
            only(request.query.iter().map(|(k, v)| (k.clone(), number(v))).collect(), &["limit", "offset"])?
        } else {
            match mapping(request, &["filters"])?.remove("filters") {
                Some(Value::Object(filters)) => only(
                    filters,
                    &["contact_lookup", "limit", "offset", "order_dir", "skip_custom_attributes", "skip_tags"],
                )?,
                _ => return Err(Wrong::body("filters must be an object")),
            }
        };
        let ascending = match filters.get("order_dir").map(Value::as_str) {
            None | Some(Some("desc")) => false,
            Some(Some("asc")) => true,
            Some(_) => return Err(Wrong::body("order_dir must be asc or desc")),
        };
        Ok(Self {
            mobiles: lookups(&filters)?,
            limit: number(&filters, "limit")?.unwrap_or(USUAL).min(MOST),
            offset: number(&filters, "offset")?.unwrap_or(0),
            ascending,
            with_tags: !flag(&filters, "skip_tags")?,
            with_custom: !flag(&filters, "skip_custom_attributes")?,
        })
    }

    /// The contacts of the page, and how many there are in all.
    pub fn of<'c>(&self, contacts: impl Iterator<Item = &'c Contact>) -> (Vec<&'c Contact>, usize) {
        let found = contacts.filter(|c| self.mobiles.iter().all(|mobile| c.text("mobile") == Some(mobile)));
        let mut found: Vec<&Contact> = found.collect();
        if !self.ascending {
            found.reverse();
        }
        let total = found.len();
        let (offset, limit) = (usize::try_from(self.offset), usize::try_from(self.limit));
        let page = found.into_iter().skip(offset.unwrap_or(usize::MAX)).take(limit.unwrap_or(usize::MAX));
        (page.collect(), total)
    }
}

/// `[{"field":"mobile","value":"+57.."}]`; an integrator notes of e-mail: "this not work in B2Chat".
fn lookups(filters: &Map<String, Value>) -> Result<Vec<String>, Wrong> {
    let wrong = || Wrong::body("contact_lookup must list {\"field\":\"mobile\",\"value\":..}");
    let list = match filters.get("contact_lookup") {
        None => return Ok(Vec::new()),
        Some(list) => list.as_array().ok_or_else(wrong)?,
    };
    let mobile = |entry: &Value| {
        let is_mobile = entry.get("field").and_then(Value::as_str) == Some("mobile");
        entry.get("value").and_then(Value::as_str).filter(|_| is_mobile).map(str::to_owned)
    };
    list.iter().map(|entry| mobile(entry).ok_or_else(wrong)).collect()
}

fn number(filters: &Map<String, Value>, key: &str) -> Result<Option<u64>, Wrong> {
    let value = filters.get(key);
    value.map(|value| value.as_u64().ok_or_else(|| Wrong::body(format!("{key} must be a number")))).transpose()
}

/// True unless it is said otherwise.
fn flag(filters: &Map<String, Value>, key: &str) -> Result<bool, Wrong> {
    let value = filters.get(key).unwrap_or(&Value::Bool(true));
    value.as_bool().ok_or_else(|| Wrong::body(format!("{key} must be true or false")))
}
