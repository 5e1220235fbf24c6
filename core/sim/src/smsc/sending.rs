//! What a simulated carrier sends, and when: responses, receipts, messages from mobiles.

use std::collections::VecDeque;
use std::io;

use brivas_smpp::frame::HEADER_BYTES;
use brivas_smpp::tlv::{self, Tag};
use brivas_smpp::{CommandId, CommandStatus, MessageState};

use super::bind::{Bind, Sent};
use super::carrier::Carrier;
use super::conduct::Fate;
use super::options::Version;
use super::receipt::{IdText, Receipt};
use crate::wire;

pub(super) struct LateResponse {
    due_ns: u64,
    token: usize,
    generation: u32,
    group: usize,
    answer: Answer,
}

pub(super) struct LateReceipt {
    pub(super) due_ns: u64,
    pub(super) group: usize,
    pub(super) receipt: Receipt,
}

/// A response, and the receipt that follows it.
pub(super) struct Answer {
    pub(super) sequence_number: u32,
    pub(super) status: CommandStatus,
    pub(super) id: u64,
    pub(super) receipt: Option<Receipt>,
}

/// Messages from mobiles, at their rate.
pub(super) struct MobileSource {
    pub(super) interval_ns: u64,
    pub(super) due_ns: u64,
    pub(super) body: Vec<u8>,
    pub(super) next: usize,
}

impl Carrier {
    #[inline]
    pub(super) fn respond(&mut self, token: usize, bind: &mut Bind, mut answer: Answer) {
        self.held += usize::from(answer.receipt.is_some());
        if self.options.receipt_before_response
            && let Some(receipt) = answer.receipt.take()
        {
            self.tell(bind, receipt);
        }
        if self.options.latency_ms == 0 {
            self.answer(bind, answer);
        } else {
            self.held += 1;
            let due_ns = self.now_ns + self.options.latency_ms * 1_000_000;
            self.responses.push_back(LateResponse {
                due_ns,
                token,
                generation: bind.generation,
                group: bind.group,
                answer,
            });
        }
    }

    #[inline]
    fn answer(&mut self, bind: &mut Bind, answer: Answer) {
        let id = IdText::of_response(answer.id, self.options.message_id);
        if self.responds_plainly {
            wire::submit_response(&mut bind.link.out, answer.status, answer.sequence_number, id.octets());
        } else {
            self.answer_peculiarly(bind, &answer, id);
        }
        if let Some(receipt) = answer.receipt {
            self.tell(bind, receipt);
        }
    }

    /// A response as no specification has it, or with TLVs.
    fn answer_peculiarly(&self, bind: &mut Bind, answer: &Answer, id: IdText) {
        let out = &mut bind.link.out;
        let start = out.len();
        wire::header(out, 0, CommandId::SUBMIT_SM_RESP, answer.status, answer.sequence_number);
        match (answer.status.is_ok(), self.options.error_body) {
            (true, _) => out.extend_from_slice(id.octets()),
            (false, true) => out.extend_from_slice(b"refused"),
            (false, false) => {}
        }
        if answer.status.is_ok() || self.options.error_body {
            out.extend_from_slice(if self.options.extra_nul { b"\0\0" } else { b"\0" });
        }
        if bind.tlvs && self.options.interface_version == Version::V5_0 && answer.status.is_ok() {
            tlv::append(out, Tag::CONGESTION_STATE, &[self.options.congestion_state]);
        }
        let length = (out.len() - start) as u32;
        out[start..start + 4].copy_from_slice(&length.to_be_bytes());
    }

    /// A receipt, and what goes with it.
    #[inline]
    fn tell(&mut self, bind: &mut Bind, receipt: Receipt) {
        if self.options.receipt_enroute {
            self.held += 1;
            let fate = Fate { state: MessageState::Enroute, ..receipt.fate };
            let mut enroute = receipt;
            enroute.fate = fate;
            self.send_or_delay(bind, enroute);
        }
        for _ in 1..self.options.receipt_copies {
            self.held += 1;
            self.send_or_delay(bind, receipt);
        }
        self.send_or_delay(bind, receipt);
    }

    #[inline]
    fn send_or_delay(&mut self, bind: &mut Bind, receipt: Receipt) {
        if self.options.receipt_delay_ms > 0 {
            let due_ns = self.now_ns + self.options.receipt_delay_ms * 1_000_000;
            self.receipts.push_back(LateReceipt { due_ns, group: bind.group, receipt });
        } else if bind.room(self.options.deliver_window) > 0 && !self.options.receipt_elsewhere {
            self.send_receipt(bind, receipt);
        } else {
            self.park(bind.group, receipt);
        }
    }

    #[inline]
    fn send_receipt(&mut self, bind: &mut Bind, receipt: Receipt) {
        let sequence_number = bind.outstanding.insert(Sent::Receipt(receipt));
        self.writer.append(&mut bind.link.out, sequence_number, &receipt, self.wall_ms, bind.tlvs);
        self.stats.receipts_sent += 1;
    }

    fn park(&mut self, group: usize, receipt: Receipt) {
        self.groups[group].parked.push_back(receipt);
        self.stats.receipts_waiting += 1;
    }

    /// Sends a customer's waiting receipts to whichever of its binds has room, in turn.
    pub(super) fn pump(&mut self, group: usize, binds: &mut [Option<Box<Bind>>]) {
        let mut without_room = 0;
        while without_room < self.groups[group].receivers.len() && !self.groups[group].parked.is_empty() {
            let state = &mut self.groups[group];
            state.next = (state.next + 1) % state.receivers.len();
            let token = state.receivers[state.next];
            let Some(bind) = binds.get_mut(token).and_then(Option::as_mut) else {
                without_room += 1;
                continue;
            };
            let count = bind.room(self.options.deliver_window).min(PUMP_CHUNK);
            without_room = if count == 0 { without_room + 1 } else { 0 };
            let is_elsewhere = self.options.receipt_elsewhere && self.groups[group].receivers.len() > 1;
            for sent in 0..count {
                let parked = &mut self.groups[group].parked;
                if is_elsewhere && parked.front().is_some_and(|receipt| receipt.came_on == token as u32) {
                    // Another bind's turn comes; one that is full keeps it waiting.
                    without_room += usize::from(sent == 0);
                    break;
                }
                let Some(receipt) = parked.pop_front() else { break };
                self.stats.receipts_waiting -= 1;
                self.send_receipt(bind, receipt);
            }
            if count > 0 && bind.link.flush().is_err() {
                self.broken.push(token);
                return;
            }
        }
    }

    /// Takes a connection's end; what its peer had not acknowledged is sent again.
    pub(super) fn closed(&mut self, token: usize, mut bind: Bind) {
        self.stats.disconnects += 1;
        if bind.mode.is_none() {
            return;
        }
        self.stats.binds -= 1;
        let group = &mut self.groups[bind.group];
        group.receivers.retain(|receiver| *receiver != token);
        for sent in bind.outstanding.take_where(|_| true) {
            if let Sent::Receipt(receipt) = sent {
                self.stats.receipts_requeued += 1;
                self.stats.receipts_waiting += 1;
                group.parked.push_back(receipt);
            }
        }
    }

    pub(super) fn take_broken(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.broken)
    }

    // Timers.

    /// When there is something to do without being asked.
    pub(super) fn due_ns(&self) -> Option<u64> {
        let mobile = self.mobile_originated.as_ref().map(|source| source.due_ns);
        let response = self.responses.front().map(|late| late.due_ns);
        let receipts = [&self.receipts, &self.refused].map(|queue| queue.front().map(|late| late.due_ns));
        [mobile, response, receipts[0], receipts[1]].into_iter().flatten().min()
    }

    pub(super) fn fire_timers(&mut self, binds: &mut [Option<Box<Bind>>]) {
        self.fire_responses(binds);
        self.fire_receipts(binds);
        self.fire_mobile_originated(binds);
    }

    fn fire_responses(&mut self, binds: &mut [Option<Box<Bind>>]) {
        let mut served: Vec<usize> = Vec::new();
        while let Some(late) = take_due(&mut self.responses, self.now_ns, |late| late.due_ns) {
            self.held -= 1;
            let bind = binds.get_mut(late.token).and_then(Option::as_mut);
            match bind.filter(|bind| bind.generation == late.generation) {
                Some(bind) => {
                    if served.last() != Some(&late.token) {
                        served.push(late.token);
                    }
                    self.answer(bind, late.answer);
                }
                // Nobody to answer; the message was taken all the same, and has its receipt.
                None => {
                    if let Some(receipt) = late.answer.receipt {
                        self.park(late.group, receipt);
                    }
                }
            }
        }
        served.sort_unstable();
        served.dedup();
        for token in served {
            self.flush(token, binds);
        }
    }

    fn fire_receipts(&mut self, binds: &mut [Option<Box<Bind>>]) {
        let now_ns = self.now_ns;
        let mut any = false;
        while let Some(late) = take_due(&mut self.receipts, now_ns, |late| late.due_ns)
            .or_else(|| take_due(&mut self.refused, now_ns, |late| late.due_ns))
        {
            self.park(late.group, late.receipt);
            any = true;
        }
        if any {
            for group in 0..self.groups.len() {
                self.pump(group, binds);
            }
        }
    }

    fn fire_mobile_originated(&mut self, binds: &mut [Option<Box<Bind>>]) {
        let Some(mut source) = self.mobile_originated.take() else { return };
        let mut count = 0;
        while source.due_ns <= self.now_ns && count < PUMP_CHUNK {
            source.due_ns += source.interval_ns;
            count += 1;
            let window = self.options.deliver_window;
            let with_room = (0..binds.len())
                .map(|offset| (source.next + 1 + offset) % binds.len())
                .find(|token| binds[*token].as_ref().is_some_and(|bind| bind.room(window) > 0));
            let Some((token, bind)) = with_room.and_then(|token| Some((token, binds[token].as_mut()?)))
            else {
                self.stats.mobile_originated_skipped += 1;
                continue;
            };
            source.next = token;
            let sequence_number = bind.outstanding.insert(Sent::MobileOriginated);
            let length = HEADER_BYTES + source.body.len();
            let out = &mut bind.link.out;
            wire::header(out, length, CommandId::DELIVER_SM, CommandStatus::ROK, sequence_number);
            out.extend_from_slice(&source.body);
            self.stats.mobile_originated_sent += 1;
            self.flush(token, binds);
        }
        if count == PUMP_CHUNK {
            // Too slow for the rate: what was missed is not made up for.
            source.due_ns = source.due_ns.max(self.now_ns);
        }
        self.mobile_originated = Some(source);
    }

    fn flush(&mut self, token: usize, binds: &mut [Option<Box<Bind>>]) {
        let bind = binds.get_mut(token).and_then(Option::as_mut);
        if bind.is_some_and(|bind| bind.link.flush().is_err()) {
            self.broken.push(token);
        }
    }

    /// Writes the set of numbers where it was asked for.
    pub(super) fn write_bitmap(&self) -> io::Result<()> {
        match &self.options.bitmap_file {
            Some(path) => std::fs::write(path, self.seen.octets())
                .map_err(|error| io::Error::new(error.kind(), format!("cannot write {path:?}: {error}"))),
            None => Ok(()),
        }
    }
}

/// The front of a queue, if its time has come.
fn take_due<T>(queue: &mut VecDeque<T>, now_ns: u64, due_ns: impl Fn(&T) -> u64) -> Option<T> {
    if due_ns(queue.front()?) <= now_ns { queue.pop_front() } else { None }
}

/// Receipts that one bind gets in its turn.
const PUMP_CHUNK: usize = 256;
