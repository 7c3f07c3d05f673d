//! A simulation of deliveries: seeded, in virtual time, with the real store, fold, steps, lanes and allowances against a model of a
//! provider that fails in every way there is.
//!
//! A few hundred schedules run here; `cargo bench --bench simulation` runs as many as you like.

mod oracle;
mod provider;
mod run;
mod schedule;
mod simulate;
mod world;

use schedule::Length;
use simulate::{Wish, simulate};

fn runs(lane: u64, schedules: u64, length: Length) {
    if let Err(story) = simulate(Wish { seed: 2026, lane, schedules, length }, |_| {}) {
        panic!("{story}");
    }
}

#[test]
fn whatever_fails_it_ends_as_one_change_after_the_other_would_and_costs_no_call_too_many() {
    runs(0, 200, Length::Short);
}

#[test]
fn whatever_fails_in_other_schedules_it_ends_in_the_same_way() {
    runs(1, 200, Length::Short);
}

#[test]
fn hundreds_of_things_close_upon_one_another_end_in_the_same_way() {
    runs(2, 10, Length::Long);
}
