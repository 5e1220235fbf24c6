//! A real engine in a folder of its own, driven over its own faces, between scripted peers.
//!
//! Nothing here sleeps to be in time: peers block on their sockets, and what can only be seen from outside is asked
//! for again until it is so, or the test has waited too long.

#![allow(dead_code, unused_imports, reason = "each test file uses its part")]

pub mod long;
pub mod peer;
pub mod raw;
pub mod site;
pub mod wire;

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use brivas_engine::{Engine, EngineOptions, LookUp, OPEN_BYTES, RETENTION_BYTES, SEGMENT_BYTES};
use brivas_proto::v1;
use prost::Message as _;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tonic::metadata::MetadataValue;
use tonic::transport::Channel;
use tonic::{Request, Status};
use v1::control_client::ControlClient;
use v1::messaging_client::MessagingClient;

pub use peer::{Peer, Said, Smsc};
pub use raw::{RawPeer, raw};
pub use wire::{Authority, Pair, Wire};

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const PASSWORD: &str = "secret";
pub const API_KEY: &str = "key-of-sample";
const CONTROL_TOKEN: &str = "control";

/// An engine, its folder, and a caller.
pub struct World {
    folder: TempDir,
    engine: Option<Engine>,
    runtime: Runtime,
    segment_bytes: u64,
    retention_bytes: u64,
    open_bytes: u64,
    look_up: Option<LookUp>,
}

impl World {
    /// An engine with nothing configured.
    pub fn new() -> Self {
        Self::with_journal(SEGMENT_BYTES.min(16 << 20), RETENTION_BYTES)
    }

    /// The same, with a journal that is dropped early.
    pub fn with_journal(segment_bytes: u64, retention_bytes: u64) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut world = Self {
            folder,
            engine: None,
            runtime,
            segment_bytes,
            retention_bytes,
            open_bytes: OPEN_BYTES,
            look_up: None,
        };
        world.engine = Some(world.open());
        world
    }

    /// The same, with so much memory for open messages.
    pub fn with_memory(open_bytes: u64) -> Self {
        let mut world = Self::new();
        world.open_bytes = open_bytes;
        world.restart();
        world
    }

    /// An engine with nothing configured that knows other host names than the system does.
    pub fn looking_up(
        look_up: impl Fn(&str, u16) -> std::io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        let mut world = Self::new();
        world.look_up = Some(Arc::new(look_up));
        world.restart();
        world
    }

    fn open(&self) -> Engine {
        let here = SocketAddr::from(([127, 0, 0, 1], 0));
        let options = EngineOptions {
            data_dir: self.folder.path().to_owned(),
            smpp_listen: here,
            messaging_listen: here,
            control_listen: here,
            control_token: CONTROL_TOKEN.to_owned(),
            segment_bytes: self.segment_bytes,
            retention_bytes: self.retention_bytes,
            open_bytes: self.open_bytes,
        };
        match &self.look_up {
            None => Engine::start(options).unwrap(),
            Some(look_up) => Engine::start_with(options, Arc::clone(look_up)).unwrap(),
        }
    }

    pub fn engine(&self) -> &Engine {
        self.engine.as_ref().unwrap()
    }

    /// Ends the engine as a signal would, and starts it again on the same folder.
    pub fn restart(&mut self) {
        self.engine = None;
        self.engine = Some(self.open());
    }

    /// Goes on with what `kill -9` would have left at this moment: the folder as it is, another engine.
    pub fn crash(&mut self) {
        let left = tempfile::tempdir().unwrap();
        copy(self.folder.path(), left.path());
        self.engine = None;
        self.folder = left;
        self.engine = Some(self.open());
    }

    pub fn stop(&mut self) {
        self.engine = None;
    }

    /// Where a stopped engine's journal is.
    pub fn journal_dir(&self) -> PathBuf {
        self.folder.path().join("journal").join("0")
    }

    /// Removes the last good configuration, and starts again.
    pub fn restart_without_configuration(&mut self) {
        self.engine = None;
        std::fs::remove_file(self.folder.path().join("snapshot.bin")).unwrap();
        self.engine = Some(self.open());
    }

    pub fn apply(&self, snapshot: &v1::Snapshot) {
        let request = v1::ApplyRequest { snapshot: Some(snapshot.clone()), dry_run: false };
        self.control(async |mut client| client.apply(request).await).unwrap();
    }

    /// Applies what is wrong: what is said of it.
    pub fn refused(&self, snapshot: &v1::Snapshot) -> String {
        let request = v1::ApplyRequest { snapshot: Some(snapshot.clone()), dry_run: false };
        let refused = self.control(async |mut client| client.apply(request).await).unwrap_err();
        assert_eq!(refused.code(), tonic::Code::InvalidArgument);
        refused.message().to_owned()
    }

    /// Where a listener listens.
    pub fn listener(&self, name: &str) -> SocketAddr {
        let listeners = self.stats().listeners;
        let found = listeners.iter().find(|listener| listener.name == name);
        found.unwrap_or_else(|| panic!("{listeners:?}")).address.parse().unwrap()
    }

    pub fn binds(&self) -> Vec<v1::Bind> {
        self.control(async |mut client| client.binds(v1::BindsRequest {}).await).unwrap().binds
    }

    /// What the log would say of such an event, once it has happened: its fields.
    #[track_caller]
    pub fn notice(&self, event: &str) -> Vec<(&'static str, String)> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let notices = self.engine().notices();
            if let Some(found) = notices.into_iter().find(|notice| notice.event == event) {
                return found.fields;
            }
            assert!(Instant::now() < deadline, "no {event} in time");
            std::thread::yield_now();
        }
    }

    pub fn stats(&self) -> v1::StatsResponse {
        self.control(async |mut client| client.stats(v1::StatsRequest {}).await).unwrap()
    }

    pub fn totals(&self) -> v1::Counters {
        self.stats().totals.unwrap()
    }

    pub fn account(&self, name: &str) -> v1::AccountStats {
        self.stats().accounts.into_iter().find(|account| account.name == name).unwrap()
    }

    pub fn carrier(&self, name: &str) -> v1::CarrierStats {
        self.stats().carriers.into_iter().find(|carrier| carrier.name == name).unwrap()
    }

    pub fn submit(&self, request: v1::SubmitRequest) -> Result<v1::SubmitResponse, Status> {
        self.messaging(async |mut client| client.submit(request).await)
    }

    pub fn cancel(&self, id: &str) -> Result<v1::CancelResponse, Status> {
        let request = v1::CancelRequest { id: id.to_owned() };
        self.messaging(async |mut client| client.cancel(request).await)
    }

    pub fn query(&self, id: &str) -> Result<v1::MessageStatus, Status> {
        let request = v1::QueryRequest { id: id.to_owned() };
        self.control(async |mut client| client.query(request).await)
    }

    /// The names of a message's events, oldest first.
    pub fn history(&self, id: &str) -> Vec<&'static str> {
        let status = self.query(id).unwrap();
        let kinds = status.history.into_iter().filter_map(|event| event.event?.kind);
        kinds.map(|kind| kind_name(&kind)).collect()
    }

    pub fn drain(&self, timeout: Duration) -> bool {
        self.engine().drain(timeout)
    }

    /// Asks until the answer is yes.
    #[track_caller]
    pub fn until(&self, what: &str, mut is_so: impl FnMut(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            assert!(Instant::now() < deadline, "not in time: {what}; {:#?}", self.stats());
            std::thread::yield_now();
        }
    }

    pub fn control<T>(
        &self,
        call: impl AsyncFnOnce(ControlClient<Authorized>) -> Result<tonic::Response<T>, Status>,
    ) -> Result<T, Status> {
        let address = self.engine().addresses().control;
        self.call(address, CONTROL_TOKEN, async |channel| call(ControlClient::new(channel)).await)
    }

    /// The same, with another token.
    pub fn control_with<T>(
        &self,
        token: &str,
        call: impl AsyncFnOnce(ControlClient<Authorized>) -> Result<tonic::Response<T>, Status>,
    ) -> Result<T, Status> {
        let address = self.engine().addresses().control;
        self.call(address, token, async |channel| call(ControlClient::new(channel)).await)
    }

    pub fn messaging<T>(
        &self,
        call: impl AsyncFnOnce(MessagingClient<Authorized>) -> Result<tonic::Response<T>, Status>,
    ) -> Result<T, Status> {
        let address = self.engine().addresses().messaging;
        self.call(address, API_KEY, async |channel| call(MessagingClient::new(channel)).await)
    }

    /// Applies from within a call.
    pub async fn control_async(&self, request: v1::ApplyRequest) -> Result<(), Status> {
        let endpoint = Channel::from_shared(format!("http://{}", self.engine().addresses().control)).unwrap();
        let bearer = Bearer(format!("Bearer {CONTROL_TOKEN}").parse().unwrap());
        let mut client = ControlClient::new(Authorized::new(endpoint.connect().await.unwrap(), bearer));
        client.apply(request).await.map(|_| ())
    }

    fn call<T>(
        &self,
        address: SocketAddr,
        token: &str,
        call: impl AsyncFnOnce(Authorized) -> Result<tonic::Response<T>, Status>,
    ) -> Result<T, Status> {
        self.runtime.block_on(async {
            let connected = async {
                let endpoint = Channel::from_shared(format!("http://{address}")).unwrap();
                let channel = endpoint.connect().await.unwrap();
                let bearer = Bearer(format!("Bearer {token}").parse().unwrap());
                call(Authorized::new(channel, bearer)).await
            };
            let answer = tokio::time::timeout(PATIENCE, connected).await.expect("gRPC answers in time");
            answer.map(tonic::Response::into_inner)
        })
    }

    /// Runs something on the caller's runtime.
    pub fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }
}

pub type Authorized = tonic::service::interceptor::InterceptedService<Channel, Bearer>;

#[derive(Clone)]
pub struct Bearer(MetadataValue<tonic::metadata::Ascii>);

impl tonic::service::Interceptor for Bearer {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        request.metadata_mut().insert("authorization", self.0.clone());
        Ok(request)
    }
}

/// An account that may do everything; its name is its system_id too.
pub fn account(name: &str) -> v1::Account {
    let params = Params::new(8, 1, 1, None).unwrap();
    let salt = SaltString::encode_b64(b"saltsaltsalt").unwrap();
    let hash =
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password(PASSWORD.as_bytes(), &salt);
    let api_key = format!("key-of-{name}");
    v1::Account {
        name: name.to_owned(),
        system_id: name.to_owned(),
        password_hash: hash.unwrap().to_string(),
        api_keys: vec![v1::ApiKey { name: "key".to_owned(), sha256: Sha256::digest(api_key).to_vec() }],
        binds_max: 100,
        window_max: 100,
        durability: v1::Durability::Memory.into(),
        open_messages_max: 1_000_000,
        validity_default_seconds: 3_600,
        delivery_retention_seconds: 3_600,
        ..v1::Account::default()
    }
}

/// A carrier with one bind, impatient in all it does.
pub fn carrier(name: &str, smsc: &Smsc) -> v1::Carrier {
    carrier_at(name, smsc.port())
}

pub fn carrier_at(name: &str, port: u16) -> v1::Carrier {
    v1::Carrier {
        name: name.to_owned(),
        host: "127.0.0.1".to_owned(),
        port: port.into(),
        system_id: name.to_owned(),
        password: PASSWORD.to_owned(),
        binds: 1,
        window_max: 100,
        enquire_link_ms: 60_000,
        response_timeout_ms: 30_000,
        reconnect_initial_ms: 10,
        reconnect_max_ms: 50,
        queue_max: 100_000,
        retry_initial_ms: 10,
        retry_max_ms: 100,
        ..v1::Carrier::default()
    }
}

/// A route for every number, to the carriers in their order.
pub fn route(carriers: &[&str]) -> v1::Route {
    let target = |(priority, carrier): (usize, &&str)| v1::RouteTarget {
        carrier: (*carrier).to_owned(),
        priority: priority as u32,
        weight: 1,
        ..v1::RouteTarget::default()
    };
    v1::Route {
        name: "default".to_owned(),
        targets: carriers.iter().enumerate().map(target).collect(),
        ..v1::Route::default()
    }
}

/// A route for every incoming message.
pub fn incoming_route(account: &str) -> v1::Route {
    v1::Route {
        name: "incoming".to_owned(),
        direction: v1::Direction::Mo.into(),
        to_account: account.to_owned(),
        ..v1::Route::default()
    }
}

/// The account `sample` with one carrier `alpha`.
pub fn sample(smsc: &Smsc) -> v1::Snapshot {
    v1::Snapshot {
        accounts: vec![account("sample")],
        carriers: vec![carrier("alpha", smsc)],
        routes: vec![route(&["alpha"])],
        ..v1::Snapshot::default()
    }
}

/// A listener on a free port of this machine, plain.
pub fn listener(name: &str) -> v1::Listener {
    v1::Listener { name: name.to_owned(), address: "127.0.0.1:0".to_owned(), ..v1::Listener::default() }
}

/// Messages for the API.
pub fn texts(count: usize) -> Vec<v1::NewMessage> {
    let one = |number: usize| v1::NewMessage {
        to: format!("4917{number:07}"),
        from: "40404".to_owned(),
        body: Some(v1::new_message::Body::Text("hello".to_owned())),
        ..v1::NewMessage::default()
    };
    (0..count).map(one).collect()
}

pub fn request(messages: Vec<v1::NewMessage>) -> v1::SubmitRequest {
    v1::SubmitRequest { messages, idempotency_key: String::new() }
}

/// Now, milliseconds since 1970 UTC.
pub fn now_ms() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn kind_name(kind: &v1::event::Kind) -> &'static str {
    use v1::event::Kind;
    match kind {
        Kind::Accepted(_) => "accepted",
        Kind::Sent(_) => "sent",
        Kind::AttemptFailed(_) => "attempt_failed",
        Kind::Final(_) => "final",
        Kind::ReceiptDelivered(_) => "receipt_delivered",
        Kind::MoAccepted(_) => "mo_accepted",
        Kind::MoDelivered(_) => "mo_delivered",
        Kind::Checkpoint(_) => "checkpoint",
        Kind::CarrierLearned(_) => "carrier_learned",
        Kind::PartEnded(_) => "part_ended",
        Kind::Released(_) => "released",
        Kind::ConsentChanged(_) => "consent_changed",
        Kind::Replaced(_) => "replaced",
    }
}

/// The octets of an event, as the journal has them.
pub fn event(kind: v1::event::Kind) -> Vec<u8> {
    v1::Event { kind: Some(kind) }.encode_to_vec()
}
