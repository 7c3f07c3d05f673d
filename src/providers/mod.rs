//! Providers: wanted tags become calls, answers become outcomes.
//!
//! One file or folder a provider. What they share: [`outbound`] (the one client), `api` (one JSON call and its attempt),
//! `judge` (a status table read aloud) and [`knowledge`] (what is known of contacts' tags, never the truth).

mod addresses;
pub mod allowance;
mod api;
pub mod b2chat;
mod connect;
pub mod helpcrunch;
mod judge;
pub mod knowledge;
pub mod modelled;
pub mod outbound;
mod outcome;
pub mod people;
mod reading;
mod redact;
pub mod respond_io;
pub mod tic1980;
pub mod webhook;

pub use addresses::{AddressPolicy, AddressRefused};
pub use connect::ConnectError;
pub use judge::Ruling;
pub use outcome::{Asked, Called, Found, Glance, Outcome};

use crate::domain::connection::{ConnectionConfig, ProviderKind};
use crate::domain::contact::ContactRef;
use crate::domain::json::OwnedJson;
use crate::domain::tag::TagName;
use crate::domain::time::Timestamp;
use crate::vault::Vault;
use allowance::Pass;
use b2chat::B2chat;
use helpcrunch::HelpCrunch;
use modelled::{Call, Modelled};
use outbound::NoAnswer;
use reqwest::Method;
use respond_io::RespondIo;
use tic1980::Tic1980;
use webhook::Webhook;

const NO_CONTACTS: &str = "this provider knows no contacts";
const NOT_BY_ID: &str =
    "this provider can't tell a contact's tags by its id, which a guard or an exclusive tag asks for";

/// Whether tags are to be there or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// They are added.
    Add,
    /// They are removed.
    Remove,
}

/// An account at a provider, ready to be called. Clones are cheap and share connections.
#[derive(Debug, Clone)]
pub struct Provider(Kind);

#[derive(Debug, Clone)]
enum Kind {
    B2chat(B2chat),
    HelpCrunch(HelpCrunch),
    Tic1980(Tic1980),
    RespondIo(RespondIo),
    Webhook(Webhook),
    Modelled(Modelled),
}

impl Provider {
    /// Resolves the connection's credentials and readies its client; nothing is called yet.
    pub fn connect(config: &ConnectionConfig, vault: &Vault) -> Result<Self, ConnectError> {
        let kind = match config.provider {
            ProviderKind::B2chat => Kind::B2chat(B2chat::connect(config, vault)?),
            ProviderKind::Helpcrunch => Kind::HelpCrunch(HelpCrunch::connect(config, vault)?),
            ProviderKind::Tic1980 => Kind::Tic1980(Tic1980::connect(config, vault)?),
            ProviderKind::RespondIo => Kind::RespondIo(RespondIo::connect(config, vault)?),
            ProviderKind::Webhook => Kind::Webhook(Webhook::connect(config, vault)?),
        };
        Ok(Self(kind))
    }

    /// An account whose calls are answered by a function: for simulations.
    pub fn modelled(model: Modelled) -> Self {
        Self(Kind::Modelled(model))
    }

    /// The same account, whose calls are counted as they start with this pass.
    #[must_use]
    pub fn within(&self, pass: &Pass) -> Self {
        let mut kind = self.0.clone();
        match &mut kind {
            Kind::B2chat(account) => account.api_mut().outbound.count_with(pass),
            Kind::HelpCrunch(account) => account.api_mut().outbound.count_with(pass),
            Kind::Tic1980(account) => account.api_mut().outbound.count_with(pass),
            Kind::RespondIo(account) => account.api_mut().outbound.count_with(pass),
            Kind::Webhook(hook) => hook.outbound_mut().count_with(pass),
            Kind::Modelled(model) => model.count_with(pass),
        }
        Self(kind)
    }

    /// Adds or removes `tags` in one call; the caller keeps to the provider's `tags_per_call`.
    pub async fn change_tags(
        &self,
        contact: &ContactRef,
        direction: Direction,
        tags: &[TagName],
        now: Timestamp,
    ) -> Called {
        match &self.0 {
            Kind::B2chat(account) => account.change_tags(contact, direction, tags, now).await,
            Kind::HelpCrunch(account) => account.change_tags(contact, direction, tags, now).await,
            Kind::Tic1980(account) => account.change_tags(contact, direction, tags, now).await,
            Kind::RespondIo(account) => account.change_tags(contact, direction, tags, now).await,
            Kind::Modelled(model) => model.call(contact, Call::ChangeTags(direction, tags.to_vec()), now).await,
            Kind::Webhook(_) => cannot(Method::POST, NO_CONTACTS, now),
        }
    }

    /// Sets fields in one call; the caller keeps to the provider's `fields_per_call`.
    pub async fn set_fields(&self, contact: &ContactRef, fields: &[(&str, &OwnedJson)], now: Timestamp) -> Called {
        match &self.0 {
            Kind::B2chat(account) => account.set_fields(contact, fields, now).await,
            Kind::HelpCrunch(account) => account.set_fields(contact, fields, now).await,
            Kind::Tic1980(account) => account.set_fields(contact, fields, now).await,
            Kind::RespondIo(account) => account.set_fields(contact, fields, now).await,
            Kind::Modelled(model) => {
                let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).clone())).collect();
                model.call(contact, Call::SetFields(fields), now).await
            }
            Kind::Webhook(_) => cannot(Method::PATCH, NO_CONTACTS, now),
        }
    }

    /// Looks for the contact of an e-mail address, a phone number or a field, in one call; `so_far` is what earlier pages of the
    /// same search have shown.
    pub async fn find(&self, contact: &ContactRef, so_far: &Glance, now: Timestamp) -> Asked<Found> {
        match &self.0 {
            Kind::B2chat(account) => account.find(contact, now).await,
            Kind::HelpCrunch(account) => account.find(contact, now).await,
            Kind::Tic1980(account) => account.find(contact, so_far, now).await,
            Kind::RespondIo(account) => account.find(contact, now).await,
            Kind::Modelled(model) => model.find(contact, now).await,
            Kind::Webhook(_) => cannot_ask(Method::GET, NO_CONTACTS, now),
        }
    }

    /// Makes a contact that is found by `contact` from then on: its id. It can't be repeated blindly: after one in doubt,
    /// look first.
    pub async fn create(&self, contact: &ContactRef, now: Timestamp) -> Asked<String> {
        match &self.0 {
            Kind::B2chat(account) => account.make(contact, now).await,
            Kind::HelpCrunch(account) => account.make(contact, now).await,
            Kind::Tic1980(account) => account.make(contact, now).await,
            Kind::RespondIo(account) => account.make(contact, now).await,
            Kind::Modelled(model) => model.make(contact, now).await,
            Kind::Webhook(_) => cannot_ask(Method::POST, NO_CONTACTS, now),
        }
    }

    /// Sends a body on; `id` names it for its receiver, the same at every try.
    pub async fn forward(&self, id: &str, body: &OwnedJson, now: Timestamp) -> Called {
        match &self.0 {
            Kind::Webhook(hook) => hook.forward(id, body, now).await,
            Kind::Modelled(model) => {
                let nobody = ContactRef::Id(String::new());
                model.call(&nobody, Call::Forward(id.to_owned(), body.clone()), now).await
            }
            Kind::B2chat(_) | Kind::HelpCrunch(_) | Kind::Tic1980(_) | Kind::RespondIo(_) => {
                cannot(Method::POST, "this provider takes no bodies", now)
            }
        }
    }

    /// Reads the contact's tags.
    pub async fn read_tags(&self, contact: &ContactRef, now: Timestamp) -> Called {
        match &self.0 {
            Kind::B2chat(_) => cannot(Method::GET, NOT_BY_ID, now),
            Kind::HelpCrunch(account) => account.read_tags(contact, now).await,
            Kind::Tic1980(account) => account.read_tags(contact, now).await,
            Kind::RespondIo(account) => account.read_tags(contact, now).await,
            Kind::Modelled(model) => model.call(contact, Call::ReadTags, now).await,
            Kind::Webhook(_) => cannot(Method::GET, NO_CONTACTS, now),
        }
    }

    /// Reads the tags of the contact `id` by the look-up that had found it, where they can't be read by the id.
    pub async fn read_found(&self, by: &ContactRef, id: &str, now: Timestamp) -> Called {
        match &self.0 {
            Kind::B2chat(account) => account.read_found(by, id, now).await,
            Kind::HelpCrunch(_) | Kind::Tic1980(_) | Kind::RespondIo(_) | Kind::Modelled(_) => {
                self.read_tags(&ContactRef::Id(id.to_owned()), now).await
            }
            Kind::Webhook(_) => cannot(Method::GET, NO_CONTACTS, now),
        }
    }
}

/// `check` refuses such a rule; a change that was decided before its connection became another provider's may still come.
fn cannot(method: Method, why: &str, now: Timestamp) -> Called {
    api::not_made(method, "", why, now)
}

/// The same for what is asked besides tags.
fn cannot_ask<T>(method: Method, why: &str, now: Timestamp) -> Asked<T> {
    api::not_asked(method, "", why, now)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Deliveries run on any thread, so a call that holds on to its own would not compile.
    #[test]
    fn calls_may_move_between_threads() {
        fn assert_send<T: Send>(_: impl Fn(Provider, ContactRef) -> T) {}
        assert_send(|p, c| async move { p.change_tags(&c, Direction::Add, &[], Timestamp(0)).await });
        assert_send(|p, c| async move { p.read_tags(&c, Timestamp(0)).await });
    }
}
