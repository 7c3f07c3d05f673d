//! Whom our own TLS connections believe, where the system's roots are not the answer: PostgreSQL's servers, and gateways that
//! commands ask.

use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

/// Who is believed.
#[derive(Debug)]
pub struct Trusted {
    /// Authorities.
    pub roots: RootCertStore,
    /// Certificates that are believed as they are, whoever signed them.
    pub named: Vec<CertificateDer<'static>>,
}

impl Trusted {
    /// The certificates of a PEM file, as authorities and as they are.
    pub fn of_file(file: &Path) -> Result<Self, String> {
        let named = certificates(file)?;
        let mut roots = RootCertStore::empty();
        for certificate in &named {
            roots.add(certificate.clone()).map_err(|error| error.to_string())?;
        }
        Ok(Self { roots, named })
    }

    /// The first certificate of a PEM file and nobody else's, for as long as it is there.
    pub fn very_one(file: &Path) -> Result<Self, String> {
        Ok(Self { roots: RootCertStore::empty(), named: certificates(file)?.into_iter().take(1).collect() })
    }
}

/// Judges a server's certificate.
#[derive(Debug)]
pub struct Verifier {
    /// `None`: whoever answers is believed.
    trusted: Option<Trusted>,
    checks_name: bool,
    algorithms: WebPkiSupportedAlgorithms,
}

/// A client's configuration that judges servers so; what proves the client is still to be said.
pub fn client(
    trusted: Option<Trusted>,
    checks_name: bool,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert>, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Verifier { trusted, checks_name, algorithms: provider.signature_verification_algorithms };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)))
}

/// The certificates of a PEM file, of which there is at least one.
pub fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| error.to_string())?;
    if read.is_empty() { Err("it holds no certificate".to_owned()) } else { Ok(read) }
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
