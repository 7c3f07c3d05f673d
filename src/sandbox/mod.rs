//! The providers' APIs as they are documented, as a server of our own: for demos, for tests, and for trying out what
//! happens when a provider is ill. It knows nothing of the gateway.
//!
//! Below `/{provider}/...` it answers as the vendor's pages say. Below `/_sandbox/` it shows its contacts and the calls
//! it got, and takes faults and hand edits.

mod b2chat;
mod calls;
mod control;
mod dice;
mod faults;
mod gate;
mod helpcrunch;
mod people;
mod place;
mod request;
mod respond_io;
mod server;
mod state;
mod tic1980;
mod webhook;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};

pub use calls::Call;
use place::Place;
use serde_json::Value;
use state::State;

use crate::domain::duration::Rate;

/// How a sandbox behaves where its faults say nothing.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// Who may call.
    pub access: Access,
    /// How many calls may come in.
    pub limit: Limit,
    /// What becomes of a contact that nobody has heard of.
    pub unknown: Unknown,
    /// How many contacts there may be at each provider.
    pub most_contacts: usize,
}

/// Who may call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// The bearer of this key.
    Key(String),
    /// The bearer of any key, as where the gateway's connections keep the keys of real accounts.
    AnyKey,
}

/// How many calls may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// As documented.
    Documented,
    /// This many in any such window.
    At(Rate),
    /// No limit.
    Off,
}

/// What becomes of a contact that nobody has heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// It comes to be on first use.
    Created,
    /// It is not found, as at the real provider.
    NotFound,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            access: Access::Key("sandbox".to_owned()),
            limit: Limit::Documented,
            unknown: Unknown::Created,
            most_contacts: 100_000,
        }
    }
}

/// A running sandbox. It stops when it is dropped.
pub struct Sandbox {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    server: actix_web::dev::ServerHandle,
}

/// Serves the sandbox on `listener`, with threads and an actix system of its own, so that it runs inside any runtime and
/// without one.
pub fn start(listener: TcpListener, options: SandboxOptions) -> io::Result<Sandbox> {
    let address = listener.local_addr()?;
    let state = Arc::new(Mutex::new(State::new(options)));
    let server = server::spawn(listener, Arc::clone(&state))?;
    Ok(Sandbox { address, state, server })
}

/// A connection's `base_url` at a sandbox that listens there; `None` for a provider that isn't part of it.
pub fn base_url(address: SocketAddr, provider: &str) -> Option<String> {
    Place::named(provider).map(|place| format!("http://{address}{}", place.base()))
}

impl Sandbox {
    /// Where it listens, as one dials it.
    pub fn address(&self) -> SocketAddr {
        let ip = match self.address.ip() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        SocketAddr::new(ip, self.address.port())
    }

    /// What a connection's `base_url` is to be; `None` for a provider that isn't here. A webhook's `url` is one segment below it.
    pub fn base_url(&self, provider: &str) -> Option<String> {
        base_url(self.address(), provider)
    }

    /// The calls it got, oldest first, as `GET /_sandbox/calls` shows them.
    pub fn calls(&self) -> Vec<Call> {
        self.locked(|state| state.calls.since(0))
    }

    /// The names of a contact's tags; `None` for a contact that isn't there.
    pub fn tags(&self, provider: &str, id: &str) -> Option<Vec<String>> {
        self.locked(|state| state.tags(Place::named(provider)?, id))
    }

    /// All there is about a contact; `None` for one that isn't there.
    pub fn contact(&self, provider: &str, id: &str) -> Option<Value> {
        self.locked(|state| state.contact(Place::named(provider)?, id))
    }

    /// A hand edit: the contact has exactly these tags now. The error says why not.
    pub fn set_tags(&self, provider: &str, id: &str, tags: &[&str]) -> Result<(), String> {
        let tags: Vec<String> = tags.iter().map(ToString::to_string).collect();
        self.locked(|state| state.set_tags(Place::known(provider)?, id, &tags).map(drop))
    }

    /// The contact is gone, and its id is nobody's from now on. The error says why not.
    pub fn lose(&self, provider: &str, id: &str) -> Result<(), String> {
        self.locked(|state| state.lose(Place::known(provider)?, id))
    }

    /// A hand edit of an account itself, in the form of `POST /_sandbox/b2chat`: tokens that end, tags that are known. The error
    /// says what is wrong with it.
    pub fn edit_b2chat(&self, edit: &Value) -> Result<(), String> {
        let edit = serde_json::from_value(edit.clone()).map_err(|error| error.to_string())?;
        self.locked(|state| drop(state.b2chat.edit(edit, crate::clock::now())));
        Ok(())
    }

    /// Adds faults, in the form of `POST /_sandbox/faults`. The error says what is wrong with them.
    pub fn add_faults(&self, faults: &Value) -> Result<(), String> {
        self.locked(|state| state.faults.add(faults.to_string().as_bytes()))
    }

    /// From now on everything is well.
    pub fn clear_faults(&self) {
        self.locked(|state| state.faults.clear());
    }

    /// Stops serving and waits until it has.
    pub async fn stop(self) {
        self.server.stop(false).await;
    }

    fn locked<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut state::lock(&self.state))
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        // The command is sent at once; only waiting for its end would need a runtime.
        drop(self.server.stop(false));
    }
}
