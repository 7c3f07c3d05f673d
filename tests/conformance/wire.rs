//! What happens on the wire, for every provider: the sandbox answers over sound connections, so here are servers that don't.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tagrelay::domain::connection::ProviderKind;
use tagrelay::providers::{Called, Direction, Outcome, Provider};

use crate::room::{change, config, connect, now, owned};

const BOMB: &[u8] = include_bytes!("../fixtures/a-mebibyte-of-spaces.gz");

/// A server that does this with each connection, and how many there were.
fn server(with_each: fn(TcpStream)) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            let stream = stream.expect("a connection");
            std::thread::spawn(move || with_each(stream));
        }
    });
    (address, count)
}

/// The provider at an address; its own credential is a token that needs no fetching.
fn at(kind: ProviderKind, base_url: &str) -> Provider {
    match kind {
        // Its address is its credential.
        ProviderKind::Webhook => connect(&config(kind, "", &format!("{base_url}/hook"))),
        _ => connect(&config(kind, base_url, "a-token")),
    }
}

/// What the provider is for: a tag is added, or a body sent on.
async fn act(kind: ProviderKind, base_url: &str) -> Called {
    let provider = at(kind, base_url);
    match kind {
        ProviderKind::Webhook => provider.forward("msg_1", &owned(&json!({ "name": "Ana" })), now()).await,
        _ => change(&provider, Direction::Add, "7", &["Lead"]).await,
    }
}

/// The whole request, head and body.
fn read_all(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let read = stream.read(&mut piece).expect("a request");
        request.extend_from_slice(&piece[..read]);
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}

fn is_retried(called: &Called, doubt: bool) -> bool {
    matches!(called.outcome, Outcome::Retry { in_doubt, throttled: false, .. } if in_doubt == doubt)
}

#[tokio::test]
async fn what_never_left_is_not_in_doubt() {
    let closed = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("an address");
    // Whoever talks no TLS says something else, or hangs up at the greeting.
    let (plain, _) = server(|mut stream| {
        drop(stream.read(&mut [0; 16]));
        drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"));
    });
    let (hangs_up, _) = server(drop);
    for kind in ProviderKind::ALL {
        for (what, base_url) in [
            ("no such name", "http://nowhere.invalid".to_owned()),
            ("nobody listens", format!("http://{closed}")),
            ("no TLS there", format!("https://{plain}")),
            ("hung up at the greeting", format!("https://{hangs_up}")),
        ] {
            let called = act(kind, &base_url).await;
            assert!(is_retried(&called, false), "{}: {what}: {called:?}", kind.name());
            assert_eq!(called.attempt.status, None, "{}: {what}", kind.name());
        }
    }
}

#[tokio::test]
async fn what_may_have_arrived_is_in_doubt_and_is_not_repeated_behind_our_back() {
    type Behaviour = (&'static str, fn(TcpStream));
    let behaviours: [Behaviour; 6] = [
        ("reset before it was read", drop),
        ("reset while it was read", |mut stream| drop(stream.read(&mut [0; 16]))),
        ("closed after it was read", |mut stream| read_all(&mut stream)),
        ("closed in the middle of the head", |mut stream| {
            read_all(&mut stream);
            drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le"));
        }),
        ("something else than HTTP", |mut stream| {
            read_all(&mut stream);
            drop(stream.write_all(b"SSH-2.0-OpenSSH_9.9\r\n"));
        }),
        ("a head that trickles", |mut stream| {
            read_all(&mut stream);
            for letter in b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}" {
                std::thread::sleep(Duration::from_millis(50));
                if stream.write_all(&[*letter]).is_err() {
                    return;
                }
            }
        }),
    ];
    for kind in ProviderKind::ALL {
        for (what, behaviour) in behaviours {
            let (address, count) = server(behaviour);
            let called = act(kind, &format!("http://{address}")).await;
            assert!(is_retried(&called, true), "{}: {what}: {called:?}", kind.name());
            assert_eq!(count.load(Ordering::SeqCst), 1, "{}: {what}", kind.name());
        }
    }
}

/// An empty answer is a success at most providers: one of blanks that goes on isn't empty. What a receiver of bodies says is its own
/// affair.
#[tokio::test]
async fn an_answer_that_becomes_large_is_read_to_a_bound() {
    let (address, _) = server(|mut stream| {
        read_all(&mut stream);
        drop(stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"));
        drop(stream.write_all(&BOMB.repeat(64)));
    });
    let (failing, _) = server(|mut stream| {
        read_all(&mut stream);
        drop(stream.write_all(
            b"HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n",
        ));
        drop(stream.write_all(&BOMB.repeat(64)));
    });
    for kind in ProviderKind::ALL {
        let called = act(kind, &format!("http://{address}")).await;
        let right = if kind == ProviderKind::Webhook {
            matches!(called.outcome, Outcome::Done { .. })
        } else {
            is_retried(&called, true)
        };
        assert!(right, "{}: {:?}", kind.name(), called.outcome);
        assert!(called.attempt.answer.len() <= 2048, "{}", kind.name());
        let called = act(kind, &format!("http://{failing}")).await;
        let Outcome::Retry { after, throttled: true, .. } = called.outcome else {
            panic!("{}: {called:?}", kind.name())
        };
        assert_eq!(after, Some(Duration::from_secs(7)), "{}", kind.name());
    }
}
