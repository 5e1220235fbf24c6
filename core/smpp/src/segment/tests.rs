use super::*;
use crate::text::{DataCoding, DefaultAlphabet, Encoding, Padding, Shift};
use crate::{EsmClass, tlv};
use proptest::prelude::*;

fn encoding(data_coding: u8, default: DefaultAlphabet) -> Encoding {
    Encoding::of(DataCoding(data_coding), default, Shift::NONE)
}

fn gsm() -> Encoding {
    encoding(0, DefaultAlphabet::Gsm)
}

fn whole(content: &[u8]) -> Whole {
    Whole { header: Vec::new(), headers_differ: false, content: content.to_vec() }
}

/// Reads what was written, as the next one does.
fn with_parts<R>(bodies: &[PartBody], read: impl FnOnce(&[Segmented<'_>]) -> R) -> R {
    let mut areas: Vec<Vec<u8>> = bodies.iter().map(|_| Vec::new()).collect();
    let template = ShortMessage::default();
    let messages: Vec<_> =
        bodies.iter().zip(&mut areas).map(|(body, area)| body.message(&template, area)).collect();
    let parts: Vec<_> = messages.iter().map(|message| Segmented::read(message).unwrap()).collect();
    read(&parts)
}

fn short(esm_class: u8, short_message: &[u8]) -> ShortMessage<'_> {
    ShortMessage { esm_class: EsmClass(esm_class), short_message, ..ShortMessage::default() }
}

#[test]
fn a_part_is_told_by_its_header() {
    let part = Segmented::read(&short(0x40, b"\x05\x00\x03\xA7\x03\x02text")).unwrap();
    let position = Position { kind: Kind::Udh8, reference: 0xA7, total: 3, sequence: 2 };
    assert_eq!((part.position(), part.content, part.header_octets), (position, &b"text"[..], 6));
    let part = Segmented::read(&short(0x43, b"\x06\x08\x04\x12\x34\x03\x03text")).unwrap();
    let position = Position { kind: Kind::Udh16, reference: 0x1234, total: 3, sequence: 3 };
    assert_eq!((part.position(), part.header_octets), (position, 7));
    // A header without concatenation.
    let part = Segmented::read(&short(0x40, b"\x06\x05\x04\x0B\x84\x23\xF0wap")).unwrap();
    assert_eq!((part.kind, part.total, part.content), (Kind::Single, 1, &b"wap"[..]));
}

#[test]
fn a_part_is_told_by_its_tlvs_unless_the_header_says_it() {
    let mut area = Vec::new();
    tlv::append(&mut area, SAR_SEGMENT_SEQNUM, &[2]);
    tlv::append(&mut area, SAR_MSG_REF_NUM, &[0xBE, 0xEF]);
    tlv::append(&mut area, SAR_TOTAL_SEGMENTS, &[2]);
    let tlvs = Tlvs::parse(&area).unwrap();
    let part = Segmented::read(&ShortMessage { tlvs, ..short(0, b"text") }).unwrap();
    let position = Position { kind: Kind::Sar, reference: 0xBEEF, total: 2, sequence: 2 };
    assert_eq!(part.position(), position);
    let part = Segmented::read(&ShortMessage { tlvs, ..short(0x40, b"\x05\x00\x03\xA7\x03\x02text") });
    assert_eq!(part.unwrap().kind, Kind::Udh8);
    let part = Segmented::read(&ShortMessage { tlvs, ..short(0x40, b"\x03\x24\x01\x01text") });
    assert_eq!(part.unwrap().position(), position);
}

fn sar(area: &[u8]) -> Result<Segmented<'_>, SegmentError> {
    Segmented::read(&ShortMessage { tlvs: Tlvs::parse(area).unwrap(), ..short(0, b"text") })
}

#[test]
fn what_is_wrong_with_a_part_is_named() {
    assert_eq!(Segmented::read(&short(0x40, b"\x09text")), Err(SegmentError::Header));
    assert_eq!(Segmented::read(&short(0x40, b"")), Err(SegmentError::Header));
    assert_eq!(sar(b"\x02\x0C\0\x02\0\x01"), Err(SegmentError::SarMissing));
    for (total, sequence) in [(0, 0), (0, 1), (2, 0), (2, 3)] {
        let mut area = b"\x02\x0C\0\x02\0\x01\x02\x0E\0\x01".to_vec();
        area.extend_from_slice(&[total, 0x02, 0x0F, 0, 1, sequence]);
        assert_eq!(sar(&area), Err(SegmentError::SarValue));
    }
    assert_eq!(sar(b"\x02\x0C\0\0\x02\x0E\0\0\x02\x0F\0\0"), Err(SegmentError::SarValue));
    // The header's impossible ones are ignored (3GPP TS 23.040 §9.2.3.24.1).
    let part = Segmented::read(&short(0x40, b"\x05\x00\x03\xA7\x00\x00text")).unwrap();
    assert_eq!((part.kind, part.total, part.is_part()), (Kind::Single, 1, false));
}

#[test]
fn parts_have_the_sizes_of_their_form() {
    let sizes = |octets: usize, encoding: Encoding, form| {
        let bodies = split(&whole(&vec![b'a'; octets]), &encoding, form, 7).unwrap();
        bodies.iter().map(|body| body.short_message.len()).collect::<Vec<_>>()
    };
    assert_eq!(sizes(160, gsm(), Form::Udh8), [160]);
    assert_eq!(sizes(307, gsm(), Form::Udh8), [159, 159, 7]);
    assert_eq!(sizes(307, gsm(), Form::Udh16), [159, 159, 10]);
    assert_eq!(sizes(307, gsm(), Form::Sar), [153, 153, 1]);
    assert_eq!(sizes(307, gsm(), Form::Payload), [0]);
    let packed = encoding(0, DefaultAlphabet::GsmPacked(Padding::Zero));
    assert_eq!(sizes(307, packed, Form::Udh8), [140, 140, 7]);
    assert_eq!(sizes(307, packed, Form::Udh16), [140, 140, 10]);
    let ucs2 = encoding(8, DefaultAlphabet::Gsm);
    assert_eq!(sizes(270, ucs2, Form::Udh8), [140, 140, 8]);
    assert_eq!(sizes(270, ucs2, Form::Udh16), [139, 139, 13]);
    let binary = encoding(4, DefaultAlphabet::Gsm);
    assert_eq!(sizes(270, binary, Form::Udh8), [140, 140, 8]);
    assert_eq!(sizes(270, binary, Form::Udh16), [140, 140, 11]);
}

#[test]
fn parts_that_fit_change_their_form_part_for_part() {
    let ports = b"\x05\x04\x0B\x84\x23\xF0";
    let message = Whole { header: ports.to_vec(), ..whole(&[b'x'; 300]) };
    let binary = encoding(0xF5, DefaultAlphabet::Gsm);
    let narrow = split(&message, &binary, Form::Udh8, 0x1FF).unwrap();
    let converted = with_parts(&narrow, |parts| {
        assert!(parts.iter().all(|part| part.reference == 0xFF && part.header.ports().is_some()));
        convert(parts, &binary, Form::Sar, 0x2FF).unwrap()
    });
    assert!(converted.part_for_part);
    assert_eq!(converted.parts.len(), narrow.len());
    with_parts(&converted.parts, |parts| {
        assert!(parts.iter().all(|part| part.kind == Kind::Sar && part.header.octets() == ports));
        // 128 octets of text do not fit behind a reference of one octet more.
        let wide = convert(parts, &binary, Form::Udh16, 1).unwrap();
        assert!(!wide.part_for_part);
    });
}

#[test]
fn what_cannot_be_converted_without_loss_is_refused() {
    let bodies = split(&whole(&[b'a'; 400]), &gsm(), Form::Udh8, 1).unwrap();
    with_parts(&bodies, |parts| {
        assert_eq!(convert(&[], &gsm(), Form::Sar, 1), Err(ConvertError::NotWhole));
        assert_eq!(convert(&parts[..2], &gsm(), Form::Sar, 1), Err(ConvertError::NotWhole));
        let swapped = [parts[1], parts[0], parts[2]];
        assert_eq!(convert(&swapped, &gsm(), Form::Sar, 1), Err(ConvertError::NotWhole));
        let other_header = Segmented { header: Udh::parse(b"\x24\x01\x01").unwrap(), ..parts[2] };
        let differ = [parts[0], parts[1], other_header];
        assert_eq!(convert(&differ, &gsm(), Form::Payload, 1), Err(ConvertError::HeadersDiffer));
        assert!(convert(&differ, &gsm(), Form::Sar, 1).unwrap().part_for_part);
    });
    let long = split(&whole(&vec![b'a'; 39_016]), &gsm(), Form::Udh8, 1);
    assert_eq!(long, Err(SplitError::TooManyParts(256)));
    let payload = split(&whole(&vec![b'a'; 70_000]), &gsm(), Form::Payload, 1);
    assert_eq!(payload, Err(SplitError::PayloadTooLong(70_001)));
    let header = Whole { header: [0x70, 131].into_iter().chain([0; 131]).collect(), ..whole(&[b'a'; 20]) };
    assert_eq!(split(&header, &gsm(), Form::Udh8, 1), Err(SplitError::HeaderTooLong(139)));
}

#[test]
fn a_part_says_nothing_of_the_old_form() {
    let mut area = Vec::new();
    tlv::append(&mut area, SAR_MSG_REF_NUM, &[0, 1]);
    tlv::append(&mut area, tlv::Tag(0x1400), b"vendor");
    tlv::append(&mut area, SAR_TOTAL_SEGMENTS, &[2]);
    tlv::append(&mut area, SAR_SEGMENT_SEQNUM, &[1]);
    let tlvs = Tlvs::parse(&area).unwrap();
    let message = ShortMessage { tlvs, data_coding: 4, ..short(0x04, b"old") };
    let bodies = split(&whole(&[7; 200]), &encoding(4, DefaultAlphabet::Gsm), Form::Udh8, 9).unwrap();
    let mut area = Vec::new();
    let written = bodies[1].message(&message, &mut area);
    assert_eq!((written.esm_class, written.data_coding), (EsmClass(0x44), 4));
    assert_eq!(written.tlvs.iter().map(|tlv| tlv.tag.0).collect::<Vec<_>>(), [0x1400]);
    assert_eq!(Segmented::read(&written).unwrap().sequence, 2);
    let bodies = split(&whole(&[7; 200]), &gsm(), Form::Payload, 9).unwrap();
    let mut area = Vec::new();
    let written = bodies[0].message(&short(0x40, b"old"), &mut area);
    assert_eq!((written.esm_class, written.text().len()), (EsmClass(0), 200));
}

fn encodings() -> impl Strategy<Value = Encoding> {
    prop_oneof![
        Just(gsm()),
        Just(encoding(0, DefaultAlphabet::GsmPacked(Padding::CarriageReturn))),
        Just(encoding(8, DefaultAlphabet::Gsm)),
        Just(encoding(4, DefaultAlphabet::Gsm)),
        Just(encoding(9, DefaultAlphabet::Gsm)),
    ]
}

proptest! {
    #[test]
    fn every_chain_of_forms_keeps_the_content(
        encoding in encodings(),
        septets in prop::collection::vec(0..128u8, 0..900),
        with_ports: bool,
        forms in prop::collection::vec(0..4usize, 1..6),
        reference: u16,
    ) {
        let header = if with_ports { b"\x05\x04\x0B\x84\x23\xF0".to_vec() } else { Vec::new() };
        // A packed text may not end with what the padding takes away.
        let content = [septets, b"..".to_vec()].concat();
        let start = Whole { header, headers_differ: false, content };
        let forms = forms.iter().map(|&form| [Form::Udh8, Form::Udh16, Form::Sar, Form::Payload][form]);
        let mut bodies = split(&start, &encoding, Form::Udh8, reference).unwrap();
        for form in forms {
            bodies = with_parts(&bodies, |parts| convert(parts, &encoding, form, reference)).unwrap().parts;
            let joined = with_parts(&bodies, |parts| {
                let padded = |body: &PartBody| body.short_message.len() > 140;
                let is_packed = matches!(encoding.charset, crate::text::Charset::GsmPacked(_));
                assert!(!is_packed || !bodies.iter().any(padded));
                Whole::join(parts.iter().copied(), &encoding)
            });
            if !cr_pairs(&start.content, &encoding) {
                prop_assert_eq!(&joined, &start);
            }
        }
    }

    #[test]
    fn reading_never_panics(
        esm_class: u8,
        short_message in prop::collection::vec(any::<u8>(), 0..60),
        sar in prop::collection::vec((0x20C..0x210u16, prop::collection::vec(any::<u8>(), 0..3)), 0..5),
        encoding in encodings(),
        form in 0..4usize,
    ) {
        let mut area = Vec::new();
        for (tag, value) in &sar {
            tlv::append(&mut area, tlv::Tag(*tag), value);
        }
        let tlvs = Tlvs::parse(&area).unwrap();
        let message = ShortMessage { tlvs, ..short(esm_class, &short_message) };
        if let Ok(part) = Segmented::read(&message) {
            prop_assert!(part.sequence >= 1 && part.sequence <= part.total);
            let form = [Form::Udh8, Form::Udh16, Form::Sar, Form::Payload][form];
            let _ = convert(&[part], &encoding, form, 1);
            for kind in [Kind::Udh8, Kind::Udh16, Kind::Sar] {
                part.rewrite(&encoding, kind, 1);
            }
        }
    }
}

/// Two carriage returns in a row at a part's end are what packing cannot tell from one (see `Padding`).
fn cr_pairs(content: &[u8], encoding: &Encoding) -> bool {
    matches!(encoding.charset, crate::text::Charset::GsmPacked(_))
        && content.windows(2).any(|pair| pair == b"\r\r")
}
