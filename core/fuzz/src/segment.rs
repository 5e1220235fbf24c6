//! Parts of long messages: headers read, messages cut and put together again, and a reassembler under whatever parts come.
//!
//! Octets: what is done, and with which encoding; then a PDU's user data, a message, or one part after another.

use brivas_smpp::segment::{
    Assembled, Form, Kind, Offer, Position, Reassembler, ReassemblerConfig, Segmented, Udh, Whole, split,
};
use brivas_smpp::text::{Charset, DataCoding, DefaultAlphabet, Encoding, Padding, Shift};
use brivas_smpp::tlv::Tlvs;
use brivas_smpp::{EsmClass, ShortMessage};

pub fn check(octets: &[u8]) {
    let Some((&[what, data_coding], rest)) = octets.split_first_chunk::<2>() else { return };
    let alphabets = [
        DefaultAlphabet::Gsm,
        DefaultAlphabet::GsmPacked(Padding::Zero),
        DefaultAlphabet::Latin1,
        DefaultAlphabet::Ascii,
    ];
    let alphabet = alphabets[usize::from(what >> 6)];
    let encoding = Encoding::of(DataCoding(data_coding), alphabet, Shift::NONE);
    match what % 3 {
        0 => reads(rest, &encoding),
        1 => survives_cutting(rest, &encoding),
        _ => keeps_its_bounds(rest, &encoding),
    }
}

/// Any user data and TLVs: what is read as a part is a part, also in every other form that it can have.
fn reads(octets: &[u8], encoding: &Encoding) {
    let Some((&[esm_class, tlv_octets], rest)) = octets.split_first_chunk::<2>() else { return };
    let (text, area) = rest.split_at(rest.len() - usize::from(tlv_octets).min(rest.len()));
    let tlvs = Tlvs::lenient(area).well_formed();
    let message =
        ShortMessage { esm_class: EsmClass(esm_class), short_message: text, tlvs, ..ShortMessage::default() };
    let Ok(part) = Segmented::read(&message) else { return };
    assert!((1..=part.total).contains(&part.sequence));
    assert_eq!(part.header_octets + part.content.len(), message.text().len());
    let text = |part: &Segmented<'_>| {
        let mut content = Vec::new();
        part.append_unpacked(encoding, &mut content);
        content
    };
    for kind in [Kind::Udh8, Kind::Udh16, Kind::Sar] {
        let Some(body) = part.rewrite(encoding, kind, 0x1234) else { continue };
        let mut area = Vec::new();
        let written = body.message(&message, &mut area);
        let again = Segmented::read(&written).expect("what was written is read");
        let reference = if kind == Kind::Udh8 { 0x34 } else { 0x1234 };
        assert_eq!(again.position(), Position { kind, reference, ..part.position() });
        let (mut before, mut after) = (Vec::new(), Vec::new());
        part.header.append_others(&mut before);
        again.header.append_others(&mut after);
        assert_eq!(before, after, "elements that say no place pass");
        if !matches!(encoding.charset, Charset::GsmPacked(_)) {
            assert_eq!(text(&part), text(&again));
        }
    }
}

/// A message that is cut is the same when it is put together, whatever the order of its parts.
fn survives_cutting(octets: &[u8], encoding: &Encoding) {
    let Some((&[form, reference, order, others], content)) = octets.split_first_chunk::<4>() else { return };
    let form = [Form::Udh8, Form::Udh16, Form::Sar, Form::Payload][usize::from(form % 4)];
    let (header, content) = content.split_at(usize::from(others % 16).min(content.len()));
    let is_packed = matches!(encoding.charset, Charset::GsmPacked(_));
    // What packing cannot say: an octet above a septet's, and what looks like its padding.
    let content: Vec<u8> =
        content.iter().map(|&octet| if is_packed { (octet & 0x7F).max(0x20) } else { octet }).collect();
    let Some(others) = Udh::parse(header) else { return };
    let mut whole = Whole { header: Vec::new(), headers_differ: false, content };
    others.append_others(&mut whole.header);
    let Ok(bodies) = split(&whole, encoding, form, u16::from(reference)) else { return };
    let mut numbers: Vec<_> = (0..bodies.len()).collect();
    if !numbers.is_empty() {
        let count = numbers.len();
        numbers.rotate_left(usize::from(order) % count);
    }
    let mut reassembler = Reassembler::new(ReassemblerConfig::default());
    let (mut complete, mut dropped) = (None, Vec::new());
    for &number in &numbers {
        let (message, mut area) = (ShortMessage::default(), Vec::new());
        let written = bodies[number].message(&message, &mut area);
        let part = Segmented::read(&written).expect("what was written is read");
        assert!(form == Form::Payload || encoding_fits(&part), "{} octets", part.content.len());
        match reassembler.offer(0, (b"1", b"2"), &part, encoding, number, &mut dropped) {
            Offer::Alone(_) => complete = Some((Whole::join([part], encoding), vec![0])),
            Offer::Complete(Assembled { whole, tokens, .. }) => complete = Some((whole, tokens)),
            Offer::Held => {}
            Offer::Duplicate(_) | Offer::Refused(_) => panic!("each part comes once"),
        }
    }
    let (again, tokens) = complete.expect("all parts are there");
    assert_eq!((again, tokens), (whole, (0..bodies.len()).collect()));
    assert!(dropped.is_empty());
}

/// What goes over the air in one part (3GPP TS 23.040 §9.2.3.16): 140 octets, or 160 septets of which each is an octet here.
fn encoding_fits(part: &Segmented<'_>) -> bool {
    part.content.len() <= 160
}

/// Whatever comes, every part that was taken is given back once, and no more is held than was allowed.
fn keeps_its_bounds(octets: &[u8], encoding: &Encoding) {
    let config = ReassemblerConfig {
        messages_max: 4,
        parts_max: 9,
        octets_max: 4_096,
        timeout_ms: 50,
        duplicates_ms: 20,
    };
    let mut reassembler = Reassembler::new(config);
    let (mut taken, mut given, mut now_ms, mut rest) = (0_usize, Vec::new(), 0_u64, octets);
    while let Some((&[place, reference, step, length], behind)) = rest.split_first_chunk::<4>() {
        now_ms += u64::from(step % 16);
        let (content, behind) = behind.split_at(usize::from(length).min(behind.len()));
        rest = behind;
        let part = Segmented {
            kind: if reference & 0x80 == 0 { Kind::Udh8 } else { Kind::Sar },
            reference: u16::from(reference % 8),
            total: place >> 4,
            sequence: place & 0xF,
            header: Udh::default(),
            header_octets: 0,
            content,
        };
        let mut dropped = Vec::new();
        let addresses: (&[u8], &[u8]) = if step & 0x80 == 0 { (b"1", b"23") } else { (b"12", b"3") };
        match reassembler.offer(now_ms, addresses, &part, encoding, taken, &mut dropped) {
            Offer::Alone(token) | Offer::Duplicate(token) | Offer::Refused(token) => given.push(token),
            Offer::Complete(assembled) => {
                assert_eq!(assembled.tokens.len(), usize::from(part.total));
                given.extend(assembled.tokens);
            }
            Offer::Held => {}
        }
        taken += 1;
        given.extend(dropped.into_iter().flat_map(|message| message.parts).map(|part| part.token));
        while let Some(expired) = reassembler.expire(now_ms) {
            given.extend(expired.parts.into_iter().map(|part| part.token));
        }
        assert!(reassembler.octets() <= config.octets_max && reassembler.waiting() <= config.messages_max);
        assert!(reassembler.next_timeout_ms().is_none_or(|at_ms| at_ms > now_ms));
    }
    while let Some(expired) = reassembler.expire(u64::MAX) {
        given.extend(expired.parts.into_iter().map(|part| part.token));
    }
    given.sort_unstable();
    assert!(given.iter().copied().eq(0..taken), "{given:?} of {taken}");
    assert_eq!((reassembler.octets(), reassembler.waiting()), (0, 0));
}
