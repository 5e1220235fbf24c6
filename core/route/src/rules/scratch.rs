//! Room that a search of rules needs, kept from message to message so that nothing is allocated.

use super::links::LinkScratch;
use super::patterns::PatternScratch;

/// Room for searching one set of rules. It fits itself to whatever rules it is used with: after a swap of the rules the
/// first search may allocate.
#[derive(Debug, Default)]
pub(crate) struct RuleScratch {
    pub(crate) senders: PatternScratch,
    pub(crate) texts: PatternScratch,
    pub(crate) links: LinkScratch,
}

impl RuleScratch {
    /// For the next message.
    pub(crate) fn clear(&mut self) {
        self.senders.clear();
        self.texts.clear();
        self.links.clear();
    }
}
