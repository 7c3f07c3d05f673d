//! Three gateways, a primary with a standby that it waits for, and a provider; and what happens to them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tagrelay::sandbox::Sandbox;

use crate::dice::Dice;
use crate::record::Record;
use crate::senders::Senders;
use crate::support::gateway::{ADMIN, Gateway, HEAD, Setup};
use crate::support::http::{exchange, request};
use crate::support::pooler::Pooler;
use crate::support::postgres::{Postgres, USER, USER_PASSWORD};
use crate::support::provider::provider;
use crate::support::proxy::Proxy;
use crate::support::{PATIENCE, eventually};
use crate::{model, places};

pub const GATEWAYS: usize = 3;
/// The gateway whose way to the database can be cut.
const WIRED: usize = 2;
/// Connections to the database for all of them behind a pooler: fewer than one of them opens.
pub const POOLED: usize = 3;
/// At most so many calls to the webhook start in any such window.
pub const LIMIT: usize = 30;
pub const WINDOW_MS: i64 = 1_000;

/// What a gateway signs with.
pub fn secret(gateway: usize) -> String {
    format!("whsec_{}", STANDARD.encode(format!("the secret of gateway {gateway}")))
}

/// All of it. Gateways end before their database.
pub struct Town {
    pub gateways: Vec<Gateway>,
    _pooler: Option<Pooler>,
    wires: [Proxy; 2],
    primary: Postgres,
    standby: Postgres,
    promoted: bool,
    pub provider: Sandbox,
    pub record: Record,
    pub kills: usize,
}

/// What happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disturbance {
    /// `kill -9` for one gateway.
    Kill,
    /// One gateway is stopped for longer than its lease, and wakes.
    Stop,
    /// One gateway doesn't reach the database for some seconds: its connections break.
    Cut,
    /// The same, and nothing says so: nothing gets through.
    Stall,
    /// The primary is gone and the standby takes over; a gateway is started in between.
    Failover,
    /// Everything is killed and started again.
    All,
}

impl Town {
    pub fn new() -> Self {
        let primary = Postgres::start();
        let standby = primary.standby();
        let wires = [Proxy::to(primary.port()), Proxy::to(standby.port())];
        let urls = (0..GATEWAYS).map(|number| {
            let direct = [primary.port(), standby.port()];
            let [first, second] = if number == WIRED { [wires[0].port(), wires[1].port()] } else { direct };
            let hosts = format!("127.0.0.1:{first},127.0.0.1:{second}");
            format!("postgres://{USER}:{USER_PASSWORD}@{hosts}/{USER}?target_session_attrs=read-write")
        });
        let urls: Vec<String> = urls.collect();
        Self::of(&urls, wires, primary, standby)
    }

    /// Nobody has a connection to the database but for one transaction.
    pub fn behind_a_pooler() -> Self {
        let primary = Postgres::start();
        let standby = primary.standby();
        let wires = [Proxy::to(primary.port()), Proxy::to(standby.port())];
        let pooler = Pooler::to(&primary, POOLED);
        let urls: Vec<String> = std::iter::repeat_n(pooler.url(), GATEWAYS).collect();
        Self { _pooler: Some(pooler), ..Self::of(&urls, wires, primary, standby) }
    }

    fn of(urls: &[String], wires: [Proxy; 2], primary: Postgres, standby: Postgres) -> Self {
        let provider = provider();
        let hook = format!("rate_limit: {LIMIT}/s, signing_secret: env:HOOK_SECRET");
        let connections = places::connections(&provider, "1s", &hook);
        let rules = format!("{HEAD}{connections}rules:\n{}", model::rules());
        let gateways = urls.iter().enumerate().map(|(number, url)| {
            let setup = Setup::bare(&rules).without_sandbox().set("HOOK_SECRET", &secret(number));
            setup.set("TAGRELAY_DATABASE_URL", url).start()
        });
        let gateways = gateways.collect();
        let record = Record::default();
        Self { gateways, _pooler: None, wires, primary, standby, promoted: false, provider, record, kills: 0 }
    }

    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.gateways.iter().map(|gateway| gateway.address).collect()
    }

    /// Three of ten calls go wrong.
    pub fn faults(&self, dice: &mut Dice) {
        self.provider.clear_faults();
        let faults = json!([{ "kind": "mixed", "share": 0.3, "seed": dice.below(1 << 32), "millis": 50 }]);
        self.provider.add_faults(&faults).expect("faults");
    }

    /// Asks the database that takes writes.
    pub fn ask(&self, question: &str) -> String {
        let server = if self.promoted { &self.standby } else { &self.primary };
        server.sql(USER, question)
    }

    /// Connections to the database.
    pub fn connections(&self) -> usize {
        self.number(&format!("SELECT count(*) FROM pg_stat_activity WHERE usename = '{USER}'")) as usize
    }

    fn number(&self, question: &str) -> u64 {
        self.ask(question).parse().expect("a number")
    }

    /// What failed is tried again at once, at every gateway that answers.
    pub fn stir(&self) {
        for gateway in &self.gateways {
            for name in places::names() {
                let path = format!("/api/v1/connections/{name}/retry");
                let bearer = format!("Bearer {ADMIN}");
                let bytes = request("POST", &path, &[("Authorization", &bearer)], b"");
                drop(exchange(gateway.address, &bytes, Duration::from_secs(2)));
            }
        }
    }

    /// A while in which nothing else happens.
    pub fn pause(&mut self, lasts: Duration) {
        let begin = Instant::now();
        while begin.elapsed() < lasts {
            std::thread::sleep(Duration::from_millis(50).min(lasts));
            self.record.gather(&self.provider);
        }
    }

    pub fn disturb(&mut self, what: Disturbance, dice: &mut Dice, senders: &Senders) {
        let chosen = dice.below(GATEWAYS as u64) as usize;
        let millis = |dice: &mut Dice, most: u64| Duration::from_millis(dice.below(most));
        match what {
            Disturbance::Kill => {
                self.kill(chosen);
                if dice.below(3) == 0 {
                    // Killed before it is ready, too.
                    self.gateways[chosen].start_in_vain(millis(dice, 300));
                }
                self.pause(millis(dice, 1_000));
                self.start(&[chosen], senders);
            }
            Disturbance::Stop => {
                let before = self.member(chosen);
                self.gateways[chosen].process.signal("STOP");
                eventually("the end of its lease", || {
                    self.record.gather(&self.provider);
                    (self.number(&format!("SELECT fenced FROM gateway WHERE id = {before}")) == 1).then_some(())
                });
                self.pause(millis(dice, 1_500));
                self.record.woke(chosen);
                self.gateways[chosen].process.signal("CONT");
                eventually("its return", || {
                    self.record.gather(&self.provider);
                    (self.member(chosen) != before).then_some(())
                });
            }
            Disturbance::Cut | Disturbance::Stall => {
                for wire in &self.wires {
                    if what == Disturbance::Cut { wire.cut() } else { wire.stall() }
                }
                let lasts = Duration::from_secs(1) + millis(dice, 7_000);
                self.pause(lasts);
                self.wires.iter().for_each(Proxy::heal);
            }
            Disturbance::Failover => {
                self.kill(chosen);
                self.primary.stop_hard();
                let wait = millis(dice, 1_500);
                let (gateway, standby) = (&mut self.gateways[chosen], &self.standby);
                std::thread::scope(|scope| {
                    let starting = scope.spawn(|| gateway.start_again());
                    std::thread::sleep(wait);
                    standby.promote();
                    starting.join().expect("it waits for a database that takes writes");
                });
                self.promoted = true;
                senders.move_to(chosen, self.gateways[chosen].address);
            }
            Disturbance::All => {
                (0..GATEWAYS).for_each(|gateway| self.kill(gateway));
                let server = if self.promoted { &mut self.standby } else { &mut self.primary };
                server.stop_hard();
                server.restart();
                self.start(&[0, 1, 2], senders);
            }
        }
        self.record.gather(&self.provider);
    }

    fn kill(&mut self, gateway: usize) {
        self.kills += 1;
        self.gateways[gateway].kill();
        let log = self.gateways[gateway].process.log();
        assert!(!log.contains("panicked"), "gateway {gateway}:\n{log}");
    }

    /// Starts those at once.
    fn start(&mut self, which: &[usize], senders: &Senders) {
        std::thread::scope(|scope| {
            for (number, gateway) in self.gateways.iter_mut().enumerate().filter(|(number, _)| which.contains(number)) {
                scope.spawn(move || {
                    gateway.start_again();
                    senders.move_to(number, gateway.address);
                });
            }
        });
    }

    /// One gateway is ended as a supervisor does, and another one starts in its place.
    pub fn replace(&mut self, gateway: usize, senders: &Senders) {
        let (status, took) = self.gateways[gateway].terminate();
        assert!(status.success() && took < Duration::from_secs(10), "{status} after {took:?}");
        self.start(&[gateway], senders);
    }

    /// Under which number a gateway is a member, by its mark.
    fn member(&self, gateway: usize) -> u64 {
        let mark = self.gateways[gateway].setup.folder().join("tagrelay.gateway");
        eventually("a gateway's mark", || std::fs::read_to_string(&mark).ok()?.split(' ').next()?.parse().ok())
    }

    /// What waits, in the database and in the gateways' lanes.
    fn waiting(&self) -> (u64, u64) {
        let stored = self.number("SELECT (SELECT count(*) FROM pending) + (SELECT count(*) FROM inbox)");
        let lanes = self.gateways.iter().flat_map(|gateway| {
            let connections = gateway.api("/connections");
            let items = connections["items"].as_array().expect("a list").clone();
            assert_eq!(items.len(), places::names().count(), "all are delivered to");
            items.into_iter().map(|item| item["waiting"].as_u64().expect("a number"))
        });
        (stored, lanes.sum())
    }

    /// Waits until nothing waits anywhere, and a look later still.
    pub fn drain(&mut self) {
        let (mut moved, mut least, mut quiet) = (Instant::now(), u64::MAX, 0);
        while quiet < 2 {
            self.stir();
            self.pause(Duration::from_millis(700));
            let waiting = self.waiting();
            quiet = if waiting == (0, 0) { quiet + 1 } else { 0 };
            // However many bodies wait: they go at the pace of the allowance, which a 429 holds up for all gateways.
            if waiting.0 < least {
                (moved, least) = (Instant::now(), waiting.0);
            }
            assert!(
                moved.elapsed() < 3 * PATIENCE,
                "never came: the end of all that waits; {waiting:?} do:\n{}",
                self.stuck()
            );
        }
    }

    /// What waits, for whoever looks for the reason.
    fn stuck(&self) -> String {
        self.ask(
            "SELECT b.id, b.owner, g.fenced, p.* FROM pending p JOIN bucket b ON b.id = get_byte(p.contact, 0)
            LEFT JOIN gateway g ON g.id = b.owner ORDER BY p.contact, p.ord LIMIT 20",
        ) + "\n"
            + &self.ask("SELECT * FROM inbox LIMIT 20")
    }

    /// Each bucket is with one of three gateways that are alive, and no connection is paused.
    pub fn assert_well(&self) {
        let owners = "SELECT count(DISTINCT owner) || ' ' || count(owner) FROM bucket JOIN gateway g ON g.id = owner AND fenced = 0";
        assert_eq!(self.ask(owners), format!("{GATEWAYS} 256"), "buckets have owners");
        assert_eq!(self.number("SELECT count(*) FROM gateway WHERE fenced = 0"), GATEWAYS as u64);
        for gateway in &self.gateways {
            let connections = gateway.api("/connections");
            let items = connections["items"].as_array().expect("a list");
            let ill: Vec<_> = items.iter().filter(|item| item["state"] != "well").collect();
            assert!(ill.is_empty(), "{ill:?}");
        }
    }
}
