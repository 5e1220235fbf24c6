//! What is worked out of a message once, for all rules.

use super::data_coding::DataCodings;
use super::sender::{SenderKey, sender_hash};
use super::words::{folded_hash, words};
use crate::digits::Digits;
use crate::message::Message;

/// A message in the terms of the index.
#[derive(Debug)]
pub(crate) struct Facts<'message> {
    pub(crate) message: &'message Message<'message>,
    pub(crate) now_ms: i64,
    pub(crate) digits: Digits,
    pub(crate) data_codings: DataCodings,
    /// The sender, unless it is longer than any that a rule names.
    pub(crate) sender: Option<SenderKey>,
    pub(crate) sender_hash: u64,
    pub(crate) keyword: &'message str,
    pub(crate) keyword_hash: u64,
}

impl<'message> Facts<'message> {
    /// `with_keyword`: whether any rule asks for one.
    pub(crate) fn new(message: &'message Message<'message>, now_ms: i64, with_keyword: bool) -> Self {
        let keyword = if with_keyword { words(message.text).next().unwrap_or_default() } else { "" };
        Self {
            message,
            now_ms,
            digits: Digits::of_destination(message.destination),
            data_codings: DataCodings::of(message.data_coding),
            sender: SenderKey::of(message.sender),
            sender_hash: sender_hash(message.sender),
            keyword,
            keyword_hash: folded_hash(keyword),
        }
    }
}
