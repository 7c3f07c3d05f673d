//! `kill -9` at random moments under load, with providers of all kinds that fail in three of ten calls: every event that got
//! a 200 is there, the contacts end everywhere as if its changes had been made one by one in the order of acceptance, and
//! what is sent on arrives in that order.

#[path = "../support/mod.rs"]
mod support;

mod dice;
mod model;
mod places;
mod senders;
mod watch;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;
use support::gateway::{Gateway, HEAD, Setup};
use support::provider::provider;
use support::{PATIENCE, eventually};
use tagrelay::sandbox::Sandbox;

use dice::Dice;
use places::{PLACES, Place};
use senders::Senders;
use watch::Watch;

/// How often the process is killed, unless `KILL_COUNT` says otherwise.
const KILLS: u64 = 50;
/// Contacts that may wait before the senders rest.
const PILE: u64 = 2_000;
/// Contacts that are talked about at a time. New ones come again and again, so that what goes wrong with the last change of
/// one isn't mended by a later change.
const CONTACTS: u64 = 10;

#[test]
fn nothing_acknowledged_is_lost_and_order_holds_through_fifty_kills() {
    let (seed, kills) = (number("KILL_SEED", 2026), number("KILL_COUNT", KILLS));
    eprintln!("KILL_SEED={seed}");
    let mut dice = Dice::new(seed);
    let provider = provider();
    let mut gateway = gateway(&provider);
    let mut watch = Watch::default();
    let senders = Senders::start(gateway.address, seed);
    for kill in 0..kills {
        provider.clear_faults();
        let faults = json!([{ "kind": "mixed", "share": 0.3, "seed": dice.below(1 << 32), "millis": 50 }]);
        provider.add_faults(&faults).expect("faults");
        // What failed is tried again at once, at some moment before the kill comes at another.
        std::thread::sleep(Duration::from_millis(dice.below(250)));
        stir(&gateway);
        std::thread::sleep(Duration::from_millis(dice.below(250)));
        gateway.kill();
        assert!(!gateway.process.log().contains("panicked"), "kill {kill}:\n{}", gateway.process.log());
        if kill % 5 == 0 {
            // Killed before it is ready, too.
            gateway.start_in_vain(Duration::from_millis(dice.below(60)));
        }
        watch.gather(&provider);
        gateway.start_again();
        senders.move_to(gateway.address);
        // Lives are short: in a long run more would pile up than is delivered in them. The kills go on all the same.
        senders.rest(waiting(&gateway) > PILE);
        if kill % 50 == 49 {
            eprintln!("{} kills", kill + 1);
        }
    }
    let sent = senders.stop();
    // Much of what waits is delivered while calls still go wrong.
    for _ in 0..100 {
        stir(&gateway);
        std::thread::sleep(Duration::from_millis(50));
        watch.gather(&provider);
    }
    provider.clear_faults();
    deliver(&gateway, 0, || watch.gather(&provider));

    let events = gateway.events();
    let keys: BTreeSet<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
    assert_eq!(keys.len(), events.len(), "each event is there once");
    let lost: Vec<&String> = sent.acknowledged.iter().filter(|key| !keys.contains(key.as_str())).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    assert!(keys.iter().all(|key| sent.keys.contains(*key)), "nothing is there that nobody sent");
    assert_eq!(gateway.api("/dead-letters")["items"], json!([]), "all that failed could pass");

    for place in &PLACES {
        let expected = model::outcome(&events, place);
        let differing: Vec<String> =
            expected.keys().filter_map(|id| differs(&provider, place, &expected, *id)).collect();
        assert!(differing.is_empty(), "KILL_SEED={seed}:\n{}", differing.join("\n"));
    }
    let disorder = watch.faults(&events);
    assert!(disorder.is_empty(), "KILL_SEED={seed}:\n{}", disorder.join("\n"));

    let calls = last_call(&provider);
    gateway.terminate();
    gateway.start_again();
    eventually("an idle start", || (waiting(&gateway) == 0).then_some(()));
    assert_eq!(last_call(&provider), calls, "nothing waits that was settled");
    let (all, faulty) = (events.len(), &watch.faulty);
    eprintln!("{all} events, {} acknowledged, {calls} calls, of which went wrong {faulty:?}", sent.acknowledged.len());
    let enough = faulty.len() == PLACES.len() + 1 && faulty.values().all(|count| *count > 25);
    assert!(all > 500 && enough, "too little happened to prove anything");
}

/// What the environment says, as of the seed: the same one gives the same kills, events and faults, though the machine's own timing
/// still differs.
fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var_os(name).map(|text| text.into_string().expect("a number"));
    given.map_or(default, |text| text.parse().expect("a number"))
}

fn gateway(provider: &Sandbox) -> Gateway {
    let connections = places::connections(provider, "2s", "rate_limit: 100000/min");
    let setup = Setup::bare(&format!("{HEAD}{connections}rules:\n{}", model::rules()));
    setup.without_sandbox().set("TAGRELAY_LOG", "info").start()
}

fn stir(gateway: &Gateway) {
    for name in places::names() {
        let path = format!("/api/v1/connections/{name}/retry");
        gateway.api_as(support::gateway::ADMIN, "POST", &path, b"");
    }
}

/// The contacts that wait at all connections.
fn waiting(gateway: &Gateway) -> u64 {
    let connections = gateway.api("/connections");
    let items = connections["items"].as_array().expect("a list");
    assert_eq!(items.len(), places::names().count(), "all are delivered to");
    items.iter().map(|item| item["waiting"].as_u64().expect("a number")).sum()
}

fn last_call(provider: &Sandbox) -> u64 {
    provider.calls().last().map_or(0, |call| call.n)
}

/// Waits until no more than `rest` contacts wait, with a look in between. However many they are and however busy the machine is: they
/// must become fewer.
fn deliver(gateway: &Gateway, rest: u64, mut look: impl FnMut()) {
    let mut least = (u64::MAX, Instant::now());
    loop {
        stir(gateway);
        std::thread::sleep(Duration::from_millis(50));
        let waiting = waiting(gateway);
        look();
        if waiting <= rest {
            return;
        }
        if waiting < least.0 {
            least = (waiting, Instant::now());
        }
        assert!(least.1.elapsed() < 6 * PATIENCE, "never came: the end of all that waits; {waiting} contacts do");
    }
}

fn differs(provider: &Sandbox, place: &Place, expected: &model::Contacts, id: u64) -> Option<String> {
    let is: BTreeSet<String> = provider.tags(place.provider, &id.to_string()).unwrap_or_default().into_iter().collect();
    let should = expected.get(&id).cloned().unwrap_or_default();
    (is != should).then(|| format!("{} {id} has {is:?} and should have {should:?}", place.connection))
}
