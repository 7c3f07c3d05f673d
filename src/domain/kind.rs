//! What each kind of source is, as data: what a kind takes, how its sender proves itself, what its events carry and whether
//! anybody sees a reply. The rows are in `kinds.rs`; how a body becomes events is in `sources`, one file a kind.
//!
//! The rules ask these rows what can be matched and answered, the sources what to let in: nothing else knows a kind by name.

use super::connection::ProviderKind;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// `a=1&b=2`
    Form,
    /// Words.
    Text,
}

/// How a kind's sender proves itself without anybody's doing: what `secret:` alone stands for under `auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnProof {
    /// It doesn't: a secret has to stand in a header or in the address.
    None,
    /// A signature, made as this preset says.
    Signature(&'static str),
    /// A header that holds the secret itself.
    Header(&'static str),
}

/// What a vendor asks before, or beside, its first event. Nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handshake {
    /// Nothing.
    None,
    /// A HEAD request: is anybody there?
    Head,
    /// A GET without any proof but the source's `verify_token` in the query. The answer is what the query has as the challenge.
    Query {
        /// The parameter that holds the token.
        token: &'static str,
        /// The parameter to answer with.
        challenge: &'static str,
    },
    /// A body that is proven as any other is and isn't an event.
    Body {
        /// The key of the body that tells it.
        key: &'static str,
        /// What stands there.
        is: &'static str,
        /// The key whose text is the answer; without one the answer is `{}`.
        answer: Option<&'static str>,
    },
}

/// A part of an event that not every kind has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What happened.
    Type,
    /// What the person meant.
    Intent,
    /// What the person said.
    Text,
    /// The language.
    Language,
    /// The conversation.
    Session,
    /// How sure the platform is of the intent.
    Confidence,
    /// Whom it is about, by the vendor's own id.
    Contact,
    /// Dialogflow CX: the page.
    Page,
    /// Dialogflow CX: the flow.
    Flow,
    /// Dialogflow CX: the page's form.
    Form,
}

/// What the sender reads of a request that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What became of it, as the contract has it, with the reply in it.
    Told,
    /// The vendor's own answer to the first event, of this content type.
    Own(&'static str),
}

/// What a kind of source is.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "it is a row of a table, and not a state")]
pub struct Traits {
    /// Its name in rule files.
    pub name: &'static str,
    /// What people call the sender.
    pub title: &'static str,
    /// The methods that it takes, as the `Allow` header has them.
    pub methods: &'static str,
    /// The bodies that it takes.
    pub media: &'static [Media],
    /// The sender's own proof.
    pub proof: OwnProof,
    /// What is asked before the first event.
    pub handshake: Handshake,
    /// Whether its bodies carry a deduplication key.
    pub has_key: bool,
    /// Whether it says where the parts of its events stand: `type`, `intent`, `text`, `params` and `each` of the source do.
    pub is_told: bool,
    /// The parts that its events may carry.
    pub carries: &'static [Part],
    /// Whether an agent speaks through it, that is, Dialogflow. It fills the parameters in and lets through what its entities know;
    /// elsewhere they are what somebody wrote. It waits for an answer for some seconds, and has words of its own where none comes.
    pub has_agent: bool,
    /// The providers at which a contact that its events name is known by that id.
    pub contact_at: &'static [ProviderKind],
    /// Whether some events tell that a contact's tags changed.
    pub tells_tags: bool,
    /// The keys of a reply that have a place in its answer; none: nobody sees a reply.
    pub reply: &'static [&'static str],
    /// The answer.
    pub answer: Answer,
    /// Where its bodies are described.
    pub source: &'static str,
    /// What of the kind the vendor doesn't confirm; empty where nothing is open.
    pub unconfirmed: &'static str,
}

impl Traits {
    /// Whether its events may carry a part.
    pub fn carries(&self, part: Part) -> bool {
        self.carries.contains(&part)
    }

    /// Whether anybody sees a reply.
    pub fn replies(&self) -> bool {
        !self.reply.is_empty()
    }
}

/// Makes the enum of its rows, so that no list of kinds can forget one.
macro_rules! kinds {
    ($($(#[doc = $about:literal])* $kind:ident => $row:ident,)*) => {
        /// What a source's body looks like.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum SourceKind {
            $($(#[doc = $about])* $kind,)*
        }

        impl SourceKind {
            /// Every kind there is.
            pub const ALL: &'static [SourceKind] = &[$(SourceKind::$kind,)*];

            /// What it is.
            pub fn traits(self) -> &'static Traits {
                match self {
                    $(Self::$kind => &super::kinds::$row,)*
                }
            }
        }
    };
}

kinds! {
    /// Dialogflow ES, API v2.
    DialogflowEs => DIALOGFLOW_ES,
    /// Dialogflow CX, API v3.
    DialogflowCx => DIALOGFLOW_CX,
    /// Whatever a sender likes to send: JSON, XML, a form, plain text or a query.
    Catch => CATCH,
    /// HelpCrunch's webhooks.
    Helpcrunch => HELPCRUNCH,
    /// respond.io's webhooks, and those of its white labels.
    RespondIo => RESPOND_IO,
    /// B2Chat's webhooks.
    B2chat => B2CHAT,
    /// Chatwoot's webhooks.
    Chatwoot => CHATWOOT,
    /// Intercom's notifications.
    Intercom => INTERCOM,
    /// Zendesk's webhooks.
    Zendesk => ZENDESK,
    /// Typeform's responses.
    Typeform => TYPEFORM,
    /// GitHub's webhooks.
    Github => GITHUB,
    /// Stripe's events.
    Stripe => STRIPE,
    /// Messenger, Instagram and WhatsApp.
    Meta => META,
    /// A bot of Telegram.
    Telegram => TELEGRAM,
    /// An account of LINE.
    Line => LINE,
    /// A bot of Viber.
    Viber => VIBER,
    /// An app of Slack.
    Slack => SLACK,
    /// Messages and calls of Twilio.
    Twilio => TWILIO,
}

impl SourceKind {
    /// Its name in rule files.
    pub fn name(self) -> &'static str {
        self.traits().name
    }

    /// The kind of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether the kind's own bodies carry a deduplication key.
    pub fn has_key(self) -> bool {
        self.traits().has_key
    }
}

#[cfg(test)]
mod tests {
    use super::super::presets::Preset;
    use super::*;

    #[test]
    fn every_row_is_named_once_and_says_only_what_holds_together() {
        for kind in SourceKind::ALL {
            let row = kind.traits();
            let name = row.name;
            assert_eq!(SourceKind::named(name), Some(*kind), "two kinds are named {name}");
            assert!(!row.title.is_empty() && !row.source.is_empty() && !row.media.is_empty(), "{name}");
            assert!(row.methods.split(", ").any(|method| method == "POST"), "{name}");
            let takes = |method| row.methods.split(", ").any(|taken| taken == method);
            match row.handshake {
                Handshake::Head => assert!(takes("HEAD"), "{name}"),
                Handshake::Query { .. } => assert!(takes("GET"), "{name}"),
                Handshake::None | Handshake::Body { .. } => assert!(!takes("HEAD"), "{name}"),
            }
            match row.proof {
                OwnProof::Signature(preset) => assert!(Preset::named(preset).is_some(), "{name}"),
                OwnProof::Header(header) => assert_eq!(header, header.to_lowercase(), "{name}"),
                OwnProof::None => {}
            }
        }
    }
}
