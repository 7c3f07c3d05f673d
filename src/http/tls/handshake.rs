//! Handshakes: bounded in time and in number, and kind to whoever speaks plain HTTP by mistake.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use actix_http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::Tls;
use crate::clock;
use crate::flow::metrics::Metrics;

/// How long a sender may take for all of a handshake.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Handshakes under way on one thread. More make the oldest give way: senders need a tenth of a second for one, and whoever only
/// holds connections open has nothing of it.
const AT_ONCE: usize = 1_024;
/// With this byte every handshake begins.
const HANDSHAKE: u8 = 0x16;
/// How long, and how much, is read of a plain request whose answer would otherwise be lost with the connection.
const PLAIN_REST: (Duration, u64) = (Duration::from_secs(1), 64 * 1024);

/// The handshakes under way on one thread, oldest first.
#[derive(Default)]
pub(in crate::http) struct Handshakes(VecDeque<oneshot::Sender<Infallible>>);

/// What a handshake holds while it is under way; it resolves when it has to give way.
pub(in crate::http) type Ticket = oneshot::Receiver<Infallible>;

impl Handshakes {
    /// Another one begins.
    pub(in crate::http) fn begin(&mut self) -> Ticket {
        if self.0.len() >= AT_ONCE {
            self.0.retain(|handshake| !handshake.is_closed());
        }
        if self.0.len() >= AT_ONCE {
            self.0.pop_front();
        }
        let (hold, ticket) = oneshot::channel();
        self.0.push_back(hold);
        ticket
    }

    /// Ends all that are under way.
    pub(in crate::http) fn end(&mut self) {
        self.0.clear();
    }
}

/// How a handshake failed.
enum Failed {
    /// The sender took too long.
    Slow,
    /// It had to give way.
    Crowded,
    /// Plain HTTP was spoken.
    Plain(TcpStream),
    /// The sender was gone before it said anything, as load balancers' probes are.
    Silent,
    /// There is no common ground, or the sender refuses our certificate.
    Refused(std::io::Error),
}

impl Tls {
    /// Secures a connection; `None` where that fails, which is counted.
    pub(in crate::http) async fn secure(
        &self,
        stream: TcpStream,
        ticket: Ticket,
        metrics: &Metrics,
    ) -> Option<TlsStream<TcpStream>> {
        let secured = tokio::select! {
            secured = tokio::time::timeout(TIMEOUT, self.shake(stream, metrics)) => secured.unwrap_or(Err(Failed::Slow)),
            _ = ticket => Err(Failed::Crowded),
        };
        let (reason, error) = match secured {
            Ok(stream) => return Some(stream),
            Err(Failed::Silent) => return None,
            Err(Failed::Slow) => ("slow", None),
            Err(Failed::Crowded) => ("crowded", None),
            Err(Failed::Refused(error)) => ("refused", Some(error)),
            Err(Failed::Plain(stream)) => {
                metrics.handshake_failed("plain");
                explain(stream).await;
                return None;
            }
        };
        metrics.handshake_failed(reason);
        tracing::debug!(reason, ?error, "a connection came to no TLS session");
        None
    }

    async fn shake(&self, stream: TcpStream, metrics: &Metrics) -> Result<TlsStream<TcpStream>, Failed> {
        let mut first = [0];
        match stream.peek(&mut first).await {
            Ok(1) if first[0] == HANDSHAKE => {}
            Ok(1) if first[0].is_ascii_alphabetic() => return Err(Failed::Plain(stream)),
            Ok(0) | Err(_) => return Err(Failed::Silent),
            Ok(_) => return Err(Failed::Refused(std::io::ErrorKind::InvalidData.into())),
        }
        let config = self.current(metrics, clock::now());
        TlsAcceptor::from(config).accept(stream).await.map_err(Failed::Refused)
    }
}

/// Tells a sender that speaks plain HTTP what is spoken here.
async fn explain(mut stream: TcpStream) {
    let status = StatusCode::BAD_REQUEST;
    let body = json!({
        "type": "urn:tagrelay:problem:plain-http",
        "title": "Plain HTTP on a TLS port",
        "status": status.as_u16(),
        "detail": "this port speaks TLS: the address begins with https://",
    });
    let body = body.to_string();
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    let (time, bytes) = PLAIN_REST;
    let told = async {
        stream.write_all(answer.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing with something unread would take the answer back.
        tokio::io::copy(&mut stream.take(bytes), &mut tokio::io::sink()).await
    };
    drop(tokio::time::timeout(time, told).await);
}
