//! A PDU of a trace in words, for people: every field by its name, or what is wrong with it.

use brivas_smpp::frame::{self, Check, PDU_BYTES_MAX};
use brivas_smpp::pdu::describe_json;
use brivas_smpp::{CommandId, CommandStatus};

/// The fields of a PDU as one JSON object: `command` first, in a response its `status` by name. What cannot be read has
/// `malformed`, and of its fields those of the header, as far as there are any.
pub fn describe_pdu(octets: &[u8]) -> String {
    match frame::check(octets, PDU_BYTES_MAX) {
        Check::Complete(frame) => {
            let header = frame.header;
            let status = CommandStatus(header.command_status);
            let status = if header.command_id.is_response() {
                format!(r#","status":"{status}""#)
            } else {
                String::new()
            };
            match describe_json(frame) {
                Ok(json) => format!("{}{status}}}", json.strip_suffix('}').unwrap_or(&json)),
                Err(error) => {
                    let command = name(header.command_id);
                    format!(
                        r#"{{"command":"{command}","command_length":{},"command_id":{},"command_status":{},"sequence_number":{}{status},"malformed":"{}: {}"}}"#,
                        header.command_length,
                        header.command_id.0,
                        header.command_status,
                        header.sequence_number,
                        error.field,
                        error.status.text(),
                    )
                }
            }
        }
        Check::Incomplete => format!(r#"{{"malformed":"{} octets are less than a PDU"}}"#, octets.len()),
        Check::BadLength(length, header) => {
            let command = header.map_or_else(|| "unknown".to_owned(), |header| name(header.command_id));
            format!(r#"{{"command":"{command}","malformed":"command_length {length} is none"}}"#)
        }
    }
}

fn name(id: CommandId) -> String {
    id.name().map_or_else(|| format!("{:#010x}", id.0), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use brivas_smpp::Pdu;
    use brivas_smpp::pdu::MessageResponse;

    #[test]
    fn a_response_has_its_status_by_name() {
        let mut octets = Vec::new();
        Pdu::SubmitSmResp(MessageResponse::default()).encode(&mut octets, CommandStatus::RTHROTTLED, 7);
        assert_eq!(
            describe_pdu(&octets),
            concat!(
                r#"{"command":"submit_sm_resp","command_length":16,"command_id":2147483652,"command_status":88,"#,
                r#""sequence_number":7,"status":"ESME_RTHROTTLED"}"#
            )
        );
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let mut octets = Vec::new();
        frame::append(&mut octets, CommandId::QUERY_SM, 0, 7, |body| body.extend_from_slice(b"no end"));
        let told = describe_pdu(&octets);
        assert!(told.contains(r#""command":"query_sm""#), "{told}");
        assert!(told.ends_with(r#""malformed":"message_id: command length is invalid"}"#), "{told}");
        octets[3] = 15;
        assert_eq!(
            describe_pdu(&octets),
            r#"{"command":"query_sm","malformed":"command_length 15 is none"}"#
        );
        assert_eq!(describe_pdu(&[0]), r#"{"malformed":"1 octets are less than a PDU"}"#);
    }
}
