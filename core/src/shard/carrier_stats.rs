//! What is told of a carrier: how fast it is sent to, and what its receipts are like.

use brivas_proto::v1;

use super::Shard;
use super::connection::Owner;
use super::parties::{BindState, Carrier};

impl Shard {
    pub(super) fn carrier_stats(&self, carrier: &Carrier) -> v1::CarrierStats {
        let bound = || carrier.binds.iter().filter(|bind| matches!(bind.state, BindState::Bound(_)));
        v1::CarrierStats {
            name: carrier.name.to_string(),
            binds_up: carrier.up.len() as u32,
            binds_wanted: carrier.binds_wanted(),
            sent: carrier.sent,
            failed: carrier.failed,
            queued: carrier.queued,
            in_flight: carrier.in_flight,
            allowed_per_second: carrier.pacer.per_second().unwrap_or_default(),
            slowed: carrier.pacer.is_slowed(),
            throttled: carrier.throttled,
            window: bound().map(|bind| bind.round_trip.window()).sum(),
            round_trip_ms: bound().map(|bind| bind.round_trip.smoothed_ms()).max().unwrap_or_default() as u32,
            congestion_state: carrier.congestion_state.map(u32::from),
            unanswered: carrier.unanswered,
            held: carrier.held.count(&self.messages),
            learned: Some(carrier.learning.state(&carrier.name)),
            receipts: Some(carrier.receipts),
            certificate_expires_at_ms: carrier
                .config
                .as_ref()
                .and_then(|config| config.tls.as_ref())
                .map_or(0, |tls| tls.expires_at_ms),
        }
    }

    /// Of the bind that a connection is.
    pub(super) fn round_trip_ms(&self, owner: Owner) -> u32 {
        let Owner::Carrier(carrier, bind) = owner else { return 0 };
        let bind = self.carriers.get(carrier as usize).and_then(|carrier| carrier.binds.get(bind as usize));
        bind.map_or(0, |bind| bind.round_trip.smoothed_ms() as u32)
    }
}
