//! Message ids: 64 bits, time-ordered, 16 hexadecimal digits on the wire.
//!
//! From the top: 42 bits of milliseconds since 1970 (until 2109), 8 bits of shard, 14 bits of counter. The id says
//! which partition holds the message, and about when it came. Ids never go back, whatever the wall clock
//! does: a clock that was set back is waited out by counting on.

/// Bits of the counter within a millisecond.
const COUNTER_BITS: u32 = 14;
const SHARD_BITS: u32 = 8;

/// Gives the ids of one shard.
#[derive(Debug)]
pub(crate) struct Ids {
    shard: u64,
    /// Milliseconds and counter of the next id, without the shard.
    next: u64,
}

impl Ids {
    /// Starts behind `last`, the highest id that the journal knows of this shard.
    pub(crate) fn after(shard: u8, last: Option<u64>) -> Self {
        let next = last.map_or(0, |last| {
            let counter = last & ((1 << COUNTER_BITS) - 1);
            (((last >> (COUNTER_BITS + SHARD_BITS)) << COUNTER_BITS) | counter) + 1
        });
        Self { shard: u64::from(shard), next }
    }

    pub(crate) fn give(&mut self, wall_ms: i64) -> u64 {
        let ticket = self.ticket(wall_ms);
        self.next = ticket + 1;
        self.of_ticket(ticket)
    }

    /// The id that `give` would give now.
    pub(crate) fn peek(&self, wall_ms: i64) -> u64 {
        self.of_ticket(self.ticket(wall_ms))
    }

    fn ticket(&self, wall_ms: i64) -> u64 {
        self.next.max((wall_ms.max(0) as u64) << COUNTER_BITS)
    }

    const fn of_ticket(&self, ticket: u64) -> u64 {
        let (milliseconds, counter) = (ticket >> COUNTER_BITS, ticket & ((1 << COUNTER_BITS) - 1));
        (((milliseconds << SHARD_BITS) | self.shard) << COUNTER_BITS) | counter
    }
}

/// When the message of this id was accepted, about: milliseconds since 1970 UTC.
pub(crate) const fn accepted_ms(id: u64) -> i64 {
    (id >> (COUNTER_BITS + SHARD_BITS)) as i64
}

/// The id that is given next after this one, within one round.
pub(crate) const fn following(id: u64) -> u64 {
    let (low, high) = (id & ((1 << COUNTER_BITS) - 1), id >> COUNTER_BITS);
    if low + 1 < 1 << COUNTER_BITS {
        return id + 1;
    }
    // The counter carries over the shard into the milliseconds.
    (high + (1 << SHARD_BITS)) << COUNTER_BITS
}

/// The id as it goes to the wire.
pub(crate) fn hex(id: u64) -> [u8; 16] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0; 16];
    for (pair, octet) in text.chunks_exact_mut(2).zip(id.to_be_bytes()) {
        pair[0] = DIGITS[usize::from(octet >> 4)];
        pair[1] = DIGITS[usize::from(octet & 15)];
    }
    text
}

/// The id as text.
pub(crate) fn text(id: u64) -> String {
    format!("{id:016x}")
}

/// Reads 16 hexadecimal digits.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let digits = text.len() == 16 && text.bytes().all(|octet| octet.is_ascii_hexdigit());
    digits.then(|| u64::from_str_radix(text, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_never_go_back() {
        let mut ids = Ids::after(3, None);
        let mut last = 0;
        for step in 0..100_000_i64 {
            // A clock that runs, stands, and is set back an hour.
            let wall_ms = 1_795_348_800_000 + step / 7 - if step > 50_000 { 3_600_000 } else { 0 };
            let next = ids.peek(wall_ms);
            let id = ids.give(wall_ms);
            assert_eq!(id, next);
            assert!(id > last);
            last = id;
        }
        assert!(Ids::after(3, Some(last)).give(0) > last);
    }

    #[test]
    fn the_following_id_is_the_one_that_is_given() {
        let mut ids = Ids::after(3, None);
        let mut last = ids.give(1_795_348_800_000);
        for _ in 0..40_000 {
            let id = ids.give(1_795_348_800_000);
            assert_eq!(following(last), id);
            last = id;
        }
    }

    #[test]
    fn an_id_tells_its_time_and_shard() {
        let id = Ids::after(7, None).give(1_795_348_800_123);
        assert_eq!(accepted_ms(id), 1_795_348_800_123);
        assert_eq!((id >> COUNTER_BITS) & 0xFF, 7);
        assert_eq!(parse(std::str::from_utf8(&hex(id)).unwrap()), Some(id));
        assert_eq!(text(id).as_bytes(), hex(id));
        assert_eq!(parse("+000000000000001"), None);
    }
}
