//! `/api/v1`: what the console and scripts read and do. Every handler asks for a token first.

pub mod connections;
pub mod contacts;
pub mod dead_letters;
pub mod deliveries;
pub mod events;
pub mod refusals;
pub mod rules;

use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use serde::Deserialize;

use super::Shared;
use super::problem::Problem;

/// Items of a list, unless the caller asks for fewer or more.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// The query of a list. Nothing unknown is ignored.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListQuery {
    cursor: Option<String>,
    limit: Option<usize>,
    source: Option<String>,
    rule: Option<String>,
}

impl ListQuery {
    /// Reads the query of a request after its token.
    fn read(request: &HttpRequest, shared: &Shared) -> Result<Self, Problem> {
        shared.tokens.admit(request)?;
        let query = web::Query::<Self>::from_query(request.query_string());
        query.map(web::Query::into_inner).map_err(|error| Problem::Call(format!("query: {error}")))
    }

    fn limit(&self) -> Result<usize, Problem> {
        match self.limit {
            None => Ok(PAGE),
            Some(limit) if (1..=LARGEST_PAGE).contains(&limit) => Ok(limit),
            Some(_) => Err(Problem::Call(format!("limit: expected 1 to {LARGEST_PAGE}"))),
        }
    }

    fn cursor<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let parse =
            |text: &String| text.parse().map_err(|_| Problem::Call("cursor: expected what `next` gave".to_owned()));
        self.cursor.as_ref().map(parse).transpose()
    }
}

/// A part of the address.
fn part<T: std::str::FromStr>(request: &HttpRequest, name: &str, what: &str) -> Result<T, Problem> {
    let text = request.match_info().get(name).unwrap_or_default();
    text.parse().map_err(|_| Problem::NotFound(format!("there is no {what} of this id")))
}

/// Any other address.
pub async fn nowhere() -> HttpResponse {
    Problem::NotFound("there is nothing at this address".to_owned()).error_response()
}
