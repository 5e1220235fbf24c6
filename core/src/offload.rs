//! What would hold a shard up, done on a thread of its own: password hashes and host names.
//!
//! A thread and a bounded queue for each: a flood of wrong passwords costs at most one core and some refused binds, and a
//! name server that does not answer keeps no customer out.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use argon2::{Argon2, PasswordHash, PasswordVerifier};

use crate::config::Binder;
use crate::shard::{Command, Mailbox};

/// How the addresses of a host name are found.
pub type LookUp = Arc<dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync>;

/// Jobs that wait at most.
const JOBS_MAX: usize = 1_024;

/// Addresses of a host that are tried in turn at most.
const ADDRESSES_MAX: usize = 64;

/// Does this password have this hash? The tag comes back with the answer.
pub(crate) struct Verify {
    pub(crate) tag: PasswordTag,
    pub(crate) password: Vec<u8>,
    pub(crate) hash: String,
}

impl std::fmt::Debug for Verify {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The password is nobody's to read.
        formatter.debug_struct("Verify").field("tag", &self.tag).finish_non_exhaustive()
    }
}

/// What address has this host? It all comes back with the answer.
#[derive(Clone)]
pub(crate) struct Resolve {
    pub(crate) carrier: u32,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// What a password is checked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasswordTag {
    pub(crate) binder: Binder,
    /// What is remembered if it is right.
    pub(crate) digest: [u8; 32],
}

/// The shard's end.
pub(crate) struct Offload {
    passwords: SyncSender<Verify>,
    hosts: SyncSender<Resolve>,
}

impl Offload {
    /// Starts the threads; results go to the mailbox.
    pub(crate) fn start(mailbox: Mailbox, look_up: LookUp) -> io::Result<Self> {
        let passwords = worker("passwords", mailbox.clone(), verify)?;
        let hosts = worker("hosts", mailbox, move |asked| resolve(asked, &look_up))?;
        Ok(Self { passwords, hosts })
    }

    /// Queues a password; false when there are too many.
    pub(crate) fn verify(&self, job: Verify) -> bool {
        self.passwords.try_send(job).is_ok()
    }

    /// Queues a host; false when there are too many.
    pub(crate) fn resolve(&self, job: Resolve) -> bool {
        self.hosts.try_send(job).is_ok()
    }
}

fn worker<Job: Send + 'static>(
    name: &str,
    mailbox: Mailbox,
    work: impl Fn(Job) -> Command + Send + 'static,
) -> io::Result<SyncSender<Job>> {
    let (jobs, queue) = sync_channel(JOBS_MAX);
    let run = move || {
        // An answer waits for room: were it lost, a bind would wait for it for ever.
        for job in queue {
            if mailbox.send_in_turn(work(job)).is_err() {
                return;
            }
        }
    };
    thread::Builder::new().name(name.to_owned()).spawn(run)?;
    Ok(jobs)
}

fn verify(Verify { tag, password, hash }: Verify) -> Command {
    let right = PasswordHash::new(&hash)
        .is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok());
    Command::PasswordVerified { tag, right }
}

fn resolve(asked: Resolve, look_up: &LookUp) -> Command {
    let host = &asked.host;
    let result = look_up(host, asked.port)
        .map_err(|error| format!("{host}: {error}"))
        .map(|addresses| addresses.into_iter().take(ADDRESSES_MAX).collect());
    Command::HostResolved { asked, result }
}

/// All addresses of a host, IPv4 and IPv6, as the system knows them.
pub(crate) fn system_addresses(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    (host, port).to_socket_addrs().map(Iterator::collect)
}
