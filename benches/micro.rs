//! Micro-benchmarks of the pure middle: verify, read, decide, fold.
//!
//! `cargo bench --bench micro`; one of them: `cargo bench --bench micro -- decide`.
#![allow(missing_docs, reason = "criterion's macros make the public items of this crate")]

#[path = "shapes/mod.rs"]
mod shapes;

use std::borrow::Cow;
use std::collections::HashMap;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use shapes::{Message, SECRET, SOURCE, rule_files};
use tagrelay::domain::change::{Change, ChangeId, Effect, Guard, Ord};
use tagrelay::domain::contact::{Contact, ContactRef};
use tagrelay::domain::known::KnownTags;
use tagrelay::domain::name::{ConnectionName, RuleId};
use tagrelay::domain::request::{Fields, Request};
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::flow::fold::{Trust, fold};
use tagrelay::rules::{self, Catalog, RuleFile};
use tagrelay::sources::{self, Source, Verified};
use tagrelay::store::Intake;
use tagrelay::vault::Vault;

const NOW: Timestamp = Timestamp(1_772_000_000_000);

fn catalog(rules: usize) -> Catalog {
    let files = rule_files(rules, "127.0.0.1:8090");
    let files: Vec<RuleFile> = files.into_iter().map(|(path, text)| RuleFile { path, text }).collect();
    rules::check(&files).catalog.expect("the generated rules are clean")
}

fn request<'a>(message: &'a Message, headers: &'a [(String, String)]) -> Request<'a> {
    let fields = headers.iter().map(|(name, value)| (Cow::Borrowed(name.as_str()), Cow::Borrowed(value.as_str())));
    Request {
        method: "POST",
        url: "http://127.0.0.1/hooks/website-bot",
        query: "",
        headers: Fields(fields.collect()),
        body: message.body(),
        peer: None,
        received_at: NOW,
    }
}

fn source(catalog: &Catalog) -> Source {
    let secrets = HashMap::from([("WEBSITE_BOT_SECRET".to_owned(), SECRET.to_owned())]);
    let config = catalog.source(SOURCE).expect("the generated rules have this source");
    Source::open(config, &Vault::new(secrets, None)).expect("the secret is there")
}

/// A request and its headers, names in lower case.
fn signed(intents: usize) -> (Message, Vec<(String, String)>) {
    let mut message = Message::new("/hooks/website-bot", intents, 20_000, false);
    let request = String::from_utf8_lossy(message.fill(7, NOW.seconds())).into_owned();
    let (head, _) = request.split_once("\r\n\r\n").expect("a head ends with an empty line");
    let pairs = head.lines().filter_map(|line| line.split_once(": "));
    (message, pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())).collect())
}

fn verify_and_read(criterion: &mut Criterion) {
    let catalog = catalog(10);
    let source = source(&catalog);
    let (message, headers) = signed(10);
    let request = request(&message, &headers);
    let mut group = criterion.benchmark_group("intake");
    group.throughput(Throughput::Bytes(message.body().len() as u64));
    group.bench_function("verify", |b| b.iter(|| source.verify(black_box(request.clone())).is_ok()));
    let verified = Verified::by_operator(request);
    group.bench_function("read", |b| {
        b.iter(|| {
            let json = sources::json_body(source.config(), black_box(&verified)).expect("the body is JSON");
            sources::read(source.config(), black_box(&verified), &json).is_ok()
        });
    });
    let json = sources::json_body(source.config(), &verified).expect("the body is JSON");
    let events = sources::read(source.config(), &verified, &json).expect("the body is well formed").events;
    let event = events.first().expect("a body is one event");
    let decision = rules::decide(&catalog, event);
    group.bench_function("encode", |b| {
        b.iter(|| Intake::of(black_box(event), catalog.hash(), &mut decision.clone(), b"{}", message.body()));
    });
    group.finish();
}

fn decide(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decide");
    for rules in [10, 1_000, 10_000] {
        let catalog = catalog(rules);
        let source = source(&catalog);
        let (message, headers) = signed(rules);
        let verified = Verified::by_operator(request(&message, &headers));
        let json = sources::json_body(source.config(), &verified).expect("the body is JSON");
        let events = sources::read(source.config(), &verified, &json).expect("the body is well formed").events;
        let event = events.first().expect("a body is one event");
        assert_eq!(rules::decide(&catalog, event).rules.len(), 1, "one rule matches");
        group.bench_function(BenchmarkId::from_parameter(rules), |b| {
            b.iter(|| rules::decide(&catalog, black_box(event)));
        });
    }
    group.finish();
}

/// Changes of one contact over ten tags: every other one takes a tag away, every fifth has a guard.
fn changes(count: u64) -> Vec<(ChangeId, Change)> {
    let tag = |number: u64| TagName::parse(&format!("Topic {}", number % 10)).expect("a tag");
    let change = |number: u64| {
        let effect =
            if number.is_multiple_of(2) { Effect::AddTag(tag(number / 2)) } else { Effect::RemoveTag(tag(number / 2)) };
        let unless_tagged = if number.is_multiple_of(5) { vec![tag(number + 1)] } else { Vec::new() };
        let contact = Contact {
            connection: ConnectionName::parse("crm").expect("a name"),
            reference: ContactRef::Id("1568834".to_owned()),
        };
        let guard = Guard { if_tagged: Vec::new(), unless_tagged };
        Change { guard, ..Change::plain(contact, effect, RuleId::parse("rule").expect("a name")) }
    };
    (0..count).map(|number| (ChangeId { ord: Ord(number + 1), index: 0 }, change(number))).collect()
}

fn folding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fold");
    let known = KnownTags::whole([TagName::parse("Topic 3").expect("a tag")]);
    for count in [1, 10, 1_000] {
        let changes = changes(count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            let past = tagrelay::store::Past::default();
            b.iter(|| fold(black_box(&changes), &past, &known, Trust::Fresh));
        });
    }
    group.finish();
}

criterion_group!(benches, verify_and_read, decide, folding);
criterion_main!(benches);
