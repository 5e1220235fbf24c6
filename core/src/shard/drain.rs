//! Ends in order: no new messages, what is under way may end, then unbind everybody.

use tokio::sync::oneshot;

use super::Shard;
use super::connection::Owner;
use crate::notice::Level;

/// Whether and how the shard drains.
#[derive(Debug, Default)]
pub(crate) struct Draining {
    stage: Stage,
    done: Vec<oneshot::Sender<u64>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Off,
    /// Nothing new goes out; what is in flight is waited for.
    Finishing,
    /// Everybody was asked to part.
    Parting,
}

impl Draining {
    /// Whether new messages are refused.
    pub(crate) fn is_on(&self) -> bool {
        self.stage != Stage::Off
    }

    /// Whether queues stand still: what was not sent yet is sent after the restart.
    pub(crate) fn holds_forwarding(&self) -> bool {
        self.is_on()
    }
}

impl Shard {
    pub(super) fn start_drain(&mut self, done: oneshot::Sender<u64>) {
        self.draining.done.push(done);
        if self.draining.stage == Stage::Off {
            self.draining.stage = Stage::Finishing;
        }
        if self.journal.failed().is_some() {
            // What is under way cannot end any more: nothing is gained by waiting for it.
            self.draining.stage = Stage::Parting;
            self.unbind_all();
        }
    }

    /// Looks whether the next stage has come.
    pub(super) fn go_on_draining(&mut self) {
        match self.draining.stage {
            Stage::Off => {}
            Stage::Finishing => {
                let in_flight: u64 = self.carriers.iter().map(|carrier| carrier.in_flight).sum();
                let delivering =
                    self.connections.iter().any(|(_, connection)| connection.session.in_flight() > 0);
                if in_flight == 0 && !delivering && self.commits.is_empty() {
                    self.draining.stage = Stage::Parting;
                    self.unbind_all();
                }
            }
            Stage::Parting => {
                if self.connections.len() == 0 {
                    let open = self.messages.len() as u64;
                    for done in self.draining.done.drain(..) {
                        let _ = done.send(open);
                    }
                }
            }
        }
    }

    fn unbind_all(&mut self) {
        let now_ms = self.clock.now_ms();
        for name in self.connections.names().collect::<Vec<_>>() {
            if let Some(connection) = self.connections.get_mut(name) {
                if let Owner::Stranger = connection.owner {
                    connection.session.close(brivas_smpp::session::CloseReason::Local);
                } else {
                    connection.session.unbind(now_ms);
                }
                self.mark_dirty(name);
            }
        }
    }

    /// The last things of a shard: what can still be written is, and the journal is closed.
    pub(super) fn farewell(mut self) {
        self.write_all();
        if let Err(error) = self.journal.close() {
            self.notices.tell(Level::Error, "journal_failed", vec![("why", error.to_string())]);
        }
    }
}
