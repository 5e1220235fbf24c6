//! Septets packed into octets (3GPP TS 23.038 §6.1.2.1), with and without a user data header before them.
//!
//! The first septet behind a header starts at a septet border counted from the header's start
//! (3GPP TS 23.040 §9.2.3.24): the bits up to there are fill. SMPP counts octets, not septets, so that seven
//! bits left over may be a septet or nothing: [`Padding`] says what stands in them.

/// What fills the last octet when exactly seven bits are left over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Padding {
    /// A carriage return, as 3GPP TS 23.038 §6.1.2.3.1 has it for USSD. A text that ends there with a carriage
    /// return of its own gets another one; only a text that ends with two of them, one beyond the border,
    /// loses one when read.
    #[default]
    CarriageReturn,
    /// Zero bits, which are `@` as well: a text whose last `@` ends with the last octet loses it when read.
    Zero,
}

const CARRIAGE_RETURN: u8 = 0x0D;

/// Bits between a header of so many octets (its length octet included) and the next septet border.
pub const fn fill_bits(header_octets: usize) -> usize {
    (7 - header_octets * 8 % 7) % 7
}

/// Octets that these septets take behind so many fill bits, with what the padding adds.
pub fn packed_octets(septets: &[u8], fill_bits: usize, padding: Padding) -> usize {
    if septets.is_empty() {
        return 0;
    }
    let bits = fill_bits + septets.len() * 7;
    let is_doubled = padding == Padding::CarriageReturn
        && bits.is_multiple_of(8)
        && septets.last() == Some(&CARRIAGE_RETURN);
    bits.div_ceil(8) + usize::from(is_doubled)
}

/// Septets that fit behind a header (0: none) into so many octets of user data.
pub const fn capacity(user_data_octets: usize, header_octets: usize) -> usize {
    (user_data_octets * 8).saturating_sub(header_octets * 8) / 7
}

/// Appends septets, packed. The fill bits are zero.
pub fn pack(septets: &[u8], fill_bits: usize, padding: Padding, out: &mut Vec<u8>) {
    if septets.is_empty() {
        return;
    }
    out.reserve(packed_octets(septets, fill_bits, padding));
    let mut writer = Writer { out, bits: 0, count: fill_bits };
    septets.iter().for_each(|&septet| writer.push(septet));
    if padding == Padding::CarriageReturn {
        let ends_on_border = writer.count == 0 && septets.last() == Some(&CARRIAGE_RETURN);
        if writer.count == 1 || ends_on_border {
            writer.push(CARRIAGE_RETURN);
        }
    }
    if writer.count > 0 {
        let last = writer.bits as u8;
        writer.out.push(last);
    }
}

/// Appends the septets that are packed in `octets`, one an octet, without the padding.
pub fn unpack(octets: &[u8], fill_bits: usize, padding: Padding, out: &mut Vec<u8>) {
    let bits = (octets.len() * 8).saturating_sub(fill_bits);
    let start = out.len();
    out.reserve(bits / 7);
    for number in 0..bits / 7 {
        let at = fill_bits + number * 7;
        let low = u16::from(octets[at / 8]);
        let high = octets.get(at / 8 + 1).map_or(0, |&octet| u16::from(octet));
        out.push(((low | high << 8) >> (at % 8)) as u8 & 0x7F);
    }
    let septets = &out[start..];
    let is_padded = match (padding, septets) {
        (_, []) => false,
        (Padding::Zero, [.., last]) => bits.is_multiple_of(7) && *last == 0,
        // The last one ends on the border, or the last but one does, and both are carriage returns.
        (Padding::CarriageReturn, [before @ .., last]) => {
            let border = bits.is_multiple_of(7)
                || (before.last() == Some(&CARRIAGE_RETURN)
                    && (fill_bits + before.len() * 7).is_multiple_of(8));
            border && *last == CARRIAGE_RETURN
        }
    };
    if is_padded {
        out.pop();
    }
}

struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// What is not written yet, lowest bits first.
    bits: u16,
    /// How many bits that is: fewer than 8.
    count: usize,
}

impl Writer<'_> {
    fn push(&mut self, septet: u8) {
        self.bits |= u16::from(septet & 0x7F) << self.count;
        self.count += 7;
        if self.count >= 8 {
            self.out.push(self.bits as u8);
            self.bits >>= 8;
            self.count -= 8;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(septets: &[u8], fill_bits: usize, padding: Padding) -> Vec<u8> {
        let mut out = Vec::new();
        pack(septets, fill_bits, padding, &mut out);
        out
    }

    fn unpacked(octets: &[u8], fill_bits: usize, padding: Padding) -> Vec<u8> {
        let mut out = Vec::new();
        unpack(octets, fill_bits, padding, &mut out);
        out
    }

    #[test]
    fn known_texts_are_packed_as_everywhere() {
        let hello = [0xE8, 0x32, 0x9B, 0xFD, 0x06];
        assert_eq!(packed(b"hello", 0, Padding::Zero), hello);
        assert_eq!(unpacked(&hello, 0, Padding::Zero), b"hello");
        let hellohello = [0xE8, 0x32, 0x9B, 0xFD, 0x46, 0x97, 0xD9, 0xEC, 0x37];
        assert_eq!(packed(b"hellohello", 0, Padding::CarriageReturn), hellohello);
        assert_eq!(unpacked(&hellohello, 0, Padding::CarriageReturn), b"hellohello");
    }

    #[test]
    fn a_header_of_six_octets_is_followed_by_one_fill_bit_and_one_of_seven_by_none() {
        assert_eq!([0, 4, 6, 7, 9, 12].map(fill_bits), [0, 3, 1, 0, 5, 2]);
        assert_eq!(
            [0, 4, 6, 7, 9, 10, 12].map(|header| capacity(140, header)),
            [160, 155, 153, 152, 149, 148, 146]
        );
        // 'h' (0x68) after one fill bit.
        assert_eq!(packed(b"h", 1, Padding::Zero), [0xD0]);
        assert_eq!(unpacked(&[0xD0], 1, Padding::Zero), b"h");
    }

    #[test]
    fn seven_bits_left_over_are_no_septet() {
        let seven = b"1234567";
        for padding in [Padding::Zero, Padding::CarriageReturn] {
            assert_eq!(packed(seven, 0, padding).len(), 7);
            assert_eq!(unpacked(&packed(seven, 0, padding), 0, padding), seven);
        }
        assert_eq!(packed(seven, 0, Padding::CarriageReturn)[6] >> 1, CARRIAGE_RETURN);
        // A carriage return of the text on the border is doubled, and read once.
        let own = b"1234567\r";
        assert_eq!(packed(own, 0, Padding::CarriageReturn).len(), 8);
        assert_eq!(unpacked(&packed(own, 0, Padding::CarriageReturn), 0, Padding::CarriageReturn), own);
        // What the padding cannot tell apart.
        assert_eq!(unpacked(&packed(b"1234567\0", 0, Padding::Zero), 0, Padding::Zero), seven);
    }

    proptest! {
        #[test]
        fn packing_and_unpacking_is_identity(
            septets in prop::collection::vec(0..128u8, 0..170),
            header_octets in 0..20usize,
            zero: bool,
        ) {
            let fill = fill_bits(header_octets);
            let padding = if zero { Padding::Zero } else { Padding::CarriageReturn };
            let octets = packed(&septets, fill, padding);
            let lost = if zero {
                (fill + septets.len() * 7).is_multiple_of(8) && septets.last() == Some(&0)
            } else {
                septets.ends_with(b"\r\r") && (fill + (septets.len() - 1) * 7).is_multiple_of(8)
            };
            let kept = septets.len() - usize::from(lost);
            prop_assert_eq!(unpacked(&octets, fill, padding), &septets[..kept]);
            prop_assert_eq!(octets.len(), packed_octets(&septets, fill, padding));
        }

        #[test]
        fn unpacking_never_panics(octets in prop::collection::vec(any::<u8>(), 0..200), fill in 0..7usize) {
            unpacked(&octets, fill, Padding::Zero);
            unpacked(&octets, fill, Padding::CarriageReturn);
        }
    }
}
