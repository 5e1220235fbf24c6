//! Any text and any TLVs as a receipt: what is read can be written, and is read again alike.
//!
//! Octets: how many TLV octets stand at the end, the text, the TLVs.

use brivas_smpp::receipt::{NewReceipt, Receipt};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{EsmClass, ShortMessage, time};

pub fn check(octets: &[u8]) {
    let Some((&tlv_octets, rest)) = octets.split_first() else { return };
    let (text, area) = rest.split_at(rest.len() - usize::from(tlv_octets).min(rest.len()));
    let tlvs = Tlvs::lenient(area).well_formed();
    // What is read of times does not depend on how long they are.
    let _ = (time::parse(text, 1_795_348_800_000), time::parse_receipt_date(text));

    let Some(receipt) = Receipt::read(&deliver(text, tlvs)) else { return };
    assert!(!receipt.message_id.is_empty() && !receipt.message_id.contains(&0));
    let again = NewReceipt {
        message_id: receipt.message_id,
        state: receipt.state,
        error: receipt.error,
        submitted_at_ms: 0,
        done_at_ms: 1_795_348_800_000,
        text: receipt.message_id,
    };
    let (mut text, mut area) = (Vec::new(), Vec::new());
    again.append_text(&mut text);
    again.append_tlvs(&mut area);
    let tlvs = Tlvs::parse(&area).expect("what was written is read");
    let read = Receipt::read(&deliver(&text, tlvs)).expect("what was written is read");
    assert_eq!((read.message_id, read.state), (receipt.message_id, receipt.state));
}

fn deliver<'a>(text: &'a [u8], tlvs: Tlvs<'a>) -> ShortMessage<'a> {
    ShortMessage { esm_class: EsmClass::RECEIPT, short_message: text, tlvs, ..ShortMessage::default() }
}
