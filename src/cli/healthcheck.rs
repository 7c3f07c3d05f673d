//! `tagrelay healthcheck`: for Docker and its like.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::Duration;

use super::{NO, fail, settings};

/// Ask a running gateway whether it is ready; status 0 when it is.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  HEALTHCHECK CMD [\"tagrelay\", \"healthcheck\"]")]
pub struct Args {
    /// Where the gateway listens [default: `TAGRELAY_LISTEN`].
    #[arg(long, value_name = "ADDRESS")]
    address: Option<SocketAddr>,
}

const PATIENCE: Duration = Duration::from_secs(3);

/// Asks `/readyz`.
pub fn run(args: &Args) -> ExitCode {
    let address = match args.address.map_or_else(|| settings().map(|s| s.listen), Ok) {
        Ok(address) => dialled(address),
        Err(status) => return status,
    };
    match ask(address) {
        Ok(head) if head.starts_with("HTTP/1.1 200") => ExitCode::SUCCESS,
        Ok(head) => fail(NO, &format!("{address} answered {}", head.lines().next().unwrap_or("nothing"))),
        Err(error) => fail(NO, &format!("{address}: {error}")),
    }
}

/// A gateway that listens everywhere is asked on loopback.
pub fn dialled(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer)?;
    Ok(answer)
}
