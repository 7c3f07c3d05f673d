//! Recorded events, from the gateway or from a file, one after the other.

use std::io::{BufRead, BufReader, IsTerminal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::super::super::{WRONG, fail};
use super::super::{Client, items, text};
use crate::flow::recorded::Recorded;

/// Which events are asked for.
pub struct Asked<'a> {
    /// Since then.
    pub since: &'a str,
    /// Before then.
    pub until: Option<&'a str>,
    /// Of this source.
    pub source: Option<&'a str>,
}

/// A page as the gateway gives it.
#[derive(Deserialize)]
struct Page {
    items: Vec<Recorded>,
    next: Option<String>,
}

/// Events in a page.
const PAGE: &str = "500";
/// Pages that are read ahead while others are judged.
const AHEAD: usize = 4;
/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// Hands over the events of a gateway, oldest first, up to the newest that there is now.
pub fn of_gateway(client: &Client, asked: &Asked<'_>, take: &mut dyn FnMut(&Recorded)) -> Result<(), ExitCode> {
    let newest = client.get(&["events"], &[("limit", Some("1"))])?;
    let newest = items(&newest, "items").first().and_then(|event| text(event, "id").parse().ok()).unwrap_or(0_u64);
    let mut progress = Progress::begin(newest);
    std::thread::scope(|scope| {
        let (pages, read) = mpsc::sync_channel(AHEAD);
        scope.spawn(move || fetch(client, asked, newest, &pages));
        for page in read {
            for event in &page? {
                take(event);
                progress.tell(event.id);
            }
        }
        progress.end();
        Ok(())
    })
}

/// Reads page by page until the end, or until nobody listens.
fn fetch(client: &Client, asked: &Asked<'_>, newest: u64, pages: &mpsc::SyncSender<Result<Vec<Recorded>, ExitCode>>) {
    let mut cursor: Option<String> = None;
    loop {
        let query = [
            ("limit", Some(PAGE)),
            ("since", Some(asked.since)),
            ("until", asked.until),
            ("source", asked.source),
            ("cursor", cursor.as_deref()),
        ];
        let page: Result<Page, ExitCode> = client.read(&["events", "recorded"], &query);
        let (page, next) = match page {
            Ok(Page { mut items, next }) => {
                // What comes meanwhile is for the next comparison: two in a row are to see the same.
                let is_all = items.last().is_some_and(|last| last.id >= newest);
                items.retain(|event| event.id <= newest);
                (Ok(items), next.filter(|_| !is_all))
            }
            Err(status) => (Err(status), None),
        };
        let is_heard = pages.send(page).is_ok();
        if next.is_none() || !is_heard {
            return;
        }
        cursor = next;
    }
}

/// Hands over the events of a file, one a line.
pub fn of_file(path: &Path, take: &mut dyn FnMut(&Recorded)) -> Result<(), ExitCode> {
    let wrong =
        |line: usize, error: &dyn std::fmt::Display| fail(WRONG, &format!("{}:{line}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(|error| fail(WRONG, &format!("{}: {error}", path.display())))?;
    let mut last = 0;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        let line = line.map_err(|error| wrong(index + 1, &error))?;
        if line.trim().is_empty() {
            continue;
        }
        let event: Recorded = serde_json::from_str(&line).map_err(|error| wrong(index + 1, &error))?;
        if event.id <= last {
            return Err(wrong(index + 1, &"events come in the order of their ids"));
        }
        last = event.id;
        take(&event);
    }
    Ok(())
}

/// A line on a terminal.
struct Progress {
    is_shown: bool,
    told: Instant,
    first: Option<u64>,
    newest: u64,
    events: u64,
}

impl Progress {
    fn begin(newest: u64) -> Self {
        Self { is_shown: std::io::stderr().is_terminal(), told: Instant::now(), first: None, newest, events: 0 }
    }

    fn tell(&mut self, id: u64) {
        self.events += 1;
        let first = *self.first.get_or_insert(id);
        if self.is_shown && self.events.is_multiple_of(100) && self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let share = (id - first) * 100 / (self.newest.saturating_sub(first)).max(1);
            eprint!("\r{} events, {share} %", self.events);
        }
    }

    fn end(&self) {
        if self.is_shown {
            eprint!("\r\u{1b}[K");
        }
    }
}
