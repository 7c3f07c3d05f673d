//! Other people's code judges ours: the senders' own libraries sign what we verify and verify what we sign, and Google's
//! message classes write what we read and read what we write; Zapier's schema and test harness take our integration.
//!
//! The packages are installed on first use, see `tests/reference/install`; without node, npm or python3 the tests fail and
//! say what to install.

mod client;
mod diagram;
mod dialogflow;
mod documents;
mod driver;
mod editor;
mod google;
mod random_rules;
mod schema;
mod signatures;
#[path = "../support/mod.rs"]
mod support;
mod twilio;
mod zapier;

use std::net::{IpAddr, Ipv4Addr};

use tagrelay::clock;
use tagrelay::domain::request::{Fields, Request};
use tagrelay::domain::source::SourceConfig;
use tagrelay::rules::{self, RuleFile};

/// The one source of a rule file, read as a gateway reads it.
fn source_config(auth: &str) -> SourceConfig {
    let text = format!("sources:\n  bot:\n    kind: dialogflow-es\n    auth: {auth}\n");
    let files = [RuleFile { path: "sources.yaml".to_owned(), text }];
    let checked = rules::check(&files);
    let told = || rules::report::text(&checked.findings, &files, false);
    let catalog = checked.catalog.as_ref().unwrap_or_else(|| panic!("{}", told()));
    catalog.sources().next().expect("the source").clone()
}

/// A request to that source that came now.
fn request<'a>(headers: &'a [(String, String)], body: &'a [u8]) -> Request<'a> {
    let headers = headers.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into()));
    Request {
        method: "POST",
        url: "https://hooks.panaderia.example/hooks/bot",
        query: "",
        headers: Fields(headers.collect()),
        body,
        peer: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        received_at: clock::now(),
    }
}
