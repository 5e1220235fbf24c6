//! SMPP 3.3, 3.4 and 5.0: codec, framing and the session machine, sans-IO.
//!
//! No sockets, no clock, no randomness: bytes and `now_ms` come in as arguments, bytes and events go
//! out. The engine, the load generator and the simulated carriers all run this same machine.
//!
//! - [`frame`]: where a PDU ends, before anything is parsed;
//! - [`pdu`]: borrowed views of PDUs, and their encoders;
//! - [`session`]: states, windows, timers, for both roles;
//! - [`receipt`]: delivery receipts, as text and as TLVs;
//! - [`text`]: encodings of short messages, and the plan with the fewest parts;
//! - [`segment`]: parts of long messages, their forms and their reassembly;
//! - [`status`]: the one table of `command_status`;
//! - [`tlv`]: the one table of optional parameters, and their values.

pub mod frame;
pub mod pdu;
pub mod receipt;
pub mod segment;
pub mod session;
pub mod status;
pub mod text;
pub mod time;
pub mod tlv;
pub mod values;

pub use frame::{Frame, Header};
pub use pdu::{DecodeError, Pdu, ShortMessage};
pub use session::{Event, Role, Session, SessionConfig};
pub use status::CommandStatus;
pub use values::{BindMode, CommandId, EsmClass, InterfaceVersion, MessageState, RegisteredDelivery};
