//! The one outbound client. It dials only addresses that the connection's policy allows, follows no redirect, uses no
//! proxy, keeps at most [`BODY_CAP`] bytes of an answer, and says how far a call got when there was none.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::sync::Once;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{AGE, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Url};

use super::addresses::{AddressPolicy, AddressRefused, check_literal, special};
use super::allowance::Pass;
use crate::domain::attempt::Attempt;
use crate::domain::time::Timestamp;

/// How much of an answer is kept, counted after gzip is undone, so that a small answer can't become a large one.
pub const BODY_CAP: usize = 64 * 1024;

/// A connection that takes longer than this isn't coming; the call's own timeout may be shorter.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Idle connections are closed after this; the pool's timer then ends, so an idle gateway isn't woken by it.
const POOL_IDLE: Duration = Duration::from_secs(30);

/// One call.
#[derive(Debug)]
pub struct Call {
    /// `PUT`, `DELETE`, ...
    pub method: Method,
    /// Where to.
    pub url: Url,
    /// What besides the client's own headers.
    pub headers: HeaderMap,
    /// A text, JSON unless the headers say otherwise, sent with any method: removing tags is a DELETE with a body.
    pub body: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// `Retry-After` as it was written.
    pub retry_after: Option<String>,
    /// At most [`BODY_CAP`] bytes.
    pub body: Vec<u8>,
    /// Whether `body` is all there was.
    pub extent: Extent,
    /// For how long it may be kept, as its `Cache-Control` and `Age` say.
    pub fresh_for: Option<Duration>,
    /// What it says of limits: `x-ratelimit-remaining: 4`.
    pub limits: Vec<String>,
}

/// How much of an answer's body was read.
#[derive(Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it.
    Whole,
    /// The first [`BODY_CAP`] bytes.
    Capped,
    /// The connection broke or the time was up; why.
    Broken(String),
}

/// Why nothing came back.
#[derive(Debug, PartialEq, Eq)]
pub enum NoAnswer {
    /// The address isn't one that may be called; nothing was sent.
    Refused(AddressRefused),
    /// No name, no connection, no TLS: nothing was sent.
    NotSent(String),
    /// The call may have arrived.
    InDoubt(String),
    /// The account's allowance is used up until then; nothing was sent.
    NotYet(Timestamp),
}

/// The client of one connection. Clones share its pool.
#[derive(Debug, Clone)]
pub struct Outbound {
    client: reqwest::Client,
    policy: AddressPolicy,
    pass: Option<Pass>,
}

impl Outbound {
    /// A client whose calls take at most `timeout` in all. Fails where the system has no root certificates.
    pub fn new(timeout: Duration, policy: AddressPolicy) -> Result<Self, reqwest::Error> {
        Self::believing(timeout, policy, None)
    }

    /// The same, where another judges the servers' certificates than the system's roots do.
    pub fn believing(
        timeout: Duration,
        policy: AddressPolicy,
        tls: Option<rustls::ClientConfig>,
    ) -> Result<Self, reqwest::Error> {
        install_tls_provider();
        let builder = match tls {
            Some(tls) => reqwest::Client::builder().tls_backend_preconfigured(tls),
            None => reqwest::Client::builder(),
        };
        let client = builder
            .user_agent(concat!("tagrelay/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .timeout(timeout)
            // Half of the whole at most: what fails to connect then says so, and isn't taken for a call in doubt.
            .connect_timeout(CONNECT_TIMEOUT.min(timeout / 2))
            .pool_idle_timeout(POOL_IDLE)
            .pool_max_idle_per_host(8)
            .dns_resolver(CheckedResolver { policy })
            .build()?;
        Ok(Self { client, policy, pass: None })
    }

    /// From now on each call is counted as it starts.
    pub fn count_with(&mut self, pass: &Pass) {
        self.pass = Some(pass.clone());
    }

    /// Makes one call, whose start, time, status and limits are written into its attempt.
    pub async fn send_for(&self, attempt: &mut Attempt, call: Call) -> Result<Answer, NoAnswer> {
        check_literal(&call.url, self.policy).map_err(NoAnswer::Refused)?;
        if let Some(pass) = &self.pass {
            attempt.at = pass.start().await.map_err(NoAnswer::NotYet)?;
        }
        let started = Instant::now();
        let sent = self.send(call).await;
        attempt.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Ok(answer) = &sent {
            attempt.status = Some(answer.status);
            attempt.limits.clone_from(&answer.limits);
        }
        sent
    }

    /// Makes one call that nobody counts and reads its answer.
    pub async fn send(&self, call: Call) -> Result<Answer, NoAnswer> {
        check_literal(&call.url, self.policy).map_err(NoAnswer::Refused)?;
        let mut headers = call.headers;
        if call.body.is_some() {
            headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
        }
        let mut request = self.client.request(call.method, call.url).headers(headers);
        if let Some(body) = call.body {
            request = request.body(body);
        }
        let response = request.send().await.map_err(|e| no_answer(&e))?;
        let status = response.status().as_u16();
        let retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(str::to_owned);
        let limits = limits(response.headers());
        let fresh_for = fresh_for(response.headers());
        let (body, extent) = read_capped(response).await;
        Ok(Answer { status, retry_after, body, extent, fresh_for, limits })
    }

    /// Asks for what is at an address; why not, in words.
    pub async fn get(&self, url: &str) -> Result<Answer, String> {
        let url = Url::parse(url).map_err(|error| error.to_string())?;
        let call = Call { method: Method::GET, url, headers: HeaderMap::new(), body: None };
        self.send(call).await.map_err(|no| match no {
            NoAnswer::Refused(why) => why.to_string(),
            NoAnswer::NotSent(why) | NoAnswer::InDoubt(why) => why,
            NoAnswer::NotYet(until) => format!("not before {until}"),
        })
    }
}

/// reqwest panics when it builds a client before rustls knows its one cryptography provider.
/// Makes ring the one TLS provider of this process; called before a client is built, as often as you like.
pub fn install_tls_provider() {
    static INSTALL: Once = Once::new();
    // An error says that the process has installed one already, which is as good.
    INSTALL.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// `max-age` less the time that the answer has lain in a cache; none where it may not be kept (RFC 9111).
fn fresh_for(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let said = text(CACHE_CONTROL)?.to_ascii_lowercase();
    let words = || said.split(',').map(str::trim);
    if words().any(|word| word == "no-store" || word == "no-cache") {
        return Some(Duration::ZERO);
    }
    let age: u64 = text(AGE).and_then(|age| age.trim().parse().ok()).unwrap_or_default();
    let most: u64 = words().find_map(|word| word.strip_prefix("max-age="))?.trim_matches('"').parse().ok()?;
    Some(Duration::from_secs(most.saturating_sub(age)))
}

/// Headers about limits, as providers that have any name them; few and short, whatever a server sends. Numbers alone: the key
/// that a limit is kept under may be the credential.
fn limits(headers: &HeaderMap) -> Vec<String> {
    let about = |name: &str| name.starts_with("x-ratelimit-") || name.starts_with("ratelimit");
    let named = headers.iter().filter(|(name, _)| about(name.as_str()));
    let short = named.filter_map(|(name, value)| {
        Some((name, value.to_str().ok().filter(|text| text.len() <= 100 && is_a_limit(text))?))
    });
    short.take(8).map(|(name, value)| format!("{name}: {value}")).collect()
}

/// `4`, `100, 100;w=60`: no more letters than the window's.
fn is_a_limit(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || b" ,;=.w".contains(&byte))
}

async fn read_capped(response: reqwest::Response) -> (Vec<u8>, Extent) {
    let mut stream = response.bytes_stream();
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => {
                let room = BODY_CAP - body.len();
                body.extend(chunk.iter().take(room));
                if chunk.len() > room {
                    return (body, Extent::Capped);
                }
            }
            Err(error) => return (body, Extent::Broken(words(&error))),
        }
    }
    (body, Extent::Whole)
}

fn no_answer(error: &reqwest::Error) -> NoAnswer {
    let refused = causes(error).find_map(|cause| cause.downcast_ref::<AddressRefused>());
    if let Some(refused) = refused {
        return NoAnswer::Refused(refused.clone());
    }
    if error.is_connect() || error.is_builder() {
        return NoAnswer::NotSent(words(error));
    }
    NoAnswer::InDoubt(words(error))
}

fn causes<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |e| (*e).source())
}

/// The innermost cause says what happened ("connection refused"); the outer ones name the URL, which people know.
fn words(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return if error.is_connect() { "no connection in time" } else { "no answer in time" }.to_owned();
    }
    causes(error).last().map_or_else(String::new, ToString::to_string)
}

/// Filters the very addresses that are then dialled, so a name can't change its mind in between.
struct CheckedResolver {
    policy: AddressPolicy,
}

impl Resolve for CheckedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let policy = self.policy;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            Ok(allowed(name.as_str(), found, policy)?)
        })
    }
}

/// The public ones of the addresses found, or all where the policy allows; an error when only others were found.
fn allowed(host: &str, found: Vec<SocketAddr>, policy: AddressPolicy) -> Result<Addrs, AddressRefused> {
    if policy == AddressPolicy::Any {
        return Ok(Box::new(found.into_iter()));
    }
    let public: Vec<SocketAddr> = found.iter().copied().filter(|a| special(a.ip()).is_none()).collect();
    match found.iter().find_map(|a| special(a.ip())) {
        Some(what) if public.is_empty() => Err(AddressRefused { host: host.to_owned(), what }),
        _ => Ok(Box::new(public.into_iter())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_its_public_addresses_only() {
        let at = |ip: &str| SocketAddr::new(ip.parse().expect("an address"), 0);
        let found = || vec![at("10.0.0.1"), at("8.8.8.8"), at("::1")];
        let dialled = |policy| allowed("a.example", found(), policy).map(Iterator::collect::<Vec<_>>).ok();
        assert_eq!(dialled(AddressPolicy::PublicOnly), Some(vec![at("8.8.8.8")]));
        assert_eq!(dialled(AddressPolicy::Any), Some(found()));
        let refused = allowed("a.example", vec![at("169.254.169.254")], AddressPolicy::PublicOnly).err();
        assert_eq!(refused.map(|r| r.what), Some("a link-local address"));
    }

    #[tokio::test]
    async fn a_name_of_loopback_is_refused_before_anything_is_sent() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        for host in ["localhost", "127.0.0.1", "0x7f.1", "[::1]"] {
            let answer = get(&format!("http://{host}:{port}/"), AddressPolicy::PublicOnly).await;
            assert!(matches!(answer, Err(NoAnswer::Refused(_))), "{host}: {answer:?}");
        }
        listener.set_nonblocking(true).expect("set");
        assert!(listener.accept().is_err(), "nobody dialled");
    }

    #[tokio::test]
    async fn what_was_never_sent_is_told_from_what_may_have_arrived() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let dropper = std::thread::spawn(move || {
            for _ in 0..2 {
                drop(listener.accept());
            }
        });
        let closed_early = get(&format!("http://127.0.0.1:{port}/"), AddressPolicy::Any).await;
        assert!(matches!(closed_early, Err(NoAnswer::InDoubt(_))), "{closed_early:?}");
        let no_tls = get(&format!("https://127.0.0.1:{port}/"), AddressPolicy::Any).await;
        assert!(matches!(no_tls, Err(NoAnswer::NotSent(_))), "{no_tls:?}");
        dropper.join().expect("joined");
        let closed = get(&format!("http://127.0.0.1:{port}/"), AddressPolicy::Any).await;
        assert!(matches!(closed, Err(NoAnswer::NotSent(_))), "{closed:?}");
        let nowhere = get("http://nowhere.invalid/", AddressPolicy::Any).await;
        assert!(matches!(nowhere, Err(NoAnswer::NotSent(_))), "{nowhere:?}");
    }

    #[tokio::test]
    async fn a_small_answer_does_not_become_a_large_one() {
        const MEBIBYTE: &[u8] = include_bytes!("../../tests/fixtures/a-mebibyte-of-spaces.gz");
        let mut head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n".to_vec();
        head.extend(MEBIBYTE.repeat(16));
        let address = answer_once(head);
        let answer = get(&format!("http://{address}/"), AddressPolicy::Any).await.expect("an answer");
        assert_eq!((answer.body.len(), answer.extent), (BODY_CAP, Extent::Capped));
    }

    #[tokio::test]
    async fn a_redirect_is_an_answer_and_is_not_followed() {
        let address =
            answer_once(b"HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\nContent-Length: 0\r\n\r\n".to_vec());
        let answer = get(&format!("http://{address}/"), AddressPolicy::Any).await.expect("an answer");
        assert_eq!((answer.status, answer.extent), (302, Extent::Whole));
    }

    /// A server that reads one request and answers these bytes.
    fn answer_once(bytes: Vec<u8>) -> SocketAddr {
        use std::io::{Read, Write};
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a call");
            assert!(stream.read(&mut [0; 4096]).expect("a request") > 0);
            // The client hangs up when it has read enough.
            drop(stream.write_all(&bytes));
        });
        address
    }

    async fn get(url: &str, policy: AddressPolicy) -> Result<Answer, NoAnswer> {
        let outbound = Outbound::new(Duration::from_secs(2), policy).expect("a client");
        let url = Url::parse(url).expect("a URL");
        outbound.send(Call { method: Method::GET, url, headers: HeaderMap::new(), body: None }).await
    }
}
