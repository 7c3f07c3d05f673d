//! Names of sources, connections and rules. Holding one is the proof that it is well formed.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a name: {expected}")]
pub struct BadName {
    /// The text that was given.
    pub text: String,
    /// What a name looks like.
    pub expected: &'static str,
}

const EXPECTED: &str = "1 to 64 of a-z, A-Z, 0-9, `-`, `_` and `.`, the first a letter or a digit";

/// Names stand in addresses, log fields and metric labels, so their alphabet is one that needs no escaping there.
fn check(text: &str) -> Result<(), BadName> {
    let well_formed = (1..=64).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if well_formed { Ok(()) } else { Err(BadName { text: text.to_owned(), expected: EXPECTED }) }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Arc<str>);

        impl $name {
            /// Reads a name; the error says what one looks like.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                check(text)?;
                Ok(Self(Arc::from(text)))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.as_ref().to_owned()
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }
    };
}

name!(
    /// A named inbound hook: `POST /hooks/{source}`.
    SourceName
);
name!(
    /// A named account at a provider.
    ConnectionName
);
name!(
    /// A rule, unique over all rule files.
    RuleId
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_needs_no_escaping() {
        assert_eq!(SourceName::parse("website-bot").expect("a name").as_str(), "website-bot");
        for bad in ["", "-a", "a b", "a/b", "ñ", &"a".repeat(65)] {
            assert!(SourceName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
