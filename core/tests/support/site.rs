//! Several carriers that take whatever comes, each on a thread of its own, and tell what they got.

use std::sync::mpsc::{Receiver, channel};

use brivas_proto::v1;
use brivas_smpp::CommandStatus;

use super::{PATIENCE, Said, Smsc, World, account, carrier};

/// What one of the carriers got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Got {
    pub carrier: String,
    pub to: String,
    pub from: String,
    pub text: Vec<u8>,
    pub tlvs: Vec<u8>,
}

/// A world whose carriers take messages.
pub struct Site {
    pub world: World,
    pub snapshot: v1::Snapshot,
    got: Receiver<Got>,
}

impl Site {
    /// Accounts and carriers of these names; routes, rules and more by `more`. All carriers are bound.
    pub fn new(accounts: &[&str], carriers: &[&str], more: v1::Snapshot) -> Self {
        let world = World::new();
        let (sender, got) = channel();
        let smscs: Vec<Smsc> = carriers.iter().map(|_| Smsc::new()).collect();
        let snapshot = v1::Snapshot {
            accounts: accounts.iter().map(|name| account(name)).collect(),
            carriers: carriers.iter().zip(&smscs).map(|(name, smsc)| carrier(name, smsc)).collect(),
            ..more
        };
        world.apply(&snapshot);
        for (name, smsc) in carriers.iter().zip(smscs) {
            let (name, sender, mut peer) = ((*name).to_owned(), sender.clone(), smsc.accept());
            std::thread::spawn(move || {
                let _listens = smsc;
                let mut count = 0;
                while let Some(said) = peer.hear_within(PATIENCE * 10) {
                    match said {
                        Said::Message { sequence_number, to, from, text, tlvs, .. } => {
                            count += 1;
                            peer.answer(sequence_number, CommandStatus::ROK, &format!("{name}-{count}"));
                            let got = Got { carrier: name.clone(), to, from, text, tlvs };
                            if sender.send(got).is_err() {
                                return;
                            }
                        }
                        Said::Closed => return,
                        _ => {}
                    }
                }
            });
        }
        let site = Self { world, snapshot, got };
        site.world.until("all carriers are up", |world| {
            world.stats().carriers.iter().all(|carrier| carrier.binds_up == carrier.binds_wanted)
        });
        site
    }

    /// The next message that a carrier got.
    #[track_caller]
    pub fn hear(&self) -> Got {
        self.got.recv_timeout(PATIENCE).expect("a carrier gets something in time")
    }

    /// Puts another configuration in force.
    pub fn change(&mut self, change: impl FnOnce(&mut v1::Snapshot)) {
        change(&mut self.snapshot);
        self.world.apply(&self.snapshot);
    }

    pub fn explain(&self, request: v1::ExplainRequest) -> v1::ExplainResponse {
        self.world.control(async |mut client| client.explain(request).await).unwrap()
    }
}
