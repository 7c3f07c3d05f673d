//! The world of a run: the real store, lanes, allowances, folds and steps, a model of the provider, and time that jumps from one thing
//! to the next. One thread, one thing at a time, so that a run is the same each time.

use std::collections::BTreeMap;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Wake as Waking, Waker};
use std::time::Duration;

use tagrelay::clock::Clock;
use tagrelay::domain::change::{Change, Ord};
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::ContactKey;
use tagrelay::domain::decision::Decision;
use tagrelay::domain::duration::Rate;
use tagrelay::domain::event::Event;
use tagrelay::domain::name::{ConnectionName, SourceName};
use tagrelay::domain::time::Timestamp;
use tagrelay::flow::converge::{Account, Stepped};
use tagrelay::flow::desk::Desk;
use tagrelay::flow::timers;
use tagrelay::providers::Provider;
use tagrelay::providers::allowance::Allowance;
use tagrelay::providers::knowledge::Knowledge;
use tagrelay::providers::modelled::{Answer, Answers, Modelled};
use tagrelay::store::{Accepted, Intake, Options, Store, Waiting, Wake, What};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::provider::Model;

type Task = Pin<Box<dyn Future<Output = (ContactKey, Stepped)> + Send>>;

/// What accounts there are; they are made anew after each crash.
pub type Configs = Vec<(ConnectionConfig, &'static str)>;

pub struct World {
    pub clock: Clock,
    pub model: Arc<Mutex<Model>>,
    path: PathBuf,
    configs: Configs,
    page: usize,
    store: Option<Store>,
    wakes: UnboundedReceiver<Vec<Wake>>,
    desks: Vec<Desk>,
    /// What is under way, by the number of the call that it waits for.
    tasks: BTreeMap<u64, (usize, Task)>,
    /// When the next timer is due, as far as is known.
    timer: Option<Timestamp>,
    waker: Arc<Woken>,
    runtime: tokio::runtime::Runtime,
}

/// Wakes the one thread.
struct Woken(std::thread::Thread, std::sync::atomic::AtomicBool);

impl Waking for Woken {
    fn wake(self: Arc<Self>) {
        self.1.store(true, std::sync::atomic::Ordering::Release);
        self.0.unpark();
    }
}

/// No run of these takes so many steps to its end: a provider may be busy for a quarter of an hour, and ask for no wait.
const MANY: usize = 100_000;

impl World {
    pub fn new(path: &Path, start: Timestamp) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (_, wakes) = tokio::sync::mpsc::unbounded_channel();
        Self {
            clock: Clock::standing(start),
            model: Arc::default(),
            path: path.to_owned(),
            configs: Vec::new(),
            page: 4_096,
            store: None,
            wakes,
            desks: Vec::new(),
            tasks: BTreeMap::new(),
            timer: None,
            waker: Arc::new(Woken(std::thread::current(), false.into())),
            runtime,
        }
    }

    /// Begins with these accounts and a provider that has seen nothing. The store is opened anew where it has to.
    pub fn begin(&mut self, configs: Configs, page: usize, model: Model) {
        if self.page != page {
            self.page = page;
            self.close();
        }
        self.configs = configs;
        self.model = Arc::new(Mutex::new(model));
        self.open();
    }

    /// The process dies and starts again.
    pub fn crash(&mut self) {
        self.tasks.clear();
        self.model().lose_all();
        self.close();
        self.open();
    }

    fn close(&mut self) {
        self.desks.clear();
        if let Some(store) = self.store.take() {
            store.stop();
        }
    }

    fn open(&mut self) {
        let waiting = if self.store.is_some() {
            Vec::new()
        } else {
            let (wake, wakes) = tokio::sync::mpsc::unbounded_channel();
            let options =
                Options { page: self.page, ..Options::new(Duration::from_hours(24 * 365), self.clock.clone()) };
            let (store, waiting) = Store::open_in_place(&self.path, options, wake).expect("the store opens");
            self.store = Some(store);
            self.wakes = wakes;
            waiting
        };
        self.desks.clear();
        let mut allowances: BTreeMap<&str, Allowance> = BTreeMap::new();
        for (config, account) in self.configs.clone() {
            let allowance = allowances
                .entry(account)
                .or_insert_with(|| Allowance::new(config.rate_limit, self.clock.clone()))
                .clone();
            let sharing = self.configs.iter().filter(|(_, other)| *other == account);
            let account = Account {
                provider: Provider::modelled(Modelled::new(answers(&self.model, config.name.as_str()))),
                allowance,
                sharing: sharing.map(|(config, _)| config.name.clone()).collect(),
                knowledge: Arc::new(Knowledge::new()),
                people: Arc::default(),
                apart: <_>::default(),
                flips: <_>::default(),
                config,
            };
            let theirs = waiting.iter().filter(|one| one.connection == account.config.name);
            let theirs: Vec<Waiting> = theirs.cloned().collect();
            let (store, clock) = (self.store().clone(), self.clock.clone());
            let desk = self.wait(Desk::open(store, Arc::new(account), clock, theirs));
            self.desks.push(desk);
        }
        self.look_at_timers();
    }

    pub fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.model.lock().expect("one thread")
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// An event is accepted; its number.
    pub fn accept(&mut self, changes: Vec<Change>) -> Ord {
        let source = SourceName::parse("bot").expect("a name");
        let event = Event::empty(source, self.now());
        let mut decision = Decision { changes, ..Decision::default() };
        let intake = Intake::of(&event, "rules", &mut decision, b"{}", b"{}");
        let store = self.store().clone();
        let accepted = self.wait(store.accept(vec![intake])).expect("it is stored");
        self.hear();
        match accepted.first() {
            Some(Accepted::New(ord)) => *ord,
            other => panic!("not accepted: {other:?}"),
        }
    }

    /// Lets everything happen that happens until `at`.
    pub fn run_until(&mut self, at: Timestamp) {
        self.turns();
        while let Some(next) = self.next().filter(|next| *next <= at) {
            self.go_to(next);
        }
        if at > self.now() {
            self.clock.set(at);
            self.turns();
        }
    }

    /// Lets everything happen until nothing is left to; `false` when that isn't before `at`, or takes very many steps.
    pub fn run_out(&mut self, at: Timestamp) -> bool {
        self.turns();
        let mut steps = 0;
        while let Some(next) = self.next() {
            steps += 1;
            if next > at || steps > MANY {
                return false;
            }
            self.go_to(next);
        }
        self.desks.iter().all(|desk| desk.lane.waiting() == 0)
    }

    /// How many contacts wait.
    pub fn waiting(&self) -> usize {
        self.desks.iter().map(|desk| desk.lane.waiting()).sum()
    }

    fn next(&self) -> Option<Timestamp> {
        let now = self.now();
        let calls = self.model().under_way.values().map(|call| call.ends).min();
        let lanes = self.desks.iter().filter_map(|desk| desk.lane.next_due(now)).min();
        calls.into_iter().chain(lanes).chain(self.timer).min().map(|next| next.max(now))
    }

    fn go_to(&mut self, at: Timestamp) {
        // A lane that waits for its turn in a line is due at once, again and again: time goes on all the same.
        let at = if at == self.now() && !self.is_something_at(at) { at.plus_millis(1) } else { at };
        self.clock.set(at);
        if self.timer.is_some_and(|due| due <= at) {
            let store = self.store().clone();
            self.wait(timers::turn(&store, "rules", at)).expect("timers are carried out");
            self.look_at_timers();
            self.hear();
        }
        let over: Vec<u64> = {
            let model = self.model();
            model.under_way.iter().filter(|(_, call)| call.ends <= at).map(|(number, _)| *number).collect()
        };
        for number in over {
            self.model().ends(number);
            if let Some((desk, task)) = self.tasks.remove(&number) {
                self.drive(desk, task);
            }
        }
        self.turns();
    }

    fn is_something_at(&self, at: Timestamp) -> bool {
        self.timer.is_some_and(|due| due <= at) || self.model().under_way.values().any(|call| call.ends <= at)
    }

    /// Everybody whose turn it is begins.
    fn turns(&mut self) {
        for round in 0.. {
            assert!(round < MANY, "steps follow one another at {} without end", self.now().0);
            let mut any = false;
            for place in 0..self.desks.len() {
                let now = self.now();
                while let Some(turn) = self.desks[place].lane.pop(now) {
                    any = true;
                    let task = Box::pin(self.desks[place].step(turn));
                    self.drive(place, task);
                }
            }
            if !any {
                return;
            }
        }
    }

    /// Drives a step until it waits for a call or ends.
    fn drive(&mut self, place: usize, mut task: Task) {
        let waker = Waker::from(Arc::clone(&self.waker));
        loop {
            self.waker.1.store(false, std::sync::atomic::Ordering::Release);
            self.model().parked = false;
            match task.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready((key, stepped)) => {
                    drop(task);
                    let mut desk = self.desks.remove(place);
                    self.wait(desk.end(key, &stepped));
                    self.desks.insert(place, desk);
                    self.look_at_timers();
                    self.hear();
                    return;
                }
                Poll::Pending if self.model().parked => {
                    let number = *self.model().under_way.keys().last().expect("it was just made");
                    self.tasks.insert(number, (place, task));
                    return;
                }
                Poll::Pending => self.sleep(),
            }
        }
    }

    /// Waits for what takes no time in this world.
    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = std::pin::pin!(future);
        let waker = Waker::from(Arc::clone(&self.waker));
        let _entered = self.runtime.enter();
        loop {
            self.waker.1.store(false, std::sync::atomic::Ordering::Release);
            if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return done;
            }
            self.sleep();
        }
    }

    fn sleep(&self) {
        while !self.waker.1.load(std::sync::atomic::Ordering::Acquire) {
            std::thread::park();
        }
    }

    fn hear(&mut self) {
        let now = self.now();
        while let Ok(wakes) = self.wakes.try_recv() {
            for wake in wakes {
                let place = self.configs.iter().position(|(config, _)| config.name == wake.connection);
                if let Some(desk) = place.and_then(|place| self.desks.get_mut(place)) {
                    if wake.what == What::Gathered {
                        desk.lane.wake_gathered(wake.key, now);
                    } else {
                        desk.lane.wake(wake.key, now);
                    }
                }
            }
        }
    }

    fn look_at_timers(&mut self) {
        let store = self.store().clone();
        self.timer = self.wait(store.reader().next_timer()).expect("timers can be read");
    }
}

/// Hands each call to the model, and waits until it is answered.
fn answers(model: &Arc<Mutex<Model>>, connection: &str) -> Answers {
    let (model, connection) = (Arc::clone(model), connection.to_owned());
    Arc::new(move |contact, call, at| {
        let number = model.lock().expect("one thread").arrives(&connection, &contact, call, at);
        let model = Arc::clone(&model);
        Box::pin(std::future::poll_fn(move |_| {
            let mut model = model.lock().expect("one thread");
            if let Some(answer) = model.answers.remove(&number) {
                return Poll::Ready(answer);
            }
            model.parked = true;
            Poll::<Answer>::Pending
        }))
    })
}

/// A connection of the simulation.
pub fn connection(name: &str, provider: ProviderKind, rate_limit: Rate) -> ConnectionConfig {
    let name = ConnectionName::parse(name).expect("a name");
    ConnectionConfig { rate_limit, ..ConnectionConfig::with_defaults(name, provider, Vec::new()) }
}
