//! The schemes of known senders: rows of one table, each with where it is described and what nobody has confirmed.

use std::time::Duration;

use super::scheme::{Algorithm, Encoding, HmacScheme, KeyForm};

/// A preset: the scheme of a known sender.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name in rule files.
    pub name: &'static str,
    /// The header with the signature; alternatives between commas.
    pub header: &'static str,
    algorithm: Algorithm,
    encoding: Encoding,
    value: &'static str,
    signed: &'static str,
    timestamp_header: Option<&'static str>,
    id_header: Option<&'static str>,
    tolerance_s: Option<u64>,
    key: KeyForm,
    /// Where the scheme is described: the vendor's page or code, or an integrator's code.
    pub source: &'static str,
    /// What of the row is not confirmed by the vendor; empty where nothing is open.
    pub unconfirmed: &'static str,
}

/// The commonest scheme, from which each row says how it differs: HMAC-SHA-256 over the body, nothing around it.
const PLAIN: Preset = Preset {
    name: "",
    header: "",
    algorithm: Algorithm::Sha256,
    encoding: Encoding::Hex,
    value: "{signature}",
    signed: "{body}",
    timestamp_header: None,
    id_header: None,
    tolerance_s: None,
    key: KeyForm::Text,
    source: "",
    unconfirmed: "",
};

/// What the libraries of nearly all senders that sign a time allow.
const FIVE_MINUTES: Option<u64> = Some(300);

/// Every preset.
pub const PRESETS: [Preset; 19] = [
    Preset {
        name: "standard-webhooks",
        header: "webhook-signature",
        encoding: Encoding::Base64,
        value: "v1,{signature}",
        signed: "{id}.{timestamp}.{body}",
        timestamp_header: Some("webhook-timestamp"),
        id_header: Some("webhook-id"),
        tolerance_s: FIVE_MINUTES,
        key: KeyForm::Whsec,
        source: "the specification of the same name and its Rust library",
        ..PLAIN
    },
    Preset {
        name: "svix",
        header: "svix-signature, webhook-signature",
        encoding: Encoding::Base64,
        value: "v1,{signature}",
        signed: "{id}.{timestamp}.{body}",
        timestamp_header: Some("svix-timestamp, webhook-timestamp"),
        id_header: Some("svix-id, webhook-id"),
        tolerance_s: FIVE_MINUTES,
        key: KeyForm::Whsec,
        source: "svix-webhooks, rust/src/webhooks.rs",
        ..PLAIN
    },
    Preset {
        name: "github",
        header: "x-hub-signature-256",
        value: "sha256={signature}",
        id_header: Some("x-github-delivery"),
        source: "octokit's webhooks-methods",
        ..PLAIN
    },
    Preset {
        name: "meta",
        header: "x-hub-signature-256",
        value: "sha256={signature}",
        source: "n8n's Facebook and WhatsApp triggers; the key is the app secret",
        ..PLAIN
    },
    Preset {
        name: "stripe",
        header: "stripe-signature",
        value: "t={timestamp},v1={signature}",
        signed: "{timestamp}.{body}",
        tolerance_s: FIVE_MINUTES,
        source: "stripe-node, src/Webhooks.ts; the key is the whole text, `whsec_` included",
        ..PLAIN
    },
    Preset {
        name: "slack",
        header: "x-slack-signature",
        value: "v0={signature}",
        signed: "v0:{timestamp}:{body}",
        timestamp_header: Some("x-slack-request-timestamp"),
        tolerance_s: FIVE_MINUTES,
        source: "bolt-js",
        ..PLAIN
    },
    Preset {
        name: "shopify",
        header: "x-shopify-hmac-sha256",
        encoding: Encoding::Base64,
        id_header: Some("x-shopify-webhook-id"),
        source: "Shopify's page on verifying deliveries; the key is the app's client secret",
        ..PLAIN
    },
    Preset {
        name: "respond-io",
        header: "x-webhook-signature",
        encoding: Encoding::Base64,
        source: "the code and test vector of an integrator, heboai/hebo",
        unconfirmed: "the scheme as a whole: no page of the vendor describes it",
        ..PLAIN
    },
    Preset {
        name: "helpcrunch",
        header: "x-helpcrunch-signature",
        algorithm: Algorithm::Sha1,
        source: "HelpCrunch's pages on webhooks and their signatures, and its PHP template",
        unconfirmed: "a vector: the page's sample isn't hexadecimal",
        ..PLAIN
    },
    Preset {
        name: "line",
        header: "x-line-signature",
        encoding: Encoding::Base64,
        source: "line-bot-sdk-nodejs; the key is the channel secret",
        ..PLAIN
    },
    Preset {
        name: "viber",
        header: "x-viber-content-signature",
        source: "viber-bot-node, with its vector, and viber-bot-python for the header; the key is the bot's token",
        ..PLAIN
    },
    Preset {
        name: "twilio",
        header: "x-twilio-signature",
        algorithm: Algorithm::Sha1,
        encoding: Encoding::Base64,
        signed: "{url}{form}",
        id_header: Some("i-twilio-idempotency-token"),
        source: "twilio-node, src/webhooks/webhooks.ts, with its vectors; the key is the account's auth token",
        unconfirmed: "the header with the id, which is as a page had it",
        ..PLAIN
    },
    Preset {
        name: "intercom",
        header: "x-hub-signature",
        algorithm: Algorithm::Sha1,
        value: "sha1={signature}",
        source: "Intercom's page on signed notifications; the key is the app's client secret",
        unconfirmed: "a vector: none was found",
        ..PLAIN
    },
    Preset {
        name: "chatwoot",
        header: "x-chatwoot-signature",
        value: "sha256={signature}",
        signed: "{timestamp}.{body}",
        timestamp_header: Some("x-chatwoot-timestamp"),
        id_header: Some("x-chatwoot-delivery"),
        tolerance_s: FIVE_MINUTES,
        source: "a copy of Chatwoot's API description; recent versions, and only webhooks with a secret",
        unconfirmed: "the tolerance, which is ours, and a vector",
        ..PLAIN
    },
    // Today's page and n8n sign the time and then the body; an older page has them the other way round, and its example
    // verifies only so. Repetitions after a failure come within minutes, so a tolerance can be had.
    Preset {
        name: "zendesk",
        header: "x-zendesk-webhook-signature",
        encoding: Encoding::Base64,
        signed: "{timestamp:iso}{body}",
        timestamp_header: Some("x-zendesk-webhook-signature-timestamp"),
        tolerance_s: FIVE_MINUTES,
        source: "Zendesk's page on verifying webhooks, and n8n's trigger",
        unconfirmed: "the tolerance, which is ours, and the order, which an older page has the other way round",
        ..PLAIN
    },
    Preset {
        name: "typeform",
        header: "typeform-signature",
        encoding: Encoding::Base64,
        value: "sha256={signature}",
        source: "n8n's trigger",
        unconfirmed: "a vector: none was found",
        ..PLAIN
    },
    // The header's name is that of Standard Webhooks, the scheme isn't: which one it is, the rule file says.
    Preset {
        name: "mautic",
        header: "webhook-signature",
        encoding: Encoding::Base64,
        source: "n8n's trigger",
        unconfirmed: "a vector: none was found",
        ..PLAIN
    },
    Preset {
        name: "calendly",
        header: "calendly-webhook-signature",
        value: "t={timestamp},v1={signature}",
        signed: "{timestamp}.{body}",
        tolerance_s: FIVE_MINUTES,
        source: "n8n's trigger",
        unconfirmed: "the tolerance, which is n8n's, and a vector",
        ..PLAIN
    },
    Preset {
        name: "customer-io",
        header: "x-cio-signature",
        signed: "v0:{timestamp}:{body}",
        timestamp_header: Some("x-cio-timestamp"),
        tolerance_s: FIVE_MINUTES,
        source: "n8n's trigger",
        unconfirmed: "the tolerance, which is n8n's, and a vector",
        ..PLAIN
    },
];

impl Preset {
    /// The preset of this name.
    pub fn named(name: &str) -> Option<&'static Preset> {
        PRESETS.iter().find(|p| p.name == name)
    }

    /// The scheme it stands for.
    pub fn scheme(&self) -> HmacScheme {
        HmacScheme {
            header: self.header.to_owned(),
            algorithm: self.algorithm,
            encoding: self.encoding,
            value: self.value.to_owned(),
            signed: self.signed.to_owned(),
            timestamp_header: self.timestamp_header.map(str::to_owned),
            id_header: self.id_header.map(str::to_owned),
            tolerance: self.tolerance_s.map(Duration::from_secs),
            key: self.key,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scheme_text::SchemeText;
    use super::*;

    #[test]
    fn every_row_works_is_named_once_and_says_where_it_is_from() {
        for preset in &PRESETS {
            let name = preset.name;
            assert!(SchemeText::parse(&preset.scheme()).is_ok(), "{name}");
            assert_eq!(PRESETS.iter().filter(|other| other.name == name).count(), 1, "{name}");
            assert!(!preset.source.is_empty(), "{name}");
            let headers = [Some(preset.header), preset.timestamp_header, preset.id_header];
            assert!(headers.into_iter().flatten().all(|header| header == header.to_lowercase()), "{name}");
        }
    }
}
