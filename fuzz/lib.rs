//! What the fuzz targets share, and the rooms that they are run against.
//!
//! The rooms of the pure middle are compiled into this crate: they know no server, no store and no clock, so neither does the
//! fuzzer, and its build is short. Each target is a file of `targets/`.

#[path = "../src/domain/mod.rs"]
pub mod domain;
pub mod input;
#[path = "../src/rules/mod.rs"]
pub mod rules;
#[path = "../src/sources/mod.rs"]
pub mod sources;
#[path = "../src/vault.rs"]
pub mod vault;

use std::time::{Duration, Instant};

use domain::event::Event;
use domain::request::{Fields, Request};
use domain::time::Timestamp;
use rules::{Catalog, RuleFile, RuleTest};
use sources::{Source, Verified};

/// Longer than this no input of a fuzzer's size may take.
const MOST: Duration = Duration::from_secs(1);

/// When everything is received: Monday, 2 March 2026, 15:00 in Bogotá.
pub const NOW: Timestamp = Timestamp(1_772_481_600_000);

/// Runs `work`; what is slow is run again, since the machine may have been busy, and is a failure when it stays slow.
pub fn in_time(work: impl Fn()) {
    let slow = || {
        let begun = Instant::now();
        work();
        begun.elapsed() > MOST
    };
    assert!(!(slow() && slow() && slow()), "this takes more than {MOST:?} each time");
}

/// The rule set of `world.yaml`, which has something of everything.
pub fn world() -> Catalog {
    let file = RuleFile { path: "world.yaml".to_owned(), text: include_str!("world.yaml").to_owned() };
    let checked = rules::check(std::slice::from_ref(&file));
    checked.catalog.unwrap_or_else(|| panic!("{}", rules::report::text(&checked.findings, &[file], false)))
}

/// Takes a request as the gateway does, and hands each event with its answer's parts to `look`.
pub fn receive(catalog: &Catalog, source: &Source, request: Request<'_>, mut look: impl FnMut(&mut Event<'_>)) {
    let verified = Verified::by_operator(request);
    let Ok(json) = sources::json_body(source.config(), &verified) else { return };
    let Ok(mut reading) = sources::read(source.config(), &verified, &json) else { return };
    for event in &mut reading.events {
        rules::find_parts(catalog, event);
        look(event);
    }
}

/// Runs the tests of a rule set as `tagrelay test` does.
pub fn run_tests(catalog: &Catalog, tests: &[RuleTest]) {
    rules::run_tests(catalog, tests, &|config, body, at, events| {
        let request = Request {
            method: "POST",
            url: "",
            query: "",
            headers: Fields::default(),
            body,
            peer: None,
            received_at: at,
        };
        let verified = Verified::by_operator(request);
        let json = sources::json_body(config, &verified).map_err(|error| error.to_string())?;
        events(&mut sources::read(config, &verified, &json).map_err(|error| error.to_string())?.events);
        Ok(())
    });
}
