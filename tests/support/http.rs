//! A small HTTP/1.1 client: one connection a request, read to its end. What it sends is what the test says, byte for byte.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads an answer from all the bytes of a connection; `None` when there are none or too few.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = String::from_utf8(bytes.get(..end)?.to_vec()).ok()?;
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let pair = |line: &str| line.split_once(':').map(|(n, v)| (n.to_ascii_lowercase(), v.trim().to_owned()));
        Some(Self { status, headers: lines.filter_map(pair).collect(), body: bytes.get(end + 4..)?.to_vec() })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {} {}", self.status, self.text()))
    }

    /// The answer to something that was fine.
    #[track_caller]
    pub fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }
}

/// Sends bytes and reads until the other side closes; `None` when nothing that reads as an answer came.
pub fn exchange(address: SocketAddr, bytes: &[u8], patience: Duration) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).ok()?;
    stream.set_read_timeout(Some(patience)).ok()?;
    // A server may answer and close before it has read everything: what it said is still there to be read.
    drop(stream.write_all(bytes));
    read(stream)
}

/// Reads until the other side closes.
pub fn read(mut stream: TcpStream) -> Option<Answer> {
    let mut answer = Vec::new();
    drop(stream.read_to_end(&mut answer));
    Answer::read(&answer)
}

/// A request's bytes. `Content-Length` is added, and the connection closes afterwards.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let headers: String = headers.iter().fold(String::new(), |all, (name, value)| all + name + ": " + value + "\r\n");
    let head = format!("{method} {path} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n{headers}");
    let mut bytes = format!("{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend(body);
    bytes
}
