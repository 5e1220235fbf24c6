//! Any TLV area: nothing is lost, and every value may be read.

use brivas_smpp::tlv::{self, DEFINITIONS, Tlvs};

pub fn check(octets: &[u8]) {
    let lenient = Tlvs::lenient(octets);
    ask(lenient);
    assert_eq!(Tlvs::parse(octets).is_some(), lenient.broken().is_empty());
    let Some(tlvs) = Tlvs::parse(octets) else { return };
    let mut again = Vec::new();
    for each in tlvs.iter() {
        tlv::append(&mut again, each.tag, each.value);
        if let Some(definition) = each.tag.definition() {
            let is_right =
                u16::try_from(each.value.len()).is_ok_and(|length| definition.octets().contains(&length));
            assert_eq!(definition.check(each.value).is_ok(), is_right);
            assert!(!each.tag.is_vendor());
        }
    }
    assert_eq!(again, octets, "not every octet survived");
}

/// Asks an area everything that it can be asked.
pub fn ask(tlvs: Tlvs<'_>) {
    let whole = tlvs.well_formed();
    assert_eq!([whole.octets(), tlvs.broken()].concat(), tlvs.octets());
    assert_eq!(tlvs.iter().map(|tlv| 4 + tlv.value.len()).sum::<usize>(), whole.octets().len());
    for definition in DEFINITIONS {
        assert_eq!(tlvs.find(definition.tag), tlvs.find_all(definition.tag).next());
    }
    assert!(tlvs.callback_nums().count() <= tlvs.iter().count());
    assert!(tlvs.broadcast_areas().count() <= tlvs.iter().count());
    if let Some(sar) = tlvs.sar() {
        assert!(sar.sequence >= 1 && sar.sequence <= sar.total);
    }
    if let Some(error) = tlvs.network_error() {
        assert_eq!(tlvs.network_error_code(), Some(&error.octets()[..]));
    }
    if let Some(content) = tlvs.broadcast_content() {
        assert_eq!(tlvs.broadcast_content_type(), Some(&content.octets()[..]));
    }
    if let Some(interval) = tlvs.broadcast_frequency() {
        assert_eq!(tlvs.broadcast_frequency_interval(), Some(&interval.octets()[..]));
    }
    if let Some(session) = tlvs.its_session() {
        assert_eq!(tlvs.its_session_info(), Some(&session.octets()[..]));
    }
    if let Some(state) = tlvs.congestion() {
        assert_eq!(tlvs.congestion_state(), Some(u8::from(state)));
    }
    let _ = (tlvs.subaddresses(), tlvs.phone_validity(), tlvs.receipted_message_id());
}
