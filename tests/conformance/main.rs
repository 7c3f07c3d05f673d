//! Every provider passes the suite, and the suite fails whoever makes a mistake: each check, and each kind of fault that the sandbox
//! has, is shown to find one.

mod mistakes;
#[path = "../support/room.rs"]
mod room;
mod wire;

use std::collections::BTreeSet;

use mistakes::{MISTAKES, Mistaken};
use tagrelay::conformance::{self, CHECKS, CameTo, Subject};
use tagrelay::domain::connection::ProviderKind;

#[tokio::test]
async fn every_provider_holds_to_every_check_that_it_can_be_asked() {
    let mut failed = Vec::new();
    for kind in ProviderKind::ALL {
        let seen = conformance::suite(kind, &|provider| Box::new(provider) as Box<dyn Subject>).await;
        let seen = seen.expect("a sandbox");
        assert_eq!(seen.len(), CHECKS.len());
        let fails = seen.into_iter().filter(|one| matches!(one.came_to, CameTo::Fails(_)));
        failed.extend(fails.map(|one| format!("{}: {one:?}", kind.name())));
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Each mistake is found by exactly the checks that are about it.
async fn mistakes_are_found_at(kind: ProviderKind) {
    let mut wrong = Vec::new();
    for mistake in MISTAKES.iter().filter(|mistake| mistake.at == kind) {
        let make = |provider| Box::new(Mistaken { provider, mistake }) as Box<dyn Subject>;
        let seen = conformance::suite(kind, &make).await.expect("a sandbox");
        let fails = seen.into_iter().filter(|one| matches!(one.came_to, CameTo::Fails(_)));
        let failed: Vec<_> = fails.collect();
        let names: Vec<&str> = failed.iter().map(|one| one.check).collect();
        if names != mistake.found_by {
            wrong.push(format!("{} is found by {names:?}: {failed:#?}", mistake.what));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn mistakes_at_helpcrunch_are_found() {
    mistakes_are_found_at(ProviderKind::Helpcrunch).await;
}

#[tokio::test]
async fn mistakes_at_1980tic_are_found() {
    mistakes_are_found_at(ProviderKind::Tic1980).await;
}

#[tokio::test]
async fn mistakes_at_respond_io_are_found() {
    mistakes_are_found_at(ProviderKind::RespondIo).await;
}

#[tokio::test]
async fn mistakes_at_b2chat_are_found() {
    mistakes_are_found_at(ProviderKind::B2chat).await;
}

#[tokio::test]
async fn mistakes_of_forwards_are_found() {
    mistakes_are_found_at(ProviderKind::Webhook).await;
}

#[test]
fn every_check_has_a_mistake_that_it_finds() {
    let found: BTreeSet<&str> = MISTAKES.iter().flat_map(|mistake| mistake.found_by).copied().collect();
    let all: BTreeSet<&str> = CHECKS.iter().map(|check| check.name).collect();
    assert_eq!(all.len(), CHECKS.len(), "names are told apart");
    assert_eq!(all.difference(&found).collect::<Vec<_>>(), Vec::<&&str>::new());
}

/// A kind of fault that no check brings about would never be shown to find anything.
#[test]
fn every_kind_of_fault_is_brought_about_by_a_check() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let sandbox = tagrelay::sandbox::start(listener, tagrelay::sandbox::SandboxOptions::default()).expect("a sandbox");
    let told = sandbox.add_faults(&serde_json::json!([{ "kind": "?" }])).expect_err("no such kind");
    let kinds: Vec<&str> = told.split('`').skip(3).step_by(2).collect();
    assert!(kinds.len() > 10, "{told}");
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance/checks");
    let files = std::fs::read_dir(folder).expect("the checks").map(|file| file.expect("a file").path());
    let checks: String = files.map(|path| std::fs::read_to_string(path).expect("text")).collect();
    for kind in kinds {
        assert!(checks.contains(&format!("\"kind\": \"{kind}\"")), "no check brings about {kind}");
    }
}
