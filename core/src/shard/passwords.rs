//! Passwords that argon2 has to decide, each once for all binds that gave it.
//!
//! A hash takes a tenth of a second, and whoever knows a system_id can ask for one. So an account has one decided at a
//! time: a flood on it leaves the other accounts their turn. And the addresses that an account's passwords come from take
//! turns: a flood from one keeps nobody at another one out.

use std::net::IpAddr;

use brivas_smpp::CommandStatus;

use super::Shard;
use super::binding::Refusal;
use super::connection::ConnectionRef;
use crate::config::Binder;
use crate::offload::{PasswordTag, Verify};

/// Undecided passwords of one account.
const UNDECIDED_MAX: usize = 64;
/// Those of them that came from one address.
const UNDECIDED_BY_ADDRESS_MAX: usize = 16;

/// An account's undecided passwords, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Passwords {
    /// SHA-256 of a process-wide secret and the password that argon2 has already confirmed: a thousand binds of one
    /// account hash slowly once.
    confirmed: Option<[u8; 32]>,
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

    /// Whether a password was confirmed, and is the same.
    pub(super) fn has_confirmed(&self, is_same: impl Fn(&[u8; 32]) -> bool) -> bool {
        self.confirmed.as_ref().is_some_and(is_same)
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
        tag: PasswordTag,
        password: &[u8],
    ) -> Result<(), Refusal> {
        let hash = self.password_hash(tag.binder).to_owned();
        let Some(connection) = self.connections.get(name) else { return Ok(()) };
        let from = connection.peer.ip();
        let waiting = (name, sequence_number);
        let passwords = self.passwords_mut(tag.binder);
        if let Some(same) = passwords.undecided.iter_mut().find(|one| one.digest == tag.digest) {
            same.waiting.push(waiting);
            return Ok(());
        }
        if !passwords.has_room(from) {
            let why = "too many passwords of this account are undecided";
            return Err((CommandStatus::RBINDFAIL, why.into()));
        }
        let job = Some(Verify { tag, password: password.to_vec(), hash });
        passwords.undecided.push(Undecided { digest: tag.digest, from, waiting: vec![waiting], job });
        self.take_up_password(tag.binder);
        Ok(())
    }

    /// Those who wait for this decision; the account's next password is taken up.
    pub(super) fn decided(&mut self, tag: PasswordTag, right: bool) -> Vec<Waiting> {
        let passwords = self.passwords_mut(tag.binder);
        let Some(at) = passwords.undecided.iter().position(|one| one.digest == tag.digest) else {
            return Vec::new();
        };
        let waiting = passwords.undecided.remove(at).waiting;
        if right {
            passwords.confirmed = Some(tag.digest);
        }
        self.take_up_password(tag.binder);
        waiting
    }

    pub(super) fn passwords_mut(&mut self, binder: Binder) -> &mut Passwords {
        match binder {
            Binder::Account(number) => &mut self.accounts[number as usize].passwords,
            Binder::Carrier(number) => &mut self.carriers[number as usize].passwords,
        }
    }

    fn take_up_password(&mut self, binder: Binder) {
        loop {
            let passwords = match binder {
                Binder::Account(number) => &mut self.accounts[number as usize].passwords,
                Binder::Carrier(number) => &mut self.carriers[number as usize].passwords,
            };
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
            let waiting = self.passwords_mut(binder).undecided.remove(at).waiting;
            for (name, sequence_number) in waiting {
                let refusal = (CommandStatus::RBINDFAIL, "too many passwords are undecided".into());
                self.refuse_bind(name, sequence_number, refusal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn undecided(digest: u8, address: [u8; 4]) -> Undecided {
        let tag = PasswordTag { binder: Binder::Account(0), digest: [digest; 32] };
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
