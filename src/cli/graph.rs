//! `tagrelay graph`: a rule set as a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;

use super::out::{say, say_line};
use super::{NO, WRONG, fail, ruleset, settings};
use crate::rules::Catalog;
use crate::rules::graph::{Part, graph};

/// Draw which sources reach which rules, and what these change at which connections.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay graph rules\n  tagrelay graph rules --tag Lead\n\nMermaid is drawn where Markdown is shown, between ```mermaid and ```: on GitHub and GitLab, in Notion and Obsidian."
)]
pub struct Args {
    /// The directory or file [default: `TAGRELAY_RULES`, else rules].
    path: Option<PathBuf>,
    /// Only rules that may meet events of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// Only this rule; may be given several times.
    #[arg(long = "rule", value_name = "ID")]
    rules: Vec<String>,
    /// Only rules that add, remove or ask for this tag, also by a template or since others exclude it.
    #[arg(long, value_name = "NAME")]
    tag: Option<String>,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
}

/// How it is written.
#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// A flowchart.
    Mermaid,
    /// For scripts.
    Json,
}

/// Draws.
pub fn run(args: &Args) -> ExitCode {
    draw(args).unwrap_or_else(|status| status)
}

fn draw(args: &Args) -> Result<ExitCode, ExitCode> {
    let path = args.path.clone().map_or_else(|| settings().map(|settings| settings.rules), Ok)?;
    let (catalog, _) = ruleset::clean(&path)?;
    if let Some(name) = &args.source {
        ruleset::source(&catalog, name, &path)?;
    }
    args.rules.iter().try_for_each(|id| known(id, &catalog))?;
    let part = Part { source: args.source.clone(), rules: args.rules.clone(), tag: args.tag.clone() };
    let drawn = graph(&catalog, &part);
    if drawn.rules.is_empty() {
        return Err(fail(NO, &format!("no rule in {} has to do with all of what was asked for", path.display())));
    }
    match args.format {
        Format::Mermaid => say!("{}", drawn.mermaid()),
        Format::Json => say_line!("{}", super::pretty(&drawn)),
    }
    Ok(ExitCode::SUCCESS)
}

fn known(id: &str, catalog: &Catalog) -> Result<(), ExitCode> {
    let ids: Vec<String> = catalog.rules().map(|rule| rule.id.to_string()).collect();
    if ids.iter().any(|known| known == id) {
        return Ok(());
    }
    let nearest = crate::domain::near::nearest(id, ids.iter().map(String::as_str));
    let meant = nearest.map(|near| format!("; did you mean {near:?}?")).unwrap_or_default();
    Err(fail(WRONG, &format!("there is no rule {id:?}{meant}")))
}
