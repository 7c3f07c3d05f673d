//! Google's identity tokens: keys are fetched when a request needs them, once for all who need them, and believed for a while.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

use crate::support::gateway::{Gateway, Setup};
use crate::support::http::Answer;

const AUDIENCE: &str = "https://hooks.panaderia.example/hooks/agent";
const EMAIL: &str = "service-17@gcp-sa-dialogflow.iam.gserviceaccount.com";
const BODY: &[u8] = br#"{"detectIntentResponseId":"1","fulfillmentInfo":{"tag":"hello"}}"#;

fn pair(which: usize) -> RsaKeyPair {
    let keys: [&[u8]; 2] = [include_bytes!("../fixtures/google/one.pk8"), include_bytes!("../fixtures/google/two.pk8")];
    RsaKeyPair::from_pkcs8(keys[which]).expect("a key")
}

fn jwks(keys: &[(usize, &str)]) -> String {
    let one = |(which, id): &(usize, &str)| {
        let numbers: ring::rsa::PublicKeyComponents<Vec<u8>> = pair(*which).public_key().into();
        let [n, e] = [numbers.n, numbers.e].map(|number| URL_SAFE_NO_PAD.encode(number));
        json!({ "kty": "RSA", "alg": "RS256", "use": "sig", "kid": id, "n": n, "e": e })
    };
    json!({ "keys": keys.iter().map(one).collect::<Vec<_>>() }).to_string()
}

/// A token of the service agent.
fn token(which: usize, id: &str) -> String {
    let now = tagrelay::clock::now().seconds();
    let claims = json!({
        "iss": "https://accounts.google.com", "aud": AUDIENCE, "email": EMAIL, "email_verified": true,
        "iat": now, "exp": now + 3600,
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let content = format!("{}.{}", part(&json!({ "alg": "RS256", "kid": id })), part(&claims));
    let pair = pair(which);
    let mut signature = vec![0; pair.public().modulus_len()];
    pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), content.as_bytes(), &mut signature).expect("signs");
    format!("{content}.{}", URL_SAFE_NO_PAD.encode(signature))
}

/// A server of keys: what it answers, and how often it was asked.
struct Keys {
    address: SocketAddr,
    answer: Arc<Mutex<(String, usize)>>,
}

impl Keys {
    fn start(answer: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let answer = Arc::new(Mutex::new((answer, 0)));
        let shared = Arc::clone(&answer);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { return };
                let body = {
                    let mut answer = shared.lock().expect("not poisoned");
                    answer.1 += 1;
                    answer.0.clone()
                };
                if stream.read(&mut [0; 4096]).is_ok_and(|bytes| bytes > 0) {
                    let status = if body.is_empty() { "500 Internal Server Error" } else { "200 OK" };
                    let head = format!(
                        "HTTP/1.1 {status}\r\nCache-Control: public, max-age=21600\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                        body.len()
                    );
                    drop(stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()));
                }
            }
        });
        Self { address, answer }
    }

    fn asked(&self) -> usize {
        self.answer.lock().expect("not poisoned").1
    }
}

/// A source of this name, with keys from there.
fn source(name: &str, keys: &Keys) -> String {
    format!(
        "  {name}:\n    kind: dialogflow-cx\n    auth:\n      - google_id_token:\n          audience: {AUDIENCE}\n          \
         email: env:AGENT_EMAIL\n          keys_url: http://{}/certs\n          allow_private: true\n      - bearer: env:BOT_SECRET\n",
        keys.address
    )
}

fn rules(keys: &Keys) -> String {
    format!(
        "sources:\n{}{}rules:\n  - {{ id: hello, match: {{ type: hello }}, reply: Hello }}\n",
        source("agent", keys),
        source("other-agent", keys),
    )
}

fn start(keys: &Keys) -> Gateway {
    Setup::bare(&rules(keys)).set("AGENT_EMAIL", EMAIL).alone("each gateway fetches keys for itself").start()
}

fn send(gateway: &Gateway, token: &str) -> Answer {
    send_to(gateway, "agent", token)
}

fn send_to(gateway: &Gateway, source: &str, token: &str) -> Answer {
    let authorization = format!("Bearer {token}");
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    gateway.call("POST", &format!("/hooks/{source}"), &headers, BODY)
}

#[test]
fn keys_are_fetched_once_and_an_unknown_one_is_asked_for_once_a_minute() {
    let keys = Keys::start(jwks(&[(0, "one")]));
    let gateway = start(&keys);
    assert_eq!(keys.asked(), 0, "nobody has needed one");
    // Many at once, on an empty store: one of them asks.
    let good = token(0, "one");
    thread::scope(|scope| {
        let senders: Vec<_> = (0..8).map(|_| scope.spawn(|| send(&gateway, &good).status)).collect();
        for sender in senders {
            assert_eq!(sender.join().expect("sent"), 200);
        }
    });
    assert_eq!(keys.asked(), 1);
    let told = send(&gateway, &good).ok();
    assert_eq!(told["fulfillmentResponse"]["messages"][0]["text"]["text"][0], "Hello");
    assert_eq!(send_to(&gateway, "other-agent", &good).status, 200, "what one source has learnt another knows too");
    assert_eq!(keys.asked(), 1);
    // Keys nobody has: the first comes in the same minute as the fetch, so nobody is asked.
    for invented in 0..5 {
        assert_eq!(send(&gateway, &token(1, &format!("invented-{invented}"))).status, 401);
    }
    assert_eq!(keys.asked(), 1);
    assert_eq!(send(&gateway, &token(1, "one")).status, 401, "another's signature under a known key");
    let refusals = gateway.api("/refusals").to_string();
    assert!(refusals.contains("unknown_key") && refusals.contains("no_secret_matches"), "{refusals}");
    // What was learnt outlives a change of rules.
    let set = gateway.rule_set();
    gateway.write_rules("rules.yaml", &rules(&keys).replace("reply: Hello", "reply: Good day"));
    gateway.rule_set_after(&set);
    assert_eq!(send(&gateway, &good).status, 200);
    assert_eq!(keys.asked(), 1);
}

#[test]
fn while_the_keys_cannot_be_had_nothing_is_known_of_a_sender_and_others_are_let_in() {
    let keys = Keys::start(String::new());
    let gateway = start(&keys);
    let good = token(0, "one");
    let refused = send(&gateway, &good);
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")), "{}", refused.text());
    assert_eq!(refused.json()["type"], "urn:tagrelay:problem:keys-unavailable");
    assert_eq!(send(&gateway, &good).status, 503);
    assert_eq!(keys.asked(), 1, "a moment later nobody is asked again");
    assert_eq!(send(&gateway, "x.y.z").status, 401, "what is no token needs no key");
    assert_eq!(send(&gateway, crate::support::gateway::SIGNING_SECRET).status, 200, "another proof needs none either");
    assert_eq!(
        gateway.api("/events")["items"].as_array().map(Vec::len),
        Some(1),
        "nothing is stored of what is refused"
    );
}
