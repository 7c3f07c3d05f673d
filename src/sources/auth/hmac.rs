//! A signature over the request: read, judged, and compared with what each secret would have made.

use crate::domain::request::Request;
use crate::domain::scheme::HmacScheme;
use crate::domain::scheme_text::{Found, Piece, SchemeText};
use crate::domain::secret::SecretRef;
use crate::domain::time::Timestamp;
use crate::sources::fault::{OpenError, Refusal};
use crate::vault::Vault;

use super::key::Key;
use super::mac::{Keyed, Signature};
use super::time;

/// More signatures than this in one header are no rotation; the bound keeps a hostile header cheap.
const MOST_SIGNATURES: usize = 16;

/// A scheme whose templates are parsed and whose secrets are open.
pub struct Signed {
    scheme: HmacScheme,
    text: SchemeText,
    keys: Vec<Key>,
}

/// What a signature is over.
struct Message<'r> {
    id: &'r str,
    timestamp: &'r str,
    url: &'r str,
    body: &'r [u8],
}

impl Signed {
    /// Parses the scheme and opens all its secrets; every fault is reported.
    pub fn open(scheme: &HmacScheme, secrets: &[SecretRef], vault: &Vault) -> Result<Self, Vec<OpenError>> {
        let mut faults = Vec::new();
        let text = SchemeText::parse(scheme).map_err(|e| faults.push(e.into())).ok();
        let open = |secret| Key::open(secret, vault, scheme.algorithm, scheme.key);
        let keys: Vec<Key> = secrets.iter().filter_map(|s| open(s).map_err(|e| faults.push(e)).ok()).collect();
        if secrets.is_empty() {
            faults.push(OpenError::NoSecret);
        }
        match text {
            Some(text) if faults.is_empty() => Ok(Self { scheme: scheme.clone(), text, keys }),
            _ => Err(faults),
        }
    }

    /// Lets a request in when one of its signatures is what one of the secrets makes of it.
    ///
    /// However many signatures a header holds, each secret signs once.
    pub fn verify(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let mut signatures: Vec<Signature> = Vec::with_capacity(2);
        let mut written_at = None;
        let mut present = false;
        for header in request.headers.all(&self.scheme.header) {
            present = true;
            self.text.value.read(header, &mut |found| match found {
                Found::Timestamp(time) => written_at = written_at.or(Some(time)),
                Found::Signature(text) if signatures.len() < MOST_SIGNATURES => {
                    signatures.extend(Signature::decode(text, self.scheme.encoding, self.scheme.algorithm));
                }
                Found::Signature(_) => {}
            });
        }
        if !present {
            return Err(Refusal::MissingSignature);
        }
        if signatures.is_empty() {
            return Err(Refusal::MalformedSignature);
        }
        let message = self.message(request, written_at)?;
        if let Some(tolerance) = self.scheme.tolerance {
            time::judge(message.timestamp, request.received_at, tolerance)?;
        }
        let fits = |key: &Key| {
            let Some(keyed) = key.keyed() else { return false };
            let ours = sign(keyed, &self.text.signed, &message);
            signatures.iter().any(|theirs| theirs.equals(&ours))
        };
        if self.keys.iter().any(fits) { Ok(()) } else { Err(Refusal::NoSecretMatches) }
    }

    /// Finds what the signature is over.
    fn message<'r>(&self, request: &'r Request<'_>, written_at: Option<&'r str>) -> Result<Message<'r>, Refusal> {
        let header = |name: &Option<String>| name.as_deref().and_then(|name| request.headers.get(name));
        let signs = |piece: &Piece| self.text.signed.contains(piece);
        let timestamp = match header(&self.scheme.timestamp_header).or(written_at) {
            Some(timestamp) => timestamp,
            None if signs(&Piece::Timestamp) => return Err(Refusal::MissingTimestamp),
            None => "",
        };
        let id = match header(&self.scheme.id_header) {
            Some(id) => id,
            None if signs(&Piece::Id) => return Err(Refusal::MissingId),
            None => "",
        };
        Ok(Message { id, timestamp, url: request.url, body: request.body })
    }

    /// The headers that a sender with the first secret would add.
    pub fn proof(&self, now: Timestamp, url: &str, body: &[u8], id: &str) -> Vec<(String, String)> {
        let timestamp = now.seconds().to_string();
        let message = Message { id, timestamp: &timestamp, url, body };
        let Some(keyed) = self.keys.first().and_then(Key::keyed) else { return Vec::new() };
        let signature = sign(keyed, &self.text.signed, &message).encode(self.scheme.encoding);
        let value = self.text.value.write(&signature, &timestamp);
        let id = self.scheme.id_header.clone().map(|name| (name, id.to_owned()));
        let time = self.scheme.timestamp_header.clone().map(|name| (name, timestamp));
        id.into_iter().chain(time).chain([(self.scheme.header.clone(), value)]).collect()
    }
}

fn sign(mut keyed: Keyed, signed: &[Piece], message: &Message<'_>) -> Signature {
    for piece in signed {
        keyed.update(match piece {
            Piece::Literal(text) => text.as_bytes(),
            Piece::Id => message.id.as_bytes(),
            Piece::Timestamp => message.timestamp.as_bytes(),
            Piece::Body => message.body,
            Piece::Url => message.url.as_bytes(),
            // `signed` can't hold it: a signature isn't over itself.
            Piece::Signature => &[],
        });
    }
    keyed.finish()
}
