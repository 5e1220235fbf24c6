//! Session states and what each allows (SMPP 3.4 §2.2, §2.3; 5.0 §2.3, §2.4).

use crate::values::{BindMode, CommandId};

/// Which end of the session we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The message centre: takes binds and submit_sm, sends deliver_sm.
    Smsc,
    /// The client.
    Esme,
}

/// Where the session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Connected, not bound.
    Open,
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
    /// Whether a request from the peer is allowed.
    pub(super) const fn allows_request(self, role: Role, id: CommandId) -> bool {
        match id {
            // "enquire_link may be sent by either side at any time" (5.0 §4.2.1), also before a bind.
            CommandId::ENQUIRE_LINK => true,
            CommandId::UNBIND => matches!(self, Self::Bound(_) | Self::Unbinding),
            CommandId::SUBMIT_SM => match (role, self) {
                (Role::Smsc, Self::Bound(mode)) => mode.transmits(),
                _ => false,
            },
            CommandId::DELIVER_SM => match (role, self) {
                (Role::Esme, Self::Bound(mode)) => mode.receives(),
                _ => false,
            },
            CommandId::BIND_RECEIVER | CommandId::BIND_TRANSMITTER | CommandId::BIND_TRANSCEIVER => {
                matches!((role, self), (Role::Smsc, Self::Open))
            }
            _ => false,
        }
    }

    /// For people and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Binding(_) => "binding",
            Self::Bound(BindMode::Transceiver) => "bound_trx",
            Self::Bound(BindMode::Transmitter) => "bound_tx",
            Self::Bound(BindMode::Receiver) => "bound_rx",
            Self::Unbinding => "unbinding",
            Self::Closed => "closed",
        }
    }
}
