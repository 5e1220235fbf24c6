//! The text of a receipt: `key:value` pairs, as carriers write them.

use crate::values::MessageState;

/// What was found. Of a key that comes twice, the first value that can be read counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) id: Option<&'a [u8]>,
    pub(super) state: Option<MessageState>,
    pub(super) error: Option<&'a [u8]>,
    pub(super) submitted: Option<&'a [u8]>,
    pub(super) done: Option<&'a [u8]>,
    has_counts: bool,
}

impl<'a> Fields<'a> {
    /// Reads pairs up to `text:`, behind which anything may stand; and behind it only what is missing still.
    pub(super) fn read(text: &'a [u8]) -> Self {
        let mut fields = Self::default();
        let mut rest = text;
        while let Some(colon) = rest.iter().position(|&octet| octet == b':') {
            let key = Key::of(&rest[..colon]);
            rest = &rest[colon + 1..];
            if key == Some(Key::Text) {
                if fields.id.is_some() && fields.state.is_some() {
                    break;
                }
                continue;
            }
            // "err: 0": a space may stand before the value.
            let value = rest.trim_ascii_start();
            let stop = |octet: &u8| *octet == b':' || is_separator(octet);
            let mut end = value.iter().position(stop).unwrap_or(value.len());
            let inner = (value.get(end) == Some(&b':')).then_some(end);
            if inner.is_some() {
                end += value[end..].iter().position(is_separator).unwrap_or(value.len() - end);
            }
            let (value, behind) = value.split_at(end);
            // An empty value is followed by the next key: leave that for the next round. Other colons are the value's.
            if inner.is_some_and(|colon| Key::of(&value[..colon]).is_some()) {
                continue;
            }
            let Some(key) = key else {
                // What follows an unknown key may hold a known one ("12:30 id:7", "date:id:7").
                if inner.is_none() {
                    rest = behind;
                }
                continue;
            };
            rest = behind;
            if !value.is_empty() {
                fields.keep(key, value);
            }
        }
        fields
    }

    /// Whether nobody would write this by chance.
    pub(super) const fn are_of_a_receipt(&self) -> bool {
        self.id.is_some()
            && self.state.is_some()
            && (self.done.is_some() || self.submitted.is_some())
            && (self.has_counts || self.error.is_some())
    }

    fn keep(&mut self, key: Key, value: &'a [u8]) {
        match key {
            Key::Id => self.id = self.id.or(Some(value)),
            Key::State => self.state = self.state.or_else(|| state(value)),
            Key::Error => self.error = self.error.or(Some(value)),
            Key::Submitted => self.submitted = self.submitted.or(Some(value)),
            Key::Done => self.done = self.done.or(Some(value)),
            Key::Count => self.has_counts = true,
            Key::Text => {}
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Id,
    State,
    Error,
    Submitted,
    Done,
    Count,
    Text,
}

impl Key {
    /// The key that ends here. Two words ("submit date") are told by both.
    fn of(before: &[u8]) -> Option<Self> {
        let (word, rest) = last_word(before);
        // The names of Appendix B, and what vendors call the same.
        Some(match word.len() {
            2 if is(word, b"id") => Self::Id,
            3 if is(word, b"sub") => Self::Count,
            3 if is(word, b"err") => Self::Error,
            4 if is(word, b"date") && is(last_word(rest).0, b"submit") => Self::Submitted,
            4 if is(word, b"date") => Self::Done,
            4 if is(word, b"stat") => Self::State,
            4 if is(word, b"text") => Self::Text,
            5 if is(word, b"dlvrd") => Self::Count,
            5 if is(word, b"state") => Self::State,
            5 if is(word, b"error") => Self::Error,
            5 if is(word, b"msgid") => Self::Id,
            6 if is(word, b"status") => Self::State,
            6 if is(word, b"msg_id") => Self::Id,
            7 if is(word, b"errcode") => Self::Error,
            8 if is(word, b"err_code") => Self::Error,
            8 if is(word, b"donedate") => Self::Done,
            9 if is(word, b"done_date") => Self::Done,
            9 if is(word, b"errorcode") => Self::Error,
            9 if is(word, b"messageid") => Self::Id,
            10 if is(word, b"error_code") => Self::Error,
            10 if is(word, b"message_id") => Self::Id,
            10 if is(word, b"submitdate") => Self::Submitted,
            11 if is(word, b"submit_date") => Self::Submitted,
            _ => return None,
        })
    }
}

fn is(word: &[u8], name: &[u8]) -> bool {
    word.eq_ignore_ascii_case(name)
}

/// The state of Appendix B, the full word, the number of message_state, or a vendor's word.
fn state(value: &[u8]) -> Option<MessageState> {
    let from_number = || match value {
        [digit @ b'0'..=b'9'] => MessageState::from_octet(digit - b'0'),
        _ => None,
    };
    let from_word = || {
        let row = WORDS.iter().find(|row| value.eq_ignore_ascii_case(row.0.as_bytes()))?;
        Some(row.1)
    };
    MessageState::from_receipt_text(value).or_else(from_number).or_else(from_word)
}

/// Words whose first seven letters are not those of Appendix B.
const WORDS: [(&str, MessageState); 8] = [
    ("DELIVERED", MessageState::Delivered),
    ("DELIVERD", MessageState::Delivered),
    ("ACCEPTED", MessageState::Accepted),
    ("REJECTED", MessageState::Rejected),
    ("FAILED", MessageState::Undeliverable),
    ("BUFFERED", MessageState::Enroute),
    ("BUFFRED", MessageState::Enroute),
    ("SENT", MessageState::Enroute),
];

fn is_separator(octet: &u8) -> bool {
    SEPARATORS[usize::from(*octet)]
}

/// Blanks, NUL, and what vendors put between pairs.
const SEPARATORS: [bool; 256] = {
    let mut separators = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        let it = octet as u8;
        separators[octet] = it.is_ascii_whitespace() || matches!(it, 0 | b';' | b',');
        octet += 1;
    }
    separators
};

/// The last word, and what stands before it.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().rposition(|octet| !is_separator(octet)).map_or(0, |last| last + 1);
    let start = text[..end].iter().rposition(is_separator).map_or(0, |separator| separator + 1);
    (&text[start..end], &text[..start])
}
