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
            let end = value.iter().position(is_separator).unwrap_or(value.len());
            let (value, behind) = value.split_at(end);
            // An empty value is followed by the next key: leave that for the next round. Other colons are the value's.
            let inner = value.iter().position(|&octet| octet == b':');
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
        if word.eq_ignore_ascii_case(b"date") {
            let is_submitted = last_word(rest).0.eq_ignore_ascii_case(b"submit");
            return Some(if is_submitted { Self::Submitted } else { Self::Done });
        }
        let row = KEYS.iter().find(|row| row.0.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes())));
        row.map(|row| row.1)
    }
}

/// The names of Appendix B, and what vendors call the same.
const KEYS: [(&[&str], Key); 7] = [
    (&["id", "msgid", "msg_id", "messageid", "message_id"], Key::Id),
    (&["stat", "status", "state"], Key::State),
    (&["err", "error", "errcode", "err_code", "errorcode", "error_code"], Key::Error),
    (&["submitdate", "submit_date"], Key::Submitted),
    (&["donedate", "done_date"], Key::Done),
    (&["sub", "dlvrd"], Key::Count),
    (&["text"], Key::Text),
];

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
const WORDS: [(&str, MessageState); 9] = [
    ("DELIVERED", MessageState::Delivered),
    ("DELIVERD", MessageState::Delivered),
    ("ACCEPTED", MessageState::Accepted),
    ("REJECTED", MessageState::Rejected),
    ("FAILED", MessageState::Undeliverable),
    ("UNDELIVERED", MessageState::Undeliverable),
    ("BUFFERED", MessageState::Enroute),
    ("BUFFRED", MessageState::Enroute),
    ("SENT", MessageState::Enroute),
];

const fn is_separator(octet: &u8) -> bool {
    octet.is_ascii_whitespace() || matches!(*octet, 0 | b';' | b',')
}

/// The last word, and what stands before it.
fn last_word(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().rposition(|octet| !is_separator(octet)).map_or(0, |last| last + 1);
    let start = text[..end].iter().rposition(is_separator).map_or(0, |separator| separator + 1);
    (&text[start..end], &text[..start])
}
