//! A signed Dialogflow ES request, ready to write to a socket: built once, then patched in place for each number.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The secret of the benchmarks' source.
pub const SECRET: &str = "whsec_dGFncmVsYXktYmVuY2htYXJrLXNlY3JldC0zMmI=";

/// A place in the request whose bytes differ from one number to the next.
#[derive(Clone, Copy)]
struct Slot {
    at: usize,
    length: usize,
}

/// One request. `fill` makes it that of a number; the same number always has the same body.
#[derive(Clone)]
pub struct Message {
    bytes: Vec<u8>,
    head: usize,
    keyed: Hmac<Sha256>,
    plain_keyed: Option<Hmac<Sha256>>,
    intents: u64,
    contacts: u64,
    id: Slot,
    timestamp: Slot,
    signature: Slot,
    body_signature: Slot,
    response: Slot,
    words: Slot,
    email: Slot,
    budget: Slot,
    intent: Slot,
    sender: Slot,
    mid: Slot,
    contact: Slot,
    session: Slot,
}

/// Puts the text together and remembers where the slots are.
#[derive(Default)]
struct Text(Vec<u8>);

impl Text {
    fn fixed(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn slot(&mut self, length: usize) -> Slot {
        let at = self.0.len();
        self.0.resize(at + length, b'0');
        Slot { at, length }
    }
}

impl Slot {
    fn after(self, head: usize) -> Self {
        Self { at: self.at + head, length: self.length }
    }
}

impl Message {
    /// A request for `path` whose numbers go round `intents` intents and `contacts` contacts. With `body_signature` it also
    /// carries an `X-Hub-Signature-256` over the body alone, for programs that can't verify more.
    pub fn new(path: &str, intents: usize, contacts: usize, body_signature: bool) -> Self {
        let mut body = Text::default();
        let response = body.fixed(r#"{"responseId":""#).slot(36);
        let words = body.fixed(r#"","queryResult":{"queryText":""#).slot(60);
        let email = body.fixed(r#"","action":"topic.ask","parameters":{"name":"Ana Maria","email":"lead-"#).slot(12);
        let budget = body.fixed(r#"@panaderia.example","budget":"#).slot(4);
        let intent = body
            .fixed(concat!(
                r#","plan":"pro","topics":["pan","pasteles"],"since":"2026-03-02T12:00:00-05:00","#,
                r#""age":{"amount":20,"unit":"year"}},"allRequiredParamsPresent":true,"#,
                r#""fulfillmentText":"","fulfillmentMessages":[{"text":{"text":[""]}}],"#,
                r#""outputContexts":[{"name":"projects/panaderia-demo/agent/sessions/current/contexts/topic-followup","#,
                r#""lifespanCount":2,"parameters":{"plan":"pro","plan.original":"pro","budget.original":"6000"}},"#,
                r#"{"name":"projects/panaderia-demo/agent/sessions/current/contexts/__system_counters__","#,
                r#""parameters":{"no-input":0.0,"no-match":0.0}}],"#,
                r#""intent":{"name":"projects/panaderia-demo/agent/intents/9f1b2a0c-1d2e-4f30-8a4b-5c6d7e8f9a0b","#,
                r#""displayName":"topic-"#
            ))
            .slot(5);
        let sender = body
            .fixed(concat!(
                r#".ask"},"intentDetectionConfidence":0.91,"diagnosticInfo":{"webhook_latency_ms":12},"#,
                r#""languageCode":"es-419","sentimentAnalysisResult":{"queryTextSentiment":{"score":0.3,"magnitude":0.3}}},"#,
                r#""originalDetectIntentRequest":{"source":"facebook","payload":{"source":"facebook","#,
                r#""data":{"object":"page","entry":[{"id":"200000000000001","time":1700000000200,"messaging":["#,
                r#"{"sender":{"id":"30000000"#
            ))
            .slot(8);
        let mid = body
            .fixed(concat!(
                r#""},"recipient":{"id":"200000000000001"},"timestamp":1700000000123,"#,
                r#""message":{"mid":"m_"#
            ))
            .slot(16);
        let contact =
            body.fixed(r#"","text":"precio pro para la tienda de la esquina"}}]}]},"helpcrunch_id":""#).slot(8);
        let session = body.fixed(r#""}},"session":"projects/panaderia-demo/agent/sessions/"#).slot(36);
        body.fixed(r#""}"#);

        let mut head = Text::default();
        head.fixed(&format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: Google-Dialogflow\r\nAccept: */*\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nwebhook-id: msg_",
            body.0.len()
        ));
        let id = head.slot(16);
        let id = Slot { at: id.at - 4, length: id.length + 4 };
        let timestamp = head.fixed("\r\nwebhook-timestamp: ").slot(10);
        let signature = head.fixed("\r\nwebhook-signature: v1,").slot(44);
        let body_signature = if body_signature {
            head.fixed("\r\nX-Hub-Signature-256: sha256=").slot(64)
        } else {
            Slot { at: 0, length: 0 }
        };
        let at = head.fixed("\r\n\r\n").0.len();

        let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).expect("the secret above is Base64");
        let keyed = |key: &[u8]| Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
        let mut bytes = head.0;
        bytes.append(&mut body.0);
        Self {
            bytes,
            head: at,
            keyed: keyed(&key),
            plain_keyed: (body_signature.length > 0).then(|| keyed(SECRET.as_bytes())),
            intents: intents as u64,
            contacts: contacts as u64,
            id,
            timestamp,
            signature,
            body_signature,
            response: response.after(at),
            words: words.after(at),
            email: email.after(at),
            budget: budget.after(at),
            intent: intent.after(at),
            sender: sender.after(at),
            mid: mid.after(at),
            contact: contact.after(at),
            session: session.after(at),
        }
    }

    /// Makes this the request of `number`, signed at `seconds` (Unix time), and gives its bytes.
    pub fn fill(&mut self, number: u64, seconds: i64) -> &[u8] {
        let (one, two, three) = (mixed(number), mixed(number ^ 0x5851_f42d_4c95_7f2d), mixed(!number));
        let contact = three % self.contacts;
        self.put_uuid(self.response, one, two);
        self.put_words(one, two, three);
        self.put_hex(self.email, two);
        self.put_decimal(self.budget, 1_000 + one % 9_000);
        self.put_decimal(self.intent, two % self.intents);
        self.put_decimal(self.sender, 10_000_000 + contact);
        self.put_hex(self.mid, three);
        self.put_decimal(self.contact, 10_000_000 + contact);
        self.put_uuid(self.session, mixed(contact), mixed(!contact));
        self.put_hex(Slot { at: self.id.at + 4, length: 16 }, one);
        self.put_decimal(self.timestamp, seconds.unsigned_abs());
        self.sign();
        &self.bytes
    }

    /// The bytes of the body alone.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(self.head..).unwrap_or_default()
    }

    fn sign(&mut self) {
        let mut mac = self.keyed.clone();
        mac.update(self.part(self.id));
        mac.update(b".");
        mac.update(self.part(self.timestamp));
        mac.update(b".");
        mac.update(self.body());
        let made = mac.finalize().into_bytes();
        let slot = self.signature;
        // 32 bytes are 44 letters, which is what the slot holds.
        let _ = STANDARD.encode_slice(made, self.part_mut(slot));
        if let Some(mut mac) = self.plain_keyed.clone() {
            mac.update(self.body());
            let made = mac.finalize().into_bytes();
            let slot = self.body_signature;
            let _ = hex::encode_to_slice(made, self.part_mut(slot));
        }
    }

    fn part(&self, slot: Slot) -> &[u8] {
        self.bytes.get(slot.at..slot.at + slot.length).unwrap_or_default()
    }

    fn part_mut(&mut self, slot: Slot) -> &mut [u8] {
        self.bytes.get_mut(slot.at..slot.at + slot.length).unwrap_or_default()
    }

    fn put_decimal(&mut self, slot: Slot, mut value: u64) {
        for byte in self.part_mut(slot).iter_mut().rev() {
            *byte = b'0' + (value % 10) as u8;
            value /= 10;
        }
    }

    fn put_hex(&mut self, slot: Slot, mut value: u64) {
        for byte in self.part_mut(slot) {
            *byte = digit(value);
            value = value.rotate_right(4);
        }
    }

    fn put_uuid(&mut self, slot: Slot, mut high: u64, mut low: u64) {
        for (index, byte) in self.part_mut(slot).iter_mut().enumerate() {
            if matches!(index, 8 | 13 | 18 | 23) {
                *byte = b'-';
                continue;
            }
            let half = if index < 18 { &mut high } else { &mut low };
            *byte = digit(*half);
            *half >>= 4;
        }
    }

    /// Ten made-up words of five letters, so that no two bodies compress into each other.
    fn put_words(&mut self, one: u64, two: u64, three: u64) {
        let mut bits = [one, two, three].into_iter().cycle();
        let mut left = 0;
        let slot = self.words;
        for (index, byte) in self.part_mut(slot).iter_mut().enumerate() {
            if index % 6 == 0 {
                left = bits.next().unwrap_or_default().rotate_left(index as u32);
            }
            *byte = if index % 6 == 5 { b' ' } else { b'a' + (left % 26) as u8 };
            left /= 26;
        }
    }
}

fn digit(value: u64) -> u8 {
    let nibble = (value & 15) as u8;
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

/// A one-to-one scramble of 64 bits (the finalizer of `SplitMix64`): different numbers never meet.
fn mixed(number: u64) -> u64 {
    let mut x = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
