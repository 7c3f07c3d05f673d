//! A provider that outlives the gateway: the sandbox, in the test's own process.

use std::net::TcpListener;

use tagrelay::sandbox::{self, Access, Limit, Sandbox, SandboxOptions};

/// Lets every key in and sets no limit.
pub fn provider() -> Sandbox {
    let options = SandboxOptions { access: Access::AnyKey, limit: Limit::Off, ..SandboxOptions::default() };
    sandbox::start(TcpListener::bind("127.0.0.1:0").expect("a port"), options).expect("a sandbox")
}

/// The connection `crm` to it, with these further keys.
pub fn connection(provider: &Sandbox, keys: &str) -> String {
    let base_url = provider.base_url("helpcrunch").expect("it has one");
    format!(
        "connections:\n  crm: {{ provider: helpcrunch, api_key: env:CRM_KEY, base_url: \"{base_url}\",\n         \
         allow_private: true, {keys} }}\n"
    )
}
