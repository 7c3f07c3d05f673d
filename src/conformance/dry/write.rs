//! The one tag that is added and taken away again, and what may be left of it.

use std::time::Duration;

use super::{Step, TAG, Trial, Whom, mend, verdict};
use crate::clock;
use crate::conformance::sort;
use crate::domain::tag::TagName;
use crate::providers::Ruling;
use crate::providers::{Called, Direction, Outcome};

/// A removal that fails is tried so often.
const TRIES: usize = 3;
/// What is waited between two tries, where the provider doesn't ask for another time.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest that is waited for.
const LONGEST: Duration = Duration::from_secs(10);

impl Trial<'_> {
    /// Adds the tag and takes it away again: also where adding it has no clear answer.
    pub(super) async fn write(&mut self, whom: &Whom) {
        let Some(tag) = TagName::parse(TAG) else { return };
        let added = self.change(whom, Direction::Add, &tag).await;
        match sort::of(&added.outcome) {
            Ruling::Done => {
                self.tell(Step::ok("add", format!("`{TAG}` was added to {}", whom.id)));
                self.tell_whether(whom, &tag, true).await;
            }
            Ruling::InDoubt => self.tell(Step::failed("add", verdict(&added), mend(&added))),
            _ => {
                self.tell(Step::failed("add", format!("{}; nothing was changed", verdict(&added)), mend(&added)));
                return self.tell(Step::skipped("remove", "it wasn't added"));
            }
        }
        let mut removed = self.change(whom, Direction::Remove, &tag).await;
        for _ in 1..TRIES {
            let Outcome::Retry { after, .. } = &removed.outcome else { break };
            tokio::time::sleep(after.unwrap_or(PAUSE).min(LONGEST)).await;
            removed = self.change(whom, Direction::Remove, &tag).await;
        }
        if sort::of(&removed.outcome) == Ruling::Done {
            self.tell(Step::ok(
                "remove",
                format!("`{TAG}` was taken from {} again; the account's own list of tags may keep the name", whom.id),
            ));
            if self.tell_whether(whom, &tag, false).await == Some(false) {
                self.tell_left(whom);
            }
        } else {
            self.tell(Step::failed("remove", verdict(&removed), mend(&removed)));
            self.tell_left(whom);
        }
    }

    fn tell_left(&mut self, whom: &Whom) {
        self.tried.left = Some(format!(
            "the tag `{TAG}` may be left on {}: take it away at the provider, or run this again",
            whom.id
        ));
    }

    async fn change(&mut self, whom: &Whom, direction: Direction, tag: &TagName) -> Called {
        let called = self.subject.change_tags(&whom.id, direction, std::slice::from_ref(tag), clock::now()).await;
        self.hear(&called.attempt);
        called
    }

    /// Tells whether the tag is there as it should be; `None` where it can't be told.
    async fn tell_whether(&mut self, whom: &Whom, tag: &TagName, wanted: bool) -> Option<bool> {
        let step = if wanted { "seen" } else { "gone" };
        if !self.kind.capabilities().reads_tags && whom.by.is_none() {
            self.tell(Step::skipped(step, "this provider can't show a contact by its id; name a phone number"));
            return None;
        }
        let called = self.read(whom).await;
        let Outcome::Done { tags: Some(tags) } = &called.outcome else {
            self.tell(Step::failed(step, verdict(&called), mend(&called)));
            return None;
        };
        let is_so = tags.contains(tag) == wanted;
        let told = format!("reading {} {}", whom.id, if tags.contains(tag) { "shows it" } else { "doesn't show it" });
        self.tell(if is_so {
            Step::ok(step, told)
        } else {
            Step::failed(
                step,
                told,
                "the provider says done and doesn't do it: look at the account, and at any proxy in between",
            )
        });
        Some(is_so)
    }
}
