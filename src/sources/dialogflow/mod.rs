//! What both Dialogflows share: who the person is, and what only some requests tell.

pub mod details;
pub mod person;
pub mod resource;
