//! Any octets as a text of any data_coding, and any text as octets.
//!
//! Octets: the data_coding, the octets.

use brivas_smpp::text;

pub fn check(octets: &[u8]) {
    let Some((&data_coding, octets)) = octets.split_first() else { return };
    let read = text::decode(data_coding, octets);
    survives(&read);
    survives(&String::from_utf8_lossy(octets));
}

/// Every text can be sent, and is read as it was.
fn survives(text: &str) {
    let encoded = text::encode(text);
    assert_eq!(text::decode(encoded.data_coding, &encoded.octets), text);
}
