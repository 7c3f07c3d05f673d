//! A signature over the request: read, judged, and compared with what each secret would have made.

use crate::domain::request::{Fields, Request};
use crate::domain::scheme::{HmacScheme, header_names};
use crate::domain::scheme_text::{Piece, SchemeText};
use crate::domain::scheme_value::Found;
use crate::domain::secret::SecretRef;
use crate::domain::time::Timestamp;
use crate::sources::fault::{OpenError, Refusal};
use crate::vault::Vault;

use super::key::Key;
use super::mac::{Keyed, Signature};
use super::{Proof, form, time};

/// More signatures than this in one header are no rotation; the bound keeps a hostile header cheap.
const MOST_SIGNATURES: usize = 16;

/// A scheme whose templates are parsed and whose secrets are open.
pub struct Signed {
    scheme: HmacScheme,
    text: SchemeText,
    header: Names,
    timestamp_header: Names,
    id_header: Names,
    keys: Vec<Key>,
}

/// The names that one header may go by; none where the scheme has no such header.
struct Names(Vec<String>);

impl Names {
    fn of(knob: Option<&str>) -> Self {
        Self(knob.into_iter().flat_map(header_names).map(str::to_owned).collect())
    }

    /// The name that counts: the first that the request has.
    ///
    /// [`crate::sources::read`] finds the message's id by the same rule, so an id that was added on the way under a name
    /// that counts more is the one that has to fit the signature.
    fn in_request(&self, headers: &Fields<'_>) -> Option<&str> {
        self.0.iter().map(String::as_str).find(|name| headers.get(name).is_some())
    }

    /// The name that we write it under.
    fn written(&self) -> Option<String> {
        self.0.first().cloned()
    }
}

/// What a signature is over.
#[derive(Clone, Copy)]
struct Message<'r> {
    id: &'r str,
    timestamp: &'r str,
    url: &'r str,
    body: &'r [u8],
    form: &'r [u8],
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
            Some(text) if faults.is_empty() => Ok(Self {
                header: Names::of(Some(&scheme.header)),
                timestamp_header: Names::of(scheme.timestamp_header.as_deref()),
                id_header: Names::of(scheme.id_header.as_deref()),
                scheme: scheme.clone(),
                text,
                keys,
            }),
            _ => Err(faults),
        }
    }

    /// Lets a request in when one of its signatures is what one of the secrets makes of it.
    ///
    /// However many signatures a header holds, each secret signs once.
    pub fn verify(&self, request: &Request<'_>) -> Result<(), Refusal> {
        let mut signatures: Vec<Signature> = Vec::with_capacity(2);
        let mut written_at = None;
        let name = self.header.in_request(&request.headers).ok_or(Refusal::MissingSignature)?;
        for header in request.headers.all(name) {
            self.text.value.read(header, &mut |found| match found {
                Found::Timestamp(time) => written_at = written_at.or(Some(time)),
                Found::Signature(text) if signatures.len() < MOST_SIGNATURES => {
                    signatures.extend(Signature::decode(text, self.scheme.encoding, self.scheme.algorithm));
                }
                Found::Signature(_) => {}
            });
        }
        if signatures.is_empty() {
            return Err(Refusal::MalformedSignature);
        }
        let form = if self.signs(&Piece::Form) { form::covered(request)? } else { Vec::new() };
        let message = Message { form: &form, ..self.message(request, written_at)? };
        if let Some(tolerance) = self.scheme.tolerance {
            time::judge(message.timestamp, request.received_at, tolerance)?;
        }
        // Who signs forms isn't of one mind about ports.
        let other_urls = if self.signs(&Piece::Form) { form::other_spellings(request.url) } else { Vec::new() };
        let urls = || std::iter::once(request.url).chain(other_urls.iter().map(String::as_str));
        let fits = |key: &Key| {
            let Some(keyed) = key.keyed() else { return false };
            urls().any(|url| {
                let ours = sign(keyed.clone(), &self.text.signed, &Message { url, ..message });
                signatures.iter().any(|theirs| theirs.equals(&ours))
            })
        };
        if self.keys.iter().any(fits) { Ok(()) } else { Err(Refusal::NoSecretMatches) }
    }

    /// Finds what the signature is over.
    fn message<'r>(&self, request: &'r Request<'_>, written_at: Option<&'r str>) -> Result<Message<'r>, Refusal> {
        let header = |names: &Names| names.in_request(&request.headers).and_then(|name| request.headers.get(name));
        let timestamp = match header(&self.timestamp_header).or(written_at) {
            Some(timestamp) => timestamp,
            None if self.signs(&Piece::Timestamp) => return Err(Refusal::MissingTimestamp),
            None => "",
        };
        let id = match header(&self.id_header) {
            Some(id) => id,
            None if self.signs(&Piece::Id) => return Err(Refusal::MissingId),
            None => "",
        };
        Ok(Message { id, timestamp, url: request.url, body: request.body, form: &[] })
    }

    fn signs(&self, piece: &Piece) -> bool {
        self.text.signed.contains(piece)
    }

    /// What a sender with the first secret would add.
    pub fn proof(&self, now: Timestamp, url: &str, body: &[u8], id: &str) -> Proof {
        let timestamp = self.text.time_form.write(now);
        let (form, query) = if self.signs(&Piece::Form) { form::to_sign(body) } else { (Vec::new(), Vec::new()) };
        let url = form::with_query(url, &query);
        let message = Message { id, timestamp: &timestamp, url: &url, body, form: &form };
        let Some(keyed) = self.keys.first().and_then(Key::keyed) else { return Proof::default() };
        let signature = sign(keyed, &self.text.signed, &message).encode(self.scheme.encoding);
        let value = self.text.value.write(&signature, &timestamp);
        let id = self.id_header.written().map(|name| (name, id.to_owned()));
        let time = self.timestamp_header.written().map(|name| (name, timestamp));
        let signature = self.header.written().map(|name| (name, value));
        Proof { headers: id.into_iter().chain(time).chain(signature).collect(), query }
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
            Piece::Form => message.form,
            // `signed` can't hold it: a signature isn't over itself.
            Piece::Signature => &[],
        });
    }
    keyed.finish()
}
