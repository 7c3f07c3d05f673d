//! JSON with templates in it, made for an event.

use super::{Rendered, fault};
use crate::domain::json::{Json, OwnedJson};
use crate::domain::value::Value;
use crate::rules::expr::MAX_RENDERED;
use crate::rules::expr::eval::Scope;
use crate::rules::model::JsonTemplate;

/// Writes a value at the end of `to`: numbers keep their digits. `at` says where in the rule it stands.
pub fn write<'v>(template: &'v JsonTemplate, scope: &Scope<'v>, at: &str, to: &mut String) -> Rendered<()> {
    match template {
        JsonTemplate::Fixed(value) => to.push_str(value.json().text()),
        JsonTemplate::Text(template) => match template.value(scope) {
            Ok(Value::Unset) => {
                return Err(fault(at.to_owned(), "it is unset; `| default(..)` answers it".to_owned()));
            }
            Ok(value) => value.write_json(to),
            Err(problem) => return Err(fault(at.to_owned(), problem.message)),
        },
        JsonTemplate::List(items) => {
            to.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    to.push(',');
                }
                write(item, scope, &format!("{at}[{index}]"), to)?;
            }
            to.push(']');
        }
        JsonTemplate::Map(entries) => mapping(entries, scope, at, to)?,
    }
    if to.len() > MAX_RENDERED {
        return Err(fault(at.to_owned(), format!("more than {MAX_RENDERED} bytes would be rendered")));
    }
    Ok(())
}

/// Writes a mapping at the end of `to`.
pub fn mapping<'v>(
    entries: &'v [(Box<str>, JsonTemplate)],
    scope: &Scope<'v>,
    at: &str,
    to: &mut String,
) -> Rendered<()> {
    to.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            to.push(',');
        }
        to.push_str(&serde_json::Value::String(key.to_string()).to_string());
        to.push(':');
        write(value, scope, &format!("{at}.{key}"), to)?;
    }
    to.push('}');
    Ok(())
}

/// What was written, as JSON that is kept. Only what nests too deep can't be.
pub fn owned(written: &str, at: &str) -> Rendered<OwnedJson> {
    Json::parse(written.as_bytes()).map(OwnedJson::of).map_err(|error| fault(at.to_owned(), error.message))
}

/// A value as a tree, for replies.
pub fn tree<'v>(template: &'v JsonTemplate, scope: &Scope<'v>, at: &str) -> Rendered<serde_json::Value> {
    let mut written = String::new();
    write(template, scope, at, &mut written)?;
    Ok(owned(&written, at)?.to_value())
}

/// A mapping as a tree, for replies.
pub fn tree_of<'v>(
    entries: &'v [(Box<str>, JsonTemplate)],
    scope: &Scope<'v>,
    at: &str,
) -> Rendered<serde_json::Map<String, serde_json::Value>> {
    entries.iter().map(|(key, value)| Ok((key.to_string(), tree(value, scope, &format!("{at}.{key}"))?))).collect()
}
