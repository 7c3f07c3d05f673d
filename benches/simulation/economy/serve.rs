//! The trace served by the real thing: store, fold, steps, lane and allowance, with a provider that never fails.

use std::collections::HashMap;
use std::time::Duration;

use tagrelay::domain::change::{Change, ChangeId, Effect};
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::{Contact, ContactRef};
use tagrelay::domain::duration::Rate;
use tagrelay::domain::name::RuleId;
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::store::DeliveryQuery;

use super::ideal::{Outcome, Terms};
use super::trace::Action;
use crate::provider::Model;
use crate::world::{World, connection};

/// Serves the trace; also the most calls that started in any window.
pub fn serve(trace: &[Action], terms: Terms) -> Result<(Outcome, usize), String> {
    let shm = std::path::Path::new("/dev/shm");
    let folder =
        if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.map_err(|e| e.to_string())?;
    let begin = Timestamp(1_700_000_000_000);
    let mut world = World::new(&folder.path().join("economy.db"), begin);
    let window = Duration::from_millis(terms.window_ms as u64);
    let rate = Rate { calls: terms.calls.map_or(u32::MAX / 2, |calls| calls as u32), window };
    let config = ConnectionConfig {
        gather: Duration::from_millis(terms.gather_ms as u64),
        tag_cache: Duration::from_millis(terms.cache_ms as u64),
        concurrency: 64,
        ..connection("crm", ProviderKind::Helpcrunch, rate)
    };
    let name = config.name.clone();
    world.begin(vec![(config, "one")], 4_096, Model { lists: true, ..Model::default() });
    let rule = RuleId::parse("trace").expect("a name");
    let mut accepted = HashMap::new();
    for (place, action) in trace.iter().enumerate() {
        world.run_until(begin.plus_millis(action.at));
        let tag = TagName::parse(&format!("tag {}", action.tag)).expect("a tag");
        let effect = if action.there { Effect::AddTag(tag) } else { Effect::RemoveTag(tag) };
        let contact = Contact { connection: name.clone(), reference: ContactRef::Id(action.contact.to_string()) };
        let ord = world.accept(vec![Change::plain(contact, effect, rule.clone())]);
        accepted.insert(ChangeId { ord, index: 0 }, place);
    }
    let last = trace.last().map_or(0, |action| action.at);
    if !world.run_out(begin.plus_millis(last * 10 + 3_600_000)) {
        return Err("it falls behind for ever".to_owned());
    }
    let mut outcome = Outcome { delays: vec![0; trace.len()], ..Outcome::default() };
    let starts: Vec<i64> = world.model().calls.iter().map(|call| call.at.0).collect();
    outcome.calls = starts.len();
    let mut before = None;
    loop {
        let query = DeliveryQuery { before, limit: 5_000, ..DeliveryQuery::default() };
        let page = world.wait(world.store().reader().deliveries(query)).map_err(|error| error.to_string())?;
        for delivery in &page.items {
            for done in &delivery.settled {
                let Some(place) = accepted.get(&done.id) else { continue };
                outcome.delays[*place] = delivery.at.since(begin) - trace[*place].at;
                outcome.end = outcome.end.max(delivery.at.since(begin));
            }
        }
        match page.next {
            Some(next) => before = next.parse().ok(),
            None => break,
        }
    }
    let most = starts
        .iter()
        .enumerate()
        .map(|(place, start)| place + 1 - starts.partition_point(|other| *other <= start - terms.window_ms));
    Ok((outcome, most.max().unwrap_or_default()))
}
