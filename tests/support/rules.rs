//! The rule files of a running gateway, and what it makes of them.

use std::path::PathBuf;

use serde_json::Value;

use super::eventually;
use super::gateway::Gateway;

impl Gateway {
    /// A file of its rule directory.
    pub fn rule_file(&self, name: &str) -> PathBuf {
        self.setup.folder().join("rules").join(name)
    }

    /// Writes a rule file in place.
    #[track_caller]
    pub fn write_rules(&self, name: &str, text: &str) {
        std::fs::write(self.rule_file(name), text).expect("written");
    }

    /// The hash of the set in force.
    #[track_caller]
    pub fn rule_set(&self) -> String {
        self.api("/rules")["rule_set"].as_str().expect("a hash").to_owned()
    }

    /// Waits until another set than `before` is in force at each gateway; gives its hash.
    #[track_caller]
    pub fn rule_set_after(&self, before: &str) -> String {
        eventually("another rule set", || {
            // Each is asked in turn.
            let sets: Vec<String> = self.addresses().iter().map(|_| self.rule_set()).collect();
            sets.iter().all(|now| now != before).then(|| sets.into_iter().next())?
        })
    }

    /// Waits until the rules on disk are refused; gives what the API says of it.
    #[track_caller]
    pub fn rules_refused(&self) -> Value {
        eventually("a refusal of the rules on disk", || {
            Some(self.api("/rules")["refused"].clone()).filter(|refused| !refused.is_null())
        })
    }

    /// Whether `/metrics` has this line.
    #[track_caller]
    pub fn counts(&self, line: &str) -> bool {
        self.call("GET", "/metrics", &[], b"").text().lines().any(|this| this == line)
    }
}
