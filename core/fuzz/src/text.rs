//! Any octets as a text of any data_coding, and any text as octets, planned, cut, and put together again.
//!
//! Octets: the data_coding, the octets.

use brivas_smpp::ShortMessage;
use brivas_smpp::segment::{Form, Segmented, Whole};
use brivas_smpp::text::{self, Languages, PlanOptions, Transliteration, plan};

pub fn check(octets: &[u8]) {
    let Some((&data_coding, octets)) = octets.split_first() else { return };
    let read = text::decode(data_coding, octets);
    survives(&read);
    let written = String::from_utf8_lossy(octets);
    survives(&written);
    for form in [Form::Udh8, Form::Udh16, Form::Sar, Form::Payload] {
        survives_parts(&written, form);
    }
}

/// Every text can be sent, and is read as it was.
fn survives(text: &str) {
    let encoded = text::encode(text);
    assert_eq!(text::decode(encoded.data_coding, &encoded.octets), text);
}

/// The same in parts, with every language's tables.
fn survives_parts(text: &str, form: Form) {
    let options = PlanOptions {
        languages: Languages::ALL,
        form,
        transliteration: Transliteration::Never,
        ..PlanOptions::default()
    };
    let Ok(planned) = plan(text, &options) else { return };
    assert!(planned.alternatives.iter().all(|other| other.parts >= planned.cost.parts));
    let bodies = planned.bodies(7).expect("a text that was planned fits");
    let message = ShortMessage::default();
    let mut areas = vec![Vec::new(); bodies.len()];
    let parts: Vec<_> =
        bodies.iter().zip(&mut areas).map(|(body, area)| body.message(&message, area)).collect();
    let parts = parts.iter().map(|part| Segmented::read(part).expect("what was written is read"));
    assert_eq!(Whole::join(parts, &planned.cost.encoding).text(&planned.cost.encoding), text);
}
