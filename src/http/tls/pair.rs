//! A certificate with its key, read from two files and held against each other.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use x509_cert::Certificate;
use x509_cert::der::{Decode, Encode};
use x509_cert::time::Time;

use super::fault::BadPair;
use crate::domain::time::Timestamp;

/// A certificate that ends this soon is told of: whatever renews it should have done so.
const SOON_MS: i64 = 3 * 24 * 3_600_000;

/// Where the pair is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    /// PEM: the server's certificate, then those that lead to an authority.
    pub cert: PathBuf,
    /// PEM: the private key. It may be the same file.
    pub key: PathBuf,
}

/// A pair that belongs together.
pub(super) struct Pair {
    pub key: CertifiedKey,
    /// When the server's certificate ends.
    pub end: Timestamp,
    /// What doesn't keep it from being used, and is worth to be known.
    pub warnings: Vec<String>,
}

impl Files {
    /// Reads both.
    pub(super) fn read(&self, now: Timestamp) -> Result<Pair, BadPair> {
        let cert = Pem::read(&self.cert, "CERTIFICATE", "x509")?;
        let holds_a_key = cert.private_key().is_some();
        let chain = cert.certificates()?;
        if chain.is_empty() {
            return Err(BadPair::NoCertificate { file: self.cert.clone(), holds_a_key });
        }
        let parsed = parsed(&self.cert, &chain)?;
        let key = self.signing_key()?;
        self.check_match(&parsed, &key)?;
        let (warnings, end) = told(&parsed, now);
        Ok(Pair { key: CertifiedKey::new(chain, key), end, warnings })
    }

    fn signing_key(&self) -> Result<Arc<dyn SigningKey>, BadPair> {
        let file = || self.key.clone();
        let pem = Pem::read(&self.key, "PRIVATE KEY", "pkey")?;
        if pem.is_encrypted() {
            return Err(BadPair::Encrypted { file: file() });
        }
        let key = pem.private_key().ok_or_else(|| BadPair::NoKey {
            file: file(),
            holds_a_certificate: pem.certificates().is_ok_and(|chain| !chain.is_empty()),
        })?;
        let loaded = default_provider().key_provider.load_private_key(key);
        loaded.map_err(|error| BadPair::Key { file: file(), why: error.to_string() })
    }

    fn check_match(&self, chain: &[Certificate], key: &Arc<dyn SigningKey>) -> Result<(), BadPair> {
        // A key that doesn't tell its public half is found out by the first sender.
        let Some(public) = key.public_key() else { return Ok(()) };
        let belongs = |cert: &Certificate| {
            cert.tbs_certificate.subject_public_key_info.to_der().is_ok_and(|own| own == public.as_ref())
        };
        match chain.iter().position(belongs) {
            Some(0) => Ok(()),
            Some(n) => Err(BadPair::Order { file: self.cert.clone(), place: n + 1 }),
            None => Err(BadPair::Mismatch { cert: self.cert.clone(), key: self.key.clone() }),
        }
    }
}

/// A file's sections.
struct Pem<'p> {
    file: &'p Path,
    text: Vec<u8>,
}

impl<'p> Pem<'p> {
    fn read(file: &'p Path, label: &'static str, by: &'static str) -> Result<Self, BadPair> {
        let text = std::fs::read(file).map_err(|why| BadPair::Unreadable { file: file.to_owned(), why })?;
        let this = Self { file, text };
        if this.holds(b"-----BEGIN ") { Ok(this) } else { Err(BadPair::NotPem { file: file.to_owned(), label, by }) }
    }

    fn holds(&self, words: &[u8]) -> bool {
        memchr::memmem::find(&self.text, words).is_some()
    }

    /// Both ways of encrypting a key: PKCS #8's own, and the older one that leaves the label as it was.
    fn is_encrypted(&self) -> bool {
        self.holds(b"-----BEGIN ENCRYPTED PRIVATE KEY-----") || self.holds(b"\nProc-Type: 4,ENCRYPTED")
    }

    fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, BadPair> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.text).collect();
        read.map_err(|error| BadPair::Damaged { file: self.file.to_owned(), why: error.to_string() })
    }

    /// The first key; a request for a certificate or parameters of a curve may stand before it.
    fn private_key(&self) -> Option<PrivateKeyDer<'static>> {
        let mut sections = <(SectionKind, Vec<u8>)>::pem_slice_iter(&self.text).map_while(Result::ok);
        sections.find_map(|(kind, der)| PrivateKeyDer::from_pem(kind, der))
    }
}

fn parsed(file: &Path, chain: &[CertificateDer<'static>]) -> Result<Vec<Certificate>, BadPair> {
    let read = |(n, der): (usize, &CertificateDer<'static>)| {
        let fault = |error: x509_cert::der::Error| BadPair::Certificate {
            file: file.to_owned(),
            place: n + 1,
            why: error.to_string(),
        };
        Certificate::from_der(der).map_err(fault)
    };
    chain.iter().enumerate().map(read).collect()
}

/// What senders will find fault with, and when the server's own certificate ends.
fn told(chain: &[Certificate], now: Timestamp) -> (Vec<String>, Timestamp) {
    let mut warnings = Vec::new();
    for (n, cert) in chain.iter().enumerate() {
        let (place, validity) = (n + 1, &cert.tbs_certificate.validity);
        let (begin, end) = (time(validity.not_before), time(validity.not_after));
        if end < now {
            warnings.push(format!("certificate {place} ended at {end}: senders refuse it"));
        } else if now < begin {
            warnings.push(format!(
                "certificate {place} is not valid before {begin}: senders refuse it; is the clock right?"
            ));
        } else if end.since(now) < SOON_MS {
            warnings.push(format!("certificate {place} ends at {end}, soon: has its renewal failed?"));
        }
    }
    for (n, two) in chain.windows(2).enumerate() {
        if let [cert, by] = two
            && cert.tbs_certificate.issuer.to_der() != by.tbs_certificate.subject.to_der()
        {
            warnings.push(format!(
                "certificate {} was not signed by certificate {}, which follows it: the order is server, then who signed it, and so on",
                n + 1,
                n + 2
            ));
        }
    }
    (warnings, chain.first().map_or(Timestamp(0), |cert| time(cert.tbs_certificate.validity.not_after)))
}

fn time(time: Time) -> Timestamp {
    Timestamp(i64::try_from(time.to_unix_duration().as_millis()).unwrap_or(i64::MAX))
}
