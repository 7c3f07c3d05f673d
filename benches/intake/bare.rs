//! The measuring stick: an actix-web handler that reads the body and answers 200, with the default settings.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Instant;

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::process::{Running, free_address};
use crate::rounds::Side;
use crate::{Outcome, web as client};

/// Starts it as a process of its own.
pub fn start() -> Outcome<(Running, SocketAddr)> {
    let address = free_address()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bare", &address.to_string()]).stdin(Stdio::null()).stdout(Stdio::null());
    let mut bare = Running::start("the bare handler", &mut command)?;
    bare.wait_until(Instant::now(), || client::get(address, "/", "").is_ok())?;
    Ok((bare, address))
}

/// It, among the sides that are compared.
pub fn side(bare: &Running, address: SocketAddr, path: &str, intents: usize) -> Side {
    let (name, path) = ("bare handler".to_owned(), path.to_owned());
    Side { name, addresses: vec![address], path, intents, mixed: false, times: 1, processes: vec![bare.id()] }
}

/// Serves until the process is ended.
pub fn serve(address: SocketAddr) -> std::io::Result<()> {
    let server = || App::new().default_service(web::to(|_body: web::Bytes| async { HttpResponse::Ok().finish() }));
    actix_web::rt::System::new().block_on(HttpServer::new(server).bind(address)?.run())
}
