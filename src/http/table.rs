//! Every address below `/api/v1`: one table that the router and the description of the API are made of.

use actix_web::{Route, web};

use super::api;

/// What a member of a body may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text.
    Text,
    /// A list of texts.
    Texts,
    /// `true` or `false`.
    Flag,
    /// A whole number.
    Number,
    /// Whatever a sender would send.
    Any,
}

/// What a query says by `true` or `false`.
pub const FLAGS: [&str; 3] = ["faulty", "waiting", "dead"];

/// One address.
pub struct Address {
    /// `GET`, `POST` or `DELETE`.
    pub method: &'static str,
    /// Below `/api/v1`.
    pub path: &'static str,
    /// The status of a call that goes well.
    pub status: u16,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What its query may have.
    pub query: &'static [&'static str],
    /// What its body may have, and what each is.
    pub body: &'static [(&'static str, Kind)],
    /// Who answers.
    pub route: fn() -> Route,
}

const PAGING: [&str; 2] = ["limit", "cursor"];

const fn shows(
    path: &'static str,
    summary: &'static str,
    query: &'static [&'static str],
    route: fn() -> Route,
) -> Address {
    Address { method: "GET", path, status: 200, summary, query, body: &[], route }
}

const fn acts(
    path: &'static str,
    summary: &'static str,
    body: &'static [(&'static str, Kind)],
    route: fn() -> Route,
) -> Address {
    Address { method: "POST", path, status: 200, summary, query: &[], body, route }
}

const fn makes(
    path: &'static str,
    summary: &'static str,
    body: &'static [(&'static str, Kind)],
    route: fn() -> Route,
) -> Address {
    Address { status: 201, ..acts(path, summary, body, route) }
}

const fn ends(path: &'static str, summary: &'static str, route: fn() -> Route) -> Address {
    Address { method: "DELETE", ..shows(path, summary, &[], route) }
}

/// In the order in which they are tried: what is fixed comes before what has a name in it.
#[rustfmt::skip]
pub const ADDRESSES: &[Address] = &[
    shows("/events", "List events, newest first",
        &[PAGING[0], PAGING[1], "source", "rule", "intent", "connection", "contact", "since", "until", "faulty"],
        || web::get().to(api::events::list)),
    acts("/events/replay", "Run many events again, oldest first",
        &[("all", Kind::Flag), ("dry_run", Kind::Flag), ("source", Kind::Text), ("rule", Kind::Text), ("since", Kind::Text),
          ("until", Kind::Text), ("faulty", Kind::Flag)],
        || web::post().to(api::replay::many)),
    shows("/events/recorded", "Events with their bodies as they came, oldest first",
        &[PAGING[0], PAGING[1], "since", "until", "source"], || web::get().to(api::recorded::list)),
    shows("/events/{id}", "One event with all that became of it", &[], || web::get().to(api::events::one)),
    acts("/events/{id}/replay", "Run an event again, against the rules of today", &[], || web::post().to(api::replay::one)),
    acts("/events/{id}/dismiss", "Its faults need no second look", &[], || web::post().to(api::replay::dismiss)),
    shows("/deliveries", "List what was called, newest first", &[PAGING[0], PAGING[1], "connection", "contact"],
        || web::get().to(api::deliveries::list)),
    shows("/dead-letters", "List changes that wait for a person, newest first",
        &[PAGING[0], PAGING[1], "connection", "contact", "rule", "reason", "cause", "needs", "since"],
        || web::get().to(api::dead_letters::list)),
    acts("/dead-letters/retry", "Try many again",
        &[("all", Kind::Flag), ("dry_run", Kind::Flag), ("as_new", Kind::Flag), ("connection", Kind::Text),
          ("contact", Kind::Text), ("rule", Kind::Text), ("reason", Kind::Text), ("cause", Kind::Text), ("needs", Kind::Text),
          ("since", Kind::Text)],
        || web::post().to(api::dead_letters::retry_many)),
    acts("/dead-letters/discard", "End many for good",
        &[("all", Kind::Flag), ("dry_run", Kind::Flag), ("note", Kind::Text), ("connection", Kind::Text),
          ("contact", Kind::Text), ("rule", Kind::Text), ("reason", Kind::Text), ("cause", Kind::Text), ("needs", Kind::Text),
          ("since", Kind::Text)],
        || web::post().to(api::dead_letters::discard_many)),
    shows("/dead-letters/{id}", "One dead letter with the body of its event", &[], || web::get().to(api::dead_letters::one)),
    acts("/dead-letters/{id}/retry", "Try it again", &[("as_new", Kind::Flag)], || web::post().to(api::dead_letters::retry)),
    acts("/dead-letters/{id}/discard", "End it for good", &[("note", Kind::Text)],
        || web::post().to(api::dead_letters::discard)),
    shows("/connections", "How each connection stands", &[], || web::get().to(api::connections::list)),
    acts("/connections/{name}/retry", "Try all that waits there now", &[], || web::post().to(api::connections::retry)),
    acts("/connections/{name}/audit", "Read the next contacts back, and tell whose tags aren't what was brought about",
        &[("cursor", Kind::Text), ("limit", Kind::Number), ("contact", Kind::Text), ("repair", Kind::Flag), ("all", Kind::Flag),
          ("note", Kind::Text)],
        || web::post().to(api::audit::page)),
    shows("/contacts", "List contacts", &[PAGING[0], PAGING[1], "connection", "waiting", "dead"],
        || web::get().to(api::contacts::list)),
    shows("/contacts/{connection}/{id}", "One person: whose word each tag is", &[], || web::get().to(api::contacts::one)),
    acts("/contacts/{connection}/{id}/tags", "Ask for tags by hand",
        &[("add", Kind::Texts), ("remove", Kind::Texts), ("note", Kind::Text)], || web::post().to(api::contacts::tags)),
    acts("/contacts/{connection}/{id}/forget", "Erase the person", &[], || web::post().to(api::contacts::forget)),
    shows("/gateways", "The gateways that share the database", &[], || web::get().to(api::gateways::list)),
    shows("/rules", "The rules in force, and why those on disk are not", &[], || web::get().to(api::rules::list)),
    shows("/rule-sets/{hash}", "The files of a set that judged events, without secrets", &[],
        || web::get().to(api::recorded::rule_set)),
    acts("/evaluate", "What would happen to a body; nothing is stored", &[("source", Kind::Text), ("body", Kind::Any)],
        || web::post().to(api::rules::evaluate)),
    shows("/subscriptions", "Who is told of what happens", &[], || web::get().to(api::subscriptions::list)),
    makes("/subscriptions", "Tell an address of what happens from now on",
        &[("target_url", Kind::Text), ("hookUrl", Kind::Text), ("event", Kind::Text), ("connection", Kind::Text),
          ("rule", Kind::Text), ("tag", Kind::Text)],
        || web::post().to(api::subscriptions::begin)),
    shows("/subscriptions/sample", "What a subscriber would be told", &["event", "connection", "rule", "tag"],
        || web::get().to(api::subscriptions::sample)),
    shows("/subscriptions/{id}", "One subscription", &[], || web::get().to(api::subscriptions::one)),
    ends("/subscriptions/{id}", "End a subscription", || web::delete().to(api::subscriptions::end)),
    shows("/refusals", "Requests that were refused lately", &[], || web::get().to(api::refusals::list)),
    acts("/backup", "A copy of the database", &[], || web::post().to(api::backup::copy)),
];
