//! `Messaging`: submit, query, cancel, watch, for one account each call.

use std::pin::Pin;
use std::sync::Arc;

use brivas_proto::v1;
use brivas_smpp::CommandStatus;
use prost::Message as _;
use sha2::{Digest, Sha256};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};
use v1::messaging_server::{Messaging, MessagingServer};

use super::{Shared, auth, compose, history, watch};
use crate::id;
use crate::shard::{ApiMessage, ApiRefusal, Cancelled, Command, Submitted};

/// Messages of one request.
const MESSAGES_MAX: usize = 1_000;
const KEY_OCTETS_MAX: usize = 64;

pub(super) fn service(shared: Arc<Shared>) -> MessagingServer<Service> {
    MessagingServer::new(Service { shared })
}

pub(super) struct Service {
    shared: Arc<Shared>,
}

#[tonic::async_trait]
impl Messaging for Service {
    type SubmitStreamStream = Pin<Box<dyn Stream<Item = Result<v1::SubmitResponse, Status>> + Send>>;
    type WatchStream = watch::Stream;

    async fn submit(
        &self,
        request: Request<v1::SubmitRequest>,
    ) -> Result<Response<v1::SubmitResponse>, Status> {
        let account = auth::account(&self.shared, request.metadata())?;
        submit(&self.shared, account, request.into_inner()).await.map(Response::new)
    }

    async fn submit_stream(
        &self,
        request: Request<Streaming<v1::SubmitRequest>>,
    ) -> Result<Response<Self::SubmitStreamStream>, Status> {
        let account = auth::account(&self.shared, request.metadata())?;
        let shared = Arc::clone(&self.shared);
        let responses = request.into_inner().then(move |request| {
            let shared = Arc::clone(&shared);
            async move { submit(&shared, account, request?).await }
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn query(&self, request: Request<v1::QueryRequest>) -> Result<Response<v1::MessageStatus>, Status> {
        let account = auth::account(&self.shared, request.metadata())?;
        let text = &request.get_ref().id;
        let id = parse_id(text)?;
        let status = history::status(&self.shared, id).await?;
        let config = self.shared.current().config;
        let own = status.filter(|status| *status.account == **config.account_names.name(account));
        own.map(Response::new).ok_or_else(|| unknown(text))
    }

    async fn cancel(
        &self,
        request: Request<v1::CancelRequest>,
    ) -> Result<Response<v1::CancelResponse>, Status> {
        let account = auth::account(&self.shared, request.metadata())?;
        let text = &request.get_ref().id;
        let id = parse_id(text)?;
        match self.shared.ask(|reply| Command::Cancel { account, id, reply }).await? {
            Cancelled::Done => Ok(Response::new(v1::CancelResponse {})),
            Cancelled::TooLate => Err(too_late(text)),
            Cancelled::NotNow => {
                Err(Status::unavailable("the gateway cannot write: cancel again in a minute"))
            }
            Cancelled::Unknown => {
                // It may have ended: then it is too late as well.
                let status = history::status(&self.shared, id).await?;
                let config = self.shared.current().config;
                let is_own =
                    status.is_some_and(|status| *status.account == **config.account_names.name(account));
                Err(if is_own { too_late(text) } else { unknown(text) })
            }
        }
    }

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let account = auth::account(&self.shared, request.metadata())?;
        let name = self.shared.current().config.account_names.name(account).to_string();
        Ok(Response::new(watch::start(Arc::clone(&self.shared), Some(name), request.into_inner())))
    }
}

pub(super) fn parse_id(text: &str) -> Result<u64, Status> {
    id::parse(text)
        .ok_or_else(|| Status::invalid_argument(format!("id {text:?} is not 16 hexadecimal digits")))
}

pub(super) fn unknown(text: &str) -> Status {
    Status::not_found(format!("no message {text} of this account is in the journal"))
}

fn too_late(text: &str) -> Status {
    Status::failed_precondition(format!("message {text} has been sent or has ended"))
}

async fn submit(
    shared: &Shared,
    account: u32,
    request: v1::SubmitRequest,
) -> Result<v1::SubmitResponse, Status> {
    let count = request.messages.len();
    if !(1..=MESSAGES_MAX).contains(&count) {
        return Err(Status::invalid_argument(format!("{count} messages: 1 to {MESSAGES_MAX} are taken")));
    }
    if request.idempotency_key.len() > KEY_OCTETS_MAX {
        let octets = request.idempotency_key.len();
        return Err(Status::invalid_argument(format!("idempotency_key has {octets} octets: at most 64")));
    }
    let fingerprint = fingerprint(&request);
    let mut results = Vec::with_capacity(count);
    let mut messages = Vec::with_capacity(count);
    let config = shared.current().config;
    let spec = config.account(account).map(|account| &account.spec);
    let mut costs = Vec::with_capacity(count);
    for message in request.messages {
        match compose::body(&message, spec) {
            Ok((body, cost)) => {
                costs.push(cost);
                messages.push(ApiMessage { body, reference: message.reference });
                results.push(None);
            }
            Err(refusal) => results.push(Some(v1::SubmitResult {
                id: String::new(),
                command_status: refusal.status.0,
                error: refusal.error,
                hint: refusal.hint.to_owned(),
                text: None,
            })),
        }
    }
    let (submitted, replayed) = if messages.is_empty() {
        (Vec::new(), false)
    } else {
        let idempotency_key = request.idempotency_key;
        let command = |reply| Command::Submit { account, messages, idempotency_key, fingerprint, reply };
        match shared.ask(command).await? {
            Submitted::Results(results, replayed) => (results, replayed),
            Submitted::KeyReused => {
                return Err(Status::already_exists("the idempotency key was used with another request"));
            }
        }
    };
    let mut submitted = submitted.into_iter().zip(costs);
    let mut next = || match submitted.next() {
        Some((outcome, text)) => {
            v1::SubmitResult { text: text.filter(|_| outcome.is_ok()), ..result(outcome) }
        }
        None => v1::SubmitResult::default(),
    };
    let results = results.into_iter().map(|refused| refused.unwrap_or_else(&mut next)).collect();
    Ok(v1::SubmitResponse { results, replayed })
}

fn result(result: Result<u64, ApiRefusal>) -> v1::SubmitResult {
    match result {
        Ok(id) => v1::SubmitResult { id: id::text(id), ..Default::default() },
        Err(ApiRefusal(status)) => v1::SubmitResult {
            id: String::new(),
            command_status: status.0,
            error: status.text().to_owned(),
            hint: hint(status).to_owned(),
            text: None,
        },
    }
}

const fn hint(status: CommandStatus) -> &'static str {
    match status {
        CommandStatus::RTHROTTLED => "the account's rate is used up: send again in a second, and slower",
        CommandStatus::RMSGQFUL => "a queue is full: send again later",
        CommandStatus::RSYSERR => "the gateway is draining or cannot write: send again in a minute",
        CommandStatus::RINVDSTADR => "no route leads to this number: see `brivas routes explain`",
        CommandStatus::RINVEXPIRY => "the validity has passed already, or passes before the schedule",
        CommandStatus::RINVSCHED => {
            "the time has passed, or is further ahead than the account's scheduleMaxSeconds"
        }
        CommandStatus::RINVSRCADR => "the account may not send as this: it needs a Sender",
        _ => "",
    }
}

/// Tells two requests with one key apart. A hash of the messages; 0 is left for "none".
fn fingerprint(request: &v1::SubmitRequest) -> u64 {
    let mut hasher = Sha256::new();
    for message in &request.messages {
        hasher.update(message.encode_length_delimited_to_vec());
    }
    let digest: [u8; 32] = hasher.finalize().into();
    u64::from_le_bytes([
        digest[0], digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7],
    ])
    .max(1)
}
