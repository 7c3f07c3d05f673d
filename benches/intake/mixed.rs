//! What it costs that vendors of all kinds send, each with its own form and its own proof.

use crate::options::Options;
use crate::report::{Report, Wanted};
use crate::rounds::{Numbers, Series, Side, alternate};
use crate::world::World;
use crate::{Outcome, bare};

/// The ratio to a bare handler with requests of all vendors, against the same ratio with requests of Dialogflow's, in the same rounds. Each
/// request is held against a bare handler that gets the same.
pub fn mixed(options: &Options, report: &mut Report) -> Outcome<()> {
    let intents = options.intents.unwrap_or(options.rules);
    let world = World::mixed(options.rules)?;
    let (bare, bare_address) = bare::start()?;
    let side = |name: &str, mixed| {
        let (address, process) =
            if name.starts_with("bare") { (bare_address, bare.id()) } else { (world.address, world.gateway.id()) };
        Side {
            name: name.to_owned(),
            addresses: vec![address],
            path: World::path(),
            intents,
            mixed,
            times: 1,
            processes: vec![process],
        }
    };
    let sides = [side("bare, one", false), side("one", false), side("bare, mixed", true), side("mixed", true)];
    let mut numbers = Numbers::new();
    let probed = world.probe(numbers.block(), intents, options.contacts)?;
    let series = alternate(&sides, options, &mut numbers)?;
    let [bare_one, one, bare_mixed, mixed] = series.as_slice() else { return Err("four sides".into()) };
    let refused: u64 = series.iter().map(Series::refused).sum();
    let (sent, newest) = (probed + one.taken() + mixed.taken(), world.newest()?);
    if refused > 0 || newest != sent {
        return Err(format!("{sent} requests were taken and {refused} refused, and {newest} events are stored").into());
    }
    // The last ones are of all vendors.
    (newest.saturating_sub(60).max(1)..=newest).try_for_each(|id| world.has_acted(id))?;
    // Round by round, as the ratios are.
    let pairs = one.rounds.iter().zip(&bare_one.rounds).zip(mixed.rounds.iter().zip(&bare_mixed.rounds));
    let ratios = pairs.map(|((one, bare), (mixed, bare_mixed))| {
        (mixed.burst.rate / bare_mixed.burst.rate) / (one.burst.rate / bare.burst.rate)
    });
    let ratio = crate::rounds::median(ratios.collect());
    report.judge(
        "mixed senders: their ratio to a bare handler : the ratio of one",
        ratio,
        "x",
        Wanted::AtLeast(0.9),
        None,
    );
    report.tell("one sender: ratio to the bare handler", one.ratio_to(bare_one), "x");
    report.tell("mixed senders: ratio to the bare handler", mixed.ratio_to(bare_mixed), "x");
    for side in &series {
        report.tell(&format!("{}: rate", side.name), side.median(|round| round.burst.rate), "requests/s");
        report.tell(&format!("{}: CPU", side.name), side.median(|round| round.cpu_us), "us/request");
    }
    report.tell("mixed senders: p99", mixed.median(|round| round.burst.p99 as f64 / 1000.0), "ms");
    report.keep(series);
    Ok(())
}
