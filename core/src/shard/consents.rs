//! Consents that change while the gateway runs: STOP and START in incoming messages, and what operators say.
//!
//! A change is journaled before the message that brought it, and in force with the next message. What the lists of the
//! configuration say as well is forgotten here; the rest is carried forward with the journal, and found again after a restart.

use std::collections::HashMap;

use brivas_proto::v1;
use brivas_route::{Consent, OverlayEntry};
use brivas_smpp::ShortMessage;
use prost::Message as _;
use tokio::sync::oneshot;

use super::Shard;
use super::commands::Answer;
use crate::event;
use crate::facts::{digits, part_of, read_text};
use crate::notice::Level;

/// The longest text that is asked whether it is a STOP.
const TEXT_OCTETS_MAX: usize = 140;
/// Changes of one answer, where the request names no limit.
const LISTED: u32 = 10_000;

/// Consents as the journal has them: by account, sender and number, whether it is suppressed and where that stands.
pub(super) type RestoredConsents = HashMap<(String, Vec<u8>, String), (bool, i64)>;

/// A change that somebody asks for.
#[derive(Debug)]
pub(crate) struct ConsentRequest {
    pub(crate) account: Option<u32>,
    pub(crate) sender: String,
    pub(crate) number: String,
    /// None: only list.
    pub(crate) suppressed: Option<bool>,
    pub(crate) limit: u32,
}

/// The answer, or what is wrong with the request.
pub(crate) type ConsentAnswer = Result<v1::SuppressionsResponse, String>;

impl Shard {
    /// Looks whether an incoming message takes consent back or gives it; false where that finds no room: then the
    /// carrier shall bring it later.
    pub(super) fn note_consent(
        &mut self,
        account: u32,
        carrier: u32,
        message: &ShortMessage<'_>,
        id: u64,
    ) -> bool {
        let Some(config) = self.config.account(account) else { return true };
        let scope = config.spec.consent_scope();
        if scope == v1::ConsentScope::Off
            || message.text().len() > TEXT_OCTETS_MAX
            || part_of(message).is_some()
        {
            return true;
        }
        read_text(message, self.config.carrier_alphabet(carrier), &mut self.routing.judging.text);
        let said = self.config.policy.consent_words().recognise(&self.routing.judging.text);
        let Some(said) = said else { return true };
        let sender = digits(message.destination.digits);
        let sender = (scope == v1::ConsentScope::Sender).then_some(sender);
        let number = digits(message.source.digits);
        let changed = self.change_consent(Some(account), sender, number, said == Consent::Stop, id);
        match changed {
            Ok(_) => true,
            Err(why) => {
                let is_full = !self.routing.judging.state.suppressed.has_room();
                let level = if is_full { Level::Error } else { Level::Warning };
                // A number that is none (a name, a short code) gets no messages either.
                self.notices.tell(level, "consent_not_kept", vec![("why", why)]);
                !is_full
            }
        }
    }

    /// A number wants nothing more, or wants it again; the offset of the record.
    fn change_consent(
        &mut self,
        account: Option<u32>,
        sender: Option<&[u8]>,
        number: &[u8],
        suppressed: bool,
        id: u64,
    ) -> Result<i64, String> {
        let offset = self.journal.next_offset();
        let overlay = &mut self.routing.judging.state.suppressed;
        overlay
            .set_at(account, sender, number, suppressed, offset as u64 + 1)
            .map_err(|error| error.to_string())?;
        let account = account.map_or("", |account| &self.accounts[account as usize].name);
        let number = String::from_utf8_lossy(number);
        let written = self.journal.append(self.clock.wall_ms, id, |out| {
            event::consent_changed(out, account, sender.unwrap_or_default(), &number, suppressed);
        });
        Ok(written)
    }

    /// Lists or changes what an operator asks for.
    pub(super) fn suppressions(&mut self, request: &ConsentRequest, reply: oneshot::Sender<ConsentAnswer>) {
        let mut offset = None;
        if let Some(suppressed) = request.suppressed {
            if !self.journal.has_room() || self.journal.failed().is_some() {
                drop(reply.send(Err("the journal takes nothing now; hint: try again later".to_owned())));
                return;
            }
            let id = self.ids.give(self.clock.wall_ms);
            let sender = Some(request.sender.as_bytes()).filter(|sender| !sender.is_empty());
            let number = request.number.as_bytes();
            match self.change_consent(request.account, sender, number, suppressed, id) {
                Ok(written) => offset = Some(written),
                Err(why) => {
                    drop(reply.send(Err(why)));
                    return;
                }
            }
        }
        let limit = if request.limit == 0 { LISTED } else { request.limit } as usize;
        let overlay = &self.routing.judging.state.suppressed;
        let changes = match request.suppressed {
            Some(_) => Vec::new(),
            None => overlay.entries().take(limit).map(|entry| self.consent(&entry)).collect(),
        };
        let response = v1::SuppressionsResponse {
            changes,
            changed: overlay.len() as u64,
            listed: self.config.policy.suppressions().len() as u64,
        };
        match offset {
            None => drop(reply.send(Ok(response))),
            Some(offset) => self.answer_when_safe(offset, Answer::ConsentChanged(response, reply)),
        }
    }

    fn consent(&self, entry: &OverlayEntry) -> v1::ConsentChanged {
        let account = entry.account.and_then(|number| self.accounts.get(number as usize));
        v1::ConsentChanged {
            account: account.map(|account| account.name.to_string()).unwrap_or_default(),
            sender: entry.sender.clone().unwrap_or_default(),
            number: entry.number.clone(),
            suppressed: entry.suppressed,
        }
    }

    /// What changed before a restart, in the order in which it changed.
    pub(super) fn restore_consents(&mut self, restored: RestoredConsents) {
        let mut ordered: Vec<_> = restored.into_iter().collect();
        ordered.sort_unstable_by_key(|(_, (_, offset))| *offset);
        for ((account, sender, number), (suppressed, offset)) in ordered {
            let account = match account.as_str() {
                "" => None,
                name => self.config.account_names.find(name),
            };
            let sender = Some(sender.as_slice()).filter(|sender| !sender.is_empty());
            let overlay = &mut self.routing.judging.state.suppressed;
            let sequence = offset as u64 + 1;
            if let Err(error) = overlay.set_at(account, sender, number.as_bytes(), suppressed, sequence) {
                let why = error.to_string();
                self.notices.tell(Level::Error, "consent_not_kept", vec![("why", why)]);
            }
        }
        self.routing.judging.state.suppressed.retire_known(self.config.policy.suppressions());
    }

    /// The changes that stand before this offset: they are to be written again.
    pub(super) fn consents_before(&self, end: i64) -> Vec<OverlayEntry> {
        self.routing.judging.state.suppressed.older_than(end as u64 + 1).collect()
    }

    /// Whether this is what holds of that number.
    pub(super) fn is_still(&self, entry: &OverlayEntry) -> bool {
        let overlay = &self.routing.judging.state.suppressed;
        overlay.says(entry.account, entry.sender.as_deref(), entry.number.as_bytes())
            == Some(entry.suppressed)
    }

    /// Writes a change again, at the journal's tail.
    pub(super) fn carry_consent(&mut self, entry: &OverlayEntry) {
        let consent = Some(self.consent(entry));
        let kind = v1::event::Kind::Checkpoint(v1::Checkpoint { open: None, consent });
        let event = v1::Event { kind: Some(kind) };
        let id = self.ids.give(self.clock.wall_ms);
        let offset = self.journal.append(self.clock.wall_ms, id, |out| event.encode_raw(out));
        let overlay = &mut self.routing.judging.state.suppressed;
        // It is there: one that is known always finds room.
        let _ = overlay.set_at(
            entry.account,
            entry.sender.as_deref(),
            entry.number.as_bytes(),
            entry.suppressed,
            offset as u64 + 1,
        );
    }
}
