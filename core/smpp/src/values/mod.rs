//! Wire values as types. Each keeps every octet it was read from, so that what came can be sent on.

mod bind;
mod command_id;
mod flags;
mod message_state;
mod numbering;

pub use bind::{BindMode, InterfaceVersion};
pub use command_id::CommandId;
pub use flags::{EsmClass, MessageType, MessagingMode, RegisteredDelivery};
pub use message_state::MessageState;
pub use numbering::{Npi, Ton};

/// An octet that is carried as it came: to and from `u8`.
macro_rules! octet_newtype {
    ($name:ident) => {
        impl From<u8> for $name {
            fn from(octet: u8) -> Self {
                Self(octet)
            }
        }

        impl From<$name> for u8 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}
use octet_newtype;
