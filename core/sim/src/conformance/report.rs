//! Checks, how they end, and the report of all.

use serde_json::{Map, Value, json};

use crate::counters::counters;
use crate::handle::Shared;

/// What is looked at: an id that never changes, what ought to be, and where that is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Check {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    /// Of SMPP 3.4, unless it says 5.0.
    pub(super) section: &'static str,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// As the specification has it.
    Pass,
    /// Otherwise, but in a way that peers of the field live with.
    Quirk,
    /// In a way that breaks peers.
    Fail,
    /// It could not be tried, or is not offered.
    Skipped,
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Quirk => "quirk",
            Self::Fail => "fail",
            Self::Skipped => "skipped",
        }
    }
}

/// An outcome, and what was seen.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) outcome: Outcome,
    pub(super) seen: String,
}

impl Finding {
    pub(super) fn pass(seen: impl Into<String>) -> Self {
        Self { outcome: Outcome::Pass, seen: seen.into() }
    }

    pub(super) fn quirk(seen: impl Into<String>) -> Self {
        Self { outcome: Outcome::Quirk, seen: seen.into() }
    }

    pub(super) fn fail(seen: impl Into<String>) -> Self {
        Self { outcome: Outcome::Fail, seen: seen.into() }
    }

    pub(super) fn skipped(seen: impl Into<String>) -> Self {
        Self { outcome: Outcome::Skipped, seen: seen.into() }
    }

    /// Pass if so, else a quirk.
    pub(super) fn pass_if(is_so: bool, seen: impl Into<String>) -> Self {
        if is_so { Self::pass(seen) } else { Self::quirk(seen) }
    }
}

counters! {
    /// For whoever looks on.
    Counts { checks, passed, quirks, failed, skipped, }
}

/// The report of a run.
pub(super) struct Report {
    peer: &'static str,
    address: String,
    counts: Counts,
    checks: Vec<Value>,
    /// What fits the other side's resource, by its field.
    pub(super) quirks: Map<String, Value>,
    /// What was learned beside.
    pub(super) facts: Map<String, Value>,
    pub(super) error: Option<String>,
}

impl Report {
    pub(super) const COUNTERS: &'static [&'static str] = Counts::NAMES;

    pub(super) fn new(peer: &'static str, address: &str) -> Self {
        Self {
            peer,
            address: address.to_owned(),
            counts: Counts::default(),
            checks: Vec::new(),
            quirks: Map::new(),
            facts: Map::new(),
            error: None,
        }
    }

    /// Takes the end of a check, and what was said in it.
    pub(super) fn add(&mut self, check: Check, finding: &Finding, exchange: Vec<String>, shared: &Shared) {
        self.counts.checks += 1;
        *match finding.outcome {
            Outcome::Pass => &mut self.counts.passed,
            Outcome::Quirk => &mut self.counts.quirks,
            Outcome::Fail => &mut self.counts.failed,
            Outcome::Skipped => &mut self.counts.skipped,
        } += 1;
        self.counts.publish(&shared.live);
        self.checks.push(json!({
            "id": check.id,
            "title": check.title,
            "section": check.section,
            "outcome": finding.outcome.name(),
            "seen": finding.seen,
            "exchange": exchange,
        }));
    }

    pub(super) fn into_json(self) -> Value {
        let judged = self.counts.checks - self.counts.skipped;
        let score = (judged > 0).then(|| self.counts.passed * 100 / judged);
        json!({
            "peer": self.peer,
            "address": self.address,
            "score_percent": score,
            "passed": self.counts.passed,
            "quirks": self.counts.quirks,
            "failed": self.counts.failed,
            "skipped": self.counts.skipped,
            "checks": self.checks,
            "suggested_quirks": self.quirks,
            "facts": self.facts,
            "error": self.error,
        })
    }
}
