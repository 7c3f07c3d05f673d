//! TLS in the binary: a sender's view of it, a certificate that is replaced, and the commands that ask such a gateway.

use std::fs::{File, copy};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use tagrelay::trust::{self, Trusted};

use crate::support::body::{basic, said};
use crate::support::certificates::Certificates;
use crate::support::command::{Ran, run_with};
use crate::support::eventually;
use crate::support::gateway::{ADMIN, Gateway, PASSWORD, Setup, rules};
use crate::support::http::{Answer, request};

type Session = StreamOwned<ClientConnection, TcpStream>;

/// Connects to `localhost`, believing the certificates of one file alone.
fn connect(address: SocketAddr, authority: &Path) -> std::io::Result<Session> {
    let trusted = Trusted::of_file(authority).expect("certificates");
    let config = trust::client(Some(trusted), true).expect("TLS").with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let session = ClientConnection::new(Arc::new(config), name).expect("a session");
    let stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut session = StreamOwned::new(session, stream);
    session.flush()?;
    Ok(session)
}

fn ask(address: SocketAddr, authority: &Path, request: &[u8]) -> std::io::Result<Answer> {
    let mut session = connect(address, authority)?;
    session.write_all(request)?;
    let mut answer = Vec::new();
    session.read_to_end(&mut answer)?;
    Ok(Answer::read(&answer).expect("an answer"))
}

fn ready(address: SocketAddr, authority: &Path) -> std::io::Result<u16> {
    Ok(ask(address, authority, &request("GET", "/readyz", &[], b""))?.status)
}

/// What the gateway has in use, in its own folder; written long ago, so that nobody takes it for half of a change.
fn put(certificates: &Certificates, crt: &str, key: &str, setup: &Setup) {
    let long_ago = |file: &Path| {
        let past =
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + u64::from(rank(crt)) + u64::from(rank(key)));
        File::options().write(true).open(file).and_then(|file| file.set_modified(past)).expect("touched");
    };
    for (from, to) in [(certificates.crt(crt), "tls.crt"), (certificates.key(key), "tls.key")] {
        let to = setup.folder().join(to);
        copy(from, &to).expect("copied");
        long_ago(&to);
    }
}

/// Each name has another time of change.
fn rank(name: &str) -> u32 {
    name.bytes().map(u32::from).sum()
}

fn secure(setup: Setup) -> Setup {
    setup.set("TAGRELAY_TLS_CERT", "tls.crt").set("TAGRELAY_TLS_KEY", "tls.key")
}

fn certificates() -> Certificates {
    let certificates = Certificates::new();
    for authority in ["ours", "theirs"] {
        certificates.make(authority, "authority", None);
    }
    certificates.make("first", "localhost", Some("ours"));
    certificates.make("second", "localhost", Some("theirs"));
    certificates
}

fn started(certificates: &Certificates) -> Gateway {
    let setup = rules("  - { id: hello, match: { intent: hello }, reply: Hola }\n");
    put(certificates, "first", "first", &setup);
    secure(setup).start()
}

fn command(gateway: &Gateway, args: &[&str]) -> Ran {
    let listen = gateway.address.to_string();
    let settings = [
        ("TAGRELAY_LISTEN", listen.as_str()),
        ("TAGRELAY_ADMIN_TOKEN", ADMIN),
        ("TAGRELAY_TLS_CERT", "tls.crt"),
        ("TAGRELAY_TLS_KEY", "tls.key"),
        ("BOT_PASSWORD", PASSWORD),
        ("BOT_SECRET", crate::support::gateway::SIGNING_SECRET),
    ];
    run_with(gateway.setup.folder(), args, &settings, b"")
}

#[test]
fn senders_are_answered_over_tls_and_plain_http_is_told_so() {
    let certificates = certificates();
    let gateway = started(&certificates);
    let authorization = basic("dialogflow", PASSWORD);
    let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
    let hook = request("POST", "/hooks/bot", &headers, &said("a", 7, "hello").body());
    let answer = ask(gateway.address, &certificates.crt("ours"), &hook).expect("an answer");
    assert_eq!((answer.status, answer.text().contains("Hola")), (200, true));
    assert!(ready(gateway.address, &certificates.crt("theirs")).is_err(), "another authority is not believed");

    let plain = gateway.send_raw(&hook).expect("an answer");
    assert_eq!((plain.status, &plain.json()["type"]), (400, &"urn:tagrelay:problem:plain-http".into()));
    let metrics =
        ask(gateway.address, &certificates.crt("ours"), &request("GET", "/metrics", &[], b"")).expect("metrics");
    assert!(metrics.text().contains("tagrelay_handshakes_failed_total{reason=\"plain\"} 1"), "{}", metrics.text());
    assert!(metrics.text().contains("tagrelay_certificate_end_timestamp_seconds"), "{}", metrics.text());
}

#[test]
fn a_certificate_is_replaced_while_connections_are_open_and_a_bad_one_is_not() {
    let certificates = certificates();
    let gateway = started(&certificates);
    let mut open = connect(gateway.address, &certificates.crt("ours")).expect("connected");
    let keep = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let mut alive = |when: &str| {
        open.write_all(keep).expect("sent");
        let mut head = [0; 15];
        open.read_exact(&mut head).expect(when);
        assert_eq!(&head, b"HTTP/1.1 200 OK", "{when}");
        let mut rest = [0; 4096];
        while !rest.windows(9).any(|nine| nine == b"\"alive\"}\0") {
            let read = open.read(&mut rest).expect("the rest");
            rest[read] = 0;
        }
    };
    alive("at first");
    put(&certificates, "second", "second", &gateway.setup);
    eventually("the other certificate", || ready(gateway.address, &certificates.crt("theirs")).ok());
    assert!(ready(gateway.address, &certificates.crt("ours")).is_err(), "the first has gone");
    alive("after the change");

    put(&certificates, "first", "second", &gateway.setup);
    eventually("a word about the bad pair", || {
        assert_eq!(ready(gateway.address, &certificates.crt("theirs")).expect("the second stays"), 200);
        gateway.log_of("the changed certificate is not used").pop()
    });
    let told = gateway.log_of("the changed certificate is not used");
    let reason = told[0]["reason"].as_str().unwrap_or_default();
    assert_eq!(reason, "tls.key: this key doesn't belong to the certificate in tls.crt");
    let ran = command(&gateway, &["healthcheck", "--address", &gateway.address.to_string()]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let metrics =
        ask(gateway.address, &certificates.crt("theirs"), &request("GET", "/metrics", &[], b"")).expect("metrics");
    for line in ["{result=\"ok\"} 1", "{result=\"refused\"} 1"] {
        let line = format!("tagrelay_certificate_reloads_total{line}");
        assert!(metrics.text().lines().any(|this| this == line), "{line}: {}", metrics.text());
    }
    alive("at last");
}

#[test]
fn commands_know_their_own_gateway_by_its_certificate_and_others_by_a_file() {
    let certificates = certificates();
    let gateway = started(&certificates);
    assert_eq!(command(&gateway, &["healthcheck"]).status, 0);
    let body = gateway.setup.folder().join("body.json");
    std::fs::write(&body, said("a", 7, "hello").body()).expect("written");
    let ran = command(&gateway, &["send", "bot", "body.json"]);
    assert_eq!((ran.status, ran.out.contains("Hola")), (0, true), "{ran:?}");
    let ran = command(&gateway, &["events", "--format", "json"]);
    assert_eq!((ran.status, ran.json()["items"].as_array().map(Vec::len)), (0, Some(1)), "{ran:?}");

    let url = format!("https://localhost:{}", gateway.address.port());
    let (ours, theirs) =
        (certificates.crt("ours").display().to_string(), certificates.crt("theirs").display().to_string());
    let asked = |authority: &str| command(&gateway, &["events", "--url", &url, "--cacert", authority]);
    assert_eq!(asked(&ours).status, 0, "{:?}", asked(&ours));
    let refused = asked(&theirs);
    assert_eq!((refused.status, refused.err.contains("certificate")), (1, true), "{refused:?}");
    let plain = command(&gateway, &["events", "--url", "http://127.0.0.1:1", "--cacert", &ours]);
    assert_eq!((plain.status, plain.err.contains("--cacert is for https://")), (2, true), "{plain:?}");
    // Another certificate lies there than the gateway shows: the token is not sent.
    put(&certificates, "second", "first", &gateway.setup);
    let other = command(&gateway, &["events"]);
    assert_eq!(other.status, 1, "{other:?}");
}

#[test]
fn who_only_holds_connections_open_holds_up_no_stop() {
    let certificates = certificates();
    let mut gateway = started(&certificates);
    let silent: Vec<TcpStream> = (0..50).map(|_| TcpStream::connect(gateway.address).expect("connected")).collect();
    let mut half = TcpStream::connect(gateway.address).expect("connected");
    half.write_all(&[0x16, 3, 1, 2, 0]).expect("sent");
    assert_eq!(ready(gateway.address, &certificates.crt("ours")).expect("an answer"), 200);
    let (status, took) = gateway.terminate();
    assert!(status.success() && took < Duration::from_secs(3), "{status} after {took:?}");
    drop(silent);
}

#[test]
fn a_pair_that_is_no_good_is_told_at_start() {
    let certificates = certificates();
    let setup = secure(rules("  - { id: hello, match: { intent: hello }, reply: Hola }\n"));
    put(&certificates, "first", "second", &setup);
    let failed = setup.fail();
    let told =
        "error: TAGRELAY_TLS_CERT and TAGRELAY_TLS_KEY: tls.key: this key doesn't belong to the certificate in tls.crt";
    assert_eq!((failed.status, failed.err.contains(told)), (2, true), "{failed:?}");
}
