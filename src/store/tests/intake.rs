//! Numbers, durability, deduplication.

use super::*;

async fn numbers_ascend_in_the_order_of_arrival_and_go_on_after_a_restart(on: Engine) {
    let bench = Bench::on(on).await;
    for ord in 1..=3 {
        assert_eq!(bench.accept(keyed(&format!("k{ord}"), &[])).await, Accepted::New(Ord(ord)));
    }
    let several = (4..=9).map(|n| keyed(&format!("k{n}"), &[]).intake(START)).collect();
    let accepted = bench.store.accept(several).await.expect("stored");
    assert_eq!(accepted, (4..=9).map(|n| Accepted::New(Ord(n))).collect::<Vec<_>>());
    let bench = bench.restart().await;
    assert_eq!(bench.accept(keyed("k10", &[])).await, Accepted::New(Ord(10)));
}

async fn an_accepted_event_is_read_back_whole_after_a_restart(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(Sent { key: Some("k"), changes: &[("1", "Lead")], body: "{\"a\":1}" }).await;
    let bench = bench.restart().await;
    let view = bench.store.reader().event(Ord(1)).await.expect("read").expect("there");
    assert_eq!((view.record.body.as_slice(), view.record.reply.as_slice()), (&b"{\"a\":1}"[..], &b"{\"reply\":1}"[..]));
    assert_eq!((view.record.head.rules, view.changes[0].state), (vec![rule()], "waiting"));
}

async fn the_same_key_again_gets_the_stored_answer_and_changes_nothing(on: Engine) {
    let bench = Bench::on(on).await;
    let sent = keyed("k", &[("1", "Lead")]);
    bench.accept(sent).await;
    let again =
        |differs| Accepted::Duplicate { ord: Ord(1), rules: vec![rule()], reply: b"{\"reply\":1}".to_vec(), differs };
    assert_eq!(bench.accept(sent).await, again(false));
    assert_eq!(bench.accept(Sent { body: "{\"other\":1}", ..sent }).await, again(true));
    assert_eq!(bench.take("1").await.changes.len(), 1);
    let bench = bench.restart().await;
    assert_eq!(bench.accept(sent).await, again(false));
    let view = bench.store.reader().event(Ord(1)).await.expect("read").expect("there");
    assert_eq!(view.duplicates.iter().map(|(_, differs)| *differs).collect::<Vec<_>>(), [false, true, false]);
}

async fn a_duplicate_within_one_commit_is_known(on: Engine) {
    let bench = Bench::on(on).await;
    let twice = vec![keyed("k", &[("1", "a")]).intake(START), keyed("k", &[("1", "b")]).intake(START)];
    let accepted = bench.store.accept(twice).await.expect("stored");
    assert_eq!(accepted[0], Accepted::New(Ord(1)));
    assert!(matches!(accepted[1], Accepted::Duplicate { ord: Ord(1), differs: false, .. }));
    assert_eq!(ids(&bench.take("1").await), [id(1, 0)]);
}

/// The second lot comes when repetitions are expected, the first one when they aren't.
async fn a_lot_of_new_events_and_repetitions_keeps_them_apart(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("0", &[("1", "a")])).await;
    for lot in 1..=2 {
        let sent = ["0", "new-1", "0", "new-2"].map(|key| match key {
            "0" => keyed(key, &[("1", "a")]).intake(START),
            key => keyed(&format!("{key}-{lot}"), &[("2", "b")]).intake(START),
        });
        let accepted = bench.store.accept(sent.into()).await.expect("stored");
        let [again, one, once_more, two] = accepted.as_slice() else { panic!("four answers: {accepted:?}") };
        for repeated in [again, once_more] {
            assert!(matches!(repeated, Accepted::Duplicate { ord: Ord(1), differs: false, .. }), "{repeated:?}");
        }
        let (Accepted::New(one), Accepted::New(two)) = (one, two) else { panic!("two are new: {accepted:?}") };
        assert!(one < two, "in the order of the lot");
    }
    assert_eq!(bench.take("1").await.changes.len(), 1, "what was repeated changes nothing");
    assert_eq!(bench.take("2").await.changes.len(), 4);
    let bench = bench.restart().await;
    let view = bench.store.reader().event(Ord(1)).await.expect("read").expect("there");
    assert_eq!(view.duplicates.len(), 4);
}

async fn the_same_key_of_another_source_and_no_key_at_all_are_new_events(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("k", &[])).await;
    let other = Event { key: Some("k".into()), ..Event::empty(SourceName::parse("bot2").expect("a name"), START) };
    let accepted = bench.store.accept(vec![Intake::of(&other, "hash", &mut Decision::default(), b"", b"{}")]).await;
    assert_eq!(accepted.expect("stored"), [Accepted::New(Ord(2))]);
    for ord in 3..=4 {
        assert_eq!(bench.accept(Sent { key: None, changes: &[], body: "{}" }).await, Accepted::New(Ord(ord)));
    }
}

#[tokio::test]
async fn a_key_is_known_for_a_day_and_then_new_wherever_it_lies() {
    let bench = Bench::on(Engine::Sqlite).await;
    bench.accept(keyed("early", &[])).await;
    bench.clock.set(START.plus_millis(DAY_MS - 1));
    assert!(matches!(bench.accept(keyed("early", &[])).await, Accepted::Duplicate { .. }));
    bench.clock.set(START.plus_millis(DAY_MS));
    assert_eq!(bench.accept(keyed("early", &[])).await, Accepted::New(Ord(2)));
    // Now from the tables: many events push the keys out of memory.
    fill(&bench, 80_000).await;
    assert!(bench.rows("dedup_0") + bench.rows("dedup_1") + bench.rows("dedup_2") > 30_000);
    assert!(matches!(bench.accept(keyed("early", &[])).await, Accepted::Duplicate { ord: Ord(2), .. }));
    assert!(matches!(bench.accept(keyed("fill-7", &[])).await, Accepted::Duplicate { .. }));
    let bench = bench.restart().await;
    assert!(matches!(bench.accept(keyed("fill-79999", &[])).await, Accepted::Duplicate { .. }));
    bench.clock.set(START.plus_millis(3 * DAY_MS));
    assert!(matches!(bench.accept(keyed("fill-7", &[])).await, Accepted::New(_)));
}

/// Sends many events in groups, each for a contact of its own.
pub(super) async fn fill(bench: &Bench, events: usize) {
    for group in 0..events / 500 {
        let intake = (group * 500..(group + 1) * 500).map(|n| {
            let (key, id) = (format!("fill-{n}"), format!("c{n}"));
            keyed(&key, &[(&id, "Lead")]).intake(bench.clock.now())
        });
        bench.store.accept(intake.collect()).await.expect("stored");
    }
}

on_each_store!(
    numbers_ascend_in_the_order_of_arrival_and_go_on_after_a_restart,
    an_accepted_event_is_read_back_whole_after_a_restart,
    the_same_key_again_gets_the_stored_answer_and_changes_nothing,
    a_duplicate_within_one_commit_is_known,
    a_lot_of_new_events_and_repetitions_keeps_them_apart,
    the_same_key_of_another_source_and_no_key_at_all_are_new_events,
);
