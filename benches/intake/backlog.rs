//! What waits for a dead connection, and what that costs a healthy one of the same gateway.

use std::net::SocketAddr;

use crate::Outcome;
use crate::delivering::{Single, millis, rules};
use crate::draining::wait_for;
use crate::histogram::Histogram;
use crate::options::Options;
use crate::process::{free_address, wait_for_idle};
use crate::provider::Provider;
use crate::report::{Report, Wanted};
use crate::world::World;

/// The hook and connection that answers, and the one whose address nobody listens at.
const HEALTHY: &str = "healthy";
const DEAD: &str = "dead";

/// Delays of the healthy connection in two gateways, with nothing and with much that waits at the dead one, in turn.
pub fn backlog(options: &Options, report: &mut Report) -> Outcome<()> {
    let provider = Provider::start()?;
    let nowhere = free_address()?;
    let (empty, full) = (world(&provider, nowhere)?, world(&provider, nowhere)?);
    let waiting = wait_for(&full, DEAD, options)?;
    report.tell("backlog: changes that wait at the dead connection", waiting as f64, "");
    let mut sides = [side(&empty), side(&full)];
    for _ in 0..options.rounds.max(2) {
        for (single, times) in &mut sides {
            if !options.quick {
                wait_for_idle(true);
            }
            single.send(if options.quick { 10 } else { 100 }, &provider, times)?;
        }
    }
    let [(_, alone), (_, beside)] = &sides;
    let ratio = millis(beside, 0.5) / millis(alone, 0.5);
    report.judge("backlog: delay of a healthy connection beside it", ratio, "x", Wanted::AtMost(1.1), None);
    for (name, times) in [("nothing waits", alone), ("much waits elsewhere", beside)] {
        report.tell(&format!("{name}: from the 200 to the call, median"), millis(times, 0.5), "ms");
        report.tell(&format!("{name}: from the 200 to the call, p99"), millis(times, 0.99), "ms");
    }
    empty.end()?;
    full.end()
}

fn world(provider: &Provider, nowhere: SocketAddr) -> Outcome<World> {
    let healthy = (HEALTHY, "HELPCRUNCH_API_KEY", provider.address, ", rate_limit: 20000/s");
    World::with(rules(&[healthy, (DEAD, "OTHER_API_KEY", nowhere, "")]))
}

fn side(world: &World) -> (Single, Histogram) {
    // No number that the changes which wait have had.
    (Single::new(world.address, HEALTHY, 1 << 40), Histogram::default())
}
