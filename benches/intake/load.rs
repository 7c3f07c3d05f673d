//! The load generator: one thread, keep-alive connections in a closed loop, every request signed when it is sent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;

use crate::Outcome;
use crate::histogram::Histogram;
use crate::options::Load;
use crate::senders::Vendor;
use crate::shapes::Message;

/// What a burst came to. Durations are microseconds.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Burst {
    /// Requests answered with 200, warm-up included.
    pub taken: u64,
    /// Requests answered with anything else.
    pub refused: u64,
    /// Connections that the server closed.
    pub closed: u64,
    /// Requests answered with 200 in each measured second.
    pub rate: f64,
    /// Half the answers took at most this.
    pub p50: u64,
    /// 99 of 100 did.
    pub p99: u64,
    /// The slowest hundredth of a percent took this or longer.
    pub p9999: u64,
    /// The least and the most bytes that a body of a 200 had.
    pub shortest: usize,
    /// See `shortest`.
    pub longest: usize,
}

/// How long an answer may take before the whole run is given up.
const PATIENCE: Duration = Duration::from_secs(20);

struct Plan {
    load: Load,
    begin: Instant,
    end: Instant,
    sent: AtomicU64,
}

/// Runs one burst.
pub fn run(load: Load) -> Outcome<Burst> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
    runtime.block_on(burst(load))
}

async fn burst(load: Load) -> Outcome<Burst> {
    let begin = Instant::now() + Duration::from_secs_f64(load.warm_up);
    let bounded = load.requests < u64::MAX;
    let lasts = if bounded { Duration::from_mins(30) } else { Duration::from_secs_f64(load.seconds) };
    let plan = Arc::new(Plan { begin, end: begin + lasts, sent: AtomicU64::new(0), load });
    let started = Instant::now();
    let lanes: Vec<_> = (0..plan.load.connections).map(|lane| tokio::spawn(drive(Arc::clone(&plan), lane))).collect();
    let mut all = Lane::default();
    for lane in lanes {
        all.merge(&lane.await??);
    }
    let seconds = if bounded { started.elapsed().as_secs_f64() } else { plan.load.seconds };
    Ok(Burst {
        taken: all.taken,
        refused: all.refused,
        closed: all.closed,
        rate: all.times.count() as f64 / seconds,
        p50: all.times.quantile(0.5),
        p99: all.times.quantile(0.99),
        p9999: all.times.quantile(0.9999),
        shortest: all.shortest,
        longest: all.longest,
    })
}

/// What one connection saw.
struct Lane {
    taken: u64,
    refused: u64,
    closed: u64,
    times: Histogram,
    shortest: usize,
    longest: usize,
}

impl Default for Lane {
    fn default() -> Self {
        Self { taken: 0, refused: 0, closed: 0, times: Histogram::default(), shortest: usize::MAX, longest: 0 }
    }
}

impl Lane {
    fn merge(&mut self, other: &Self) {
        self.taken += other.taken;
        self.refused += other.refused;
        self.closed += other.closed;
        self.times.merge(&other.times);
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
    }
}

async fn drive(plan: Arc<Plan>, lane: usize) -> Outcome<Lane> {
    let load = &plan.load;
    let mut message = Message::new(&load.path, load.intents, load.contacts, load.body_signature);
    let vendor = load.mixed.then(|| Vendor::of(lane, load.contacts));
    let mut written;
    let mut seen = Lane::default();
    let mut number = load.first + lane as u64;
    let address = *load.addresses.get(lane % load.addresses.len().max(1)).ok_or("nobody to call")?;
    let mut stream = connect(address).await?;
    let mut buffer = vec![0; 16 * 1024];
    while Instant::now() < plan.end && plan.sent.fetch_add(1, Ordering::Relaxed) < load.requests {
        let request = if let Some(vendor) = &vendor {
            written = vendor.request(number);
            written.as_slice()
        } else {
            message.fill(number, tagrelay::clock::now().seconds())
        };
        number += load.connections as u64;
        let sent = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, exchange(&stream, request, &mut buffer)).await??;
        let now = Instant::now();
        if answer.status == 200 {
            seen.taken += 1;
            seen.shortest = seen.shortest.min(answer.length);
            seen.longest = seen.longest.max(answer.length);
            if sent >= plan.begin && now < plan.end {
                seen.times.add(now.duration_since(sent).as_micros() as u64);
            }
        } else {
            if seen.refused == 0 {
                let answer = String::from_utf8_lossy(buffer.get(..400).unwrap_or_default()).into_owned();
                eprintln!("refused: {}\n{answer}", String::from_utf8_lossy(request.get(..120).unwrap_or_default()));
            }
            seen.refused += 1;
        }
        if answer.closes {
            seen.closed += 1;
            stream = connect(address).await?;
        }
    }
    Ok(seen)
}

async fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

struct Answer {
    status: u16,
    length: usize,
    closes: bool,
}

async fn exchange(stream: &TcpStream, mut request: &[u8], buffer: &mut [u8]) -> std::io::Result<Answer> {
    while !request.is_empty() {
        match stream.try_write(request) {
            Ok(written) => request = request.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    let mut filled = 0;
    loop {
        stream.readable().await?;
        match stream.try_read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if let Some(answer) = whole(buffer.get(..filled).unwrap_or_default()) {
            return Ok(answer);
        }
    }
}

/// The answer, when all of it has come. Every server measured here says how long its body is.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let head = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let text = std::str::from_utf8(bytes.get(..head)?).ok()?;
    let mut lines = text.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let (mut length, mut closes) = (0, false);
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().ok()?;
        } else if name.eq_ignore_ascii_case("connection") {
            closes = value.eq_ignore_ascii_case("close");
        }
    }
    (bytes.len() >= head + 4 + length).then_some(Answer { status, length, closes })
}
