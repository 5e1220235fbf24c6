//! What a carrier's receipts are like: how their ids come from those of the responses, and what zone their dates are in.
//!
//! Configured, or learned from the first receipts that could mean one message only. What was learned is written to the
//! journal, shown by `brivas carriers quirks`, and given up when receipts stop to match.

use brivas_proto::v1;
use brivas_smpp::receipt::{IdQuirk, IdText, learn_zone_minutes};

/// A carrier's quirks as they are known now.
#[derive(Clone, Debug)]
pub(crate) struct Learning {
    configured: v1::CarrierQuirks,
    ids: Option<IdQuirk>,
    zone_minutes: Option<i16>,
    has_plain: bool,
    /// Pairs of a response's id and its receipt's, while they teach.
    pairs: Vec<(IdText, IdText)>,
    /// Pairs of a done date and when it came.
    dates: Vec<(i64, i64)>,
    /// How often in a row the dates spoke for a zone further behind.
    behind: u32,
    samples: u32,
    newest: Option<(IdText, IdText)>,
    unmatched_in_a_row: u32,
    /// Where in the journal it stands what was learned.
    pub(crate) offset: Option<i64>,
}

/// Pairs that teach: few are alike by chance.
const PAIRS: usize = 16;
/// So many receipts of nobody one after the other, and what was learned is doubted.
const UNMATCHED_MAX: u32 = 32;
/// A zone further behind is believed after so many rounds of dates: receipts may just be late.
const BEHIND_MAX: u32 = 8;

/// Which ids a receipt's id may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ways {
    /// The same, but for case, zeros in front and dashes.
    pub(crate) plain: bool,
    /// The response has it in hexadecimal.
    pub(crate) hexadecimal: bool,
    /// The response has it in decimal, the receipt in hexadecimal.
    pub(crate) decimal: bool,
}

impl Learning {
    pub(crate) fn new() -> Self {
        Self {
            configured: v1::CarrierQuirks::default(),
            ids: None,
            zone_minutes: None,
            has_plain: false,
            pairs: Vec::new(),
            dates: Vec::new(),
            behind: 0,
            samples: 0,
            newest: None,
            unmatched_in_a_row: 0,
            offset: None,
        }
    }

    pub(crate) fn configure(&mut self, quirks: Option<&v1::CarrierQuirks>) {
        self.configured = quirks.cloned().unwrap_or_default();
    }

    /// How ids are written, by configuration or by what was learned.
    fn ids(&self) -> Option<IdQuirk> {
        from_proto(self.configured.message_ids()).or(self.ids)
    }

    pub(crate) fn ways(&self) -> Ways {
        let quirk = self.ids();
        Ways {
            plain: true,
            hexadecimal: matches!(quirk, None | Some(IdQuirk::HexadecimalToDecimal)),
            decimal: matches!(quirk, None | Some(IdQuirk::DecimalToHexadecimal)),
        }
    }

    /// Whether plainly the same ids are no match: the other way is known to be right.
    pub(crate) fn matches(&self, response_id: &[u8], receipt_id: &[u8]) -> bool {
        match self.ids() {
            Some(quirk @ (IdQuirk::HexadecimalToDecimal | IdQuirk::DecimalToHexadecimal)) => {
                quirk.matches(response_id, receipt_id)
            }
            _ => true,
        }
    }

    pub(crate) const fn accepted_is_final(&self) -> bool {
        self.configured.accepted_is_final
    }

    pub(crate) const fn has_plain(&self) -> bool {
        self.has_plain
    }

    pub(crate) fn plain_receipts(&self) -> v1::PlainReceipts {
        self.configured.plain_receipts()
    }

    /// Minutes that its dates are ahead of UTC.
    pub(crate) fn zone_minutes(&self) -> i16 {
        let configured = self.configured.receipt_zone_minutes.and_then(|minutes| i16::try_from(minutes).ok());
        configured.or(self.zone_minutes).unwrap_or_default()
    }

    /// A receipt was matched. True: something was learned.
    pub(crate) fn teach(&mut self, response_id: &[u8], receipt_id: &[u8]) -> bool {
        self.unmatched_in_a_row = 0;
        self.samples = self.samples.saturating_add(1);
        if self.ids().is_some() {
            return false;
        }
        // Trimmed, else as they came.
        let pair = (IdQuirk::Same.response_key(response_id), IdQuirk::Same.receipt_key(receipt_id));
        self.newest = Some(pair);
        self.pairs.push(pair);
        if self.pairs.len() < PAIRS {
            return false;
        }
        let pairs = std::mem::take(&mut self.pairs);
        self.ids = IdQuirk::learn(pairs.iter().map(|pair| (pair.0.octets(), pair.1.octets())));
        self.ids.is_some()
    }

    /// A receipt's date, read as UTC, and when it came. True: something was learned.
    pub(crate) fn teach_date(&mut self, done_ms: i64, received_ms: i64) -> bool {
        if self.configured.receipt_zone_minutes.is_some() {
            return false;
        }
        self.dates.push((done_ms, received_ms));
        if self.dates.len() < PAIRS {
            return false;
        }
        let Some(zone) = learn_zone_minutes(self.dates.drain(..)) else { return false };
        let is_news = match self.zone_minutes {
            // Late receipts look like a zone further behind; none comes before it was sent.
            Some(known) if zone < known => {
                self.behind += 1;
                self.behind >= BEHIND_MAX
            }
            Some(known) => {
                self.behind = 0;
                zone > known
            }
            None => true,
        };
        if is_news {
            self.behind = 0;
            self.zone_minutes = Some(zone);
        }
        is_news
    }

    /// A receipt came without its esm_class. True: that is news.
    pub(crate) fn teach_plain(&mut self) -> bool {
        !std::mem::replace(&mut self.has_plain, true)
    }

    /// A receipt was nobody's. True: what was learned about ids is given up.
    pub(crate) fn note_unmatched(&mut self) -> bool {
        self.unmatched_in_a_row = self.unmatched_in_a_row.saturating_add(1);
        if self.unmatched_in_a_row < UNMATCHED_MAX || self.ids.is_none() {
            return false;
        }
        self.unmatched_in_a_row = 0;
        self.ids = None;
        self.pairs.clear();
        true
    }

    /// What is shown, and written to the journal.
    pub(crate) fn state(&self, carrier: &str) -> v1::CarrierLearned {
        let configured = from_proto(self.configured.message_ids()).is_some();
        let newest = self.newest.as_ref();
        let has_zone = self.zone_minutes.is_some() || self.configured.receipt_zone_minutes.is_some();
        v1::CarrierLearned {
            carrier: carrier.to_owned(),
            message_ids: self.ids().map_or(v1::MessageIds::Auto, to_proto).into(),
            message_ids_configured: configured,
            receipt_zone_minutes: has_zone.then(|| i32::from(self.zone_minutes())),
            receipt_zone_configured: self.configured.receipt_zone_minutes.is_some(),
            plain_receipts: self.has_plain,
            samples: self.samples,
            response_id: newest.map(|pair| pair.0.octets().to_vec()).unwrap_or_default(),
            receipt_id: newest.map(|pair| pair.1.octets().to_vec()).unwrap_or_default(),
        }
    }

    /// Takes over what the journal has. What is configured stands above it anyway.
    pub(crate) fn restore(&mut self, state: &v1::CarrierLearned, offset: i64) {
        self.offset = Some(offset);
        if !state.message_ids_configured {
            self.ids = from_proto(state.message_ids());
        }
        if !state.receipt_zone_configured {
            self.zone_minutes = state.receipt_zone_minutes.and_then(|minutes| i16::try_from(minutes).ok());
        }
        self.has_plain = state.plain_receipts;
        self.samples = state.samples;
        if !state.response_id.is_empty() {
            let response_id = IdQuirk::Same.response_key(&state.response_id);
            self.newest = Some((response_id, IdQuirk::Same.receipt_key(&state.receipt_id)));
        }
    }
}

const fn from_proto(ids: v1::MessageIds) -> Option<IdQuirk> {
    Some(match ids {
        v1::MessageIds::Auto => return None,
        v1::MessageIds::Same => IdQuirk::Same,
        v1::MessageIds::Case => IdQuirk::Case,
        v1::MessageIds::Zeros => IdQuirk::Zeros,
        v1::MessageIds::HexadecimalToDecimal => IdQuirk::HexadecimalToDecimal,
        v1::MessageIds::DecimalToHexadecimal => IdQuirk::DecimalToHexadecimal,
        v1::MessageIds::Dashes => IdQuirk::Dashes,
    })
}

const fn to_proto(quirk: IdQuirk) -> v1::MessageIds {
    match quirk {
        IdQuirk::Same => v1::MessageIds::Same,
        IdQuirk::Case => v1::MessageIds::Case,
        IdQuirk::Zeros => v1::MessageIds::Zeros,
        IdQuirk::HexadecimalToDecimal => v1::MessageIds::HexadecimalToDecimal,
        IdQuirk::DecimalToHexadecimal => v1::MessageIds::DecimalToHexadecimal,
        IdQuirk::Dashes => v1::MessageIds::Dashes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taught(pairs: impl IntoIterator<Item = (String, String)>) -> Learning {
        let mut learning = Learning::new();
        for (response, receipt) in pairs {
            learning.teach(response.as_bytes(), receipt.as_bytes());
        }
        learning
    }

    #[test]
    fn sixteen_pairs_teach_and_a_restart_knows_it() {
        let pairs =
            |count: u64| (0..count).map(|id| (format!("{:x}", 1_000 + id), format!("{}", 1_000 + id)));
        assert_eq!(taught(pairs(15)).state("alpha").message_ids(), v1::MessageIds::Auto);
        let learning = taught(pairs(16));
        let state = learning.state("alpha");
        assert_eq!(state.message_ids(), v1::MessageIds::HexadecimalToDecimal);
        assert_eq!(learning.ways(), Ways { plain: true, hexadecimal: true, decimal: false });
        assert!(learning.matches(b"10", b"16") && !learning.matches(b"10", b"10"));
        let mut restored = Learning::new();
        restored.restore(&state, 7);
        assert_eq!((restored.state("alpha"), restored.offset), (state, Some(7)));
    }

    #[test]
    fn what_is_configured_is_not_learned() {
        let mut learning = Learning::new();
        learning.configure(Some(&v1::CarrierQuirks {
            message_ids: v1::MessageIds::DecimalToHexadecimal.into(),
            receipt_zone_minutes: Some(120),
            ..v1::CarrierQuirks::default()
        }));
        for id in 0..20 {
            let id = format!("{id}");
            assert!(!learning.teach(id.as_bytes(), id.as_bytes()));
            assert!(!learning.teach_date(0, 0));
        }
        let state = learning.state("alpha");
        assert!(state.message_ids_configured && state.receipt_zone_configured);
        assert_eq!(state.message_ids(), v1::MessageIds::DecimalToHexadecimal);
        assert_eq!((learning.zone_minutes(), state.receipt_zone_minutes), (120, Some(120)));
    }

    #[test]
    fn receipts_that_stop_to_match_unteach() {
        let mut learning = taught((0..16).map(|id| (format!("a{id}"), format!("a{id}"))));
        assert!(!learning.ways().hexadecimal);
        for _ in 0..31 {
            assert!(!learning.note_unmatched());
        }
        learning.teach(b"a", b"a");
        for _ in 0..31 {
            assert!(!learning.note_unmatched());
        }
        assert!(learning.note_unmatched());
        assert!(learning.ways().hexadecimal);
    }

    #[test]
    fn a_zone_is_learned_and_late_receipts_do_not_move_it() {
        const HOUR_MS: i64 = 3_600_000;
        let mut learning = Learning::new();
        let teach = |learning: &mut Learning, ahead_ms: i64| {
            (0..16).filter(|_| learning.teach_date(ahead_ms, 0)).count()
        };
        assert_eq!(teach(&mut learning, 2 * HOUR_MS - 60_000), 1);
        assert_eq!(learning.zone_minutes(), 120);
        // A backlog of an hour.
        for _ in 0..3 {
            assert_eq!(teach(&mut learning, HOUR_MS - 60_000), 0);
        }
        assert_eq!(teach(&mut learning, 2 * HOUR_MS - 60_000), 0);
        // Winter.
        let learned: usize = (0..8).map(|_| teach(&mut learning, HOUR_MS - 60_000)).sum();
        assert_eq!((learned, learning.zone_minutes()), (1, 60));
        assert_eq!(teach(&mut learning, 2 * HOUR_MS - 60_000), 1);
        assert_eq!(learning.zone_minutes(), 120);
    }
}
