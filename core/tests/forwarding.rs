//! From acceptance to the carrier: queues, attempts, failover, what ends without having been sent.

mod support;

use brivas_smpp::{BindMode, CommandStatus, MessageState};
use support::{Peer, Said, Smsc, World, sample};

#[test]
fn a_message_is_carried_and_its_receipt_comes_back() {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    let mut carrier = smsc.accept();
    let mut customer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    let id = customer.submit("491701");
    let (sequence_number, to) = carrier.hear_message();
    assert_eq!(to, "491701");
    carrier.answer(sequence_number, CommandStatus::ROK, "c1");
    carrier.say_receipt("C1", MessageState::Delivered);
    let Said::Message { sequence_number, text, is_receipt: true, .. } = customer.hear() else { panic!() };
    assert!(String::from_utf8_lossy(&text).contains(&id));
    customer.answer(sequence_number, CommandStatus::ROK, "");
    assert!(matches!(carrier.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    world.until("nothing is open", |world| world.totals().open_messages == 0);
    assert_eq!(world.history(&id), ["accepted", "sent", "final", "receipt_delivered"]);
    let alpha = world.carrier("alpha");
    assert_eq!((alpha.queued, alpha.in_flight, world.account("sample").open_messages), (0, 0, 0));
}
