//! Random PDUs of every command, all fields of valid form. What they borrow is leaked: a test's life is short.

use std::ops::RangeInclusive;

use brivas_smpp::pdu::{
    Address, AlertNotification, BindRequest, BindResponse, BroadcastSm, CText, CancelBroadcastSm, CancelSm,
    DataSm, Destination, Destinations, Failure, MessageResponse, Outbind, QueryBroadcastSm, QuerySm,
    QuerySmResponse, ReplaceSm, SubmitMulti, SubmitMultiResponse, Unsuccessful,
};
use brivas_smpp::tlv::{self, DEFINITIONS, Definition, Kind, Tag, Tlvs};
use brivas_smpp::{
    BindMode, CommandId, CommandStatus, EsmClass, InterfaceVersion, Pdu, RegisteredDelivery, ShortMessage,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// What the PDUs are made of.
#[derive(Clone)]
pub struct Ingredients {
    /// Octets of texts; never 0.
    pub characters: RangeInclusive<u8>,
    /// TLVs that may come, of those that a PDU may carry.
    pub tlvs: fn(&Definition) -> bool,
    /// Whether times exist, and texts have the user data header that esm_class promises.
    pub is_real: bool,
}

/// A PDU of this command.
pub fn pdu(id: CommandId, from: &Ingredients) -> BoxedStrategy<Pdu<'static>> {
    let request = id.request();
    let tlvs = from.tlvs_of(id);
    if let Some(mode) = BindMode::from_command_id(request) {
        return if id.is_response() {
            (from.text(15), tlvs)
                .prop_map(move |(system_id, tlvs)| {
                    Pdu::BindResp(mode, BindResponse { system_id: CText::new(system_id), tlvs })
                })
                .boxed()
        } else {
            from.bind().prop_map(move |bind| Pdu::Bind(mode, bind)).boxed()
        };
    }
    match id {
        CommandId::SUBMIT_SM => from.message(id).prop_map(Pdu::SubmitSm).boxed(),
        CommandId::DELIVER_SM => from.message(id).prop_map(Pdu::DeliverSm).boxed(),
        CommandId::SUBMIT_SM_RESP => from.response(id).prop_map(Pdu::SubmitSmResp).boxed(),
        CommandId::DELIVER_SM_RESP => from.response(id).prop_map(Pdu::DeliverSmResp).boxed(),
        CommandId::DATA_SM_RESP => from.response(id).prop_map(Pdu::DataSmResp).boxed(),
        CommandId::BROADCAST_SM_RESP => from.response(id).prop_map(Pdu::BroadcastSmResp).boxed(),
        CommandId::QUERY_BROADCAST_SM_RESP => from.response(id).prop_map(Pdu::QueryBroadcastSmResp).boxed(),
        CommandId::ENQUIRE_LINK => tlvs.prop_map(Pdu::EnquireLink).boxed(),
        CommandId::ENQUIRE_LINK_RESP => tlvs.prop_map(Pdu::EnquireLinkResp).boxed(),
        CommandId::UNBIND => tlvs.prop_map(Pdu::Unbind).boxed(),
        CommandId::UNBIND_RESP => tlvs.prop_map(Pdu::UnbindResp).boxed(),
        CommandId::GENERIC_NACK => tlvs.prop_map(Pdu::GenericNack).boxed(),
        CommandId::CANCEL_SM_RESP => tlvs.prop_map(Pdu::CancelSmResp).boxed(),
        CommandId::REPLACE_SM_RESP => tlvs.prop_map(Pdu::ReplaceSmResp).boxed(),
        CommandId::CANCEL_BROADCAST_SM_RESP => tlvs.prop_map(Pdu::CancelBroadcastSmResp).boxed(),
        CommandId::OUTBIND => (from.text(15), from.text(8))
            .prop_map(|(system_id, password)| Pdu::Outbind(Outbind { system_id, password, trailing: b"" }))
            .boxed(),
        CommandId::DATA_SM => {
            (from.text(5), from.address(64), from.address(64), any::<u8>(), any::<u8>(), any::<u8>(), tlvs)
                .prop_map(|(service_type, source, destination, esm_class, registered, data_coding, tlvs)| {
                    Pdu::DataSm(DataSm {
                        service_type,
                        source,
                        destination,
                        esm_class: EsmClass(esm_class),
                        registered_delivery: RegisteredDelivery(registered),
                        data_coding,
                        tlvs,
                    })
                })
                .boxed()
        }
        CommandId::ALERT_NOTIFICATION => (from.address(64), from.address(64), tlvs)
            .prop_map(|(source, esme, tlvs)| Pdu::AlertNotification(AlertNotification { source, esme, tlvs }))
            .boxed(),
        CommandId::SUBMIT_MULTI => (from.message(id), from.destinations())
            .prop_map(|(message, destinations)| Pdu::SubmitMulti(multi(&message, destinations)))
            .boxed(),
        CommandId::SUBMIT_MULTI_RESP => (from.text(64), from.unsuccessful(), tlvs)
            .prop_map(|(message_id, unsuccessful, tlvs)| {
                let message_id = CText::new(message_id);
                Pdu::SubmitMultiResp(Some(SubmitMultiResponse { message_id, unsuccessful, tlvs }))
            })
            .boxed(),
        CommandId::QUERY_SM => (from.text(64), from.address(20))
            .prop_map(|(message_id, source)| Pdu::QuerySm(QuerySm { message_id, source, trailing: b"" }))
            .boxed(),
        CommandId::QUERY_SM_RESP => (from.text(64), from.time(), any::<u8>(), any::<u8>(), tlvs)
            .prop_map(|(message_id, final_date, message_state, error_code, tlvs)| {
                Pdu::QuerySmResp(Some(QuerySmResponse {
                    message_id,
                    final_date,
                    message_state,
                    error_code,
                    tlvs,
                }))
            })
            .boxed(),
        CommandId::CANCEL_SM => (from.text(5), from.text(64), from.address(20), from.address(20))
            .prop_map(|(service_type, message_id, source, destination)| {
                Pdu::CancelSm(CancelSm { service_type, message_id, source, destination, trailing: b"" })
            })
            .boxed(),
        CommandId::REPLACE_SM => (from.text(64), from.message(id))
            .prop_map(|(message_id, message)| {
                Pdu::ReplaceSm(ReplaceSm {
                    message_id,
                    source: message.source,
                    schedule_delivery_time: message.schedule_delivery_time,
                    validity_period: message.validity_period,
                    registered_delivery: message.registered_delivery,
                    sm_default_msg_id: message.sm_default_msg_id,
                    short_message: message.short_message,
                    tlvs: message.tlvs,
                })
            })
            .boxed(),
        CommandId::BROADCAST_SM => (from.text(64), from.message(id))
            .prop_map(|(message_id, message)| {
                Pdu::BroadcastSm(BroadcastSm {
                    service_type: message.service_type,
                    source: message.source,
                    message_id,
                    priority_flag: message.priority_flag,
                    schedule_delivery_time: message.schedule_delivery_time,
                    validity_period: message.validity_period,
                    replace_if_present_flag: message.replace_if_present_flag,
                    data_coding: message.data_coding,
                    sm_default_msg_id: message.sm_default_msg_id,
                    tlvs: message.tlvs,
                })
            })
            .boxed(),
        CommandId::QUERY_BROADCAST_SM => (from.text(64), from.address(20), tlvs)
            .prop_map(|(message_id, source, tlvs)| {
                Pdu::QueryBroadcastSm(QueryBroadcastSm { message_id, source, tlvs })
            })
            .boxed(),
        CommandId::CANCEL_BROADCAST_SM => (from.text(5), from.text(64), from.address(20), tlvs)
            .prop_map(|(service_type, message_id, source, tlvs)| {
                Pdu::CancelBroadcastSm(CancelBroadcastSm { service_type, message_id, source, tlvs })
            })
            .boxed(),
        other => panic!("{other:?} is made by nobody"),
    }
}

impl Ingredients {
    fn text(&self, octets_max: usize) -> BoxedStrategy<&'static [u8]> {
        vec(self.characters.clone(), 0..=octets_max).prop_map(leak).boxed()
    }

    fn address(&self, octets_max: usize) -> BoxedStrategy<Address<'static>> {
        (any::<u8>(), any::<u8>(), self.text(octets_max))
            .prop_map(|(ton, npi, digits)| Address { ton, npi, digits })
            .boxed()
    }

    fn time(&self) -> BoxedStrategy<&'static [u8]> {
        let absolute = (0..=99, 1..=12, 1..=28, 0..=23, 0..=59, 0..=59, 0..=9, 0..=48, any::<bool>())
            .prop_map(|(year, month, day, hour, minute, second, tenths, quarters, ahead)| {
                let sign = if ahead { '+' } else { '-' };
                format!(
                    "{year:02}{month:02}{day:02}{hour:02}{minute:02}{second:02}{tenths}{quarters:02}{sign}"
                )
                .into_bytes()
            });
        let relative = (0..=99, 0..=23, 0..=59, 0..=59).prop_map(|(days, hours, minutes, seconds)| {
            format!("0000{days:02}{hours:02}{minutes:02}{seconds:02}000R").into_bytes()
        });
        let none = Just(Vec::new());
        let real = prop_oneof![2 => none, 1 => absolute, 1 => relative];
        if self.is_real {
            real.prop_map(leak).boxed()
        } else {
            prop_oneof![3 => real, 1 => vec(self.characters.clone(), 16)].prop_map(leak).boxed()
        }
    }

    fn bind(&self) -> BoxedStrategy<BindRequest<'static>> {
        (
            (self.text(15), self.text(8), self.text(12)),
            prop_oneof![Just(0x33), Just(0x34), Just(0x50), any::<u8>()],
            self.address(40),
        )
            .prop_map(|((system_id, password, system_type), version, range)| BindRequest {
                system_id,
                password,
                system_type,
                interface_version: InterfaceVersion(version),
                ton: range.ton,
                npi: range.npi,
                address_range: range.digits,
                trailing: b"",
            })
            .boxed()
    }

    fn message(&self, id: CommandId) -> BoxedStrategy<ShortMessage<'static>> {
        let octets = any::<[u8; 8]>();
        let times = (self.time(), self.time());
        let is_real = self.is_real;
        let text = prop_oneof![4 => vec(any::<u8>(), 0..=30), 1 => vec(any::<u8>(), 0..=245)];
        (self.text(5), self.address(20), self.address(20), octets, times, text, self.tlvs_of(id))
            .prop_map(move |(service_type, source, destination, mut octets, times, mut text, tlvs)| {
                if is_real && tlvs.message_payload().is_some() {
                    octets[0] &= !UDH;
                } else if is_real && octets[0] & UDH != 0 {
                    // The only part of a binary message.
                    text.splice(0..0, [5, 0, 3, octets[7], 1, 1, 1, 2, 3, 4]);
                    octets[5] = 4;
                }
                ShortMessage {
                    service_type,
                    source,
                    destination,
                    esm_class: EsmClass(octets[0]),
                    protocol_id: octets[1],
                    priority_flag: octets[2],
                    schedule_delivery_time: times.0,
                    validity_period: times.1,
                    registered_delivery: RegisteredDelivery(octets[3]),
                    replace_if_present_flag: octets[4],
                    data_coding: octets[5],
                    sm_default_msg_id: octets[6],
                    short_message: leak(text),
                    tlvs,
                }
            })
            .boxed()
    }

    fn response(&self, id: CommandId) -> BoxedStrategy<MessageResponse<'static>> {
        (self.text(64), self.tlvs_of(id))
            .prop_map(|(message_id, tlvs)| MessageResponse { message_id: CText::new(message_id), tlvs })
            .boxed()
    }

    fn destinations(&self) -> BoxedStrategy<Destinations<'static>> {
        let one = prop_oneof![
            self.address(20).prop_map(Destination::Address),
            self.text(20).prop_map(Destination::List),
        ];
        prop_oneof![9 => vec(one.clone(), 0..=5), 1 => vec(one, 255)]
            .prop_map(|all| {
                let mut list = Vec::new();
                all.iter().for_each(|each| each.encode(&mut list));
                Destinations::parse(all.len() as u8, leak(list)).expect("what was written is read")
            })
            .boxed()
    }

    fn unsuccessful(&self) -> BoxedStrategy<Unsuccessful<'static>> {
        let one = (self.address(20), any::<u32>())
            .prop_map(|(address, status)| Failure { address, status: CommandStatus(status) });
        vec(one, 0..=5)
            .prop_map(|all| {
                let mut list = Vec::new();
                all.iter().for_each(|each| each.encode(&mut list));
                Unsuccessful::parse(all.len() as u8, leak(list)).expect("what was written is read")
            })
            .boxed()
    }

    /// Up to five TLVs of those that the PDU may carry, and of vendors.
    fn tlvs_of(&self, id: CommandId) -> BoxedStrategy<Tlvs<'static>> {
        if !id.is_response() && matches!(id, CommandId::ENQUIRE_LINK | CommandId::UNBIND) {
            return Just(Tlvs::EMPTY).boxed();
        }
        let wanted = self.tlvs;
        let version = InterfaceVersion::V5_0;
        let known: Vec<_> =
            DEFINITIONS.iter().filter(|each| each.is_allowed_in(id, version) && wanted(each)).collect();
        let vendor = (0x1400_u16..=0x3FFF, vec(any::<u8>(), 0..20)).boxed();
        let one = if known.is_empty() {
            vendor
        } else {
            let this = self.clone();
            let known = prop::sample::select(known)
                .prop_flat_map(move |definition| (Just(definition.tag.0), this.value(definition)));
            prop_oneof![4 => known, 1 => vendor].boxed()
        };
        vec(one, 0..=5)
            .prop_map(|all| {
                let mut area = Vec::new();
                all.iter().for_each(|(tag, value)| tlv::append(&mut area, Tag(*tag), value));
                Tlvs::parse(leak(area)).expect("what was written is read")
            })
            .boxed()
    }

    fn value(&self, definition: &Definition) -> BoxedStrategy<Vec<u8>> {
        let (shortest, longest) = (*definition.octets().start(), *definition.octets().end());
        let lengths = usize::from(shortest)..=usize::from(longest.min(shortest + 40));
        if definition.tag == Tag::BROADCAST_END_TIME {
            let terminated = |text: &'static [u8]| {
                let mut value = text.to_vec();
                value.push(0);
                value
            };
            return self.time().prop_filter("a time", |text| !text.is_empty()).prop_map(terminated).boxed();
        }
        match definition.kind {
            Kind::Text => vec(self.characters.clone(), *lengths.start() - 1..=lengths.end() - 1)
                .prop_map(|mut text| {
                    text.push(0);
                    text
                })
                .boxed(),
            _ => vec(any::<u8>(), lengths).boxed(),
        }
    }
}

/// A submit_multi with the fields of a message.
fn multi(message: &ShortMessage<'static>, destinations: Destinations<'static>) -> SubmitMulti<'static> {
    SubmitMulti {
        service_type: message.service_type,
        source: message.source,
        destinations,
        esm_class: message.esm_class,
        protocol_id: message.protocol_id,
        priority_flag: message.priority_flag,
        schedule_delivery_time: message.schedule_delivery_time,
        validity_period: message.validity_period,
        registered_delivery: message.registered_delivery,
        replace_if_present_flag: message.replace_if_present_flag,
        data_coding: message.data_coding,
        sm_default_msg_id: message.sm_default_msg_id,
        short_message: message.short_message,
        tlvs: message.tlvs,
    }
}

/// The bit of esm_class that promises a user data header.
const UDH: u8 = 0x40;

fn leak(octets: Vec<u8>) -> &'static [u8] {
    octets.leak()
}
