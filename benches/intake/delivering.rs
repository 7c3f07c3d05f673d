//! From the 200 to the provider's call: single events with pauses between them, to a gateway that has nothing else to do.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::histogram::Histogram;
use crate::options::Options;
use crate::provider::{Provider, TAG};
use crate::report::{Report, Wanted};
use crate::shapes::{Message, SOURCE};
use crate::world::World;
use crate::{Outcome, web};

/// The most different contacts that requests can have; numbers in a row are then nearly always of different ones.
pub const ALL_CONTACTS: usize = 80_000_000;

/// Hooks whose every event gives its contact one tag at a connection of the same name, each with the variable of its key, where it
/// is called, and further settings.
pub fn rules(connections: &[(&str, &str, SocketAddr, &str)]) -> String {
    let contact = "{{ payload.originalDetectIntentRequest.payload.helpcrunch_id }}";
    let auth = "[{ hmac: standard-webhooks, secret: env:WEBSITE_BOT_SECRET }]";
    let source = |hook| format!("  {hook}: {{ kind: dialogflow-es, auth: {auth}, contact: \"{contact}\" }}\n");
    let account = |hook, key, address, settings| {
        let base = format!("base_url: \"http://{address}/helpcrunch/v1\", allow_private: true");
        format!("  {hook}: {{ provider: helpcrunch, api_key: env:{key}, {base}{settings} }}\n")
    };
    let rule = |hook| {
        let tag = format!("tag: {{ {hook}: {{ add: [{TAG}] }} }}");
        format!("  - id: {hook}\n    match: {{ source: {hook} }}\n    {tag}\n")
    };
    let sources: String = connections.iter().map(|(hook, ..)| source(*hook)).collect();
    let accounts: String = connections.iter().map(|(hook, key, at, more)| account(*hook, *key, *at, *more)).collect();
    let rules: String = connections.iter().map(|(hook, ..)| rule(*hook)).collect();
    format!("sources:\n{sources}connections:\n{accounts}rules:\n{rules}")
}

/// The settings of a connection that nothing holds up.
pub fn unlimited(concurrency: usize) -> String {
    format!(", rate_limit: 20000/s, concurrency: {concurrency}")
}

/// Sends one event after the other and hears when its call arrives.
pub struct Single {
    address: SocketAddr,
    message: Message,
    number: u64,
}

impl Single {
    /// To this hook, with numbers from `number` on.
    pub fn new(address: SocketAddr, hook: &str, number: u64) -> Self {
        let message = Message::new(&format!("/hooks/{hook}"), 1, ALL_CONTACTS, false);
        Self { address, message, number }
    }

    /// Sends `events` with pauses and adds how long each took from its 200 to its call. The first is sent and not counted: it makes
    /// the connections, ours and the gateway's, which may have been closed since the last time.
    pub fn send(&mut self, events: usize, provider: &Provider, times: &mut Histogram) -> Outcome<()> {
        const PAUSE: Duration = Duration::from_millis(20);
        provider.tell(true);
        let mut stream: TcpStream = web::connect(self.address)?;
        for event in 0..=events {
            std::thread::sleep(PAUSE);
            let request = self.message.fill(self.number, tagrelay::clock::now().seconds());
            self.number += 1;
            let answer = web::exchange(&mut stream, request)?;
            let answered = std::time::Instant::now();
            if answer.status != 200 {
                return Err(format!("a single event was answered with {}", answer.status).into());
            }
            // A call may well be on its way before the answer has been read.
            let took = provider.arrival()?.saturating_duration_since(answered);
            if event > 0 {
                times.add(took.as_micros() as u64);
            }
        }
        provider.tell(false);
        Ok(())
    }
}

/// Milliseconds of a quantile.
pub fn millis(times: &Histogram, share: f64) -> f64 {
    times.quantile(share) as f64 / 1000.0
}

/// The delay of an idle gateway.
pub fn deliver(options: &Options, report: &mut Report) -> Outcome<()> {
    let provider = Provider::start()?;
    let world = World::with(rules(&[(SOURCE, "HELPCRUNCH_API_KEY", provider.address, ", rate_limit: 20000/s")]))?;
    let mut single = Single::new(world.address, SOURCE, 0);
    let mut times = Histogram::default();
    single.send(if options.quick { 20 } else { 500 }, &provider, &mut times)?;
    report.judge("from the 200 to the call, idle: median", millis(&times, 0.5), "ms", Wanted::Below(5.0), None);
    report.tell("from the 200 to the call, idle: p99", millis(&times, 0.99), "ms");
    world.end()
}
