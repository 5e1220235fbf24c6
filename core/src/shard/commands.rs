//! What others ask of a shard: commands through a bounded mailbox, answered by one-shot channels.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};

use brivas_proto::v1;
use brivas_route::PolicyState;
use brivas_smpp::{CommandStatus, ShortMessage};
use tokio::sync::oneshot;

use super::Shard;
use super::admission::Origin;
use super::commit::{Awaiting, Then};
use super::consents::{ConsentAnswer, ConsentRequest};
use super::messages::ApiPart;
use super::operations::Stand;
use crate::config::Config;
use crate::offload::{PasswordTag, Resolve};
use crate::trace::Feed;
use crate::transport::Opened;

/// A request to a shard.
pub(crate) enum Command {
    Submit {
        account: u32,
        messages: Vec<ApiMessage>,
        idempotency_key: String,
        fingerprint: u64,
        reply: oneshot::Sender<Submitted>,
    },
    Cancel {
        account: u32,
        id: u64,
        reply: oneshot::Sender<Cancelled>,
    },
    Apply {
        config: Arc<Config>,
        /// Sockets of its new listeners.
        opened: Vec<Opened>,
        done: oneshot::Sender<()>,
    },
    Stats {
        reply: oneshot::Sender<v1::StatsResponse>,
    },
    Binds {
        reply: oneshot::Sender<Vec<v1::Bind>>,
    },
    /// A trace begins.
    Trace {
        feed: Arc<Feed>,
        done: oneshot::Sender<()>,
    },
    /// The trace of this id has ended.
    TraceEnded {
        id: u64,
    },
    CarriersUp {
        reply: oneshot::Sender<Vec<bool>>,
    },
    /// What of the policy's counts and consents a message needs: for whoever explains.
    PolicyState {
        about: AboutMessage,
        reply: oneshot::Sender<PolicyState>,
    },
    Review {
        request: v1::ReviewRequest,
        reply: oneshot::Sender<v1::ReviewResponse>,
    },
    Suppressions {
        request: ConsentRequest,
        reply: oneshot::Sender<ConsentAnswer>,
    },
    Drain {
        done: oneshot::Sender<u64>,
    },
    Stop,
    PasswordVerified {
        tag: PasswordTag,
        right: bool,
    },
    HostResolved {
        asked: Resolve,
        result: Result<Vec<SocketAddr>, String>,
    },
}

/// Takes what counts for one message out of a shard's state.
pub(crate) type AboutMessage = Box<dyn FnOnce(&Config, &PolicyState) -> PolicyState + Send>;

/// The way into a shard's mailbox.
#[derive(Clone)]
pub(crate) struct Mailbox {
    pub(crate) sender: SyncSender<Command>,
    pub(crate) waker: Arc<mio::Waker>,
}

/// Commands, and messages in them, that a round takes at most: binds have their turn as well.
const COST_PER_ROUND: usize = 16_384;
/// Commands that wait at most.
pub(crate) const COMMANDS_MAX: usize = 65_536;

impl Mailbox {
    /// Puts a command in; an error when the box is full or the shard has ended.
    pub(crate) fn send(&self, command: Command) -> Result<(), &'static str> {
        self.sender.try_send(command).map_err(|error| match error {
            TrySendError::Full(_) => "the engine has too much to do",
            TrySendError::Disconnected(_) => "the engine has stopped",
        })?;
        self.wake()
    }

    /// Puts a command in and waits for room if there is none: for what must not get lost. The shard's own thread never
    /// does.
    pub(crate) fn send_in_turn(&self, command: Command) -> Result<(), &'static str> {
        self.sender.send(command).map_err(|_| "the engine has stopped")?;
        self.wake()
    }

    fn wake(&self) -> Result<(), &'static str> {
        self.waker.wake().map_err(|_| "the engine cannot be woken")
    }
}

/// A message by API.
pub(crate) struct ApiMessage {
    /// The body of a submit_sm.
    pub(crate) body: Vec<u8>,
    pub(crate) reference: String,
}

/// Why a message by API was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ApiRefusal(pub(crate) CommandStatus);

/// What became of a submission.
pub(crate) enum Submitted {
    /// One a message: its id, or why not; and whether all were known before.
    Results(Vec<Result<u64, ApiRefusal>>, bool),
    /// The idempotency key was used with another request.
    KeyReused,
}

/// What became of a cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancelled {
    Done,
    TooLate,
    Unknown,
    /// The journal is behind, or has failed.
    NotNow,
}

/// API calls whose records are not all safe yet.
#[derive(Default)]
pub(crate) struct ApiCalls {
    slots: Vec<Option<ApiCall>>,
    free: Vec<u32>,
}

struct ApiCall {
    waits_for: usize,
    answer: Answer,
}

/// What a call is told in the end.
pub(super) enum Answer {
    Reviewed(v1::ReviewResponse, oneshot::Sender<v1::ReviewResponse>),
    ConsentChanged(v1::SuppressionsResponse, oneshot::Sender<ConsentAnswer>),
    Submitted(Submitted, oneshot::Sender<Submitted>),
    Cancelled(oneshot::Sender<Cancelled>),
}

impl ApiCalls {
    pub(super) fn open(&mut self, waits_for: usize, answer: Answer) -> u32 {
        let call = Some(ApiCall { waits_for, answer });
        match self.free.pop() {
            Some(slot) => {
                self.slots[slot as usize] = call;
                slot
            }
            None => {
                self.slots.push(call);
                self.slots.len() as u32 - 1
            }
        }
    }

    /// One more record of this call is safe; the last one answers it.
    pub(crate) fn count_down(&mut self, slot: u32) {
        let Some(call) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        call.waits_for -= 1;
        if call.waits_for == 0
            && let Some(call) = self.slots[slot as usize].take()
        {
            self.free.push(slot);
            // The caller may have gone; what it asked for is done all the same.
            match call.answer {
                Answer::Submitted(submitted, reply) => drop(reply.send(submitted)),
                Answer::Reviewed(response, reply) => drop(reply.send(response)),
                Answer::ConsentChanged(response, reply) => drop(reply.send(Ok(response))),
                Answer::Cancelled(reply) => drop(reply.send(Cancelled::Done)),
            }
        }
    }
}

impl Shard {
    /// Does what the mailbox asks, as much as one round may cost; false: stop.
    pub(super) fn obey(&mut self) -> bool {
        let mut cost = 0;
        self.mailbox_waits = false;
        while let Ok(command) = self.mailbox.try_recv() {
            cost += 1;
            match command {
                Command::Submit { account, messages, idempotency_key, fingerprint, reply } => {
                    cost += messages.len();
                    self.submit_by_api(account, messages, &idempotency_key, fingerprint, reply);
                }
                Command::Cancel { account, id, reply } => self.cancel(account, id, reply),
                Command::Apply { config, opened, done } => {
                    self.apply(config);
                    self.apply_listeners(opened);
                    let _ = done.send(());
                }
                Command::Stats { reply } => {
                    let _ = reply.send(self.stats());
                }
                Command::Binds { reply } => {
                    let _ = reply.send(self.binds());
                }
                Command::Trace { feed, done } => {
                    self.begin_trace(feed);
                    let _ = done.send(());
                }
                Command::TraceEnded { id } => self.end_trace(id),
                Command::CarriersUp { reply } => {
                    let _ = reply.send(self.carriers.iter().map(|carrier| !carrier.up.is_empty()).collect());
                }
                Command::PolicyState { about, reply } => {
                    let _ = reply.send(about(&self.config, &self.routing.judging.state));
                }
                Command::Review { request, reply } => self.review(&request, reply),
                Command::Suppressions { request, reply } => self.suppressions(&request, reply),
                Command::Drain { done } => self.start_drain(done),
                Command::Stop => return false,
                Command::PasswordVerified { tag, right } => self.handle_password(tag, right),
                Command::HostResolved { asked, result } => self.handle_resolved(&asked, &result),
            }
            self.commit_early();
            if cost >= COST_PER_ROUND {
                self.mailbox_waits = true;
                break;
            }
        }
        true
    }

    fn submit_by_api(
        &mut self,
        account: u32,
        messages: Vec<ApiMessage>,
        key: &str,
        fingerprint: u64,
        reply: oneshot::Sender<Submitted>,
    ) {
        let name_of = |index: usize| if key.is_empty() { String::new() } else { format!("{key}/{index}") };
        let known: Vec<_> = (0..messages.len())
            .map(|index| if key.is_empty() { None } else { self.idempotency.find(account, &name_of(index)) })
            .collect();
        if known.iter().flatten().any(|entry| entry.fingerprint != fingerprint) {
            let _ = reply.send(Submitted::KeyReused);
            return;
        }
        let replayed = !known.is_empty() && known.iter().all(Option::is_some);
        let mut results = Vec::with_capacity(messages.len());
        let mut waits = Vec::new();
        for (index, message) in messages.into_iter().enumerate() {
            if let Some(entry) = known[index] {
                results.push(Ok(entry.id));
                waits.push((entry.offset, None));
                continue;
            }
            match self.admit_by_api(account, message, name_of(index), fingerprint) {
                Ok((id, offset, name)) => {
                    results.push(Ok(id));
                    waits.push((offset, Some(name)));
                }
                Err(status) => results.push(Err(ApiRefusal(status))),
            }
        }
        let submitted = Submitted::Results(results, replayed);
        if waits.is_empty() {
            let _ = reply.send(submitted);
            return;
        }
        let on_disk = self.accounts[account as usize].on_disk();
        let call = self.calls.open(waits.len(), Answer::Submitted(submitted, reply));
        for (offset, name) in waits {
            let (message, then) = match name {
                Some(name) => (name, Then::AnswerCall { call }),
                None => (super::MessageRef::from_token(u64::MAX), Then::AnswerCallAgain { call }),
            };
            self.commits.push(on_disk, Awaiting { offset, message, then });
        }
    }

    fn admit_by_api(
        &mut self,
        account: u32,
        new: ApiMessage,
        idempotency_key: String,
        fingerprint: u64,
    ) -> Result<(u64, i64, super::MessageRef), CommandStatus> {
        if self.config.account(account).is_none() {
            return Err(CommandStatus::RBINDFAIL);
        }
        let content = ShortMessage::decode(&new.body).map_err(|error| error.status)?;
        content.check_submit().map_err(|error| error.status)?;
        let has_key = !idempotency_key.is_empty();
        let fingerprint = if has_key { fingerprint } else { 0 };
        let key = idempotency_key.clone();
        let part = ApiPart { reference: new.reference, idempotency_key, fingerprint };
        let origin = Origin { api: Some(Box::new(part)), ..Origin::NONE };
        let (name, offset) = self.admit(account, &content, origin)?;
        let wall_ms = self.clock.wall_ms;
        let Some(message) = self.messages.get_mut(name) else { return Err(CommandStatus::RSYSERR) };
        let id = message.id;
        if has_key {
            self.idempotency.insert(account, key, id, fingerprint, wall_ms, offset);
        }
        Ok((id, offset, name))
    }

    fn cancel(&mut self, account: u32, id: u64, reply: oneshot::Sender<Cancelled>) {
        let known = self.index.find(id).filter(|known| known.account == account);
        let now = match known.map(|known| known.stand) {
            None => Cancelled::Unknown,
            Some(Stand::Open(name)) if self.is_cancellable(name) => {
                if self.journal.has_room() {
                    let offset = self.cancel_message(name);
                    // Told when it is safe: a crash must not send what was called back.
                    let call = self.calls.open(1, Answer::Cancelled(reply));
                    let on_disk = self.accounts[account as usize].on_disk();
                    let then = Then::AnswerCallAgain { call };
                    self.commits.push(on_disk, Awaiting { offset, message: name, then });
                    return;
                }
                Cancelled::NotNow
            }
            Some(_) => Cancelled::TooLate,
        };
        let _ = reply.send(now);
    }
}
