//! Reads ported numbers from CSV: one `number,network` a line, in any order.
//!
//! The number is E.164 with or without '+', the network as [`Network::parse`] reads it; further columns are of no
//! interest. The first line may be a header. The reader is read once, in pieces: besides the table it costs eight octets
//! a line while it loads, which are given back as the table fills.

use std::collections::HashMap;
use std::io::{self, BufRead, Read};

use sha2::{Digest, Sha256};

use super::PortedNumbers;
use crate::network::Network;
use crate::slots::{Slots, VALUES_MAX, integer};

/// The most numbers of a table.
pub const PORTED_MAX: usize = 100_000_000;
/// The most networks of a table.
pub const PORTED_NETWORKS_MAX: usize = VALUES_MAX;
/// The longest line, its end included.
pub const PORTED_LINE_OCTETS_MAX: usize = 1_024;

/// Why a file of ported numbers is not one.
#[derive(Debug)]
#[non_exhaustive]
#[expect(missing_docs, reason = "the fields are named by the sentence of their variant")]
pub enum PortedError {
    /// The reader failed.
    Read { line: u64, error: io::Error },
    /// A line past [`PORTED_LINE_OCTETS_MAX`].
    LongLine { line: u64 },
    /// A line without a comma.
    Columns { line: u64 },
    /// Not a number.
    Number { line: u64, value: String },
    /// Not a network.
    Network { line: u64, value: String },
    /// A number that an earlier line gives to another network.
    Conflict { line: u64, number: u64, network: Network, before: Network },
    /// More than [`PORTED_MAX`] numbers.
    TooMany { line: u64 },
    /// More than [`PORTED_NETWORKS_MAX`] networks.
    TooManyNetworks { line: u64 },
}

impl PortedNumbers {
    /// Reads a file to its end. A number may stand twice if it is in the same network both times.
    ///
    /// # Errors
    /// The first line that is wrong.
    pub fn load(reader: impl BufRead) -> Result<Self, PortedError> {
        Self::load_at_most(reader, PORTED_MAX)
    }

    fn load_at_most(reader: impl BufRead, max: usize) -> Result<Self, PortedError> {
        let mut loading = Loading { reader, hasher: Sha256::new(), line: 0, text: Vec::new() };
        let mut networks = Networks::default();
        let mut chunks: Vec<Vec<u64>> = Vec::new();
        let mut count = 0;
        let mut first_line = 1;
        while loading.next_line()? {
            let line = loading.line;
            let text = loading.text.trim_ascii_end();
            let text = if line == 1 { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) } else { text };
            if line == 1 && !text.first().is_some_and(|first| first.is_ascii_digit() || *first == b'+') {
                first_line = 2;
                continue;
            }
            if count == max {
                return Err(PortedError::TooMany { line });
            }
            if count % CHUNK == 0 {
                chunks.push(Vec::with_capacity(CHUNK));
            }
            count += 1;
            let word = word(text, line, &mut networks)?;
            if let Some(chunk) = chunks.last_mut() {
                chunk.push(word);
            }
        }
        let mut slots = Slots::with_capacity(count);
        let mut line = first_line;
        for chunk in chunks {
            for word in chunk {
                let (number, index) = (word >> INDEX_BITS, (word & INDEX_MASK) as u16);
                if let Some(before) = slots.insert(number, index).filter(|&before| before != index) {
                    let network = |index: u16| networks.list[usize::from(index)];
                    let (network, before) = (network(index), network(before));
                    return Err(PortedError::Conflict { line, number, network, before });
                }
                line += 1;
            }
        }
        let content_hash = loading.hasher.finalize().into();
        Ok(Self { slots, networks: networks.list.into(), content_hash })
    }
}

/// The file as it is read.
struct Loading<R> {
    reader: R,
    hasher: Sha256,
    /// The number of the line in `text`, from 1.
    line: u64,
    text: Vec<u8>,
}

impl<R: BufRead> Loading<R> {
    /// Reads the next line; false at the end. Blank lines may only stand at the end: a line's number is the number of
    /// the entries before it, for messages about entries that were read long ago.
    fn next_line(&mut self) -> Result<bool, PortedError> {
        self.line += 1;
        self.text.clear();
        let line = self.line;
        let mut bounded = Read::take(&mut self.reader, PORTED_LINE_OCTETS_MAX as u64 + 1);
        bounded.read_until(b'\n', &mut self.text).map_err(|error| PortedError::Read { line, error })?;
        if self.text.len() > PORTED_LINE_OCTETS_MAX {
            return Err(PortedError::LongLine { line });
        }
        self.hasher.update(&self.text);
        if self.text.is_empty() {
            return Ok(false);
        }
        if self.text.trim_ascii().is_empty() {
            return self.only_blank_lines();
        }
        Ok(true)
    }

    fn only_blank_lines(&mut self) -> Result<bool, PortedError> {
        let blank = self.line;
        loop {
            let rest = self.reader.fill_buf().map_err(|error| PortedError::Read { line: blank, error })?;
            if rest.is_empty() {
                return Ok(false);
            }
            if !rest.trim_ascii().is_empty() {
                return Err(PortedError::Columns { line: blank });
            }
            self.hasher.update(rest);
            let length = rest.len();
            self.reader.consume(length);
        }
    }
}

/// The networks of a file, each once.
#[derive(Default)]
struct Networks {
    list: Vec<Network>,
    indices: HashMap<Network, u16>,
}

impl Networks {
    fn index(&mut self, network: Network, line: u64) -> Result<u16, PortedError> {
        if let Some(&index) = self.indices.get(&network) {
            return Ok(index);
        }
        if self.list.len() == PORTED_NETWORKS_MAX {
            return Err(PortedError::TooManyNetworks { line });
        }
        let index = self.list.len() as u16;
        self.list.push(network);
        self.indices.insert(network, index);
        Ok(index)
    }
}

/// One entry: the number above, the index of its network below.
fn word(text: &[u8], line: u64, networks: &mut Networks) -> Result<u64, PortedError> {
    let mut columns = text.split(|&octet| octet == b',').map(<[u8]>::trim_ascii);
    let (Some(number), Some(network)) = (columns.next(), columns.next()) else {
        return Err(PortedError::Columns { line });
    };
    let shown = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let Some(number) = integer(number.strip_prefix(b"+").unwrap_or(number)) else {
        return Err(PortedError::Number { line, value: shown(number) });
    };
    let Some(network) = std::str::from_utf8(network).ok().and_then(Network::parse) else {
        return Err(PortedError::Network { line, value: shown(network) });
    };
    Ok(number << INDEX_BITS | u64::from(networks.index(network, line)?))
}

impl std::fmt::Display for PortedError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Read { line, error } => {
                write!(formatter, "line {line}: {error}; hint: check that the file can be read to its end")
            }
            Self::LongLine { line } => write!(
                formatter,
                "line {line}: longer than {PORTED_LINE_OCTETS_MAX} octets; hint: one number,network a line"
            ),
            Self::Columns { line } => {
                write!(formatter, "line {line}: not two columns; hint: number,network with a comma between")
            }
            Self::Number { line, value } => write!(
                formatter,
                "line {line}: number {value:?}; hint: up to 15 digits with the country code first"
            ),
            Self::Network { line, value } => {
                write!(formatter, "line {line}: network {value:?}; hint: MCC and MNC, as 234-15 or 23415")
            }
            Self::Conflict { line, number, network, before } => write!(
                formatter,
                "line {line}: {number} is in {network} here and in {before} before; hint: keep the newer line"
            ),
            Self::TooMany { line } => {
                write!(formatter, "line {line}: too many numbers; hint: at most {PORTED_MAX}")
            }
            Self::TooManyNetworks { line } => {
                write!(formatter, "line {line}: too many networks; hint: at most {PORTED_NETWORKS_MAX}")
            }
        }
    }
}

impl std::error::Error for PortedError {}

const CHUNK: usize = 1 << 20;
const INDEX_BITS: u32 = 14;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

// An index fits into its bits.
const _: () = assert!(PORTED_NETWORKS_MAX <= 1 << INDEX_BITS);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_takes_as_many_numbers_as_it_may_and_no_more() {
        let file = b"441,234-15\n442,234-15\n443,234-15\n";
        assert!(PortedNumbers::load_at_most(&file[..], 3).is_ok());
        assert!(matches!(PortedNumbers::load_at_most(&file[..], 2), Err(PortedError::TooMany { line: 3 })));
    }
}
