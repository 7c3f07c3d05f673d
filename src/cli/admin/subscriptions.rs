//! `tagrelay subscriptions`: who is told of what happens, and the end of one.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::super::out::say_line;
use super::table::Table;
use super::{Client, To, ended, items, text, time};

/// Show who is told of what happens here, begin one, or end one.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  tagrelay subscriptions\n  tagrelay subscriptions --add https://example.com/hook --event tag.added --tag 'Plan *'\n  tagrelay subscriptions --end 0f3a9c1be27d4485a6c0b1d2"
)]
pub struct Args {
    /// Tell this address from now on.
    #[arg(long, value_name = "URL", requires = "event", conflicts_with = "end")]
    add: Option<String>,
    /// Of this: tag.added, tag.removed, rule.fired, `dead_letter.created` or connection.paused.
    #[arg(long, requires = "add")]
    event: Option<String>,
    /// Only of this connection; `*` stands for any run of characters.
    #[arg(long, value_name = "NAME", requires = "add")]
    connection: Option<String>,
    /// Only where this rule asked for it.
    #[arg(long, value_name = "ID", requires = "add")]
    rule: Option<String>,
    /// Only of this tag.
    #[arg(long, requires = "add")]
    tag: Option<String>,
    /// End this one.
    #[arg(long, value_name = "ID")]
    end: Option<String>,
    #[command(flatten)]
    to: To,
}

/// Shows, begins or ends.
pub fn run(args: &Args) -> ExitCode {
    ended(subscriptions(args))
}

fn subscriptions(args: &Args) -> Result<(), ExitCode> {
    let client = Client::new(&args.to)?;
    if let Some(id) = &args.end {
        let answer = client.delete(&["subscriptions", id])?;
        if !client.is_for_scripts(&answer) {
            say_line!("{id} has ended; nothing more is sent");
        }
        return Ok(());
    }
    if let Some(url) = &args.add {
        let given = [
            ("target_url", Some(url)),
            ("event", args.event.as_ref()),
            ("connection", args.connection.as_ref()),
            ("rule", args.rule.as_ref()),
            ("tag", args.tag.as_ref()),
        ];
        let body: Value =
            given.iter().filter_map(|(name, value)| Some(((*name).to_owned(), json!((*value)?)))).collect();
        let answer = client.post(&["subscriptions"], &body)?;
        if !client.is_for_scripts(&answer) {
            say_line!("{}: {} is told of {}", text(&answer, "id"), text(&answer, "target"), text(&answer, "event"));
            say_line!("signed with {}, which is shown this once", text(&answer, "secret"));
        }
        return Ok(());
    }
    let list = client.get(&["subscriptions"], &[])?;
    if client.is_for_scripts(&list) {
        return Ok(());
    }
    let mut table =
        Table::new(&["subscription", "event", "only", "to", "state", "sent", "left out", "since", "reason"]);
    for one in items(&list, "items") {
        let number = |name: &str| one.get(name).map(Value::to_string).unwrap_or_default();
        table.row(vec![
            text(one, "id").to_owned(),
            text(one, "event").to_owned(),
            only(one),
            text(one, "target").to_owned(),
            text(one, "state").to_owned(),
            number("sent"),
            number("left_out"),
            time(one, "since"),
            reason(one),
        ]);
    }
    table.print("nobody has subscribed");
    Ok(())
}

/// `connection crm, tag Lead`
fn only(one: &Value) -> String {
    let given = ["connection", "rule", "tag"].into_iter().filter(|name| !text(one, name).is_empty());
    given.map(|name| format!("{name} {}", text(one, name))).collect::<Vec<_>>().join(", ")
}

/// Why it isn't well, and when it is tried again.
fn reason(one: &Value) -> String {
    let ended = one.get("ended").map(|ended| text(ended, "reason")).unwrap_or_default();
    match one.get("failing").filter(|failing| ended.is_empty() && !failing.is_null()) {
        Some(failing) => format!("{}; tried again at {}", text(failing, "reason"), time(failing, "next_try_at")),
        None => ended.to_owned(),
    }
}
