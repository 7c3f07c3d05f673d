//! Who is told of what: nothing that is written after a subscription is passed by, whatever is written beside it.

use super::*;
use crate::domain::secret::Secret;
use crate::domain::subscription::{Ended, Narrowed, Progress, Subscription, Topic};
use crate::store::{Behind, Gap, Log, PauseKind, Paused, Stretch, Written};

pub(super) fn subscription(id: &str, topic: Topic) -> Subscription {
    let (url, secret) = (Secret::new("https://hooks.example.com/1"), Secret::new("whsec_AAAA"));
    Subscription { id: id.to_owned(), at: START, topic, narrowed: Narrowed::default(), url, secret }
}

impl Bench {
    async fn subscribe(&self, id: &str, topic: Topic) -> Progress {
        assert!(self.store.subscribe(subscription(id, topic)).await.expect("subscribed"));
        self.progress(id).await
    }

    async fn progress(&self, id: &str) -> Progress {
        let all = self.store.reader().subscriptions().await.expect("read");
        all.into_iter().find(|(one, _)| one.id == id).expect("it is there").1
    }

    async fn behind(&self, log: Log, after: i64, limit: usize) -> Stretch {
        self.behind_gap(log, after, limit, None).await
    }

    async fn behind_gap(&self, log: Log, after: i64, limit: usize, gap: Option<Gap>) -> Stretch {
        let now = self.clock.now();
        self.store.reader().behind(Behind { log, after, limit, gap, now }).await.expect("read")
    }

    pub(super) async fn pause(&self, name: &str, kind: PauseKind, since: Option<Timestamp>) {
        let paused = Paused { since, kind, reason: "a test".to_owned(), ..Paused::default() };
        self.store.keep_paused(ConnectionName::parse(name).expect("a name"), paused).await.expect("kept");
    }
}

fn numbers(stretch: &Stretch) -> Vec<i64> {
    stretch.written.iter().map(|(number, _)| *number).collect()
}

async fn a_subscription_begins_with_what_is_written_after_it(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept(keyed("before", &[("7", "Lead")])).await;
    bench.settle("7", vec![settled(id(1, 0), "7", "Lead", Settled::Applied)]).await;
    // Long ago, so that nothing of it is under way any more.
    bench.clock.set(START.plus_millis(120_000));
    let events = bench.subscribe("a1", Topic::RuleFired).await;
    let deliveries = bench.subscribe("b2", Topic::TagAdded).await;
    assert_eq!((events.upto, deliveries.upto), (1, 1));
    let lot = (0..3).map(|n| keyed(&format!("k{n}"), &[]).intake(START)).collect();
    bench.store.accept(lot).await.expect("stored");
    bench.settle("7", vec![settled(id(2, 0), "7", "Hot", Settled::Applied)]).await;
    let all = bench.behind(Log::Lots, events.upto, 64).await;
    assert_eq!((numbers(&all), all.upto, all.more), (vec![2, 3, 4], 4, false));
    let rest = bench.behind(Log::Lots, 3, 64).await;
    assert_eq!((numbers(&rest), rest.upto), (vec![4], 4), "the rest of a lot");
    let told = bench.behind(Log::Deliveries, deliveries.upto, 64).await;
    let Some((2, Written::Delivery(delivery))) = told.written.first() else { panic!("{told:?}") };
    assert_eq!(delivery.settled[0].change.effect.subject(), "Hot");
    let newest = bench.store.reader().newest(Log::Deliveries, 1, bench.clock.now()).await.expect("read");
    assert_eq!(newest.len(), 1);
}

async fn how_far_it_is_is_written_by_one_at_a_time(on: Engine) {
    let bench = Bench::on(on).await;
    let was = bench.subscribe("a1", Topic::TagAdded).await;
    let is = Progress { upto: 5, sent: 3, ..was.clone() };
    let advance = async |was: &Progress, is: &Progress| {
        bench.store.advance("a1".to_owned(), was.clone(), is.clone()).await.expect("written")
    };
    assert!(advance(&was, &is).await);
    assert!(!advance(&was, &Progress { upto: 9, ..is.clone() }).await, "somebody else was faster");
    assert_eq!(bench.progress("a1").await, is);
    let bench = bench.restart().await;
    let ended = Some(Ended { at: bench.clock.now(), reason: "410".to_owned() });
    let end = Progress { ended, ..is.clone() };
    assert!(bench.store.advance("a1".to_owned(), is, end.clone()).await.expect("written"));
    assert_eq!(bench.progress("a1").await, end);
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!(bench.rows("subscription"), 0, "what ended long ago is forgotten");
    assert!(!bench.store.unsubscribe("a1".to_owned()).await.expect("asked"));
    bench.subscribe("b2", Topic::TagAdded).await;
    assert!(bench.store.unsubscribe("b2".to_owned()).await.expect("asked"));
}

async fn a_pause_is_told_once_and_again_where_it_becomes_another(on: Engine) {
    let bench = Bench::on(on).await;
    let from = bench.subscribe("a1", Topic::ConnectionPaused).await.upto;
    let since = Some(START);
    for (kind, since) in [
        (PauseKind::Failing, since),
        (PauseKind::Failing, since),
        (PauseKind::Refused, since),
        (PauseKind::Refused, None),
        (PauseKind::Refused, since),
    ] {
        bench.pause("crm", kind, since).await;
    }
    bench.clock.set(START.plus_millis(120_000));
    let told = bench.behind(Log::Notices, from, 64).await;
    let kind =
        |(_, written): &(i64, Written)| if let Written::Notice(n) = written { n.kind.clone() } else { String::new() };
    assert_eq!(told.written.iter().map(kind).collect::<Vec<_>>(), ["failing", "refused", "refused"]);
    bench.clock.set(START.plus_millis(31 * DAY_MS));
    bench.store.retain().await.expect("retained");
    assert_eq!(bench.rows("notice"), 0);
    bench.pause("crm", PauseKind::Failing, since).await;
    assert_eq!(bench.behind(Log::Notices, told.upto, 64).await.written.len(), 1, "no number comes twice");
}

/// Each lane is woken for what it reads, and not by the keeping of how far lanes are.
async fn a_commit_wakes_those_who_read_what_it_wrote(on: Engine) {
    let bench = Bench::on(on).await;
    let was = bench.subscribe("a1", Topic::TagAdded).await;
    let mut heard = [Log::Lots, Log::Deliveries, Log::Notices].map(|log| bench.store.commits(log));
    let mut woken = || {
        heard.each_mut().map(|log| {
            let woken = log.has_changed().expect("open");
            log.mark_unchanged();
            woken
        })
    };
    assert!(bench.store.advance("a1".to_owned(), was.clone(), Progress { upto: 5, ..was }).await.expect("written"));
    assert_eq!(woken(), [false, false, false]);
    bench.accept(keyed("k", &[("7", "Lead")])).await;
    assert_eq!(woken(), [true, false, false]);
    drop(bench.take("7").await);
    bench.settle("7", vec![settled(id(1, 0), "7", "Lead", Settled::Applied)]).await;
    assert_eq!(woken(), [false, true, false]);
    bench.pause("crm", PauseKind::Failing, Some(START)).await;
    assert_eq!(woken(), [false, false, true]);
}

on_each_store!(
    a_commit_wakes_those_who_read_what_it_wrote,
    a_subscription_begins_with_what_is_written_after_it,
    how_far_it_is_is_written_by_one_at_a_time,
    a_pause_is_told_once_and_again_where_it_becomes_another,
);

/// Gateways that write beside this one, by hand.
struct Others<'b> {
    bench: &'b Bench,
    server: &'b server::Postgres,
    gap: Option<Gap>,
}

impl<'b> Others<'b> {
    fn of(bench: &'b Bench) -> Self {
        Self { bench, server: bench.server.as_ref().expect("a server"), gap: None }
    }

    async fn connect(&self) -> tokio_postgres::Client {
        let address = crate::store::postgres::Address::parse(&self.server.url(), None).expect("an address");
        address.connect(None).await.expect("connected")
    }

    fn insert(id: i64) -> String {
        let body = r#"{"connection":"crm","kind":"refused","reason":"a test"}"#;
        format!("INSERT INTO notice (id, at, body) VALUES ({id}, {}, '{body}')", START.0)
    }

    fn write(&self, id: i64) {
        self.server.sql(server::USER, &Self::insert(id));
    }

    /// Looks behind a number as a lane does, at this time: what it found, how far it is, whether it looks again.
    async fn look(&mut self, after: i64, at_ms: i64) -> (Vec<i64>, i64, bool) {
        self.bench.clock.set(START.plus_millis(at_ms));
        let stretch = self.bench.behind_gap(Log::Notices, after, 64, self.gap).await;
        self.gap = stretch.gap;
        (numbers(&stretch), stretch.upto, stretch.more)
    }
}

async fn run(client: &tokio_postgres::Client, sql: &str) {
    client.batch_execute(sql).await.expect("run");
}

/// A gateway takes a number and commits it late: nobody goes past it.
#[tokio::test]
async fn a_number_that_is_committed_after_a_greater_one_is_not_passed_by() {
    let bench = Bench::on(Engine::Postgres).await;
    let mut others = Others::of(&bench);
    let other = others.connect().await;
    run(&other, &format!("BEGIN; {}", Others::insert(1))).await;
    others.write(2);
    for at_ms in [5_000, 10_000, 20_000] {
        assert_eq!(others.look(0, at_ms).await, (Vec::new(), 0, true), "1 may come still");
    }
    assert_eq!(bench.subscribe("a1", Topic::ConnectionPaused).await.upto, 0, "nor by whoever begins now");
    run(&other, "COMMIT").await;
    assert_eq!(others.look(0, 20_000).await, (vec![1, 2], 2, false));
    // Numbers that nobody will ever use: all of them are waited for together.
    others.write(4);
    others.write(6);
    assert!(others.look(2, 30_000).await.2, "whoever has it may not be known yet");
    assert!(others.look(2, 31_000).await.2);
    assert!(others.look(2, 33_000).await.2, "from now on it is known whom to wait for");
    assert_eq!(others.look(2, 34_000).await, (vec![4, 6], 6, false));
    // Whatever else runs in the database for hours is no reason to wait for ever.
    run(&other, "BEGIN; SELECT pg_current_xact_id()").await;
    others.write(8);
    assert!(others.look(6, 40_000).await.2);
    assert!(others.look(6, 50_000).await.2);
    assert!(others.look(6, 100_000).await.2, "the gap was seen a minute ago");
    assert_eq!(others.look(6, 101_000).await, (vec![8], 8, false));
}

/// The order in which gateways begin to write is not that in which they take their numbers.
#[tokio::test]
async fn nor_one_whose_writer_began_after_that_of_the_greater_one() {
    let bench = Bench::on(Engine::Postgres).await;
    let mut others = Others::of(&bench);
    let (greater, lower) = (others.connect().await, others.connect().await);
    run(&greater, "BEGIN; SELECT pg_current_xact_id()").await;
    run(&lower, &format!("BEGIN; {}", Others::insert(1))).await;
    run(&greater, &format!("{}; COMMIT", Others::insert(2))).await;
    for at_ms in [5_000, 10_000, 20_000, 30_000] {
        assert_eq!(others.look(0, at_ms).await, (Vec::new(), 0, true), "1 hangs in its commit");
    }
    run(&lower, "COMMIT").await;
    assert_eq!(others.look(0, 30_000).await, (vec![1, 2], 2, false));

    // Nor one that was taken before the database knew of its writer.
    others.write(4);
    assert_eq!(others.look(2, 40_000).await, (Vec::new(), 2, true));
    run(&lower, &format!("BEGIN; {}", Others::insert(3))).await;
    for at_ms in [43_000, 46_000, 49_000] {
        assert_eq!(others.look(2, at_ms).await, (Vec::new(), 2, true), "it is known by now, and has not ended");
    }
    run(&lower, "COMMIT").await;
    assert_eq!(others.look(2, 49_000).await, (vec![3, 4], 4, false));
}
