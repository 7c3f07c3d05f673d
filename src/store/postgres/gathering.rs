//! What waits for a thread is served together.

use std::sync::mpsc::Receiver;

use super::accept::MOST;
use crate::store::command::Command;

/// Commands in one go, and bytes of events in one lot.
pub(super) const GROUP: usize = 512;
const GROUP_BYTES: usize = 8 << 20;

/// Takes one command and what waits behind it, once `rest` has ended.
pub(super) fn gather(queue: &Receiver<Command>, most: usize, rest: impl FnOnce()) -> Option<(Vec<Command>, bool)> {
    let mut group = vec![queue.recv().ok()?];
    rest();
    let (mut events, mut bytes) = (0, 0);
    loop {
        if let Some(Command::Accept(gathered, _)) = group.last() {
            let more = gathered.size();
            (events, bytes) = (events + more.0, bytes + more.1);
        }
        if group.len() >= most || events >= MOST / 2 || bytes >= GROUP_BYTES {
            break;
        }
        let Ok(next) = queue.try_recv() else { break };
        group.push(next);
    }
    let stop = group.iter().position(|command| matches!(command, Command::Stop));
    group.truncate(stop.unwrap_or(group.len()));
    Some((group, stop.is_some()))
}
