//! `tagrelay sandbox`: the provider sandbox alone.

use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;

use super::{NO, fail, settings, stop_signal};
use crate::sandbox::{self, SandboxOptions, Unknown};

/// Run the provider sandbox alone: the providers' APIs as documented, with limits and errors.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  tagrelay sandbox --listen 127.0.0.1:8090\n  curl http://127.0.0.1:8090/_sandbox/contacts"
)]
pub struct Args {
    /// Where to listen [default: `TAGRELAY_SANDBOX_LISTEN`, else 127.0.0.1:8090].
    #[arg(long, value_name = "ADDRESS", value_parser = crate::settings::address)]
    listen: Option<SocketAddr>,
    /// Answer 404 for contacts that nobody has created, as the real providers do.
    #[arg(long)]
    strict: bool,
}

/// Runs until SIGTERM or SIGINT.
pub fn run(args: &Args) -> ExitCode {
    let settings = match settings() {
        Ok(settings) => settings,
        Err(status) => return status,
    };
    let address = args.listen.unwrap_or(settings.sandbox_listen);
    let listener = match TcpListener::bind(address) {
        Ok(listener) => listener,
        Err(error) => return fail(NO, &format!("{address}: {error}")),
    };
    let unknown = if args.strict { Unknown::NotFound } else { Unknown::Created };
    let sandbox = match sandbox::start(listener, SandboxOptions { unknown, ..SandboxOptions::default() }) {
        Ok(sandbox) => sandbox,
        Err(error) => return fail(NO, &format!("sandbox: {error}")),
    };
    eprintln!(
        "sandbox on http://{}, key `sandbox`; what it holds: http://{}/_sandbox/",
        sandbox.address(),
        sandbox.address()
    );
    actix_web::rt::System::new().block_on(async {
        stop_signal().await;
        sandbox.stop().await;
    });
    ExitCode::SUCCESS
}
