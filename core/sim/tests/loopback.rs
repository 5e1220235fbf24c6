//! Customers, mover and carrier talk over loopback: what one counts the other has counted.

use std::time::Duration;

use brivas_sim::{Handle, Load, LoadOptions, Mover, MoverOptions, Smsc, SmscOptions};
use serde_json::{Value, json};

const WAIT: Duration = Duration::from_secs(60);

fn smsc(options: Value) -> Handle {
    Smsc::start(SmscOptions::from_json(&options.to_string()).unwrap()).unwrap()
}

fn load(target: &Handle, mut options: Value) -> Handle {
    options["target"] = target.address().unwrap().to_string().into();
    Load::start(LoadOptions::from_json(&options.to_string()).unwrap()).unwrap()
}

/// The customers' result, and the carrier's.
fn run(carrier: Value, customers: Value) -> (Value, Value) {
    let carrier = smsc(carrier);
    let customers = load(&carrier, customers);
    assert!(customers.wait(WAIT), "{}", customers.progress_json());
    carrier.stop();
    (result(&customers), result(&carrier))
}

fn result(handle: &Handle) -> Value {
    serde_json::from_str(&handle.result_json()).unwrap()
}

fn count(result: &Value, name: &str) -> u64 {
    result[name].as_u64().unwrap_or_else(|| panic!("{name} in {result}"))
}

#[test]
fn through_the_mover_every_message_is_counted_once_at_each_end() {
    let carrier = smsc(json!({"verify": true}));
    let target = carrier.address().unwrap().to_string();
    let options = json!({"carrier": target, "carrier_binds": 3}).to_string();
    let mover = Mover::start(MoverOptions::from_json(&options).unwrap()).unwrap();
    let customers = load(&mover, json!({"binds": 7, "window": 10, "messages": 20_000}));
    assert!(customers.wait(WAIT), "{} {}", customers.progress_json(), carrier.progress_json());
    let progress: Value = serde_json::from_str(&customers.progress_json()).unwrap();
    assert_eq!((&progress["phase"], &progress["receipts"]), (&json!("finished"), &json!(20_000)));
    mover.stop();
    carrier.stop();
    let (customers, mover, carrier) = (result(&customers), result(&mover), result(&carrier));
    for name in ["submitted", "accepted", "receipts"] {
        assert_eq!(count(&customers, name), 20_000, "{name} in {customers}");
    }
    for name in ["submits", "submits_answered", "delivers", "delivers_answered"] {
        assert_eq!(count(&mover, name), 20_000, "{name} in {mover}");
    }
    for name in ["submits", "accepted", "unique_delivered", "receipts_sent", "receipts_acked"] {
        assert_eq!(count(&carrier, name), 20_000, "{name} in {carrier}");
    }
    for (result, name) in [
        (&customers, "receipts_missing"),
        (&customers, "receipts_duplicated"),
        (&customers, "protocol_errors"),
        (&mover, "protocol_errors"),
        (&mover, "delivers_dropped"),
        (&carrier, "duplicates"),
        (&carrier, "protocol_errors"),
    ] {
        assert_eq!(count(result, name), 0, "{name} in {result}");
    }
    for result in [&customers, &mover, &carrier] {
        assert_eq!(result["error"], Value::Null);
    }
}

#[test]
fn directly_ids_of_responses_and_receipts_are_the_same() {
    let (customers, carrier) = run(
        json!({"verify": true, "system_id": "a", "password": "b", "deliver_window": 3}),
        json!({"system_id": "a", "password": "b", "binds": 2, "window": 50, "messages": 5_000}),
    );
    assert_eq!((count(&customers, "receipts"), count(&customers, "receipts_mismatched")), (5_000, 0));
    assert_eq!(customers["latency_ms"]["count"], json!(5_000u64.div_ceil(16)));
    assert_eq!(customers["receipt_latency_ms"]["count"], json!(5_000u64.div_ceil(16)));
    assert_eq!(count(&carrier, "unique_delivered"), 5_000);
    assert!(customers["messages_per_second"].as_f64().unwrap() > 0.0);
}

#[test]
fn ids_that_differ_between_response_and_receipt_are_seen() {
    let (customers, _) = run(json!({"message_id": "mixed"}), json!({"messages": 1_025}));
    assert_eq!(count(&customers, "receipts_mismatched"), 2);
}

#[test]
fn a_wrong_password_is_told() {
    let (customers, carrier) =
        run(json!({"system_id": "a", "password": "b"}), json!({"system_id": "a", "messages": 1}));
    let error = customers["error"].as_str().unwrap();
    assert!(error.contains("bind refused: ESME_RINVPASWD"), "{error}");
    assert_eq!(count(&carrier, "bind_refusals"), 1);
}

#[test]
fn nobody_to_bind_to_is_told() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let options = json!({"target": address.to_string(), "messages": 1}).to_string();
    let customers = Load::start(LoadOptions::from_json(&options).unwrap()).unwrap();
    assert!(customers.wait(WAIT));
    let error = result(&customers)["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with(&format!("{address}: ")), "{error}");
}

#[test]
fn refusals_are_counted_by_status() {
    let (customers, carrier) = run(
        json!({"error_rates": [{"command_status": "ESME_RSYSERR", "ratio": 0.5}]}),
        json!({"messages": 4_000}),
    );
    let refused = count(&customers, "refused");
    assert!((1_800..2_200).contains(&refused), "{refused}");
    assert_eq!(customers["refused_by_status"], json!({"ESME_RSYSERR": refused}));
    assert_eq!(count(&carrier, "errors"), refused);
    assert_eq!(count(&customers, "receipts"), 4_000 - refused);
}

#[test]
fn throttled_messages_are_sent_again_until_they_are_taken() {
    let (customers, carrier) = run(
        json!({"throttle_per_second": 5_000, "verify": true}),
        json!({"messages": 2_000, "window": 100, "retry_pause_ms": 10}),
    );
    assert!(count(&carrier, "throttled") > 0);
    assert_eq!(count(&customers, "retried"), count(&carrier, "throttled"));
    assert_eq!(count(&customers, "accepted"), 2_000);
    assert_eq!((count(&carrier, "unique_delivered"), count(&carrier, "duplicates")), (2_000, 0));
    // 2,000 messages, less the bucket of 500, at 5,000 a second.
    assert!(customers["seconds"].as_f64().unwrap() >= 0.29, "{customers}");
}

#[test]
fn throttled_messages_that_are_not_sent_again_are_refused() {
    let (customers, _) =
        run(json!({"throttle_per_second": 100}), json!({"messages": 500, "window": 500, "retries": 0}));
    let refused = count(&customers, "refused");
    assert!(refused > 400, "{refused}");
    assert_eq!(customers["refused_by_status"], json!({"ESME_RTHROTTLED": refused}));
}

#[test]
fn after_a_disconnect_what_was_unanswered_is_unknown_and_listed() {
    let directory = tempfile::tempdir().unwrap();
    let (record, bitmap) = (directory.path().join("record"), directory.path().join("bitmap"));
    let (customers, carrier) = run(
        json!({"disconnect_every": 1_000, "verify": true, "bitmap_file": bitmap}),
        json!({"messages": 5_000, "binds": 2, "window": 20, "reconnect": true, "record_file": record, "drain_seconds": 1}),
    );
    assert_eq!(customers["error"], Value::Null);
    let unknown = count(&customers, "unknown");
    assert!(unknown > 0);
    assert_eq!(customers["unknown_numbers"].as_array().unwrap().len() as u64, unknown);
    assert_eq!(count(&customers, "disconnects"), count(&carrier, "hung_up"));
    assert_eq!(count(&customers, "accepted") + unknown, 5_000);
    assert_eq!(count(&customers, "receipts_missing"), 0);
    // What the customers hold as accepted the carrier has taken.
    let (record, bitmap) = (std::fs::read(record).unwrap(), std::fs::read(bitmap).unwrap());
    assert_eq!(record.len() as u64 / 32, count(&customers, "accepted"));
    for line in record.chunks_exact(32) {
        let number = u64::from_le_bytes(line[..8].try_into().unwrap()) as usize;
        assert!(bitmap[number / 8] & (1 << (number % 8)) != 0, "{number}");
        assert_eq!(line[8 + 16..], [0; 8]);
    }
}

#[test]
fn messages_that_are_ignored_become_unknown_in_time() {
    let (customers, carrier) = run(
        json!({"silent_ratio": 0.5}),
        json!({"messages": 200, "window": 200, "response_timeout_seconds": 0.5, "drain_seconds": 5}),
    );
    assert!(count(&carrier, "ignored") > 50);
    assert_eq!(count(&customers, "unknown"), count(&carrier, "ignored"));
    assert_eq!(count(&customers, "accepted") + count(&customers, "unknown"), 200);
}

#[test]
fn responses_and_receipts_come_as_late_as_asked() {
    let (customers, _) = run(
        json!({"latency_ms": 50, "receipt_delay_ms": 100}),
        json!({"messages": 40, "window": 20, "latency_sample": 1}),
    );
    let least = |name: &str| customers[name]["p50"].as_f64().unwrap();
    assert!(least("latency_ms") >= 50.0 && least("receipt_latency_ms") >= 150.0, "{customers}");
    // Two windows, one behind the other, and the receipts of the second.
    assert!(customers["seconds"].as_f64().unwrap() >= 0.2);
}

#[test]
fn receipts_may_come_before_responses() {
    let (customers, _) = run(
        json!({"latency_ms": 50, "receipt_before_response": true}),
        json!({"messages": 20, "window": 20, "latency_sample": 1}),
    );
    assert_eq!(count(&customers, "receipts"), 20);
    let (response, receipt) = (&customers["latency_ms"]["p50"], &customers["receipt_latency_ms"]["p50"]);
    assert!(receipt.as_f64().unwrap() < response.as_f64().unwrap(), "{customers}");
}

#[test]
fn receipts_come_as_asked_for() {
    for (receipts, registered_delivery, expected) in
        [("asked", 1, 100), ("asked", 0, 0), ("asked", 2, 50), ("always", 0, 100), ("never", 1, 0)]
    {
        let (customers, carrier) = run(
            json!({"receipts": receipts, "states": [{"state": "UNDELIV", "ratio": 0.5}], "seed": 3}),
            json!({"messages": 100, "registered_delivery": registered_delivery, "drain_seconds": 0.2}),
        );
        let sent = count(&carrier, "receipts_sent");
        assert!(sent.abs_diff(expected) <= expected % 100 / 4, "{receipts} {registered_delivery}: {sent}");
        assert_eq!(count(&customers, "accepted"), 100);
    }
}

#[test]
fn messages_from_mobiles_come_at_their_rate() {
    let (customers, carrier) = run(
        json!({"mobile_originated": {"per_second": 500.0}}),
        json!({"rate": 100.0, "seconds": 1.0, "registered_delivery": 0}),
    );
    let sent = count(&carrier, "mobile_originated_sent");
    assert!((300..700).contains(&sent), "{sent}");
    assert!(count(&customers, "mobile_originated").abs_diff(sent) <= 2);
}

#[test]
fn an_open_loop_keeps_its_rate_and_counts_stalls_as_latency() {
    // A carrier that takes 100 a second on a window of 10 with 100 ms each: half of 200 a second stays behind.
    let (customers, _) = run(
        json!({"latency_ms": 100, "receipts": "never"}),
        json!({"rate": 200.0, "seconds": 1.0, "window": 10, "registered_delivery": 0, "warm_up_seconds": 0.2}),
    );
    let submitted = count(&customers, "submitted");
    assert!((90..=120).contains(&submitted), "{submitted}");
    assert!(customers["latency_ms"]["max"].as_f64().unwrap() > 400.0, "{customers}");
    let (customers, _) = run(json!({}), json!({"rate": 2_000.0, "seconds": 0.5, "binds": 4, "window": 10}));
    assert!((990..=1_000).contains(&count(&customers, "submitted")), "{customers}");
}

#[test]
fn stopping_is_prompt() {
    let carrier = smsc(json!({}));
    let customers = load(&carrier, json!({"seconds": 1_000, "rate": 10.0}));
    assert!(!customers.wait(Duration::from_millis(20)));
    customers.stop();
    assert!(customers.wait(Duration::ZERO));
    let result = result(&customers);
    assert_eq!(result["error"], Value::Null);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let carrier = smsc(json!({}));
    let address = carrier.address().unwrap().to_string();
    let options = SmscOptions { listen: address.clone(), ..SmscOptions::default() };
    let error = Smsc::start(options).unwrap_err().to_string();
    assert!(error.contains(&address), "{error}");
}
