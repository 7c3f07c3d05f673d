//! What is known for certain of a contact's tags.

use std::collections::{BTreeMap, BTreeSet};

use super::tag::TagName;

/// Fresh, certain knowledge of one contact's tags. What isn't certain is not in here: unknown never skips a call.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KnownTags {
    /// The whole list, where the provider has told it: every other tag is then known to be absent.
    whole: Option<BTreeSet<TagName>>,
    /// Single tags: there, not there, or (`None`) in doubt since the list was told.
    single: BTreeMap<TagName, Option<bool>>,
}

impl KnownTags {
    /// Nothing is known.
    pub fn nothing() -> Self {
        Self::default()
    }

    /// The provider told the whole list.
    pub fn whole(tags: impl IntoIterator<Item = TagName>) -> Self {
        Self { whole: Some(tags.into_iter().collect()), single: BTreeMap::new() }
    }

    /// Whether the contact has `tag`; `None` when that isn't certain.
    pub fn get(&self, tag: &TagName) -> Option<bool> {
        match self.single.get(tag) {
            Some(known) => *known,
            None => self.whole.as_ref().map(|list| list.contains(tag)),
        }
    }

    /// Every tag that the contact may have, doubtful ones among them; `None` where not all of its tags are known.
    pub fn may_have(&self) -> Option<BTreeSet<&TagName>> {
        let listed = self.whole.as_ref()?.iter().filter(|tag| self.get(tag) != Some(false));
        Some(listed.chain(self.single.iter().filter(|(_, there)| **there != Some(false)).map(|(tag, _)| tag)).collect())
    }

    /// A call told about one tag.
    pub fn set(&mut self, tag: TagName, present: bool) {
        self.single.insert(tag, Some(present));
    }

    /// An attempt without a clear answer: the tag is in doubt.
    pub fn doubt(&mut self, tag: TagName) {
        self.single.insert(tag, None);
    }

    /// The tags known to be there, in order.
    pub fn present(&self) -> Vec<&TagName> {
        let listed = self.whole.iter().flatten().filter(|t| !self.single.contains_key(*t));
        let mut tags: Vec<_> =
            listed.chain(self.single.iter().filter(|(_, p)| **p == Some(true)).map(|(t, _)| t)).collect();
        tags.sort();
        tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_list_knows_what_is_absent_and_doubt_undoes_it() {
        let tag = |t: &str| TagName::parse(t).expect("a tag");
        let mut known = KnownTags::whole([tag("a")]);
        assert_eq!((known.get(&tag("a")), known.get(&tag("b"))), (Some(true), Some(false)));
        known.doubt(tag("b"));
        assert_eq!(known.get(&tag("b")), None);
        known.set(tag("b"), true);
        assert_eq!(known.present(), vec![&tag("a"), &tag("b")]);
        assert_eq!(KnownTags::nothing().get(&tag("a")), None);
    }
}
