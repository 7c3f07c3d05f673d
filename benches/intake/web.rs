//! The few plain HTTP calls that the benchmark makes besides its load.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::Outcome;

/// Status and body of an answer.
pub struct Answer {
    /// `200` and the like.
    pub status: u16,
    /// What followed the head.
    pub body: Vec<u8>,
}

const PATIENCE: Duration = Duration::from_secs(10);

/// Gets a page, with a bearer token where one is given.
pub fn get(address: SocketAddr, path: &str, token: &str) -> Outcome<Answer> {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
    send(address, request.as_bytes())
}

/// Asks the API to do something, which must be taken.
pub fn post(address: SocketAddr, path: &str, token: &str) -> Outcome<()> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    );
    match send(address, request.as_bytes())?.status {
        200 => Ok(()),
        status => Err(format!("{path} answered {status}").into()),
    }
}

/// Gets JSON, which must come with a 200.
pub fn get_json(address: SocketAddr, path: &str, token: &str) -> Outcome<serde_json::Value> {
    let answer = get(address, path, token)?;
    if answer.status != 200 {
        return Err(format!("{path} answered {}: {}", answer.status, String::from_utf8_lossy(&answer.body)).into());
    }
    Ok(serde_json::from_slice(&answer.body)?)
}

/// Sends a request as it stands and reads one answer that says how long it is, or that ends with the connection.
pub fn send(address: SocketAddr, request: &[u8]) -> Outcome<Answer> {
    exchange(&mut connect(address)?, request)
}

/// A connection for one request after the other.
pub fn connect(address: SocketAddr) -> Outcome<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request on a connection and reads its answer.
pub fn exchange(stream: &mut TcpStream, request: &[u8]) -> Outcome<Answer> {
    stream.write_all(request)?;
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = stream.read(&mut piece)?;
        bytes.extend_from_slice(piece.get(..read).unwrap_or_default());
        let answer = parse(&bytes, read == 0);
        match answer {
            Some(answer) => return Ok(answer),
            None if read == 0 => return Err("the connection ended before an answer".into()),
            None => {}
        }
    }
}

fn parse(bytes: &[u8], ended: bool) -> Option<Answer> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let text = String::from_utf8_lossy(bytes.get(..head)?).to_ascii_lowercase();
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let body = bytes.get(head + 4..)?;
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse::<usize>().ok());
    let whole = length.map_or(ended, |length| body.len() >= length);
    whole.then(|| Answer { status, body: body.to_vec() })
}
