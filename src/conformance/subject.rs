//! What is tried: a provider as it is, or one with a mistake.

use futures_util::future::BoxFuture;

use crate::domain::contact::ContactRef;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::providers::{Asked, Called, Direction, Found, Glance, Provider};

/// What comes of a call.
pub type Answer<'a, T> = BoxFuture<'a, T>;

/// What is tried. Everything is the provider's own, unless it is replaced: a deliberate mistake is one method long.
pub trait Subject: Send + Sync {
    /// The provider behind it.
    fn provider(&self) -> &Provider;

    /// As [`Provider::change_tags`].
    fn change_tags<'a>(
        &'a self,
        contact: &'a ContactRef,
        direction: Direction,
        tags: &'a [TagName],
        now: Timestamp,
    ) -> Answer<'a, Called> {
        Box::pin(self.provider().change_tags(contact, direction, tags, now))
    }

    /// As [`Provider::set_fields`].
    fn set_fields<'a>(
        &'a self,
        contact: &'a ContactRef,
        fields: &'a [(&'a str, &'a OwnedJson)],
        now: Timestamp,
    ) -> Answer<'a, Called> {
        Box::pin(self.provider().set_fields(contact, fields, now))
    }

    /// As [`Provider::find`].
    fn find<'a>(&'a self, contact: &'a ContactRef, so_far: &'a Glance, now: Timestamp) -> Answer<'a, Asked<Found>> {
        Box::pin(self.provider().find(contact, so_far, now))
    }

    /// As [`Provider::create`].
    fn create<'a>(&'a self, contact: &'a ContactRef, now: Timestamp) -> Answer<'a, Asked<String>> {
        Box::pin(self.provider().create(contact, now))
    }

    /// As [`Provider::forward`].
    fn forward<'a>(&'a self, id: &'a str, body: &'a OwnedJson, now: Timestamp) -> Answer<'a, Called> {
        Box::pin(self.provider().forward(id, body, now))
    }

    /// As [`Provider::read_tags`].
    fn read_tags<'a>(&'a self, contact: &'a ContactRef, now: Timestamp) -> Answer<'a, Called> {
        Box::pin(self.provider().read_tags(contact, now))
    }

    /// As [`Provider::read_found`].
    fn read_found<'a>(&'a self, by: &'a ContactRef, id: &'a str, now: Timestamp) -> Answer<'a, Called> {
        Box::pin(self.provider().read_found(by, id, now))
    }
}

impl Subject for Provider {
    fn provider(&self) -> &Provider {
        self
    }
}
