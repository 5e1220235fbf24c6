//! What would hold a shard up, done on a thread of its own: password hashes and host names.
//!
//! One thread, one bounded queue: a flood of wrong passwords costs at most one core and some refused binds.

use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;

use argon2::{Argon2, PasswordHash, PasswordVerifier};

use crate::shard::{Command, Mailbox};

/// Jobs that wait at most.
const JOBS_MAX: usize = 1_024;

/// One job; its tag comes back with the result.
pub(crate) enum Job {
    /// Does this password have this hash?
    Verify { tag: PasswordTag, password: Vec<u8>, hash: String },
    /// What address has this host?
    Resolve { carrier: u32, bind: u32, host: String, port: u16 },
}

/// What a password is checked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PasswordTag {
    pub(crate) account: u32,
    /// What is remembered if it is right.
    pub(crate) digest: [u8; 32],
}

/// The shard's end.
pub(crate) struct Offload {
    jobs: SyncSender<Job>,
}

impl Offload {
    /// Starts the thread; results go to the mailbox.
    pub(crate) fn start(mailbox: Mailbox) -> std::io::Result<Self> {
        let (jobs, queue) = sync_channel(JOBS_MAX);
        thread::Builder::new().name("offload".into()).spawn(move || run(&queue, &mailbox))?;
        Ok(Self { jobs })
    }

    /// Queues a job; false when there are too many.
    pub(crate) fn submit(&self, job: Job) -> bool {
        !matches!(self.jobs.try_send(job), Err(TrySendError::Full(_) | TrySendError::Disconnected(_)))
    }
}

fn run(queue: &Receiver<Job>, mailbox: &Mailbox) {
    for job in queue {
        let command = match job {
            Job::Verify { tag, password, hash } => {
                let right = PasswordHash::new(&hash)
                    .is_ok_and(|hash| Argon2::default().verify_password(&password, &hash).is_ok());
                Command::PasswordVerified { tag, right }
            }
            Job::Resolve { carrier, bind, host, port } => {
                Command::HostResolved { carrier, bind, result: resolve(&host, port) }
            }
        };
        if mailbox.send(command).is_err() {
            return;
        }
    }
}

fn resolve(host: &str, port: u16) -> Result<SocketAddr, String> {
    let mut addresses = (host, port).to_socket_addrs().map_err(|error| format!("{host}: {error}"))?;
    addresses.next().ok_or_else(|| format!("{host} has no address"))
}
