//! What waits, what was settled, what comes back after a crash.

use super::*;
use crate::domain::attempt::Attempt;
use crate::domain::cause::{Cause, Needs};
use crate::store::{Again, DeadFilter, DeadQuery, Retry, TookAway};

async fn waiting_changes_are_told_once_they_are_durable_and_taken_in_order(on: Engine) {
    let mut bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x"), ("2", "y"), ("1", "-z")])).await;
    bench.accept(keyed("b", &[("1", "w")])).await;
    let told = bench.wakes.recv().await.expect("a wake");
    assert_eq!(told.iter().map(|w| w.key).collect::<Vec<_>>(), [contact("1").key(), contact("2").key()]);
    assert_eq!(ids(&bench.take("1").await), [id(1, 0), id(1, 2), id(2, 0)]);
    assert_eq!(bench.take("3").await.contact, None);
}

#[tokio::test]
async fn a_restart_subtracts_exactly_what_was_settled() {
    let bench = Bench::on(Engine::Sqlite).await;
    bench.accept(keyed("a", &[("1", "x"), ("1", "y")])).await;
    bench.accept(keyed("b", &[("1", "z")])).await;
    // The later one first: settling says nothing about what came before it.
    bench
        .settle("1", vec![settled(id(2, 0), "1", "z", Settled::Applied), settled(id(1, 0), "1", "x", Settled::Applied)])
        .await;
    assert_eq!(ids(&bench.take("1").await), [id(1, 1)]);
    let bench = bench.restart().await;
    assert_eq!(ids(&bench.take("1").await), [id(1, 1)]);
    assert_eq!(bench.waiting.len(), 1);
    bench.settle("1", vec![settled(id(1, 1), "1", "y", Settled::Already)]).await;
    let bench = bench.restart().await;
    assert!(bench.waiting.is_empty());
    assert_eq!(bench.rows("pending"), 0, "what settles early never becomes a row");
}

#[tokio::test]
async fn what_is_spread_in_the_middle_of_everything_is_neither_lost_nor_doubled() {
    let bench = Bench::on(Engine::Sqlite).await;
    super::intake::fill(&bench, 33_000).await;
    // A generation is under way now: some contacts are rows, some are in memory. One of each kind is settled.
    bench.store.accept(vec![keyed("more", &[("c0", "-Lead")]).intake(START)]).await.expect("stored");
    for n in [0, 1, 16_000, 32_000] {
        let (contact, ord) = (format!("c{n}"), n as u64 + 1);
        assert_eq!(bench.take(&contact).await.changes.first().map(|(id, _)| *id), Some(id(ord, 0)));
        bench.settle(&contact, vec![settled(id(ord, 0), &contact, "Lead", Settled::Applied)]).await;
    }
    let bench = bench.restart().await;
    assert_eq!(bench.waiting.len(), 33_000 - 3);
    assert_eq!(ids(&bench.take("c0").await), [id(33_001, 0)]);
    assert_eq!(ids(&bench.take("c1").await), []);
    assert_eq!(ids(&bench.take("c15").await), [id(16, 0)]);
    // Spreading goes on from where it was, to its end.
    for n in 0..120 {
        bench
            .store
            .accept((0..500).map(|m| keyed(&format!("z{n}-{m}"), &[]).intake(START)).collect())
            .await
            .expect("stored");
    }
    assert!(bench.rows("pending") > 30_000);
    let bench = bench.restart().await;
    assert_eq!(bench.waiting.len(), 33_000 - 3);
    assert_eq!(ids(&bench.take("c15").await), [id(16, 0)]);
    assert_eq!(ids(&bench.take("c16000").await), []);
}

async fn the_greatest_number_keeps_the_last_word(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x")])).await;
    bench.accept(keyed("b", &[("1", "-x")])).await;
    bench.settle("1", vec![settled(id(2, 0), "1", "-x", Settled::Applied)]).await;
    bench.settle("1", vec![settled(id(1, 0), "1", "x", Settled::Dead)]).await;
    bench.accept(keyed("c", &[("1", "y")])).await;
    let words = bench.take("1").await.past.words;
    let word = &words[&TagName::parse("x").expect("a tag")];
    assert_eq!((word.id, word.wants, word.how), (id(2, 0), false, Settled::Applied));
}

async fn a_dead_letter_waits_for_a_person_and_keeps_its_number(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x"), ("1", "y")])).await;
    bench
        .settle("1", vec![settled(id(1, 0), "1", "x", Settled::Dead), settled(id(1, 1), "1", "y", Settled::Dead)])
        .await;
    let letters =
        bench.store.reader().dead_letters(DeadQuery { limit: 10, ..DeadQuery::default() }).await.expect("read").items;
    assert_eq!(letters.iter().map(|l| l.id.as_str()).collect::<Vec<_>>(), ["1.1", "1.0"]);
    let again = || vec![Again { id: id(1, 0), mended: false }];
    assert_eq!(bench.store.retry_dead(again()).await.expect("retried"), [id(1, 0)]);
    assert_eq!(bench.store.retry_dead(again()).await.expect("gone"), []);
    assert!(bench.store.discard_dead(id(1, 1), "no".to_owned()).await.expect("discarded"));
    let bench = bench.restart().await;
    assert_eq!(ids(&bench.take("1").await), [id(1, 0)]);
    let view = bench.store.reader().event(Ord(1)).await.expect("read").expect("there");
    assert_eq!(view.changes.iter().map(|c| c.state).collect::<Vec<_>>(), ["waiting", "discarded"]);
}

async fn dead_letters_are_listed_by_what_they_died_of(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x"), ("1", "y"), ("1", "z")])).await;
    let dead = |index, tag, cause| SettledChange { cause, ..settled(id(1, index), "1", tag, Settled::Dead) };
    let causes = [Some(Cause::UnknownContact), Some(Cause::GivenUp), None];
    let letters = causes.iter().zip(["x", "y", "z"]).zip(0..).map(|((cause, tag), index)| dead(index, tag, *cause));
    bench.settle("1", letters.collect()).await;
    let bench = bench.restart().await;
    let ids = async |filter| {
        let query = DeadQuery { filter, limit: 10, ..DeadQuery::default() };
        let found = bench.store.reader().dead_letters(query).await.expect("read").items;
        found.into_iter().map(|letter| letter.id).collect::<Vec<_>>()
    };
    let all = DeadFilter::default();
    assert_eq!(ids(DeadFilter { cause: Some(Cause::GivenUp), ..all.clone() }).await, ["1.1"]);
    assert_eq!(ids(DeadFilter { needs: Some(Needs::Mend), ..all.clone() }).await, ["1.0"]);
    assert_eq!(ids(DeadFilter { cause: Some(Cause::Unknown), ..all.clone() }).await, ["1.2"]);
    assert_eq!(ids(DeadFilter { reason: Some("A TEST".to_owned()), ..all.clone() }).await.len(), 3);
    assert_eq!(ids(DeadFilter { connection: Some("other".to_owned()), ..all.clone() }).await, [""; 0]);
    assert_eq!(ids(DeadFilter { since: Some(START.plus_millis(1)), ..all.clone() }).await, [""; 0]);
    assert_eq!(ids(DeadFilter { contacts: Some(vec![contact("2").key()]), ..all.clone() }).await, [""; 0]);
    assert_eq!(bench.store.reader().dead_count_of(all).await.expect("read"), 3);
}

async fn judged_guards_and_retries_outlive_a_crash(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x"), ("1", "y")])).await;
    bench.store.keep_judged(contact("1"), vec![(id(1, 0), holds(true)), (id(1, 1), holds(false))]).await.expect("kept");
    let retry = Retry {
        at: START.plus_millis(5_000),
        tries: 1,
        failing_since: START,
        paused_before_ms: 0,
        reason: "timeout".to_owned(),
        throttled: false,
    };
    let failed = Settlement {
        settled: vec![settled(id(1, 1), "1", "y", Settled::Guarded)],
        retry: Some(retry.clone()),
        ..Settlement::of(contact("1"), START)
    };
    bench.store.settle(failed).await.expect("settled");
    let bench = bench.restart().await;
    let taken = bench.take("1").await;
    assert_eq!(taken.past.judged.into_iter().collect::<Vec<_>>(), [(id(1, 0), holds(true))]);
    assert_eq!(taken.retry.as_ref(), Some(&retry));
    assert_eq!(bench.waiting[0].not_before, Some(retry.at));
}

async fn calls_that_only_looked_are_kept_and_leave_all_else_as_it_was(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x")])).await;
    let retry = a_failure();
    let (settled, attempts) = (Vec::new(), Vec::new());
    let failed = Settlement { settled, attempts, retry: Some(retry.clone()), ..Settlement::of(contact("1"), START) };
    bench.store.settle(failed).await.expect("settled");
    let attempt = Attempt {
        at: START,
        method: "GET".to_owned(),
        path: "/customers/1".to_owned(),
        request: None,
        status: Some(200),
        answer: String::new(),
        took_ms: 1,
        limits: Vec::new(),
        also: vec![START],
        uncounted: false,
        verdict: "done".to_owned(),
    };
    let told = |id, attempts, started| Settlement { attempts, started, ..Settlement::of(contact(id), START) };
    for id in ["1", "2"] {
        // The call itself, and one that it needed.
        let started = [bench.start().await, bench.start().await].to_vec();
        bench.store.tell(told(id, vec![attempt.clone()], started)).await.expect("told");
    }
    assert_eq!(bench.take("1").await.retry, Some(retry), "its schedule goes on");
    assert_eq!((bench.rows("contact"), bench.rows("delivery")), (1, 3));
    let bench = bench.restart().await;
    let starts = bench.store.reader().calls_since(vec![contact("1").connection], Timestamp(0)).await.expect("read");
    assert_eq!(starts.len(), 4, "they count after a restart, with what was called for them");
    bench.store.forget(contact("1")).await.expect("forgotten");
    bench.store.tell(told("1", Vec::new(), Vec::new())).await.expect("told");
    assert_eq!(bench.rows("delivery"), 1, "a call that was under way brings nobody back");
}

async fn what_a_call_took_away_for_an_add_stays_its_doing(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "won")])).await;
    let names = |list: &[&str]| list.iter().map(|name| TagName::parse(name).expect("a tag")).collect::<Vec<_>>();
    let judged = Judged { others: names(&["new", "old"]), ..holds(true) };
    bench.store.keep_judged(contact("1"), vec![(id(1, 0), judged)]).await.expect("kept");
    let took = TookAway { by: id(1, 0), change: change("1", "won"), tags: names(&["new"]) };
    let call = Settlement { took: vec![took], made_for: vec![Ord(1)], ..Settlement::of(contact("1"), START) };
    bench.store.settle(call).await.expect("settled");
    let bench = bench.restart().await;
    let taken = bench.take("1").await;
    let judged = &taken.past.judged[&id(1, 0)];
    assert_eq!((&judged.others, &judged.gone), (&names(&["old"]), &names(&["new"])));
    let others = names(&["new", "old"]);
    bench.settle("1", vec![SettledChange { others, ..settled(id(1, 0), "1", "won", Settled::Applied) }]).await;
    let words = bench.store.reader().words(contact("1")).await.expect("read");
    let told: Vec<_> = words.iter().map(|(tag, word)| (tag.as_str(), word.wants, word.delivery)).collect();
    let event = bench.store.reader().event(Ord(1)).await.expect("read").expect("kept");
    let calls: Vec<i64> = event.deliveries.iter().map(|delivery| delivery.id).collect();
    let [first, second] = calls[..] else { panic!("two calls: {calls:?}") };
    assert_eq!(told, [("new", false, first), ("old", false, second), ("won", true, second)]);
}

on_each_store!(
    waiting_changes_are_told_once_they_are_durable_and_taken_in_order,
    the_greatest_number_keeps_the_last_word,
    a_dead_letter_waits_for_a_person_and_keeps_its_number,
    dead_letters_are_listed_by_what_they_died_of,
    what_a_call_took_away_for_an_add_stays_its_doing,
    judged_guards_and_retries_outlive_a_crash,
    calls_that_only_looked_are_kept_and_leave_all_else_as_it_was,
);
