//! The economy of calls: one trace, served in several ways.

mod chart;
mod ideal;
mod serve;
mod trace;

use std::path::Path;
use std::time::Duration;

use ideal::{Outcome, Terms};

/// What a provider takes that allows 120 calls a minute, and how long a call takes in the model.
const LATENCY_MS: i64 = 85;
const WINDOW: Duration = Duration::from_mins(1);

/// A way to serve the trace.
struct Row {
    name: String,
    outcome: Outcome,
    /// What the oracle needs under the same terms.
    oracle: Option<Outcome>,
    /// The most calls that started in any window.
    most: Option<usize>,
}

/// Serves a trace in every way and prints what it costs.
pub fn run(seed: u64, actions: usize, svg: Option<&Path>) -> Result<(), String> {
    let trace = trace::trace(seed, actions);
    let seconds = trace.last().map_or(0, |action| action.at) / 1_000;
    println!(
        "{} actions in {seconds} s, {} of them removals; {} contacts",
        trace.len(),
        trace.iter().filter(|action| !action.there).count(),
        trace.iter().map(|action| action.contact).collect::<std::collections::HashSet<_>>().len()
    );
    // A third of what comes: whoever makes one call an action falls behind by two thirds of it.
    let a_minute = (trace.len() as f64 / seconds.max(1) as f64 * 60.0 / 3.0) as usize;
    for (title, calls, picture) in [
        ("as many calls as it takes".to_owned(), None, "economy.svg"),
        (format!("{a_minute} calls a minute, a third of what comes"), Some(a_minute), "economy-limited.svg"),
    ] {
        let rows = rows(&trace, calls)?;
        table(&title, &trace, &rows);
        if let Some(folder) = svg {
            let path = folder.join(picture);
            chart::draw(&path, &title, &trace, &rows).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("picture: {}", path.display());
        }
    }
    Ok(())
}

fn rows(trace: &[trace::Action], calls: Option<usize>) -> Result<Vec<Row>, String> {
    let terms = |cache_s: i64, gather_s: i64| Terms {
        calls,
        window_ms: WINDOW.as_millis() as i64,
        latency_ms: LATENCY_MS,
        gather_ms: gather_s * 1_000,
        cache_ms: cache_s * 1_000,
        tags_per_call: 50,
    };
    let plain = ideal::one_by_one(trace, terms(0, 0));
    let mut rows = vec![Row { name: "one call an action".to_owned(), outcome: plain, oracle: None, most: None }];
    for (cache, cache_s) in [("60s", 60), ("1h", 3_600)] {
        for gather_s in [0, 5] {
            let terms = terms(cache_s, gather_s);
            let (outcome, most) = serve::serve(trace, terms)?;
            let name = format!("tagrelay, tag_cache {cache}, gather {gather_s}s");
            rows.push(Row { name, outcome, oracle: Some(ideal::oracle(trace, terms)), most: Some(most) });
        }
    }
    Ok(rows)
}

fn table(title: &str, trace: &[trace::Action], rows: &[Row]) {
    println!("\n{title}");
    println!(
        "{:<38} {:>8} {:>9} {:>10} {:>9} {:>9} {:>9} {:>11} {:>9}",
        "", "calls", "an action", "x oracle's", "median s", "p99 s", "end s", "oracle's s", "most/min"
    );
    for row in rows {
        let Row { name, outcome, oracle, most } = row;
        let mut delays = outcome.delays.clone();
        delays.sort_unstable();
        let at =
            |part: f64| delays.get((delays.len() as f64 * part) as usize).copied().unwrap_or_default() as f64 / 1_000.0;
        let ratio = oracle.as_ref().map(|oracle| format!("{:.3}", outcome.calls as f64 / oracle.calls as f64));
        let end = oracle.as_ref().map(|oracle| format!("{:.0}", oracle.end as f64 / 1_000.0));
        println!(
            "{name:<38} {:>8} {:>9.3} {:>10} {:>9.2} {:>9.2} {:>9.0} {:>11} {:>9}",
            outcome.calls,
            outcome.calls as f64 / trace.len() as f64,
            ratio.unwrap_or_default(),
            at(0.5),
            at(0.99),
            outcome.end as f64 / 1_000.0,
            end.unwrap_or_default(),
            most.map(|most| most.to_string()).unwrap_or_default()
        );
    }
}
