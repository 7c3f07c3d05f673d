//! One request of each vendor's, as `tagrelay send` would make it: the kind's own sample, with another id and another contact for each
//! number, and the proof that the kind demands.

use std::collections::HashMap;
use std::fmt::Write as _;

use tagrelay::clock;
use tagrelay::domain::kind::Media;
use tagrelay::domain::secret::Secret;
use tagrelay::rules::{RuleFile, check};
use tagrelay::sources::{Source, code};
use tagrelay::vault::Vault;

/// What all vendors sign with.
pub const SENDER_SECRET: &str = "5e0f3a1c9b7d42e88a6c";
/// The variable in which the gateway finds it.
pub const SENDER_SECRET_NAME: &str = "SENDER_SECRET";

/// What of a kind's sample differs from one number to the next.
struct Sender {
    kind: &'static str,
    /// The text by which repetitions are known, and what stands in its place: `#` is the number.
    id: (&'static str, &'static str),
    /// The contact's id: text of the sample, of which the last digits are replaced.
    contact: &'static str,
    /// Where the rules find the contact.
    template: &'static str,
}

const SENDERS: [Sender; 15] = [
    sender("helpcrunch", ("73499e69-285c-44c3-8431", "73499e69-#"), "8745474", "eventData.customer.id"),
    sender("respond-io", ("b5a0cf5e-7c11-4c1c-9a1b", "b5a0cf5e-#"), "445381935", "contact.id"),
    sender(
        "b2chat",
        ("00000000-0000-4000-8000-000000000003", "00000000-0000-4000-8000-#"),
        "60000004",
        "chat.contact.id",
    ),
    sender("chatwoot", ("\"id\":501,", "\"id\":#,"), "17", "sender.id"),
    sender("intercom", ("78c122d0-23ba-11e4", "78c122d0-#"), "64f0c1", "data.item.source.author.id"),
    sender("zendesk", ("2b24ef10-19d8-4b4e", "2b24ef10-#"), "6596848315901", "detail.id"),
    sender("typeform", ("01KDX0PANADERIA00000000001", "01KDX0PANADERIA#"), "1568834", "form_response.hidden.crm_id"),
    sender("github", ("492700400", "#"), "21031068", "sender.id"),
    sender("stripe", ("evt_1SkPanaderia000001", "evt_1SkPanaderia#"), "cus_Panaderia1", "data.object.customer"),
    sender("meta", ("wamid.pan1==", "wamid.pan#"), "573001112233", "from"),
    sender("telegram", ("874000000", "#"), "700000001", "message.from.id"),
    sender("line", ("01HKPAN0000000000000000001", "01HKPAN#"), "U206d25c2ea6bd87c17655609a1c37cb8", "source.userId"),
    sender("viber", ("5741311803571721001", "#"), "01234567890A=", "sender.id"),
    sender("slack", ("Ev0PAN01", "Ev#"), "U2147483697", "event.user"),
    sender("twilio", ("SM00000000000000000000000000000001", "SM#"), "14155551234", "From"),
];

const fn sender(
    kind: &'static str,
    id: (&'static str, &'static str),
    contact: &'static str,
    template: &'static str,
) -> Sender {
    Sender { kind, id, contact, template }
}

/// Rules for all of them: a source each, and a rule that adds a tag.
pub fn sender_rules() -> (String, String) {
    let mut text = "sources:\n".to_owned();
    for Sender { kind, template, .. } in &SENDERS {
        let secret = format!("env:{SENDER_SECRET_NAME}");
        let proof = match *kind {
            "b2chat" => format!(
                "{{ header: {{ name: X-Token, value: {secret} }} }}, dedupe: \"{{{{ payload.chat.chat_id }}}}\""
            ),
            "meta" => format!("{{ secret: {secret} }}, verify_token: {secret}"),
            _ => format!("{{ secret: {secret} }}"),
        };
        // Writing to a String can't fail.
        let _ =
            writeln!(text, "  {kind}: {{ kind: {kind}, auth: {proof}, contact: \"{{{{ payload.{template} }}}}\" }}");
    }
    text += "rules:\n";
    for Sender { kind, .. } in &SENDERS {
        let _ = writeln!(
            text,
            "  - id: from-{kind}\n    match: {{ source: {kind} }}\n    tag: {{ crm: {{ add: [From {kind}] }} }}"
        );
    }
    ("senders.yaml".to_owned(), text)
}

/// The requests of one vendor.
pub struct Vendor {
    sender: &'static Sender,
    source: Source,
    contacts: u64,
    /// The sample before, between and after what is replaced.
    body: Vec<Part>,
    head: String,
}

enum Part {
    Fixed(String),
    Id,
    Contact,
}

impl Vendor {
    /// One after the other for 0, 1, 2 and so on.
    pub fn of(place: usize, contacts: usize) -> Self {
        let sender = &SENDERS[place % SENDERS.len()];
        let (path, text) = sender_rules();
        let desk = "connections: { crm: { provider: helpcrunch, api_key: env:HELPCRUNCH_API_KEY } }\n".to_owned();
        let files = [RuleFile { path, text }, RuleFile { path: "desk.yaml".to_owned(), text: desk }];
        let catalog = check(&files).catalog.expect("the rules are clean");
        let config = catalog.sources().find(|config| config.name.as_str() == sender.kind).expect("its source");
        let vault = Vault::new(HashMap::new(), Some(Secret::new(SENDER_SECRET)));
        let Ok(source) = Source::open(config, &vault) else { panic!("{} can't be opened", sender.kind) };
        let sample = code(config.kind).sample;
        let media = Media::by_look(sample.body.as_bytes()).name();
        let mut head = format!("Host: 127.0.0.1\r\nAccept: */*\r\nContent-Type: {media}\r\n");
        for (name, value) in sample.headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        Self { sender, source, contacts: contacts.max(1) as u64, body: parts(sender, &compact(sample.body)), head }
    }

    /// The request of a number, signed now.
    pub fn request(&self, number: u64) -> Vec<u8> {
        let mut body = String::with_capacity(2_048);
        for part in &self.body {
            // Writing to a String can't fail.
            let _ = match part {
                Part::Fixed(text) => body.write_str(text),
                Part::Id => write!(body, "{}", self.sender.id.1.replace('#', &format!("1{number:012}"))),
                Part::Contact => write!(body, "{}", 10_000_000 + number % self.contacts),
            };
        }
        let path = format!("/hooks/{}", self.sender.kind);
        let proof = self.source.proof(
            clock::now(),
            &format!("http://127.0.0.1{path}"),
            body.as_bytes(),
            &format!("msg-{number}"),
        );
        let mut request = format!("POST {path} HTTP/1.1\r\n{}", self.head);
        for (name, value) in &proof.headers {
            let _ = write!(request, "{name}: {value}\r\n");
        }
        let _ = write!(request, "Content-Length: {}\r\n\r\n{body}", body.len());
        request.into_bytes()
    }
}

/// The sample as a program writes it: without the spaces that make it readable.
fn compact(sample: &str) -> String {
    let json: Result<serde_json::Value, _> = serde_json::from_str(sample);
    json.map_or_else(|_| sample.to_owned(), |json| json.to_string())
}

fn parts(sender: &Sender, mut text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    loop {
        let found = [(sender.id.0, Part::Id), (sender.contact, Part::Contact)].into_iter();
        let found = found.filter_map(|(what, part)| text.split_once(what).map(|(before, rest)| (before, part, rest)));
        let Some((before, part, rest)) = found.min_by_key(|(before, ..)| before.len()) else { break };
        parts.extend([Part::Fixed(before.to_owned()), part]);
        text = rest;
    }
    parts.push(Part::Fixed(text.to_owned()));
    parts
}
