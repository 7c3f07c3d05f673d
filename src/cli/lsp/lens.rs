//! How many of the last events each rule would match: asked of a running gateway, and judged here.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::cli::admin::{Client, To, items, text};
use crate::cli::{settings, token};
use crate::flow::recorded::Recorded;
use crate::rules::Catalog;
use crate::settings::dialled;

/// So many events are asked for.
const EVENTS: u64 = 500;
/// Events are asked for anew after so long.
const FRESH: Duration = Duration::from_mins(1);
/// Nobody is there who doesn't answer in so long.
const CONNECT: Duration = Duration::from_secs(1);

/// The last events of a gateway.
pub struct Recent {
    url: Option<String>,
    events: Vec<Recorded>,
    asked: Option<Instant>,
    told: bool,
}

#[derive(Deserialize)]
struct Page {
    items: Vec<Recorded>,
}

/// Matches by rule, and how many events were judged; of no rule where no events are known.
pub type Counted = (BTreeMap<String, u64>, u64);

impl Recent {
    /// Of the gateway at this address, else of the one that the settings describe.
    pub fn new(url: Option<String>) -> Self {
        Self { url, events: Vec::new(), asked: None, told: false }
    }

    /// What a set would match, unless nobody wants that any more; and, once, why it can't be told.
    pub fn count(&mut self, catalog: &Catalog, is_wanted: &dyn Fn() -> bool) -> (Option<Counted>, Option<String>) {
        if self.asked.is_none_or(|asked| asked.elapsed() > FRESH) {
            self.asked = Some(Instant::now());
            match self.ask() {
                Ok(events) => (self.events, self.told) = (events, false),
                Err(why) => {
                    self.events.clear();
                    let is_news = !std::mem::replace(&mut self.told, true);
                    // What was counted before is of a gateway that may be another by now.
                    return (
                        Some(Counted::default()),
                        is_news.then(|| format!("rules have no counts of events: {why}")),
                    );
                }
            }
        }
        if self.events.is_empty() {
            return (Some(Counted::default()), None);
        }
        let mut rules: BTreeMap<String, u64> = catalog.rules().map(|rule| (rule.id.to_string(), 0)).collect();
        for event in &self.events {
            if !is_wanted() {
                return (None, None);
            }
            // What a set can't take, none of its rules matches.
            let mut matched: Vec<String> = event
                .judge(catalog)
                .unwrap_or_default()
                .into_iter()
                .flat_map(|verdict| verdict.decision.rules.into_iter().map(|id| id.to_string()))
                .collect();
            matched.sort_unstable();
            matched.dedup();
            for id in matched {
                *rules.entry(id).or_default() += 1;
            }
        }
        (Some((rules, self.events.len() as u64)), None)
    }

    /// The last events that came from outside and are still whole.
    fn ask(&self) -> Result<Vec<Recorded>, String> {
        let settings = settings().map_err(|_| "the settings in the environment are wrong".to_owned())?;
        token::kept(&settings).map_err(|why| format!("the gateway's token isn't known here: {why}"))?;
        if self.url.is_none() {
            // Most who write rules run no gateway beside them: that is no fault, and isn't told as one.
            let address = dialled(settings.listen);
            TcpStream::connect_timeout(&address, CONNECT)
                .map_err(|error| format!("no gateway answers at {address}: {error}"))?;
        }
        let failed =
            |_| "the gateway didn't answer as expected; its words are in this server's error output".to_owned();
        let client = Client::new(&To::at(self.url.clone())).map_err(failed)?;
        let newest = client.get(&["events"], &[("limit", Some("1"))]).map_err(failed)?;
        let newest: u64 = items(&newest, "items").first().and_then(|event| text(event, "id").parse().ok()).unwrap_or(0);
        let (limit, before) = (EVENTS.to_string(), newest.saturating_sub(EVENTS).to_string());
        let query = [("limit", Some(limit.as_str())), ("cursor", Some(before.as_str()))];
        let Page { mut items } = client.read(&["events", "recorded"], &query).map_err(failed)?;
        items.retain(|event| !event.is_ours() && event.replay_of.is_none() && !event.forgotten);
        Ok(items)
    }
}
