//! The content hash: SHA-256 over fields of a fixed or a stated length, so that no two contents run together.

use sha2::{Digest, Sha256};

/// Collects what is hashed. Whoever calls it goes in an order that does not depend on the caller's.
pub(crate) struct ContentHash(Sha256);

impl ContentHash {
    /// `kind` keeps what is of another kind, or of another version of its layout, apart.
    pub(crate) fn new(kind: &[u8]) -> Self {
        let mut hash = Self(Sha256::new());
        hash.octets(kind);
        hash
    }

    pub(crate) fn number(&mut self, number: impl Into<u64>) {
        self.0.update(number.into().to_be_bytes());
    }

    /// A number that may be absent.
    pub(crate) fn optional(&mut self, number: Option<impl Into<u64>>) {
        self.number(u8::from(number.is_some()));
        self.number(number.map_or(0, Into::into));
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.number(octets.len() as u64);
        self.0.update(octets);
    }

    /// A list: its length, then each.
    pub(crate) fn list<T>(&mut self, list: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(list.len() as u64);
        for item in list {
            each(self, item);
        }
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
