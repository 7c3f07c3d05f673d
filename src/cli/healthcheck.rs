//! `tagrelay healthcheck`: for Docker and its like.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};

use super::{NO, fail, settings};
use crate::settings::{Settings, dialled, environment};
use crate::trust;

/// Ask a running gateway whether it is ready; status 0 when it is.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  HEALTHCHECK CMD [\"tagrelay\", \"healthcheck\"]")]
pub struct Args {
    /// Where the gateway listens [default: `TAGRELAY_LISTEN`].
    #[arg(long, value_name = "ADDRESS", value_parser = crate::settings::address)]
    address: Option<SocketAddr>,
}

const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `/readyz`.
pub fn run(args: &Args) -> ExitCode {
    let address = match args.address.map_or_else(|| settings().map(|s| s.listen), Ok) {
        Ok(address) => dialled(address),
        Err(status) => return status,
    };
    match ask(address, Settings::speaks_tls(&environment())) {
        Ok(head) if head.starts_with("HTTP/1.1 200") => ExitCode::SUCCESS,
        Ok(head) => fail(NO, &format!("{address} answered {}", head.lines().next().unwrap_or("nothing"))),
        Err(error) => fail(NO, &format!("{address}: {error}")),
    }
}

fn ask(address: SocketAddr, secure: bool) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    if secure { asked(&mut secured(stream, address)?, address) } else { asked(&mut stream, address) }
}

/// The certificate isn't judged: nothing secret is said, and a gateway that works isn't ill because its certificate ends.
fn secured(stream: TcpStream, address: SocketAddr) -> std::io::Result<StreamOwned<ClientConnection, TcpStream>> {
    let config = trust::client(None, false).map_err(std::io::Error::other)?.with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), ServerName::from(address.ip()));
    Ok(StreamOwned::new(session.map_err(std::io::Error::other)?, stream))
}

fn asked(stream: &mut (impl Read + Write), address: SocketAddr) -> std::io::Result<String> {
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    stream.flush()?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}
