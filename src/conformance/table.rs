//! What a provider can do, in words.

use crate::domain::connection::{Capabilities, Fields, ProviderKind};

/// The table of what a provider can do: what, and how far.
pub fn table(kind: ProviderKind) -> Vec<(&'static str, String)> {
    let can = kind.capabilities();
    let up_to = |count: usize| format!("up to {count} in a call");
    let yes = |can: bool| if can { "yes" } else { "no" }.to_owned();
    let no_contacts = can.tags_per_call == 0;
    vec![
        ("tags", if no_contacts { yes(false) } else { format!("add, remove; {}", up_to(can.tags_per_call)) }),
        (
            "read tags",
            match (can.reads_tags, no_contacts) {
                (true, _) => "by id".to_owned(),
                (false, true) => yes(false),
                (false, false) => "by the look-up that found the contact".to_owned(),
            },
        ),
        ("find contacts", if no_contacts { yes(false) } else { ways(can) }),
        ("make contacts", yes(can.creates)),
        ("set fields", if can.sets_fields { up_to(can.fields_per_call) } else { yes(false) }),
        ("forward", yes(can.forwards)),
        (
            "tag names",
            if no_contacts {
                "none"
            } else if can.ignores_case {
                "case is ignored"
            } else {
                "compared exactly"
            }
            .to_owned(),
        ),
    ]
}

fn ways(can: &Capabilities) -> String {
    let mut ways = vec!["id".to_owned()];
    ways.extend(can.finds.email.then(|| "e-mail".to_owned()));
    ways.extend(can.finds.phone.then(|| "phone".to_owned()));
    match can.finds.fields {
        Fields::None => {}
        Fields::Any => ways.push("any field".to_owned()),
        Fields::Of(names) => ways.push(format!("the fields {}", names.join(" "))),
    }
    format!("by {}", ways.join(", "))
}
