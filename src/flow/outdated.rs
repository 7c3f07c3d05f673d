//! Outdated: what a source's events say that others have changed is known no more.

use super::gateway::Gateway;
use crate::clock;
use crate::domain::contact::{Contact, ContactRef};
use crate::store::StoreError;

/// Drops what is known of these contacts' tags. An address or a number speaks of whom it has led to before; nobody is looked for.
///
/// It is called before the event is written: the lanes hear of its changes from the writer, and may be quicker than whoever waits
/// for the answer. Should the write fail, this has cost calls and nothing else.
pub async fn drop_knowledge(gateway: &Gateway, changed: Vec<Contact>) -> Result<(), StoreError> {
    if changed.is_empty() {
        return Ok(());
    }
    let accounts = gateway.deliveries.accounts();
    let mut elsewhere = Vec::new();
    for contact in changed {
        let Some(account) = accounts.iter().find(|account| account.config.name == contact.connection) else { continue };
        let known_as = match contact.reference {
            // Tags are known by the id alone.
            ContactRef::Id(_) => vec![contact],
            _ => gateway.store.reader().known_as(contact).await?,
        };
        let now = clock::now();
        for contact in &known_as {
            account.knowledge.outdate(contact.key(), now, now);
        }
        elsewhere.extend(known_as.iter().map(|contact| (contact.key(), contact.connection.clone())));
        tracing::debug!(connection = %account.config.name, "tags were changed by others; what was known is dropped");
    }
    gateway.store.outdated(elsewhere).await
}
