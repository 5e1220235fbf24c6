//! Which pair of national tables writes a text in the fewest parts.

use super::USER_DATA_OCTETS_MAX;
use super::alphabet::{Language, Languages, Septets, Shift};
use super::septet;
use crate::segment::Form;

/// The pair that needs the fewest parts; of those with as many, the one with the fewest tables, then septets.
/// None: no pair of these languages writes the text, or the default alphabet does it alone.
pub(super) fn cheapest_shift(text: &str, languages: Languages, form: Form) -> Option<Shift> {
    if text.chars().all(|character| Shift::NONE.septets(character).is_some()) {
        return None;
    }
    let pairs = pairs(languages);
    let costs = pairs.filter_map(|shift| {
        let (parts, septets) = parts(text, shift, form)?;
        Some(((parts, shift.header_octets(), septets), shift))
    });
    costs.min().map(|(_, shift)| shift)
}

/// Every pair but the default one. Spanish has no locking table.
fn pairs(languages: Languages) -> impl Iterator<Item = Shift> {
    let locking = std::iter::once(Language::Default).chain(languages.iter().filter(|it| it.has_locking()));
    locking.flat_map(move |locking| {
        let single = std::iter::once(Language::Default).chain(languages.iter());
        single.map(move |single| Shift { locking, single }).filter(|&shift| shift != Shift::NONE)
    })
}

/// What a header can count.
const PARTS_MAX: usize = 255;

/// Parts and septets. None: a character has no place in these tables, or there are too many parts.
fn parts(text: &str, shift: Shift, form: Form) -> Option<(usize, usize)> {
    let others_octets = shift.header_octets();
    let capacity = septet::capacity(USER_DATA_OCTETS_MAX, form.header_octets(others_octets));
    let (mut parts, mut in_part, mut septets) = (1, 0, 0);
    for character in text.chars() {
        let count = shift.septets(character).map(Septets::count)?;
        septets += count;
        in_part += count;
        if in_part > capacity {
            parts += 1;
            in_part = count;
            if parts > PARTS_MAX {
                return None;
            }
        }
    }
    let alone = septet::capacity(USER_DATA_OCTETS_MAX, 1 + others_octets);
    Some(if septets <= alone { (1, septets) } else { (parts, septets) })
}
