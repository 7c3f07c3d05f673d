//! By hand: tags that a person or a script asks for at the API, as an event like any other.

use super::gateway::Gateway;
use crate::clock;
use crate::domain::change::Ord;
use crate::domain::contact::Contact;
use crate::domain::decision::Decision;
use crate::domain::event::Event;
use crate::domain::name::{RuleId, SourceName};
use crate::domain::tag::TagName;
use crate::rules::{lists_tag, tags_by_hand};
use crate::store::{Accepted, Intake, Origin, StoreError};

/// The source and the rule under which it stands.
pub const NAME: &str = "tagrelay.api";

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Of whom.
    pub contact: Contact,
    /// These tags shall be there.
    pub add: Vec<TagName>,
    /// These shall not.
    pub remove: Vec<TagName>,
    /// Why, for whoever asks later.
    pub note: String,
}

/// Why it can't be asked for.
#[derive(Debug, thiserror::Error)]
pub enum NotAsked {
    /// There is no such connection.
    #[error("there is no connection of this name")]
    NoConnection,
    /// Nothing is asked for.
    #[error("expected a tag to add or to remove")]
    Nothing,
    /// A tag shall be there and not be there.
    #[error("the tag {0:?} is to be added and removed")]
    Both(String),
    /// The connection doesn't list a tag.
    #[error("the connection's `tags` don't list {0:?}")]
    NotListed(String),
    /// The connection's provider has no tags.
    #[error("the provider of this connection knows no tags")]
    NoTags,
    /// The connection's provider can't find anybody by this.
    #[error("the provider of this connection can't find contacts by {0}")]
    CantFind(&'static str),
    /// The store can't take it now.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What stands as the source and as the rule of what is done by hand.
fn names() -> (SourceName, RuleId) {
    let source = SourceName::parse(NAME).expect("it has the letters of a name");
    let rule = RuleId::parse(NAME).expect("it has the letters of a name");
    (source, rule)
}

/// Makes it an event; its number is the answer. `body` is the call as it came.
pub async fn tags(gateway: &Gateway, asked: Asked, body: &[u8]) -> Result<Ord, NotAsked> {
    let set = gateway.rules();
    let connection = &asked.contact.connection;
    let config = set.catalog.connections().find(|config| config.name == *connection).ok_or(NotAsked::NoConnection)?;
    if config.provider.capabilities().tags_per_call == 0 {
        return Err(NotAsked::NoTags);
    }
    if let Some(by) = config.provider.capabilities().finds.lacks(&asked.contact.reference) {
        return Err(NotAsked::CantFind(by));
    }
    if asked.add.is_empty() && asked.remove.is_empty() {
        return Err(NotAsked::Nothing);
    }
    if let Some(both) = asked.add.iter().find(|tag| asked.remove.contains(tag)) {
        return Err(NotAsked::Both(both.to_string()));
    }
    let mut all = asked.add.iter().chain(&asked.remove);
    if let Some(unknown) = all.find(|tag| !lists_tag(&set.catalog, connection, tag)) {
        return Err(NotAsked::NotListed(unknown.to_string()));
    }
    let (source, rule) = names();
    let changes = tags_by_hand(&set.catalog, &rule, &asked.contact, asked.add, asked.remove);
    let mut decision = Decision { rules: vec![rule], changes, ..Decision::default() };
    let event = Event { kind: Some("tags".into()), ..Event::empty(source, clock::now()) };
    let origin = Origin { note: asked.note, ..Origin::default() };
    let intake = Intake::from(&origin, &event, set.catalog.hash(), &mut decision, b"{}", body);
    match gateway.store.accept(vec![intake]).await?.first() {
        Some(Accepted::New(ord) | Accepted::Duplicate { ord, .. }) => {
            tracing::info!(event = %ord, connection = %asked.contact.connection, "tags asked for by hand");
            Ok(*ord)
        }
        None => Err(StoreError::Stopped.into()),
    }
}
