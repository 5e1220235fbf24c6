//! Delivery receipts (SMPP 3.4 Appendix B, §2.11): three messages ask for one, a fourth does not; what comes is looked at
//! from every side. Phones that are off make none.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use brivas_smpp::receipt::{IdQuirk, Receipt, ReceiptQuirks, id_forms, learn_zone_minutes};
use brivas_smpp::tlv::Tag;
use brivas_smpp::{BindMode, Pdu, RegisteredDelivery, ShortMessage};

use super::super::line::{Heard, Line, Silence};
use super::super::report::Finding;
use super::learned::printable;
use super::{Checked, Needs, Row, Tester, row};

pub(super) const CHECKS: &[Row] = &[
    row(
        Needs::Messages,
        "receipt.arrives",
        "2.11",
        "each message that asked for a receipt gets one",
        arrives,
    ),
    row(
        Needs::Messages,
        "receipt.not-asked",
        "5.2.17",
        "a message that asked for none gets none",
        |tester| {
            of_study(tester, |_, study| {
                let came = study.receipts.iter().filter(|receipt| receipt.message == Some(ASKED)).count();
                Finding::pass_if(came == 0, format!("{came} came"))
            })
        },
    ),
    row(Needs::Messages, "receipt.once", "2.11", "each receipt comes once", once),
    row(
        Needs::Messages,
        "receipt.after-response",
        "2.6",
        "a receipt comes behind the response to its message",
        |tester| {
            of_study(tester, |_, study| {
                let early = study.receipts.iter().filter(|receipt| receipt.is_early).count();
                Finding::pass_if(early == 0, format!("{early} of {} came before", study.receipts.len()))
            })
        },
    ),
    row(Needs::Messages, "receipt.id", "5.3.2.12", "a receipt names its message as the response did", ids),
    row(Needs::Messages, "receipt.esm-class", "5.2.12", "esm_class says that it is a receipt", esm_class),
    row(Needs::Messages, "receipt.text", "Appendix B", "its text has id, stat, dates and err", text),
    row(
        Needs::Messages,
        "receipt.tlvs",
        "4.6.1",
        "it has receipted_message_id and message_state as TLVs",
        tlvs,
    ),
    row(
        Needs::Messages,
        "receipt.addresses",
        "4.6",
        "it comes from the message's destination, to its source",
        addresses,
    ),
    row(Needs::Messages, "receipt.dates", "Appendix B", "its done date is in UTC", dates),
];

/// Messages that ask for a receipt; the next one does not.
const ASKED: usize = 3;

/// What the receipts' checks look at: made by the first of them.
pub(super) struct Study {
    receipts: Vec<Arrived>,
    /// Messages that were not accepted, and why.
    refused: Option<String>,
    ids: Vec<Vec<u8>>,
}

/// A receipt that came.
struct Arrived {
    heard: Heard,
    /// Wall clock, milliseconds.
    at_ms: i64,
    /// Which of the messages it is of, as far as its id tells.
    message: Option<usize>,
    /// It came before the response to its message.
    is_early: bool,
}

impl Arrived {
    /// Looks at it with the codec.
    fn read<T>(&self, look: impl FnOnce(&ShortMessage<'_>, Option<Receipt<'_>>) -> T) -> Option<T> {
        let Some(Pdu::DeliverSm(message)) = self.heard.pdu() else { return None };
        let quirks = ReceiptQuirks { without_class: true, ..ReceiptQuirks::default() };
        let receipt = Receipt::read_from(&message, quirks);
        Some(look(&message, receipt))
    }

    fn id(&self) -> Vec<u8> {
        let id = self.read(|_, receipt| receipt.map(|receipt| receipt.message_id.to_vec()));
        id.flatten().unwrap_or_default()
    }
}

fn study(tester: &mut Tester<'_>, line: &mut Line) -> Result<Study, Silence> {
    let (mut ids, mut answered_at) = (Vec::new(), Vec::new());
    let mut refused = None;
    for number in 0..=ASKED {
        let asks = u8::from(number < ASKED);
        let (id, finding) = tester.submit_for_id(line, |message| {
            message.registered_delivery = RegisteredDelivery(asks);
            message.short_message = b"A test of receipts";
        })?;
        match id {
            Some(id) => ids.push(id),
            None => refused = Some(finding.seen),
        }
        answered_at.push(Instant::now());
    }
    // A carrier that sends several for a message is given a moment for the others.
    let deadline = Instant::now() + tester.options.patience();
    while line.deliveries.len() < ASKED && refused.is_none() {
        let left = deadline.saturating_duration_since(Instant::now());
        match line.wait_for_message(left) {
            Ok(()) => {}
            Err(Silence::Nothing(_)) => break,
            Err(silence) => return Err(silence),
        }
    }
    let _ = line.wait_for_message(MOMENT);
    let now = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
    let receipts = std::mem::take(&mut line.deliveries).into_iter().map(|heard| {
        let since = now.0.saturating_duration_since(heard.at);
        let at_ms = now.1.saturating_sub(since).as_millis() as i64;
        let mut arrived = Arrived { at_ms, message: None, is_early: false, heard };
        let id = arrived.id();
        let forms = id_forms(&id);
        arrived.message = ids.iter().position(|known| forms.iter().any(|form| form == known.as_slice()));
        arrived.is_early = arrived
            .message
            .and_then(|number| answered_at.get(number))
            .is_some_and(|answered| arrived.heard.at < *answered);
        arrived
    });
    let receipts = receipts.collect();
    Ok(Study { receipts, refused, ids })
}

const MOMENT: Duration = Duration::from_millis(500);

/// Runs the study if it was not, and looks at it.
fn of_study(tester: &mut Tester<'_>, look: impl FnOnce(&mut Tester<'_>, &Study) -> Finding) -> Checked {
    if tester.study.is_none() {
        let mut line = tester.bound(BindMode::Transceiver)?;
        line.exchange();
        let study = study(tester, &mut line);
        tester.exchange.extend(line.exchange());
        line.part();
        tester.study = Some(study?);
    }
    let Some(study) = tester.study.take() else { return Ok(Finding::skipped("nothing was studied")) };
    let finding = match &study.refused {
        Some(why) => Finding::skipped(format!("the messages were not accepted: {why}")),
        None if study.receipts.is_empty() => Finding::skipped("no receipt came"),
        None => look(tester, &study),
    };
    tester.study = Some(study);
    Ok(finding)
}

fn arrives(tester: &mut Tester<'_>) -> Checked {
    let patience = tester.options.patience_ms;
    let finding = of_study(tester, |tester, study| {
        if let Some(example) =
            study.receipts.first().and_then(|first| first.read(|message, _| printable(message.text())))
        {
            tester.learned.facts.insert("receipt_example".to_owned(), example.into());
        }
        let named = |number: &usize| study.receipts.iter().any(|receipt| receipt.message == Some(*number));
        let count = (0..ASKED).filter(named).count();
        match (count, study.receipts.len()) {
            (ASKED, _) => Finding::pass(format!("{ASKED} of {ASKED}")),
            (0, came) => Finding::fail(format!("{came} came, and none can be told whose it is")),
            (some, _) => Finding::quirk(format!("{some} of {ASKED} within {patience} ms")),
        }
    })?;
    let is_none =
        tester.study.as_ref().is_some_and(|study| study.refused.is_none() && study.receipts.is_empty());
    Ok(if is_none { Finding::fail(format!("none within {patience} ms")) } else { finding })
}

fn once(tester: &mut Tester<'_>) -> Checked {
    of_study(tester, |_, study| {
        let mut finals = [0_usize; ASKED];
        for receipt in &study.receipts {
            let is_final = receipt.read(|_, read| read.is_some_and(|read| read.state.is_final()));
            if let (Some(number), Some(true)) = (receipt.message.filter(|number| *number < ASKED), is_final) {
                finals[number] += 1;
            }
        }
        let more = study.receipts.len() - finals.iter().sum::<usize>();
        let twice = finals.iter().filter(|count| **count > 1).count();
        let seen = format!(
            "{twice} messages have several final receipts, {more} receipts are not final or of no message"
        );
        Finding::pass_if(twice == 0 && more == 0, seen)
    })
}

fn ids(tester: &mut Tester<'_>) -> Checked {
    of_study(tester, |tester, study| {
        let pairs: Vec<_> = study
            .receipts
            .iter()
            .filter_map(|receipt| Some((study.ids[receipt.message?].clone(), receipt.id())))
            .collect();
        let Some((response, receipt)) = pairs.first() else {
            return Finding::fail("no receipt names a message that can be told");
        };
        let learned = IdQuirk::learn(pairs.iter().map(|pair| (pair.0.as_slice(), pair.1.as_slice())));
        let seen = format!("{} in the response, {} in the receipt", printable(response), printable(receipt));
        match learned {
            Some(IdQuirk::Same) => Finding::pass(printable(receipt)),
            Some(quirk) => {
                let name = name_of(quirk);
                tester.learned.quirks.insert("messageIds".to_owned(), name.into());
                Finding::quirk(format!("{name}: {seen}"))
            }
            None => Finding::quirk(format!("in no one way: {seen}")),
        }
    })
}

/// As the resource Carrier has it.
const fn name_of(quirk: IdQuirk) -> &'static str {
    match quirk {
        IdQuirk::Same => "same",
        IdQuirk::Case => "case",
        IdQuirk::Zeros => "zeros",
        IdQuirk::HexadecimalToDecimal => "hexToDecimal",
        IdQuirk::DecimalToHexadecimal => "decimalToHex",
        IdQuirk::Dashes => "dashes",
    }
}

/// Of every receipt: pass if all are so.
fn every(
    study: &Study,
    is_so: impl Fn(&ShortMessage<'_>, Option<Receipt<'_>>) -> Result<(), String>,
) -> Finding {
    for receipt in &study.receipts {
        match receipt.read(&is_so) {
            Some(Ok(())) => {}
            Some(Err(why)) => return Finding::quirk(why),
            None => return Finding::quirk(format!("it came as {}", receipt.heard.words())),
        }
    }
    Finding::pass(format!("all {}", study.receipts.len()))
}

fn esm_class(tester: &mut Tester<'_>) -> Checked {
    of_study(tester, |tester, study| {
        let finding = every(study, |message, _| {
            let class = message.esm_class;
            let is_one = class.is_receipt() || class.is_intermediate_notification();
            if is_one { Ok(()) } else { Err(format!("esm_class is {:#04x}", class.0)) }
        });
        if finding.seen.starts_with("esm_class is 0x00") {
            tester.learned.quirks.insert("plainReceipts".to_owned(), "always".into());
        }
        finding
    })
}

fn text(tester: &mut Tester<'_>) -> Checked {
    of_study(tester, |_, study| {
        every(study, |message, receipt| {
            let text = message.text().to_ascii_lowercase();
            let has = |key: &str| text.windows(key.len()).any(|octets| octets == key.as_bytes());
            let missing: Vec<_> = ["id:", "submit date:", "done date:", "stat:", "err:"]
                .into_iter()
                .filter(|key| !has(key))
                .collect();
            match (receipt, missing.as_slice()) {
                (None, _) => Err(format!("it cannot be read: {}", printable(message.text()))),
                (Some(_), []) => Ok(()),
                (Some(_), missing) => {
                    Err(format!("without {}: {}", missing.join(" "), printable(message.text())))
                }
            }
        })
    })
}

fn tlvs(tester: &mut Tester<'_>) -> Checked {
    of_study(tester, |_, study| {
        every(study, |message, _| {
            let id = message.tlvs.find(Tag::RECEIPTED_MESSAGE_ID);
            let state = message.tlvs.find(Tag::MESSAGE_STATE);
            if !message.tlvs.broken().is_empty() {
                return Err(format!("the TLV area is broken: {}", printable(message.tlvs.octets())));
            }
            match (id, state) {
                (Some([.., 0]), Some([_])) => Ok(()),
                (Some(_), Some([_])) => Err("receipted_message_id lacks its NUL".to_owned()),
                (Some(_), Some(state)) => Err(format!("message_state has {} octets", state.len())),
                (None, None) => Err("it has neither".to_owned()),
                (None, _) => Err("receipted_message_id is missing".to_owned()),
                (_, None) => Err("message_state is missing".to_owned()),
            }
        })
    })
}

fn addresses(tester: &mut Tester<'_>) -> Checked {
    let (from, to) = (tester.source().digits.to_vec(), tester.destination().digits.to_vec());
    of_study(tester, |_, study| {
        every(study, |message, _| {
            let (source, destination) = (message.source.digits, message.destination.digits);
            if source == to.as_slice() && destination == from.as_slice() {
                Ok(())
            } else {
                Err(format!("from {} to {}", printable(source), printable(destination)))
            }
        })
    })
}

fn dates(tester: &mut Tester<'_>) -> Checked {
    of_study(tester, |tester, study| {
        let pairs: Vec<_> = study
            .receipts
            .iter()
            .filter_map(|arrived| {
                let done = arrived.read(|_, receipt| receipt.and_then(|receipt| receipt.done_at_ms));
                Some((done.flatten()?, arrived.at_ms))
            })
            .collect();
        if pairs.is_empty() {
            return Finding::quirk("no done date can be read");
        }
        match learn_zone_minutes(pairs) {
            Some(0) => Finding::pass("in UTC"),
            Some(minutes) => {
                tester.learned.quirks.insert("receiptZoneMinutes".to_owned(), minutes.into());
                Finding::quirk(format!("{minutes} minutes ahead of UTC"))
            }
            None => Finding::quirk("no zone explains the done date"),
        }
    })
}
