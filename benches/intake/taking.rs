//! What the next contact costs the store, with few changes that wait and with many: the store's own face on a real file.

use std::path::Path;
use std::time::{Duration, Instant};

use tagrelay::clock::Clock;
use tagrelay::domain::change::{Change, Effect, Settled};
use tagrelay::domain::contact::{Contact, ContactRef};
use tagrelay::domain::decision::Decision;
use tagrelay::domain::event::Event;
use tagrelay::domain::name::{ConnectionName, RuleId, SourceName};
use tagrelay::domain::tag::TagName;
use tagrelay::store::{Intake, SettledChange, Settlement, Store, Wake};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::options::Options;
use crate::process::wait_for_idle;
use crate::report::{Report, Wanted};
use crate::rounds::median;
use crate::world::FOLDER;
use crate::{Outcome, guard};

/// Few changes that wait.
pub const FEW: u64 = 1_000;
/// Events that make the store with few changes as long as one that has left memory.
const IDLE: u64 = 70_000;
/// Commits after which everything has reached the tables.
const COMMITS: u32 = 3_000;
/// Contacts that are taken in a round, of either store.
const A_ROUND: u64 = 100;

/// A store with changes that wait, each of a contact of its own.
pub struct Side {
    store: Store,
    next: u64,
    sent: u64,
    takes: Vec<f64>,
    both: Vec<f64>,
}

/// The median of taking, and of taking and settling, in turn.
pub fn take(options: &Options, report: &mut Report) -> Outcome<()> {
    let folder = tempfile::Builder::new().prefix("tagrelay-bench-").tempdir_in(FOLDER)?;
    guard::tell(&format!("folder {}", folder.path().display()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sides = [
            open(folder.path(), FEW).await?,
            open(folder.path(), options.waiting.max(FEW).next_multiple_of(1_000)).await?,
        ];
        compare(sides, options, report, "").await
    })
}

/// Measures both in turn.
pub async fn compare(mut sides: [Side; 2], options: &Options, report: &mut Report, on: &str) -> Outcome<()> {
    for _ in 0..options.rounds.max(2) {
        if !options.quick {
            wait_for_idle(true);
        }
        for side in &mut sides {
            side.round().await?;
        }
    }
    let [few, many] = sides;
    let name = |what: &str| format!("{on}{what}, {} changes wait : {FEW}", options.waiting);
    let figures = |side: Side| {
        side.store.stop();
        (median(side.takes), median(side.both))
    };
    let (few, many) = (figures(few), figures(many));
    report.judge(&name("taking and settling a contact"), many.1 / few.1, "x", Wanted::AtMost(1.2), None);
    report.tell(&name("taking alone"), many.0 / few.0, "x");
    report.tell(&format!("{on}taking a contact, {FEW} wait"), few.0, "us");
    report.tell(&format!("{on}taking a contact, {} wait", options.waiting), many.0, "us");
    report.tell(&format!("{on}taking and settling, {FEW} wait"), few.1, "us");
    report.tell(&format!("{on}taking and settling, {} wait", options.waiting), many.1, "us");
    Ok(())
}

/// A store on PostgreSQL in which so many wait: all of it is in the tables at once.
pub async fn filled(store: Store, mut wakes: UnboundedReceiver<Vec<Wake>>, waiting: u64) -> Outcome<Side> {
    const BATCH: u64 = 1_000;
    for from in (0..waiting).step_by(BATCH as usize) {
        store.accept((from..from + BATCH).map(|number| event(number, true)).collect()).await?;
        while wakes.try_recv().is_ok() {}
    }
    Ok(Side { store, next: 0, sent: waiting, takes: Vec::new(), both: Vec::new() })
}

async fn open(folder: &Path, waiting: u64) -> Outcome<Side> {
    const BATCH: u64 = 250;
    let (wake, mut wakes) = tokio::sync::mpsc::unbounded_channel();
    let options = tagrelay::store::Options::new(Duration::from_hours(24), Clock::system());
    let (store, _) = Store::open(&folder.join(format!("{waiting}.db")), options, wake)?;
    for from in (0..waiting.max(IDLE)).step_by(BATCH as usize) {
        let made = |number| event(number, number < waiting);
        store.accept((from..from + BATCH).map(made).collect()).await?;
        while wakes.try_recv().is_ok() {}
    }
    // What was just accepted goes to the tables by and by, a slice with each commit: that is the intake's cost, put off. So both
    // stores have what waits in the file, as after some hours of quiet; in memory it costs less.
    for _ in 0..COMMITS {
        store.ping().await?;
    }
    Ok(Side { store, next: 0, sent: waiting, takes: Vec::new(), both: Vec::new() })
}

impl Side {
    /// Takes and settles contacts as they came, and lets as many wait anew.
    async fn round(&mut self) -> Outcome<()> {
        for _ in 0..A_ROUND {
            let (contact, from) = (contact(self.next), Instant::now());
            let taken = self.store.take(contact.key()).await?;
            self.takes.push(from.elapsed().as_secs_f64() * 1e6);
            let [(id, change)] = taken.changes.as_slice() else { return Err("one change waits for a contact".into()) };
            let (how, reason) = (Settled::Applied, "the provider confirmed it".to_owned());
            let done = SettledChange { id: *id, change: change.clone(), how, reason, others: Vec::new(), cause: None };
            let at = tagrelay::clock::now();
            let settlement = Settlement { settled: vec![done], ..Settlement::of(contact, at) };
            self.store.settle(settlement).await?;
            self.both.push(from.elapsed().as_secs_f64() * 1e6);
            self.next += 1;
        }
        self.store.accept((self.sent..self.sent + A_ROUND).map(|number| event(number, true)).collect()).await?;
        self.sent += A_ROUND;
        Ok(())
    }
}

fn contact(number: u64) -> Contact {
    let connection = ConnectionName::parse("crm").expect("a name");
    Contact { connection, reference: ContactRef::Id((10_000_000 + number).to_string()) }
}

/// An event, with a change or without one.
pub fn event(number: u64, changes: bool) -> Intake {
    let source = SourceName::parse("bot").expect("a name");
    let key = format!("event-{number}-{changes}");
    let event = Event { key: Some(key.as_str().into()), ..Event::empty(source, tagrelay::clock::now()) };
    let tag = TagName::parse("Lead").expect("a tag");
    let rule = RuleId::parse("a-rule").expect("a name");
    let change = Change::plain(contact(number), Effect::AddTag(tag), rule.clone());
    let changes = if changes { vec![change] } else { Vec::new() };
    let mut decision = Decision { rules: vec![rule], changes, ..Decision::default() };
    Intake::of(&event, "hash", &mut decision, b"", b"{}")
}
