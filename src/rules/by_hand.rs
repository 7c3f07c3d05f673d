//! What a person asks for beside the rules: it stands under the same terms of its connection.

use super::catalog::Catalog;
use crate::domain::change::{Change, Effect, Terms};
use crate::domain::contact::Contact;
use crate::domain::name::{ConnectionName, RuleId};
use crate::domain::tag::TagName;

/// Whether a connection lists a tag as one in use; one that lists none takes any.
pub fn lists_tag(catalog: &Catalog, connection: &ConnectionName, tag: &TagName) -> bool {
    catalog.manner(connection).knows(tag.as_str())
}

/// Tags to add and to remove by hand, removes before adds as in a rule.
pub fn tags_by_hand(
    catalog: &Catalog,
    rule: &RuleId,
    contact: &Contact,
    add: Vec<TagName>,
    remove: Vec<TagName>,
) -> Vec<Change> {
    let manner = catalog.manner(&contact.connection);
    let removes = remove.into_iter().map(|tag| (manner.of_remove(&tag, Terms::default()), Effect::RemoveTag(tag)));
    let adds = add.into_iter().map(|tag| (manner.of_add(&tag, Terms::default()), Effect::AddTag(tag)));
    let change = |(terms, effect)| Change { terms, ..Change::plain(contact.clone(), effect, rule.clone()) };
    removes.chain(adds).map(change).collect()
}
