//! Routes with conditions: tried in their order, before the prefix table.

use std::cmp::Reverse;

use crate::message::Message;
use crate::route::Route;
use crate::rules::conditions::Conditions;
use crate::rules::index::RuleIndex;
use crate::rules::scratch::RuleScratch;
use crate::spec::Direction;
use crate::table::Table;

/// One route with conditions, validated.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) route: Route,
    pub(crate) order: u32,
    pub(crate) conditions: Conditions,
}

/// The rules of one direction.
#[derive(Debug)]
pub(crate) struct Rules {
    /// By rank.
    pub(crate) rules: Box<[Rule]>,
    pub(crate) index: RuleIndex,
}

/// Room that [`Table::find`] needs, kept by its caller from message to message so that nothing is allocated. It fits
/// itself to the table it is used with.
#[derive(Debug, Default)]
pub struct Scratch {
    mt: RuleScratch,
    mo: RuleScratch,
}

impl Rule {
    /// What the rules are sorted by.
    pub(crate) fn rank(&self) -> (u32, (Reverse<usize>, bool), &str) {
        (self.order, self.conditions.precedence(), &self.route.name)
    }
}

impl Table {
    /// The route of this message: the first rule whose conditions hold; if none does, as [`Table::lookup`] says.
    ///
    /// `now_ms` is Unix time. A rule is found by hash, not by looking at each; beyond that a search costs one pass over
    /// the text where a rule that is otherwise met has patterns.
    #[inline]
    #[must_use]
    pub fn find(&self, message: &Message<'_>, now_ms: i64, scratch: &mut Scratch) -> Option<&Route> {
        let (rules, scratch) = match message.direction {
            Direction::Mt => (&self.mt_rules, &mut scratch.mt),
            Direction::Mo => (&self.mo_rules, &mut scratch.mo),
        };
        match rules.index.first(message, now_ms, scratch, |_| true) {
            Some(rank) => Some(&rules.rules[rank as usize].route),
            None => self.lookup(message.direction, message.account, message.destination),
        }
    }

    /// Whether a rule of this direction looks at the text: if none does, [`Message::text`] may be left empty.
    #[must_use]
    pub const fn reads_text(&self, direction: Direction) -> bool {
        self.rules(direction).index.reads_text()
    }

    /// Whether there are rules of this direction: if not, [`Table::find`] is [`Table::lookup`], and only direction,
    /// account and destination of a message count.
    #[must_use]
    pub const fn has_rules(&self, direction: Direction) -> bool {
        !self.rules(direction).index.is_empty()
    }

    /// How many rules there are.
    #[must_use]
    pub const fn rule_count(&self) -> usize {
        self.mt_rules.rules.len() + self.mo_rules.rules.len()
    }

    pub(crate) const fn rules(&self, direction: Direction) -> &Rules {
        match direction {
            Direction::Mt => &self.mt_rules,
            Direction::Mo => &self.mo_rules,
        }
    }
}
