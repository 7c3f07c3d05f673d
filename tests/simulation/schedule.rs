//! What happens in one run, as data: it is made of random numbers, told as a story, and made shorter while the run goes wrong.

use std::fmt;

use proptest::prelude::*;

/// Tags that rules use here; the last one is refused by the provider whatever stands beside it.
pub const TAGS: [&str; 6] = ["Lead", "Hot", "stage:new", "stage:won", "stage:lost", "Poison"];
pub const POISON: u8 = 5;

/// A run.
#[derive(Debug, Clone)]
pub struct Schedule {
    pub setup: Setup,
    pub acts: Vec<Act>,
}

/// What doesn't change while it runs.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Whether the provider's answers list tags, and takes many a call.
    pub lists: bool,
    /// Calls that may start in the window.
    pub calls: u32,
    pub window_ms: u64,
    pub concurrency: usize,
    pub gather_ms: u64,
    pub tag_cache_ms: u64,
    /// How many changes of a contact are taken at once.
    pub page: usize,
    /// The tags that each person has to begin with, as bits.
    pub tagged: u8,
    /// Whether both connections are of one account.
    pub shared: bool,
}

/// Something happens, a while after what happened before.
#[derive(Debug, Clone)]
pub struct Act {
    pub after_ms: u64,
    pub what: What,
}

#[derive(Debug, Clone)]
pub enum What {
    /// An event is accepted.
    Event(Vec<Draft>),
    /// The next calls go wrong in this way.
    Faults(Fault, u8),
    /// For so long every call goes wrong in this way.
    Trouble(Fault, u64),
    /// Somebody else changes a tag at the provider.
    Hand { person: u8, tag: u8, there: bool },
    /// The process dies and starts again.
    Crash,
}

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It doesn't arrive.
    NotSent,
    /// It fails with no effect, and nobody can tell.
    Failed,
    /// It has its effect, and the answer is lost.
    Ghost,
    /// It has its effect, and there is no answer in time.
    Slow,
    /// The limit was met; how long to wait.
    Busy(Option<u16>),
    /// The credentials are refused.
    Refused,
}

/// A change that an event asks for.
#[derive(Debug, Clone)]
pub struct Draft {
    /// 0 to 2 are known by an id, 3 and 4 by an address; nobody has the address of 4 to begin with.
    pub person: u8,
    pub connection: u8,
    pub effect: Wish,
    pub guard: Guard,
    /// Which rule asks, of a few.
    pub rule: u8,
    pub lasts_ms: Option<u64>,
    pub once_ms: Option<u64>,
    pub exclusive: bool,
}

#[derive(Debug, Clone, Copy)]
pub enum Wish {
    Add(u8),
    Remove(u8),
    Set(u8, u8),
    Forward,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    Open,
    If(u8),
    Unless(u8),
}

/// How much happens in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A few things: what goes wrong is found in its shortest form.
    Short,
    /// Hundreds of things, close upon one another: backlogs, long folds, many pages.
    Long,
}

/// Any run. Hand edits and conditions don't go together: what a condition sees then hangs on when it looks.
pub fn schedules(length: Length) -> impl Strategy<Value = Schedule> {
    (setup(), any_acts(length)).prop_map(|(setup, acts)| Schedule { setup, acts })
}

fn any_acts(length: Length) -> impl Strategy<Value = Vec<Act>> {
    let many = match length {
        Length::Short => 1..16,
        Length::Long => 100..400,
    };
    prop_oneof![
        3 => proptest::collection::vec(act(length, draft(guard(), 1), 0), many.clone()),
        1 => proptest::collection::vec(act(length, draft(Just(Guard::Open), 0), 1), many),
    ]
}

fn setup() -> impl Strategy<Value = Setup> {
    let cache = prop_oneof![1 => Just(0), 1 => Just(1_000), 3 => Just(60_000), 2 => Just(3_600_000)];
    let gather = prop_oneof![3 => Just(0), 1 => Just(500), 1 => Just(5_000)];
    let page = prop_oneof![1 => Just(3_usize), 5 => Just(4_096)];
    let rate = (1..12_u32, prop_oneof![Just(1_000_u64), Just(5_000), Just(60_000)]);
    (any::<bool>(), rate, 1..5_usize, gather, cache, page, 0..32_u8, any::<bool>()).prop_map(
        |(lists, (calls, window_ms), concurrency, gather_ms, tag_cache_ms, page, tagged, shared)| Setup {
            lists,
            calls,
            window_ms,
            concurrency,
            gather_ms,
            tag_cache_ms,
            page,
            tagged,
            shared,
        },
    )
}

fn act(length: Length, draft: impl Strategy<Value = Draft> + 'static, hands: u32) -> impl Strategy<Value = Act> {
    let event = proptest::collection::vec(draft, 1..5).prop_map(What::Event);
    let faults = (fault(), 1..5_u8).prop_map(|(fault, calls)| What::Faults(fault, calls));
    let trouble = (fault(), prop_oneof![Just(300_u64), Just(3_000), Just(90_000), Just(900_000)])
        .prop_map(|(fault, ms)| What::Trouble(fault, ms));
    let hand = (0..3_u8, 0..6_u8, any::<bool>()).prop_map(|(person, tag, there)| What::Hand { person, tag, there });
    let events = if length == Length::Short { 16 } else { 160 };
    let what = prop_oneof![
        events => event,
        3 => faults,
        1 => trouble,
        2 => Just(What::Crash),
        4 * hands + 1 => hand.prop_map(move |hand| if hands > 0 { hand } else { What::Crash }),
    ];
    let (often, close) = if length == Length::Short { (4, 0..20_u64) } else { (160, 0..5) };
    let far = 1;
    let after = prop_oneof![often => close, 4 * far => 0..400_u64, 2 * far => 0..8_000_u64, far => 0..120_000_u64];
    (after, what).prop_map(|(after_ms, what)| Act { after_ms, what })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        Just(Fault::NotSent),
        Just(Fault::Failed),
        Just(Fault::Ghost),
        Just(Fault::Slow),
        proptest::option::of(0..90_u16).prop_map(Fault::Busy),
        Just(Fault::Refused),
    ]
}

fn guard() -> impl Strategy<Value = Guard> {
    prop_oneof![5 => Just(Guard::Open), 1 => (0..5_u8).prop_map(Guard::If), 1 => (0..5_u8).prop_map(Guard::Unless)]
}

fn draft(guard: impl Strategy<Value = Guard>, terms: u32) -> impl Strategy<Value = Draft> {
    let tag = prop_oneof![20 => 0..5_u8, 1 => Just(POISON)];
    let wish = (tag, 0..3_u8, 0..4_u8, 0..10_u8).prop_map(|(tag, field, value, kind)| match kind {
        0..=4 => Wish::Add(tag),
        5..=7 => Wish::Remove(tag),
        8 => Wish::Set(field, value),
        _ => Wish::Forward,
    });
    let lasts = prop_oneof![9 => Just(None), terms => prop_oneof![Just(200_u64), Just(30_000)].prop_map(Some)];
    let once = prop_oneof![9 => Just(false), terms => Just(true)];
    let exclusive = prop_oneof![4 => Just(false), terms => Just(true)];
    (0..5_u8, 0..2_u8, wish, guard, 0..3_u8, lasts, once, exclusive).prop_map(
        |(person, connection, effect, guard, rule, lasts_ms, once, exclusive)| Draft {
            person,
            connection,
            effect,
            guard,
            rule,
            lasts_ms,
            // A rule has one `once`.
            once_ms: once.then_some(if rule == 1 { 60_000 } else { 1_000 }),
            exclusive: exclusive && matches!(effect, Wish::Add(2..=4)),
        },
    )
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?}", self.setup)?;
        let mut at = 0;
        for act in &self.acts {
            at += act.after_ms;
            write!(f, "  at {at:>7} ms  ")?;
            match &act.what {
                What::Event(drafts) => {
                    write!(f, "an event:")?;
                    drafts.iter().try_for_each(|draft| write!(f, " {draft};"))?;
                    writeln!(f)?;
                }
                What::Faults(fault, calls) => writeln!(f, "the next {calls} calls: {fault:?}")?,
                What::Trouble(fault, ms) => writeln!(f, "every call for {ms} ms: {fault:?}")?,
                What::Hand { person, tag, there } => {
                    let verb = if *there { "adds" } else { "removes" };
                    writeln!(f, "somebody else {verb} {} of person {person}", TAGS[usize::from(*tag)])?;
                }
                What::Crash => writeln!(f, "the process dies and starts again")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tag = |tag: u8| TAGS[usize::from(tag)];
        write!(f, "rule {} at c{} for person {}: ", self.rule, self.connection, self.person)?;
        match self.effect {
            Wish::Add(t) => write!(f, "add {}", tag(t))?,
            Wish::Remove(t) => write!(f, "remove {}", tag(t))?,
            Wish::Set(field, value) => write!(f, "set field{field} to {value}")?,
            Wish::Forward => write!(f, "forward")?,
        }
        match self.guard {
            Guard::Open => {}
            Guard::If(t) => write!(f, " if tagged {}", tag(t))?,
            Guard::Unless(t) => write!(f, " unless tagged {}", tag(t))?,
        }
        if let Some(ms) = self.lasts_ms {
            write!(f, " for {ms} ms")?;
        }
        if let Some(ms) = self.once_ms {
            write!(f, " once in {ms} ms")?;
        }
        if self.exclusive {
            write!(f, " exclusively")?;
        }
        Ok(())
    }
}
