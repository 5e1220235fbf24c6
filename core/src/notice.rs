//! What an operator should read: binds that come and go, carriers that refuse, a journal that fails.
//!
//! The shard drops notices into a bounded channel and never waits; whoever hosts the engine takes them out and writes the log.
//! What found no room is counted and told with the next that does.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// As it should be.
    Info,
    /// Not as it should be, and dealt with.
    Warning,
    /// Somebody should look.
    Error,
}

impl Level {
    /// As logs name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// One event for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How much it matters.
    pub level: Level,
    /// A name that never changes.
    pub event: &'static str,
    /// What it is about; no secrets, no numbers of people, no texts.
    pub fields: Vec<(&'static str, String)>,
}

/// Notices that wait for the host at most.
const NOTICES_MAX: usize = 1_024;

/// The end that tells.
#[derive(Debug)]
pub(crate) struct Notices {
    sender: SyncSender<Notice>,
    lost: u64,
}

/// The end that is read.
#[derive(Debug)]
pub(crate) struct NoticeBoard(Mutex<Receiver<Notice>>);

pub(crate) fn channel() -> (Notices, NoticeBoard) {
    let (sender, receiver) = sync_channel(NOTICES_MAX);
    (Notices { sender, lost: 0 }, NoticeBoard(Mutex::new(receiver)))
}

impl Notices {
    pub(crate) fn tell(&mut self, level: Level, event: &'static str, fields: Vec<(&'static str, String)>) {
        let mut fields = fields;
        if self.lost > 0 {
            fields.push(("notices_lost", self.lost.to_string()));
        }
        match self.sender.try_send(Notice { level, event, fields }) {
            Ok(()) => self.lost = 0,
            Err(_) => self.lost += 1,
        }
    }
}

impl NoticeBoard {
    /// Takes everything that waits.
    pub(crate) fn take(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).try_iter().take(NOTICES_MAX).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_finds_no_room_is_counted_and_told() {
        let (mut notices, board) = channel();
        for _ in 0..NOTICES_MAX + 3 {
            notices.tell(Level::Info, "bind_accepted", vec![]);
        }
        assert_eq!(board.take().len(), NOTICES_MAX);
        notices.tell(Level::Info, "bind_accepted", vec![]);
        assert_eq!(board.take()[0].fields, [("notices_lost", "3".to_owned())]);
    }
}
