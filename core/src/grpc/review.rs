//! What operators decide about messages and numbers: reviews of held messages, and consents. The shard does it; here the
//! request is checked.

use brivas_proto::v1;
use tonic::Status;

use super::Shared;
use crate::shard::{Command, ConsentRequest};

/// Messages that one review names at most.
const IDS_MAX: usize = 10_000;

pub(super) async fn review(
    shared: &Shared,
    request: v1::ReviewRequest,
) -> Result<v1::ReviewResponse, Status> {
    if request.ids.len() > IDS_MAX {
        let count = request.ids.len();
        return Err(Status::invalid_argument(format!("{count} ids; hint: at most {IDS_MAX} at once")));
    }
    if request.action() != v1::ReviewAction::List && request.ids.is_empty() && !request.all {
        return Err(Status::invalid_argument("no id; hint: name ids, or say that all are meant"));
    }
    shared.ask(|reply| Command::Review { request, reply }).await
}

pub(super) async fn suppressions(
    shared: &Shared,
    request: v1::SuppressionsRequest,
) -> Result<v1::SuppressionsResponse, Status> {
    let config = shared.current().config;
    let account = match request.account.as_str() {
        "" => None,
        name => Some(
            config
                .account_names
                .find(name)
                .ok_or_else(|| Status::not_found(format!("there is no account {name:?}")))?,
        ),
    };
    let suppressed = match request.action() {
        v1::SuppressionsAction::List => None,
        v1::SuppressionsAction::Add => Some(true),
        v1::SuppressionsAction::Remove => Some(false),
    };
    let request = ConsentRequest {
        account,
        sender: request.sender.trim_start_matches('+').to_owned(),
        number: request.number.trim_start_matches('+').to_owned(),
        suppressed,
        limit: request.limit,
    };
    shared.ask(|reply| Command::Suppressions { request, reply }).await?.map_err(Status::invalid_argument)
}
