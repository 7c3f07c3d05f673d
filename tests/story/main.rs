//! What the gateway does, told as stories: the real binary, real sockets, a real database, the provider sandbox.

#[path = "../support/mod.rs"]
mod support;

mod allowances;
mod audit;
mod b2chat;
mod blame;
mod breaker;
mod by_hand;
mod catch;
mod changing_rules;
mod channels;
mod commands;
mod connection_keys;
mod contacts;
mod dead_letters;
mod delivery;
mod echoes;
mod edges;
mod failures;
mod first_contact;
mod flapping;
mod forwards;
mod google;
mod guards;
mod halving;
mod late;
mod messengers;
mod operations;
mod outdated;
mod pauses;
mod proxies;
mod reload;
mod replays;
mod sandbox_apart;
mod secrecy;
mod senders;
mod sharing;
mod starts;
mod subscriptions;
mod throttled;
mod timers;
mod tls;
mod trials;
