//! The journal's disk takes no more. In a process of its own: the limit holds for all of it.

mod support;

use brivas_smpp::{BindMode, CommandStatus, MessageState};
use support::{PATIENCE, Peer, Said, Smsc, World, sample};

/// Files of this process end here.
fn limit_file_bytes(bytes: libc::rlim_t) {
    // SAFETY: plain system calls; the structure is ours, and ignoring a signal runs no handler.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
        assert_eq!(libc::setrlimit(libc::RLIMIT_FSIZE, &raw const limit), 0);
    }
}

#[test]
fn a_full_disk_stops_acceptance_and_loses_nothing_that_was_answered() {
    let (mut world, smsc) = (World::with_journal(1 << 20, 1 << 30), Smsc::new());
    world.apply(&sample(&smsc));
    let mut alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    let mut bound = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let mut answered = Vec::new();
    for number in 0..10 {
        answered.push(bound.submit(&format!("49170{number}")));
    }
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, "1");
    world.until("sent", |world| world.history(&answered[0]).contains(&"sent"));

    limit_file_bytes(4_096);
    let refusal = loop {
        bound.say_to("491799", 7);
        match bound.hear_within(std::time::Duration::from_millis(200)) {
            // One that the journal was to have when it failed is never answered.
            None => {}
            Some(Said::Answered { status: CommandStatus::ROK, id, .. }) => answered.push(id),
            Some(Said::Answered { status, .. }) => break status,
            Some(other) => panic!("{other:?}"),
        }
    };
    assert_eq!(refusal, CommandStatus::RSYSERR);
    assert!(!world.stats().acceptance_stopped.is_empty());
    // A receipt now is not answered: its final state is written nowhere.
    alpha.say_receipt("1", MessageState::Delivered);
    let answer = loop {
        match alpha.hear_within(std::time::Duration::from_millis(200)) {
            Some(Said::Message { .. }) => {}
            other => break other,
        }
    };
    assert_eq!(answer, None);
    drop(alpha);
    std::thread::scope(|scope| {
        let drained = scope.spawn(|| world.engine().drain(PATIENCE));
        while bound.hear() != Said::Closed {}
        assert!(drained.join().unwrap(), "everybody parts");
    });
    world.stop();

    limit_file_bytes(libc::RLIM_INFINITY);
    world.restart();
    for id in &answered {
        assert_eq!(world.history(id)[0], "accepted");
    }
    assert_eq!(world.totals().open_messages, answered.len() as u64);
    let mut alpha = smsc.accept();
    alpha.say_receipt("1", MessageState::Delivered);
    while !matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }) {}
}
