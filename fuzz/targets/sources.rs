//! Any request through every kind of source; what is stored of an event reads as that event again.
//!
//! Sections: the body, headers, the query, the way to the list, the method (`POST` where it is empty).

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use tagrelay_fuzz::domain::json::Json;
use tagrelay_fuzz::domain::name::SourceName;
use tagrelay_fuzz::domain::request::{Fields, Request};
use tagrelay_fuzz::domain::source::{SourceConfig, SourceKind};
use tagrelay_fuzz::input::Sections;
use tagrelay_fuzz::sources::{Reading, Verified, json_body, methods, read, takes, write_reply};
use tagrelay_fuzz::{NOW, in_time};

fuzz_target!(|data: &[u8]| {
    let mut sections = Sections::of(data);
    let body = sections.bytes();
    in_time(|| is_read_as_serde_json_reads_it(body));
    let Some(headers) = sections.headers() else { return };
    let Some(query) = sections.text() else { return };
    let Some(each) = sections.text() else { return };
    let Some(method) = sections.text().map(|method| if method.is_empty() { "POST" } else { method }) else { return };
    let headers = Fields(headers.into_iter().map(|(name, value)| (name.to_lowercase().into(), value.into())).collect());
    let each = (!each.is_empty()).then(|| each.split('.').map(str::to_owned).collect::<Vec<_>>());
    for kind in SourceKind::ALL.iter().copied() {
        let content_type = headers.get("content-type");
        if !methods(kind).split(", ").any(|known| known == method) || takes(kind, content_type).is_err() {
            continue;
        }
        let name = SourceName::parse("bot").expect("a name");
        let config = SourceConfig {
            name,
            kind,
            auth: Vec::new(),
            allow_ips: Vec::new(),
            each: each.clone(),
            verify_token: None,
        };
        let request = Request { method, url: "", query, headers: headers.clone(), body, peer: None, received_at: NOW };
        in_time(|| {
            let verified = Verified::by_operator(request.clone());
            let Ok(json) = json_body(&config, &verified) else { return };
            let Ok(reading) = read(&config, &verified, &json) else { return };
            if reading.fits().is_ok() {
                reads_again(&config, &request, &reading);
            }
            for event in &reading.events {
                write_reply(kind, event.session.as_deref(), event.language.as_deref(), None).expect("it is small");
            }
        });
    }
});

/// What is taken for JSON is, and whatever is looked for in it is found where `serde_json` finds it.
fn is_read_as_serde_json_reads_it(body: &[u8]) {
    let (ours, theirs) = (Json::parse(body), serde_json::from_slice::<&RawValue>(body));
    let (json, raw) = match (ours, theirs) {
        (Ok(json), Ok(raw)) => (json, raw),
        (Err(error), Ok(_)) => return assert!(error.message.contains("nested"), "{error}"),
        (ours, theirs) => return assert!(ours.is_err() && theirs.is_err()),
    };
    assert_eq!(json.text(), raw.get());
    let items = serde_json::from_str::<Vec<&RawValue>>(json.text()).unwrap_or_default();
    assert_eq!(
        json.items().iter().map(|item| item.text()).collect::<Vec<_>>(),
        items.iter().map(|item| item.get()).collect::<Vec<_>>()
    );
    let members = serde_json::from_str::<BTreeMap<String, &RawValue>>(json.text()).unwrap_or_default();
    let entries: BTreeMap<_, _> = json.entries().into_iter().map(|(key, value)| (key.into_owned(), value.text())).collect();
    assert!(entries.iter().map(|(key, value)| (key, *value)).eq(members.iter().map(|(key, value)| (key, value.get()))));
    for (key, value) in members.iter().take(32) {
        assert_eq!(json.get(key).map(Json::text), Some(value.get()));
    }
}

fn reads_again(config: &SourceConfig, request: &Request<'_>, reading: &Reading<'_>) {
    for (index, event) in reading.events.iter().enumerate().take(8) {
        let stored = reading.stored(index, request.body);
        let query = event.query.to_query();
        let request = Request { headers: event.headers.clone(), query: &query, body: &stored, ..request.clone() };
        let replayed = Verified::by_operator(request);
        let json = json_body(config, &replayed).expect("it was read before");
        let again = read(config, &replayed, &json).expect("it was read before");
        assert_eq!((again.events.len(), again.is_list()), (1, reading.is_list()));
        let again = &again.events[0];
        assert_eq!(again.payload.text(), event.payload.text());
        assert_eq!(again.params.text(), event.params.text());
        assert_eq!((&again.text, &again.intent, &again.kind), (&event.text, &event.intent, &event.kind));
        assert_eq!((&again.headers.0, &again.query.0), (&event.headers.0, &event.query.0));
    }
}
