//! What a message is changed to on its way to a carrier: its sender, and TLVs that the carrier demands.
//!
//! Registration ids are the usual case: in India a carrier wants the ids of entity and template in TLVs of its own. A
//! route has its changes, a target may have others; the builder lays the target's over the route's once, so that the
//! engine reads one list that is ready.

use std::collections::BTreeMap;

use crate::content::ContentHash;

/// What is changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rewrite {
    /// The sender to send with, instead of the message's own.
    pub sender: Option<SenderAddress>,
    /// TLVs to add. In a built table: by tag, each tag once.
    pub tlvs: Vec<AddedTlv>,
}

/// A source address (SMPP 5.0 §4.7.1, §4.7.2, §4.7.29).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SenderAddress {
    /// source_addr_ton.
    pub ton: u8,
    /// source_addr_npi.
    pub npi: u8,
    /// source_addr, without the NUL.
    pub address: Vec<u8>,
}

/// One TLV to add.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddedTlv {
    /// Its tag; carriers' own are 0x1400 to 0x3FFF (SMPP 5.0 §4.8.1).
    pub tag: u16,
    /// Its value, as it goes out.
    pub value: Vec<u8>,
    /// Whether the message's own TLV of this tag stays, where it has one; else it is replaced.
    pub keep_own: bool,
}

impl Rewrite {
    /// What is wrong with it, in words.
    pub(crate) fn mistake(&self) -> Option<String> {
        if let Some(sender) = &self.sender {
            let octets = sender.address.len();
            if octets == 0 || octets > SENDER_OCTETS_MAX || sender.address.contains(&0) {
                let shown = String::from_utf8_lossy(&sender.address);
                return Some(format!(
                    "sender {shown:?}; hint: 1 to {SENDER_OCTETS_MAX} octets without NUL (SMPP 5.0 §4.7.29)"
                ));
            }
        }
        if self.tlvs.len() > TLVS_MAX {
            return Some(format!("{} TLVs; hint: at most {TLVS_MAX}", self.tlvs.len()));
        }
        for (position, tlv) in self.tlvs.iter().enumerate() {
            if tlv.value.len() > TLV_OCTETS_MAX {
                let octets = tlv.value.len();
                return Some(format!(
                    "TLV {:#06x} of {octets} octets; hint: at most {TLV_OCTETS_MAX}",
                    tlv.tag
                ));
            }
            if self.tlvs[..position].iter().any(|other| other.tag == tlv.tag) {
                return Some(format!("TLV {:#06x} stands twice; hint: remove one", tlv.tag));
            }
        }
        None
    }

    pub(crate) fn hash(&self, hash: &mut ContentHash) {
        hash.number(u8::from(self.sender.is_some()));
        if let Some(sender) = &self.sender {
            hash.number(sender.ton);
            hash.number(sender.npi);
            hash.octets(&sender.address);
        }
        hash.list(&self.tlvs, |hash, tlv| {
            hash.number(tlv.tag);
            hash.octets(&tlv.value);
            hash.number(u8::from(tlv.keep_own));
        });
    }

    /// These changes where they say something, else those below.
    pub(crate) fn over(&self, below: &Self) -> Self {
        let tlvs: BTreeMap<u16, &AddedTlv> =
            below.tlvs.iter().chain(&self.tlvs).map(|tlv| (tlv.tag, tlv)).collect();
        Self {
            sender: self.sender.clone().or_else(|| below.sender.clone()),
            tlvs: tlvs.into_values().cloned().collect(),
        }
    }
}

/// The longest source address (SMPP 5.0 §4.7.29: 21 octets with the NUL).
pub const SENDER_OCTETS_MAX: usize = 20;
/// The most TLVs that a rewrite adds.
pub const TLVS_MAX: usize = 16;
/// The longest value of an added TLV.
pub const TLV_OCTETS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u16, value: &str) -> AddedTlv {
        AddedTlv { tag, value: value.into(), keep_own: false }
    }

    #[test]
    fn a_targets_changes_lie_over_the_routes_tag_by_tag() {
        let sender = SenderAddress { ton: 5, npi: 0, address: b"ACME".to_vec() };
        let route =
            Rewrite { sender: Some(sender.clone()), tlvs: vec![tlv(0x1401, "template"), tlv(0x1400, "a")] };
        let target = Rewrite { sender: None, tlvs: vec![tlv(0x1402, "c"), tlv(0x1400, "b")] };
        let merged = Rewrite {
            sender: Some(sender),
            tlvs: vec![tlv(0x1400, "b"), tlv(0x1401, "template"), tlv(0x1402, "c")],
        };
        assert_eq!(target.over(&route), merged);
    }

    #[test]
    fn a_rewrite_past_the_limits_is_a_mistake() {
        let sender = |address: &[u8]| Rewrite {
            sender: Some(SenderAddress { ton: 0, npi: 0, address: address.to_vec() }),
            tlvs: vec![],
        };
        let tlvs = |tlvs| Rewrite { sender: None, tlvs };
        for wrong in [
            sender(b""),
            sender(b"a\0b"),
            sender(&[b'1'; SENDER_OCTETS_MAX + 1]),
            tlvs(vec![tlv(0x1400, "a"), tlv(0x1400, "b")]),
            tlvs(vec![tlv(0x1400, &"a".repeat(TLV_OCTETS_MAX + 1))]),
            tlvs((0..=TLVS_MAX as u16).map(|tag| tlv(0x1400 + tag, "")).collect()),
        ] {
            assert!(wrong.mistake().is_some_and(|what| what.contains("hint: ")), "{wrong:?}");
        }
        assert_eq!(sender(&[b'1'; SENDER_OCTETS_MAX]).mistake(), None);
        assert_eq!(tlvs((0..TLVS_MAX as u16).map(|tag| tlv(0x1400 + tag, "")).collect()).mistake(), None);
    }
}
