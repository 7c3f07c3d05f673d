//! Changed rules take the place of those in force while the gateway runs.

mod changes;
mod connections;
mod refusals;
mod under_load;

use crate::support::gateway::{CRM, HEAD};

/// Why these are stories of one gateway.
const ALONE: &str = "each gateway notices changed files by itself";

/// A rule file in which a lead is answered with this.
fn answering(reply: &str) -> String {
    let rule = format!(
        "  - id: lead\n    match: {{ intent: lead }}\n    tag: {{ crm: {{ add: [Lead] }} }}\n    reply: {reply}\n"
    );
    format!("{HEAD}{CRM}\nrules:\n{rule}")
}
