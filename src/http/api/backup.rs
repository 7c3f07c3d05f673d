//! A copy of the database, for whoever may do anything.

use std::fs::File;
use std::io::Read;

use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;

use super::super::{Shared, problem::Problem};

/// Bytes that are read from the copy at once.
const PIECE: usize = 256 * 1024;

/// `POST /api/v1/backup`: the copy as it was at one moment. Where it is kept is the caller's business.
pub async fn copy(request: HttpRequest, shared: web::Data<Shared>) -> Result<HttpResponse, Problem> {
    shared.tokens.admit(&request)?;
    let file = shared.gateway.store.reader().copy().await?;
    let length = file.metadata().map(|data| data.len()).map_err(|error| unreadable(&error))?;
    tracing::info!(bytes = length, "a copy of the database is sent");
    let pieces = stream::unfold(file, |file| async {
        let read = web::block(move || piece(file)).await;
        match read {
            Ok(Ok((bytes, _))) if bytes.is_empty() => None,
            Ok(Ok((bytes, file))) => Some((Ok(bytes), file)),
            Ok(Err((error, file))) => Some((Err(error.into()), file)),
            // The pool of threads is gone: the process ends.
            Err(_) => None,
        }
    });
    let pieces =
        Box::pin(pieces) as std::pin::Pin<Box<dyn futures_util::Stream<Item = Result<Bytes, actix_web::Error>>>>;
    let mut response = HttpResponse::Ok();
    Ok(response.content_type("application/vnd.sqlite3").no_chunking(length).streaming(pieces))
}

fn piece(mut file: File) -> Result<(Bytes, File), (std::io::Error, File)> {
    let mut bytes = Vec::with_capacity(PIECE);
    match file.by_ref().take(PIECE as u64).read_to_end(&mut bytes) {
        Ok(_) => Ok((bytes.into(), file)),
        Err(error) => Err((error, file)),
    }
}

fn unreadable(error: &std::io::Error) -> Problem {
    tracing::error!(%error, "the copy of the database can't be read");
    Problem::Away
}
