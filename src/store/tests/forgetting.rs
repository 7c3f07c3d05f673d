//! Forgetting: nothing that names a contact is left, and all else is as it was.

use super::*;
use crate::store::{DeadQuery, EventQuery, Forgotten};

const EVENT: &str = "{\"who\":\"ana-the-secret\"}";

async fn forget(bench: &Bench, id: &str) -> Forgotten {
    bench.store.forget(contact(id)).await.expect("forgotten").0
}

/// Whether the file or its log has a text anywhere.
fn file_has(bench: &Bench, text: &str) -> bool {
    let names = ["t.db", "t.db-wal"];
    let bytes = names.iter().filter_map(|name| std::fs::read(bench.dir.path().join(name)).ok());
    bytes.into_iter().any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
}

async fn all_that_names_a_contact_goes_and_the_rest_keeps_its_numbers(on: Engine) {
    let bench = Bench::on(on).await;
    bench
        .accept(Sent { body: EVENT, ..keyed("a", &[("ana-the-secret", "x"), ("2", "y"), ("ana-the-secret", "z")]) })
        .await;
    bench.accept(keyed("b", &[("ana-the-secret", "w"), ("ana-the-secret", "v")])).await;
    bench.accept(Sent { body: "{\"other\":1}", ..keyed("c", &[("2", "x")]) }).await;
    let done = |change, tag, how| settled(change, "ana-the-secret", tag, how);
    bench
        .settle("ana-the-secret", vec![done(id(1, 0), "x", Settled::Applied), done(id(1, 2), "z", Settled::Dead)])
        .await;
    // What a server keeps in its files is its own affair: `VACUUM` writes over it.
    assert!(on == Engine::Postgres || file_has(&bench, "ana-the-secret"));
    let erased = forget(&bench, "ana-the-secret").await;
    let expected =
        Forgotten { words: 2, waiting: 2, dead_letters: 1, deliveries: 1, events: 2, names: 1, ..Forgotten::default() };
    assert_eq!(erased, expected);
    assert!(!file_has(&bench, "ana-the-secret"), "written over, in the file and in its log");
    assert_eq!(forget(&bench, "ana-the-secret").await, Forgotten::default(), "there is nothing left");
    let bench = bench.restart().await;
    assert_eq!(bench.take("ana-the-secret").await.changes, []);
    assert_eq!(ids(&bench.take("2").await), [id(1, 1), id(3, 0)]);
    assert_eq!(bench.waiting.len(), 1);
    let view = bench.store.reader().event(Ord(1)).await.expect("read").expect("there");
    assert_eq!(view.changes.iter().map(|change| change.id).collect::<Vec<_>>(), [id(1, 1)]);
    assert_eq!((view.record.body.as_slice(), view.record.head.key.as_deref()), (&b""[..], None));
    assert_eq!(view.record.head.erased, [0, 2]);
    let other = bench.store.reader().event(Ord(3)).await.expect("read").expect("there");
    assert_eq!((other.record.body.as_slice(), other.record.head.erased.len()), (&b"{\"other\":1}"[..], 0));
    // What is left of the key is its hash: the same event doesn't come back.
    let again = bench.accept(Sent { body: EVENT, ..keyed("a", &[("ana-the-secret", "x")]) }).await;
    assert!(matches!(again, Accepted::Duplicate { ord: Ord(1), .. }), "{again:?}");
    let letters = bench.store.reader().dead_letters(DeadQuery { limit: 10, ..DeadQuery::default() }).await;
    assert!(letters.expect("read").items.is_empty());
    let events = bench.store.reader().events(EventQuery { limit: 10, ..EventQuery::default() }).await.expect("read");
    assert_eq!(events.items.len(), 3);
}

async fn a_call_that_was_under_way_brings_nobody_back(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x")])).await;
    forget(&bench, "1").await;
    bench.store.keep_judged(contact("1"), vec![(id(1, 0), holds(true))]).await.expect("kept");
    bench.settle("1", vec![settled(id(1, 0), "1", "x", Settled::Applied)]).await;
    assert_eq!((bench.rows("contact"), bench.rows("delivery")), (0, 0));
    // Who begins anew is somebody new.
    bench.accept(keyed("b", &[("1", "y")])).await;
    bench.settle("1", vec![settled(id(2, 0), "1", "y", Settled::Applied)]).await;
    assert_eq!((bench.rows("contact"), bench.rows("delivery")), (1, 1));
}

async fn a_contact_is_forgotten_under_each_name_that_it_was_found_by(on: Engine) {
    let bench = Bench::on(on).await;
    let email = Contact { reference: ContactRef::Email("ana@example.com".to_owned()), ..contact("1") };
    bench.accept(keyed("a", &[("1", "x")])).await;
    let moved = SettledChange { how: Settled::Moved, ..settled(id(1, 0), "1", "x", Settled::Moved) };
    let settlement = Settlement { settled: vec![moved], ..Settlement::of(email.clone(), START) };
    bench.store.settle(settlement).await.expect("settled");
    let view = bench.store.reader().contact(contact("1")).await.expect("read");
    assert_eq!(view.known_as, [contact("1"), email.clone()]);
    let (erased, keys) = bench.store.forget(email.clone()).await.expect("forgotten");
    assert_eq!((erased.names, erased.waiting, keys.len()), (1, 1, 2));
    assert_eq!(["alias", "contact", "pending", "delivery"].map(|table| bench.rows(table)), [0; 4]);
}

async fn a_name_that_came_while_events_were_looked_through_is_forgotten_too(on: Engine) {
    let bench = Bench::on(on).await;
    let email = Contact { reference: ContactRef::Email("ana@example.com".to_owned()), ..contact("1") };
    bench.accept(Sent { body: EVENT, ..keyed("a", &[("1", "x")]) }).await;
    let found = bench.store.reader().find(vec![email.key()]).await.expect("looked through");
    let moved = SettledChange { how: Settled::Moved, ..settled(id(1, 0), "1", "x", Settled::Moved) };
    let settlement = Settlement { settled: vec![moved], ..Settlement::of(email.clone(), START) };
    bench.store.settle(settlement).await.expect("settled");
    let (erased, keys) = bench.store.forget_found(email, found).await.expect("forgotten");
    assert_eq!((erased.events, keys.len()), (1, 2));
    assert!(!file_has(&bench, "ana-the-secret"));
}

async fn a_contact_that_begins_anew_keeps_its_failed_tries(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("a", &[("1", "x")])).await;
    bench.take("1").await;
    forget(&bench, "1").await;
    let failed = || {
        let retry = a_failure();
        let (contact, attempts) = (contact("1"), Vec::new());
        Settlement { attempts, retry: Some(retry), ..Settlement::of(contact, START) }
    };
    bench.accept(keyed("b", &[("1", "y")])).await;
    bench.store.settle(failed()).await.expect("settled");
    assert_eq!(bench.rows("contact"), 0, "that was the call which was under way");
    bench.store.look(contact("1").key()).await.expect("looked");
    bench.store.settle(failed()).await.expect("settled");
    assert_eq!(bench.rows("contact"), 0, "looking begins nothing");
    bench.take("1").await;
    bench.store.settle(failed()).await.expect("settled");
    assert_eq!(bench.take("1").await.retry.map(|retry| retry.tries), Some(1));
}

async fn whoever_has_the_number_now_is_not_forgotten_with_whoever_had_it(on: Engine) {
    let bench = Bench::on(on).await;
    let phone = Contact { reference: ContactRef::Phone("+573000000000".to_owned()), ..contact("1") };
    for (key, of, number) in [("a", "1", 1), ("b", "2", 2)] {
        bench.accept(keyed(key, &[(of, "x")])).await;
        let moved = settled(id(number, 0), of, "x", Settled::Moved);
        let settlement = Settlement { settled: vec![moved], ..Settlement::of(phone.clone(), START) };
        bench.store.settle(settlement).await.expect("settled");
    }
    let view = bench.store.reader().contact(contact("1")).await.expect("read");
    assert_eq!(view.known_as, [contact("1"), phone.clone()]);
    let erased = forget(&bench, "1").await;
    assert_eq!(erased.waiting, 1);
    assert_eq!(ids(&bench.take("2").await), [id(2, 0)]);
}

on_each_store!(
    all_that_names_a_contact_goes_and_the_rest_keeps_its_numbers,
    a_call_that_was_under_way_brings_nobody_back,
    a_contact_is_forgotten_under_each_name_that_it_was_found_by,
    a_name_that_came_while_events_were_looked_through_is_forgotten_too,
    a_contact_that_begins_anew_keeps_its_failed_tries,
    whoever_has_the_number_now_is_not_forgotten_with_whoever_had_it,
);
