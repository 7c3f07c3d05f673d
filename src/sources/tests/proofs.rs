//! Who gets in, what is left out of an event, and what a source refuses to open with.

use super::*;
use crate::domain::scheme::{HmacScheme, Preset};
use crate::vault::VaultError;

const BODY: &[u8] = br#"{"queryResult":{}}"#;

fn basic() -> AuthConfig {
    AuthConfig::Basic { username: literal("dialogflow"), password: literal("pan:integral") }
}

fn bearer() -> AuthConfig {
    AuthConfig::Bearer(literal("levadura"))
}

fn header() -> AuthConfig {
    AuthConfig::Header { name: "x-secret".into(), value: literal("harina") }
}

fn query() -> AuthConfig {
    AuthConfig::Query { name: "token".into(), value: literal("azúcar & sal") }
}

fn hmac(secrets: &[&str]) -> AuthConfig {
    let scheme = Preset::named("github").expect("a preset").scheme();
    AuthConfig::Hmac { scheme, secrets: secrets.iter().map(|s| literal(s)).collect() }
}

#[test]
fn without_auth_everybody_may_call() {
    assert_eq!(Sent::new(BODY).verify(&source(Vec::new())), Ok(()));
}

#[test]
fn each_plain_form_lets_its_secret_in_and_says_why_not() {
    use Refusal::*;
    let authorization = |value: &str| Sent::new(BODY).header("authorization", value);
    let rows: [(AuthConfig, Sent, Result<(), Refusal>); 23] = [
        (basic(), authorization("Basic ZGlhbG9nZmxvdzpwYW46aW50ZWdyYWw="), Ok(())),
        (basic(), authorization("bASIC  ZGlhbG9nZmxvdzpwYW46aW50ZWdyYWw= "), Ok(())),
        (basic(), authorization("Basic ZGlhbG9nZmxvdzpwYW4="), Err(NoSecretMatches)),
        (basic(), authorization("Basic b3RybzpwYW46aW50ZWdyYWw="), Err(NoSecretMatches)),
        (basic(), authorization("Basic ZGlhbG9nZmxvdw=="), Err(MalformedAuthorization)),
        (basic(), authorization("Basic ñandú"), Err(MalformedAuthorization)),
        (basic(), authorization("Basic"), Err(MalformedAuthorization)),
        (basic(), authorization("Bearer ZGlhbG9nZmxvdzpwYW46aW50ZWdyYWw="), Err(MalformedAuthorization)),
        (basic(), Sent::new(BODY), Err(MissingAuthorization)),
        (bearer(), authorization("Bearer levadura"), Ok(())),
        (bearer(), authorization("bearer levadura"), Ok(())),
        (bearer(), authorization("Bearer levadur"), Err(NoSecretMatches)),
        (bearer(), authorization("Bearer levadura levadura"), Err(NoSecretMatches)),
        (bearer(), authorization("levadura"), Err(MalformedAuthorization)),
        (bearer(), Sent::new(BODY), Err(MissingAuthorization)),
        (header(), Sent::new(BODY).header("x-secret", "harina"), Ok(())),
        (header(), Sent::new(BODY).header("x-secret", "Harina"), Err(NoSecretMatches)),
        (header(), Sent::new(BODY).header("x-secret", ""), Err(NoSecretMatches)),
        (header(), Sent::new(BODY), Err(MissingHeader)),
        (query(), Sent::new(BODY).query("a=1&token=az%C3%BAcar+%26%20sal"), Ok(())),
        (query(), Sent::new(BODY).query("token=sal"), Err(NoSecretMatches)),
        (query(), Sent::new(BODY).query("tokens=sal"), Err(MissingQuery)),
        (hmac(&["a"]), Sent::new(BODY).header("x-hub-signature-256", "sha256=zz"), Err(MalformedSignature)),
    ];
    for (auth, sent, expected) in rows {
        let name = auth.name();
        assert_eq!(sent.verify(&source(vec![auth])), expected, "{name}: {:?}", sent.headers);
    }
}

#[test]
fn any_one_form_lets_in_and_the_refusal_is_of_the_nearest() {
    let all = source(vec![hmac(&["uno", "dos"]), basic(), query()]);
    for auth in [hmac(&["uno"]), hmac(&["dos"]), basic(), query()] {
        let proof = source(vec![auth]).proof(NOW, "https://hooks.panaderia.example/hooks/bot", BODY, "id-1");
        assert_eq!(sent_with(&proof).verify(&all), Ok(()));
    }
    assert_eq!(Sent::new(BODY).verify(&all), Err(Refusal::MissingSignature));
    let near = Sent::new(BODY).header("authorization", "Basic YTpi");
    assert_eq!(near.verify(&all), Err(Refusal::NoSecretMatches));
    let proof = source(vec![hmac(&["tres"])]).proof(NOW, "", BODY, "id-1");
    assert_eq!(sent_with(&proof).verify(&all), Err(Refusal::NoSecretMatches));
}

fn sent_with(proof: &Proof) -> Sent {
    let mut sent = Sent::new(BODY);
    sent.headers = proof.headers.clone();
    if !proof.query.is_empty() {
        sent.query = "token=az%C3%BAcar%20%26%20sal".to_owned();
        assert_eq!(proof.query, [("token".to_owned(), "azúcar & sal".to_owned())]);
    }
    sent
}

#[test]
fn only_allowed_addresses_may_call_whatever_they_prove() {
    let nets = ["192.0.2.0/24", "2001:db8::/32"].map(|net| net.parse().expect("a network")).to_vec();
    let config = SourceConfig { allow_ips: nets, ..config(vec![bearer()]) };
    let source = Source::open(&config, &Vault::new(HashMap::new(), None)).expect("opens");
    let verify = |peer: Option<&str>, token: &str| {
        let sent = Sent::new(BODY).header("authorization", &format!("Bearer {token}"));
        let peer = peer.map(|peer| peer.parse().expect("an address"));
        source.verify(Request { peer, ..sent.request() }).map(|_| ())
    };
    for peer in ["192.0.2.255", "2001:db8::7", "::ffff:192.0.2.1"] {
        assert_eq!(verify(Some(peer), "levadura"), Ok(()), "{peer}");
        assert_eq!(verify(Some(peer), "otra"), Err(Refusal::NoSecretMatches), "{peer}");
    }
    for peer in [Some("192.0.3.1"), Some("2001:db9::1"), Some("127.0.0.1"), None] {
        assert_eq!(verify(peer, "levadura"), Err(Refusal::AddressNotAllowed), "{peer:?}");
    }
}

#[test]
fn credentials_are_left_out_of_what_is_stored_and_the_rest_stays() {
    let source = source(vec![basic(), header(), query(), hmac(&["a"])]);
    let sent = Sent::new(BODY)
        .header("content-type", "application/json")
        .header("authorization", "Basic ZGlhbG9nZmxvdzpwYW46aW50ZWdyYWw=")
        .header("cookie", "session=1")
        .header("x-secret", "harina")
        .header("x-hub-signature-256", "sha256=00")
        .header("x-github-delivery", "d-1")
        .query("a=1&token=harina&token=otra&access_token=x&b=2");
    let verified = source.verify(sent.request()).expect("let in");
    let (headers, query) = source.without_credentials(verified.request());
    let names = |fields: &Fields<'_>| fields.0.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&headers), ["content-type", "x-github-delivery"]);
    assert_eq!(names(&query), ["a", "b"]);
    let json = json_body(source.config(), &verified).expect("JSON");
    let events = read(source.config(), &verified, &json).expect("events").events;
    assert_eq!((names(&events[0].headers), names(&events[0].query)), (names(&headers), names(&query)));
}

#[test]
fn the_schemes_id_is_the_key_of_an_event_without_its_own() {
    let source = source(vec![hmac(&["a"])]);
    let key = |body: &[u8], id: &str| {
        let mut sent = Sent::new(body);
        sent.headers = source.proof(NOW, "", body, id).headers;
        let verified = source.verify(sent.request()).expect("let in");
        let json = json_body(source.config(), &verified).expect("JSON");
        let events = read(source.config(), &verified, &json).expect("events").events;
        events[0].key.as_deref().map(str::to_owned)
    };
    assert_eq!(key(BODY, "d-7").as_deref(), Some("d-7"));
    assert_eq!(key(br#"{"responseId":"r-1","queryResult":{}}"#, "d-7").as_deref(), Some("r-1"));
    assert_eq!(key(BODY, ""), None);
}

#[test]
fn all_that_keeps_a_source_from_opening_is_told_at_once() {
    let env = |name: &str| SecretRef::Env(name.to_owned());
    let whsec = Preset::named("standard-webhooks").expect("a preset").scheme();
    let broken = HmacScheme { value: "sha256=".into(), ..whsec.clone() };
    let config = config(vec![
        AuthConfig::Basic { username: env("NOBODY"), password: env("NOTHING") },
        AuthConfig::Basic { username: literal("a:b"), password: literal("c") },
        AuthConfig::Bearer(literal("")),
        AuthConfig::Hmac { scheme: whsec, secrets: vec![env("NEW"), literal("whsec_***")] },
        AuthConfig::Hmac { scheme: broken, secrets: Vec::new() },
    ]);
    let faults = Source::open(&config, &Vault::new(HashMap::new(), None)).err().expect("faults");
    let unset = |name: &str| OpenError::Secret(VaultError::Unset(name.to_owned()));
    assert_eq!(faults[..2], [unset("NOBODY"), unset("NOTHING")]);
    assert!(matches!(&faults[2..4], [OpenError::Colon(_), OpenError::Empty(_)]), "{faults:?}");
    assert_eq!(faults[4], unset("NEW"));
    assert!(matches!(&faults[5..], [OpenError::Key(_), OpenError::Scheme(_), OpenError::NoSecret]), "{faults:?}");
    let shown = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    assert!(!shown.contains("***") && shown.contains("NOTHING"), "{shown}");
}

#[test]
fn under_the_sandbox_every_unset_secret_is_a_secret() {
    let env = || SecretRef::Env("UNSET".to_owned());
    let vault = Vault::new(HashMap::new(), Some(Secret::new("sandbox")));
    let presets = crate::domain::scheme::PRESETS.iter();
    let schemes = presets.map(|preset| AuthConfig::Hmac { scheme: preset.scheme(), secrets: vec![env()] });
    for auth in schemes.chain([AuthConfig::Bearer(env())]) {
        let source = Source::open(&config(vec![auth]), &vault).unwrap_or_else(|e| panic!("opens: {e:?}"));
        let mut sent = Sent::new(BODY);
        let proof = source.proof(NOW, &sent.url, BODY, "id-1");
        sent.headers = proof.headers;
        sent.url.extend(proof.query.into_iter().map(|(name, value)| format!("?{name}={value}")));
        assert_eq!(sent.verify(&source), Ok(()));
    }
}

#[test]
fn a_secret_in_a_file_may_change_and_an_emptied_one_lets_nobody_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let mut touched = std::time::SystemTime::UNIX_EPOCH;
    let mut write = |text: &str| {
        std::fs::write(&path, text).expect("written");
        touched += std::time::Duration::from_hours(1);
        std::fs::File::options().write(true).open(&path).and_then(|f| f.set_modified(touched)).expect("touched");
    };
    write("uno\n");
    let file = || SecretRef::File(path.display().to_string());
    let github = Preset::named("github").expect("a preset").scheme();
    let signed = source(vec![AuthConfig::Hmac { scheme: github, secrets: vec![file()] }]);
    let plain = source(vec![AuthConfig::Bearer(file())]);
    let with = |source: &Source| {
        let mut sent = Sent::new(BODY);
        sent.headers = source.proof(NOW, "", BODY, "id-1").headers;
        sent
    };
    let (old_signed, old_plain) = (with(&signed), with(&plain));
    assert_eq!((old_signed.verify(&signed), old_plain.verify(&plain)), (Ok(()), Ok(())));
    write("dos\n");
    let refused = Err(Refusal::NoSecretMatches);
    assert_eq!((old_signed.verify(&signed), old_plain.verify(&plain)), (refused, refused));
    assert_eq!((with(&signed).verify(&signed), with(&plain).verify(&plain)), (Ok(()), Ok(())));
    write("\n");
    let forged = source(vec![hmac(&["x"])]).proof(NOW, "", BODY, "id-1");
    assert_eq!(sent_with(&forged).verify(&signed), refused);
    assert!(Sent::new(BODY).header("authorization", "Bearer ").verify(&plain).is_err());
}
