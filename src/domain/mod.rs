//! The dictionary of tagrelay as types: names, events, contacts, changes and what became of them.
//!
//! Everything here is pure: no async, no clock, no HTTP, no SQL, no YAML. Every other room speaks these words.

pub mod attempt;
pub mod cause;
pub mod change;
pub mod connection;
pub mod contact;
pub mod decision;
pub mod detail;
pub mod duration;
pub mod event;
pub mod forwarded;
pub mod hours;
pub mod json;
pub mod kind;
pub mod kinds;
pub mod known;
pub mod name;
pub mod near;
pub mod news;
pub mod pattern;
pub mod presets;
pub mod reply;
pub mod request;
mod scan;
pub mod scheme;
pub mod scheme_text;
pub mod scheme_value;
pub mod secret;
pub mod source;
pub mod subscription;
pub mod tag;
pub mod time;
pub mod value;
mod walk;
pub mod whence;
