//! Tags that people would take for one, and the provider for two.

use std::collections::BTreeMap;

use super::desk::{Asked, Desk};
use super::draft::Draft;
use crate::rules::codes::Code;
use crate::rules::finding::Span;
use crate::rules::words;

/// Names of one connection that differ in case, accents, spaces or hyphens alone.
pub fn tags_are_told_apart(_: &Draft, desk: &mut Desk<'_>) {
    // By connection and by what is left of a name, each spelling with the places where it stands.
    let mut groups: BTreeMap<(String, String), BTreeMap<&str, Vec<Span>>> = BTreeMap::new();
    for ask in &desk.asks {
        let Asked::Tag(Some(tag)) = &ask.what else { continue };
        let bare = words::fold(tag).replace(' ', "");
        if bare.is_empty() {
            continue;
        }
        let group = groups.entry((ask.connection.as_str().to_owned(), bare)).or_default();
        group.entry(tag).or_default().push(ask.span);
    }
    for ((connection, _), spellings) in groups.iter().filter(|(_, spellings)| spellings.len() > 1) {
        // The one that most places have is taken for right; of as many, the one that comes first.
        let usual = spellings.iter().max_by_key(|(_, places)| (places.len(), std::cmp::Reverse(places.first())));
        let Some((usual, places)) = usual else { continue };
        for (spelling, span) in spellings.iter().filter(|(spelling, _)| *spelling != usual).filter_map(first) {
            let message = format!("`{spelling}` and `{usual}` are two tags at `{connection}`");
            let told = desk.findings.add(Code::NearTags, span, message);
            let told =
                told.help(format!("write `{usual}` everywhere, or give the two names that nobody takes for one"));
            if let Some(place) = places.iter().min() {
                told.related(*place, "the other one");
            }
        }
    }
}

fn first<'s>((spelling, places): (&&'s str, &Vec<Span>)) -> Option<(&'s str, Span)> {
    Some((*spelling, *places.iter().min()?))
}
