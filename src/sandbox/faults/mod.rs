//! What goes wrong on purpose: rules that are asked for every call, the first that fires decides.

mod rule;

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

pub use rule::{Fault, FaultKind, Shape};

use super::dice::Dice;
use super::request::Request;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Posted {
    faults: Vec<Fault>,
}

/// What `mixed` chooses from. Only what passes is in it, so everything gets through in the end.
const MIXED: [(Act, Wait); 12] = [
    (Act::Status(500), Wait::No),
    (Act::Status(502), Wait::No),
    (Act::Status(503), Wait::RetryAfter),
    (Act::Status(408), Wait::No),
    (Act::Status(429), Wait::No),
    (Act::Status(429), Wait::RetryAfter),
    (Act::Close, Wait::No),
    (Act::Close, Wait::Delay),
    (Act::GhostStatus(500), Wait::No),
    (Act::GhostStatus(504), Wait::Delay),
    (Act::GhostClose, Wait::No),
    (Act::Truncate, Wait::No),
];

/// What is done instead of a plain answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Nothing is done and this is answered.
    Status(u16),
    /// Nothing is done and the connection is closed.
    Close,
    /// It is done and this is answered.
    GhostStatus(u16),
    /// It is done and the connection is closed.
    GhostClose,
    /// It is done and half of the answer is sent.
    Truncate,
    /// It is done and the answer comes a byte at a time.
    Drip,
    /// Nothing is done and a page of somebody else's is answered.
    Foreign,
    /// Nothing is done and this is answered, with the caller's own credential in it.
    Echo(u16),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    No,
    Delay,
    RetryAfter,
}

/// What goes wrong with one call; by default nothing.
#[derive(Debug, Default)]
pub struct Plan {
    /// How long the answer is held back.
    pub delay: Duration,
    /// How long the answer takes to come, where it comes byte by byte.
    pub drip: Duration,
    /// `Retry-After`.
    pub retry_after: Option<String>,
    /// The form of a success.
    pub shape: Option<Shape>,
    /// What is done instead.
    pub act: Option<Act>,
    /// The kind of the fault that played a part, for the log of calls.
    pub name: Option<&'static str>,
}

/// The fault rules in force.
#[derive(Debug, Default)]
pub struct Faults(Vec<(Fault, Dice)>);

const MOST_FAULTS: usize = 1000;

impl Faults {
    /// Adds the rules of `{"faults":[..]}` or of a bare list, all or none; the error names everything that is wrong.
    pub fn add(&mut self, posted: &[u8]) -> Result<(), String> {
        let posted: Value = serde_json::from_slice(posted).map_err(|e| e.to_string())?;
        let posted = if posted.is_array() { json!({ "faults": posted }) } else { posted };
        let posted: Posted = serde_json::from_value(posted).map_err(|e| e.to_string())?;
        let numbered = posted.faults.iter().enumerate();
        let wrong: Vec<String> = numbered
            .flat_map(|(n, fault)| fault.wrong().into_iter().map(move |w| format!("faults[{n}]: {w}")))
            .collect();
        if !wrong.is_empty() {
            return Err(wrong.join("; "));
        }
        if self.0.len() + posted.faults.len() > MOST_FAULTS {
            return Err(format!("at most {MOST_FAULTS} faults at a time"));
        }
        self.0.extend(posted.faults.into_iter().map(|fault| {
            let dice = Dice::new(fault.seed.unwrap_or(0));
            (fault, dice)
        }));
        Ok(())
    }

    /// All is well.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The rules in force, with the `times` that are left.
    pub fn list(&self) -> Vec<&Fault> {
        self.0.iter().map(|(fault, _)| fault).collect()
    }

    /// What goes wrong with this call. `slow` and `shape` go together with others; of those the first that fires decides.
    pub fn plan(&mut self, request: &Request) -> Plan {
        let mut plan = Plan::default();
        for (fault, dice) in &mut self.0 {
            if plan.act.is_none() && fault.fires(request, dice) {
                fault.apply(&mut plan, dice);
            }
        }
        self.0.retain(|(fault, _)| fault.times != Some(0));
        plan
    }
}

impl Fault {
    fn fires(&mut self, request: &Request, dice: &mut Dice) -> bool {
        let meant = self.provider.as_ref().is_none_or(|provider| provider == request.provider)
            && self.method.as_ref().is_none_or(|m| m.eq_ignore_ascii_case(&request.method))
            && self.contact.as_ref().is_none_or(|c| request.contact() == Some(c))
            && self.carries.as_ref().is_none_or(|text| request.carries(text));
        if !meant || self.times == Some(0) || self.share.is_some_and(|share| !dice.falls(share)) {
            return false;
        }
        self.times = self.times.map(|left| left - 1);
        true
    }

    fn apply(&self, plan: &mut Plan, dice: &mut Dice) {
        plan.name = Some(self.name());
        let millis = |default| Duration::from_millis(self.millis.unwrap_or(default));
        match self.kind {
            FaultKind::Status | FaultKind::Rate => plan.act = self.status.map(Act::Status),
            FaultKind::Throttle => plan.act = Some(Act::Status(429)),
            FaultKind::Timeout => {
                plan.act = Some(Act::Close);
                plan.delay = millis(30_000);
            }
            FaultKind::Reset => plan.act = Some(Act::Close),
            FaultKind::Ghost => plan.act = Some(self.status.map_or(Act::GhostClose, Act::GhostStatus)),
            FaultKind::Truncate => plan.act = Some(Act::Truncate),
            FaultKind::Drip => {
                plan.act = Some(Act::Drip);
                plan.drip = millis(30_000);
            }
            FaultKind::Foreign => plan.act = Some(Act::Foreign),
            FaultKind::Echo => plan.act = self.status.map(Act::Echo),
            FaultKind::Slow => plan.delay += millis(1000),
            FaultKind::Shape => plan.shape = self.shape,
            FaultKind::Mixed => {
                let Some((act, wait)) = dice.pick(&MIXED) else { return };
                plan.act = Some(*act);
                plan.delay += if *wait == Wait::Delay { millis(200) } else { Duration::ZERO };
                if *wait == Wait::RetryAfter {
                    plan.retry_after = Some(self.retry_after.clone().unwrap_or_else(|| "1".to_owned()));
                }
                return;
            }
        }
        plan.retry_after.clone_from(&self.retry_after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(json: &str) -> Faults {
        let mut faults = Faults::default();
        faults.add(json.as_bytes()).expect("faults");
        faults
    }

    fn call(method: &str, id: &str) -> Request {
        let segments = vec!["customers".to_owned(), id.to_owned()];
        Request { method: method.to_owned(), segments, ..Request::default() }
    }

    #[test]
    fn a_fault_fires_as_often_as_it_says_and_for_whom_it_says() {
        let mut faults = faults(
            r#"{"faults":[{"kind":"status","status":503,"times":2,"method":"put","contact":"7","retry_after":"3"}]}"#,
        );
        assert_eq!(faults.plan(&call("PUT", "8")).act, None);
        assert_eq!(faults.plan(&call("DELETE", "7")).act, None);
        let plan = faults.plan(&call("PUT", "7"));
        assert_eq!((plan.act, plan.retry_after.as_deref()), (Some(Act::Status(503)), Some("3")));
        assert_eq!(faults.plan(&call("PUT", "7")).name, Some("status"));
        assert_eq!(faults.plan(&call("PUT", "7")).act, None);
        assert!(faults.list().is_empty());
    }

    #[test]
    fn a_fault_may_be_meant_for_what_a_call_carries() {
        let mut faults = faults(r#"[{"kind":"status","status":400,"carries":"Bad"}]"#);
        let mut act = |body: &str| faults.plan(&Request { body: body.as_bytes().to_vec(), ..call("PUT", "7") }).act;
        assert_eq!(act(r#"{"tags":[{"name":"Good"},{"name":"Bad"}]}"#), Some(Act::Status(400)));
        assert_eq!(act(r#"{"fields":{"Bad":1}}"#), Some(Act::Status(400)));
        assert_eq!(act(r#"{"tags":[{"name":"Badly"}]}"#), None);
        assert_eq!(act("Bad"), None);
    }

    #[test]
    fn slow_and_shape_go_together_with_what_follows() {
        let mut faults = faults(
            r#"{"faults":[{"kind":"slow","millis":5},{"kind":"shape","shape":"data"},{"kind":"ghost"},{"kind":"reset","times":1}]}"#,
        );
        let plan = faults.plan(&call("PUT", "7"));
        assert_eq!((plan.delay.as_millis(), plan.shape, plan.act), (5, Some(Shape::Data), Some(Act::GhostClose)));
        assert_eq!(faults.list().len(), 4, "a fault that didn't come to its turn isn't used up");
    }

    #[test]
    fn mixed_repeats_itself_and_reaches_everything() {
        let run = |seed: u32| {
            let mut faults = faults(&format!(r#"{{"faults":[{{"kind":"mixed","share":0.5,"seed":{seed}}}]}}"#));
            (0..400).map(|_| faults.plan(&call("PUT", "7")).act).collect::<Vec<_>>()
        };
        assert_eq!(run(1), run(1));
        for (act, _) in MIXED {
            assert!(run(1).contains(&Some(act)), "{act:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_faults_is_said() {
        for (json, words) in [
            ("{", "EOF"),
            ("7", "invalid type"),
            (r#"{"faults":[{"kind":"earthquake"}]}"#, "unknown variant `earthquake`"),
            (r#"{"faults":[{"kind":"reset","how":"hard"}]}"#, "unknown field `how`"),
            (
                r#"{"faults":[{"kind":"reset"},{"kind":"reset","status":1}]}"#,
                "faults[1]: `status` means nothing for `reset`",
            ),
            (r#"{"faults":[{"kind":"status"}]}"#, "`status` needs `status`"),
            (r#"{"faults":[{"kind":"rate","status":500}]}"#, "`rate` needs `share`"),
            (r#"{"faults":[{"kind":"mixed","share":2}]}"#, "`share` is between 0 and 1"),
            (r#"{"faults":[{"kind":"status","status":99}]}"#, "between 200 and 599"),
            (r#"{"faults":[{"kind":"reset","times":0}]}"#, "at least 1"),
            (r#"{"faults":[{"kind":"throttle","retry_after":"a\nb"}]}"#, "plain text"),
        ] {
            let error = Faults::default().add(json.as_bytes()).expect_err(json);
            assert!(error.contains(words), "{json}: {error}");
        }
    }
}
