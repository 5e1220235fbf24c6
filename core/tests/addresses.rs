//! A carrier that is known by name: its addresses are tried in turn, and looked up before each try.

mod support;

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use brivas_proto::v1;
use brivas_smpp::CommandStatus;
use support::{Peer, Smsc, World, request, sample, texts};

/// What the name server says, and how often it was asked.
type Names = Arc<Mutex<(Vec<SocketAddr>, u64)>>;

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// Nobody listens there: once by IPv6, which a machine may lack, once on a port that was free.
fn nobody() -> Vec<SocketAddr> {
    vec![SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, 1)), here(1)]
}

fn world() -> (World, Names) {
    let names = Names::default();
    let known = Arc::clone(&names);
    let world = World::looking_up(move |host, _| {
        let mut known = known.lock().unwrap();
        known.1 += 1;
        match known.0.clone() {
            empty if empty.is_empty() => Err(Error::new(ErrorKind::NotFound, format!("{host} is unknown"))),
            addresses => Ok(addresses),
        }
    });
    (world, names)
}

fn apply(world: &World, smsc: &Smsc, change: impl FnOnce(&mut v1::Carrier)) {
    let mut snapshot = sample(smsc);
    snapshot.carriers[0].host = "smsc.example".to_owned();
    change(&mut snapshot.carriers[0]);
    world.apply(&snapshot);
}

fn carry(world: &World, alpha: &mut Peer) {
    let sent = world.totals().sent;
    world.submit(request(texts(1))).unwrap();
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "");
    world.until("it is sent", |world| world.totals().sent == sent + 1);
}

#[test]
fn all_addresses_are_tried_before_there_is_a_pause() {
    let (world, names) = world();
    let smsc = Smsc::new();
    names.lock().unwrap().0 = [nobody(), vec![here(smsc.port())]].concat();
    apply(&world, &smsc, |carrier| {
        // A pause would take longer than any test waits.
        (carrier.reconnect_initial_ms, carrier.reconnect_max_ms) = (600_000, 600_000);
        carrier.binds = 3;
    });
    let mut binds = [smsc.accept(), smsc.accept(), smsc.accept()];
    world.until("all are up", |world| world.carrier("alpha").binds_up == 3);
    for bind in &mut binds {
        bind.flush();
    }
    assert!(names.lock().unwrap().1 >= 3, "looked up before each try");
}

#[test]
fn a_carrier_that_moves_is_followed() {
    let (world, names) = world();
    let (old, new) = (Smsc::new(), Smsc::new());
    names.lock().unwrap().0 = vec![here(old.port())];
    apply(&world, &old, |_| {});
    let mut alpha = old.accept();
    carry(&world, &mut alpha);
    names.lock().unwrap().0 = vec![here(new.port())];
    drop((alpha, old));
    let mut alpha = new.accept();
    carry(&world, &mut alpha);
    assert_eq!(names.lock().unwrap().1, 2);
}

#[test]
fn a_name_that_is_not_known_is_told_and_looked_up_again() {
    let (world, names) = world();
    let smsc = Smsc::new();
    apply(&world, &smsc, |_| {});
    world.until("it was looked up more than once", |_| names.lock().unwrap().1 > 2);
    let bind = world.binds().into_iter().find(|bind| bind.side == "carrier").unwrap();
    assert!(bind.last_error.contains("smsc.example is unknown"), "{bind:?}");
    names.lock().unwrap().0 = vec![here(smsc.port())];
    carry(&world, &mut smsc.accept());
}
