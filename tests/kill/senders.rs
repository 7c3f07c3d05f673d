//! Senders that never stop, as chat platforms don't: what got no answer is sent again under its key, now and then.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::CONTACTS;
use crate::dice::Dice;
use crate::model;
use crate::support::body::{basic, said};
use crate::support::gateway::PASSWORD;
use crate::support::http::{exchange, request};

const SENDERS: u64 = 3;
/// Events of one sender before other contacts are talked about.
const GENERATION: u64 = 24;

/// What was sent.
#[derive(Default)]
pub struct Sent {
    /// The keys of events that got a 200.
    pub acknowledged: BTreeSet<String>,
    /// The keys of all events.
    pub keys: BTreeSet<String>,
}

/// Threads that send.
pub struct Senders {
    address: Arc<Mutex<SocketAddr>>,
    stop: Arc<AtomicBool>,
    rest: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Sent>>,
}

impl Senders {
    pub fn start(address: SocketAddr, seed: u64) -> Self {
        let address = Arc::new(Mutex::new(address));
        let stop = Arc::new(AtomicBool::new(false));
        let rest = Arc::new(AtomicBool::new(false));
        let threads = (0..SENDERS).map(|sender| {
            let (address, stop, rest) = (Arc::clone(&address), Arc::clone(&stop), Arc::clone(&rest));
            std::thread::spawn(move || send(sender, Dice::new(seed ^ sender), &address, (&stop, &rest)))
        });
        Self { threads: threads.collect(), address, stop, rest }
    }

    /// The gateway listens elsewhere now.
    pub fn move_to(&self, address: SocketAddr) {
        *self.address.lock().expect("no sender panics with it") = address;
    }

    /// Whether they send nothing for a while.
    pub fn rest(&self, rest: bool) {
        self.rest.store(rest, Ordering::Relaxed);
    }

    pub fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Sent::default();
        for thread in self.threads {
            let sent = thread.join().expect("a sender ends well");
            all.acknowledged.extend(sent.acknowledged);
            all.keys.extend(sent.keys);
        }
        all
    }
}

fn send(sender: u64, mut dice: Dice, address: &Mutex<SocketAddr>, (stop, rest): (&AtomicBool, &AtomicBool)) -> Sent {
    let intents = model::intents();
    let authorization = basic("dialogflow", PASSWORD);
    let mut sent = Sent::default();
    let mut unanswered: Option<(String, Vec<u8>)> = None;
    while !stop.load(Ordering::Relaxed) {
        if rest.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(5));
            continue;
        }
        let again = unanswered.take().filter(|_| dice.below(2) == 0);
        let (key, body) = again.unwrap_or_else(|| {
            let generation = sent.keys.len() as u64 / GENERATION;
            let contact = 1 + generation * CONTACTS + dice.below(CONTACTS);
            let key = format!("{contact}-{sender}-{}", sent.keys.len());
            let intent = &intents[dice.below(intents.len() as u64) as usize];
            (key.clone(), said(&key, contact, intent).body())
        });
        sent.keys.insert(key.clone());
        let to = *address.lock().expect("nobody panics with it");
        let bytes = request("POST", "/hooks/bot", &[("Authorization", &authorization)], &body);
        let Some(answer) = exchange(to, &bytes, Duration::from_secs(5)) else {
            unanswered = Some((key, body));
            std::thread::sleep(Duration::from_millis(5));
            continue;
        };
        assert_eq!(answer.status, 200, "{}", answer.text());
        sent.acknowledged.insert(key);
        std::thread::sleep(Duration::from_millis(dice.below(8)));
    }
    sent
}
