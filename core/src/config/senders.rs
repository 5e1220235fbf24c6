//! Which source addresses an account may use (Account.senders_allowed, Sender).

use std::collections::HashMap;

use brivas_proto::v1;
use brivas_smpp::pdu::Address;

/// The listed senders of one account.
#[derive(Debug, Default)]
pub(crate) struct Senders {
    /// By the address.
    listed: HashMap<Box<[u8]>, Vec<Numbering>>,
}

/// The type of number and numbering plan that a sender must have, where that is said.
type Numbering = (Option<u32>, Option<u32>);

impl Senders {
    pub(crate) fn add(&mut self, sender: &v1::Sender) {
        let address = plain(sender.address.as_bytes()).into();
        self.listed.entry(address).or_default().push((sender.ton, sender.npi));
    }

    /// Letter case counts; a leading '+' does not.
    pub(crate) fn allow(&self, source: &Address<'_>) -> bool {
        let fits = |wanted: Option<u32>, is: u8| wanted.is_none_or(|wanted| wanted == u32::from(is));
        let kinds = self.listed.get(plain(source.digits));
        kinds.is_some_and(|kinds| {
            kinds.iter().any(|&(ton, npi)| fits(ton, source.ton) && fits(npi, source.npi))
        })
    }
}

fn plain(address: &[u8]) -> &[u8] {
    address.strip_prefix(b"+").unwrap_or(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_its_address_in_its_case_and_its_type_where_that_is_said() {
        let mut senders = Senders::default();
        let sender =
            |address: &str, ton| v1::Sender { address: address.to_owned(), ton, ..v1::Sender::default() };
        senders.add(&sender("Brivas", None));
        senders.add(&sender("+49170", Some(1)));
        let allows = |digits: &[u8], ton| senders.allow(&Address { ton, npi: 0, digits });
        assert!(allows(b"Brivas", 5) && allows(b"Brivas", 0) && allows(b"49170", 1) && allows(b"+49170", 1));
        assert!(!allows(b"BRIVAS", 5) && !allows(b"49170", 2) && !allows(b"", 0));
    }
}
