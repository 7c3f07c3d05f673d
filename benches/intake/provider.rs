//! A provider as bare as can be: any number of calls, each answered at once as HelpCrunch answers a tag's change, on one thread of
//! this process. It stands for a provider without limits, so that what is measured is the gateway.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Instant;

use tokio::net::TcpStream;

use crate::Outcome;

/// The tag that its answers tell: what the rules of these parts add.
pub const TAG: &str = "Lead";

/// The provider.
pub struct Provider {
    /// Where it listens.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    arrived: Receiver<Instant>,
}

#[derive(Default)]
struct Shared {
    calls: AtomicU64,
    refuses: AtomicBool,
    tells: AtomicBool,
}

impl Provider {
    /// Starts it; it serves until this process ends.
    pub fn start() -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let (tell, arrived) = channel();
        let serving = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        std::thread::Builder::new().name("provider".to_owned()).spawn(move || {
            let _ = runtime.block_on(accept(listener, serving, tell));
        })?;
        Ok(Self { address, shared, arrived })
    }

    /// The calls that it has answered with success.
    pub fn calls(&self) -> u64 {
        self.shared.calls.load(Ordering::Relaxed)
    }

    /// Whether every key is refused from now on, so that a connection is paused.
    pub fn refuse(&self, refuses: bool) {
        self.shared.refuses.store(refuses, Ordering::Relaxed);
    }

    /// Whether the arrival of each call is told from now on.
    pub fn tell(&self, tells: bool) {
        self.shared.tells.store(tells, Ordering::Relaxed);
        while self.arrived.try_recv().is_ok() {}
    }

    /// When the next call arrived.
    pub fn arrival(&self) -> Outcome<Instant> {
        Ok(self.arrived.recv_timeout(std::time::Duration::from_secs(20)).map_err(|_| "no call came")?)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, tell: Sender<Instant>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A connection that breaks off ends by itself.
        tokio::spawn(serve(stream, Arc::clone(&shared), tell.clone()));
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>, tell: Sender<Instant>) -> std::io::Result<()> {
    let taken = answer(200, &format!(r#"{{"id":10000001,"name":"Ana","tags":[{{"name":"{TAG}"}}]}}"#));
    let refused = answer(401, r#"{"errors":[{"code":"unauthorized","message":"no such key"}]}"#);
    let (mut buffer, mut filled) = (vec![0; 16 * 1024], 0);
    loop {
        stream.readable().await?;
        match stream.try_read(buffer.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => return Ok(()),
            Ok(more) => filled += more,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => return Err(error),
        }
        if !is_whole(buffer.get(..filled).unwrap_or_default()) {
            continue;
        }
        filled = 0;
        if shared.tells.load(Ordering::Relaxed) {
            let _ = tell.send(Instant::now());
        }
        let refuses = shared.refuses.load(Ordering::Relaxed);
        write(&stream, if refuses { &refused } else { &taken }).await?;
        shared.calls.fetch_add(u64::from(!refuses), Ordering::Relaxed);
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn answer(status: u16, body: &str) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body.as_bytes()].concat()
}

/// Whether a request has come to its end: a client has one under way on a connection.
fn is_whole(bytes: &[u8]) -> bool {
    let Some(head) = memchr::memmem::find(bytes, b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(bytes.get(..head).unwrap_or_default()).to_ascii_lowercase();
    let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")?.trim().parse().ok());
    bytes.len() >= head + 4 + length.unwrap_or(0)
}
