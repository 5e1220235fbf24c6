//! What a simulated carrier does with each PDU, and when.

use std::collections::VecDeque;
use std::io;

use brivas_smpp::pdu::{BindRequest, BindResponse};
use brivas_smpp::{BindMode, CommandId, CommandStatus, Frame, Pdu, RegisteredDelivery, ShortMessage, status};

use super::bind::{Bind, Sent};
use super::conduct::{Conduct, Verdict};
use super::options::{Receipts, SmscOptions, Version};
use super::receipt::{Receipt, ReceiptWriter};
use super::sending::{Answer, LateReceipt, LateResponse, MobileSource};
use super::stats::Stats;
use crate::bitmap::Bitmap;
use crate::numbers::Numbering;
use crate::wire;

/// The carrier behind its connections.
pub(super) struct Carrier {
    pub(super) options: SmscOptions,
    pub(super) stats: Stats,
    pub(super) conduct: Conduct,
    /// Responses are as the specification has them, without TLVs.
    pub(super) responds_plainly: bool,
    pub(super) writer: ReceiptWriter,
    pub(super) numbering: Numbering,
    pub(super) seen: Bitmap,
    pub(super) last_id: u64,
    /// The customers, by system_id.
    pub(super) groups: Vec<Group>,
    /// Each queue has one delay, so the order of coming is the order of falling due.
    pub(super) responses: VecDeque<LateResponse>,
    pub(super) receipts: VecDeque<LateReceipt>,
    pub(super) refused: VecDeque<LateReceipt>,
    /// Receipts that were made and not taken yet, and responses that wait.
    pub(super) held: usize,
    pub(super) broken: Vec<usize>,
    pub(super) mobile_originated: Option<MobileSource>,
    pub(super) now_ns: u64,
    pub(super) wall_ms: i64,
}

/// A customer: the binds of one system_id.
pub(super) struct Group {
    pub(super) system_id: Vec<u8>,
    /// Receipts that could not be sent.
    pub(super) parked: VecDeque<Receipt>,
    /// Tokens of the binds that receive.
    pub(super) receivers: Vec<usize>,
    pub(super) next: usize,
}

impl Carrier {
    pub(super) fn new(options: SmscOptions) -> io::Result<Self> {
        let mobile_originated = options.mobile_originated.as_ref().map(|mobile| {
            let address = |digits| brivas_smpp::pdu::Address { ton: 1, npi: 1, digits };
            let mut body = Vec::new();
            let message = ShortMessage {
                source: address(mobile.source.as_bytes()),
                destination: address(mobile.destination.as_bytes()),
                short_message: mobile.text.as_bytes(),
                ..ShortMessage::default()
            };
            message.encode(&mut body);
            MobileSource { interval_ns: (1e9 / mobile.per_second) as u64, due_ns: 0, body, next: 0 }
        });
        Ok(Self {
            conduct: Conduct::new(&options)?,
            responds_plainly: !options.error_body
                && !options.extra_nul
                && options.interface_version != Version::V5_0,
            writer: ReceiptWriter::new(&options),
            numbering: options.numbering()?,
            // Ids of two carriers, or of two runs, differ.
            last_id: options.seed << 40,
            options,
            stats: Stats::default(),
            seen: Bitmap::default(),
            groups: Vec::new(),
            responses: VecDeque::new(),
            receipts: VecDeque::new(),
            refused: VecDeque::new(),
            held: 0,
            broken: Vec::new(),
            mobile_originated,
            now_ns: 0,
            wall_ms: 0,
        })
    }

    pub(super) fn set_time(&mut self, now_ns: u64, wall_ms: i64) {
        (self.now_ns, self.wall_ms) = (now_ns, wall_ms);
    }

    // PDUs.

    /// # Errors
    /// The connection is to end at once.
    #[inline]
    pub(super) fn handle(&mut self, token: usize, bind: &mut Bind, frame: Frame<'_>) -> io::Result<()> {
        match frame.header.command_id {
            CommandId::SUBMIT_SM => self.submit(token, bind, frame),
            CommandId::DELIVER_SM_RESP | CommandId::DATA_SM_RESP | CommandId::GENERIC_NACK => {
                self.acknowledged(bind, frame);
                Ok(())
            }
            _ => {
                self.handle_rare(token, bind, frame);
                Ok(())
            }
        }
    }

    fn submit(&mut self, token: usize, bind: &mut Bind, frame: Frame<'_>) -> io::Result<()> {
        let sequence_number = frame.header.sequence_number;
        self.stats.submits += 1;
        let message = match self.read_submit(bind, frame.body) {
            Ok(message) => message,
            Err(status) => {
                self.stats.protocol_errors += 1;
                wire::submit_response(&mut bind.link.out, status, sequence_number, b"");
                return Ok(());
            }
        };
        let fate = match self.conduct.judge(self.now_ns) {
            Verdict::Take(fate) => fate,
            Verdict::Refuse(status) => {
                self.stats.errors += 1;
                self.respond(token, bind, Answer { sequence_number, status, id: 0, receipt: None });
                return Ok(());
            }
            Verdict::Throttle(status) => {
                self.stats.throttled += 1;
                self.respond(token, bind, Answer { sequence_number, status, id: 0, receipt: None });
                return Ok(());
            }
            Verdict::Ignore => {
                self.stats.ignored += 1;
                return Ok(());
            }
            Verdict::HangUp => {
                self.stats.hung_up += 1;
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
        };
        if self.held >= self.options.held_max {
            self.stats.queue_full += 1;
            wire::submit_response(&mut bind.link.out, CommandStatus::RMSGQFUL, sequence_number, b"");
            return Ok(());
        }
        self.count(message.destination.digits);
        self.last_id += 1;
        let id = self.last_id;
        let wanted = match self.options.receipts {
            Receipts::Asked => {
                let delivered = fate.state == brivas_smpp::MessageState::Delivered;
                RegisteredDelivery(message.registered_delivery).wants_receipt_for(delivered)
            }
            Receipts::Always => true,
            Receipts::Never => false,
        };
        let receipt = wanted.then(|| {
            let mut receipt = Receipt::new(id, fate, &message, self.wall_ms);
            receipt.came_on = token as u32;
            receipt
        });
        self.respond(token, bind, Answer { sequence_number, status: CommandStatus::ROK, id, receipt });
        let every = self.options.unbind_every;
        if every > 0 && self.stats.submits.is_multiple_of(every) && !bind.parting {
            bind.parting = true;
            self.stats.unbinds += 1;
            wire::bare(&mut bind.link.out, CommandId::UNBIND, CommandStatus::ROK, UNBIND_SEQUENCE_NUMBER);
        }
        Ok(())
    }

    fn read_submit<'a>(&self, bind: &Bind, body: &'a [u8]) -> Result<wire::Message<'a>, CommandStatus> {
        if !bind.mode.is_some_and(BindMode::transmits) {
            return Err(CommandStatus::RINVBNDSTS);
        }
        if let Some(message) = wire::scan(body, false)
            && !message.destination.digits.is_empty()
        {
            return Ok(message);
        }
        let message = ShortMessage::decode(body).map_err(|error| error.status)?;
        message.check_submit().map_err(|error| error.status)?;
        Ok(wire::Message {
            source: message.source,
            destination: message.destination,
            esm_class: message.esm_class.0,
            registered_delivery: message.registered_delivery.0,
        })
    }

    #[inline]
    fn count(&mut self, destination: &[u8]) {
        self.stats.accepted += 1;
        if self.options.verify {
            match self.numbering.read(destination) {
                Some(number) if self.seen.insert(number) => self.stats.unique_delivered += 1,
                Some(_) => self.stats.duplicates += 1,
                None => self.stats.unnumbered += 1,
            }
        }
    }

    fn acknowledged(&mut self, bind: &mut Bind, frame: Frame<'_>) {
        let status = match (frame.header.command_id, frame.header.command_status) {
            (CommandId::GENERIC_NACK, 0) => CommandStatus::RUNKNOWNERR,
            (_, code) => CommandStatus(code),
        };
        match bind.outstanding.take(frame.header.sequence_number) {
            Some(Sent::Receipt(_)) if status.is_ok() => {
                self.stats.receipts_acked += 1;
                self.held -= 1;
            }
            Some(Sent::Receipt(receipt)) => self.receipt_refused(bind.group, receipt, status),
            Some(Sent::MobileOriginated) => self.stats.mobile_originated_acked += 1,
            None => self.stats.protocol_errors += 1,
        }
    }

    fn receipt_refused(&mut self, group: usize, mut receipt: Receipt, status: CommandStatus) {
        self.stats.receipts_refused += 1;
        receipt.attempts += 1;
        if status.retry() == status::Retry::Never || receipt.attempts >= RECEIPT_ATTEMPTS_MAX {
            self.stats.receipts_dropped += 1;
            self.held -= 1;
        } else {
            let due_ns = self.now_ns + self.options.receipt_retry_ms * 1_000_000;
            self.refused.push_back(LateReceipt { due_ns, group, receipt });
        }
    }

    fn handle_rare(&mut self, token: usize, bind: &mut Bind, frame: Frame<'_>) {
        let (id, sequence_number) = (frame.header.command_id, frame.header.sequence_number);
        match Pdu::decode(frame) {
            Ok(Pdu::EnquireLink(_)) => {
                wire::bare(
                    &mut bind.link.out,
                    CommandId::ENQUIRE_LINK_RESP,
                    CommandStatus::ROK,
                    sequence_number,
                );
            }
            Ok(Pdu::EnquireLinkResp(_)) => {}
            // What it had not acknowledged goes to its next bind.
            Ok(Pdu::UnbindResp(_)) => bind.closing = true,
            Ok(Pdu::Unbind(_)) => {
                wire::bare(&mut bind.link.out, CommandId::UNBIND_RESP, CommandStatus::ROK, sequence_number);
                bind.closing = true;
            }
            Ok(Pdu::Bind(mode, request)) => self.bind(token, bind, mode, &request, sequence_number),
            Err(error) => {
                self.stats.protocol_errors += 1;
                wire::bare(&mut bind.link.out, id.response(), error.status, sequence_number);
            }
            Ok(_) => {
                self.stats.protocol_errors += 1;
                let response = if id.name().is_some() { id.response() } else { CommandId::GENERIC_NACK };
                if !id.is_response() {
                    wire::bare(&mut bind.link.out, response, CommandStatus::RINVCMDID, sequence_number);
                }
            }
        }
    }

    fn bind(
        &mut self,
        token: usize,
        bind: &mut Bind,
        mode: BindMode,
        request: &BindRequest<'_>,
        sequence_number: u32,
    ) {
        let status = self.judge_bind(bind, request);
        let group = self.group(request.system_id);
        let (Some(group), true) = (group, status.is_ok()) else {
            self.stats.bind_refusals += 1;
            let status = if status.is_ok() { CommandStatus::RBINDFAIL } else { status };
            wire::bare(&mut bind.link.out, mode.command_id().response(), status, sequence_number);
            bind.closing = bind.mode.is_none();
            return;
        };
        self.stats.binds += 1;
        bind.mode = Some(mode);
        bind.group = group;
        let version = self.options.interface_version.interface_version();
        bind.tlvs = request.interface_version.has_tlvs() && version.has_tlvs();
        if mode.receives() {
            self.groups[group].receivers.push(token);
        }
        let interface_version = bind.tlvs.then_some(version);
        let response = BindResponse::new(b"simulated", interface_version);
        Pdu::BindResp(mode, response).encode(&mut bind.link.out, CommandStatus::ROK, sequence_number);
    }

    fn judge_bind(&self, bind: &Bind, request: &BindRequest<'_>) -> CommandStatus {
        if bind.mode.is_some() {
            CommandStatus::RALYBND
        } else if self.options.system_id.is_empty() {
            CommandStatus::ROK
        } else if request.system_id != self.options.system_id.as_bytes() {
            CommandStatus::RINVSYSID
        } else if request.password != self.options.password.as_bytes() {
            CommandStatus::RINVPASWD
        } else {
            CommandStatus::ROK
        }
    }

    /// The customer's index; None where there are too many.
    fn group(&mut self, system_id: &[u8]) -> Option<usize> {
        let known = self.groups.iter().position(|group| group.system_id == system_id);
        if known.is_none() && self.groups.len() < GROUPS_MAX {
            self.groups.push(Group {
                system_id: system_id.to_vec(),
                parked: VecDeque::new(),
                receivers: Vec::new(),
                next: 0,
            });
            return Some(self.groups.len() - 1);
        }
        known
    }

    pub(super) fn bad_length(&mut self, bind: &mut Bind) {
        self.stats.protocol_errors += 1;
        wire::bare(&mut bind.link.out, CommandId::GENERIC_NACK, CommandStatus::RINVCMDLEN, 0);
        bind.closing = true;
    }
}

/// No deliver_sm gets this number before the next unbind.
const UNBIND_SEQUENCE_NUMBER: u32 = 0x7FFF_FFFF;
/// Customers at most.
const GROUPS_MAX: usize = 10_000;
/// How often a receipt is sent at most.
const RECEIPT_ATTEMPTS_MAX: u8 = 100;
