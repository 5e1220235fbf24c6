//! What tests of other languages compare with, as JSON lines:
//!
//! - `vectors pdus COUNT`: COUNT random PDUs of each command, the same in every run: `{"name", "hex", "fields"}`;
//! - `vectors decode`: for each line of hexadecimal octets on stdin its `{"fields"}`, or `{"error": {"status", "field"}}`;
//! - `vectors tables`: `{"commands", "statuses", "tlvs"}` as the crate has them.

#[path = "../tests/support/pdus.rs"]
mod pdus;

use std::fmt::Write as _;
use std::io::{self, BufRead as _, Write as _};
use std::process::ExitCode;

use brivas_smpp::frame::{self, Check};
use brivas_smpp::pdu::describe_json;
use brivas_smpp::tlv::{DEFINITIONS, Definition, Tag};
use brivas_smpp::{CommandId, CommandStatus};
use pdus::{Ingredients, pdu};
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = match arguments[..] {
        ["pdus", count] => {
            count.parse().map_err(io::Error::other).and_then(|count| generate(&mut out, count))
        }
        ["decode"] => decode(&mut out),
        ["tables"] => tables(&mut out),
        _ => Err(io::Error::other("usage: vectors pdus COUNT | decode | tables")),
    };
    match done.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Printable texts, times that exist and user data headers that are some: others may be shown in many ways.
const SHOWN: Ingredients = Ingredients { characters: b'!'..=b'~', tlvs: is_dissected, is_real: true };

/// Wireshark 4.0 reads one octet of these two also where there are more, and loses the TLVs behind: ms_validity may have
/// four (SMPP 5.0 §4.8.4.41), broadcast_rep_num has two (§4.8.4.13).
fn is_dissected(definition: &Definition) -> bool {
    definition.tag != Tag::MS_VALIDITY && definition.tag != Tag::BROADCAST_REP_NUM
}

fn generate(out: &mut impl io::Write, count: usize) -> io::Result<()> {
    let mut runner = TestRunner::deterministic();
    let mut sequence_number = 0;
    let statuses: Vec<_> = CommandStatus::all().filter(|status| !status.is_ok()).collect();
    for &id in CommandId::ALL {
        let strategy = pdu(id, &SHOWN);
        for round in 0..count {
            let pdu = strategy
                .new_tree(&mut runner)
                .map_err(|reason| io::Error::other(reason.to_string()))?
                .current();
            sequence_number += 1;
            // Each fifth response refuses.
            let is_refusal = id == CommandId::GENERIC_NACK || (id.is_response() && round % 5 == 4);
            let status = if is_refusal {
                statuses[sequence_number as usize % statuses.len()]
            } else {
                CommandStatus::ROK
            };
            let mut octets = Vec::new();
            pdu.encode(&mut octets, status, sequence_number);
            let fields = describe(&octets);
            writeln!(
                out,
                r#"{{"name":"{}","hex":"{}",{fields}}}"#,
                id.name().unwrap_or_default(),
                hex(&octets)
            )?;
        }
    }
    Ok(())
}

fn decode(out: &mut impl io::Write) -> io::Result<()> {
    for line in io::stdin().lock().lines() {
        let octets = from_hex(line?.trim()).ok_or_else(|| io::Error::other("not hexadecimal"))?;
        writeln!(out, "{{{}}}", describe(&octets))?;
    }
    Ok(())
}

fn tables(out: &mut impl io::Write) -> io::Result<()> {
    let list = |rows: Vec<String>| rows.join(",");
    let commands = CommandId::ALL.iter().map(|id| format!(r#""{}":{}"#, id.name().unwrap_or_default(), id.0));
    let statuses =
        CommandStatus::all().map(|status| format!(r#""{}":{}"#, status.name().unwrap_or_default(), status.0));
    let tlvs = DEFINITIONS.iter().map(|each| format!(r#""{}":{}"#, each.name, each.tag.0));
    writeln!(
        out,
        r#"{{"commands":{{{}}},"statuses":{{{}}},"tlvs":{{{}}}}}"#,
        list(commands.collect()),
        list(statuses.collect()),
        list(tlvs.collect())
    )
}

fn describe(octets: &[u8]) -> String {
    let Check::Complete(frame) = frame::check(octets, frame::PDU_BYTES_MAX) else {
        return r#""error":{"status":"ESME_RINVCMDLEN","field":"command_length"}"#.to_owned();
    };
    match describe_json(frame) {
        Ok(fields) => format!(r#""fields":{fields}"#),
        Err(error) => format!(r#""error":{{"status":"{}","field":"{}"}}"#, error.status, error.field),
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::with_capacity(octets.len() * 2), |mut text, octet| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{octet:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}
