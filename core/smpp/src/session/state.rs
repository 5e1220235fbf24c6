//! Session states and what each allows: the specification's table
//! (SMPP 3.3 §2.2; 3.4 §2.2, §2.3; 5.0 §2.3, §2.4).

use crate::values::{BindMode, CommandId, InterfaceVersion};

/// Which end of the session we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The message centre: takes binds and submit_sm, sends deliver_sm.
    Smsc,
    /// The client.
    Esme,
}

impl Role {
    /// The other end.
    pub const fn other(self) -> Self {
        match self {
            Self::Smsc => Self::Esme,
            Self::Esme => Self::Smsc,
        }
    }
}

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Connected, not bound.
    Open,
    /// The message centre has connected and asked for a bind (outbind).
    Outbound,
    /// A bind is being decided: by us (SMSC), or by the peer (ESME).
    Binding(BindMode),
    /// Messages flow.
    Bound(BindMode),
    /// We sent unbind, or answered one: what is in flight may still end.
    Unbinding,
    /// Nothing more is read; what is left to write may go.
    Closed,
}

impl State {
    /// Whether the specification lets this end issue this PDU in this state. A response may be issued where its request may
    /// be by the other end.
    pub const fn allows(self, sender: Role, id: CommandId, version: InterfaceVersion) -> bool {
        let is_answer = id.is_response() && id.0 != CommandId::GENERIC_NACK.0;
        let (request, requester) = if is_answer { (id.request(), sender.other()) } else { (id, sender) };
        if is_answer && !request.has_response() {
            return false;
        }
        issued_in(requester, request, version).0 & self.bit().0 != 0
    }

    /// Whether a request from the peer is taken, which is more than the specification's table.
    pub(super) const fn allows_request(self, role: Role, id: CommandId, version: InterfaceVersion) -> bool {
        match id {
            // "enquire_link may be sent by either side at any time" (5.0 §4.2.1): 3.4 peers do so before a bind, too.
            CommandId::ENQUIRE_LINK => true,
            // Both may unbind at once.
            CommandId::UNBIND => matches!(self, Self::Bound(_) | Self::Unbinding),
            _ => self.allows(role.other(), id, version),
        }
    }

    /// A bind that is not decided yet leaves the state as it was.
    const fn bit(self) -> States {
        match self {
            Self::Open | Self::Binding(_) => OPEN,
            Self::Outbound => OUTBOUND,
            Self::Bound(BindMode::Transmitter) => TX,
            Self::Bound(BindMode::Receiver) => RX,
            Self::Bound(BindMode::Transceiver) => TRX,
            Self::Unbinding => UNBOUND,
            Self::Closed => NEVER,
        }
    }

    /// For people and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Outbound => "outbound",
            Self::Binding(_) => "binding",
            Self::Bound(BindMode::Transceiver) => "bound_trx",
            Self::Bound(BindMode::Transmitter) => "bound_tx",
            Self::Bound(BindMode::Receiver) => "bound_rx",
            Self::Unbinding => "unbinding",
            Self::Closed => "closed",
        }
    }
}

/// Whether a version has this request at all.
pub(super) const fn is_known(id: CommandId, version: InterfaceVersion) -> bool {
    issued_in(Role::Esme, id, version).0 | issued_in(Role::Smsc, id, version).0 != 0
}

/// A set of states.
#[derive(Clone, Copy)]
struct States(u8);

const NEVER: States = States(0);
const OPEN: States = States(1);
const OUTBOUND: States = States(2);
const TX: States = States(4);
const RX: States = States(8);
const TRX: States = States(16);
const UNBOUND: States = States(32);
/// "A Transceiver supports the complete set of operations supported by a Transmitter and a Receiver" (3.4 §2.2); in 3.3
/// there is none by the book, and real peers bind so all the same.
const TRANSMITTING: States = States(TX.0 | TRX.0);
const RECEIVING: States = States(RX.0 | TRX.0);
const BOUND: States = States(TX.0 | RX.0 | TRX.0);
/// 3.4 has no word for what follows an outbind: there, it is OPEN still.
const UNDECIDED: States = States(OPEN.0 | OUTBOUND.0);
const CONNECTED: States = States(UNDECIDED.0 | BOUND.0 | UNBOUND.0);

/// The states in which this end may issue the request (3.4 Table 2-1; 5.0 §2.4).
const fn issued_in(sender: Role, id: CommandId, version: InterfaceVersion) -> States {
    let (is_3_4, is_5_0) = (version.has_tlvs(), version.is_5_0());
    match (id, sender) {
        (CommandId::BIND_TRANSMITTER | CommandId::BIND_RECEIVER, Role::Esme) => UNDECIDED,
        (CommandId::BIND_TRANSCEIVER, Role::Esme) if is_3_4 => UNDECIDED,
        (CommandId::OUTBIND, Role::Smsc) if is_3_4 => OPEN,
        (CommandId::UNBIND, _) => BOUND,
        (CommandId::SUBMIT_SM | CommandId::SUBMIT_MULTI, Role::Esme) => TRANSMITTING,
        // 3.4 names TRX for the first two only; it means all three.
        (CommandId::QUERY_SM | CommandId::CANCEL_SM | CommandId::REPLACE_SM, Role::Esme) => TRANSMITTING,
        (CommandId::DELIVER_SM, Role::Smsc) => RECEIVING,
        // In 3.4 both ends may issue it on every bind, in 5.0 by the way that messages flow.
        (CommandId::DATA_SM, Role::Esme) if is_5_0 => TRANSMITTING,
        (CommandId::DATA_SM, Role::Smsc) if is_5_0 => RECEIVING,
        (CommandId::DATA_SM, _) if is_3_4 => BOUND,
        (CommandId::ALERT_NOTIFICATION, Role::Smsc) if is_3_4 => RECEIVING,
        (CommandId::ENQUIRE_LINK | CommandId::GENERIC_NACK, _) if is_5_0 => CONNECTED,
        (CommandId::ENQUIRE_LINK | CommandId::GENERIC_NACK, _) => BOUND,
        (
            CommandId::BROADCAST_SM | CommandId::QUERY_BROADCAST_SM | CommandId::CANCEL_BROADCAST_SM,
            Role::Esme,
        ) if is_5_0 => TRANSMITTING,
        _ => NEVER,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VERSIONS: [InterfaceVersion; 3] =
        [InterfaceVersion::V3_3, InterfaceVersion::V3_4, InterfaceVersion::V5_0];

    /// o open, O outbound, t bound_tx, r bound_rx, x bound_trx, u unbinding.
    const STATES: [(char, State); 6] = [
        ('o', State::Open),
        ('O', State::Outbound),
        ('t', State::Bound(BindMode::Transmitter)),
        ('r', State::Bound(BindMode::Receiver)),
        ('x', State::Bound(BindMode::Transceiver)),
        ('u', State::Unbinding),
    ];

    /// Each request: the states in which the ESME may issue it, and the message centre; in 3.3, 3.4 and 5.0.
    const MATRIX: [(&str, [&str; 3], [&str; 3]); 19] = [
        ("bind_receiver", ["oO", "oO", "oO"], ["", "", ""]),
        ("bind_transmitter", ["oO", "oO", "oO"], ["", "", ""]),
        ("bind_transceiver", ["", "oO", "oO"], ["", "", ""]),
        ("outbind", ["", "", ""], ["", "o", "o"]),
        ("unbind", ["trx", "trx", "trx"], ["trx", "trx", "trx"]),
        ("enquire_link", ["trx", "trx", "oOtrxu"], ["trx", "trx", "oOtrxu"]),
        ("generic_nack", ["trx", "trx", "oOtrxu"], ["trx", "trx", "oOtrxu"]),
        ("submit_sm", ["tx", "tx", "tx"], ["", "", ""]),
        ("submit_multi", ["tx", "tx", "tx"], ["", "", ""]),
        ("data_sm", ["", "trx", "tx"], ["", "trx", "rx"]),
        ("deliver_sm", ["", "", ""], ["rx", "rx", "rx"]),
        ("query_sm", ["tx", "tx", "tx"], ["", "", ""]),
        ("cancel_sm", ["tx", "tx", "tx"], ["", "", ""]),
        ("replace_sm", ["tx", "tx", "tx"], ["", "", ""]),
        ("alert_notification", ["", "", ""], ["", "rx", "rx"]),
        ("broadcast_sm", ["", "", "tx"], ["", "", ""]),
        ("query_broadcast_sm", ["", "", "tx"], ["", "", ""]),
        ("cancel_broadcast_sm", ["", "", "tx"], ["", "", ""]),
        // What no specification has.
        ("0x00000099", ["", "", ""], ["", "", ""]),
    ];

    #[test]
    fn each_state_allows_what_the_specification_allows() {
        let mut cells = 0;
        for (name, esme, smsc) in MATRIX {
            let id =
                CommandId::ALL.iter().copied().find(|id| id.name() == Some(name)).unwrap_or(CommandId(0x99));
            for (version, (esme, smsc)) in VERSIONS.into_iter().zip(esme.into_iter().zip(smsc)) {
                assert_eq!(
                    is_known(id, version),
                    !(esme.is_empty() && smsc.is_empty()),
                    "{name} {version:?}"
                );
                for (letter, state) in STATES {
                    for (sender, states) in [(Role::Esme, esme), (Role::Smsc, smsc)] {
                        let expected = states.contains(letter);
                        assert_eq!(
                            state.allows(sender, id, version),
                            expected,
                            "{name} {version:?} {sender:?} {state:?}"
                        );
                        if id.has_response() {
                            let answered = state.allows(sender.other(), id.response(), version);
                            assert_eq!(
                                answered, expected,
                                "response to {name} {version:?} {sender:?} {state:?}"
                            );
                        }
                        assert!(!State::Closed.allows(sender, id, version));
                        cells += 1;
                    }
                }
            }
        }
        assert_eq!(cells, 19 * 3 * 6 * 2);
        // No request is missing in the matrix.
        let requests = CommandId::ALL.iter().filter(|id| !id.is_response()).count();
        assert_eq!(requests + 2, MATRIX.len());
    }

    #[test]
    fn what_has_no_response_is_not_answered() {
        for id in [CommandId::OUTBIND, CommandId::ALERT_NOTIFICATION] {
            for (_, state) in STATES {
                assert!(!state.allows(Role::Esme, id.response(), InterfaceVersion::V5_0));
            }
        }
    }
}
