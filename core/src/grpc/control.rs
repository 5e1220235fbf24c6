//! `Control`: configuration, what the engine is doing, drain.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use brivas_proto::v1;
use tonic::{Request, Response, Status};
use v1::control_server::{Control, ControlServer};

use super::{Current, Shared, auth, explain, history, messaging, review, trace, watch};
use crate::config::{Files, build, last_good};
use crate::shard::Command;
use crate::transport::open_new;

/// A snapshot of a million routes is about 60 MB.
const SNAPSHOT_OCTETS_MAX: usize = 256 << 20;

pub(super) fn service(shared: Arc<Shared>) -> ControlServer<Service> {
    ControlServer::new(Service { shared }).max_decoding_message_size(SNAPSHOT_OCTETS_MAX)
}

pub(super) struct Service {
    shared: Arc<Shared>,
}

#[tonic::async_trait]
impl Control for Service {
    type WatchStream = watch::Stream;
    type TraceStream = trace::Stream;

    async fn apply(&self, request: Request<v1::ApplyRequest>) -> Result<Response<v1::ApplyResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        let v1::ApplyRequest { snapshot, dry_run } = request.into_inner();
        let snapshot = snapshot.ok_or_else(|| Status::invalid_argument("snapshot is missing"))?;
        // A task of its own: a caller that gives up half-way must not leave the shard with one configuration and the
        // faces with another.
        let applied = tokio::spawn(apply(Arc::clone(&self.shared), snapshot, dry_run)).await;
        applied.map_err(|error| Status::internal(error.to_string()))?.map(Response::new)
    }

    async fn stats(&self, request: Request<v1::StatsRequest>) -> Result<Response<v1::StatsResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        let mut stats = self.shared.ask(|reply| Command::Stats { reply }).await?;
        let reader = &self.shared.reader;
        let journal = reader.stats();
        stats.journal = Some(v1::JournalStats {
            start_offset: reader.start_offset(),
            written_offset: reader.end_offset(),
            durable_offset: reader.durable_offset(),
            bytes: journal.size_bytes,
            commits: journal.commits,
            syncs: journal.syncs,
            sync_us_p50: journal.sync_p50_us.into(),
            sync_us_p99: journal.sync_p99_us.into(),
        });
        Ok(Response::new(stats))
    }

    async fn binds(&self, request: Request<v1::BindsRequest>) -> Result<Response<v1::BindsResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        let binds = self.shared.ask(|reply| Command::Binds { reply }).await?;
        Ok(Response::new(v1::BindsResponse { binds }))
    }

    async fn explain(
        &self,
        request: Request<v1::ExplainRequest>,
    ) -> Result<Response<v1::ExplainResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        explain::explain(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn review(
        &self,
        request: Request<v1::ReviewRequest>,
    ) -> Result<Response<v1::ReviewResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        review::review(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn suppressions(
        &self,
        request: Request<v1::SuppressionsRequest>,
    ) -> Result<Response<v1::SuppressionsResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        review::suppressions(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn drain(&self, request: Request<v1::DrainRequest>) -> Result<Response<v1::DrainResponse>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        let timeout = Duration::from_millis(request.get_ref().timeout_ms.into());
        let drain = self.shared.ask(|done| Command::Drain { done });
        let (drained, open_messages) = match tokio::time::timeout(timeout, drain).await {
            Ok(open) => (true, open?),
            Err(_) => (false, 0),
        };
        Ok(Response::new(v1::DrainResponse { drained, open_messages }))
    }

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        Ok(Response::new(watch::start(Arc::clone(&self.shared), None, request.into_inner())))
    }

    async fn trace(&self, request: Request<v1::TraceRequest>) -> Result<Response<Self::TraceStream>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        trace::start(&self.shared, request.into_inner()).await.map(Response::new)
    }

    async fn query(&self, request: Request<v1::QueryRequest>) -> Result<Response<v1::MessageStatus>, Status> {
        auth::platform(&self.shared, request.metadata())?;
        let text = &request.get_ref().id;
        let status = history::status(&self.shared, messaging::parse_id(text)?).await?;
        status
            .map(Response::new)
            .ok_or_else(|| Status::not_found(format!("no message {text} is in the journal")))
    }
}

async fn apply(
    shared: Arc<Shared>,
    snapshot: v1::Snapshot,
    dry_run: bool,
) -> Result<v1::ApplyResponse, Status> {
    let _one_at_a_time = shared.applying.lock().await;
    let current = shared.current();
    let names = (current.config.account_names.clone(), current.config.carrier_names.clone());
    // Large tables take seconds to read: others shall be answered meanwhile.
    let files = if dry_run { Files::only_read(&shared.data_dir) } else { Files::kept_in(&shared.data_dir) };
    let before = Arc::clone(&current.config);
    let built = tokio::task::spawn_blocking(move || {
        let config = build(&snapshot, names.0, names.1, &files, Some(&before));
        (config, snapshot, files)
    });
    let (config, snapshot, files) = built.await.map_err(|error| Status::internal(error.to_string()))?;
    let config = config.map_err(|error| Status::invalid_argument(error.to_string()))?;
    let changes = changes(&current.snapshot, &snapshot);
    let response =
        v1::ApplyResponse { hash: config.hash.clone(), changed: config.hash != current.config.hash, changes };
    if !response.changed {
        return Ok(response);
    }
    // A port that is taken refuses the whole, also in a dry run.
    let opened = open_new(&current.config.listeners, &config.listeners)
        .map_err(|error| Status::invalid_argument(format!("{error}; hint: {}", error.hint())))?;
    if dry_run {
        return Ok(response);
    }
    // On disk first: what is in force after a restart is what was in force before.
    last_good::store(&shared.data_dir, &snapshot).map_err(|error| Status::unavailable(error.to_string()))?;
    files.prune(&snapshot);
    let config = Arc::new(config);
    let for_shard = Arc::clone(&config);
    shared.ask(|done| Command::Apply { config: for_shard, opened, done }).await?;
    let mut in_force = shared.current.lock().unwrap_or_else(PoisonError::into_inner);
    *in_force = Current { config, snapshot: Arc::new(snapshot) };
    Ok(response)
}

/// What differs between two snapshots, in words.
fn changes(old: &v1::Snapshot, new: &v1::Snapshot) -> Vec<String> {
    let mut lines = Vec::new();
    let accounts = |snapshot: &v1::Snapshot| by_name(&snapshot.accounts, |account| &account.name);
    let carriers = |snapshot: &v1::Snapshot| by_name(&snapshot.carriers, |carrier| &carrier.name);
    let routes = |snapshot: &v1::Snapshot| by_name(&snapshot.routes, |route| &route.name);
    compare("account", &accounts(old), &accounts(new), &mut lines);
    compare("carrier", &carriers(old), &carriers(new), &mut lines);
    compare("route", &routes(old), &routes(new), &mut lines);
    let listeners = |snapshot: &v1::Snapshot| by_name(&snapshot.listeners, |listener| &listener.name);
    compare("listener", &listeners(old), &listeners(new), &mut lines);
    let senders = |snapshot: &v1::Snapshot| by_name(&snapshot.senders, |sender| &sender.name);
    compare("sender", &senders(old), &senders(new), &mut lines);
    let plans = |snapshot: &v1::Snapshot| by_name(&snapshot.numbering_plans, |plan| &plan.name);
    let rules = |snapshot: &v1::Snapshot| by_name(&snapshot.policy_rules, |rule| &rule.name);
    let lists = |snapshot: &v1::Snapshot| by_name(&snapshot.suppression_lists, |list| &list.name);
    compare("numbering plan", &plans(old), &plans(new), &mut lines);
    compare("policy rule", &rules(old), &rules(new), &mut lines);
    compare("suppression list", &lists(old), &lists(new), &mut lines);
    if old.consent_words != new.consent_words {
        lines.push("words of consent: changed".to_owned());
    }
    lines
}

fn by_name<T: Clone>(items: &[T], name: impl Fn(&T) -> &String) -> BTreeMap<String, T> {
    items.iter().map(|item| (name(item).clone(), item.clone())).collect()
}

fn compare<T: PartialEq>(
    kind: &str,
    old: &BTreeMap<String, T>,
    new: &BTreeMap<String, T>,
    lines: &mut Vec<String>,
) {
    for (name, item) in new {
        match old.get(name) {
            None => lines.push(format!("{kind} {name}: added")),
            Some(before) if before != item => lines.push(format!("{kind} {name}: changed")),
            Some(_) => {}
        }
    }
    lines.extend(
        old.keys().filter(|name| !new.contains_key(*name)).map(|name| format!("{kind} {name}: removed")),
    );
}
