//! Any text as a condition and as a template, worked out for any event.
//!
//! Sections: the expression, the parameters, what the person said, the form, the payload.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tagrelay_fuzz::domain::event::Event;
use tagrelay_fuzz::domain::json::Json;
use tagrelay_fuzz::domain::name::SourceName;
use tagrelay_fuzz::domain::request::Fields;
use tagrelay_fuzz::input::{self, Sections};
use tagrelay_fuzz::rules::Catalog;
use tagrelay_fuzz::rules::fuzzing::{MAX_RENDERED, try_out};
use tagrelay_fuzz::{NOW, in_time, world};

static WORLD: LazyLock<Catalog> = LazyLock::new(world);

fuzz_target!(|data: &[u8]| {
    let mut sections = Sections::of(data);
    let Some(written) = input::expression(sections.bytes()) else { return };
    let params = Json::parse(sections.bytes()).unwrap_or(Json::EMPTY_MAP);
    let text = sections.text().unwrap_or_default();
    let form = Json::parse(sections.bytes()).unwrap_or(Json::EMPTY_LIST);
    let payload = Json::parse(sections.bytes()).unwrap_or(params);
    let fields = |name: &'static str| Fields(vec![(name.into(), text.into())]);
    for source in ["es", "cx"] {
        let event = Event {
            intent: Some("pricing.inquiry".into()),
            text: (!text.is_empty()).then(|| text.into()),
            language: Some("es-419".into()),
            confidence: Some(0.75),
            session: Some(text.into()),
            page: Some("Order".into()),
            params,
            form,
            payload,
            body: payload,
            query: fields("q"),
            headers: fields("x-event"),
            ..Event::empty(SourceName::parse(source).expect("a name"), NOW)
        };
        in_time(|| {
            let tried = try_out(&WORLD, &written, &event);
            for place in tried.problems {
                assert!(written.get(place.clone()).is_some(), "a problem at {place:?} of {} bytes", written.len());
            }
            assert!(tried.holds != Some(true) || tried.why_not.is_none(), "it holds, and {:?}", tried.why_not);
            assert!(tried.rendered.is_none_or(|text| text.len() <= MAX_RENDERED), "more was rendered than may be");
        });
    }
});
