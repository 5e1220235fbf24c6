//! Message ids that a carrier writes one way in submit_sm_resp and another way in its receipts.
//!
//! Until it is known how, [`id_forms`] says which ids a receipt may mean; the pairs that match so teach an [`IdQuirk`].
//! With it each id has one key, and a receipt is found with one look.

/// Octets of an id that are looked at; a conforming one has 64 at most (SMPP 3.4 §5.2.23).
const ID_OCTETS_MAX: usize = 128;
/// [`id_forms`] has at most so many.
const FORMS_MAX: usize = 16;

/// An id, or what it may mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct IdText {
    length: u8,
    octets: [u8; ID_OCTETS_MAX],
}

impl IdText {
    const EMPTY: Self = Self { length: 0, octets: [0; ID_OCTETS_MAX] };

    /// What is beyond the 128th octet is cut, on both sides alike.
    fn new(octets: impl IntoIterator<Item = u8>) -> Self {
        let mut text = Self::EMPTY;
        for (place, octet) in text.octets.iter_mut().zip(octets) {
            *place = octet;
            text.length += 1;
        }
        text
    }

    /// A number in a radix of up to 16, with zeros before it up to `width`.
    fn number(mut number: u128, radix: u128, width: usize, digits: &[u8; 16]) -> Self {
        let mut reversed = [b'0'; ID_OCTETS_MAX];
        let mut length = 0;
        while number > 0 || length == 0 {
            reversed[length] = digits[(number % radix) as usize];
            number /= radix;
            length += 1;
        }
        let length = length.max(width);
        Self::new(reversed[..length].iter().rev().copied())
    }

    /// The octets.
    pub fn octets(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }
}

impl std::fmt::Debug for IdText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(&String::from_utf8_lossy(self.octets()), formatter)
    }
}

/// What an id may mean, each once.
#[derive(Clone, Copy, Debug)]
pub struct IdForms {
    forms: [IdText; FORMS_MAX],
    length: usize,
}

impl IdForms {
    /// The id itself first, then from the likely to the far-fetched.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.forms[..self.length].iter().map(IdText::octets)
    }

    fn add(&mut self, form: IdText) {
        if self.length < FORMS_MAX && form.length > 0 && !self.forms[..self.length].contains(&form) {
            self.forms[self.length] = form;
            self.length += 1;
        }
    }
}

/// What the other side may have called the message of this id: the same, in other letters, without or with leading
/// zeros, in hexadecimal or decimal, with or without a UUID's dashes. Bounded, and nothing is allocated.
pub fn id_forms(raw: &[u8]) -> IdForms {
    let raw = trim(raw);
    let mut forms = IdForms { forms: [IdText::EMPTY; FORMS_MAX], length: 0 };
    forms.add(IdText::new(raw.iter().copied()));
    forms.add(lower(raw));
    forms.add(IdText::new(raw.iter().map(u8::to_ascii_uppercase)));
    forms.add(lower(without_zeros(raw)));
    if let Some(number) = number(raw, 10) {
        forms.add(IdText::number(number, 16, 0, LOWER));
        forms.add(IdText::number(number, 16, 0, UPPER));
        forms.add(IdText::number(number, 16, 8, LOWER));
        forms.add(IdText::number(number, 16, 8, UPPER));
        forms.add(IdText::number(number, 16, 16, LOWER));
        forms.add(IdText::number(number, 10, 8, LOWER));
        forms.add(IdText::number(number, 10, 10, LOWER));
    }
    if let Some(number) = number(raw, 16) {
        forms.add(IdText::number(number, 10, 0, LOWER));
        forms.add(IdText::number(number, 10, 10, LOWER));
        forms.add(IdText::number(number, 16, 8, LOWER));
        forms.add(IdText::number(number, 16, 8, UPPER));
    }
    forms.add(without_dashes(raw));
    forms
}

/// How the id of a receipt comes from the id of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdQuirk {
    /// It is the same.
    Same,
    /// In other letters.
    Case,
    /// With other zeros before it, or none; in any letters.
    Zeros,
    /// The response has it in hexadecimal, the receipt in decimal.
    HexadecimalToDecimal,
    /// The response has it in decimal, the receipt in hexadecimal.
    DecimalToHexadecimal,
    /// A UUID, with and without dashes; in any letters.
    Dashes,
}

impl IdQuirk {
    /// All, the plain before the far-fetched.
    pub const ALL: [Self; 6] = [
        Self::Same,
        Self::Case,
        Self::Zeros,
        Self::HexadecimalToDecimal,
        Self::DecimalToHexadecimal,
        Self::Dashes,
    ];

    /// The plainest that explains every pair of an id in a response and one in its receipt. None: there is no pair, or
    /// none explains them all. A few pairs are better than one: small numbers are the same in every way.
    pub fn learn<'a>(pairs: impl IntoIterator<Item = (&'a [u8], &'a [u8]), IntoIter: Clone>) -> Option<Self> {
        let pairs = pairs.into_iter();
        pairs.clone().next()?;
        Self::ALL
            .into_iter()
            .find(|quirk| pairs.clone().all(|(response, receipt)| quirk.matches(response, receipt)))
    }

    /// Whether a receipt's id means the message of a response's id.
    pub fn matches(self, response: &[u8], receipt: &[u8]) -> bool {
        self.response_key(response) == self.receipt_key(receipt)
    }

    /// The key of an id in a response: equal to that of the receipt.
    pub fn response_key(self, id: &[u8]) -> IdText {
        self.key(id, if self == Self::HexadecimalToDecimal { 16 } else { 10 })
    }

    /// The key of an id in a receipt.
    pub fn receipt_key(self, id: &[u8]) -> IdText {
        self.key(id, if self == Self::DecimalToHexadecimal { 16 } else { 10 })
    }

    fn key(self, id: &[u8], radix: u32) -> IdText {
        let id = trim(id);
        match self {
            Self::Same => IdText::new(id.iter().copied()),
            Self::Case => lower(id),
            Self::Zeros => lower(without_zeros(id)),
            Self::HexadecimalToDecimal | Self::DecimalToHexadecimal => {
                number(id, radix).map_or_else(|| lower(id), |number| IdText::number(number, 10, 0, LOWER))
            }
            Self::Dashes => without_dashes(id),
        }
    }
}

const LOWER: &[u8; 16] = b"0123456789abcdef";
const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// Peers add blanks and NULs.
fn trim(id: &[u8]) -> &[u8] {
    let is_id = |octet: &u8| *octet != 0 && !octet.is_ascii_whitespace();
    let start = id.iter().position(is_id).unwrap_or(id.len());
    let end = id.iter().rposition(is_id).map_or(start, |last| last + 1);
    &id[start..end]
}

fn lower(id: &[u8]) -> IdText {
    IdText::new(id.iter().map(u8::to_ascii_lowercase))
}

fn without_dashes(id: &[u8]) -> IdText {
    IdText::new(id.iter().filter(|octet| **octet != b'-').map(u8::to_ascii_lowercase))
}

/// The last zero of nothing else stays.
fn without_zeros(id: &[u8]) -> &[u8] {
    let zeros = id.iter().take_while(|octet| **octet == b'0').count();
    &id[zeros.min(id.len().saturating_sub(1))..]
}

fn number(id: &[u8], radix: u32) -> Option<u128> {
    let digits = std::str::from_utf8(id).ok()?;
    let are_digits = digits.chars().all(|character| character.is_digit(radix));
    u128::from_str_radix(digits, radix).ok().filter(|_| are_digits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn learn(pairs: &[(&str, &str)]) -> Option<IdQuirk> {
        let octets: Vec<_> = pairs.iter().map(|pair| (pair.0.as_bytes(), pair.1.as_bytes())).collect();
        IdQuirk::learn(octets)
    }

    #[test]
    fn each_quirk_is_learned_from_its_pairs() {
        for (pairs, quirk) in [
            (&[("7", "7"), ("8", "8")][..], IdQuirk::Same),
            (&[("ABC1", "abc1"), ("7", "7")], IdQuirk::Case),
            (&[("0000002748", "2748")], IdQuirk::Zeros),
            (&[("0aBC", "ABC"), ("1f", "000000000000001F")], IdQuirk::Zeros),
            (&[("9", "9"), ("00000ABC", "2748")], IdQuirk::HexadecimalToDecimal),
            (&[("abc", "0000002748")], IdQuirk::HexadecimalToDecimal),
            (&[("2748", "ABC"), ("0000000010", "a")], IdQuirk::DecimalToHexadecimal),
            (&[("18446744073709551615", "ffffffffffffffff")], IdQuirk::DecimalToHexadecimal),
            (
                &[("6BA7B810-9DAD-11D1-80B4-00C04FD430C8", "6ba7b8109dad11d180b400c04fd430c8")],
                IdQuirk::Dashes,
            ),
            (&[("7 ", "7\0")], IdQuirk::Same),
        ] {
            assert_eq!(learn(pairs), Some(quirk), "{pairs:?}");
            for (response, receipt) in pairs {
                assert!(id_forms(receipt.as_bytes()).iter().count() <= FORMS_MAX);
                assert!(quirk.matches(response.as_bytes(), receipt.as_bytes()));
            }
        }
        assert_eq!(learn(&[]), None);
        assert_eq!(learn(&[("7", "8")]), None);
        // One way for one, another way for the other.
        assert_eq!(learn(&[("abc", "2748"), ("2748", "abc")]), None);
    }

    #[test]
    fn the_response_is_among_the_forms_of_its_receipt() {
        for (response, receipt) in [
            ("7f3a", "7F3A"),
            ("7F3A", "7f3a"),
            ("0000002748", "2748"),
            ("00002748", "2748"),
            ("2748", "0000002748"),
            ("abc", "2748"),
            ("ABC", "2748"),
            ("00000abc", "2748"),
            ("00000ABC", "2748"),
            ("0000000000000abc", "2748"),
            ("2748", "ABC"),
            ("0000002748", "abc"),
            ("12345678901234567890", "ab54a98ceb1f0ad2"),
            ("6ba7b8109dad11d180b400c04fd430c8", "6BA7B810-9DAD-11D1-80B4-00C04FD430C8"),
        ] {
            let forms = id_forms(receipt.as_bytes());
            assert!(
                forms.iter().any(|form| form == response.as_bytes()),
                "{response} of {receipt}: {forms:?}"
            );
        }
        assert_eq!(id_forms(b" \0").iter().count(), 0);
    }

    proptest! {
        #[test]
        fn what_has_one_key_is_found_by_a_form(id: u64, quirk in 0..5usize) {
            let (response, receipt) = match IdQuirk::ALL[quirk] {
                IdQuirk::Same => (format!("{id:x}"), format!("{id:x}")),
                IdQuirk::Case => (format!("{id:x}"), format!("{id:X}")),
                IdQuirk::Zeros => (format!("{id:010}"), format!("{id}")),
                IdQuirk::HexadecimalToDecimal => (format!("{id:x}"), format!("{id}")),
                _ => (format!("{id}"), format!("{id:X}")),
            };
            prop_assert!(IdQuirk::ALL[quirk].matches(response.as_bytes(), receipt.as_bytes()));
            prop_assert!(id_forms(receipt.as_bytes()).iter().any(|form| form == response.as_bytes()));
            let learned = learn(&[(&response, &receipt)]).unwrap();
            prop_assert!(learned.matches(response.as_bytes(), receipt.as_bytes()));
        }

        #[test]
        fn any_octets_have_forms_and_keys(raw in prop::collection::vec(any::<u8>(), 0..200)) {
            let forms = id_forms(&raw);
            let distinct: std::collections::BTreeSet<_> = forms.iter().collect();
            prop_assert_eq!(distinct.len(), forms.iter().count());
            for quirk in IdQuirk::ALL {
                prop_assert!(quirk.matches(&raw, &raw) || quirk as u8 >= IdQuirk::HexadecimalToDecimal as u8);
            }
        }
    }
}
