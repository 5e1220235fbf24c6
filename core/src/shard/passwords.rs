//! Passwords that argon2 has to decide, each once for all binds that gave it.
//!
//! A hash takes a tenth of a second, and whoever knows a system_id can ask for one. So an account has one decided at a
//! time: a flood on it leaves the other accounts their turn. And the addresses that an account's passwords come from take
//! turns: a flood from one keeps nobody at another one out.

use std::net::IpAddr;

use brivas_smpp::CommandStatus;

use super::Shard;
use super::connection::ConnectionRef;
use super::customers::Refusal;
use crate::offload::{PasswordTag, Verify};

/// Undecided passwords of one account.
const UNDECIDED_MAX: usize = 64;
/// Those of them that came from one address.
const UNDECIDED_BY_ADDRESS_MAX: usize = 16;

/// An account's undecided passwords, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Passwords {
    undecided: Vec<Undecided>,
    /// Where the one came from that was taken up last.
    last_from: Option<IpAddr>,
}

#[derive(Debug)]
struct Undecided {
    digest: [u8; 32],
    from: IpAddr,
    /// Their binds' connections and sequence numbers.
    waiting: Vec<Waiting>,
    /// None: it is being decided.
    job: Option<Verify>,
}

/// A connection that waits for its bind to be decided, and the bind's sequence number.
type Waiting = (ConnectionRef, u32);

impl Passwords {
    /// Which one to take up: that of another address than the last, if there is one; None while one is being decided.
    fn next(&self) -> Option<usize> {
        if self.undecided.iter().any(|one| one.job.is_none()) {
            return None;
        }
        let of_another = self.undecided.iter().position(|one| Some(one.from) != self.last_from);
        of_another.or((!self.undecided.is_empty()).then_some(0))
    }

    fn has_room(&self, from: IpAddr) -> bool {
        let by_address = self.undecided.iter().filter(|one| one.from == from).count();
        self.undecided.len() < UNDECIDED_MAX && by_address < UNDECIDED_BY_ADDRESS_MAX
    }
}

impl Shard {
    /// Puts a bind's password in line.
    pub(super) fn ask_password(
        &mut self,
        name: ConnectionRef,
        sequence_number: u32,
        number: u32,
        digest: [u8; 32],
        password: &[u8],
    ) -> Result<(), Refusal> {
        let account = &mut self.accounts[number as usize];
        let (Some(connection), Some(config)) = (self.connections.get(name), &account.config) else {
            return Ok(());
        };
        let waiting = (name, sequence_number);
        if let Some(same) = account.passwords.undecided.iter_mut().find(|one| one.digest == digest) {
            same.waiting.push(waiting);
            return Ok(());
        }
        let from = connection.peer.ip();
        if !account.passwords.has_room(from) {
            return Err((CommandStatus::RBINDFAIL, "too many passwords of this account are undecided"));
        }
        let job = Verify {
            tag: PasswordTag { account: number, digest },
            password: password.to_vec(),
            hash: config.spec.password_hash.clone(),
        };
        account.passwords.undecided.push(Undecided { digest, from, waiting: vec![waiting], job: Some(job) });
        self.take_up_password(number);
        Ok(())
    }

    /// Those who wait for this decision; the account's next password is taken up.
    pub(super) fn decided(&mut self, tag: PasswordTag, right: bool) -> Vec<Waiting> {
        let account = &mut self.accounts[tag.account as usize];
        let undecided = &mut account.passwords.undecided;
        let Some(at) = undecided.iter().position(|one| one.digest == tag.digest) else { return Vec::new() };
        let waiting = undecided.remove(at).waiting;
        if right {
            account.confirmed_password = Some(tag.digest);
        }
        self.take_up_password(tag.account);
        waiting
    }

    fn take_up_password(&mut self, number: u32) {
        loop {
            let passwords = &mut self.accounts[number as usize].passwords;
            let Some(at) = passwords.next() else { return };
            let one = &mut passwords.undecided[at];
            let connections = &self.connections;
            one.waiting.retain(|(name, _)| connections.get(*name).is_some());
            if one.waiting.is_empty() {
                passwords.undecided.remove(at);
                continue;
            }
            passwords.last_from = Some(one.from);
            let Some(job) = one.job.take() else { return };
            if self.offload.verify(job) {
                return;
            }
            // As many accounts wait as may.
            let waiting = passwords.undecided.remove(at).waiting;
            for (name, sequence_number) in waiting {
                let refusal = (CommandStatus::RBINDFAIL, "too many passwords are undecided");
                self.refuse_bind(name, sequence_number, refusal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undecided(digest: u8, address: [u8; 4]) -> Undecided {
        let tag = PasswordTag { account: 0, digest: [digest; 32] };
        let job = Some(Verify { tag, password: Vec::new(), hash: String::new() });
        Undecided { digest: tag.digest, from: address.into(), waiting: Vec::new(), job }
    }

    /// Takes up all, one after the other: their digests.
    fn order(passwords: &mut Passwords) -> Vec<u8> {
        std::iter::from_fn(|| {
            let one = passwords.undecided.remove(passwords.next()?);
            passwords.last_from = Some(one.from);
            Some(one.digest[0])
        })
        .collect()
    }

    const FLOOD: [u8; 4] = [192, 0, 2, 1];
    const OWNER: [u8; 4] = [192, 0, 2, 2];

    #[test]
    fn addresses_take_turns() {
        let all = [(1, FLOOD), (2, FLOOD), (3, FLOOD), (4, OWNER), (5, FLOOD), (6, OWNER)];
        let mut passwords = Passwords::default();
        passwords.undecided.extend(all.map(|(digest, from)| undecided(digest, from)));
        assert_eq!(order(&mut passwords), [1, 4, 2, 6, 3, 5]);
    }

    #[test]
    fn one_is_decided_at_a_time() {
        let mut passwords = Passwords::default();
        passwords.undecided.extend([undecided(1, FLOOD), undecided(2, OWNER)]);
        assert_eq!(passwords.next(), Some(0));
        passwords.undecided[0].job = None;
        assert_eq!(passwords.next(), None);
    }

    #[test]
    fn a_flood_from_one_address_leaves_room_for_others() {
        let mut passwords = Passwords::default();
        while passwords.has_room(FLOOD.into()) {
            passwords.undecided.push(undecided(1, FLOOD));
        }
        assert_eq!(passwords.undecided.len(), UNDECIDED_BY_ADDRESS_MAX);
        assert!(passwords.has_room(OWNER.into()));
        passwords.undecided.extend((0..UNDECIDED_MAX).map(|_| undecided(2, OWNER)));
        assert!(!passwords.has_room([192, 0, 2, 3].into()));
    }
}
