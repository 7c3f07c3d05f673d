//! `--sandbox`: connections are pointed at the built-in provider sandbox.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use super::{NO, fail};
use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::secret::{Secret, SecretRef};
use crate::sandbox::{self, Access, Sandbox, SandboxOptions};

/// What signs with `--sandbox` where nothing is set: `sandbox`, in the form that signing secrets have.
const SIGNING_SECRET: &str = "whsec_c2FuZGJveA==";

/// A sandbox on this listener.
pub fn start(listener: TcpListener) -> Result<Sandbox, ExitCode> {
    // A real account's key may be in the environment: the sandbox lets it in like any other.
    let options = SandboxOptions { access: Access::AnyKey, ..SandboxOptions::default() };
    sandbox::start(listener, options).map_err(|error| fail(NO, &format!("sandbox: {error}")))
}

/// Points connections at a sandbox that listens there. It is on loopback, which is allowed for it alone.
pub fn redirect(
    sandbox: Option<SocketAddr>,
    environment: HashMap<String, String>,
) -> impl Fn(&mut ConnectionConfig) + Send + Sync + use<> {
    let there = |kind: ProviderKind| Some((kind, sandbox::base_url(sandbox?, kind.name())?));
    let base_urls: Vec<_> = ProviderKind::ALL.into_iter().filter_map(there).collect();
    move |connection| {
        let Some((_, base_url)) = base_urls.iter().find(|(kind, _)| *kind == connection.provider) else { return };
        connection.allow_private = true;
        if connection.provider != ProviderKind::Webhook {
            return connection.base_url.clone_from(base_url);
        }
        // Where a webhook goes is its credential: nothing of what the rules say of it is left.
        connection.credentials = vec![SecretRef::Literal(Secret::new(&format!("{base_url}/{}", connection.name)))];
        for (_, secret) in &mut connection.secrets {
            let is_unset = |name: &String| environment.get(name).is_none_or(String::is_empty);
            if matches!(secret, SecretRef::Env(name) if is_unset(name)) {
                *secret = SecretRef::Literal(Secret::new(SIGNING_SECRET));
            }
        }
    }
}
