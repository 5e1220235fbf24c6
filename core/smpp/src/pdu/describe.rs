//! A PDU in words: its fields by the specification's names, for people, traces and tests. Not for the hot path.
//!
//! Names are unique: entries of lists are numbered (`dest_address[0].dl_name`), TLVs stand under `tlv.`, the second of a kind
//! as `tlv.callback_num[1]`, unknown ones by their tag (`tlv.0x1400`). C-octet strings are text, with `\xNN` for what is not
//! printable ASCII; octet strings are hexadecimal; passwords are hidden.

use std::fmt::{self, Write};

use super::layout::Visitor;
use super::{DecodeError, Pdu};
use crate::frame::Frame;

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// An unsigned integer of the wire.
    Number(u32),
    /// Text, or octets as hexadecimal digits.
    Text(String),
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}

/// The header and the fields of a PDU, in the order of the wire. `command` comes first: the PDU's name.
///
/// # Errors
/// As [`Pdu::decode`].
pub fn describe(frame: Frame<'_>) -> Result<Vec<(String, Value)>, DecodeError> {
    let pdu = Pdu::decode(frame)?;
    let header = frame.header;
    let name =
        header.command_id.name().map_or_else(|| format!("{:#010x}", header.command_id.0), str::to_owned);
    let mut fields = Fields(vec![("command".to_owned(), Value::Text(name))]);
    fields.number("command_length", header.command_length);
    fields.number("command_id", header.command_id.0);
    fields.number("command_status", header.command_status);
    fields.number("sequence_number", header.sequence_number);
    pdu.describe(&mut fields);
    Ok(fields.0)
}

/// The same as one JSON object.
///
/// # Errors
/// As [`Pdu::decode`].
pub fn describe_json(frame: Frame<'_>) -> Result<String, DecodeError> {
    let mut json = String::from("{");
    for (name, value) in describe(frame)? {
        if json.len() > 1 {
            json.push(',');
        }
        quote(&mut json, &name);
        json.push(':');
        match value {
            Value::Number(number) => json.push_str(&number.to_string()),
            Value::Text(text) => quote(&mut json, &text),
        }
    }
    json.push('}');
    Ok(json)
}

struct Fields(Vec<(String, Value)>);

impl Visitor for Fields {
    fn number(&mut self, name: &str, value: u32) {
        self.0.push((name.to_owned(), Value::Number(value)));
    }

    fn text(&mut self, name: &str, value: &[u8]) {
        let mut text = String::with_capacity(value.len());
        for &octet in value {
            if matches!(octet, b' '..=b'~') && octet != b'\\' {
                text.push(char::from(octet));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(text, "\\x{octet:02x}");
            }
        }
        self.0.push((name.to_owned(), Value::Text(text)));
    }

    fn octets(&mut self, name: &str, value: &[u8]) {
        let mut text = String::with_capacity(value.len() * 2);
        for octet in value {
            let _ = write!(text, "{octet:02x}");
        }
        self.0.push((name.to_owned(), Value::Text(text)));
    }

    fn secret(&mut self, name: &str) {
        self.0.push((name.to_owned(), Value::Text("(hidden)".to_owned())));
    }
}

/// Everything here is printable ASCII: only two characters need care.
fn quote(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            json.push('\\');
        }
        json.push(character);
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{self, Check};
    use crate::values::CommandId;

    #[test]
    fn a_description_names_every_field_and_hides_passwords() {
        let mut octets = Vec::new();
        frame::append(&mut octets, CommandId::OUTBIND, 0, 7, |out| {
            out.extend_from_slice(b"sm\"s\\c\x01\0secret\0");
        });
        let Check::Complete(frame) = frame::check(&octets, 100) else { panic!("not complete") };
        assert_eq!(
            describe_json(frame).unwrap(),
            r#"{"command":"outbind","command_length":31,"command_id":11,"command_status":0,"sequence_number":7,"#.to_owned()
                + r#""system_id":"sm\"s\\x5cc\\x01","password":"(hidden)"}"#
        );
    }

    #[test]
    fn tlvs_of_a_kind_are_told_apart() {
        let mut octets = Vec::new();
        frame::append(&mut octets, CommandId::CANCEL_SM_RESP, 0, 7, |out| {
            out.extend_from_slice(b"\x04\x28\0\x01\x50\x14\0\0\x02hi\x04\x28\0\x01\x51\x02\x04\0\x01\x01!");
        });
        let Check::Complete(frame) = frame::check(&octets, 100) else { panic!("not complete") };
        let fields: Vec<_> = describe(frame).unwrap().into_iter().skip(5).collect();
        let text = |text: &str| Value::Text(text.to_owned());
        let expected = [
            ("tlv.congestion_state", Value::Number(0x50)),
            ("tlv.0x1400", text("6869")),
            ("tlv.congestion_state[1]", Value::Number(0x51)),
            // Of the wrong length: as it is.
            ("tlv.user_message_reference", text("01")),
            ("trailing", text("21")),
        ];
        assert_eq!(fields, expected.map(|(name, value)| (name.to_owned(), value)));
    }
}
