//! Any body, from the intake to the answer, by the rules of `world.yaml`. The answer is JSON, whatever came.
//!
//! Sections: the body, headers, the query.

#![no_main]

use std::collections::HashMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tagrelay_fuzz::domain::change::Effect;
use tagrelay_fuzz::domain::decision::Decision;
use tagrelay_fuzz::domain::request::{Fields, Request};
use tagrelay_fuzz::domain::secret::Secret;
use tagrelay_fuzz::input::Sections;
use tagrelay_fuzz::rules::fuzzing::MAX_RENDERED;
use tagrelay_fuzz::rules::{Catalog, decide, explain};
use tagrelay_fuzz::sources::{Source, write_reply};
use tagrelay_fuzz::vault::Vault;
use tagrelay_fuzz::{NOW, in_time, receive, world};

/// A vendor's form adds little to what the rules render; JSON's escapes make six bytes of one.
const MOST_REPLY: usize = 16 * MAX_RENDERED;

static WORLD: LazyLock<(Catalog, Vec<Source>)> = LazyLock::new(|| {
    let catalog = world();
    let vault = Vault::new(HashMap::new(), Some(Secret::new("a long enough secret")));
    let open = |config| Source::open(config, &vault).expect("it opens");
    let sources = catalog.sources().map(open).collect();
    (catalog, sources)
});

fuzz_target!(|data: &[u8]| {
    let (catalog, sources) = &*WORLD;
    let mut sections = Sections::of(data);
    let body = sections.bytes();
    let Some(headers) = sections.headers() else { return };
    let Some(query) = sections.text() else { return };
    let headers = Fields(headers.into_iter().map(|(name, value)| (name.to_lowercase().into(), value.into())).collect());
    let request = Request { method: "POST", url: "", query, headers, body, peer: None, received_at: NOW };
    for source in sources {
        in_time(|| {
            receive(catalog, source, request.clone(), |event| {
                let explanation = explain(catalog, event);
                serde_json::to_string(&explanation).expect("an explanation is JSON");
                let decision = decide(catalog, event);
                assert_eq!(explanation.decision.rules, decision.rules);
                bounded(&decision);
                let kind = source.config().kind;
                let (session, language) = (event.session.as_deref(), event.language.as_deref());
                let Ok(reply) = write_reply(kind, session, language, decision.reply.as_ref()) else { return };
                assert!(serde_json::from_slice::<serde_json::Value>(&reply).is_ok(), "a reply that is no JSON");
                assert!(reply.len() <= MOST_REPLY + 16 * body.len(), "a reply of {} bytes", reply.len());
            });
        });
    }
});

fn bounded(decision: &Decision) {
    for change in &decision.changes {
        let size = match &change.effect {
            Effect::Set { value, .. } => value.json().text().len(),
            Effect::Forward { body } => body.json().text().len(),
            other => other.subject().len(),
        };
        assert!(size <= MAX_RENDERED, "a change of {size} bytes");
    }
}
