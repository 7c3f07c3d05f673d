//! Timers: a tag that was added for a time is taken away by an ordinary change, accepted when its time is over.

use std::sync::Arc;
use std::time::Duration;

use super::gateway::Gateway;
use crate::clock::Clock;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::SourceName;
use crate::domain::time::Timestamp;
use crate::store::{Intake, Store, StoreError, Timer};

/// The source under which the removals stand in events; no rule file's source can have a name that begins so.
pub const SOURCE: &str = "tagrelay.timer";

/// Timers that are carried out in one go.
const TURN: usize = 256;
/// A sleep is never longer, so that a clock that was set on is noticed.
const LONGEST: Duration = Duration::from_hours(1);
/// How long to wait when the store can't be asked.
const STORE_PAUSE: Duration = Duration::from_secs(1);

/// Carries timers out as they come due, until it is dropped. Between them it sleeps.
pub async fn run(gateway: Arc<Gateway>, clock: Clock) {
    loop {
        let wait = match turn(&gateway.store, gateway.rules().catalog.hash(), clock.now()).await {
            Ok(Some(next)) => Duration::from_millis(next.since(clock.now()).max(0) as u64).min(LONGEST),
            Ok(None) => LONGEST,
            Err(error) => {
                tracing::error!(%error, "timers could not be carried out; they are tried again");
                STORE_PAUSE
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = gateway.store.timer_set() => {}
        }
    }
}

/// Carries out all that is due at `now`, in the name of a rule set; gives the time of the next timer.
pub async fn turn(store: &Store, rule_set: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    loop {
        let due = store.reader().due_timers(now, TURN).await?;
        if due.is_empty() {
            return store.reader().next_timer().await;
        }
        let intake = due.iter().map(|timer| intake(timer, rule_set)).collect();
        // A crash after this carries them out again: the same key makes that a duplicate.
        store.accept(intake).await?;
        store.end_timers(due).await?;
    }
}

fn intake(timer: &Timer, rule_set: &str) -> Intake {
    let source = SourceName::parse(SOURCE).expect("it has the letters of a name");
    let rule = timer.remove.rule.clone();
    let mut decision = Decision { rules: vec![rule], changes: vec![timer.remove.clone()], ..Decision::default() };
    let event = Event {
        key: Some(timer.add.to_string().into()),
        kind: Some("timer".into()),
        ..Event::empty(source, timer.due)
    };
    Intake::of(&event, rule_set, &mut decision, b"{}", b"{}")
}
