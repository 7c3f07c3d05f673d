//! Any secret that is sent as it is, any identity token and any set of keys: nobody gets in who knows no secret, and of a token that was
//! signed no byte may change.
//!
//! Sections: the `Authorization` header, another header, the query, a set of keys, changes of a token: its place in two bytes and what
//! to turn there, one after the other.

#![no_main]

use std::collections::HashMap;
use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use tagrelay_fuzz::domain::name::SourceName;
use tagrelay_fuzz::domain::request::{Fields, Request};
use tagrelay_fuzz::domain::secret::{Secret, SecretRef};
use tagrelay_fuzz::domain::source::{AuthConfig, GoogleIdToken, SourceConfig, SourceKind};
use tagrelay_fuzz::input::Sections;
use tagrelay_fuzz::sources::{KeySet, Source};
use tagrelay_fuzz::vault::Vault;
use tagrelay_fuzz::{NOW, in_time};

/// Long enough that no run makes it up; a seed has it.
const SECRET: &str = "tr-9f86d081884c7d659a2feaa0c55ad015";
const USER: &str = "bot";
const AUDIENCE: &str = "https://hooks.example/hooks/bot";
const EMAIL: &str = "service-17@gcp-sa-dialogflow.iam.gserviceaccount.com";

/// A source that takes each of them, and a token that lets in.
struct World {
    source: Source,
    keys: String,
    token: String,
}

static WORLD: LazyLock<World> = LazyLock::new(World::new);

impl World {
    fn new() -> Self {
        let literal = |text: &str| SecretRef::Literal(Secret::new(text));
        let auth = vec![
            AuthConfig::Basic { username: literal(USER), password: literal(SECRET) },
            AuthConfig::Bearer(literal(SECRET)),
            AuthConfig::Header { name: "x-token".to_owned(), value: literal(SECRET) },
            AuthConfig::Query { name: "token".to_owned(), value: literal(SECRET) },
            AuthConfig::GoogleIdToken(GoogleIdToken {
                audiences: vec![literal(AUDIENCE)],
                emails: vec![literal(EMAIL)],
                keys_url: None,
                allow_private: false,
            }),
        ];
        let name = SourceName::parse("bot").expect("a name");
        let kind = SourceKind::Catch;
        let config = SourceConfig { name, kind, auth, allow_ips: Vec::new(), each: None, verify_token: None };
        let Ok(source) = Source::open(&config, &Vault::new(HashMap::new(), None)) else { panic!("it opens") };
        let pair = RsaKeyPair::from_pkcs8(include_bytes!("../../tests/fixtures/google/one.pk8")).expect("a key");
        let public: ring::rsa::PublicKeyComponents<Vec<u8>> = pair.public().into();
        let [n, e] = [public.n, public.e].map(|number| URL_SAFE_NO_PAD.encode(number));
        let keys = format!(r#"{{"keys":[{{"kty":"RSA","alg":"RS256","use":"sig","kid":"one","n":"{n}","e":"{e}"}}]}}"#);
        let token = token(&pair);
        Self { source, keys, token }
    }

    /// Whether somebody who sends this is let in.
    fn lets_in(&self, authorization: &str, header: &str, query: &str) -> bool {
        let headers = [("authorization", authorization), ("x-token", header)];
        let headers = headers.into_iter().filter(|(_, value)| !value.is_empty());
        let request = Request {
            method: "POST",
            url: AUDIENCE,
            query,
            headers: Fields(headers.map(|(name, value)| (name.into(), value.into())).collect()),
            body: b"{}",
            peer: None,
            received_at: NOW,
        };
        self.source.verify(request).is_ok()
    }

    /// Takes these keys for Google's, where they are any.
    fn put(&self, keys: &[u8]) {
        for store in self.source.keys() {
            KeySet::parse(keys, None, NOW).into_iter().for_each(|set| store.put(set));
        }
    }
}

fn token(pair: &RsaKeyPair) -> String {
    let seconds = NOW.seconds();
    let claims = format!(
        r#"{{"iss":"https://accounts.google.com","aud":"{AUDIENCE}","email":"{EMAIL}","email_verified":true,"iat":{},"exp":{}}}"#,
        seconds - 10,
        seconds + 3_590
    );
    let [header, claims] =
        [r#"{"alg":"RS256","kid":"one","typ":"JWT"}"#, &claims].map(|part| URL_SAFE_NO_PAD.encode(part));
    let content = format!("{header}.{claims}");
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content.as_bytes(), &mut signature).expect("signs");
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fuzz_target!(|data: &[u8]| {
    let mut sections = Sections::of(data);
    let Some((authorization, header, query)) = (|| Some((sections.text()?, sections.text()?, sections.text()?)))()
    else {
        return;
    };
    let (keys, changes) = (sections.bytes(), sections.bytes());
    let world = &*WORLD;
    in_time(|| {
        world.put(world.keys.as_bytes());
        let basic = STANDARD.encode(format!("{USER}:{SECRET}"));
        let queried = Fields::parse_query(query).to_query();
        let texts = [authorization, header, query, &queried];
        let knows = texts.iter().any(|text| [SECRET, &basic, &world.token].iter().any(|secret| text.contains(secret)));
        assert!(knows || !world.lets_in(authorization, header, query), "somebody gets in who knows nothing");
        let bearer = |token: &str| world.lets_in(&format!("Bearer {token}"), "", "");
        assert!(bearer(&world.token), "the token that Google would have signed is refused");
        let mut changed = world.token.clone().into_bytes();
        for change in changes.chunks_exact(3) {
            let place = usize::from(u16::from_be_bytes([change[0], change[1]])) % changed.len();
            changed[place] ^= change[2];
        }
        if let Ok(changed) = String::from_utf8(changed) {
            assert!(changed.trim() == world.token || !bearer(&changed), "a token that was touched is let in");
        }
        // Whatever stands where the keys are fetched: with others the token is another's.
        world.put(keys);
        bearer(&world.token);
    });
});
