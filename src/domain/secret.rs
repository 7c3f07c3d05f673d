//! Secrets: named in rule files, held at run time, shown never.

use std::fmt;
use std::sync::Arc;

/// Where a secret comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// `env:NAME`, read at start.
    Env(String),
    /// `file:PATH`, read again when the file changes.
    File(String),
    /// Written in the rule file itself; `check` warns of it.
    Literal(Secret),
}

impl SecretRef {
    /// Reads `env:NAME`, `file:PATH` or a literal.
    pub fn parse(text: &str) -> Self {
        match text.split_once(':') {
            Some(("env", name)) => Self::Env(name.to_owned()),
            Some(("file", path)) => Self::File(path.to_owned()),
            _ => Self::Literal(Secret::new(text)),
        }
    }
}

impl fmt::Debug for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{path}"),
            Self::Literal(_) => f.write_str("[literal]"),
        }
    }
}

/// A secret's value. It has no `Display`, and its `Debug` says nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Arc<str>);

impl Secret {
    /// Holds `text`.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(text))
    }

    /// The value, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_show_where_they_come_from_and_nothing_else() {
        assert_eq!(SecretRef::parse("env:KEY"), SecretRef::Env("KEY".into()));
        assert_eq!(SecretRef::parse("file:/run/key"), SecretRef::File("/run/key".into()));
        assert!(!format!("{:?}", SecretRef::parse("hunter2")).contains("hunter2"));
        assert!(!format!("{:?}", Secret::new("hunter2")).contains("hunter2"));
    }
}
