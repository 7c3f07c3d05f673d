//! Events with their bodies, oldest first, page by page.

use super::*;
use crate::store::RecordedQuery;

/// All pages of a query, each of at most `limit` events.
async fn pages(bench: &Bench, query: &RecordedQuery, limit: usize) -> Vec<u64> {
    let mut found = Vec::new();
    let mut after = query.after;
    loop {
        let query = RecordedQuery { after, limit, ..query.clone() };
        let page = bench.store.reader().recorded(query).await.expect("read");
        assert!(page.items.len() <= limit);
        assert!(page.items.iter().all(|record| !record.body.is_empty()));
        found.extend(page.items.iter().map(|record| record.ord.0));
        match page.next {
            Some(next) => after = Some(Ord(next.parse().expect("a number"))),
            None => return found,
        }
    }
}

async fn events_are_handed_out_oldest_first_whatever_the_pages(on: Engine) {
    let bench = Bench::on(on).await;
    // Lots of one, three and five events, a second apart.
    for lot in [1..2_u64, 2..5, 5..10] {
        let events = lot.map(|n| keyed(&format!("k{n}"), &[]).intake(START)).collect();
        bench.store.accept(events).await.expect("stored");
        bench.clock.set(bench.clock.now().plus_millis(1_000));
    }
    let at = |seconds: i64| Some(START.plus_millis(seconds * 1_000));
    let all = RecordedQuery::default();
    for limit in [1, 2, 4, 100] {
        assert_eq!(pages(&bench, &all, limit).await, (1..=9).collect::<Vec<_>>(), "{limit} at once");
        for (since, first) in [(at(0), 1), (at(1), 2), (at(2), 5)] {
            let query = RecordedQuery { since, ..all.clone() };
            assert_eq!(pages(&bench, &query, limit).await, (first..=9).collect::<Vec<_>>(), "{since:?}");
        }
    }
    assert_eq!(pages(&bench, &RecordedQuery { since: at(3), ..all.clone() }, 9).await, [0_u64; 0]);
    let middle = RecordedQuery { since: at(1), until: at(2), ..all.clone() };
    assert_eq!(pages(&bench, &middle, 9).await, [2, 3, 4]);
    assert_eq!(pages(&bench, &RecordedQuery { after: Some(Ord(7)), ..all.clone() }, 1).await, [8, 9]);
    let other = Some(SourceName::parse("other").expect("a name"));
    assert_eq!(pages(&bench, &RecordedQuery { source: other, ..all }, 9).await, [0_u64; 0]);
}

on_each_store!(events_are_handed_out_oldest_first_whatever_the_pages);
