//! What can be wrong with a certificate and its key, each with its mend.

use std::path::PathBuf;

/// Why a pair can't be used. No message shows what stands in a file.
#[derive(Debug, thiserror::Error)]
pub enum BadPair {
    /// A file can't be read.
    #[error("{}: {why}; it must be readable for the user that runs the gateway", file.display())]
    Unreadable {
        /// Which.
        file: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
    /// A file isn't PEM.
    #[error("{}: this is not PEM, which has lines such as -----BEGIN {label}-----; DER becomes PEM by `openssl {by} -inform DER`", file.display())]
    NotPem {
        /// Which.
        file: PathBuf,
        /// What is looked for.
        label: &'static str,
        /// The program that converts it.
        by: &'static str,
    },
    /// PEM that breaks off or is damaged.
    #[error("{}: its PEM is damaged: {why}", file.display())]
    Damaged {
        /// Which.
        file: PathBuf,
        /// The library's words.
        why: String,
    },
    /// The certificate's file holds none.
    #[error("{}: there is no certificate in it{}", file.display(), swapped(*.holds_a_key, "a key"))]
    NoCertificate {
        /// Which.
        file: PathBuf,
        /// Whether there is a key in it.
        holds_a_key: bool,
    },
    /// A certificate can't be read.
    #[error("{}: certificate {place} can't be read: {why}", file.display())]
    Certificate {
        /// Which.
        file: PathBuf,
        /// From 1.
        place: usize,
        /// The library's words.
        why: String,
    },
    /// The key's file holds none.
    #[error("{}: there is no private key in it{}", file.display(), swapped(*.holds_a_certificate, "a certificate"))]
    NoKey {
        /// Which.
        file: PathBuf,
        /// Whether there is a certificate in it.
        holds_a_certificate: bool,
    },
    /// The key needs a passphrase.
    #[error("{}: the key is encrypted, and nobody is there to give its passphrase; `openssl pkey -in KEY -out PLAIN` writes it without one", file.display())]
    Encrypted {
        /// Which.
        file: PathBuf,
    },
    /// A key of a kind that isn't known.
    #[error("{}: this key can't be used ({why}); RSA of 2048 bits or more, ECDSA on P-256 or P-384, and Ed25519 can", file.display())]
    Key {
        /// Which.
        file: PathBuf,
        /// The library's words.
        why: String,
    },
    /// The key is that of a certificate that isn't the first.
    #[error("{}: the key belongs to certificate {place}; the server's own must be first, then the one that signed it, and so on", file.display())]
    Order {
        /// The certificates.
        file: PathBuf,
        /// From 1.
        place: usize,
    },
    /// The key is another certificate's.
    #[error("{}: this key doesn't belong to the certificate in {}", key.display(), cert.display())]
    Mismatch {
        /// The certificates.
        cert: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// rustls can't be set up.
    #[error("TLS can't be set up: {0}")]
    Tls(rustls::Error),
}

fn swapped(is_it: bool, other: &str) -> String {
    if is_it { format!(", but {other}: are TAGRELAY_TLS_CERT and TAGRELAY_TLS_KEY exchanged?") } else { String::new() }
}
