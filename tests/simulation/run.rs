//! One run: the acts of a schedule in a world, and then the oracle.

use std::collections::HashMap;
use std::time::Duration;

use tagrelay::domain::change::{Change, ChangeId, Effect, Guard as Conditions, Terms};
use tagrelay::domain::connection::{ConnectionConfig, ProviderKind};
use tagrelay::domain::contact::{Contact, ContactRef};
use tagrelay::domain::duration::Rate;
use tagrelay::domain::json::{Json, OwnedJson};
use tagrelay::domain::name::{ConnectionName, RuleId, SourceName};
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::store::{Delivery, DeliveryQuery};

use crate::oracle::{self, Happened};
use crate::provider::Model;
use crate::schedule::{Draft, Guard, Schedule, Setup, TAGS, What, Wish};
use crate::world::{World, connection};

/// Runs in one database, one after the other; each has connections of its own.
pub struct Runs {
    world: World,
    count: usize,
    _folder: tempfile::TempDir,
}

/// How much happened.
#[derive(Debug, Default, Clone, Copy)]
pub struct Counts {
    pub events: usize,
    pub calls: usize,
}

/// A year and a half: nothing takes longer.
const LONG_MS: i64 = 45_000_000_000;

impl Runs {
    /// The next run is the one with this number, after which its connections are named.
    pub fn from(number: usize) -> Self {
        // In memory where there is such a place: the disk is the business of the tests that kill a real process.
        let shm = std::path::Path::new("/dev/shm");
        let folder = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.expect("a folder");
        let world = World::new(&folder.path().join("simulation.db"), Timestamp(1_700_000_000_000));
        Self { world, count: number, _folder: folder }
    }

    pub fn run(&mut self, schedule: &Schedule) -> Result<Counts, String> {
        let run = self.count;
        self.count += 1;
        let names = [format!("c0-{run}"), format!("c1-{run}"), format!("hooks-{run}")];
        let setup = &schedule.setup;
        let begin = self.world.now();
        let mut model = Model { lists: setup.lists, tagged: setup.tagged, ..Model::default() };
        for name in &names[..2] {
            model.known.insert((name.clone(), "email:p3@example.com".to_owned()), "p3".to_owned());
        }
        self.world.begin(configs(setup, &names), setup.page, model);
        let mut happened = Vec::new();
        let mut crashes = Vec::new();
        let mut counts = Counts::default();
        let mut at = begin;
        for act in &schedule.acts {
            at = at.plus_millis(act.after_ms as i64);
            self.world.run_until(at);
            match &act.what {
                What::Event(drafts) => {
                    counts.events += 1;
                    let changes: Vec<Change> =
                        drafts.iter().enumerate().map(|(n, d)| d.change(&names, n, counts.events)).collect();
                    let ord = self.world.accept(changes.clone());
                    for (index, change) in (0..).zip(changes) {
                        happened.push(Happened::Accepted(ChangeId { ord, index }, Change { at, ..change }));
                    }
                }
                What::Faults(fault, calls) => {
                    let mut model = self.world.model();
                    model.faults.extend(std::iter::repeat_n(*fault, usize::from(*calls)));
                }
                What::Trouble(fault, ms) => {
                    self.world.model().trouble = Some((*fault, at.plus_millis(*ms as i64)));
                }
                What::Hand { person, tag, there } => {
                    let (id, tag) = (format!("p{person}"), TAGS[usize::from(*tag)].to_owned());
                    let mut model = self.world.model();
                    let person = model.person(&names[0], &id);
                    if *there {
                        person.tags.insert(tag.clone())
                    } else {
                        person.tags.remove(&tag)
                    };
                    happened.push(Happened::Hand { at, connection: names[0].clone(), id, tag, there: *there });
                }
                What::Crash => {
                    self.world.crash();
                    crashes.push(at);
                }
            }
        }
        if !self.world.run_out(begin.plus_millis(LONG_MS)) {
            let calls = self.calls(begin);
            let calls: Vec<&str> = calls.lines().take(40).collect();
            return Err(format!("it doesn't end: {} contacts wait\n{}", self.world.waiting(), calls.join("\n")));
        }
        let deliveries = self.deliveries(&names)?;
        Self::timers_too(&mut happened, &deliveries);
        counts.calls = self.world.model().calls.len();
        let judged = self.judge(schedule, &names, &happened, &crashes, &deliveries);
        judged.map_err(|why| format!("{why}\n{}", self.calls(begin)))?;
        Ok(counts)
    }

    /// The calls that arrived, as a part of the story.
    fn calls(&self, begin: Timestamp) -> String {
        let model = self.world.model();
        let line = |seen: &crate::provider::Seen| {
            let (at, answered) = (seen.at.since(begin), if seen.answered { "" } else { " (nobody heard)" });
            format!(
                "  call at {at:>6} ms  {} {}: {:?} -> {:?}{answered}",
                seen.connection, seen.contact, seen.call, seen.outcome
            )
        };
        model.calls.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What the gateway recorded, oldest first.
    fn deliveries(&self, names: &[String; 3]) -> Result<Vec<Delivery>, String> {
        let mut all = Vec::new();
        for name in names {
            let mut before = None;
            loop {
                let query =
                    DeliveryQuery { before, connection: Some(name.clone()), limit: 1_000, ..DeliveryQuery::default() };
                let page = self.world.wait(self.world.store().reader().deliveries(query)).map_err(|e| e.to_string())?;
                all.extend(page.items);
                match page.next {
                    Some(next) => before = next.parse().ok(),
                    None => break,
                }
            }
        }
        all.sort_by_key(|delivery| delivery.id);
        Ok(all)
    }

    /// The removals of tags whose time was over are changes like any other.
    fn timers_too(happened: &mut Vec<Happened>, deliveries: &[Delivery]) {
        for done in deliveries.iter().flat_map(|delivery| &delivery.settled) {
            let is_timer = done.change.terms.as_ref().is_some_and(|terms| terms.ends.is_some());
            let is_known = |happened: &Happened| matches!(happened, Happened::Accepted(id, _) if *id == done.id);
            if is_timer && !happened.iter().any(is_known) {
                let after = |happened: &&Happened| matches!(happened, Happened::Accepted(id, _) if *id < done.id);
                let place = happened.iter().rposition(|one| after(&one)).map_or(0, |place| place + 1);
                happened.insert(place, Happened::Accepted(done.id, done.change.clone()));
            }
        }
    }

    fn judge(
        &self,
        schedule: &Schedule,
        names: &[String; 3],
        happened: &[Happened],
        crashes: &[Timestamp],
        deliveries: &[Delivery],
    ) -> Result<(), String> {
        let setup = &schedule.setup;
        let model = self.world.model();
        let accepted: Vec<(ChangeId, Change)> = happened
            .iter()
            .filter_map(|one| match one {
                Happened::Accepted(id, change) => Some((*id, change.clone())),
                Happened::Hand { .. } => None,
            })
            .collect();
        let window_ms = setup.window_ms as i64;
        if setup.shared {
            oracle::limits(&model.calls, |name| name != names[2], setup.calls, window_ms)?;
        } else {
            oracle::limits(&model.calls, |name| name == names[0], setup.calls, window_ms)?;
            oracle::limits(&model.calls, |name| name == names[1], setup.calls, window_ms)?;
        }
        oracle::endings(&accepted, deliveries)?;
        oracle::forwards(&accepted, &model.bodies)?;
        let ttl_ms = setup.tag_cache_ms as i64;
        if ttl_ms > 0 && setup.page > 100 {
            oracle::economy(&model.calls, crashes, deliveries, ttl_ms, &accepted)?;
        }
        drop(model);
        let ended = deliveries.iter().flat_map(|delivery| delivery.settled.iter().map(|done| (done.id, delivery.at)));
        let ended = ended.collect();
        for name in &names[..2] {
            for person in 0..5_u8 {
                self.person(name, person, happened, ttl_ms, &ended)?;
            }
        }
        Ok(())
    }

    fn person(
        &self,
        name: &str,
        person: u8,
        happened: &[Happened],
        ttl_ms: i64,
        ended: &HashMap<ChangeId, Timestamp>,
    ) -> Result<(), String> {
        let mut model = self.world.model();
        let reference = reference(person);
        let id = match &reference {
            ContactRef::Id(id) => Some(id.clone()),
            other => model.known.get(&(name.to_owned(), other.to_string())).cloned(),
        };
        let begin = Model { tagged: model.tagged, ..Model::default() }.person(name, "x").clone();
        let begin = if person == 4 { crate::provider::Person::default() } else { begin };
        let hands = |one: &&Happened| match one {
            Happened::Hand { connection, id: whose, .. } => connection == name && Some(whose) == id.as_ref(),
            Happened::Accepted(..) => true,
        };
        let theirs: Vec<Happened> = happened.iter().filter(hands).cloned().collect();
        let found = |change: &Change| {
            let by =
                change.terms.as_ref().and_then(|terms| terms.found_by.as_ref()).unwrap_or(&change.contact.reference);
            let is_id = matches!(&change.contact.reference, ContactRef::Id(is) if Some(is) == id.as_ref());
            change.contact.connection.as_str() == name && (*by == reference || is_id)
        };
        let expected = oracle::sequential(&begin, &theirs, found, ttl_ms, ended);
        let Some(id) = id else { return Ok(()) };
        let is = model.person(name, &id).clone();
        let differs =
            |tag: &str| !expected.open.contains(tag) && is.tags.contains(tag) != expected.person.tags.contains(tag);
        if let Some(tag) = TAGS.iter().find(|tag| differs(tag)) {
            return Err(format!(
                "{name}: person {person}: {tag}: there are {:?}, there should be {:?}",
                is.tags, expected.person.tags
            ));
        }
        if is.fields != expected.person.fields {
            return Err(format!(
                "{name}: person {person}: fields are {:?}, should be {:?}",
                is.fields, expected.person.fields
            ));
        }
        Ok(())
    }
}

fn configs(setup: &Setup, names: &[String; 3]) -> Vec<(ConnectionConfig, &'static str)> {
    let rate = Rate { calls: setup.calls, window: Duration::from_millis(setup.window_ms) };
    let kind = if setup.lists { ProviderKind::Helpcrunch } else { ProviderKind::RespondIo };
    let with = |name: &str| ConnectionConfig {
        concurrency: setup.concurrency,
        gather: Duration::from_millis(setup.gather_ms),
        tag_cache: Duration::from_millis(setup.tag_cache_ms),
        ..connection(name, kind, rate)
    };
    let hooks = connection(&names[2], ProviderKind::Webhook, Rate { calls: 20, window: Duration::from_secs(1) });
    let second = if setup.shared { "one" } else { "two" };
    vec![(with(&names[0]), "one"), (with(&names[1]), second), (hooks, "hooks")]
}

fn reference(person: u8) -> ContactRef {
    match person {
        0..=2 => ContactRef::Id(format!("p{person}")),
        _ => ContactRef::email(&format!("p{person}@example.com")).expect("an address"),
    }
}

impl Draft {
    fn change(&self, names: &[String; 3], place: usize, event: usize) -> Change {
        let tag = |tag: u8| TagName::parse(TAGS[usize::from(tag)]).expect("a tag");
        let json = |text: String| OwnedJson::of(Json::parse(text.as_bytes()).expect("JSON"));
        let effect = match self.effect {
            Wish::Add(t) => Effect::AddTag(tag(t)),
            Wish::Remove(t) => Effect::RemoveTag(tag(t)),
            Wish::Set(field, value) => Effect::Set { field: format!("field{field}"), value: json(value.to_string()) },
            Wish::Forward => Effect::Forward { body: json(format!("\"{}.{event}.{place}\"", self.person)) },
        };
        let is_forward = matches!(effect, Effect::Forward { .. });
        let name = if is_forward { &names[2] } else { &names[usize::from(self.connection)] };
        let source = SourceName::parse("bot").expect("a name");
        let reference = if is_forward {
            ContactRef::Stream { source, contact: Some(self.person.to_string()) }
        } else {
            reference(self.person)
        };
        let contact = Contact { connection: ConnectionName::parse(name).expect("a name"), reference };
        let rule = RuleId::parse(&format!("rule-{}", self.rule)).expect("a name");
        let guard = match self.guard {
            // What a condition of somebody who has to be found first sees hangs on when that happens.
            _ if is_forward || self.person > 2 => Conditions::default(),
            Guard::Open => Conditions::default(),
            Guard::If(t) => Conditions { if_tagged: vec![tag(t)], ..Conditions::default() },
            Guard::Unless(t) => Conditions { unless_tagged: vec![tag(t)], ..Conditions::default() },
        };
        let terms = Terms {
            lasts_ms: self.lasts_ms.filter(|_| matches!(effect, Effect::AddTag(_))),
            once_ms: self.once_ms.filter(|_| !is_forward),
            exclusive: if self.exclusive && self.person < 3 { vec!["stage:*".to_owned()] } else { Vec::new() },
            create: self.person == 4 && !is_forward,
            ..Terms::default()
        };
        Change { guard, terms: terms.boxed(), ..Change::plain(contact, effect, rule) }
    }
}
