//! What other programs ask to be told of: which happenings, narrowed how, sent where.

use serde::{Deserialize, Serialize};

use super::pattern::Pattern;
use super::secret::Secret;
use super::time::Timestamp;

/// What a subscriber can be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Topic {
    /// A tag was brought about at the provider.
    #[serde(rename = "tag.added")]
    TagAdded,
    /// A tag was taken away at the provider.
    #[serde(rename = "tag.removed")]
    TagRemoved,
    /// A rule matched an event.
    #[serde(rename = "rule.fired")]
    RuleFired,
    /// A change became a dead letter.
    #[serde(rename = "dead_letter.created")]
    DeadLetter,
    /// A connection isn't called any more: its credentials are refused, or its breaker is open.
    #[serde(rename = "connection.paused")]
    ConnectionPaused,
}

impl Topic {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::TagAdded, Self::TagRemoved, Self::RuleFired, Self::DeadLetter, Self::ConnectionPaused];

    /// As it is written.
    pub fn name(self) -> &'static str {
        match self {
            Self::TagAdded => "tag.added",
            Self::TagRemoved => "tag.removed",
            Self::RuleFired => "rule.fired",
            Self::DeadLetter => "dead_letter.created",
            Self::ConnectionPaused => "connection.paused",
        }
    }

    /// Reads what [`Self::name`] writes.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|topic| topic.name() == name)
    }

    /// By what it can be narrowed.
    pub fn filters(self) -> &'static [&'static str] {
        match self {
            Self::TagAdded | Self::TagRemoved | Self::DeadLetter => &["connection", "rule", "tag"],
            Self::RuleFired => &["rule"],
            Self::ConnectionPaused => &["connection"],
        }
    }
}

/// What narrows it; what isn't given lets all through, and `*` stands for any run of characters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Narrowed {
    /// Of this connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<String>,
    /// Asked for by this rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// Of this tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

impl Narrowed {
    /// What is given, by its name.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [("connection", &self.connection), ("rule", &self.rule), ("tag", &self.tag)];
        all.into_iter().filter_map(|(name, value)| Some((name, value.as_deref()?)))
    }

    /// Whether something of this connection, rule and tag is let through; what has none of a kind is not of any.
    pub fn lets_through(&self, connection: Option<&str>, rule: Option<&str>, tag: Option<&str>) -> bool {
        let fits = |wanted: &Option<String>, found: Option<&str>| {
            wanted.as_ref().is_none_or(|wanted| found.is_some_and(|found| Pattern::parse(wanted).fits(found)))
        };
        fits(&self.connection, connection) && fits(&self.rule, rule) && fits(&self.tag, tag)
    }
}

/// What was asked for; it doesn't change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Its name in the API.
    pub id: String,
    /// Since when.
    pub at: Timestamp,
    /// What is told.
    pub topic: Topic,
    /// Of which.
    pub narrowed: Narrowed,
    /// Where to. Who knows it may send there, so that it is never shown.
    pub url: Secret,
    /// What signs; it was shown once.
    pub secret: Secret,
}

/// Which bucket a subscription is in, where several gateways share the database: the owner tells it. Ids are random.
pub fn bucket(id: &str) -> u8 {
    id.bytes().fold(0, |bucket: u8, byte| bucket.wrapping_mul(31).wrapping_add(byte))
}

/// How far it is; this changes with what is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// All up to this number is done.
    pub upto: i64,
    /// Of what comes next so many were sent already.
    #[serde(default)]
    pub within: u32,
    /// How many were taken by the receiver.
    #[serde(default)]
    pub sent: u64,
    /// How many the receiver refused again and again, so that they were left out.
    #[serde(default)]
    pub left_out: u64,
    /// Tries that fail now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing: Option<Failing>,
    /// Its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
}

/// Tries that have failed in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failing {
    /// Since when.
    pub since: Timestamp,
    /// How many.
    pub tries: u32,
    /// In how many of them the receiver called what was sent wrong.
    #[serde(default)]
    pub wrong: u32,
    /// The next one is made then.
    pub next_try_at: Timestamp,
    /// What the last one failed of.
    pub reason: String,
}

/// The end of a subscription that its subscriber didn't end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_narrows() {
        let narrowed = Narrowed { tag: Some("Plan *".into()), rule: Some("lead".into()), ..Narrowed::default() };
        assert!(narrowed.lets_through(Some("crm"), Some("lead"), Some("Plan pro")));
        assert!(!narrowed.lets_through(Some("crm"), Some("lead"), Some("Lead")));
        assert!(!narrowed.lets_through(Some("crm"), Some("other"), Some("Plan pro")));
        assert!(!narrowed.lets_through(Some("crm"), Some("lead"), None));
        assert!(Narrowed::default().lets_through(None, None, None));
        assert_eq!(narrowed.given().collect::<Vec<_>>(), [("rule", "lead"), ("tag", "Plan *")]);
    }

    #[test]
    fn each_topic_is_written_as_it_is_stored() {
        for topic in Topic::ALL {
            assert_eq!(Topic::named(topic.name()), Some(topic));
            assert_eq!(serde_json::to_value(topic).expect("JSON"), topic.name());
        }
        assert_eq!(Topic::named("tag"), None);
    }
}
