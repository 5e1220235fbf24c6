use brivas_smpp::text::{Languages, Padding, PlanOptions, Transliteration, plan};
use brivas_smpp::{EsmClass, tlv, tlv::Tlvs};
use proptest::prelude::*;

use super::*;

const CUSTOMER: Origin = Origin { alphabet: DefaultAlphabet::Gsm, by_api: false, may_wait: true };

fn manner(form: Option<Form>) -> Manner {
    Manner { form, alphabet: DefaultAlphabet::Gsm }
}

fn to(alphabet: DefaultAlphabet) -> Manner {
    Manner { form: None, alphabet }
}

/// One PDU's esm_class, data_coding, short_message and TLVs.
type Seen = (u8, u8, Vec<u8>, Vec<u8>);

fn seen(message: &ShortMessage<'_>, prepared: Prepared) -> Vec<Seen> {
    let Prepared::Pdus(pdus) = prepared else { panic!("{prepared:?}") };
    let one = |pdu: &Pdu| {
        let mut area = Vec::new();
        let written = pdu.body.message(message, &mut area);
        let tlvs = written.tlvs.octets().to_vec();
        (written.esm_class.0, pdu.data_coding, written.short_message.to_vec(), tlvs)
    };
    pdus.iter().map(one).collect()
}

fn short(esm_class: u8, data_coding: u8, text: &[u8]) -> ShortMessage<'_> {
    ShortMessage {
        esm_class: EsmClass(esm_class),
        data_coding,
        short_message: text,
        ..ShortMessage::default()
    }
}

fn with_payload<R>(text: &[u8], test: impl FnOnce(&ShortMessage<'_>) -> R) -> R {
    let mut area = Vec::new();
    tlv::append(&mut area, tlv::Tag::MESSAGE_PAYLOAD, text);
    test(&ShortMessage { tlvs: Tlvs::parse(&area).unwrap(), ..ShortMessage::default() })
}

#[test]
fn what_is_short_or_asked_for_goes_as_it_came() {
    for form in [None, Some(Form::Udh8), Some(Form::Udh16), Some(Form::Sar), Some(Form::Payload)] {
        assert_eq!(prepare(&short(0, 0, b"hello"), CUSTOMER, manner(form), 7), Prepared::AsItIs);
        // A header without concatenation is no part.
        let ports = short(0x40, 4, b"\x06\x05\x04\x0B\x84\x23\xF0wap");
        assert_eq!(prepare(&ports, CUSTOMER, manner(form), 7), Prepared::AsItIs);
    }
    let part = short(0x40, 0, b"\x05\0\x03\x07\x02\x01part");
    for form in [None, Some(Form::Udh8)] {
        assert_eq!(prepare(&part, CUSTOMER, manner(form), 9), Prepared::AsItIs);
    }
    with_payload(&[b'a'; 300], |message| {
        assert_eq!(prepare(message, CUSTOMER, manner(None), 7), Prepared::AsItIs);
        assert_eq!(prepare(message, CUSTOMER, manner(Some(Form::Payload)), 7), Prepared::AsItIs);
    });
}

#[test]
fn a_payload_is_cut_into_the_form_that_the_carrier_takes() {
    with_payload(&[b'a'; 300], |message| {
        let parts = seen(message, prepare(message, CUSTOMER, manner(Some(Form::Udh8)), 7));
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[0].0, 0x40);
        assert_eq!((&parts[0].2[..6], parts[0].2.len()), (&b"\x05\0\x03\x07\x02\x01"[..], 159));
        assert_eq!((&parts[1].2[..6], parts[1].2.len()), (&b"\x05\0\x03\x07\x02\x02"[..], 153));
        assert!(parts[0].3.is_empty());
        let parts = seen(message, prepare(message, CUSTOMER, manner(Some(Form::Sar)), 0x1234));
        assert_eq!((parts[0].0, parts[0].2.len()), (0, 153));
        assert_eq!(parts[1].3, b"\x02\x0C\0\x02\x12\x34\x02\x0E\0\x01\x02\x02\x0F\0\x01\x02");
        // By API nobody has chosen a form.
        let by_api = Origin { by_api: true, ..CUSTOMER };
        assert_eq!(seen(message, prepare(message, by_api, manner(None), 7)).len(), 2);
    });
    // Too long for one short message, though not for its field.
    let long = vec![b'a'; 200];
    let message = short(0, 0, &long);
    assert_eq!(seen(&message, prepare(&message, CUSTOMER, manner(Some(Form::Udh8)), 7)).len(), 2);
    assert_eq!(prepare(&message, CUSTOMER, manner(None), 7), Prepared::AsItIs);
}

#[test]
fn a_part_that_is_sure_to_fit_is_rewritten_and_another_waits() {
    let wide = short(0x40, 0, b"\x06\x08\x04\x12\x34\x02\x01part");
    let narrow = seen(&wide, prepare(&wide, CUSTOMER, manner(Some(Form::Udh8)), 7));
    assert_eq!(narrow, [(0x40, 0, b"\x05\0\x03\x34\x02\x01part".to_vec(), Vec::new())]);
    let sar = seen(&wide, prepare(&wide, CUSTOMER, manner(Some(Form::Sar)), 7));
    let tlvs = b"\x02\x0C\0\x02\x12\x34\x02\x0E\0\x01\x02\x02\x0F\0\x01\x01".to_vec();
    assert_eq!(sar, [(0, 0, b"part".to_vec(), tlvs.clone())]);
    let narrow = short(0x40, 0, b"\x05\0\x03\x07\x02\x01part");
    for form in [Form::Udh16, Form::Payload] {
        assert_eq!(prepare(&narrow, CUSTOMER, manner(Some(form)), 7), Prepared::Waits);
        let in_vain = Origin { may_wait: false, ..CUSTOMER };
        assert_eq!(prepare(&narrow, in_vain, manner(Some(form)), 7), Prepared::AsItIs);
    }
    let sar = ShortMessage { tlvs: Tlvs::parse(&tlvs).unwrap(), ..short(0, 0, b"part") };
    assert_eq!(prepare(&sar, CUSTOMER, manner(Some(Form::Udh8)), 7), Prepared::Waits);
}

#[test]
fn a_header_that_does_not_add_up_passes() {
    for form in [None, Some(Form::Udh8), Some(Form::Payload)] {
        assert_eq!(prepare(&short(0x40, 0, b"\x09\0\x03"), CUSTOMER, manner(form), 7), Prepared::AsItIs);
    }
}

#[test]
fn another_meaning_of_data_coding_0_is_written_so_that_it_arrives() {
    let latin1 = Origin { alphabet: DefaultAlphabet::Latin1, ..CUSTOMER };
    let one = |text: &[u8], origin, alphabet| {
        let message = short(0, 0, text);
        match prepare(&message, origin, to(alphabet), 7) {
            Prepared::AsItIs => None,
            prepared => seen(&message, prepared).pop().map(|it| (it.1, it.2)),
        }
    };
    // "[ä" is two septets and one in GSM's alphabet.
    assert_eq!(one(b"[\xE4", latin1, DefaultAlphabet::Gsm), Some((0, b"\x1B<{".to_vec())));
    // "á" is in no septet: said as Latin-1, which data_coding 3 is everywhere.
    assert_eq!(one(b"\xE1", latin1, DefaultAlphabet::Gsm), Some((3, b"\xE1".to_vec())));
    assert_eq!(one(b"\x1Be", CUSTOMER, DefaultAlphabet::Latin1), Some((8, b"\x20\xAC".to_vec())));
    assert_eq!(one(b"\x00{", CUSTOMER, DefaultAlphabet::Latin1), Some((0, b"@\xE4".to_vec())));
    assert_eq!(one(b"{", CUSTOMER, DefaultAlphabet::Ascii), Some((8, b"\0\xE4".to_vec())));
    assert_eq!(
        one(b"hello", CUSTOMER, DefaultAlphabet::GsmPacked(Padding::CarriageReturn)),
        Some((0, b"\xE8\x32\x9B\xFD\x06".to_vec()))
    );
    let packed = Origin { alphabet: DefaultAlphabet::GsmPacked(Padding::CarriageReturn), ..CUSTOMER };
    assert_eq!(one(b"\xE8\x32\x9B\xFD\x06", packed, DefaultAlphabet::Gsm), Some((0, b"hello".to_vec())));
    // What says itself what it is, and what is no text, is not touched.
    for data_coding in [3, 4, 8, 0xF5] {
        let message = short(0, data_coding, b"\0\xE4");
        assert_eq!(prepare(&message, latin1, to(DefaultAlphabet::Gsm), 7), Prepared::AsItIs, "{data_coding}");
    }
    // Flash is GSM's alphabet by name, and packed where the carrier packs.
    let flash = short(0, 0xF0, b"hello");
    assert_eq!(prepare(&flash, latin1, to(DefaultAlphabet::Latin1), 7), Prepared::AsItIs);
    let packed = to(DefaultAlphabet::GsmPacked(Padding::CarriageReturn));
    assert_eq!(seen(&flash, prepare(&flash, CUSTOMER, packed, 7))[0].1, 0xF0);
}

fn forms() -> impl Strategy<Value = Option<Form>> {
    prop_oneof![
        Just(None),
        Just(Some(Form::Udh8)),
        Just(Some(Form::Udh16)),
        Just(Some(Form::Sar)),
        Just(Some(Form::Payload)),
    ]
}

fn alphabets() -> impl Strategy<Value = DefaultAlphabet> {
    prop_oneof![
        Just(DefaultAlphabet::Gsm),
        Just(DefaultAlphabet::GsmPacked(Padding::CarriageReturn)),
        Just(DefaultAlphabet::Latin1),
        Just(DefaultAlphabet::Ascii),
        Just(DefaultAlphabet::Utf8),
    ]
}

/// What a receiver reads, who knows what data_coding 0 means.
fn read(pdus: &[(ShortMessage<'_>, u8)], alphabet: DefaultAlphabet) -> String {
    let mut text = String::new();
    for (message, data_coding) in pdus {
        let part = Segmented::read(message).unwrap();
        let encoding = Encoding::of(DataCoding(*data_coding), alphabet, part.header.shift());
        let mut content = Vec::new();
        part.append_unpacked(&encoding, &mut content);
        text.push_str(&encoding.decode(&content));
    }
    text
}

proptest! {
    /// Planned, split by one side, and prepared for another with any form and alphabet: the same text arrives.
    #[test]
    fn any_text_arrives_whatever_both_sides_take(
        text in "[ -Zäöéñ€a-zжş“😀]{0,400}",
        payload: bool,
        from in alphabets(),
        to_alphabet in alphabets(),
        form in forms(),
        reference: u16,
    ) {
        // A text of a carriage return at a packed border is what packing cannot say.
        let options = PlanOptions {
            default: from,
            languages: Languages::ALL,
            form: if payload { Form::Payload } else { Form::Udh8 },
            transliteration: Transliteration::Never,
            ..PlanOptions::default()
        };
        let planned = plan(&text, &options).unwrap();
        let data_coding = planned.cost.encoding.data_coding.0;
        let origin = Origin { alphabet: from, by_api: false, may_wait: false };
        let mut arrived = String::new();
        for body in planned.bodies(3).unwrap() {
            let mut area = Vec::new();
            let sent = ShortMessage { data_coding, ..body.message(&ShortMessage::default(), &mut area) };
            match prepare(&sent, origin, Manner { form, alphabet: to_alphabet }, reference) {
                Prepared::AsItIs => arrived.push_str(&read(&[(sent, data_coding)], to_alphabet)),
                Prepared::Pdus(pdus) => {
                    for pdu in &pdus {
                        let mut area = Vec::new();
                        let written = pdu.body.message(&sent, &mut area);
                        arrived.push_str(&read(&[(written, pdu.data_coding)], to_alphabet));
                    }
                }
                Prepared::Waits => prop_assert!(false, "it may not wait"),
            }
        }
        prop_assert_eq!(arrived, text);
    }

    #[test]
    fn nothing_panics(
        esm_class: u8,
        data_coding: u8,
        text in prop::collection::vec(any::<u8>(), 0..254),
        from in alphabets(),
        alphabet in alphabets(),
        form in forms(),
        by_api: bool,
        may_wait: bool,
    ) {
        let message = short(esm_class, data_coding, &text);
        let origin = Origin { alphabet: from, by_api, may_wait };
        prepare(&message, origin, Manner { form, alphabet }, 7);
    }
}
