//! The vendors' kinds: what each body is read as, field by field, and that each sender's own proof is asked for.

mod chats;
mod desks;

use super::*;
use crate::domain::event::{TagNews, TagsTold};
use crate::domain::kind::Part;

/// What of an event a row names; what it doesn't name is unset.
#[derive(Debug, Default, PartialEq, Clone)]
struct Read {
    kind: &'static str,
    text: &'static str,
    language: &'static str,
    session: &'static str,
    contact: &'static str,
    key: &'static str,
    tags: Option<(&'static str, TagNews<'static>)>,
    /// The parameters' names, with spaces between.
    params: &'static str,
}

/// A body and what it is read as.
struct Row {
    kind: SourceKind,
    name: &'static str,
    body: &'static str,
    headers: &'static [(&'static str, &'static str)],
    read: Read,
}

/// The empty text stands for what isn't there.
fn none() -> Read {
    Read::default()
}

fn row(kind: SourceKind, name: &'static str, body: &'static str, read: Read) -> Row {
    Row { kind, name, body, headers: &[], read }
}

fn sample(kind: SourceKind, read: Read) -> Row {
    let sample = code(kind).sample;
    Row { kind, name: "the sample", body: sample.body, headers: sample.headers, read }
}

fn added(tag: &'static str) -> TagNews<'static> {
    TagNews::Added(vec![tag.into()])
}

fn removed(tag: &'static str) -> TagNews<'static> {
    TagNews::Removed(vec![tag.into()])
}

const PRICE: &str = "¿Cuánto cuesta el plan pro?";

fn rows() -> Vec<Row> {
    chats::rows().into_iter().chain(desks::rows()).collect()
}

fn of_kind(kind: SourceKind) -> SourceConfig {
    SourceConfig { kind, ..config(Vec::new()) }
}

#[test]
fn every_body_is_read_as_the_table_says() {
    for Row { kind, name, body, headers, read: expected } in rows() {
        let name = format!("{}: {name}", kind.name());
        let sent = headers.iter().fold(Sent::new(body.as_bytes()), |sent, (name, value)| sent.header(name, value));
        let config = of_kind(kind);
        let verified = Verified::by_operator(sent.request());
        let json = json_body(&config, &verified).unwrap_or_else(|e| panic!("{name}: {e}"));
        let reading = read(&config, &verified, &json).unwrap_or_else(|e| panic!("{name}: {e}"));
        let [event] = reading.events.as_slice() else { panic!("{name}: {} events", reading.events.len()) };
        let params: Vec<_> = event.params.entries().into_iter().map(|(name, _)| name.into_owned()).collect();
        let tags = expected.tags.clone().map(|(contact, news)| TagsTold { contact: contact.into(), news });
        let parts = [&event.kind, &event.text, &event.language, &event.session, &event.contact, &event.key];
        let found = parts.map(|part| part.as_deref().unwrap_or_default());
        let Read { kind: what, text, language, session, contact, key, params: names, .. } = expected;
        assert_eq!(found, [what, text, language, session, contact, key], "{name}");
        assert_eq!(params, names.split_whitespace().collect::<Vec<_>>(), "{name}");
        assert_eq!(event.tags_told, tags, "{name}");
        assert_eq!((event.payload.text(), event.body.text()), (body.trim(), body.trim()), "{name}");
    }
}

/// Kinds whose bodies have rooms of tests of their own: Dialogflow's, whatever one likes to send, and the messengers'.
const TESTED_ELSEWHERE: [SourceKind; 9] = [
    SourceKind::DialogflowEs,
    SourceKind::DialogflowCx,
    SourceKind::Catch,
    SourceKind::Meta,
    SourceKind::Telegram,
    SourceKind::Line,
    SourceKind::Viber,
    SourceKind::Slack,
    SourceKind::Twilio,
];

/// A rule that matches on what its sources never carry is a finding, so a row that forgets a part would forbid good rules.
#[test]
fn no_event_carries_what_its_kind_is_said_not_to() {
    for Row { kind, read, name, .. } in rows() {
        let name = format!("{}: {name}", kind.name());
        let carried = [
            (Part::Type, read.kind),
            (Part::Text, read.text),
            (Part::Language, read.language),
            (Part::Session, read.session),
            (Part::Contact, read.contact),
        ];
        for (part, found) in carried {
            assert!(found.is_empty() || kind.traits().carries(part), "{name}: {part:?}");
        }
        assert!(read.tags.is_none() || kind.traits().tells_tags, "{name}");
    }
    // And what it is said to carry some event has, or no rule could be tried on it. A new kind has no fixture, and is told of too.
    for kind in SourceKind::ALL.iter().filter(|kind| !TESTED_ELSEWHERE.contains(kind)) {
        let of_it: Vec<_> = rows().into_iter().filter(|row| row.kind == *kind).map(|row| row.read).collect();
        for part in kind.traits().carries {
            let has = |read: &Read| match part {
                Part::Type => !read.kind.is_empty(),
                Part::Text => !read.text.is_empty(),
                Part::Language => !read.language.is_empty(),
                Part::Session => !read.session.is_empty(),
                Part::Contact => !read.contact.is_empty(),
                _ => false,
            };
            assert!(of_it.iter().any(has), "{}: {part:?}", kind.name());
        }
    }
}

#[test]
fn answers_of_a_form_are_parameters_by_their_reference() {
    let body = br#"{"event_type":"form_response","event_id":"f1","form_response":{"hidden":{"plan":"old","crm":"7"},"answers":[
        {"type":"text","text":"A \"b\"","field":{"id":"q1","ref":"name"}},
        {"type":"choice","choice":{"other":"mine"},"field":{"id":"q2","ref":"plan"}},
        {"type":"choices","choices":{"labels":["a","b"],"other":"c"},"field":{"id":"q3"}},
        {"type":"boolean","boolean":true,"field":{"ref":"ok"}},
        {"type":"payment","payment":{"amount":"1.00","success":true},"field":{"ref":"paid"}},
        {"type":"text","field":{"ref":"nothing"}},
        7]}}"#;
    with_events(&of_kind(SourceKind::Typeform), body, |events| {
        let expected = r#"{"crm":"7","name":"A \"b\"","ok":true,"paid":{"amount":"1.00","success":true},"plan":"mine","q3":["a","b","c"]}"#;
        assert_eq!(events.expect("an event")[0].params.text(), expected);
    });
}

/// A hook that was given another vendor's address is told so at once, where the vendor's bodies can be told.
#[test]
fn what_is_no_body_of_the_vendor_is_refused_with_what_it_lacks() {
    let lacks = [
        (SourceKind::Helpcrunch, "event"),
        (SourceKind::Chatwoot, "event"),
        (SourceKind::Intercom, "topic"),
        (SourceKind::Typeform, "event_type"),
        (SourceKind::Stripe, "type"),
    ];
    for (kind, field) in lacks {
        for body in [&br#"{"hello":"world"}"#[..], format!(r#"{{"{field}":7}}"#).as_bytes()] {
            let error = with_events(&of_kind(kind), body, |events| events.map(|_| ()).expect_err("no event"));
            assert_eq!(error.field.as_deref(), Some(field), "{}", kind.name());
            assert!(error.help.is_some(), "{}", kind.name());
        }
    }
    for kind in SourceKind::ALL.iter().copied().filter(|kind| !kind.traits().is_told) {
        for body in [&b"[]"[..], b"7", b"", b" ", b"{", b"\xff"] {
            assert!(with_events(&of_kind(kind), body, |events| events.is_err()), "{}: {body:?}", kind.name());
        }
    }
}

/// `secret:` alone asks for the sender's own proof, and `send` makes it.
#[test]
fn each_sender_is_known_by_its_own_proof_and_any_changed_bit_refuses() {
    let mut proven = 0;
    for kind in SourceKind::ALL.iter().copied() {
        let Some(auth) = kind.traits().proof.forms(vec![literal("levadura-42"), literal("harina-17")]) else {
            continue;
        };
        let name = kind.name();
        let vault = Vault::new(HashMap::new(), None);
        let source =
            Source::open(&SourceConfig { auth, ..of_kind(kind) }, &vault).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let mut sent = Sent::new(code(kind).sample.body.as_bytes());
        assert!(sent.verify(&source).is_err(), "{name}: nothing proves this one");
        sent.headers = source.proof(NOW, &sent.url, &sent.body, "m1").headers;
        assert_eq!(sent.verify(&source), Ok(()), "{name}");
        proven += 1;
        let is_signed = matches!(kind.traits().proof, crate::domain::kind::OwnProof::Signature(_));
        // The presets have a test of their own for every bit.
        for bit in (0..sent.body.len() * 8).step_by(29).filter(|_| is_signed) {
            sent.body[bit / 8] ^= 1 << (bit % 8);
            assert!(sent.verify(&source).is_err(), "{name}, bit {bit}");
            sent.body[bit / 8] ^= 1 << (bit % 8);
        }
        let signature = sent.headers.pop();
        assert!(sent.verify(&source).is_err(), "{name}: without {signature:?}");
    }
    assert!(proven >= 8, "{proven}");
}

/// The real bodies, where they are at hand.
#[test]
fn the_originals_are_read_too() {
    let originals = [
        ("helpcrunch_webhook_message_chat_customer.json", SourceKind::Helpcrunch, "message.chat.customer", "8745474"),
        ("intercom_notification_user_created.json", SourceKind::Intercom, "user.created", "530370b477ad7120001d"),
        ("gh_issues_labeled.json", SourceKind::Github, "labeled", "21031067"),
        ("gh_issues_unlabeled.json", SourceKind::Github, "unlabeled", "21031067"),
    ];
    for (name, kind, what, contact) in originals {
        let Some(body) = original(name) else { return };
        with_events(&of_kind(kind), &body, |events| {
            let event = &events.unwrap_or_else(|e| panic!("{name}: {e}"))[0];
            assert_eq!((event.kind.as_deref(), event.contact.as_deref()), (Some(what), Some(contact)), "{name}");
        });
    }
}
