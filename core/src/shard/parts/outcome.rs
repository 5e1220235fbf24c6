//! One final state of many: what became of a message, by what became of its parts.

use brivas_smpp::MessageState;

use crate::shard::messages::Outcome;
use crate::shard::receipts::is_success;

/// The state of the whole, once every part has one. All parts delivered: delivered (or accepted, where that is all that is known of
/// one), when the last was. Else the state of the first part that failed; that a part's fate is unknown says less than any failure.
pub(super) fn derive(parts: impl Iterator<Item = Outcome> + Clone) -> Option<Outcome> {
    let failed = parts.clone().filter(|part| !is_success(part.state));
    let known = failed.clone().find(|part| part.state != MessageState::Unknown);
    if let Some(failure) = known.or_else(|| failed.clone().next()) {
        return Some(failure);
    }
    let last = parts.clone().max_by_key(|part| part.done_ms)?;
    let accepted_only = parts.clone().find(|part| part.state == MessageState::Accepted);
    let state = accepted_only.map_or(MessageState::Delivered, |part| part.state);
    Some(Outcome::new(state, last.done_ms, last.error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(states: &[MessageState]) -> MessageState {
        let parts = states.iter().enumerate();
        let parts = parts.map(|(number, &state)| Outcome::new(state, number as i64, b"000"));
        derive(parts).unwrap().state
    }

    #[test]
    fn a_message_is_delivered_when_all_of_it_is() {
        use MessageState::{Accepted, Delivered, Expired, Rejected, Undeliverable, Unknown};
        assert_eq!(state(&[Delivered, Delivered]), Delivered);
        assert_eq!(state(&[Delivered, Accepted]), Accepted);
        assert_eq!(state(&[Delivered, Expired, Rejected]), Expired);
        assert_eq!(state(&[Unknown, Delivered, Undeliverable]), Undeliverable);
        assert_eq!(state(&[Unknown, Delivered]), Unknown);
        assert_eq!(derive(std::iter::empty()), None);
    }

    #[test]
    fn it_is_done_when_its_last_part_is() {
        let done = |at_ms| Outcome::new(MessageState::Delivered, at_ms, b"");
        assert_eq!(derive([done(5), done(9), done(7)].into_iter()).unwrap().done_ms, 9);
    }
}
