//! What does not arrive: responses, the rest of a PDU, a bind, any sign of life.

use super::window::Pending;
use super::{CloseReason, Event, LINK_TOKEN, Session, State};
use crate::pdu::Pdu;
use crate::tlv::Tlvs;
use crate::values::{BindMode, CommandId};

impl Session {
    /// When [`Self::handle_timeout`] has something to do; a little early does no harm.
    pub fn next_timeout_ms(&mut self) -> Option<u64> {
        if self.state == State::Closed {
            return None;
        }
        let response = self.window.oldest_sent_ms().map(|sent| sent + self.config.response_timeout_ms);
        let pdu = self.partial_since_ms.map(|since| since + self.config.pdu_timeout_ms);
        let bind = matches!(self.state, State::Open | State::Outbound | State::Binding(_))
            .then(|| self.opened_ms + self.config.bind_timeout_ms);
        let link = (self.is_bound() && !self.link_pending && self.config.enquire_link_ms > 0)
            .then(|| self.last_heard_ms + self.config.enquire_link_ms);
        [response, pdu, bind, link].into_iter().flatten().min()
    }

    /// Does what is due. Gives one unanswered message at a time; call until None.
    pub fn handle_timeout(&mut self, now_ms: u64) -> Option<Event<'static>> {
        if self.state == State::Closed {
            return None;
        }
        if let Some(due) = now_ms.checked_sub(self.config.response_timeout_ms) {
            while let Some(pending) = self.window.expire(due) {
                if is_message(&pending) {
                    self.messages_in_flight -= 1;
                    self.remember_late(&pending);
                    return Some(Event::Unanswered { token: pending.token });
                }
                self.close(CloseReason::Silent);
            }
        }
        let since = |start: u64| now_ms.saturating_sub(start);
        if self.partial_since_ms.is_some_and(|start| since(start) >= self.config.pdu_timeout_ms) {
            self.close(CloseReason::PduTimeout);
        } else if matches!(self.state, State::Open | State::Outbound | State::Binding(_))
            && since(self.opened_ms) >= self.config.bind_timeout_ms
        {
            self.close(CloseReason::BindTimeout);
        } else if self.is_bound()
            && !self.link_pending
            && self.config.enquire_link_ms > 0
            && since(self.last_heard_ms) >= self.config.enquire_link_ms
        {
            self.link_pending = true;
            self.request(now_ms, Pdu::EnquireLink(Tlvs::EMPTY), LINK_TOKEN);
        }
        None
    }

    fn remember_late(&mut self, pending: &Pending) {
        let is_sent =
            matches!(CommandId(pending.response_id), CommandId::SUBMIT_SM_RESP | CommandId::DELIVER_SM_RESP);
        if is_sent && self.config.late_max > 0 {
            if self.late.len() >= self.config.late_max {
                self.late.pop_front();
            }
            self.late.push_back((pending.sequence_number, pending.token));
        }
    }

    /// Takes out a message that is still unanswered, oldest first: for requeueing when the connection is gone.
    pub fn take_unanswered(&mut self) -> Option<u64> {
        while let Some(pending) = self.window.expire(u64::MAX) {
            if is_message(&pending) {
                self.messages_in_flight -= 1;
                return Some(pending.token);
            }
        }
        None
    }
}

fn is_message(pending: &Pending) -> bool {
    let request = CommandId(pending.response_id).request();
    !matches!(request, CommandId::ENQUIRE_LINK | CommandId::UNBIND)
        && BindMode::from_command_id(request).is_none()
}
