//! Zigzag varints as Kafka's records use them (the same wire form as protobuf's `sint64`), always in their
//! shortest form.

/// Octets that the longest varlong takes.
pub(crate) const VARLONG_BYTES_MAX: usize = 10;

/// Writes `value` at `at`; the position after it. `buffer` must have ten octets from there.
#[inline]
pub(crate) fn put(buffer: &mut [u8], mut at: usize, value: i64) -> usize {
    let mut rest = zigzag(value);
    while rest >= 0x80 {
        buffer[at] = rest as u8 | 0x80;
        rest >>= 7;
        at += 1;
    }
    buffer[at] = rest as u8;
    at + 1
}

/// Octets that `value` takes.
#[inline]
pub(crate) fn size(value: i64) -> usize {
    // Seven bits an octet; the `| 1` makes zero take one octet.
    (70 - (zigzag(value) | 1).leading_zeros() as usize) / 7
}

/// Reads a varint at `at`: its value and the position after it; none when it is cut or longer than ten
/// octets.
#[inline]
pub(crate) fn take(buffer: &[u8], mut at: usize) -> Option<(i64, usize)> {
    let first = *buffer.get(at)?;
    at += 1;
    if first < 0x80 {
        return Some((unzigzag(u64::from(first)), at));
    }
    let mut raw = u64::from(first & 0x7f);
    for shift in (7..70).step_by(7) {
        let octet = *buffer.get(at)?;
        at += 1;
        raw |= u64::from(octet & 0x7f) << shift;
        if octet < 0x80 {
            return Some((unzigzag(raw), at));
        }
    }
    None
}

#[inline]
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

#[inline]
fn unzigzag(raw: u64) -> i64 {
    (raw >> 1) as i64 ^ -((raw & 1) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values_have_their_wire_form() {
        for (value, wire) in [
            (0i64, &[0u8][..]),
            (-1, &[1]),
            (1, &[2]),
            (63, &[0x7e]),
            (64, &[0x80, 0x01]),
            (-65, &[0x81, 0x01]),
            (8191, &[0xfe, 0x7f]),
            (8192, &[0x80, 0x80, 0x01]),
        ] {
            let mut buffer = [0u8; VARLONG_BYTES_MAX];
            let end = put(&mut buffer, 0, value);
            assert_eq!(&buffer[..end], wire, "{value}");
        }
    }

    #[test]
    fn a_varint_that_never_ends_is_refused() {
        assert_eq!(take(&[0xff; 20], 0), None);
        assert_eq!(take(&[0x80], 0), None);
        assert_eq!(take(&[], 0), None);
    }

    proptest! {
        #[test]
        fn take_undoes_put_and_size_tells_the_length(value in any::<i64>(), shift in 0u32..64) {
            let value = value >> shift;
            let mut buffer = [0u8; VARLONG_BYTES_MAX];
            let end = put(&mut buffer, 0, value);
            prop_assert_eq!(end, size(value));
            prop_assert_eq!(take(&buffer, 0), Some((value, end)));
        }
    }
}
