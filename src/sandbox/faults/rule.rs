//! A fault rule as it is posted, and what is wrong with one.

use serde::{Deserialize, Serialize};

use super::super::place::Place;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Answers `status`; nothing is done.
    Status,
    /// The same in `share` of the calls.
    Rate,
    /// Answers 429, with `retry_after` where it is given; nothing is done.
    Throttle,
    /// No answer for `millis`, then the connection is closed; nothing is done.
    Timeout,
    /// The connection is closed without an answer; nothing is done.
    Reset,
    /// The change is made, then `status` is answered, or without one the connection is closed.
    Ghost,
    /// The change is made, and half of the answer is sent.
    Truncate,
    /// The change is made, and the answer comes byte by byte, over `millis`.
    Drip,
    /// A page of HTML under 200, as of a proxy in between; nothing is done.
    Foreign,
    /// Answers `status` with the caller's own credential in its message; nothing is done.
    Echo,
    /// All is well, `millis` late.
    Slow,
    /// All is well, in another `shape`.
    Shape,
    /// In `share` of the calls one of all that can pass.
    Mixed,
}

/// Forms of a successful answer that clients should take, since the vendor's pages don't rule them out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// The customer at the top level, as documented.
    Whole,
    /// The customer in `data`.
    Data,
    /// `{"tags":[{"name":..,"color":..}]}`.
    Tags,
    /// `{"tags":["Lead"]}`.
    Texts,
    /// 200 and no body.
    Empty,
    /// 204.
    NoContent,
}

/// A fault rule as it is posted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// What is answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `Retry-After`, seconds or a date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// How long it takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// The form of the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// How often it fires at most; then it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// In which share of the calls it fires; without it in all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub share: Option<f64>,
    /// Where chance starts from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Only for calls to this provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Only for calls with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only for calls about this contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
    /// Only for calls whose body has this tag, field or other text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub carries: Option<String>,
}

/// What each kind is called, needs, and may have besides `times`, `share`, `seed`, `provider`, `method`, `contact` and
/// `carries`.
const KNOBS: [(FaultKind, &str, &[&str], &[&str]); 13] = [
    (FaultKind::Status, "status", &["status"], &["retry_after"]),
    (FaultKind::Rate, "rate", &["status", "share"], &["retry_after"]),
    (FaultKind::Throttle, "throttle", &[], &["retry_after"]),
    (FaultKind::Timeout, "timeout", &[], &["millis"]),
    (FaultKind::Reset, "reset", &[], &[]),
    (FaultKind::Ghost, "ghost", &[], &["status"]),
    (FaultKind::Truncate, "truncate", &[], &[]),
    (FaultKind::Drip, "drip", &[], &["millis"]),
    (FaultKind::Foreign, "foreign", &[], &[]),
    (FaultKind::Echo, "echo", &["status"], &[]),
    (FaultKind::Slow, "slow", &[], &["millis"]),
    (FaultKind::Shape, "shape", &["shape"], &[]),
    (FaultKind::Mixed, "mixed", &["share"], &["retry_after", "millis"]),
];

impl Fault {
    /// Its kind's name, the keys that it needs and the further ones that it may have.
    fn knobs(&self) -> (&'static str, &'static [&'static str], &'static [&'static str]) {
        let row = KNOBS.iter().find(|row| row.0 == self.kind);
        row.map_or(("fault", &[], &[]), |row| (row.1, row.2, row.3))
    }

    /// Its kind's name, as it is posted.
    pub fn name(&self) -> &'static str {
        self.knobs().0
    }

    /// All that is wrong with it.
    pub fn wrong(&self) -> Vec<String> {
        let (name, needs, may) = self.knobs();
        let given = [
            ("status", self.status.is_some()),
            ("retry_after", self.retry_after.is_some()),
            ("millis", self.millis.is_some()),
            ("shape", self.shape.is_some()),
        ];
        let mut wrong = Vec::new();
        for (knob, is_given) in given {
            if is_given && !needs.contains(&knob) && !may.contains(&knob) {
                wrong.push(format!("`{knob}` means nothing for `{name}`"));
            }
            if !is_given && needs.contains(&knob) {
                wrong.push(format!("`{name}` needs `{knob}`"));
            }
        }
        if needs.contains(&"share") && self.share.is_none() {
            wrong.push(format!("`{name}` needs `share`"));
        }
        if self.share.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            wrong.push("`share` is between 0 and 1".to_owned());
        }
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            wrong.push("`status` is between 200 and 599".to_owned());
        }
        if let Some(unknown) = self.provider.as_ref().filter(|provider| Place::named(provider).is_none()) {
            wrong.push(format!("no provider {unknown:?} here"));
        }
        if self.times == Some(0) {
            wrong.push("`times` is at least 1".to_owned());
        }
        if self.millis.is_some_and(|millis| millis > 600_000) {
            wrong.push("`millis` is at most 600000".to_owned());
        }
        if self.retry_after.as_ref().is_some_and(|text| !text.bytes().all(|b| (0x20..0x7f).contains(&b))) {
            wrong.push("`retry_after` is plain text".to_owned());
        }
        wrong
    }
}
