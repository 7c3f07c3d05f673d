//! What each filter does.
//!
//! Filters of texts work on each item of a list. Something unset stays unset through every filter but `default`. No filter
//! makes more than [`MAX_RENDERED`] bytes of a text, or more than [`MOST_ITEMS`] items, out of what it was given.

use jiff::Timestamp as Instant;
use jiff::fmt::strtime::{BrokenDownTime, format};
use jiff::tz::TimeZone;

use super::ast::Filter;
use super::eval::print;
use super::{ExprFault, MAX_RENDERED};
use crate::domain::value::{Number, Value};
use crate::rules::params::{MOST_ITEMS, epoch, split, time};
use crate::rules::words::slug;

/// `value | filter(arguments)`.
pub fn apply<'v>(filter: Filter, value: Value<'v>, arguments: &[Value<'v>]) -> Result<Value<'v>, ExprFault> {
    let argument = |place: usize| arguments.get(place).unwrap_or(&Value::Unset);
    match (filter, value) {
        (Filter::Default, Value::Unset) => Ok(argument(0).clone()),
        (Filter::Default, given) => Ok(given),
        (_, Value::Unset) => Ok(Value::Unset),
        (Filter::First, Value::List(items)) => Ok(items.into_iter().next().unwrap_or(Value::Unset)),
        (Filter::Last, Value::List(items)) => Ok(items.into_iter().next_back().unwrap_or(Value::Unset)),
        (Filter::Join, Value::List(items)) => join(&items, argument(0)),
        (Filter::Split, Value::Text(text)) => {
            let items = split(&text, words(filter, argument(0))?);
            items.map(Value::List).ok_or_else(|| ExprFault::new(format!("`split` makes at most {MOST_ITEMS} items")))
        }
        (Filter::Round, Value::Number(number)) => round(&number, argument(0)),
        (Filter::Date, value @ (Value::Text(_) | Value::Number(_))) => date(&value, argument(0), argument(1)),
        (filter, Value::Text(text)) if is_of_texts(filter) => text_filter(filter, &text, arguments),
        (filter, Value::List(items)) if is_of_texts(filter) => each_item(filter, items, arguments),
        (filter, value) => Err(ExprFault::new(format!("`{}` can't be used on {}", filter.name(), value.kind()))),
    }
}

/// A filter of texts on each item. What `replace` adds is bounded for the list as a whole, however many items it has.
fn each_item<'v>(filter: Filter, items: Vec<Value<'v>>, arguments: &[Value<'v>]) -> Result<Value<'v>, ExprFault> {
    let mut added = 0_usize;
    let mut made = Vec::with_capacity(items.len());
    for item in items {
        let before = bytes(&item);
        let item = apply(filter, item, arguments)?;
        if filter == Filter::Replace {
            added = added.saturating_add(bytes(&item).saturating_sub(before));
        }
        if added > MAX_RENDERED {
            return Err(ExprFault::new(format!("`replace` would add more than {MAX_RENDERED} bytes to a list")));
        }
        made.push(item);
    }
    Ok(Value::List(made))
}

/// The bytes of a text, and of the texts in a list.
fn bytes(value: &Value<'_>) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::List(items) => items.iter().map(bytes).sum(),
        _ => 0,
    }
}

fn is_of_texts(filter: Filter) -> bool {
    use Filter::{Lower, Replace, Slug, Trim, Truncate, Upper};
    matches!(filter, Lower | Upper | Trim | Slug | Replace | Truncate)
}

fn text_filter<'v>(filter: Filter, text: &str, arguments: &[Value<'_>]) -> Result<Value<'v>, ExprFault> {
    let argument = |place: usize| arguments.get(place).unwrap_or(&Value::Unset);
    Ok(Value::text(match filter {
        Filter::Lower => text.to_lowercase(),
        Filter::Upper => text.to_uppercase(),
        Filter::Trim => text.trim().to_owned(),
        Filter::Slug => slug(text),
        Filter::Replace => replace(text, words(filter, argument(0))?, perhaps_empty(filter, argument(1))?)?,
        Filter::Truncate => {
            let Value::Number(Number::Int(most @ 1..)) = argument(0) else {
                return Err(ExprFault::new("`truncate` takes a whole number of characters, at least 1"));
            };
            text.chars().take(usize::try_from(*most).unwrap_or(usize::MAX)).collect()
        }
        _ => text.to_owned(),
    }))
}

fn words<'a>(filter: Filter, value: &'a Value<'_>) -> Result<&'a str, ExprFault> {
    match value {
        Value::Text(text) if !text.is_empty() => Ok(text),
        _ => Err(ExprFault::new(format!("`{}` takes a text in its brackets", filter.name()))),
    }
}

fn perhaps_empty<'a>(filter: Filter, value: &'a Value<'_>) -> Result<&'a str, ExprFault> {
    match value {
        Value::Unset => Ok(""),
        Value::Text(text) if text.is_empty() => Ok(""),
        value => words(filter, value),
    }
}

/// What it would make is counted before it is made.
fn replace(text: &str, from: &str, to: &str) -> Result<String, ExprFault> {
    let found = memchr::memmem::find_iter(text.as_bytes(), from.as_bytes()).count();
    if text.len().saturating_add(found.saturating_mul(to.len())) > text.len().max(MAX_RENDERED) {
        return Err(ExprFault::new(format!("`replace` would make more than {MAX_RENDERED} bytes")));
    }
    Ok(text.replace(from, to))
}

fn join<'v>(items: &[Value<'_>], between: &Value<'_>) -> Result<Value<'v>, ExprFault> {
    let between = perhaps_empty(Filter::Join, between)?;
    let mut joined = String::new();
    for item in items.iter().filter(|item| !item.is_unset()) {
        if !joined.is_empty() {
            joined.push_str(between);
        }
        print(item, &mut joined)?;
    }
    Ok(Value::text(joined))
}

fn round<'v>(number: &Number<'v>, digits: &Value<'_>) -> Result<Value<'v>, ExprFault> {
    let digits = match digits {
        Value::Unset => 0,
        Value::Number(Number::Int(digits @ 0..=15)) => *digits as i32,
        _ => return Err(ExprFault::new("`round` takes 0 to 15 digits")),
    };
    Ok(Value::Number(match number {
        Number::Float(double) => {
            let scale = 10_f64.powi(digits);
            let scaled = double * scale;
            // A number so large has no digits after the point.
            if scaled.is_finite() { Number::from_f64(scaled.round() / scale) } else { Number::Float(*double) }
        }
        whole => whole.clone(),
    }))
}

/// Whether a form of a date can be written.
pub fn is_date_form(form: &str) -> bool {
    written(form, Instant::UNIX_EPOCH, TimeZone::UTC).is_ok()
}

fn date<'v>(value: &Value<'_>, form: &Value<'_>, zone: &Value<'_>) -> Result<Value<'v>, ExprFault> {
    let at = match value {
        Value::Text(text) => time(text.trim()),
        Value::Number(number) => epoch(number),
        _ => None,
    };
    let at = at.and_then(|at| Instant::from_millisecond(at.millis()).ok());
    let at = at.ok_or_else(|| ExprFault::new("`date` works on a time, and this isn't one"))?;
    let zone = match zone {
        Value::Unset => TimeZone::UTC,
        zone => TimeZone::get(words(Filter::Date, zone)?).map_err(|_| ExprFault::new("there is no such time zone"))?,
    };
    written(words(Filter::Date, form)?, at, zone).map(Value::text)
}

fn written(form: &str, at: Instant, zone: TimeZone) -> Result<String, ExprFault> {
    // A width as in `%1000000d` would make a text of any length.
    let widths = form.as_bytes().windows(4).any(|four| four.iter().all(u8::is_ascii_digit));
    if form.len() > 256 || widths {
        return Err(ExprFault::new("this form of a date is too long"));
    }
    let zoned = at.to_zoned(zone);
    format(form, BrokenDownTime::from(&zoned)).map_err(|_| ExprFault::new("this is no form of a date"))
}
