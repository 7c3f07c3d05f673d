//! `/api/v1`: what the console and scripts read and do. Every handler asks for a token first.

mod asked;
pub mod audit;
pub mod backup;
pub mod connections;
mod contact;
pub mod contacts;
pub mod dead_letters;
pub mod deliveries;
pub mod events;
pub mod gateways;
pub mod recorded;
pub mod refusals;
pub mod replay;
pub mod rules;
pub mod subscriptions;

use actix_web::{HttpRequest, HttpResponse, ResponseError};

use super::problem::Problem;
use crate::clock;
use crate::domain::duration::parse_duration;
use crate::domain::time::Timestamp;
use asked::{asked, needed, query};

/// Items of a list, unless the caller asks for fewer or more.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 500;

/// How much of a list is asked for, and where it goes on.
struct Paging<'q> {
    limit: usize,
    cursor: Option<&'q str>,
}

impl<'q> Paging<'q> {
    fn of(limit: Option<&str>, cursor: Option<&'q str>) -> Result<Self, Problem> {
        let limit = limit.map_or(Some(PAGE), |limit| limit.parse().ok().filter(|n| (1..=LARGEST_PAGE).contains(n)));
        let limit = limit.ok_or_else(|| Problem::Call(format!("limit: expected 1 to {LARGEST_PAGE}")))?;
        Ok(Self { limit, cursor })
    }

    fn before<T: std::str::FromStr>(&self) -> Result<Option<T>, Problem> {
        let parse =
            |text: &str| text.parse().map_err(|_| Problem::Call("cursor: expected what `next` gave".to_owned()));
        self.cursor.map(parse).transpose()
    }
}

/// A time as RFC 3339, or how long ago: `7d`.
fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let ago = |text| parse_duration(text).map(|ago| clock::now().plus_millis(-(ago.as_millis() as i64)));
    let read = |text| Timestamp::parse(text).or_else(|| ago(text));
    let wrong = || Problem::Call(format!("{name}: expected a time such as 2026-03-02T15:00:00Z, or how long ago: 7d"));
    text.map(|text| read(text).ok_or_else(wrong)).transpose()
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
