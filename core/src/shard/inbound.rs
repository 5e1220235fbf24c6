//! Carriers that connect to us: they bind like an ESME, or send outbind and we bind to them on their connection
//! (SMPP 3.4 §2.2.1). From then on they are carriers like all others: same queues, windows, receipts.

use brivas_smpp::pdu::Outbind;
use brivas_smpp::session::{CARRIER_DELIVERIES_MAX, SessionConfig, State};
use brivas_smpp::{CommandId, CommandStatus, Role, Session};

use super::alerts::CARRIER_OPERATIONS;
use super::connection::{ConnectionRef, Owner};
use super::customers::SYSTEM_ID;
use super::messages::MessageRef;
use super::parties::{BindState, CarrierBind};
use super::{CARRIER_ROLE, Shard};
use crate::config::Binder;
use crate::id;

/// Of a command_length and a command_id.
const BEGINNING_OCTETS: usize = 8;

/// Whether the first octets of a connection are an outbind's: then the peer is the message centre.
pub(super) fn is_outbind(octets: &[u8]) -> bool {
    octets.get(4..BEGINNING_OCTETS).is_some_and(|id| id == CommandId::OUTBIND.0.to_be_bytes())
}

/// A refusal as this response may have it: ESME_RX_* are deliver_sm_resp's (SMPP 3.4 §5.1.3).
pub(super) const fn status_for(role: Role, status: CommandStatus) -> CommandStatus {
    match (role, status) {
        (Role::Smsc, CommandStatus::RX_T_APPN) => CommandStatus::RMSGQFUL,
        (Role::Smsc, CommandStatus::RX_P_APPN) => CommandStatus::RINVDSTADR,
        (Role::Smsc, CommandStatus::RX_R_APPN) => CommandStatus::RSUBMITFAIL,
        (_, status) => status,
    }
}

impl Shard {
    /// A bind of an inbound carrier that no connection has.
    pub(super) fn free_bind(&self, carrier: u32) -> Option<u32> {
        let carrier = self.carriers.get(carrier as usize)?;
        let is_free = |bind: &&CarrierBind| bind.connection().is_none();
        // One whose connection is to be succeeded first: else that would wait in vain.
        let is_succeeded = |bind: &CarrierBind| is_free(&bind) && bind.previous.is_some();
        let place = carrier.binds.iter().position(is_succeeded);
        place.or_else(|| carrier.binds.iter().position(|bind| is_free(&bind))).map(|place| place as u32)
    }

    /// The carrier may in: its own bind is answered, or ours goes out.
    pub(super) fn admit_carrier(&mut self, name: ConnectionRef, sequence_number: u32, number: u32) {
        let Some(bind) = self.free_bind(number) else { return };
        let Some(config) = self.carriers[number as usize].config.clone() else { return };
        let window = self.fresh_window(number, bind) as usize;
        let Some(connection) = self.connections.get_mut(name) else { return };
        let spec = &config.spec;
        connection.owner = Owner::Carrier(number, bind);
        let session = &mut connection.session;
        session.set_timers(spec.enquire_link_ms.into(), spec.response_timeout_ms.into());
        if session.config().role == Role::Smsc {
            session.accept_bind(sequence_number, SYSTEM_ID, window);
            // Its receipts may wait for responses that come behind them.
            session.set_peer_window_max(CARRIER_DELIVERIES_MAX);
            self.carriers[number as usize].binds[bind as usize].state = BindState::Opening(name);
            self.handle_bind_answer(name, number, bind, CommandStatus::ROK);
        } else {
            session.set_window_max(window);
            self.carriers[number as usize].binds[bind as usize].state = BindState::Opening(name);
            self.send_bind(name, number);
        }
        self.mark_dirty(name);
    }

    /// Says ESME_ROK to a carrier's message. What it sent as a submit_sm has an id of ours; a deliver_sm_resp has none.
    pub(super) fn answer_carrier(&mut self, name: ConnectionRef, sequence_number: u32, message: MessageRef) {
        let Some(connection) = self.connections.get_mut(name) else { return };
        let id = match connection.session.config().role {
            Role::Esme => None,
            Role::Smsc => self.messages.get(message).map(|message| id::hex(message.id)),
        };
        let id: &[u8] = id.as_ref().map_or(&[], |id| id);
        if !connection.answer_data(sequence_number, CommandStatus::ROK) {
            connection.session.respond(sequence_number, CommandStatus::ROK, id);
        }
        self.mark_dirty(name);
    }

    /// A stranger turns out to be a message centre: we are the ESME here.
    pub(super) fn become_esme(&mut self, name: ConnectionRef) {
        let now_ms = self.clock.now_ms();
        let Some(connection) = self.connections.get_mut(name) else { return };
        let operations = CARRIER_OPERATIONS.with(CommandId::OUTBIND);
        connection.session =
            Session::new(SessionConfig { operations, ..SessionConfig::new(CARRIER_ROLE) }, now_ms);
    }

    /// A message centre asks us to bind to it.
    pub(super) fn handle_outbind(&mut self, name: ConnectionRef, outbind: &Outbind<'_>) {
        let is_first = self.connections.get(name).is_some_and(|connection| {
            connection.session.state() == State::Outbound && connection.system_id.is_empty()
        });
        if !is_first {
            return;
        }
        let is_carrier = matches!(self.config.by_system_id.get(outbind.system_id), Some(Binder::Carrier(_)));
        if !is_carrier {
            let why = "no carrier that connects to us has this system_id";
            return self.refuse_bind(name, 0, (CommandStatus::RINVPASWD, why.into()));
        }
        // Its password is checked before it gets ours.
        if let Err(refusal) = self.decide_bind(name, 0, outbind.system_id, outbind.password) {
            self.refuse_bind(name, 0, refusal);
        }
    }
}
