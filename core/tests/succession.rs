//! The connection to a carrier changes while messages flow: the new bind is up before the old one parts, and every message
//! goes out once.

mod support;

use std::io::{Read, Write};
use std::time::Duration;

use brivas_smpp::{CommandStatus, MessageState};
use support::{Peer, Said, Smsc, World, request, sample, texts};

const A_WHILE: Duration = Duration::from_millis(300);

fn start() -> (World, Smsc, Peer) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    (world, smsc, alpha)
}

#[track_caller]
fn all_is_done(world: &World) {
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    let carrier = world.carrier("alpha");
    assert_eq!((carrier.queued, carrier.in_flight), (0, 0), "{carrier:?}");
}

#[track_caller]
fn hear_the_end(peer: &mut Peer) {
    while peer.hear() != Said::Closed {}
}

#[test]
fn the_new_bind_is_up_before_the_old_one_parts_and_what_that_has_sent_is_waited_for() {
    let (world, first, mut old) = start();
    let second = Smsc::new();
    world.submit(request(texts(5))).unwrap();
    let heard: Vec<_> = (0..5).map(|_| old.hear_message()).collect();
    let mut snapshot = sample(&first);
    snapshot.carriers[0].port = second.port().into();
    world.apply(&snapshot);
    // Nobody has answered the new bind yet: messages still go out on the old one.
    assert_eq!(world.carrier("alpha").binds_up, 1);
    let id = world.submit(request(texts(6).split_off(5))).unwrap().results[0].id.clone();
    let (sequence_number, to) = old.hear_message();
    old.answer(sequence_number, CommandStatus::ROK, "before");
    assert_eq!(old.hear_within(A_WHILE), None);
    let mut new = second.accept();
    // From now on they go out on the new one, and the old one has not been left.
    world.until("it is bound", |world| {
        let request = brivas_proto::v1::BindsRequest {};
        let binds = world.control(async |mut client| client.binds(request).await).unwrap().binds;
        binds.iter().filter(|bind| bind.state == "bound_trx").count() == 2
    });
    world.submit(request(texts(8).split_off(7))).unwrap();
    let (sequence_number, last) = new.hear_message();
    new.answer(sequence_number, CommandStatus::ROK, "after");
    assert_eq!(old.hear_within(A_WHILE), None);
    for (sequence_number, to) in &heard {
        old.answer(*sequence_number, CommandStatus::ROK, to);
    }
    hear_the_end(&mut old);
    for (_, to) in &heard {
        new.say_receipt(to, MessageState::Delivered);
    }
    new.say_receipt("before", MessageState::Delivered);
    new.say_receipt("after", MessageState::Delivered);
    all_is_done(&world);
    assert_eq!(world.history(&id), ["accepted", "sent", "final"]);
    assert_eq!((world.totals().sent, world.totals().attempts_failed), (7, 0));
    assert_ne!(to, last);
    assert_eq!(new.hear_within(A_WHILE).filter(|said| matches!(said, Said::Message { .. })), None);
}

#[test]
fn a_carrier_that_allows_no_second_bind_has_the_old_one_part_first() {
    let (world, smsc, mut old) = start();
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].system_type = "other".to_owned();
    world.apply(&snapshot);
    let mut refused = smsc.accept_raw();
    let mut bind = [0; 16];
    refused.read_exact(&mut bind).unwrap();
    let mut answer = vec![0, 0, 0, 16, 0x80, 0, 0, 9, 0, 0, 0, CommandStatus::RALYBND.0 as u8];
    answer.extend_from_slice(&bind[12..]);
    refused.write_all(&answer).unwrap();
    hear_the_end(&mut old);
    let mut new = smsc.accept();
    world.until("it is up again", |world| world.carrier("alpha").binds_up == 1);
    world.submit(request(texts(1))).unwrap();
    let (sequence_number, _) = new.hear_message();
    new.answer(sequence_number, CommandStatus::ROK, "1");
    new.say_receipt("1", MessageState::Delivered);
    all_is_done(&world);
}

#[test]
fn an_old_bind_that_goes_by_itself_is_no_loss_for_its_successor() {
    let (world, first, mut old) = start();
    let second = Smsc::new();
    let mut snapshot = sample(&first);
    snapshot.carriers[0].port = second.port().into();
    world.submit(request(texts(1))).unwrap();
    old.hear_message();
    world.apply(&snapshot);
    drop(old);
    world.until("it is gone", |world| world.carrier("alpha").binds_up == 0);
    let mut new = second.accept();
    let (sequence_number, _) = new.hear_message();
    new.answer(sequence_number, CommandStatus::ROK, "1");
    new.say_receipt("1", MessageState::Delivered);
    all_is_done(&world);
    assert_eq!(world.carrier("alpha").binds_up, 1);
}

#[test]
fn a_bind_after_the_carriers_unbind_comes_back_at_once() {
    let (world, smsc) = (World::new(), Smsc::new());
    let mut snapshot = sample(&smsc);
    // Were it a failure, the next try would come in an hour.
    snapshot.carriers[0].reconnect_max_ms = 3_600_000;
    snapshot.carriers[0].reconnect_initial_ms = 10;
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    alpha.unbind();
    hear_the_end(&mut alpha);
    let _again = smsc.accept();
    world.until("alpha is up again", |world| world.carrier("alpha").binds_up == 1);
}
