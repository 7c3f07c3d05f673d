//! What each filter does.

use super::ExprFault;
use super::ast::Filter;
use super::eval::print;
use crate::domain::value::Value;

/// `value | filter(argument)`. Something unset stays unset through every filter but `default`.
pub fn apply<'v>(filter: Filter, value: Value<'v>, argument: Option<Value<'v>>) -> Result<Value<'v>, ExprFault> {
    match (filter, value) {
        (Filter::Default, Value::Unset) => Ok(argument.unwrap_or(Value::Unset)),
        (Filter::Default, given) => Ok(given),
        (_, Value::Unset) => Ok(Value::Unset),
        (Filter::Lower, Value::Text(text)) => Ok(Value::text(text.to_lowercase())),
        (Filter::Upper, Value::Text(text)) => Ok(Value::text(text.to_uppercase())),
        (Filter::Trim, Value::Text(text)) => Ok(Value::text(text.trim().to_owned())),
        (Filter::First, Value::List(items)) => Ok(items.into_iter().next().unwrap_or(Value::Unset)),
        (Filter::Last, Value::List(items)) => Ok(items.into_iter().next_back().unwrap_or(Value::Unset)),
        (Filter::Join, Value::List(items)) => join(&items, argument.as_ref()),
        (filter, value) => Err(ExprFault::new(format!("`{}` can't be used on {}", filter.name(), value.kind()))),
    }
}

fn join<'v>(items: &[Value<'_>], between: Option<&Value<'_>>) -> Result<Value<'v>, ExprFault> {
    let Some(Value::Text(between)) = between else { return Err(ExprFault::new("`join` takes a text")) };
    let mut joined = String::new();
    for item in items {
        if !joined.is_empty() {
            joined.push_str(between);
        }
        print(item, &mut joined)?;
    }
    Ok(Value::text(joined))
}
