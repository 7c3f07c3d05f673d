//! Senders behind a load balancer: each event goes to the next gateway in turn, under its key, until one has taken it.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::dice::Dice;
use crate::model;
use crate::support::body::{basic, said};
use crate::support::gateway::PASSWORD;
use crate::support::http::{exchange, request};

const SENDERS: u64 = 4;
/// Contacts that one sender talks about at a time. Each contact has one sender, which waits for its answers: of two events that are
/// on their way at once nobody can say which one is first.
const CONTACTS: u64 = 4;
/// Events of one sender before other contacts are talked about, so that what goes wrong with the last change of one isn't mended by
/// a later one.
const GENERATION: u64 = 16;
/// A gateway that answers nothing is left for another one.
const ANSWER: Duration = Duration::from_secs(2);

/// What was sent.
#[derive(Default)]
pub struct Sent {
    /// The keys of events that got a 200.
    pub acknowledged: BTreeSet<String>,
    /// The keys of all events.
    pub keys: BTreeSet<String>,
    /// Events that no gateway took at the first round.
    pub refused_by_all: Vec<String>,
    /// Times that a gateway didn't take one.
    pub turned_away: usize,
}

/// Where the gateways listen.
type Addresses = Arc<Mutex<Vec<SocketAddr>>>;

/// Threads that send.
pub struct Senders {
    addresses: Addresses,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Sent>>,
}

impl Senders {
    pub fn start(addresses: Vec<SocketAddr>, seed: u64) -> Self {
        let addresses = Arc::new(Mutex::new(addresses));
        let stop = Arc::new(AtomicBool::new(false));
        let threads = (0..SENDERS).map(|number| {
            let (addresses, stop) = (Arc::clone(&addresses), Arc::clone(&stop));
            let sender = Sender { number, dice: Dice::new(seed ^ number), addresses, sent: Sent::default() };
            std::thread::spawn(move || sender.run(&stop))
        });
        Self { threads: threads.collect(), addresses, stop }
    }

    /// A gateway listens elsewhere now.
    pub fn move_to(&self, place: usize, address: SocketAddr) {
        self.addresses.lock().expect("no sender panics with it")[place] = address;
    }

    pub fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Sent::default();
        for thread in self.threads {
            let sent = thread.join().expect("a sender ends well");
            all.acknowledged.extend(sent.acknowledged);
            all.keys.extend(sent.keys);
            all.refused_by_all.extend(sent.refused_by_all);
            all.turned_away += sent.turned_away;
        }
        all
    }
}

struct Sender {
    number: u64,
    dice: Dice,
    addresses: Addresses,
    sent: Sent,
}

impl Sender {
    fn run(mut self, stop: &AtomicBool) -> Sent {
        let intents = model::intents();
        let mut turn = self.number as usize;
        while !stop.load(Ordering::Relaxed) {
            let count = self.sent.keys.len() as u64;
            let contact = 1 + (count / GENERATION * CONTACTS + self.dice.below(CONTACTS)) * SENDERS + self.number;
            let key = format!("{contact}-{}-{count}", self.number);
            let intent = &intents[self.dice.below(intents.len() as u64) as usize];
            let body = said(&key, contact, intent).body();
            self.sent.keys.insert(key.clone());
            self.deliver(&key, &body, &mut turn, stop);
            std::thread::sleep(Duration::from_millis(50 + self.dice.below(120)));
        }
        self.sent
    }

    /// Asks one gateway after the other until it is taken.
    fn deliver(&mut self, key: &str, body: &[u8], turn: &mut usize, stop: &AtomicBool) {
        let bytes = request("POST", "/hooks/bot", &[("Authorization", &basic("dialogflow", PASSWORD))], body);
        for round in 0.. {
            let gateways = self.addresses.lock().expect("nobody panics with it").len();
            for _ in 0..gateways {
                *turn += 1;
                // Where it listens now: it may be another process than a moment ago.
                let to = self.addresses.lock().expect("nobody panics with it")[*turn % gateways];
                match exchange(to, &bytes, ANSWER) {
                    Some(answer) if answer.status == 200 => {
                        self.sent.acknowledged.insert(key.to_owned());
                        return;
                    }
                    Some(answer) => {
                        assert_eq!(answer.status, 503, "{}", answer.text());
                        assert!(answer.header("retry-after").is_some(), "a 503 says when to come back");
                    }
                    None => {}
                }
                self.sent.turned_away += 1;
            }
            if round == 0 {
                self.sent.refused_by_all.push(key.to_owned());
            }
            if stop.load(Ordering::Relaxed) {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}
