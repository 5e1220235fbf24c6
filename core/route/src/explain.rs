//! Why a message takes its route, in words.
//!
//! Decides by searching each prefix length in turn, without the tries: what it says is an independent check of what a
//! lookup does. For people, not for the way of a message.

use crate::digits::Digits;
use crate::hash::destination_hash;
use crate::message::Message;
use crate::route::Route;
use crate::rules::why;
use crate::spec::Direction;
use crate::table::Table;

/// A decision and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation<'table> {
    /// What was looked at, in order.
    pub steps: Vec<String>,
    /// The route that was found.
    pub route: Option<&'table Route>,
    /// Its carriers in the order of trial for this destination.
    pub candidates: Vec<RankedTarget>,
}

/// One carrier in the order of trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RankedTarget {
    /// The caller's number for the carrier.
    pub carrier: u32,
    /// Lower is tried first.
    pub priority: u32,
    /// Share among the targets of the same priority.
    pub weight: u32,
    /// What a part costs there.
    pub price: u64,
}

impl Table {
    /// Explains what [`Table::find`] answers for the same message and time. `group_hash` draws where a route goes by
    /// message ([`Route::draw`]).
    ///
    /// Rules are tried one by one. Those that are found by other keys than the message's are only counted, and of the
    /// others as many are told as fit a screen.
    #[must_use]
    pub fn explain_message(&self, message: &Message<'_>, now_ms: i64, group_hash: u64) -> Explanation<'_> {
        let mut steps = Vec::new();
        let (mut elsewhere, mut told, mut untold) = (0, 0, 0);
        let mut chosen = None;
        for rule in &*self.rules(message.direction).rules {
            let name = rule.route.name();
            if why::keys(&rule.conditions, message).is_some() {
                elsewhere += 1;
                continue;
            }
            match why::mismatch(&rule.conditions, message, now_ms) {
                None => {
                    chosen = Some(&rule.route);
                    steps.push(format!("rule {name:?} (order {}): holds and is chosen", rule.order));
                    break;
                }
                Some(reason) if told < TOLD_MAX => {
                    told += 1;
                    steps.push(format!("rule {name:?} (order {}): {reason}", rule.order));
                }
                Some(_) => untold += 1,
            }
        }
        if elsewhere + untold > 0 {
            let passed = elsewhere + untold;
            steps.insert(0, format!("{passed} rules of earlier order do not hold for this message"));
        }
        let Some(route) = chosen else {
            let plain = self.explain(message.direction, message.account, message.destination);
            steps.extend(plain.steps);
            let candidates = plain.route.map(|route| drawn(route, message.destination, group_hash));
            return Explanation { steps, route: plain.route, candidates: candidates.unwrap_or_default() };
        };
        let candidates = drawn(route, message.destination, group_hash);
        Explanation { steps, route: Some(route), candidates }
    }

    /// Explains what [`Table::lookup`] answers for the same arguments. The steps are words about routes; carriers and accounts
    /// are numbers here, so whoever knows their names tells of them.
    #[must_use]
    pub fn explain(&self, direction: Direction, account: u32, destination: &[u8]) -> Explanation<'_> {
        let digits = Digits::of_destination(destination);
        let mut steps = vec![opening(direction, destination, digits)];
        let mut chosen = None;
        for length in (0..=digits.len()).rev() {
            let prefix = digits.first(length);
            let own = self.exact(direction, Some(account), prefix);
            let general = self.exact(direction, None, prefix);
            for route in [own, general].into_iter().flatten() {
                steps.push(matched(route, chosen));
                chosen = chosen.or(Some(route));
            }
        }
        let candidates = chosen.map_or_else(Vec::new, |route| ranked(route, destination_hash(destination)));
        if chosen.is_none() {
            steps.push("no prefix matches: there is no route".to_owned());
        }
        Explanation { steps, route: chosen, candidates }
    }
}

fn opening(direction: Direction, destination: &[u8], digits: Digits) -> String {
    let shown = String::from_utf8_lossy(destination);
    let direction = direction.name();
    if digits.len() == 0 && !destination.is_empty() {
        return format!("{direction} to {shown:?}: not all digits, so only the empty prefix can match");
    }
    format!("{direction} to {shown:?}: prefixes of up to {} digits can match", digits.len())
}

fn matched(route: &Route, chosen: Option<&Route>) -> String {
    let owner = if route.account.is_some() { "the account's own" } else { "every account's" };
    let what = format!("prefix {:?}: route {:?} ({owner}) matches", route.prefix(), route.name());
    match chosen {
        None => format!("{what} and is chosen"),
        Some(winner) if winner.prefix == route.prefix => {
            format!("{what}; the account's own goes first")
        }
        Some(_) => format!("{what}; a longer prefix goes first"),
    }
}

fn drawn(route: &Route, destination: &[u8], group_hash: u64) -> Vec<RankedTarget> {
    ranked(route, route.draw(destination_hash(destination), group_hash))
}

fn ranked(route: &Route, draw: u64) -> Vec<RankedTarget> {
    route
        .candidates(draw)
        .filter_map(|carrier| route.targets().iter().find(|target| target.carrier == carrier))
        .map(|target| RankedTarget {
            carrier: target.carrier,
            priority: target.priority,
            weight: target.weight,
            price: target.price,
        })
        .collect()
}

/// As many rules as are told of one by one.
const TOLD_MAX: usize = 20;
