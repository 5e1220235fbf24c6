//! What the checks learn beside their own question: how errors look, and how ids are written.

use brivas_smpp::CommandStatus;
use brivas_smpp::frame::HEADER_BYTES;

use super::super::line::Heard;
use super::super::report::{Finding, Report};
use super::{Checked, Needs, Row, Tester, row};

/// Examples that are kept of anything.
const EXAMPLES_MAX: usize = 64;

pub(super) const CHECKS: &[Row] = &[
    row(Needs::Nothing, "error.no-body", "5.0 3.2.1", "error responses are a header alone", error_bodies),
    row(
        Needs::Nothing,
        "error.status",
        "5.1.3",
        "errors are values of the specification, or a vendor's",
        statuses,
    ),
    row(
        Needs::Messages,
        "id.form",
        "5.2.23",
        "message ids are texts of up to 64 characters, with their NUL",
        id_form,
    ),
    row(Needs::Messages, "id.unique", "5.2.23", "each message has an id of its own", id_unique),
];

/// Gathered over all checks.
#[derive(Default)]
pub(super) struct Learned {
    errors: u64,
    /// Error responses that had more than a header.
    with_body: Vec<String>,
    odd_statuses: Vec<String>,
    /// Message ids of responses, and whether each had its NUL.
    pub(super) ids: Vec<(Vec<u8>, bool)>,
    /// Milliseconds from a message to its response.
    response_ms: Vec<u64>,
    /// The message that waits for its time.
    pub(super) scheduled: Option<Vec<u8>>,
    pub(super) quirks: serde_json::Map<String, serde_json::Value>,
    pub(super) facts: serde_json::Map<String, serde_json::Value>,
}

impl Learned {
    /// An error response came.
    pub(super) fn note_error(&mut self, answer: &Heard) {
        let status = answer.status();
        if status.is_ok() {
            return;
        }
        self.errors += 1;
        if answer.octets.len() > HEADER_BYTES && self.with_body.len() < EXAMPLES_MAX {
            self.with_body.push(format!("{} ({} octets)", answer.words(), answer.octets.len()));
        }
        let is_known = status.name().is_some() || (0x400..=0x4FF).contains(&status.0);
        if !is_known && self.odd_statuses.len() < EXAMPLES_MAX {
            self.odd_statuses.push(answer.words());
        }
    }

    pub(super) fn note_id(&mut self, id: &[u8], is_terminated: bool, response_ms: u64) {
        if self.ids.len() < EXAMPLES_MAX {
            self.ids.push((id.to_vec(), is_terminated));
            self.response_ms.push(response_ms);
        }
    }

    pub(super) fn tell(mut self, report: &mut Report) {
        if let Some((id, _)) = self.ids.first() {
            self.facts.insert("message_id_example".to_owned(), printable(id).into());
            self.facts.insert("message_id_form".to_owned(), form_of(&self.ids).into());
        }
        self.response_ms.sort_unstable();
        if let Some(median) = self.response_ms.get(self.response_ms.len() / 2) {
            self.facts.insert("response_ms_p50".to_owned(), (*median).into());
        }
        report.facts = self.facts;
        report.quirks = self.quirks;
    }
}

fn error_bodies(tester: &mut Tester<'_>) -> Checked {
    let learned = &tester.learned;
    Ok(match (learned.errors, learned.with_body.as_slice()) {
        (0, _) => Finding::skipped("no error was seen"),
        (count, []) => Finding::pass(format!("{count} errors of 16 octets")),
        (count, [first, ..]) => {
            Finding::quirk(format!("{} of {count} had a body: {first}", learned.with_body.len()))
        }
    })
}

fn statuses(tester: &mut Tester<'_>) -> Checked {
    let learned = &tester.learned;
    Ok(match (learned.errors, learned.odd_statuses.first()) {
        (0, _) => Finding::skipped("no error was seen"),
        (count, None) => Finding::pass(format!("{count} errors")),
        (_, Some(first)) => Finding::quirk(format!("a reserved value: {first}")),
    })
}

fn id_form(tester: &mut Tester<'_>) -> Checked {
    let ids = &tester.learned.ids;
    let Some((first, _)) = ids.first() else { return Ok(Finding::skipped("no message was accepted")) };
    let seen = format!("{}, {} octets, such as {}", form_of(ids), first.len(), printable(first));
    if let Some((long, _)) = ids.iter().find(|(id, _)| id.len() > 64) {
        return Ok(Finding::quirk(format!("an id of {} octets: {}", long.len(), printable(long))));
    }
    if ids.iter().any(|(id, _)| id.is_empty()) {
        return Ok(Finding::fail("a message was accepted without an id: its receipt names nobody"));
    }
    if ids.iter().any(|(_, is_terminated)| !is_terminated) {
        return Ok(Finding::quirk(format!("{seen}; without its NUL")));
    }
    Ok(Finding::pass(seen))
}

fn id_unique(tester: &mut Tester<'_>) -> Checked {
    let mut ids: Vec<_> = tester.learned.ids.iter().map(|(id, _)| id).collect();
    let count = ids.len();
    ids.sort_unstable();
    let twice = ids.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| printable(pair[0]));
    Ok(match (count, twice) {
        (0 | 1, _) => Finding::skipped(format!("{count} messages were accepted")),
        (_, Some(id)) => Finding::fail(format!("{id} came twice")),
        (_, None) => Finding::pass(format!("{count} ids")),
    })
}

/// How ids are written, as far as the examples tell.
pub(super) fn form_of(ids: &[(Vec<u8>, bool)]) -> &'static str {
    let all = |is_so: fn(&u8) -> bool| ids.iter().all(|(id, _)| !id.is_empty() && id.iter().all(is_so));
    let is_uuid = |id: &[u8]| {
        let dashes: Vec<_> = (0..id.len()).filter(|&at| id[at] == b'-').collect();
        id.len() == 36 && dashes == [8, 13, 18, 23]
    };
    if all(u8::is_ascii_digit) {
        "decimal digits"
    } else if all(|octet| octet.is_ascii_digit() || matches!(octet, b'a'..=b'f')) {
        "hexadecimal digits, lower case"
    } else if all(|octet| octet.is_ascii_digit() || matches!(octet, b'A'..=b'F')) {
        "hexadecimal digits, upper case"
    } else if ids.iter().all(|(id, _)| is_uuid(id)) {
        "UUIDs"
    } else {
        "text"
    }
}

/// Octets as text, for a report.
pub(super) fn printable(octets: &[u8]) -> String {
    octets.escape_ascii().to_string()
}

/// `ESME_ROK`, or an error that means that the operation is not offered at all.
pub(super) fn is_not_offered(answer: &Heard) -> bool {
    answer.status() == CommandStatus::RINVCMDID
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_of_ids_is_told() {
        let form =
            |ids: &[&str]| form_of(&ids.iter().map(|id| (id.as_bytes().to_vec(), true)).collect::<Vec<_>>());
        assert_eq!(form(&["0012", "99"]), "decimal digits");
        assert_eq!(form(&["0012", "9f"]), "hexadecimal digits, lower case");
        assert_eq!(form(&["0012", "9F"]), "hexadecimal digits, upper case");
        assert_eq!(form(&["6ba7b810-9dad-11d1-80b4-00c04fd430c8"]), "UUIDs");
        assert_eq!(form(&["npm-1"]), "text");
        assert_eq!(form(&[""]), "text");
    }
}
