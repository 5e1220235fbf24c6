//! What a shard counts, and what it is doing, for whoever asks.

use brivas_proto::v1;

use super::Shard;
use super::connection::Owner;
use super::parties::BindState;
use crate::transport::TlsStream;

/// Names of one certificate that a list of binds shows.
const NAMES_SHOWN_MAX: usize = 8;

/// Plain numbers: only the shard writes them.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counters {
    pub(crate) accepted: u64,
    pub(crate) refused: u64,
    pub(crate) throttled: u64,
    pub(crate) queue_full: u64,
    pub(crate) sent: u64,
    pub(crate) attempts_failed: u64,
    pub(crate) delivered: u64,
    pub(crate) undelivered: u64,
    pub(crate) receipts_matched: u64,
    pub(crate) receipts_unmatched: u64,
    pub(crate) receipts_delivered: u64,
    pub(crate) mo_accepted: u64,
    pub(crate) mo_delivered: u64,
    /// Of connections that have closed; those of open ones stand in their sessions.
    pub(crate) protocol_errors: u64,
    pub(crate) binds_refused: u64,
    pub(crate) connections_accepted: u64,
    pub(crate) tls_handshakes_failed: u64,
    pub(crate) proxy_headers_refused: u64,
    pub(crate) cancelled: u64,
    pub(crate) replaced: u64,
    pub(crate) alerts: u64,
    pub(crate) alerts_delivered: u64,
}

impl Shard {
    pub(super) fn stats(&self) -> v1::StatsResponse {
        let counters = self.counters;
        let open_errors: u64 =
            self.connections.iter().map(|(_, open)| open.session.counters().protocol_errors).sum();
        let accounts = self.accounts.iter().filter(|account| account.config.is_some());
        let carriers = self.carriers.iter().filter(|carrier| carrier.config.is_some());
        v1::StatsResponse {
            snapshot_hash: self.config.hash.clone(),
            started_at_ms: self.started_at_ms,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned(),
            draining: self.draining.is_on(),
            acceptance_stopped: self.journal.failed().map(ToString::to_string).unwrap_or_default(),
            totals: Some(v1::Counters {
                accepted: counters.accepted,
                refused: counters.refused,
                throttled: counters.throttled,
                queue_full: counters.queue_full,
                sent: counters.sent,
                attempts_failed: counters.attempts_failed,
                delivered: counters.delivered,
                undelivered: counters.undelivered,
                receipts_matched: counters.receipts_matched,
                receipts_unmatched: counters.receipts_unmatched,
                receipts_delivered: counters.receipts_delivered,
                mo_accepted: counters.mo_accepted,
                mo_delivered: counters.mo_delivered,
                protocol_errors: counters.protocol_errors + open_errors,
                binds_refused: counters.binds_refused,
                connections_accepted: counters.connections_accepted,
                open_messages: self.messages.len() as u64,
                connections: self.connections.len() as u64,
                tls_handshakes_failed: counters.tls_handshakes_failed,
                proxy_headers_refused: counters.proxy_headers_refused,
                cancelled: counters.cancelled,
                replaced: counters.replaced,
                alerts: counters.alerts,
                alerts_delivered: counters.alerts_delivered,
                scheduled_messages: self.schedule.waiting,
            }),
            accounts: accounts
                .map(|account| v1::AccountStats {
                    name: account.name.to_string(),
                    binds: account.binds.len() as u32,
                    accepted: account.accepted,
                    throttled: account.throttled,
                    queue_full: account.queue_full,
                    open_messages: account.open_messages,
                    deliveries_waiting: account.deliveries.len() as u64,
                })
                .collect(),
            carriers: carriers.map(|carrier| self.carrier_stats(carrier)).collect(),
            // The journal's own are added by whoever has its reader.
            journal: None,
            listeners: self.listener_stats(),
        }
    }

    pub(super) fn binds(&self) -> Vec<v1::Bind> {
        let mut binds = Vec::new();
        for (_, connection) in self.connections.iter() {
            let session = &connection.session;
            let counters = session.counters();
            let (side, name) = match connection.owner {
                Owner::Stranger => ("customer", String::new()),
                Owner::Account(number) => ("customer", self.accounts[number as usize].name.to_string()),
                Owner::Carrier(number, _) => ("carrier", self.carriers[number as usize].name.to_string()),
            };
            binds.push(v1::Bind {
                side: side.to_owned(),
                name,
                system_id: connection.system_id.clone(),
                peer: connection.peer.to_string(),
                state: session.state().name().to_owned(),
                interface_version: u32::from(session.peer_version().0),
                window_used: session.in_flight() as u32,
                window_max: session.config().window_max as u32,
                since_ms: connection.since_ms,
                pdus_in: counters.pdus_in,
                pdus_out: counters.pdus_out,
                last_sequence_in: counters.last_sequence_in,
                last_sequence_out: session.last_sequence_out(),
                tls: connection.stream.tls().map_or_else(String::new, |tls| tls.version().to_owned()),
                tls_cipher: connection.stream.tls().map_or_else(String::new, TlsStream::cipher),
                certificate_names: connection
                    .stream
                    .tls()
                    .and_then(TlsStream::peer_names)
                    .map_or_else(Vec::new, |names| names.iter().take(NAMES_SHOWN_MAX).cloned().collect()),
                connection: connection.number,
                round_trip_ms: self.round_trip_ms(connection.owner),
                ..v1::Bind::default()
            });
        }
        for carrier in self.carriers.iter() {
            let Some(config) = &carrier.config else { continue };
            if config.is_inbound() {
                binds.extend(carrier.awaited());
                continue;
            }
            for bind in carrier.binds.iter().filter(|bind| bind.connection().is_none()) {
                let in_ms = bind.retry_at_ms.saturating_sub(self.clock.now_ms()) as i64;
                let state = if bind.state == BindState::Resolving { "resolving" } else { "waiting" };
                binds.push(v1::Bind {
                    side: "carrier".to_owned(),
                    name: carrier.name.to_string(),
                    system_id: config.spec.system_id.clone(),
                    peer: format!("{}:{}", config.spec.host, config.spec.port),
                    state: state.to_owned(),
                    window_max: config.spec.window_max,
                    last_error: bind.last_error.clone(),
                    retry_at_ms: self.clock.wall_ms + in_ms,
                    ..v1::Bind::default()
                });
            }
        }
        binds
    }
}
