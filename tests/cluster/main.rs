//! Three gateways on one database, under load, with providers that fail in three of ten calls, while gateways are killed, stopped and
//! cut off, the primary is lost and everything is restarted: nothing acknowledged is lost, contacts end as if their changes had been
//! made one by one, what is sent on arrives in order, and the allowance holds over all gateways.

#[path = "../support/mod.rs"]
mod support;

#[path = "../kill/dice.rs"]
mod dice;
#[path = "../kill/model.rs"]
mod model;
#[path = "../kill/places.rs"]
mod places;
mod record;
mod senders;
mod town;

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use dice::Dice;
use places::{PLACES, Place};
use senders::{Senders, Sent};
use town::{Disturbance, GATEWAYS, LIMIT, POOLED, Town};

/// One at a time: each needs the whole machine.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn no_event_is_lost_or_out_of_order_whatever_happens_to_gateways_and_database() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let (seed, seconds) = (number("CLUSTER_SEED", 2026), number("CLUSTER_SECONDS", 30));
    eprintln!("CLUSTER_SEED={seed}");
    let mut dice = Dice::new(seed);
    let mut town = Town::new();
    let senders = Senders::start(town.addresses(), seed);
    let begin = Instant::now();
    let mut rounds = 0;
    while rounds == 0 || begin.elapsed() < Duration::from_secs(seconds) {
        for what in schedule(&mut dice, rounds) {
            town.faults(&mut dice);
            town.pause(Duration::from_millis(dice.below(700)));
            town.stir();
            town.pause(Duration::from_millis(dice.below(700)));
            eprintln!("{:>6.1} s: {what:?}", begin.elapsed().as_secs_f32());
            town.disturb(what, &mut dice, &senders);
        }
        rounds += 1;
    }
    let sent = senders.stop();
    // Much of what waits is delivered while calls still go wrong.
    for _ in 0..4 {
        town.stir();
        town.pause(Duration::from_millis(500));
    }
    town.provider.clear_faults();
    town.drain();
    let events = assert_as_the_model(&town, &sent, seed);
    let too_many = town.record.too_many();
    assert!(too_many.is_empty(), "CLUSTER_SEED={seed}:\n{}", too_many.join("\n"));
    town.assert_well();

    let (calls, faulty, callers) = (town.record.calls(), &town.record.faulty, town.record.callers());
    eprintln!(
        "{rounds} rounds, {} kills, {events} events, {} acknowledged, {} turned away, {} with last words said again, {calls} calls, of which went wrong {faulty:?}; \
         sent on by {callers:?}, {} at most in a window",
        town.kills,
        sent.acknowledged.len(),
        sent.turned_away,
        town.gateways[0].events().iter().filter(|event| event["source"] == "tagrelay.again").count(),
        town.record.fullest(),
    );
    let enough = faulty.len() == PLACES.len() + 1 && faulty.values().all(|count| *count > 20);
    assert!(events > 200 && enough && callers.len() == GATEWAYS, "too little happened to prove anything");
    assert!(town.record.fullest() > LIMIT / 2, "the allowance was never needed");
}

#[test]
fn a_rolling_update_refuses_nothing_and_doubles_nothing() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = number("CLUSTER_SEED", 2026);
    let mut town = Town::new();
    let senders = Senders::start(town.addresses(), seed);
    for gateway in 0..GATEWAYS {
        town.pause(Duration::from_secs(1));
        town.replace(gateway, &senders);
    }
    town.pause(Duration::from_secs(1));
    let sent = senders.stop();
    town.drain();
    assert_eq!(sent.refused_by_all, [""; 0], "another gateway was there at any moment");
    assert_eq!(sent.keys.len(), sent.acknowledged.len());
    let events = assert_as_the_model(&town, &sent, seed);
    assert_eq!(town.record.repeated(), [""; 0], "no answer was lost");
    assert!(town.record.too_many().is_empty(), "{:?}", town.record.too_many());
    town.assert_well();
    eprintln!("{events} events, {} turned away, {} calls", sent.turned_away, town.record.calls());
    assert!(events > 50 && town.record.callers().len() == GATEWAYS, "too little happened to prove anything");
}

#[test]
fn a_pooler_in_transaction_mode_may_stand_between() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seed = number("CLUSTER_SEED", 2026);
    let mut dice = Dice::new(seed);
    let mut town = Town::behind_a_pooler();
    let senders = Senders::start(town.addresses(), seed);
    for what in [Disturbance::Kill, Disturbance::Stop, Disturbance::Kill] {
        town.faults(&mut dice);
        town.pause(Duration::from_secs(1));
        town.stir();
        town.disturb(what, &mut dice, &senders);
    }
    let connections = town.connections();
    let sent = senders.stop();
    town.provider.clear_faults();
    town.drain();
    let events = assert_as_the_model(&town, &sent, seed);
    assert!(town.record.too_many().is_empty(), "{:?}", town.record.too_many());
    town.assert_well();
    eprintln!("{events} events, {} turned away, {} calls", sent.turned_away, town.record.calls());
    assert!((1..=POOLED).contains(&connections), "{connections} connections for {GATEWAYS} gateways");
    assert!(events > 50 && town.record.callers().len() == GATEWAYS, "too little happened to prove anything");
}

/// One of each, kills between them, in an order of its own; the primary can be lost once.
fn schedule(dice: &mut Dice, round: u64) -> Vec<Disturbance> {
    use Disturbance::{All, Cut, Failover, Kill, Stall, Stop};
    let mut rest = vec![Kill, Stop, Kill, Cut, Kill, Stall, Kill, All];
    if round == 0 {
        rest.push(Failover);
    }
    let mut all = Vec::new();
    while !rest.is_empty() {
        all.push(rest.swap_remove(dice.below(rest.len() as u64) as usize));
    }
    all
}

/// What the environment says, as of the seed: the same one gives the same schedule, events and faults, though the machine's own timing
/// still differs.
fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var_os(name).map(|text| text.into_string().expect("a number"));
    given.map_or(default, |text| text.parse().expect("a number"))
}

/// Every gateway tells of the same events, each acknowledged one once; contacts are as the model says, and what was sent on came in
/// order. Gives how many events there are.
fn assert_as_the_model(town: &Town, sent: &Sent, seed: u64) -> usize {
    let mut events = town.gateways[0].events();
    let ids: Vec<u64> =
        events.iter().map(|event| event["id"].as_str().and_then(|id| id.parse().ok()).expect("a number")).collect();
    assert!(ids.is_sorted_by(|newer, older| newer > older), "events are listed in their order");
    // What gateways say again has no key; it concerns no order.
    events.retain(|event| event["source"] == "bot");
    let keys: BTreeSet<&str> = events.iter().filter_map(|event| event["key"].as_str()).collect();
    assert_eq!(keys.len(), events.len(), "each event is there once");
    let lost: Vec<&String> = sent.acknowledged.iter().filter(|key| !keys.contains(key.as_str())).collect();
    assert!(lost.is_empty(), "CLUSTER_SEED={seed}: acknowledged and lost: {lost:?}");
    assert!(keys.iter().all(|key| sent.keys.contains(*key)), "nothing is there that nobody sent");
    for gateway in &town.gateways {
        assert_eq!(gateway.api("/dead-letters")["items"], json!([]), "all that failed could pass");
    }
    for place in &PLACES {
        let expected = model::outcome(&events, place);
        let differing: Vec<String> =
            expected.keys().filter_map(|id| differs(town, place, &expected, *id, &events)).collect();
        assert!(differing.is_empty(), "CLUSTER_SEED={seed}:\n{}", differing.join("\n"));
    }
    let disorder = town.record.disorder(&events);
    assert!(disorder.is_empty(), "CLUSTER_SEED={seed}:\n{}", disorder.join("\n"));
    events.len()
}

fn differs(town: &Town, place: &Place, expected: &model::Contacts, id: u64, events: &[Value]) -> Option<String> {
    let is: BTreeSet<String> =
        town.provider.tags(place.provider, &id.to_string()).unwrap_or_default().into_iter().collect();
    let should = expected.get(&id).cloned().unwrap_or_default();
    let of = |event: &&Value| event["key"].as_str().is_some_and(|key| key.starts_with(&format!("{id}-")));
    let intents: Vec<_> =
        events.iter().rev().filter(of).map(|event| format!("{} {}", event["id"], event["intent"])).collect();
    (is != should).then(|| format!("{} {id} has {is:?} and should have {should:?}: {intents:?}", place.connection))
}
