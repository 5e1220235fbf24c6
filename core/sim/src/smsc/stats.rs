//! What a simulated carrier counts.

use crate::counters::counters;

counters! {
    /// Counters of a carrier.
    Stats {
        binds,
        connects,
        disconnects,
        bind_refusals,
        submits,
        accepted,
        errors,
        throttled,
        queue_full,
        ignored,
        hung_up,
        unbinds,
        receipts_sent,
        receipts_acked,
        receipts_refused,
        receipts_dropped,
        receipts_requeued,
        receipts_waiting,
        mobile_originated_sent,
        mobile_originated_acked,
        mobile_originated_skipped,
        unique_delivered,
        duplicates,
        unnumbered,
        protocol_errors,
    }
}
