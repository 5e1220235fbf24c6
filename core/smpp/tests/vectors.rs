//! The shared vectors: what other implementations put on the wire is read as they mean it, and written back octet by octet.

use std::collections::BTreeSet;
use std::path::Path;

use brivas_smpp::frame::{self, Check};
use brivas_smpp::pdu::describe_json;
use brivas_smpp::{CommandId, CommandStatus, Frame, Pdu};
use serde_json::Value;

/// (file and name, octets, the rest) of every vector.
fn vectors() -> Vec<(String, Vec<u8>, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        let rows: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for row in rows {
            let name = format!("{}: {}", file.file_stem().unwrap().display(), row["name"].as_str().unwrap());
            let hex = row["hex"].as_str().unwrap();
            let octets = (0..hex.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
                .collect();
            vectors.push((name, octets, row));
        }
    }
    vectors
}

fn whole(octets: &[u8]) -> Frame<'_> {
    match frame::check(octets, frame::PDU_BYTES_MAX) {
        Check::Complete(frame) => frame,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_vector_is_read_as_it_is_meant() {
    for (name, octets, row) in vectors() {
        let frame = whole(&octets);
        match (describe_json(frame), &row["error"]) {
            (Ok(fields), Value::Null) => {
                let fields: Value = serde_json::from_str(&fields).unwrap();
                assert_eq!(fields, row["fields"], "{name}");
            }
            (Err(error), expected) => {
                let found = (error.status.to_string(), error.field);
                assert_eq!(
                    (&*found.0, found.1),
                    (
                        expected["status"].as_str().unwrap_or("none"),
                        expected["field"].as_str().unwrap_or("none"),
                    ),
                    "{name}"
                );
            }
            (Ok(_), _) => panic!("{name}: is read"),
        }
    }
}

#[test]
fn each_vector_is_written_back_octet_by_octet() {
    for (name, octets, row) in vectors() {
        if row["error"].is_null() {
            let frame = whole(&octets);
            let pdu = Pdu::decode(frame).unwrap();
            let mut again = Vec::new();
            let status = CommandStatus(frame.header.command_status);
            pdu.encode_with_body(&mut again, status, frame.header.sequence_number);
            assert_eq!(again, octets, "{name}");
        }
    }
}

#[test]
fn every_command_has_a_vector() {
    let seen: BTreeSet<_> = vectors().iter().map(|(_, octets, _)| whole(octets).header.command_id).collect();
    let missing: Vec<_> = CommandId::ALL.iter().filter(|id| !seen.contains(id)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
