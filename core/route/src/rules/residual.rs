//! What a rule demands beyond the keys it is found by: looked at in turn, the cheapest first.

use std::sync::Arc;

use regex_automata::PatternID;

use super::conditions::{ConditionError, Conditions};
use super::data_coding::DataCodings;
use super::facts::Facts;
use super::hours::{WeekSpans, week_minute};
use super::links::{HOSTS_MAX, Hosts, LinkMatch};
use super::patterns::{PATTERNS_MAX, PatternList, Patterns};
use super::scratch::RuleScratch;

/// What the residuals of a set of rules share: their patterns and hosts.
#[derive(Debug)]
pub(crate) struct Shared {
    senders: Arc<Patterns>,
    texts: Arc<Patterns>,
    pub(crate) hosts: Arc<Hosts>,
}

/// Collects what residuals share.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    senders: PatternList,
    texts: PatternList,
    hosts: Hosts,
}

/// One rule's.
#[derive(Debug)]
pub(crate) struct Residual {
    data_codings: DataCodings,
    links: Links,
    tags_all: u64,
    tags_none: u64,
    hours: Option<(WeekSpans, i16)>,
    sender_patterns: Box<[PatternID]>,
    text_patterns: Box<[PatternID]>,
}

#[derive(Debug)]
enum Links {
    Whatever,
    Any,
    To(Box<[u32]>),
}

impl Collector {
    /// One rule's residual; its conditions are normalised.
    pub(crate) fn residual(&mut self, conditions: &Conditions) -> Result<Residual, ConditionError> {
        let numbers = |list: &mut PatternList, patterns: &[String]| {
            let numbers: Box<[PatternID]> = patterns.iter().map(|pattern| list.number(pattern)).collect();
            match list.len() {
                count if count > PATTERNS_MAX => Err(ConditionError::TooManyPatterns { count }),
                _ => Ok(numbers),
            }
        };
        let hours = conditions.hours.as_ref().map(|hours| {
            let spans = WeekSpans::new(&hours.windows).ok_or(ConditionError::Hours)?;
            Ok((spans, hours.utc_offset_minutes))
        });
        let links = match &conditions.links {
            None => Links::Whatever,
            Some(LinkMatch::Any) => Links::Any,
            Some(LinkMatch::Hosts(names)) => {
                let mut wanted: Vec<u32> = names.iter().map(|name| self.hosts.number(name)).collect();
                wanted.sort_unstable();
                if self.hosts.len() > HOSTS_MAX {
                    return Err(ConditionError::TooManyHosts { count: self.hosts.len() });
                }
                Links::To(wanted.into())
            }
        };
        Ok(Residual {
            data_codings: conditions.data_codings,
            links,
            tags_all: conditions.tags_all,
            tags_none: conditions.tags_none,
            hours: hours.transpose()?,
            sender_patterns: numbers(&mut self.senders, &conditions.sender_patterns)?,
            text_patterns: numbers(&mut self.texts, &conditions.text_patterns)?,
        })
    }

    pub(crate) fn finish(self) -> Result<Shared, ConditionError> {
        Ok(Shared {
            senders: Arc::new(self.senders.compile()?),
            texts: Arc::new(self.texts.compile()?),
            hosts: Arc::new(self.hosts),
        })
    }
}

impl Residual {
    /// Whether all of it holds.
    #[inline]
    pub(crate) fn holds(&self, shared: &Shared, facts: &Facts<'_>, scratch: &mut RuleScratch) -> bool {
        let message = facts.message;
        if message.tags & self.tags_all != self.tags_all || message.tags & self.tags_none != 0 {
            return false;
        }
        if !self.data_codings.is_empty() && !self.data_codings.intersects(facts.data_codings) {
            return false;
        }
        if let Some((spans, offset)) = &self.hours
            && !spans.contains(week_minute(facts.now_ms, *offset))
        {
            return false;
        }
        if !self.sender_patterns.is_empty()
            && !scratch.senders.matches_any(&shared.senders, message.sender, &self.sender_patterns)
        {
            return false;
        }
        let linked = match &self.links {
            Links::Whatever => true,
            Links::Any => scratch.links.any(&shared.hosts, message.text),
            Links::To(wanted) => scratch.links.leads_to(&shared.hosts, message.text, wanted),
        };
        linked
            && (self.text_patterns.is_empty()
                || scratch.texts.matches_any(&shared.texts, message.text.as_bytes(), &self.text_patterns))
    }
}
