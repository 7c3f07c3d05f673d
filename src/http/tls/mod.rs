//! TLS on the intake's own connections: the certificate in use, and how it is replaced while the gateway runs.
//!
//! Nobody watches the files: they are looked at when a sender connects and when somebody reads the metrics, so that an idle gateway
//! sleeps, and any way of replacing them is noticed.

mod fault;
mod handshake;
mod pair;
#[cfg(test)]
mod tests;
mod wire;

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};

use rustls::ServerConfig;
use rustls::version::{TLS12, TLS13};

use crate::domain::time::Timestamp;
use crate::flow::metrics::Metrics;
pub use fault::BadPair;
pub(super) use handshake::{Handshakes, Ticket};
pub use pair::Files;
use pair::Pair;
pub(super) use wire::Wire;

/// How often the files are looked at, at most.
const LOOK_EVERY_MS: i64 = 1_000;
/// Two files can't be replaced in one step: a pair that is wrong is told of once it has stayed so for so long.
const SETTLED_MS: i64 = 3_000;
/// The only protocol that is spoken inside.
const HTTP_1_1: &[u8] = b"http/1.1";

/// The certificate in use, and where it comes from.
pub struct Tls {
    files: Files,
    current: RwLock<Arc<ServerConfig>>,
    look: Mutex<Look>,
}

/// What was seen of the files.
struct Look {
    at: Timestamp,
    seen: Option<Looks>,
    /// A pair that is no good, and since when it looks so. When the files say that they were written proves nothing: it may be
    /// copied with them, or lie in the future.
    unsettled: Option<(Looks, Timestamp)>,
    /// What was wrong with them, as it was told.
    told: Option<String>,
    /// When the certificate in use ends.
    end: Timestamp,
}

/// How both files look from outside: inode, size and time of change.
type Looks = [Option<(u64, u64, i64, i64)>; 2];

impl Tls {
    /// Reads the pair for the first time.
    pub fn open(files: Files, now: Timestamp) -> Result<Self, BadPair> {
        let seen = Some(looks(&files));
        let pair = files.read(now)?;
        warn(&pair.warnings);
        let look = Look { at: now, seen, unsettled: None, told: None, end: pair.end };
        Ok(Self { current: RwLock::new(configured(pair)?), look: Mutex::new(look), files })
    }

    /// What connections are secured with now. Files that have changed are read again; a pair that is no good leaves the old one in
    /// use, and that is told once.
    pub(super) fn current(&self, metrics: &Metrics, now: Timestamp) -> Arc<ServerConfig> {
        match self.look.try_lock() {
            Ok(mut look) => self.refresh(&mut look, metrics, now),
            Err(TryLockError::Poisoned(look)) => self.refresh(&mut look.into_inner(), metrics, now),
            // Another thread looks at them just now.
            Err(TryLockError::WouldBlock) => {}
        }
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn refresh(&self, look: &mut Look, metrics: &Metrics, now: Timestamp) {
        metrics.certificate(look.end);
        if (0..LOOK_EVERY_MS).contains(&now.since(look.at)) {
            return;
        }
        look.at = now;
        let looks = looks(&self.files);
        if look.seen == Some(looks) {
            return;
        }
        let read = self.files.read(now).and_then(|pair| {
            let (warnings, end) = (pair.warnings.clone(), pair.end);
            Ok((configured(pair)?, warnings, end))
        });
        match read {
            Ok((config, warnings, end)) => {
                *self.current.write().unwrap_or_else(PoisonError::into_inner) = config;
                (look.seen, look.unsettled, look.told, look.end) = (Some(looks), None, None, end);
                metrics.certificate(end);
                metrics.certificate_reloaded(true);
                tracing::info!(until = %end, "another certificate is in use");
                warn(&warnings);
            }
            Err(_) if look.is_unsettled(looks, now) => {}
            Err(fault) => {
                let fault = fault.to_string();
                look.seen = Some(looks);
                if look.told.as_ref() != Some(&fault) {
                    metrics.certificate_reloaded(false);
                    tracing::error!(reason = fault, until = %look.end, "the changed certificate is not used; the old one stays");
                    look.told = Some(fault);
                }
            }
        }
    }
}

impl Look {
    /// Whether the files have looked so for less time than it takes to write both.
    fn is_unsettled(&mut self, looks: Looks, now: Timestamp) -> bool {
        let since = self.unsettled.filter(|(before, _)| *before == looks).map_or(now, |(_, since)| since);
        self.unsettled = Some((looks, since));
        // A clock that was set back must not hide it for ever.
        (0..SETTLED_MS).contains(&now.since(since))
    }
}

fn warn(warnings: &[String]) {
    for warning in warnings {
        tracing::warn!(warning, "the certificate is in use, and senders may refuse it");
    }
}

/// A configuration of its own for each pair: a session that was begun under another certificate isn't taken up again.
fn configured(pair: Pair) -> Result<Arc<ServerConfig>, BadPair> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13, &TLS12]);
    let resolver = Arc::new(rustls::sign::SingleCertAndKey::from(pair.key));
    let mut config = versions.map_err(BadPair::Tls)?.with_no_client_auth().with_cert_resolver(resolver);
    config.alpn_protocols = vec![HTTP_1_1.to_vec()];
    // Senders that connect for each request take their session up again without a signature of ours, and no thread keeps it.
    config.ticketer = rustls::crypto::ring::Ticketer::new().map_err(BadPair::Tls)?;
    Ok(Arc::new(config))
}

fn looks(files: &Files) -> Looks {
    let shape = |file: Metadata| (file.ino(), file.size(), file.mtime(), file.mtime_nsec());
    [&files.cert, &files.key].map(|path| std::fs::metadata(path).ok().map(shape))
}
