//! Twilio's signature is over the address and a form's fields, or over an address that has the body's hash: its own library
//! signs what we verify and verifies what we sign.

use std::cell::RefCell;
use std::collections::HashMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use tagrelay::clock;
use tagrelay::domain::request::{Fields, Request};
use tagrelay::sources::Source;
use tagrelay::vault::Vault;

use super::driver::Driver;
use super::source_config;

const FORM: &str = "application/x-www-form-urlencoded";

/// A request as it goes over the wire.
#[derive(Debug, Clone)]
struct Sent {
    url: String,
    body: String,
    is_form: bool,
    headers: Vec<(String, String)>,
}

impl Sent {
    /// As it looks to us. Where `ports` differ, the sender signed another spelling of the address.
    fn we_let_in(&self, ours: &Source) -> bool {
        let content_type = if self.is_form { FORM } else { "application/json" };
        let headers = self.headers.iter().map(|(name, value)| (name.as_str().into(), value.as_str().into()));
        let headers = headers.chain([("content-type".into(), content_type.into())]);
        let request = Request {
            method: "POST",
            url: &self.url,
            query: self.url.split_once('?').map_or("", |(_, query)| query),
            headers: Fields(headers.collect()),
            body: self.body.as_bytes(),
            peer: None,
            received_at: clock::now(),
        };
        ours.verify(request).is_ok()
    }

    fn ask(&self, op: &str, secret: &str) -> Value {
        let headers: Map<String, Value> =
            self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        json!({
            "op": op, "scheme": "twilio", "secret": secret,
            "url": self.url, "body": self.body, "form": self.is_form, "headers": headers,
        })
    }

    fn they_let_in(&self, driver: &RefCell<Driver>, secret: &str) -> bool {
        let answer = driver.borrow_mut().ask(&self.ask("verify", secret));
        answer["verified"].as_bool().unwrap_or_else(|| panic!("{answer} for {self:?}"))
    }
}

fn ours(secret: &str) -> Source {
    let config = source_config(&format!("[{{ hmac: twilio, secret: {secret} }}]"));
    Source::open(&config, &Vault::new(HashMap::new(), None)).expect("any text is a key")
}

fn any_form() -> impl Strategy<Value = String> {
    // Few names, so that some come twice; values of one name are sorted, which JavaScript does by UTF-16.
    let field = ("(Body|From|MediaUrl0|a|ñ)", "[a-zA-Z0-9 ñ☕&=+%?;\\n]{0,8}");
    prop::collection::vec(field, 1..8).prop_map(|fields| {
        let pairs = fields.into_iter().map(|(name, value)| (name.into(), value.into()));
        Fields(pairs.collect()).to_query()
    })
}

fn any_body() -> impl Strategy<Value = (String, bool)> {
    prop_oneof![
        3 => any_form().prop_map(|form| (form, true)),
        1 => "\\{\"body\":\"[a-zñ☕]{0,9}\"\\}".prop_map(|json| (json, false)),
    ]
}

/// What we add to the request, and what they would have.
fn signed_by_us(ours: &Source, url: &str, body: &str, is_form: bool) -> Sent {
    let proof = ours.proof(clock::now(), url, body.as_bytes(), "msg_1");
    let mut url = url.to_owned();
    let mark = if url.contains('?') { "&" } else { "?" };
    url.extend(proof.query.iter().map(|(name, value)| format!("{mark}{name}={value}")));
    Sent { url, body: body.to_owned(), is_form, headers: proof.headers }
}

fn signed_by_them(driver: &RefCell<Driver>, secret: &str, unsigned: &Sent) -> Sent {
    let answer = driver.borrow_mut().ask(&unsigned.ask("sign", secret));
    let signature = answer["headers"]["x-twilio-signature"].as_str().unwrap_or_else(|| panic!("{answer}"));
    Sent { headers: vec![("x-twilio-signature".to_owned(), signature.to_owned())], ..unsigned.clone() }
}

/// Every place where a letter may be another one.
fn changed(sent: &Sent, at: Index) -> Vec<Sent> {
    // A letter after the last `%`-escape could be read in either case, so it becomes one that nothing else means.
    let other = |text: &str| {
        let letters: Vec<(usize, char)> =
            text.char_indices().filter(|(_, letter)| letter.is_ascii_lowercase()).collect();
        let (place, letter) = letters.get(at.index(letters.len().max(1)))?;
        let next = if *letter == 'z' { 'y' } else { char::from(*letter as u8 + 1) };
        let mut text = text.to_owned();
        text.replace_range(*place..=*place, &next.to_string());
        Some(text)
    };
    let body = other(&sent.body).map(|body| Sent { body, ..sent.clone() });
    let (before, path) = sent.url.rsplit_once('/').expect("a path");
    let url = other(path).map(|path| Sent { url: format!("{before}/{path}"), ..sent.clone() });
    let header = other(&sent.headers[0].1).map(|value| {
        let headers = vec![(sent.headers[0].0.clone(), value)];
        Sent { headers, ..sent.clone() }
    });
    [body, url, header].into_iter().flatten().collect()
}

#[test]
fn twilio_agrees() {
    let driver = RefCell::new(Driver::signatures());
    let config = Config { cases: 128, failure_persistence: None, ..Config::default() };
    let url = "https://hooks\\.panaderia\\.example(:443|:8443)?/hooks/sms(\\?tienda=[a-z]{1,5})?";
    let cases = (any_body(), url, "[0-9a-f]{32}", "[0-9a-f]{32}", any::<Index>());
    let judged = TestRunner::new(config).run(&cases, |((body, is_form), url, secret, other, at)| {
        prop_assume!(secret != other);
        let (ours, stranger) = (ours(&secret), ours(&other));
        // The library drops the port that goes without saying before it signs, as it does before it verifies.
        let by_us = signed_by_us(&ours, &url.replace(":443", ""), &body, is_form);
        let by_them = signed_by_them(&driver, &secret, &Sent { headers: Vec::new(), ..by_us.clone() });
        for sent in [by_us, by_them] {
            // A proof of ours may have an id with it, which isn't signed.
            let sent =
                Sent { headers: sent.headers.into_iter().filter(|(name, _)| name.starts_with('x')).collect(), ..sent };
            let seen = Sent {
                url: if url.contains(":443") { with_port(&sent.url) } else { sent.url.clone() },
                ..sent.clone()
            };
            prop_assert!(seen.we_let_in(&ours), "we refuse {seen:?}");
            prop_assert!(seen.they_let_in(&driver, &secret), "they refuse {seen:?}");
            prop_assert!(!seen.we_let_in(&stranger) && !seen.they_let_in(&driver, &other), "another secret");
            for changed in changed(&sent, at) {
                prop_assert!(!changed.we_let_in(&ours), "we take {changed:?} for {sent:?}");
                prop_assert!(!changed.they_let_in(&driver, &secret), "they take {changed:?} for {sent:?}");
            }
        }
        Ok(())
    });
    judged.unwrap_or_else(|error| panic!("{error}"));
}

fn with_port(url: &str) -> String {
    url.replacen(".example/", ".example:443/", 1)
}
