//! TLS to PostgreSQL, by libpq's words: `sslmode` says whether and what is checked, `sslrootcert` whom to trust.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::fault::ConnectError;
use super::keywords::Keywords;

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
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier {
            trusted: self.trusted()?,
            checks_name: self.mode == Mode::VerifyFull,
            algorithms: provider.signature_verification_algorithms,
        };
        let config = with_verifier(provider, verifier).map_err(ConnectError::Tls)?;
        let config = match &self.own {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let certificates = certificates(chain)?;
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
            (Roots::File(file), _) => {
                let named = certificates(file)?;
                let mut roots = RootCertStore::empty();
                for certificate in &named {
                    roots.add(certificate.clone()).map_err(|error| unread(file, &error.to_string()))?;
                }
                Ok(Some(Trusted { roots, named }))
            }
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

fn with_verifier(
    provider: Arc<CryptoProvider>,
    verifier: Verifier,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Error> {
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, ConnectError> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| unread(file, &error.to_string()))?;
    if read.is_empty() { Err(unread(file, "it holds no certificate")) } else { Ok(read) }
}

fn unread(file: &Path, why: &str) -> ConnectError {
    ConnectError::File { file: file.to_owned(), why: why.to_owned() }
}

#[derive(Debug)]
struct Trusted {
    roots: RootCertStore,
    /// The very certificates of the file.
    named: Vec<CertificateDer<'static>>,
}

#[derive(Debug)]
struct Verifier {
    trusted: Option<Trusted>,
    checks_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(Trusted { roots, named }) = &self.trusted else { return Ok(ServerCertVerified::assertion()) };
        let parsed = ParsedCertificate::try_from(server)?;
        match verify_server_cert_signed_by_trust_anchor(&parsed, roots, between, now, self.algorithms.all) {
            // PostgreSQL's manual makes a certificate that signs itself and calls itself an authority; rustls takes none
            // of those for a server's. Where the file names this very one, nothing is left to be proved but its time.
            Err(error) if named.contains(server) && !is_of_time(&error) => {}
            verified => verified?,
        }
        if self.checks_name {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

fn is_of_time(error: &Error) -> bool {
    use CertificateError::{Expired, ExpiredContext, NotValidYet, NotValidYetContext};
    matches!(
        error,
        Error::InvalidCertificate(Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. })
    )
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// What PostgreSQL's manual makes: it signs itself, for localhost, and calls itself an authority.
    const ITSELF: &str = "
-----BEGIN CERTIFICATE-----
MIIBkjCCATmgAwIBAgIUeWNfN98aBYO6CiBJFKz41d9tYZYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyNjE3MzYwMloXDTM2MTEyMzE3
MzYwMlowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAETseMgwGn4pwrr4TLkrHBdoPUBEl++uhDTKYPCESRx0x4ErzIC8EjDZLq
9ONPVBI+hTFUW8TgWBmo3nLEDEa6zaNpMGcwHQYDVR0OBBYEFNHuxdGtxED0f5Au
IpB7W9BifG+7MB8GA1UdIwQYMBaAFNHuxdGtxED0f5AuIpB7W9BifG+7MA8GA1Ud
EwEB/wQFMAMBAf8wFAYDVR0RBA0wC4IJbG9jYWxob3N0MAoGCCqGSM49BAMCA0cA
MEQCIFpQMCHznxDSwEnu+Fi8lM1Sa1lBRem03CwhCRyNTO5oAiBjlA9XyYxtbzOy
Kd6NME2se23DB9rYPalDzbnxnQ1KIQ==
-----END CERTIFICATE-----
";
    /// Its time.
    const TIME: (u64, u64) = (1_795_714_562, 2_111_074_562);

    fn verify(names: bool, checks_name: bool, name: &'static str, at: u64) -> Result<(), Error> {
        let own = CertificateDer::from_pem_slice(ITSELF.as_bytes()).expect("a certificate");
        let mut roots = RootCertStore::empty();
        roots.add(own.clone()).expect("it can be read");
        let named = if names { vec![own.clone()] } else { Vec::new() };
        let algorithms = rustls::crypto::ring::default_provider().signature_verification_algorithms;
        let verifier = Verifier { trusted: Some(Trusted { roots, named }), checks_name, algorithms };
        let name = ServerName::try_from(name).expect("a name");
        let now = UnixTime::since_unix_epoch(Duration::from_secs(at));
        verifier.verify_server_cert(&own, &[], &name, &[], now).map(|_| ())
    }

    #[test]
    fn a_certificate_that_signs_itself_is_believed_by_its_name_and_in_its_time() {
        let (begin, end) = TIME;
        assert_eq!(verify(true, true, "localhost", begin), Ok(()));
        assert_eq!(verify(true, false, "other", end), Ok(()));
        assert!(matches!(verify(true, true, "other", begin), Err(Error::InvalidCertificate(_))));
        assert!(is_of_time(&verify(true, false, "localhost", begin - 1).expect_err("too early")));
        assert!(is_of_time(&verify(true, false, "localhost", end + 1).expect_err("too late")));
        let unnamed = verify(false, false, "localhost", begin).expect_err("it is an authority");
        assert!(!is_of_time(&unnamed), "{unnamed}");
    }
}
