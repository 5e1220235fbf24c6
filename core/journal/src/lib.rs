//! The durable log of one partition: Kafka record batches (message format v2) in segment files.
//!
//! One process writes a partition. [`Journal::open`] locks the folder and recovers it, [`Journal::replay`]
//! streams what is there, [`Journal::start`] splits it into an [`Appender`], which a shard thread owns, and
//! [`Reader`]s for everybody else. The appender only encodes into memory; one writer thread fills in headers
//! and checksums, writes, and syncs. A record is durable once its offset is below [`Progress::durable`]. A
//! failed write or sync ends the journal for good.
//!
//! Layers, each a module: file system, batch format, segments and their zones, scanning, recovery, writing,
//! reading. The engine calls this crate; it knows no protobuf, no message and no clock.

mod appender;
mod batch;
mod commit;
mod config;
mod error;
#[cfg(any(test, feature = "faults"))]
mod faulty_fs;
mod file_system;
mod journal;
mod layout;
mod mark;
mod meta;
mod reader;
mod real_fs;
mod recovery;
mod scan;
mod segment;
mod shared;
mod stats;
mod varint;
mod writer;

pub use appender::Appender;
pub use batch::{Record, RecordRef};
pub use config::{JournalConfig, Recovery, VALUE_BYTES_MAX};
pub use error::JournalError;
#[cfg(any(test, feature = "faults"))]
pub use faulty_fs::{FaultyFs, Hold};
pub use file_system::{File, FileSystem, LockGuard};
pub use journal::{Journal, ReplayReport};
pub use reader::Reader;
pub use real_fs::RealFs;
pub use recovery::{Damage, RecoveryReport};
pub use shared::{Progress, SegmentSpan, Wake};
pub use stats::Stats;
