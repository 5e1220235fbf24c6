//! Peers that break every rule: the engine answers, bounds what it holds, and nobody else notices.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use brivas_smpp::session::State;
use brivas_smpp::{BindMode, CommandStatus};
use support::{Peer, Said, Smsc, World, account, sample};

fn connect(world: &World) -> TcpStream {
    let stream = TcpStream::connect(world.engine().addresses().smpp).unwrap();
    stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
    stream
}

#[test]
fn an_impossible_length_is_answered_and_the_connection_closed() {
    let world = World::new();
    for length in [0_u32, 15, 70_000, u32::MAX] {
        let mut stream = connect(&world);
        let mut octets = length.to_be_bytes().to_vec();
        octets.extend_from_slice(&[0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 9]);
        stream.write_all(&octets).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert_eq!(answer[4..], [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9], "{length}");
    }
}

#[test]
fn whatever_octets_come_the_others_are_served() {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let mut alpha = smsc.accept();
    let mut good = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let mut state = 42_u64;
    let mut random = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as u8
    };
    for round in 0..200 {
        let mut stream = connect(&world);
        let octets: Vec<u8> = (0..500).map(|_| random()).collect();
        // Half of them as bodies of PDUs that a bind may send.
        let mut pdus = Vec::new();
        if round % 2 == 0 {
            for (chunk, id) in
                octets.chunks(50).zip([1_u32, 2, 4, 5, 6, 9, 0x15, 0x8000_0004, 0x8000_0005, 3])
            {
                let header = [16 + chunk.len() as u32, id, 0, u32::from(random())];
                pdus.extend(header.iter().flat_map(|word| word.to_be_bytes()));
                pdus.extend_from_slice(chunk);
            }
        } else {
            pdus = octets;
        }
        let _ = stream.write_all(&pdus);
    }
    // The same from somebody who is bound, and from a carrier.
    let mut bad = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let noise = |id: u32, octets: &[u8]| {
        let mut pdu = Vec::new();
        for word in [16 + octets.len() as u32, id, 0, 7] {
            pdu.extend(word.to_be_bytes());
        }
        pdu.extend_from_slice(octets);
        pdu
    };
    for id in [4_u32, 5, 3, 7, 8, 0x15, 0x103, 0x8000_0004, 0x8000_0005, 0x8000_0000] {
        for length in [0, 1, 17, 33, 60, 255] {
            let octets: Vec<u8> = (0..length).map(|_| random()).collect();
            bad.write_raw(&noise(id, &octets));
            alpha.write_raw(&noise(id, &octets));
        }
    }
    good.submit("491701");
    assert_eq!(alpha.hear_message().1, "491701");
    world.until("the strangers are gone", |world| world.totals().connections <= 4);
}

#[test]
fn a_customer_that_reads_nothing_is_held_and_the_others_are_served() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.accounts.push(account("other"));
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let at = world.engine().addresses().smpp;
    let deaf = Peer::customer(at, "sample", BindMode::Transceiver);
    let mut good = Peer::customer(at, "other", BindMode::Transceiver);
    // enquire_link without end, never a read: until the engine stops reading, and our socket takes no more.
    let mut burst = Vec::new();
    for number in 1..=4_096_u32 {
        for word in [16, 0x15, 0, number] {
            burst.extend(word.to_be_bytes());
        }
    }
    let mut stream = deaf.into_stream();
    stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut written = 0_usize;
    while let Ok(count) = stream.write(&burst[written % burst.len()..]) {
        written += count;
        assert!(written < 256 << 20, "the engine takes all of it");
    }
    good.submit("491701");
    assert_eq!(alpha.hear_message().1, "491701");
    // It reads again: everything that was asked is answered.
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let mut answered = 0;
    let mut buffer = vec![0; 1 << 20];
    while answered < written / 16 * 16 {
        match stream.read(&mut buffer) {
            Ok(count) if count > 0 => answered += count,
            other => panic!("{other:?} after {answered} of {written}; {:?}", world.engine().notices()),
        }
    }
}

#[test]
fn a_thousand_binds_with_wrong_passwords_do_not_keep_the_right_one_out() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.accounts.push(account("other"));
    world.apply(&snapshot);
    let at = world.engine().addresses().smpp;
    for number in 0..100 {
        let (_, status) = Peer::try_customer(at, "sample", &format!("wr{number}"), BindMode::Transceiver);
        assert_eq!(status, CommandStatus::RINVPASWD);
    }
    let mut good = Peer::customer(at, "other", BindMode::Transceiver);
    good.submit("491701");
    assert!(matches!(good.session.state(), State::Bound(_)));
}

#[test]
fn a_carrier_whose_name_is_not_found_keeps_no_customer_out() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    let mut lost = support::carrier_at("lost", 2_775);
    lost.host = "does-not-exist.invalid".to_owned();
    lost.binds = 50;
    snapshot.carriers.push(lost);
    world.apply(&snapshot);
    let mut bound = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    bound.submit("491701");
}

#[test]
fn a_receiver_may_not_submit_and_a_transmitter_gets_no_deliveries() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    snapshot.routes.push(support::incoming_route("sample"));
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    let at = world.engine().addresses().smpp;
    let mut transmitter = Peer::customer(at, "sample", BindMode::Transmitter);
    alpha.say(1, &support::peer::message("40404", b"hi"));
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    assert_eq!(transmitter.hear_within(Duration::from_millis(100)), None);
    let mut receiver = Peer::customer(at, "sample", BindMode::Receiver);
    assert!(matches!(receiver.hear(), Said::Message { .. }));
}
