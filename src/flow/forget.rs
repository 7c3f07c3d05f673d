//! Forgetting a person: in the store, and in what is remembered beside it.

use super::gateway::Gateway;
use crate::domain::contact::{Contact, ContactKey};
use crate::store::{Forgotten, StoreError};

/// Erases all that names a contact, under whatever it is known by; a second time there is nothing left to erase.
pub async fn forget(gateway: &Gateway, contact: Contact) -> Result<Forgotten, StoreError> {
    let connection = contact.connection.clone();
    let (forgotten, keys) = gateway.store.forget(contact).await?;
    let elsewhere = keys.iter().map(|key| (*key, connection.clone())).collect();
    let accounts = gateway.deliveries.accounts();
    if let Some(account) = accounts.iter().find(|account| account.config.name == connection) {
        let forget = |key: ContactKey| {
            account.knowledge.forget(key);
            account.people.forget(key);
        };
        keys.into_iter().for_each(forget);
    }
    // Of several gateways the contact's own is another one maybe, and knows its tags and who it is.
    gateway.store.forgotten(elsewhere).await?;
    tracing::info!(%connection, events = forgotten.events, words = forgotten.words, "a contact was forgotten");
    Ok(forgotten)
}
