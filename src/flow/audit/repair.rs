//! What drifted is asked for again: an event like any other, that holds only as long as the word it answers is the last one.

use serde_json::json;

use super::compare::{Finding, Found, Standing};
use crate::clock;
use crate::domain::change::{Change, Ord, Terms};
use crate::domain::contact::Contact;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::flow::gateway::Gateway;
use crate::rules::{lists_tag, tags_by_hand};
use crate::store::{Accepted, Intake, Origin, StoreError};

/// The source and the rule under which it stands.
pub const NAME: &str = "tagrelay.audit";

/// What is asked for again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The event that asks.
    pub event: Ord,
    /// For these tags.
    pub tags: Vec<TagName>,
}

/// Asks for what drifted; `None` where nothing is asked for. A tag that the connection no longer lists isn't.
pub(super) async fn repair(
    gateway: &Gateway,
    contact: &Contact,
    standing: &Standing,
    findings: &[Finding],
    why: &str,
) -> Result<Option<Repair>, StoreError> {
    let set = gateway.rules();
    let listed = |finding: &&Finding| lists_tag(&set.catalog, &contact.connection, &finding.tag);
    let drifted = findings.iter().filter(|finding| finding.found == Found::Drifted).filter(listed);
    let (add, remove): (Vec<&Finding>, Vec<&Finding>) = drifted.partition(|finding| finding.blame.word.wants);
    if add.is_empty() && remove.is_empty() {
        return Ok(None);
    }
    let source = SourceName::parse(NAME).expect("it has the letters of a name");
    let rule = RuleId::parse(NAME).expect("it has the letters of a name");
    let now = clock::now();
    let names = |findings: &[&Finding]| findings.iter().map(|finding| finding.tag.clone()).collect();
    // Removes come first, as in a rule.
    let changes = tags_by_hand(&set.catalog, &rule, contact, names(&add), names(&remove));
    let asked: Vec<&Finding> = remove.into_iter().chain(add).collect();
    let answers = changes.into_iter().zip(&asked).map(|(change, finding)| {
        let word = &finding.blame.word;
        let left = standing.ends(word.id).map(|due| due.since(now).max(0) as u64);
        let terms = change.terms.as_deref().cloned().unwrap_or_default();
        Change { terms: Terms { ends: Some(word.id), lasts_ms: left, ..terms }.boxed(), ..change }
    });
    let mut decision = Decision { rules: vec![rule], changes: answers.collect(), ..Decision::default() };
    let found: Vec<String> = asked.iter().map(|finding| told(finding)).collect();
    let origin = Origin { note: note(why, &found), ..Origin::default() };
    let event = Event { kind: Some("audit".into()), ..Event::empty(source, now) };
    let body = json!({ "contact": contact.reference.to_string(), "found": found }).to_string();
    let intake = Intake::from(&origin, &event, set.catalog.hash(), &mut decision, b"{}", body.as_bytes());
    let accepted = gateway.store.accept(vec![intake]).await?;
    let (Accepted::New(ord) | Accepted::Duplicate { ord, .. }) = accepted.first().ok_or(StoreError::Stopped)?;
    tracing::info!(event = %ord, connection = %contact.connection, "tags that drifted asked for again");
    Ok(Some(Repair { event: *ord, tags: asked.iter().map(|finding| finding.tag.clone()).collect() }))
}

/// What the audit found, for whoever asks later; who asked for the repair comes first, since long notes are cut in the end.
fn note(why: &str, found: &[String]) -> String {
    let found = found.join("; ");
    if why.is_empty() { format!("repaired by audit: {found}") } else { format!("repaired by audit ({why}): {found}") }
}

/// `"Lead" was missing, which change 1.0 of rule pricing-lead had added`
fn told(finding: &Finding) -> String {
    let word = &finding.blame.word;
    let (was, had) = if word.wants { ("missing", "added") } else { ("there again", "removed") };
    format!("{:?} was {was}, which change {} of rule {} had {had}", finding.tag.as_str(), word.id, word.rule)
}
