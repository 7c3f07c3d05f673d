//! Turns the secrets that rule files name into their values.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use crate::domain::secret::{Secret, SecretRef};

/// Why a secret has no value. It names the secret, never the value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum VaultError {
    /// `env:NAME` and no such variable.
    #[error("environment variable {0} is not set")]
    Unset(String),
    /// `file:PATH` that can't be read.
    #[error("secret file {path}: {why}")]
    File {
        /// The path as written.
        path: String,
        /// The system's words.
        why: String,
    },
}

/// Where secrets are looked up: an environment that was read once at start.
#[derive(Debug, Clone)]
pub struct Vault {
    environment: Arc<HashMap<String, String>>,
    /// With `--sandbox` each unset `env:NAME` has this value.
    fallback: Option<Secret>,
}

impl Vault {
    /// Looks `env:NAME` up in `environment`; an empty variable counts as unset.
    pub fn new(environment: HashMap<String, String>, fallback: Option<Secret>) -> Self {
        Self { environment: Arc::new(environment), fallback }
    }

    /// The value of a variable that holds no secret; an empty one counts as unset.
    pub fn variable(&self, name: &str) -> Option<String> {
        self.environment.get(name).filter(|value| !value.is_empty()).cloned()
    }

    /// Whether what isn't set may stay so, as with `--sandbox`.
    pub fn has_fallback(&self) -> bool {
        self.fallback.is_some()
    }

    /// A secret that can be asked for its current value.
    pub fn open(&self, secret: &SecretRef) -> Result<LiveSecret, VaultError> {
        match secret {
            SecretRef::Literal(value) => Ok(LiveSecret::fixed(value.clone())),
            SecretRef::Env(name) => match self.environment.get(name).filter(|v| !v.is_empty()) {
                Some(value) => Ok(LiveSecret::fixed(Secret::new(value))),
                None => self.fallback.clone().map(LiveSecret::fixed).ok_or_else(|| VaultError::Unset(name.clone())),
            },
            SecretRef::File(path) => {
                let file = WatchedFile { path: PathBuf::from(path), read: Mutex::new((None, Secret::new(""))) };
                file.refresh().map_err(|e| VaultError::File { path: path.clone(), why: e.to_string() })?;
                Ok(LiveSecret(Inner::File(Arc::new(file))))
            }
        }
    }
}

/// A secret whose value may change while the gateway runs.
#[derive(Debug, Clone)]
pub struct LiveSecret(Inner);

#[derive(Debug, Clone)]
enum Inner {
    Fixed(Secret),
    File(Arc<WatchedFile>),
}

#[derive(Debug)]
struct WatchedFile {
    path: PathBuf,
    read: Mutex<(Option<SystemTime>, Secret)>,
}

impl LiveSecret {
    /// A value that stays.
    pub fn fixed(secret: Secret) -> Self {
        Self(Inner::Fixed(secret))
    }

    /// The value now. A file that has changed is read again; one that has gone keeps its last value.
    pub fn current(&self) -> Secret {
        match &self.0 {
            Inner::Fixed(secret) => secret.clone(),
            Inner::File(file) => file.refresh().unwrap_or_else(|_| file.last()),
        }
    }
}

impl WatchedFile {
    /// Reads the file when its time of change isn't the one last seen; a line end after the secret isn't part of it.
    fn refresh(&self) -> std::io::Result<Secret> {
        let changed = std::fs::metadata(&self.path)?.modified().ok();
        let mut read = self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if changed.is_none() || read.0 != changed {
            *read = (changed, Secret::new(std::fs::read_to_string(&self.path)?.trim_end_matches(['\r', '\n'])));
        }
        Ok(read.1.clone())
    }

    fn last(&self) -> Secret {
        self.read.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unset_variables_are_errors_unless_there_is_a_fallback() {
        let environment = HashMap::from([("KEY".to_owned(), "v".to_owned()), ("EMPTY".to_owned(), String::new())]);
        let strict = Vault::new(environment.clone(), None);
        assert_eq!(strict.open(&SecretRef::parse("env:KEY")).expect("set").current().expose(), "v");
        for name in ["EMPTY", "OTHER"] {
            assert_eq!(strict.open(&SecretRef::Env(name.into())).expect_err("unset"), VaultError::Unset(name.into()));
        }
        let sandbox = Vault::new(environment, Some(Secret::new("sandbox")));
        assert_eq!(sandbox.open(&SecretRef::parse("env:OTHER")).expect("fallback").current().expose(), "sandbox");
    }

    #[test]
    fn a_secret_file_is_read_again_when_it_changes() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("key");
        std::fs::write(&path, "one\n").expect("written");
        let vault = Vault::new(HashMap::new(), None);
        let secret = vault.open(&SecretRef::File(path.display().to_string())).expect("opened");
        assert_eq!(secret.current().expose(), "one");
        std::fs::write(&path, "two\n").expect("written");
        let later = SystemTime::UNIX_EPOCH + std::time::Duration::from_hours(500_000);
        std::fs::File::options().write(true).open(&path).and_then(|f| f.set_modified(later)).expect("touched");
        assert_eq!(secret.current().expose(), "two");
        std::fs::remove_file(&path).expect("removed");
        assert_eq!(secret.current().expose(), "two");
    }
}
