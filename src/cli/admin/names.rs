//! Names that a list was narrowed by, and rules that wait to be mended: told where a bare "none" would mislead.

use std::process::ExitCode;

use serde_json::Value;

use super::super::{NO, fail};
use super::{Client, items, text};

/// What the gateway itself is called as a source and as a rule.
pub const OURS: &str = "tagrelay.";
/// Names that are told; a set may have thousands of rules.
const TOLD: usize = 20;

/// What a name is the name of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A connection, one that is removed and still waited for included.
    Connection,
    /// A source of the rules in force.
    Source,
    /// A rule in force.
    Rule,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Source => "source",
            Self::Rule => "rule",
        }
    }

    fn all(self, client: &Client) -> Result<Vec<String>, ExitCode> {
        let named = |list: &Value, name| items(list, "items").iter().map(|item| text(item, name).to_owned()).collect();
        Ok(match self {
            Self::Connection => named(&client.get(&["connections"], &[])?, "name"),
            Self::Rule => named(&client.get(&["rules"], &[])?, "id"),
            Self::Source => {
                let rules = client.get(&["rules"], &[])?;
                items(&rules, "sources").iter().filter_map(Value::as_str).map(ToOwned::to_owned).collect()
            }
        })
    }
}

/// Nothing was found under these names: a no where there is no such name.
pub fn known(client: &Client, nothing: &str, names: &[(Kind, Option<&str>)]) -> Result<(), ExitCode> {
    for (kind, name) in names {
        let Some(name) = name.filter(|name| !name.starts_with(OURS)) else { continue };
        let mut all = kind.all(client)?;
        if all.iter().any(|known| known == name) {
            continue;
        }
        let more = if all.len() > TOLD { format!(", and {} more", all.len() - TOLD) } else { String::new() };
        all.truncate(TOLD);
        let there = if all.is_empty() { "there is none".to_owned() } else { format!("there is: {}", all.join(", ")) };
        return Err(fail(NO, &format!("{nothing}; there is no {} {name:?}; {there}{more}", kind.word())));
    }
    Ok(())
}

/// Tells people that the rules on disk aren't those in force, where they aren't.
pub fn tell_of_refused(client: &Client) -> Result<(), ExitCode> {
    let rules = client.get(&["rules"], &[])?;
    let Some(refused) = rules.get("refused").filter(|refused| !refused.is_null()) else { return Ok(()) };
    let errors = items(refused, "findings").iter().filter(|finding| text(finding, "severity") == "error").count();
    let why = match errors {
        0 => text(refused, "reason").replace('\n', "; "),
        1 => "1 error; `tagrelay check` shows it".to_owned(),
        errors => format!("{errors} errors; `tagrelay check` shows them"),
    };
    eprintln!("warning: the rules on disk are refused since {}: {why}", super::time(refused, "at"));
    Ok(())
}
