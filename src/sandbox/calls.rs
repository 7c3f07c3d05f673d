//! The calls that came in, oldest first; the oldest go when there are too many.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::Value;

use super::request::Request;
use crate::domain::time::{Timestamp, rfc3339};

const MOST_CALLS: usize = 10_000;
/// Bodies are the larger part of what is kept.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// One call that came in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Call {
    /// Counted from 1 since the start; a cursor for `?since=`.
    pub n: u64,
    /// When.
    #[serde(serialize_with = "rfc3339::serialize")]
    pub at: Timestamp,
    /// At which provider.
    pub provider: &'static str,
    /// `PUT`, `DELETE`, ...
    pub method: String,
    /// Path and query as they were sent.
    pub path: String,
    /// Names in lower case; of `authorization` only the scheme is kept.
    pub headers: BTreeMap<String, String>,
    /// JSON, or text where it was none; null without a body.
    pub body: Value,
    /// What was answered; null when the connection was closed instead.
    pub status: Option<u16>,
    /// The fault that played a part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fault: Option<&'static str>,
}

/// The calls that are remembered.
#[derive(Debug, Default)]
pub struct CallLog {
    calls: VecDeque<(usize, Call)>,
    bytes: usize,
    last: u64,
}

impl CallLog {
    /// Remembers a call and how it was answered.
    pub fn record(
        &mut self,
        at: Timestamp,
        provider: &'static str,
        request: &Request,
        status: Option<u16>,
        fault: Option<&'static str>,
    ) {
        self.last += 1;
        let mut headers = request.headers.clone();
        if let Some(authorization) = headers.get_mut("authorization") {
            *authorization = veiled(authorization);
        }
        let size = request.body.len() + request.target.len() + 1024;
        let (method, path) = (request.method.clone(), request.target.clone());
        let call = Call { n: self.last, at, provider, method, path, headers, body: body(&request.body), status, fault };
        self.bytes += size;
        self.calls.push_back((size, call));
        while self.calls.len() > MOST_CALLS || self.bytes > MOST_BYTES {
            self.bytes -= self.calls.pop_front().map_or(self.bytes, |(size, _)| size);
        }
    }

    /// The calls after number `n`.
    pub fn since(&self, n: u64) -> Vec<Call> {
        self.calls.iter().map(|(_, call)| call).filter(|call| call.n > n).cloned().collect()
    }

    /// The number of the last call.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Forgets them; the count goes on.
    pub fn clear(&mut self) {
        self.calls.clear();
        self.bytes = 0;
    }
}

/// `Bearer ***`: enough to see that a key was sent and how.
fn veiled(authorization: &str) -> String {
    let scheme = authorization.split_once(' ').map_or("", |(scheme, _)| scheme);
    format!("{scheme} ***").trim_start().to_owned()
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_calls_go_and_keys_are_veiled() {
        let mut log = CallLog::default();
        let request = Request {
            headers: BTreeMap::from([("authorization".to_owned(), "Bearer secret".to_owned())]),
            body: b"not json".to_vec(),
            ..Request::default()
        };
        for _ in 0..MOST_CALLS + 5 {
            log.record(Timestamp(0), "helpcrunch", &request, None, None);
        }
        assert_eq!((log.since(0).len(), log.last()), (MOST_CALLS, MOST_CALLS as u64 + 5));
        let newest = log.since(log.last() - 1).pop().expect("a call");
        assert_eq!(newest.headers["authorization"], "Bearer ***");
        assert_eq!(newest.body, Value::from("not json"));
        let large = Request { body: vec![b'x'; MOST_BYTES], ..Request::default() };
        log.record(Timestamp(0), "helpcrunch", &large, None, None);
        assert!(log.bytes <= MOST_BYTES);
    }
}
