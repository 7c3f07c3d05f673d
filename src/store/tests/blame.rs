//! Whose word a tag is, after all that told of it has gone.

use super::*;
use crate::domain::attempt::Attempt;
use crate::store::{Again, Blame, Origin};

fn attempt(verdict: &str) -> Attempt {
    Attempt {
        at: START,
        method: "PUT".to_owned(),
        path: "/customers/1/tags".to_owned(),
        request: Some(serde_json::json!({ "tags": [] })),
        status: Some(200),
        answer: "all that was answered".to_owned(),
        took_ms: 7,
        limits: Vec::new(),
        also: Vec::new(),
        uncounted: false,
        verdict: verdict.to_owned(),
    }
}

impl Bench {
    async fn accept_noted(&self, note: &str, changes: &[Change]) {
        let event = Event::empty(SourceName::parse("by-hand").expect("a name"), self.clock.now());
        let mut decision = Decision { rules: vec![rule()], changes: changes.to_vec(), ..Decision::default() };
        let origin = Origin { note: note.to_owned(), ..Origin::default() };
        let intake = Intake::from(&origin, &event, "the-hash", &mut decision, b"{}", b"{}");
        self.store.accept(vec![intake]).await.expect("stored");
    }

    async fn settle_by(&self, whose: &Contact, settled: Vec<SettledChange>, verdict: &str) {
        let (contact, at) = (whose.clone(), self.clock.now());
        let settlement = Settlement { settled, attempts: vec![attempt(verdict)], ..Settlement::of(contact, at) };
        self.store.settle(settlement).await.expect("settled");
    }

    async fn blame(&self, id: &str, tag: &str) -> Blame {
        let view = self.store.reader().contact(contact(id)).await.expect("read");
        view.tags.into_iter().find(|(of, _)| of.as_str() == tag).expect("a word").1
    }

    /// A month goes by, and nothing is left of what was before.
    async fn a_month_later(&self) {
        self.clock.set(self.clock.now().plus_millis(31 * DAY_MS));
        self.store.retain().await.expect("retained");
        assert_eq!((self.rows("lot"), self.rows("delivery")), (0, 0));
    }
}

fn came_from(blame: &Blame) -> (Option<&str>, Option<&str>, &str) {
    (blame.source.as_ref().map(SourceName::as_str), blame.rule_set.as_deref(), blame.note.as_str())
}

const BY_HAND: (Option<&str>, Option<&str>, &str) = (Some("by-hand"), Some("the-hash"), "she called");

async fn blame_outlives_the_event_and_the_call(on: Engine) {
    let bench = Bench::on(on).await;
    bench.accept_noted("she called", &[change("1", "x"), change("1", "y"), change("1", "z")]).await;
    let long = "the provider said ".to_owned() + &"x".repeat(1000);
    bench.settle_by(&contact("1"), vec![settled(id(1, 0), "1", "x", Settled::Applied)], &long).await;
    bench.settle_by(&contact("1"), vec![settled(id(1, 1), "1", "y", Settled::Already)], "of another").await;
    let exclusive = SettledChange {
        others: vec![TagName::parse("w").expect("a tag")],
        ..settled(id(1, 2), "1", "z", Settled::Dead)
    };
    bench.settle_by(&contact("1"), vec![exclusive], "refused").await;
    let before = bench.blame("1", "x").await;
    assert_eq!(before.attempt.as_ref().map(|attempt| attempt.answer.as_str()), Some("all that was answered"));
    bench.a_month_later().await;
    let bench = bench.restart().await;
    for tag in ["w", "x", "y", "z"] {
        assert_eq!(came_from(&bench.blame("1", tag).await), BY_HAND, "{tag}");
    }
    let call = bench.blame("1", "x").await.attempt.expect("kept");
    assert_eq!((call.at, call.method.as_str(), call.status, call.took_ms), (START, "PUT", Some(200), 7));
    assert_eq!(call.path, "/customers/1/tags");
    assert!(call.verdict.starts_with("the provider said xx") && call.verdict.len() < 220, "{}", call.verdict);
    assert_eq!(bench.blame("1", "y").await.attempt, None, "that call was for something else");
    assert_eq!(bench.blame("1", "z").await.attempt.expect("kept").verdict, "refused");
    // A newer word knows nothing of the older one.
    bench.accept(keyed("new", &[("1", "x")])).await;
    bench.settle("1", vec![settled(id(2, 0), "1", "x", Settled::Already)]).await;
    let newer = bench.blame("1", "x").await;
    assert_eq!((came_from(&newer), newer.attempt.as_ref()), ((Some("bot"), Some("hash"), ""), None));
    bench.a_month_later().await;
    assert_eq!(came_from(&bench.blame("1", "x").await), (Some("bot"), Some("hash"), ""));
    assert_eq!(came_from(&bench.blame("1", "y").await), BY_HAND, "a second retention takes nothing");
}

async fn what_waited_longer_than_its_event_is_kept_says_where_it_came_from(on: Engine) {
    let bench = Bench::on(on).await;
    let set = Change {
        effect: Effect::Set {
            field: "plan".to_owned(),
            value: crate::domain::json::OwnedJson::of(crate::domain::json::Json::EMPTY_MAP),
        },
        ..change("1", "x")
    };
    bench.accept_noted("she called", &[change("1", "x"), change("2", "x"), set.clone()]).await;
    bench.settle("2", vec![settled(id(1, 1), "2", "x", Settled::Dead)]).await;
    bench.a_month_later().await;
    let bench = bench.restart().await;
    let taken = bench.take("1").await;
    let all = taken.changes.iter().map(|(id, change)| SettledChange {
        id: *id,
        change: change.clone(),
        ..settled(*id, "1", "x", Settled::Applied)
    });
    bench.settle_by(&contact("1"), all.collect(), "done").await;
    assert_eq!(came_from(&bench.blame("1", "x").await), BY_HAND);
    let view = bench.store.reader().contact(contact("1")).await.expect("read");
    assert_eq!(came_from(&view.fields[0].1), BY_HAND);
    // A dead letter is tried again after all.
    bench.store.retry_dead(vec![Again { id: id(1, 1), mended: false }]).await.expect("retried");
    bench.settle("2", vec![settled(id(1, 1), "2", "x", Settled::Applied)]).await;
    assert_eq!(came_from(&bench.blame("2", "x").await), BY_HAND);
}

async fn a_word_under_the_id_that_a_look_up_found_is_kept_too(on: Engine) {
    let bench = Bench::on(on).await;
    let email = Contact { reference: ContactRef::Email("ana@example.com".to_owned()), ..contact("1") };
    let sought = Change { contact: email.clone(), ..change("1", "x") };
    bench.accept_noted("she called", &[sought]).await;
    bench.settle_by(&email, vec![settled(id(1, 0), "1", "x", Settled::Moved)], "found").await;
    bench.settle_by(&contact("1"), vec![settled(id(1, 0), "1", "x", Settled::Applied)], "done").await;
    bench.a_month_later().await;
    let blame = bench.blame("1", "x").await;
    assert_eq!((came_from(&blame), blame.attempt.as_ref().map(|call| call.verdict.as_str())), (BY_HAND, Some("done")));
}

#[tokio::test]
async fn whoever_is_forgotten_is_forgotten_with_what_was_kept() {
    let bench = Bench::on(Engine::Sqlite).await;
    bench.accept_noted("she called", &[change("1", "x")]).await;
    bench.settle_by(&contact("1"), vec![settled(id(1, 0), "1", "x", Settled::Applied)], "a-word-of-the-provider").await;
    bench.a_month_later().await;
    let has = |needle: &str| {
        let wal = bench.path().with_extension("db-wal");
        [bench.path(), wal].iter().any(|file| {
            let bytes = std::fs::read(file).unwrap_or_default();
            bytes.windows(needle.len()).any(|window| window == needle.as_bytes())
        })
    };
    // As they stand in the contact's row; an event and a delivery spell them otherwise.
    let kept = [r#""n":"she called""#, r#""v":"a-word-of-the-provider""#, r#""r":"the-hash""#];
    assert_eq!(kept.map(has), [true; 3]);
    bench.store.forget(contact("1")).await.expect("forgotten");
    assert_eq!(bench.store.reader().contact(contact("1")).await.expect("read").tags, []);
    assert_eq!((kept.map(has), bench.rows("contact")), ([false; 3], 0), "written over, in the file and in its log");
}

async fn retention_goes_on_step_by_step_until_nothing_old_is_left(on: Engine) {
    let bench = Bench::on(on).await;
    for n in 0..300_u32 {
        let who = (n % 7).to_string();
        bench.accept(keyed(&format!("k{n}"), &[(&who, "x")])).await;
        bench.settle(&who, vec![settled(id(u64::from(n) + 1, 0), &who, "x", Settled::Applied)]).await;
    }
    bench.a_month_later().await;
    for who in 0..7 {
        assert_eq!(came_from(&bench.blame(&who.to_string(), "x").await).0, Some("bot"));
    }
}

on_each_store!(
    blame_outlives_the_event_and_the_call,
    what_waited_longer_than_its_event_is_kept_says_where_it_came_from,
    a_word_under_the_id_that_a_look_up_found_is_kept_too,
    retention_goes_on_step_by_step_until_nothing_old_is_left,
);
