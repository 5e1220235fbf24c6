//! What became of each message, and how long it took.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufWriter, Write};

use brivas_smpp::CommandStatus;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::options::LoadOptions;
use crate::bitmap::Bitmap;
use crate::counters::counters;
use crate::os;

counters! {
    /// Counters of the customers.
    Stats {
        binds,
        connects,
        disconnects,
        submitted,
        accepted,
        refused,
        retried,
        unknown,
        in_flight,
        receipts,
        receipts_duplicated,
        receipts_missing,
        receipts_unnumbered,
        receipts_mismatched,
        mobile_originated,
        protocol_errors,
    }
}

/// The books of a run.
pub(super) struct Ledger {
    pub(super) stats: Stats,
    accepted: Bitmap,
    receipted: Bitmap,
    refused: BTreeMap<u32, u64>,
    unknown_numbers: Vec<u64>,
    response_latency: Histogram<u64>,
    receipt_latency: Histogram<u64>,
    /// Each so many messages one has its latency taken.
    sample: u64,
    /// When sampled messages were sent, by number; a ring.
    sent: Vec<(u64, u64)>,
    /// Ids that sampled messages were answered with.
    ids: HashMap<u64, Box<[u8]>>,
    record: Option<BufWriter<File>>,
    record_failed: Option<io::Error>,
    wants_receipts: bool,
    measured: Measured,
    pub(super) last_response_ns: u64,
    pub(super) last_receipt_ns: u64,
}

/// The part of a run that counts.
#[derive(Clone, Copy, Debug, Default)]
struct Measured {
    from_ns: u64,
    before: Stats,
    cpu_before: f64,
    end: Option<(u64, Stats, f64)>,
}

impl Ledger {
    pub(super) fn new(options: &LoadOptions) -> io::Result<Self> {
        let record = options.record_file.as_ref().map(|path| {
            File::create(path)
                .map(BufWriter::new)
                .map_err(|error| io::Error::new(error.kind(), format!("cannot write {path:?}: {error}")))
        });
        let sample = match (options.latency_sample, options.rate > 0.0) {
            (0, false) => 16,
            (0, true) => 1,
            (sample, _) => sample,
        };
        Ok(Self {
            stats: Stats::default(),
            accepted: Bitmap::default(),
            receipted: Bitmap::default(),
            refused: BTreeMap::new(),
            unknown_numbers: Vec::new(),
            response_latency: histogram(),
            receipt_latency: histogram(),
            sample,
            sent: vec![(u64::MAX, 0); SENT_SLOTS],
            ids: HashMap::new(),
            record: record.transpose()?,
            record_failed: None,
            wants_receipts: options.registered_delivery & 0b11 != 0,
            measured: Measured::default(),
            last_response_ns: 0,
            last_receipt_ns: 0,
        })
    }

    /// A message is on its way, for the first time.
    #[inline]
    pub(super) fn submitted(&mut self, number: u64, at_ns: u64) {
        self.stats.submitted += 1;
        if number.is_multiple_of(self.sample) {
            let slot = (number / self.sample) as usize % SENT_SLOTS;
            self.sent[slot] = (number, at_ns);
        }
    }

    #[inline]
    pub(super) fn accepted(&mut self, number: u64, at_ns: u64, message_id: &[u8], now_ns: u64) {
        self.stats.accepted += 1;
        self.last_response_ns = now_ns;
        self.accepted.insert(number);
        if !self.receipted.contains(number) {
            self.stats.receipts_missing += 1;
        }
        if number.is_multiple_of(self.sample) {
            record_us(&mut self.response_latency, now_ns.saturating_sub(at_ns));
        }
        if number.is_multiple_of(ID_SAMPLE) && self.wants_receipts && self.ids.len() < IDS_MAX {
            self.ids.insert(number, message_id.into());
        }
        if self.record.is_some() {
            self.write_record(number, message_id);
        }
    }

    fn write_record(&mut self, number: u64, message_id: &[u8]) {
        let Some(file) = &mut self.record else { return };
        let mut line = [0; 32];
        line[..8].copy_from_slice(&number.to_le_bytes());
        let length = message_id.len().min(24);
        line[8..8 + length].copy_from_slice(&message_id[..length]);
        if let Err(error) = file.write_all(&line) {
            self.record_failed = Some(error);
            self.record = None;
        }
    }

    pub(super) fn refused(&mut self, status: CommandStatus, now_ns: u64) {
        self.stats.refused += 1;
        self.last_response_ns = now_ns;
        // A peer cannot make more of these than there are 32-bit numbers; a thousand are enough.
        if self.refused.len() < 1_000 || self.refused.contains_key(&status.0) {
            *self.refused.entry(status.0).or_default() += 1;
        }
    }

    /// A message was sent, and its response will not come.
    pub(super) fn unknown(&mut self, number: u64) {
        self.stats.unknown += 1;
        if self.unknown_numbers.len() < UNKNOWN_LISTED_MAX {
            self.unknown_numbers.push(number);
        }
    }

    /// A receipt came. True: its id is to be compared, see [`Self::compare_id`].
    #[inline]
    pub(super) fn receipt(&mut self, number: u64, now_ns: u64) -> bool {
        if !self.receipted.insert(number) {
            self.stats.receipts_duplicated += 1;
            return false;
        }
        self.stats.receipts += 1;
        self.last_receipt_ns = now_ns;
        if self.accepted.contains(number) {
            self.stats.receipts_missing -= 1;
        }
        if number.is_multiple_of(self.sample) {
            let slot = (number / self.sample) as usize % SENT_SLOTS;
            if self.sent[slot].0 == number {
                record_us(&mut self.receipt_latency, now_ns.saturating_sub(self.sent[slot].1));
            }
        }
        number.is_multiple_of(ID_SAMPLE)
    }

    /// Compares the id of a receipt with the response's, where that one is known.
    pub(super) fn compare_id(&mut self, number: u64, receipt_id: Option<&[u8]>) {
        if let Some(id) = self.ids.remove(&number)
            && receipt_id != Some(&*id)
        {
            self.stats.receipts_mismatched += 1;
        }
    }

    /// Whether receipts are still to come.
    pub(super) const fn awaits_receipts(&self) -> bool {
        self.wants_receipts && self.stats.receipts_missing > 0
    }

    pub(super) fn start_measuring(&mut self, now_ns: u64) {
        self.response_latency.reset();
        self.receipt_latency.reset();
        let cpu_before = cpu_seconds();
        self.measured = Measured { from_ns: now_ns, before: self.stats, cpu_before, end: None };
    }

    pub(super) fn stop_measuring(&mut self, now_ns: u64) {
        self.measured.end.get_or_insert((now_ns, self.stats, cpu_seconds()));
    }

    /// The end of the books.
    pub(super) fn result(&mut self, error: Option<String>) -> Value {
        let last_ns = if self.wants_receipts { self.last_receipt_ns } else { self.last_response_ns };
        let measured = self.measured;
        let steady = measured.end.is_some();
        let (end_ns, end, cpu_end) = measured.end.unwrap_or((last_ns, self.stats, cpu_seconds()));
        let seconds = end_ns.saturating_sub(measured.from_ns) as f64 / 1e9;
        let accepted = end.accepted - measured.before.accepted;
        let receipts = end.receipts - measured.before.receipts;
        let messages = if self.wants_receipts { receipts } else { accepted };
        let per_second = |count: u64| if seconds > 0.0 { count as f64 / seconds } else { 0.0 };
        let per_message = |cpu: f64| if messages > 0 { cpu * 1e6 / messages as f64 } else { 0.0 };
        let error = error.or_else(|| self.finish_record().err().map(|error| format!("record_file: {error}")));
        let (user, system) = os::thread_cpu_seconds();
        let refused: serde_json::Map<_, _> = self
            .refused
            .iter()
            .map(|(status, count)| (CommandStatus(*status).to_string(), (*count).into()))
            .collect();
        let mut result = json!(self.stats);
        let more = json!({
            "refused_by_status": refused,
            "unknown_numbers": self.unknown_numbers,
            "seconds": seconds,
            "measured": if steady { "end of warm-up to end of sending" } else { "start to last receipt or response" },
            "counted": if self.wants_receipts { "receipts" } else { "responses" },
            "messages_per_second": per_second(messages),
            "accepted_per_second": per_second(accepted),
            "latency_ms": percentiles(&self.response_latency),
            "receipt_latency_ms": percentiles(&self.receipt_latency),
            "latency_sample": self.sample,
            "cpu_seconds": {"user": user, "system": system},
            "cpu_us_per_message": per_message(cpu_end - measured.cpu_before),
            "error": error,
        });
        if let (Value::Object(result), Value::Object(more)) = (&mut result, more) {
            result.extend(more);
        }
        result
    }

    fn finish_record(&mut self) -> io::Result<()> {
        if let Some(error) = self.record_failed.take() {
            return Err(error);
        }
        self.record.as_mut().map_or(Ok(()), Write::flush)
    }
}

fn cpu_seconds() -> f64 {
    let (user, system) = os::thread_cpu_seconds();
    user + system
}

fn histogram() -> Histogram<u64> {
    // Bounds that hdrhistogram takes for sure: a microsecond to ten minutes, three digits.
    Histogram::new_with_bounds(1, LATENCY_US_MAX, 3).unwrap_or_else(|_| unreachable!("constant bounds"))
}

fn record_us(histogram: &mut Histogram<u64>, latency_ns: u64) {
    histogram.saturating_record(latency_ns / 1_000);
}

fn percentiles(histogram: &Histogram<u64>) -> Value {
    if histogram.is_empty() {
        return Value::Null;
    }
    let ms = |us: u64| us as f64 / 1_000.0;
    json!({
        "p50": ms(histogram.value_at_quantile(0.5)),
        "p99": ms(histogram.value_at_quantile(0.99)),
        "p999": ms(histogram.value_at_quantile(0.999)),
        "max": ms(histogram.max()),
        "count": histogram.len(),
    })
}

const LATENCY_US_MAX: u64 = 600_000_000;
/// Sampled messages whose time is kept: 16 MiB. A receipt that comes later than so many has no latency.
const SENT_SLOTS: usize = 1 << 20;
/// Each so many messages the receipt's id is compared with the response's.
const ID_SAMPLE: u64 = 1_024;
const IDS_MAX: usize = 100_000;
const UNKNOWN_LISTED_MAX: usize = 10_000;
