//! Whose turn it is, told by scenes.

use super::*;
use crate::clock::Clock;
use crate::domain::duration::Rate;
use crate::providers::allowance::Allowance;

const WELL: Stepped = Stepped { next: Next::Idle, seen: Seen::Well };

fn key(n: u8) -> ContactKey {
    ContactKey([n; 16])
}

fn lane(calls: u32, concurrency: usize) -> Lane {
    let rate = Rate { calls, window: Duration::from_secs(1) };
    Lane::new(Allowance::new(rate, Clock::standing(Timestamp(0))).share(), concurrency, Duration::ZERO, 0)
}

/// The next turn, whose call is made at once.
fn pop(lane: &mut Lane, now: Timestamp) -> Option<ContactKey> {
    let turn = lane.pop(now)?;
    lane.share.allowance.clock().set(now);
    futures_util::FutureExt::now_or_never(turn.pass.start()).expect("it waits for nobody").expect("it may call");
    Some(turn.key)
}

#[test]
fn a_look_that_is_asked_for_while_one_is_under_way_comes_right_after_it() {
    let ill = |at| (Stepped { next: Next::More, seen: Seen::Ill("no".to_owned()) }, at);
    let (mut lane, now) = (lane(100, 4), Timestamp(1_000));
    lane.pause(PauseKind::Refused, now, "no".to_owned(), now);
    lane.wake(key(1), now);
    assert_eq!(pop(&mut lane, now), Some(key(1)));
    lane.wake_all();
    let (stepped, at) = ill(Timestamp(1_001));
    lane.finished(key(1), &stepped, at);
    assert_eq!(pop(&mut lane, at), Some(key(1)), "the first look may be older than the mend");
    let (stepped, at) = ill(Timestamp(1_002));
    lane.finished(key(1), &stepped, at);
    assert_eq!(pop(&mut lane, at), None, "asked for once, looked once");
}

#[test]
fn a_call_that_was_not_made_says_nothing_of_its_connection() {
    let (mut lane, now, until) = (lane(100, 4), Timestamp(1_000), Timestamp(4_000));
    lane.pause(PauseKind::Refused, now, "no".to_owned(), now);
    lane.wake(key(1), now);
    assert_eq!(pop(&mut lane, now), Some(key(1)));
    let not_yet = Stepped { next: Next::Later(until), seen: Seen::NotYet(until) };
    lane.finished(key(1), &not_yet, now);
    assert_eq!(lane.paused().map(|pause| (pause.probe_at, pause.probes)), Some((until, 0)), "no look was made");
    assert_eq!(lane.share.next(now), now, "nobody else is held up");
    assert_eq!((pop(&mut lane, now), pop(&mut lane, until)), (None, Some(key(1))));
}

#[test]
fn a_contact_has_one_step_at_a_time_and_what_comes_meanwhile_goes_into_the_next() {
    let (mut lane, now) = (lane(100, 4), Timestamp(0));
    lane.wake(key(1), now);
    lane.wake(key(1), now);
    assert_eq!(pop(&mut lane, now), Some(key(1)));
    lane.wake(key(1), now);
    assert_eq!(pop(&mut lane, now), None);
    lane.finished(key(1), &WELL, now);
    assert_eq!(pop(&mut lane, now), Some(key(1)));
    lane.finished(key(1), &WELL, now);
    assert_eq!((pop(&mut lane, now), lane.waiting(), lane.next_due(now)), (None, 0, None));
}

#[test]
fn the_allowance_and_the_concurrency_bound_what_starts() {
    let (mut lane, now) = (lane(2, 1), Timestamp(0));
    (1..=3).for_each(|n| lane.wake(key(n), now));
    assert_eq!(pop(&mut lane, now), Some(key(1)));
    assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, None));
    lane.finished(key(1), &WELL, now);
    assert_eq!(pop(&mut lane, now), Some(key(2)));
    lane.finished(key(2), &WELL, now);
    assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(1_100))));
    assert_eq!(pop(&mut lane, Timestamp(1_100)), Some(key(3)));
}

#[test]
fn a_step_without_a_call_costs_nothing_of_the_allowance() {
    let (mut lane, now) = (lane(1, 1), Timestamp(0));
    lane.wake(key(1), now);
    lane.wake(key(2), now);
    assert_eq!(lane.pop(now).map(|turn| turn.key), Some(key(1)));
    lane.finished(key(1), &Stepped { next: Next::Idle, seen: Seen::NoCall }, now);
    assert_eq!(pop(&mut lane, now), Some(key(2)));
}

#[test]
fn retries_wait_for_their_time_and_share_turns_with_first_tries() {
    let (mut lane, now) = (lane(100, 9), Timestamp(0));
    lane.wake(key(1), now);
    pop(&mut lane, now);
    lane.finished(key(1), &Stepped { next: Next::Later(Timestamp(5_000)), seen: Seen::Unclear("503".to_owned()) }, now);
    lane.wake(key(1), now);
    assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(5_000))));
    (2..=4).for_each(|n| lane.wake(key(n), now));
    let late = Timestamp(5_000);
    let order: Vec<_> = std::iter::from_fn(|| pop(&mut lane, late)).collect();
    assert_eq!(order.len(), 4);
    assert!(order.iter().position(|k| *k == key(1)) <= Some(1), "{order:?}");
}

#[test]
fn a_pause_that_nobody_waits_behind_ends_at_its_look_but_not_before_those_who_wait_can_have_come() {
    let mut lane = lane(100, 4);
    lane.pause(PauseKind::Refused, Timestamp(0), "401".to_owned(), Timestamp(1_000));
    lane.lift_from(Timestamp(5_000));
    assert_eq!((pop(&mut lane, Timestamp(4_999)), lane.next_due(Timestamp(4_999))), (None, Some(Timestamp(5_000))));
    assert!(lane.paused().is_some() && !lane.take_lifted());
    assert_eq!(pop(&mut lane, Timestamp(5_000)), None);
    assert!(lane.paused().is_none() && lane.take_lifted() && !lane.take_lifted());
    assert_eq!((lane.next_due(Timestamp(5_000)), lane.paused_ms(Timestamp(9_000))), (None, 5_000));
}

#[test]
fn a_refusing_connection_is_paused_probed_and_then_everything_goes_on() {
    let (mut lane, now) = (lane(100, 4), Timestamp(0));
    (1..=2).for_each(|n| lane.wake(key(n), now));
    pop(&mut lane, now);
    lane.finished(key(1), &Stepped { next: Next::More, seen: Seen::Ill("401".into()) }, now);
    assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(30_000))));
    let probe = Timestamp(30_000);
    assert!(pop(&mut lane, probe).is_some());
    assert_eq!(pop(&mut lane, probe), None, "one probe only");
    lane.finished(key(2), &WELL, probe);
    assert!(lane.paused().is_none());
    assert_eq!((lane.paused_ms(probe), pop(&mut lane, probe)), (30_000, Some(key(1))));
}

#[test]
fn a_look_that_tells_nothing_is_one_look_too() {
    let (mut lane, now) = (lane(100, 4), Timestamp(0));
    (1..=3).for_each(|n| lane.wake(key(n), now));
    pop(&mut lane, now);
    lane.finished(key(1), &Stepped { next: Next::More, seen: Seen::Ill("401".into()) }, now);
    let probe = Timestamp(30_000);
    let looked = pop(&mut lane, probe).expect("one looks");
    lane.finished(
        looked,
        &Stepped { next: Next::Later(Timestamp(35_000)), seen: Seen::Unclear("503".to_owned()) },
        probe,
    );
    assert_eq!((pop(&mut lane, probe), lane.next_due(probe)), (None, Some(Timestamp(90_000))));
    assert_eq!((pop(&mut lane, Timestamp(60_000)), lane.paused().map(|p| p.probe_at)), (None, Some(Timestamp(90_000))));
    assert!(pop(&mut lane, Timestamp(90_000)).is_some());
}

#[test]
fn a_look_that_somebody_asked_for_leaves_the_schedule_as_it_was() {
    let (mut lane, now) = (lane(100, 4), Timestamp(0));
    (1..=3).for_each(|n| lane.wake(key(n), now));
    let ill = Stepped { next: Next::More, seen: Seen::Ill("401".into()) };
    let probe_at = |lane: &Lane| lane.paused().map(|pause| pause.probe_at.0);
    let look = |lane: &mut Lane, at: i64| {
        let looked = pop(lane, Timestamp(at)).expect("one looks");
        lane.finished(looked, &ill, Timestamp(at));
    };
    look(&mut lane, 0);
    for at in [5_000, 6_000, 7_000] {
        lane.wake_all();
        look(&mut lane, at);
        assert_eq!(probe_at(&lane), Some(30_000));
    }
    look(&mut lane, 30_000);
    assert_eq!(probe_at(&lane), Some(90_000), "a minute after the first look of its own");
    // Asked for while a look is under way: that one counts, the one that was asked for doesn't.
    let looked = pop(&mut lane, Timestamp(90_000)).expect("one looks");
    lane.wake_all();
    lane.finished(looked, &ill, Timestamp(90_000));
    assert_eq!(probe_at(&lane), Some(90_000));
    look(&mut lane, 91_000);
    assert_eq!(probe_at(&lane), Some(390_000));
    // Nobody looked when it was time: the same step of the schedule is used again.
    lane.wake_all();
    look(&mut lane, 500_000);
    assert_eq!(probe_at(&lane), Some(800_000));
}

#[test]
fn calls_from_before_a_pause_neither_end_it_nor_use_up_the_look_at_it() {
    let (mut lane, now) = (lane(100, 4), Timestamp(0));
    (1..=3).for_each(|n| lane.wake(key(n), now));
    std::iter::from_fn(|| pop(&mut lane, now)).for_each(drop);
    lane.finished(key(1), &Stepped { next: Next::More, seen: Seen::Ill("401".into()) }, now);
    lane.wake_all();
    lane.finished(key(2), &WELL, now);
    lane.finished(key(3), &Stepped { next: Next::Later(Timestamp(9_000)), seen: Seen::Unclear("503".to_owned()) }, now);
    assert!(lane.paused().is_some());
    assert_eq!(pop(&mut lane, now), Some(key(1)), "somebody asked for a look now");
    lane.finished(key(1), &WELL, now);
    assert!(lane.paused().is_none());
}

#[test]
fn gathering_waits_for_more_changes_of_one_contact() {
    let rate = Rate::per_minute(100);
    let mut lane = Lane::new(Allowance::new(rate, Clock::standing(Timestamp(0))).share(), 4, Duration::from_secs(5), 0);
    lane.wake(key(1), Timestamp(0));
    lane.wake(key(1), Timestamp(4_000));
    assert_eq!((pop(&mut lane, Timestamp(4_999)), pop(&mut lane, Timestamp(5_000))), (None, Some(key(1))));
    lane.wake_gathered(key(2), Timestamp(5_000));
    assert_eq!(pop(&mut lane, Timestamp(5_000)), Some(key(2)), "it has waited under the name it was looked up by");
}

#[test]
fn a_backlog_is_served_as_its_contacts_lie_on_disk_and_a_short_queue_as_it_came() {
    let number = |n: usize| {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&(n * 7_919 % BACKLOG).to_be_bytes());
        ContactKey(key)
    };
    for (count, sorted) in [(BACKLOG, true), (BACKLOG - 1, false)] {
        let (mut lane, now) = (lane(u32::MAX, BACKLOG), Timestamp(0));
        (0..count).for_each(|n| lane.wake(number(n), now));
        lane.wake_all();
        let order: Vec<_> = std::iter::from_fn(|| lane.pop(now)).map(|turn| turn.key).collect();
        assert_eq!((order.len(), order.is_sorted()), (count, sorted));
    }
}

/// A lane whose breaker was opened at 0 by ten contacts, which wait for their next try.
fn broken() -> Lane {
    let (mut lane, now) = (lane(1_000, 20), Timestamp(0));
    (1..=10).for_each(|n| lane.wake(key(n), now));
    for _ in 1..=10 {
        let key = pop(&mut lane, now).expect("its turn");
        let failed = Seen::Unclear("status 503".to_owned());
        lane.finished(key, &Stepped { next: Next::Later(Timestamp(36_000_000)), seen: failed }, now);
    }
    lane
}

#[test]
fn many_failures_open_the_breaker_and_one_look_closes_it() {
    let mut lane = broken();
    let pause = lane.paused().expect("it is open").clone();
    assert_eq!((pause.kind, pause.probe_at), (PauseKind::Failing, Timestamp(5_000)));
    assert_eq!(pause.reason, "too many of its calls fail: status 503");
    assert_eq!((pop(&mut lane, Timestamp(4_999)), lane.next_due(Timestamp(4_999))), (None, Some(Timestamp(5_000))));
    let now = Timestamp(5_000);
    let looked = pop(&mut lane, now).expect("whoever waits least is tried before its time");
    assert!(lane.is_looking() && pop(&mut lane, now).is_none(), "one look at a time");
    lane.finished(looked, &WELL, now);
    assert!(lane.paused().is_none());
    assert_eq!(pop(&mut lane, now), None, "after a short break nobody is woken before the time");
    assert_eq!(lane.paused_ms(now), 5_000);
}

#[test]
fn a_breaker_that_opens_again_soon_waits_longer_and_a_long_one_wakes_all() {
    let mut lane = broken();
    let looked = pop(&mut lane, Timestamp(5_000)).expect("one looks");
    lane.finished(looked, &WELL, Timestamp(5_000));
    let now = Timestamp(6_000);
    (1..=10).for_each(|n| lane.wake(key(100 + n), now));
    for _ in 1..=10 {
        let key = pop(&mut lane, now).expect("its turn");
        lane.finished(
            key,
            &Stepped { next: Next::Later(Timestamp(36_000_000)), seen: Seen::Unclear(String::new()) },
            now,
        );
    }
    assert_eq!(lane.paused().map(|pause| pause.probe_at), Some(Timestamp(21_000)), "15 s, and not 5 again");
    let late = Timestamp(66_001);
    let looked = pop(&mut lane, late).expect("one looks");
    lane.finished(looked, &WELL, late);
    assert_eq!(std::iter::from_fn(|| pop(&mut lane, late)).count(), 18, "all that wait are woken");
}

#[test]
fn a_look_without_a_call_is_not_made_again_at_once_and_who_rests_looks_last() {
    let mut lane = broken();
    let now = Timestamp(5_000);
    let rests = pop(&mut lane, now).expect("one looks");
    lane.finished(rests, &Stepped { next: Next::Rest(Timestamp(9_000)), seen: Seen::NoCall }, now);
    assert_eq!((pop(&mut lane, now), lane.next_due(now)), (None, Some(Timestamp(6_000))));
    let other = pop(&mut lane, Timestamp(6_000)).expect("one looks");
    assert_ne!(other, rests, "though the other's time is nearer");
}
