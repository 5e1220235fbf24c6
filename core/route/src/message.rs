//! What rules and policies look at in a message.

use crate::network::Network;
use crate::spec::Direction;

/// One message, or one part of it, in the words of the rules. Borrowed from whatever the caller holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'message> {
    /// Which way it goes.
    pub direction: Direction,
    /// Whose message it is.
    pub account: u32,
    /// The sender without '+': a number, a short code or a name.
    pub sender: &'message [u8],
    /// The recipient without '+'.
    pub destination: &'message [u8],
    /// The network of the recipient (MO: of the sender), where it is known: [`crate::NetworkRanges::resolve`].
    pub network: Option<Network>,
    /// data_coding, as it came.
    pub data_coding: u8,
    /// The caller's own marks, one bit each.
    pub tags: u64,
    /// The decoded text; empty when it is binary, or when nothing reads it ([`crate::Table::reads_text`]).
    pub text: &'message str,
}

impl<'message> Message<'message> {
    /// A message of which only this is known.
    #[must_use]
    pub const fn new(direction: Direction, account: u32, destination: &'message [u8]) -> Self {
        Self {
            direction,
            account,
            sender: b"",
            destination,
            network: None,
            data_coding: 0,
            tags: 0,
            text: "",
        }
    }
}
