//! Who hears of what was written.

use super::delivery::Settlement;
use super::face::{Wake, What};
use crate::domain::change::{Change, Settled};
use crate::domain::contact::ContactKey;

/// Adds the contacts that an event's changes are for, each once an event.
pub(super) fn wake_for(wakes: &mut Vec<Wake>, changes: &[(ContactKey, Change)]) {
    let before = wakes.len();
    for (key, change) in changes {
        if wakes.iter().skip(before).all(|wake| wake.key != *key) {
            wakes.push(Wake::of(*key, change.contact.connection.clone()));
        }
    }
}

/// What moved to a contact that was found waits there.
pub(super) fn wake_moved(wakes: &mut Vec<Wake>, settlement: &Settlement) {
    let moved = settlement.settled.iter().filter(|done| done.how == Settled::Moved);
    let changes: Vec<_> = moved.map(|done| (done.change.contact.key(), done.change.clone())).collect();
    let before = wakes.len();
    wake_for(wakes, &changes);
    wakes.iter_mut().skip(before).for_each(|wake| wake.what = What::Gathered);
}
