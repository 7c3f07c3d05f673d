//! The measuring stick: an actix-web handler that reads the body and answers 200, with the default settings.

use std::net::SocketAddr;

use actix_web::{App, HttpResponse, HttpServer, web};

/// Serves until the process is ended.
pub fn serve(address: SocketAddr) -> std::io::Result<()> {
    let server = || App::new().default_service(web::to(|_body: web::Bytes| async { HttpResponse::Ok().finish() }));
    actix_web::rt::System::new().block_on(HttpServer::new(server).bind(address)?.run())
}
