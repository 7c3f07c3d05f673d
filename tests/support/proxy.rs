//! A wire that can be cut: forwards to a port of this machine, stalls, breaks and heals.
//!
//! It needs nothing else of `support`, so that unit tests may take this file alone.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    Whole,
    /// Connections are taken and nothing gets through.
    Stalled,
    /// Connections are ended, new ones refused.
    Cut,
    /// The proxy's end.
    Gone,
}

/// A running proxy. It ends with its value, and so do its connections.
pub struct Proxy {
    address: SocketAddr,
    wire: watch::Sender<Wire>,
    /// Hears when a change is in force.
    done: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Forwards to 127.0.0.1 and this port.
    pub fn to(port: u16) -> Self {
        let (wire, changes) = watch::channel(Wire::Whole);
        let (tell, done) = mpsc::channel();
        let (tell_address, address) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
                tell_address.send(listener.local_addr().expect("bound")).expect("somebody waits");
                run(listener, port, changes, tell).await;
            });
        });
        Self { address: address.recv().expect("bound"), wire, done, thread: Some(thread) }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Ends every connection and refuses new ones.
    pub fn cut(&self) {
        self.change(Wire::Cut);
    }

    /// Takes connections and forwards nothing, in either direction.
    pub fn stall(&self) {
        self.change(Wire::Stalled);
    }

    /// Forwards again: what was stalled goes on, what was cut may be connected anew.
    pub fn heal(&self) {
        self.change(Wire::Whole);
    }

    fn change(&self, wire: Wire) {
        self.wire.send(wire).expect("it runs");
        self.done.recv().expect("it runs");
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.wire.send_replace(Wire::Gone);
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the proxy panicked");
        }
    }
}

async fn run(listener: TcpListener, port: u16, mut changes: watch::Receiver<Wire>, tell: mpsc::Sender<()>) {
    let address = listener.local_addr().expect("bound");
    let mut listener = Some(listener);
    let mut connections = JoinSet::new();
    loop {
        let accepted = async {
            match &listener {
                Some(listener) => listener.accept().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // A change comes first: nobody is taken after a cut was answered.
            biased;
            _ = changes.changed() => {
                match *changes.borrow_and_update() {
                    Wire::Gone => return,
                    Wire::Cut => {
                        listener = None;
                        connections.shutdown().await;
                    }
                    Wire::Whole | Wire::Stalled if listener.is_none() => {
                        listener = Some(TcpListener::bind(address).await.expect("the port is free again"));
                    }
                    Wire::Whole | Wire::Stalled => {}
                }
                if tell.send(()).is_err() {
                    return;
                }
            }
            accepted = accepted => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(join(stream, port, changes.clone()));
                }
            }
        }
    }
}

/// One connection: opened to the other side when something gets through.
async fn join(near: TcpStream, port: u16, mut changes: watch::Receiver<Wire>) {
    if changes.wait_for(|wire| *wire == Wire::Whole).await.is_err() {
        return;
    }
    let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
    tokio::join!(pass(near_read, far_write, changes.clone()), pass(far_read, near_write, changes));
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut changes: watch::Receiver<Wire>) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut piece).await {
        // What was on its way when the wire stalled arrives when it heals.
        if changes.wait_for(|wire| *wire == Wire::Whole).await.is_err() || to.write_all(&piece[..read]).await.is_err() {
            return;
        }
    }
    if changes.wait_for(|wire| *wire == Wire::Whole).await.is_ok() {
        drop(to.shutdown().await);
    }
}
