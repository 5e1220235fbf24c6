//! Messages that are right: each ought to be accepted, and told its id (SMPP 3.4 §4.4).

use std::time::Instant;

use brivas_smpp::time::civil;
use brivas_smpp::tlv::{self, Tag, Tlvs};
use brivas_smpp::{CommandId, EsmClass, Pdu, ShortMessage};

use super::super::line::{Heard, Line, Silence, raw};
use super::super::report::Finding;
use super::{Checked, Needs, Row, Tester, row};

pub(super) const CHECKS: &[Row] = &[
    row(Needs::Messages, "message.submit", "4.4", "a plain message is accepted, and told its id", |tester| {
        tester.on_a_bind(|tester, line| tester.submit(line, |_| {}))
    }),
    row(Needs::Messages, "message.window", "2.6", "ten messages in one segment are each answered", window),
    row(
        Needs::Messages,
        "message.data-codings",
        "5.2.19",
        "texts of the default alphabet, Latin-1, binary and UCS2 are accepted",
        data_codings,
    ),
    row(Needs::Messages, "message.udh", "5.2.12", "two parts with user data headers are accepted", udh),
    row(Needs::Messages, "message.sar", "5.3.2.22", "two parts by sar TLVs are accepted", sar),
    row(
        Needs::Messages,
        "message.payload",
        "5.3.2.32",
        "a text of 300 octets in message_payload is accepted",
        |tester| {
            let text = vec![b'x'; 300];
            with_tlv(tester, Tag::MESSAGE_PAYLOAD, text, |message| message.short_message = b"")
        },
    ),
    row(Needs::Messages, "message.vendor-tlv", "3.3", "a TLV of a vendor (0x1400) does no harm", |tester| {
        with_tlv(tester, Tag(0x1400), b"vendor".to_vec(), |_| {})
    }),
    row(
        Needs::Messages,
        "message.unknown-tlv",
        "3.3",
        "a TLV that is not known (0x0999) is ignored",
        |tester| with_tlv(tester, Tag(0x0999), vec![1], |_| {}),
    ),
    row(Needs::Messages, "message.priority", "5.2.14", "priority_flag 3 is accepted", |tester| {
        tester.on_a_bind(|tester, line| tester.submit(line, |message| message.priority_flag = 3))
    }),
    row(
        Needs::Messages,
        "message.validity-relative",
        "7.1.1",
        "a relative validity_period is accepted",
        |tester| {
            tester.on_a_bind(|tester, line| {
                tester.submit(line, |message| message.validity_period = b"000000010000000R")
            })
        },
    ),
    row(
        Needs::Messages,
        "message.validity-absolute",
        "7.1.1",
        "an absolute validity_period is accepted",
        validity_absolute,
    ),
];

impl Tester<'_> {
    /// Submits a message that ought to be accepted.
    pub(super) fn submit<'m>(
        &mut self,
        line: &mut Line,
        change: impl FnOnce(&mut ShortMessage<'m>),
    ) -> Result<Finding, Silence> {
        let (_, finding) = self.submit_for_id(line, change)?;
        Ok(finding)
    }

    /// The same, with its id where it was accepted.
    pub(super) fn submit_for_id<'m>(
        &mut self,
        line: &mut Line,
        change: impl FnOnce(&mut ShortMessage<'m>),
    ) -> Result<(Option<Vec<u8>>, Finding), Silence> {
        let mut message = ShortMessage { short_message: b"A test of conformance", ..ShortMessage::default() };
        change(&mut message);
        let ours = self.message(b"");
        let message = ShortMessage { source: ours.source, destination: ours.destination, ..message };
        let began = Instant::now();
        let answer = line.ask(&Pdu::SubmitSm(message))?;
        Ok(self.taken(&answer, CommandId::SUBMIT_SM, began))
    }

    /// Judges the answer to a message that ought to be accepted.
    pub(super) fn taken(
        &mut self,
        answer: &Heard,
        request: CommandId,
        began: Instant,
    ) -> (Option<Vec<u8>>, Finding) {
        if answer.id() != request.response() {
            self.learned.note_error(answer);
            return (None, Finding::fail(format!("the answer is {}", answer.words())));
        }
        if !answer.status().is_ok() {
            self.learned.note_error(answer);
            return (None, Finding::quirk(format!("it was refused: {}", answer.status())));
        }
        let Some(Pdu::SubmitSmResp(response) | Pdu::DataSmResp(response)) = answer.pdu() else {
            return (None, Finding::fail("the body of the response cannot be read"));
        };
        let id = response.message_id;
        let response_ms = answer.at.duration_since(began).as_millis() as u64;
        self.learned.note_id(id.octets, id.is_terminated, response_ms);
        if id.octets.is_empty() {
            return (None, Finding::fail("it was accepted without an id"));
        }
        (Some(id.octets.to_vec()), Finding::pass(format!("accepted as {}", id.octets.escape_ascii())))
    }
}

/// The worst of several.
fn all_of(findings: Vec<(&str, Finding)>) -> Finding {
    use super::super::report::Outcome;
    let words = |(name, finding): &(&str, Finding)| format!("{name}: {}", finding.seen);
    for worst in [Outcome::Fail, Outcome::Quirk] {
        let such: Vec<_> = findings.iter().filter(|one| one.1.outcome == worst).map(words).collect();
        if !such.is_empty() {
            return Finding { outcome: worst, seen: such.join("; ") };
        }
    }
    Finding::pass(format!("{} accepted", findings.len()))
}

fn window(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut body = Vec::new();
        tester.message(b"One of ten in a window").encode(&mut body);
        let numbers: Vec<_> = (0..10).map(|_| line.sequence()).collect();
        let octets: Vec<_> =
            numbers.iter().flat_map(|number| raw(CommandId::SUBMIT_SM, *number, &body)).collect();
        let began = Instant::now();
        line.send(&octets);
        let mut came = Vec::new();
        let mut findings = Vec::new();
        while came.len() < numbers.len() {
            match line.hear_until(line.timeout(), |heard| heard.id().is_response()) {
                Ok(answer) => {
                    came.push(answer.header.sequence_number);
                    findings.push(("one", tester.taken(&answer, CommandId::SUBMIT_SM, began).1));
                }
                Err(silence) => {
                    return Ok(Finding::fail(format!("{} of 10 were answered: {silence}", came.len())));
                }
            }
        }
        let in_order = came == numbers;
        came.sort_unstable();
        if came != numbers {
            return Ok(Finding::fail("the answers have other sequence numbers"));
        }
        let finding = all_of(findings);
        let order = if in_order { "answered in order" } else { "answered in another order" };
        Ok(Finding { seen: format!("{}, {order}", finding.seen), ..finding })
    })
}

fn data_codings(tester: &mut Tester<'_>) -> Checked {
    let ucs2: Vec<u8> = "Привет".encode_utf16().flat_map(u16::to_be_bytes).collect();
    tester.on_a_bind(|tester, line| {
        let mut findings = Vec::new();
        for (name, data_coding, text) in [
            ("0 (default)", 0, &b"Hello"[..]),
            ("3 (Latin-1)", 3, b"Gr\xFC\xDFe"),
            ("4 (binary)", 4, b"\x00\x01\xFE\xFF"),
            ("8 (UCS2)", 8, &ucs2),
        ] {
            let finding = tester.submit(line, |message| {
                message.data_coding = data_coding;
                message.short_message = text;
            })?;
            findings.push((name, finding));
        }
        Ok(all_of(findings))
    })
}

fn udh(tester: &mut Tester<'_>) -> Checked {
    tester.on_a_bind(|tester, line| {
        let mut findings = Vec::new();
        for (name, text) in
            [("part 1", &b"\x05\x00\x03\x2A\x02\x01One "[..]), ("part 2", b"\x05\x00\x03\x2A\x02\x02two")]
        {
            let finding = tester.submit(line, |message| {
                message.esm_class = EsmClass(0x40);
                message.short_message = text;
            })?;
            findings.push((name, finding));
        }
        Ok(all_of(findings))
    })
}

fn sar(tester: &mut Tester<'_>) -> Checked {
    let area = |sequence: u8| {
        let mut area = Vec::new();
        tlv::append_short(&mut area, Tag::SAR_MSG_REF_NUM, 42);
        tlv::append_octet(&mut area, Tag::SAR_TOTAL_SEGMENTS, 2);
        tlv::append_octet(&mut area, Tag::SAR_SEGMENT_SEQNUM, sequence);
        area
    };
    let areas = [area(1), area(2)];
    tester.on_a_bind(|tester, line| {
        let mut findings = Vec::new();
        for (name, area) in ["part 1", "part 2"].into_iter().zip(&areas) {
            findings.push((name, tester.submit(line, |message| message.tlvs = Tlvs::lenient(area))?));
        }
        Ok(all_of(findings))
    })
}

fn with_tlv(
    tester: &mut Tester<'_>,
    tag: Tag,
    value: Vec<u8>,
    change: impl Fn(&mut ShortMessage<'_>),
) -> Checked {
    let mut area = Vec::new();
    tlv::append(&mut area, tag, &value);
    tester.on_a_bind(|tester, line| {
        tester.submit(line, |message| {
            message.tlvs = Tlvs::lenient(&area);
            change(message);
        })
    })
}

fn validity_absolute(tester: &mut Tester<'_>) -> Checked {
    let text = absolute(3_600_000);
    tester.on_a_bind(|tester, line| tester.submit(line, |message| message.validity_period = &text))
}

/// A time from now in SMPP's absolute form, UTC.
pub(super) fn absolute(from_now_ms: i64) -> Vec<u8> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let at = civil(now.map_or(0, |since| since.as_millis() as i64) + from_now_ms);
    let (year, month, day) = (at.year % 100, at.month, at.day);
    format!("{year:02}{month:02}{day:02}{:02}{:02}{:02}000+", at.hour, at.minute, at.second).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absolute_time_is_read_as_what_it_was() {
        let text = absolute(0);
        let read = brivas_smpp::time::parse(&text, 0).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        assert!((now.as_millis() as i64 - read).abs() < 60_000);
    }
}
