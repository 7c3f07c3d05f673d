//! TLS to PostgreSQL, by libpq's words: `sslmode` says whether and what is checked, `sslrootcert` whom to trust.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::ConnectError;
use super::keywords::Keywords;
use crate::trust::{self, Trusted};

/// Whether there is TLS, and who is believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    mode: Mode,
    roots: Roots,
    /// What proves who we are: a chain of certificates and its key.
    own: Option<(PathBuf, PathBuf)>,
}

/// libpq's `sslmode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Disable,
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Roots {
    /// Nothing was said.
    Unsaid,
    System,
    File(PathBuf),
}

impl Tls {
    pub(super) fn read(given: &mut Keywords) -> Result<Self, String> {
        let roots = match given.take("sslrootcert") {
            none if none.is_empty() => Roots::Unsaid,
            system if system == "system" => Roots::System,
            file => Roots::File(PathBuf::from(file)),
        };
        let said = given.take("sslmode");
        let mode = match &*said {
            // As libpq has it.
            "" if roots == Roots::System => Mode::VerifyFull,
            "" | "prefer" => Mode::Prefer,
            "disable" => Mode::Disable,
            "require" => Mode::Require,
            "verify-ca" => Mode::VerifyCa,
            "verify-full" => Mode::VerifyFull,
            _ => return Err("sslmode: expected disable, prefer, require, verify-ca or verify-full".into()),
        };
        match (mode, &roots) {
            (Mode::VerifyFull, _)
            | (_, Roots::File(_))
            | (Mode::Disable | Mode::Prefer | Mode::Require, Roots::Unsaid) => {}
            // Anybody can have a certificate that some public authority signed, for a name of their own.
            (_, Roots::System) => {
                return Err("sslrootcert=system believes everybody's certificates: it needs sslmode=verify-full".into());
            }
            (Mode::VerifyCa, Roots::Unsaid) => {
                return Err("sslmode=verify-ca needs sslrootcert=FILE, the certificate of the authority".into());
            }
        }
        let own = match (given.take("sslcert"), given.take("sslkey")) {
            (cert, key) if cert.is_empty() && key.is_empty() => None,
            (cert, key) if !cert.is_empty() && !key.is_empty() => Some((PathBuf::from(cert), PathBuf::from(key))),
            _ => return Err("sslcert and sslkey go together".into()),
        };
        Ok(Self { mode, roots, own })
    }

    /// What the driver is told: it knows less than libpq, and the rest is the verifier's.
    pub(super) fn asked(&self) -> SslMode {
        match self.mode {
            Mode::Disable => SslMode::Disable,
            Mode::Prefer => SslMode::Prefer,
            Mode::Require | Mode::VerifyCa | Mode::VerifyFull => SslMode::Require,
        }
    }

    pub(super) fn is_required(&self) -> bool {
        self.asked() == SslMode::Require
    }

    /// Reads the files anew: certificates are rotated too.
    pub(super) fn connector(&self) -> Result<MakeRustlsConnect, ConnectError> {
        let config = trust::client(self.trusted()?, self.mode == Mode::VerifyFull).map_err(ConnectError::Tls)?;
        let config = match &self.own {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let certificates = trust::certificates(chain).map_err(|why| unread(chain, &why))?;
                let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unread(key, &error.to_string()))?;
                config.with_client_auth_cert(certificates, secret).map_err(|error| unread(key, &error.to_string()))?
            }
        };
        Ok(MakeRustlsConnect::new(config))
    }

    /// `None`: whoever answers is believed, as libpq does under `require` and `prefer` where no authority is named.
    fn trusted(&self) -> Result<Option<Trusted>, ConnectError> {
        match (&self.roots, self.mode) {
            (_, Mode::Disable) => Ok(None),
            (Roots::File(file), _) => Trusted::of_file(file).map(Some).map_err(|why| unread(file, &why)),
            (Roots::System, _) | (Roots::Unsaid, Mode::VerifyFull) => {
                let found = rustls_native_certs::load_native_certs();
                let mut roots = RootCertStore::empty();
                roots.add_parsable_certificates(found.certs);
                if roots.is_empty() {
                    return Err(ConnectError::NoRoots);
                }
                Ok(Some(Trusted { roots, named: Vec::new() }))
            }
            (Roots::Unsaid, _) => Ok(None),
        }
    }
}

fn unread(file: &Path, why: &str) -> ConnectError {
    ConnectError::File { file: file.to_owned(), why: why.to_owned() }
}
