//! An engine that waits costs nothing. In a process of its own, since it is the process' time that is looked at.

mod support;

use std::time::{Duration, Instant};

use brivas_smpp::BindMode;
use support::{Peer, Smsc, World, request, sample, texts};

/// Seconds of CPU that this process has used.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[test]
fn half_a_pdu_a_dead_carrier_and_idle_binds_cost_no_cpu() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.carriers.push(support::carrier_at("dead", Smsc::new().port()));
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let mut idle = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    idle.write_raw(&[0, 0, 0, 60, 0, 0, 0, 4]);
    alpha.write_raw(&[0, 0, 0, 60, 0, 0, 0, 5, 0]);
    // In flight, not answered.
    world.submit(request(texts(10))).unwrap();
    alpha.hear_message();
    let (began, before) = (Instant::now(), cpu_seconds());
    while began.elapsed() < Duration::from_secs(2) {
        alpha.hear_within(Duration::from_secs(2).saturating_sub(began.elapsed()));
    }
    let share = (cpu_seconds() - before) / began.elapsed().as_secs_f64();
    assert!(share < 0.2, "{share} of a core");
}
