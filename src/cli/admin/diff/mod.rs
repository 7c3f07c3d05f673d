//! `tagrelay diff`: what would have changed, had other rules judged what came.
//!
//! The gateway hands out what it has recorded and goes on with its work; both sets judge here. It costs the gateway the reading of its
//! store, a page at a time, and neither set needs a secret.

mod events;
mod show;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;

use super::super::{WRONG, fail, ruleset, settings};
use super::{Client, To, items, text};
use crate::flow::diff::{Diff, Difference};
use crate::rules::{Catalog, Checked, RuleFile, check};
use events::Asked;

/// Show what would have changed, had other rules judged the recorded events: no call is made, nothing is stored.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay diff --rules rules\n  tagrelay diff --rules new --since 30d --source website-bot --examples 50\n  tagrelay diff --rules new --base old --events recorded.ndjson\n\nBoth sets judge each event afresh, as of when it was received. Contacts begin with no tag; calls are a forecast.\n\nStatus 0: nothing differs; 1: something differs; 2: it could not be compared."
)]
pub struct Args {
    /// The new rules [default: `TAGRELAY_RULES`, else rules].
    #[arg(long, value_name = "DIR")]
    rules: Option<PathBuf>,
    /// What they are compared with: a directory, or the hash of a set that was in force [default: the set in force].
    #[arg(long, value_name = "DIR|HASH")]
    base: Option<String>,
    /// Events since then: a time, or how long ago.
    #[arg(long, value_name = "TIME", default_value = "7d")]
    since: String,
    /// Only those before then.
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only those of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// How many events and contacts are shown as examples.
    #[arg(long, value_name = "N", default_value_t = 10)]
    examples: usize,
    /// Take events from a file in place of a gateway: one a line, as `GET /api/v1/events/recorded` gives them under `items`.
    #[arg(long, value_name = "FILE", requires = "base", conflicts_with_all = ["until", "source"])]
    events: Option<PathBuf>,
    #[command(flatten)]
    to: To,
}

/// A set, and by what it is called.
struct Set {
    catalog: Catalog,
    name: String,
}

/// Compares. What keeps it from comparing is status 2: 1 says that something differs.
pub fn run(args: &Args) -> ExitCode {
    diff(args).unwrap_or_else(|_| ExitCode::from(WRONG))
}

fn diff(args: &Args) -> Result<ExitCode, ExitCode> {
    let path = args.rules.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let new = of_directory(&path)?;
    let named = args.base.as_deref();
    let directory = named.map(Path::new).filter(|path| path.exists());
    let (base, client) = match (directory, &args.events) {
        (Some(directory), Some(_)) => (of_directory(directory)?, None),
        (Some(directory), None) => (of_directory(directory)?, Some(Client::new(&args.to)?)),
        (None, _) => {
            let client = Client::new(&args.to)?;
            (of_gateway(&client, named)?, Some(client))
        }
    };
    let mut diff = Diff::new(&base.catalog, &new.catalog, args.examples);
    match (&args.events, &client) {
        (Some(file), _) => events::of_file(file, &mut |event| diff.take(event))?,
        (None, Some(client)) => {
            let asked = Asked { since: &args.since, until: args.until.as_deref(), source: args.source.as_deref() };
            events::of_gateway(client, &asked, &mut |event| diff.take(event))?;
        }
        (None, None) => {}
    }
    let difference = diff.end();
    if !args.to.is_json() || !told_to_scripts(&base, &new, &difference) {
        show::show(&base.name, &new.name, &difference);
    }
    Ok(if difference.same { ExitCode::SUCCESS } else { ExitCode::from(super::super::NO) })
}

fn told_to_scripts(base: &Set, new: &Set, difference: &Difference) -> bool {
    let Ok(Value::Object(mut answer)) = serde_json::to_value(difference) else { return false };
    let sets = serde_json::json!({ "base": base.catalog.hash(), "new": new.catalog.hash() });
    answer.insert("rule_sets".to_owned(), sets);
    super::super::out::say_line!("{}", super::super::pretty(&answer));
    true
}

fn of_directory(path: &Path) -> Result<Set, ExitCode> {
    let (catalog, _) = ruleset::clean(path)?;
    let name = format!("{} ({})", path.display(), short(catalog.hash()));
    Ok(Set { catalog, name })
}

/// The set of a hash, or the one in force, as the gateway has it recorded.
fn of_gateway(client: &Client, hash: Option<&str>) -> Result<Set, ExitCode> {
    let (hash, what) = if let Some(hash) = hash {
        let is_hash = hash.len() == 32 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash {
            return Err(fail(WRONG, &format!("--base {hash}: there is no such directory, and it is no hash of a set")));
        }
        (hash.to_owned(), "the recorded set")
    } else {
        let rules = client.get(&["rules"], &[])?;
        (text(&rules, "rule_set").to_owned(), "the set in force")
    };
    let recorded = client.get(&["rule-sets", &hash], &[])?;
    let file = |file: &Value| RuleFile { path: text(file, "path").to_owned(), text: text(file, "text").to_owned() };
    // Tests name bodies beside them, which aren't here.
    let files: Vec<RuleFile> = items(&recorded, "files").iter().map(file).filter(|file| !file.holds_tests()).collect();
    let Checked { findings, catalog, .. } = check(&files);
    let catalog = catalog.ok_or_else(|| {
        anstream::eprint!("{}", crate::rules::report::text(&findings, &files, true));
        fail(
            WRONG,
            &format!("{what} can't be read as it was recorded, by this version or without the secrets that stood in it: name its directory by --base"),
        )
    })?;
    let name = format!("{what} ({})", short(&hash));
    Ok(Set { catalog: catalog.recorded_as(hash), name })
}

/// The beginning of a hash.
fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}
