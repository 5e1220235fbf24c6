//! The engine: carries messages between customers and carriers over SMPP, durably.
//!
//! One shard thread does the work; one thread writes the journal; one hashes passwords, one looks up hosts; one serves
//! gRPC. No Python anywhere. [`Engine::start`] recovers what was open, then listens.

mod census;
mod clock;
mod config;
mod engine;
mod error;
mod event;
mod facts;
mod grpc;
mod id;
mod notice;
mod offload;
mod options;
mod route_bench;
mod shard;
mod texts;
mod throttle;
mod trace;
mod transport;

pub use census::Census;
pub use config::check_serialized as check_serialized_snapshot;
pub use engine::{Addresses, Engine};
pub use error::EngineError;
pub use notice::{Level, Notice};
pub use offload::LookUp;
pub use options::{EngineOptions, OPEN_BYTES, RETENTION_BYTES, SEGMENT_BYTES};
pub use route_bench::{RouteBench, RouteBenchFacts, RouteBenchOptions, RouteBenchRound};
pub use texts::{TextCost, decode_text, plan_text};
pub use trace::describe_pdu;
pub use transport::{Misfit, check_carrier_tls, check_listener_tls};
