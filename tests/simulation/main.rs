//! A simulation of deliveries: seeded, in virtual time, with the real store, fold, steps, lanes and allowances against a model of a
//! provider that fails in every way there is.
//!
//! `SIMULATION_SCHEDULES` says how many runs each test makes, `SIMULATION_SEED` where it begins; a run that goes wrong is made shorter
//! and told as a story.

mod oracle;
mod provider;
mod run;
mod schedule;
mod world;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use run::Runs;

/// Runs in one database before the next one is begun.
const A_FILE: usize = 8;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}

/// Makes runs until one goes wrong or all are made.
fn simulate(lane: u64) {
    let (schedules, seed) = (number("SIMULATION_SCHEDULES", 3_000), number("SIMULATION_SEED", 2026));
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&lane.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let any = schedule::schedules();
    let mut runs = Runs::from(0);
    let (mut events, mut calls) = (0, 0);
    for n in 0..schedules {
        if n as usize % A_FILE == 0 {
            runs = Runs::from(0);
        }
        let mut tree = any.new_tree(&mut runner).expect("a schedule");
        match runs.run(&tree.current()) {
            Ok(counts) => {
                events += counts.events;
                calls += counts.calls;
            }
            Err(why) => {
                let (why, schedule) = shorten(&mut tree, why, n as usize % A_FILE);
                panic!("schedule {n} of seed {seed}, lane {lane}: {why}\n{schedule}");
            }
        }
        if schedules >= 100 && (n + 1) % (schedules / 10) == 0 {
            eprintln!("lane {lane}: {} of {schedules} schedules, {events} events, {calls} calls", n + 1);
        }
    }
}

/// The shortest run that still goes wrong, each in a database of its own.
fn shorten(
    tree: &mut impl ValueTree<Value = schedule::Schedule>,
    why: String,
    number: usize,
) -> (String, schedule::Schedule) {
    let mut worst = match Runs::from(number).run(&tree.current()) {
        Err(why) => (why, tree.current()),
        Ok(_) => return (format!("{why} (only after the runs before it)"), tree.current()),
    };
    for _ in 0..4_000 {
        let shorter = match Runs::from(number).run(&tree.current()) {
            Err(why) => {
                worst = (why, tree.current());
                tree.simplify()
            }
            Ok(_) => tree.complicate(),
        };
        if !shorter {
            break;
        }
    }
    worst
}

#[test]
fn every_schedule_ends_as_one_change_after_the_other_would_first_half() {
    simulate(0);
}

#[test]
fn every_schedule_ends_as_one_change_after_the_other_would_second_half() {
    simulate(1);
}
