//! Providers with one deliberate mistake each, and the checks that must find it.

use std::time::Duration;

use tagrelay::conformance::{Answer, Subject};
use tagrelay::domain::connection::ProviderKind;
use tagrelay::domain::contact::ContactRef;
use tagrelay::domain::json::OwnedJson;
use tagrelay::domain::tag::TagName;
use tagrelay::domain::time::Timestamp;
use tagrelay::providers::{Asked, Called, Direction, Found, Glance, Outcome, Provider};

/// A deliberate mistake: what a provider does otherwise.
pub struct Mistake {
    /// In words.
    pub what: &'static str,
    /// The provider that makes it.
    pub at: ProviderKind,
    /// The checks that fail for it, in the suite's order.
    pub found_by: &'static [&'static str],
    /// The tags that are sent for those that were asked for.
    sent: fn(Direction, &[TagName]) -> Vec<TagName>,
    /// The direction that is taken.
    turned: fn(Direction) -> Direction,
    /// What is made of a call that changes something.
    changed: fn(Called) -> Called,
    /// What is made of a call that reads tags.
    read: fn(Called) -> Called,
    /// What is made of a look-up.
    found: fn(Asked<Found>) -> Asked<Found>,
    /// By what somebody is made.
    made_by: fn(&ContactRef) -> ContactRef,
    /// Whether a call that came to this is made once more at once.
    repeats: fn(&Called) -> bool,
    /// Whether fields are left out.
    forgets_fields: bool,
}

const NONE: Mistake = Mistake {
    what: "",
    at: ProviderKind::Helpcrunch,
    found_by: &[],
    sent: |_, tags| tags.to_vec(),
    turned: |direction| direction,
    changed: |called| called,
    read: |called| called,
    found: |asked| asked,
    made_by: Clone::clone,
    repeats: |_| false,
    forgets_fields: false,
};

const DONE: Outcome = Outcome::Done { tags: None };

pub static MISTAKES: &[Mistake] = &[
    Mistake {
        what: "a list of tags that is always empty",
        found_by: &["adds", "adds twice", "removes"],
        read: |called| match called.outcome {
            Outcome::Done { .. } => Called { outcome: Outcome::Done { tags: Some(Vec::new()) }, ..called },
            _ => called,
        },
        ..NONE
    },
    Mistake {
        what: "adding what is there is refused",
        at: ProviderKind::RespondIo,
        found_by: &["adds twice"],
        changed: |called| {
            let two = called.attempt.request.as_ref().and_then(|body| body.as_array()).is_some_and(|l| l.len() == 2);
            let is_there =
                two && called.attempt.method == "POST" && SECOND.with(|second| second.replace(!second.get()));
            if is_there { dead(called) } else { called }
        },
        ..NONE
    },
    Mistake {
        what: "removes are sent as adds",
        found_by: &["removes", "tags of a call"],
        turned: |_| Direction::Add,
        ..NONE
    },
    Mistake {
        what: "one tag too many in a full call",
        found_by: &["tags of a call"],
        sent: |_, tags| {
            let more = (tags.len() > 2).then(|| TagName::parse("One more").expect("a tag"));
            tags.iter().cloned().chain(more).collect()
        },
        ..NONE
    },
    Mistake {
        what: "the last tag of a full call is left out",
        at: ProviderKind::Tic1980,
        found_by: &["tags of a call"],
        sent: |_, tags| tags.iter().take(if tags.len() > 2 { 9 } else { 2 }).cloned().collect(),
        ..NONE
    },
    Mistake {
        what: "404 is taken for done",
        found_by: &["nobody there", "statuses"],
        changed: |called| if called.attempt.status == Some(404) { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "whoever was found last is found where there is nobody",
        at: ProviderKind::RespondIo,
        found_by: &["finds nobody"],
        found: |asked| match asked.answer {
            Ok(Found::Nobody) => Asked { answer: Ok(Found::One("1".to_owned())), ..asked },
            _ => asked,
        },
        ..NONE
    },
    Mistake {
        what: "nobody is ever found",
        at: ProviderKind::Tic1980,
        found_by: &["finds one", "finds several", "creates"],
        found: |asked| match asked.answer {
            Ok(_) => Asked { answer: Ok(Found::Nobody), ..asked },
            Err(_) => asked,
        },
        ..NONE
    },
    Mistake {
        what: "the first of several is taken for the one",
        at: ProviderKind::B2chat,
        found_by: &["finds several"],
        found: |asked| match asked.answer {
            Ok(Found::Several) => Asked { answer: Ok(Found::One("1".to_owned())), ..asked },
            _ => asked,
        },
        ..NONE
    },
    Mistake {
        what: "people are made with another number",
        at: ProviderKind::B2chat,
        found_by: &["creates"],
        made_by: |by| match by {
            ContactRef::Phone(number) => ContactRef::Phone(format!("{number}0")),
            _ => by.clone(),
        },
        ..NONE
    },
    Mistake { what: "fields are forgotten", found_by: &["sets fields"], forgets_fields: true, ..NONE },
    Mistake {
        what: "what can't be done is said to be",
        at: ProviderKind::B2chat,
        found_by: &["cannot"],
        read: |called| if called.attempt.status.is_none() && is_dead(&called) { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "500 is taken for done",
        found_by: &["statuses", "all that passes"],
        changed: |called| if called.attempt.status == Some(500) { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "503 is taken for done",
        at: ProviderKind::Tic1980,
        found_by: &[
            "statuses",
            "Retry-After in seconds",
            "Retry-After as a date",
            "failing now and then",
            "all that passes",
        ],
        changed: |called| if called.attempt.status == Some(503) { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "a receiver's 410 is taken for an illness that passes",
        at: ProviderKind::Webhook,
        found_by: &["statuses"],
        changed: |called| match called.attempt.status {
            Some(410) => Called { outcome: retry("later"), ..called },
            _ => called,
        },
        ..NONE
    },
    Mistake {
        what: "a wish to wait isn't heard",
        at: ProviderKind::RespondIo,
        found_by: &["Retry-After in seconds", "Retry-After as a date"],
        changed: |called| waiting(called, |_| None),
        ..NONE
    },
    Mistake {
        what: "a date is no wish to wait",
        at: ProviderKind::Webhook,
        found_by: &["Retry-After as a date"],
        changed: |called| {
            // The second pair of calls of its kind is the one with dates; the reader of seconds alone sees no digits there.
            let is_date = WAITS.with(|waits| waits.replace(waits.get() + u32::from(asks(&called)))) >= 2;
            if is_date { waiting(called, |_| None) } else { called }
        },
        ..NONE
    },
    Mistake {
        what: "seconds are taken for milliseconds",
        found_by: &["Retry-After in seconds", "Retry-After as a date"],
        changed: |called| waiting(called, |after| Some(after / 1000)),
        ..NONE
    },
    Mistake {
        what: "a refused credential is tried again",
        at: ProviderKind::RespondIo,
        found_by: &["refused once"],
        repeats: |called| called.attempt.status == Some(401),
        ..NONE
    },
    Mistake {
        what: "a token is shown in an attempt",
        found_by: &["secrets"],
        changed: |mut called| {
            called.attempt.answer = called.attempt.answer.replace("[secret]", "hunter2-credential");
            called
        },
        ..NONE
    },
    Mistake {
        what: "an answer without a body is no success",
        found_by: &["statuses", "other forms"],
        changed: |called| match called.outcome {
            Outcome::Done { tags: None } if called.attempt.answer.is_empty() => {
                Called { outcome: retry("empty"), ..called }
            }
            _ => called,
        },
        ..NONE
    },
    Mistake {
        what: "no answer in time is taken for done",
        at: ProviderKind::Webhook,
        found_by: &["time-out", "late"],
        changed: |called| if said(&called, "no answer in time") { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "a closed connection is taken for done",
        at: ProviderKind::Tic1980,
        found_by: &["reset", "done and failed", "all that passes"],
        changed: |called| {
            let closed = called.attempt.status.is_none() && !said(&called, "no answer in time");
            if closed && matches!(called.outcome, Outcome::Retry { .. }) { done(called) } else { called }
        },
        ..NONE
    },
    Mistake {
        what: "nothing was done where the call failed without an answer",
        at: ProviderKind::B2chat,
        found_by: &["time-out", "reset", "done and failed", "late"],
        changed: |called| match called.outcome {
            Outcome::Retry { .. } if called.attempt.status.is_none() => {
                Called { outcome: retry("no answer"), ..called }
            }
            _ => called,
        },
        ..NONE
    },
    Mistake {
        what: "half an answer is taken for a whole one",
        at: ProviderKind::RespondIo,
        found_by: &["cut off", "drip"],
        changed: |called| if said(&called, "broke off") { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "an answer that comes slowly is taken by its status",
        found_by: &["drip"],
        changed: |called| if said(&called, "broke off: no answer in time") { done(called) } else { called },
        ..NONE
    },
    Mistake {
        what: "what is late is called again at once",
        at: ProviderKind::Tic1980,
        found_by: &["time-out", "late"],
        repeats: |called| said(called, "no answer in time") && called.attempt.status.is_none(),
        ..NONE
    },
    Mistake {
        what: "any 200 is a success",
        at: ProviderKind::Tic1980,
        found_by: &["foreign page"],
        changed: |called| match called.outcome {
            Outcome::Retry { .. } if called.attempt.status == Some(200) && !said(&called, "broke off") => done(called),
            _ => called,
        },
        ..NONE
    },
];

std::thread_local! {
    static SECOND: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    static WAITS: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

fn done(called: Called) -> Called {
    Called { outcome: DONE, ..called }
}

fn dead(called: Called) -> Called {
    Called { outcome: Outcome::Dead { reason: "no".to_owned() }, ..called }
}

fn is_dead(called: &Called) -> bool {
    matches!(called.outcome, Outcome::Dead { .. })
}

fn retry(reason: &str) -> Outcome {
    Outcome::Retry { reason: reason.to_owned(), after: None, throttled: false, in_doubt: false }
}

fn said(called: &Called, words: &str) -> bool {
    called.outcome.verdict().contains(words)
}

fn asks(called: &Called) -> bool {
    matches!(called.outcome, Outcome::Retry { after: Some(_), .. })
}

fn waiting(mut called: Called, make: fn(Duration) -> Option<Duration>) -> Called {
    if let Outcome::Retry { after, .. } = &mut called.outcome {
        *after = after.and_then(make);
    }
    called
}

/// A provider that makes a mistake.
pub struct Mistaken {
    pub provider: Provider,
    pub mistake: &'static Mistake,
}

impl Subject for Mistaken {
    fn provider(&self) -> &Provider {
        &self.provider
    }

    fn change_tags<'a>(
        &'a self,
        contact: &'a ContactRef,
        direction: Direction,
        tags: &'a [TagName],
        now: Timestamp,
    ) -> Answer<'a, Called> {
        Box::pin(async move {
            let tags = (self.mistake.sent)(direction, tags);
            let direction = (self.mistake.turned)(direction);
            let mut called = self.provider.change_tags(contact, direction, &tags, now).await;
            if (self.mistake.repeats)(&called) {
                called = self.provider.change_tags(contact, direction, &tags, now).await;
            }
            (self.mistake.changed)(called)
        })
    }

    fn set_fields<'a>(
        &'a self,
        contact: &'a ContactRef,
        fields: &'a [(&'a str, &'a OwnedJson)],
        now: Timestamp,
    ) -> Answer<'a, Called> {
        let kept = if self.mistake.forgets_fields { &fields[..1] } else { fields };
        Box::pin(self.provider.set_fields(contact, kept, now))
    }

    fn find<'a>(&'a self, contact: &'a ContactRef, so_far: &'a Glance, now: Timestamp) -> Answer<'a, Asked<Found>> {
        Box::pin(async move { (self.mistake.found)(self.provider.find(contact, so_far, now).await) })
    }

    fn create<'a>(&'a self, contact: &'a ContactRef, now: Timestamp) -> Answer<'a, Asked<String>> {
        Box::pin(async move { self.provider.create(&(self.mistake.made_by)(contact), now).await })
    }

    fn forward<'a>(&'a self, id: &'a str, body: &'a OwnedJson, now: Timestamp) -> Answer<'a, Called> {
        Box::pin(async move { (self.mistake.changed)(self.provider.forward(id, body, now).await) })
    }

    fn read_tags<'a>(&'a self, contact: &'a ContactRef, now: Timestamp) -> Answer<'a, Called> {
        Box::pin(async move { (self.mistake.read)(self.provider.read_tags(contact, now).await) })
    }

    fn read_found<'a>(&'a self, by: &'a ContactRef, id: &'a str, now: Timestamp) -> Answer<'a, Called> {
        Box::pin(async move { (self.mistake.read)(self.provider.read_found(by, id, now).await) })
    }
}
