//! Traces: what goes over chosen binds, whole and without passwords; and that nobody waits for who reads them.

mod support;

use std::net::TcpStream;

use brivas_proto::v1;
use brivas_smpp::frame::{self, Check};
use brivas_smpp::{BindMode, CommandId, CommandStatus, MessageState, Pdu, Role};
use support::{
    API_KEY, Authority, PASSWORD, PATIENCE, Peer, Said, Smsc, World, listener, request, sample, texts,
};
use tonic::{Code, Status, Streaming};

/// A trace that runs.
struct Trace<'w> {
    world: &'w World,
    stream: Streaming<v1::TraceResponse>,
    pdus: Vec<v1::TracedPdu>,
    lost_octets: u64,
}

impl<'w> Trace<'w> {
    /// Returns when its connections are tapped.
    fn start(world: &'w World, request: v1::TraceRequest) -> Self {
        Self::try_start(world, request).unwrap()
    }

    fn try_start(world: &'w World, request: v1::TraceRequest) -> Result<Self, Status> {
        let stream = world.control(async |mut client| client.trace(request).await)?;
        let mut trace = Self { world, stream, pdus: Vec::new(), lost_octets: 0 };
        assert!(trace.read());
        assert!(trace.pdus.is_empty());
        Ok(trace)
    }

    /// Reads one answer; false: it has ended.
    fn read(&mut self) -> bool {
        let next = self.world.block_on(async { tokio::time::timeout(PATIENCE, self.stream.message()).await });
        let Some(answer) = next.expect("the trace says something in time").unwrap() else { return false };
        self.pdus.extend(answer.pdus);
        self.lost_octets = answer.lost_octets;
        true
    }

    /// Reads until there are so many PDUs of a command.
    #[track_caller]
    fn until(&mut self, id: CommandId, count: usize) {
        while self.pdus.iter().filter(|pdu| command(pdu) == Some(id)).count() < count {
            assert!(self.read(), "ended with {:?}", self.commands());
        }
    }

    fn commands(&self) -> Vec<(&str, bool, &str)> {
        let name = |pdu| command(pdu).and_then(CommandId::name).unwrap_or("?");
        let pdus = self.pdus.iter().filter(|pdu| !pdu.ended);
        pdus.map(|pdu| (pdu.side.as_str(), pdu.outgoing, name(pdu))).collect()
    }
}

fn command(pdu: &v1::TracedPdu) -> Option<CommandId> {
    match frame::check(&pdu.octets, frame::PDU_BYTES_MAX) {
        Check::Complete(frame) => Some(frame.header.command_id),
        _ => None,
    }
}

/// An engine with its carrier, not bound yet.
fn start() -> (World, Smsc) {
    let (world, smsc) = (World::new(), Smsc::new());
    world.apply(&sample(&smsc));
    (world, smsc)
}

fn customer(world: &World) -> Peer {
    Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver)
}

fn bound_carrier(world: &World, smsc: &Smsc) -> Peer {
    let alpha = smsc.accept();
    world.until("alpha is up", |world| world.carrier("alpha").binds_up == 1);
    alpha
}

/// A message from the customer to the carrier, and its receipt back.
fn carry(alpha: &mut Peer, customer: &mut Peer, to: &str, carrier_id: &str) -> String {
    let id = customer.submit(to);
    let (sequence_number, _) = alpha.hear_message();
    alpha.answer(sequence_number, CommandStatus::ROK, carrier_id);
    alpha.say_receipt(carrier_id, MessageState::Delivered);
    let Said::Message { sequence_number, is_receipt: true, .. } = customer.hear() else { panic!() };
    customer.answer(sequence_number, CommandStatus::ROK, "");
    assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    id
}

#[test]
fn a_trace_has_every_pdu_of_both_sides_and_no_password() {
    let (world, smsc) = start();
    // Before any bind stands: the binds themselves are seen.
    let mut trace = Trace::start(&world, v1::TraceRequest::default());
    let mut alpha = bound_carrier(&world, &smsc);
    let mut customer = customer(&world);
    carry(&mut alpha, &mut customer, "491701", "c1");
    customer.unbind();
    trace.until(CommandId::UNBIND_RESP, 1);
    let of = |side: &str| -> Vec<_> {
        trace.commands().into_iter().filter(|one| one.0 == side).map(|one| (one.1, one.2)).collect()
    };
    let on_carriers_side = of("carrier");
    let first = on_carriers_side.iter().position(|one| one.1 == "bind_transceiver_resp").unwrap();
    assert_eq!(
        on_carriers_side[first + 1..],
        [(true, "submit_sm"), (false, "submit_sm_resp"), (false, "deliver_sm"), (true, "deliver_sm_resp")]
    );
    assert_eq!(
        of("customer"),
        [
            (false, "bind_transceiver"),
            (true, "bind_transceiver_resp"),
            (false, "submit_sm"),
            (true, "submit_sm_resp"),
            (true, "deliver_sm"),
            (false, "deliver_sm_resp"),
            (false, "unbind"),
            (true, "unbind_resp"),
        ]
    );
    for pdu in &trace.pdus {
        let secret = PASSWORD.as_bytes();
        assert!(!pdu.octets.windows(secret.len()).any(|octets| octets == secret), "{pdu:?}");
        if command(pdu) == Some(CommandId::BIND_TRANSCEIVER) && pdu.side == "customer" {
            let Check::Complete(frame) = frame::check(&pdu.octets, 1_000) else { panic!() };
            let Ok(Pdu::Bind(_, bind)) = Pdu::decode(frame) else { panic!() };
            assert_eq!((bind.system_id, bind.password), (&b"sample"[..], &b"******"[..]));
        }
    }
    assert_eq!(trace.lost_octets, 0);
}

#[test]
fn a_bind_is_chosen_by_name_or_number_and_others_are_not_seen() {
    let (world, smsc) = start();
    let mut by_name =
        Trace::start(&world, v1::TraceRequest { binds: vec!["sample".to_owned()], ..Default::default() });
    let mut by_side =
        Trace::start(&world, v1::TraceRequest { side: "carrier".to_owned(), ..Default::default() });
    let mut alpha = bound_carrier(&world, &smsc);
    let (mut customer, other) = (customer(&world), customer(&world));
    let binds = world.control(async |mut client| client.binds(v1::BindsRequest {}).await).unwrap().binds;
    let number = |peer: &Peer| {
        let peer = peer.local_addr().to_string();
        binds.iter().find(|bind| bind.peer == peer).unwrap().connection
    };
    let (number, other_number) = (number(&customer), number(&other));
    assert!(number > 0 && other_number > 0 && number != other_number);
    let mut by_number =
        Trace::start(&world, v1::TraceRequest { binds: vec![number.to_string()], ..Default::default() });
    carry(&mut alpha, &mut customer, "491701", "c1");
    for trace in [&mut by_name, &mut by_number] {
        trace.until(CommandId::DELIVER_SM_RESP, 1);
        assert!(
            trace.pdus.iter().all(|pdu| pdu.side == "customer" && pdu.system_id == "sample"),
            "{:?}",
            trace.pdus
        );
    }
    assert!(by_number.pdus.iter().all(|pdu| pdu.connection == number));
    // What they said before it was known who they are.
    by_name.until(CommandId::BIND_TRANSCEIVER, 2);
    by_side.until(CommandId::DELIVER_SM_RESP, 1);
    assert!(by_side.pdus.iter().all(|pdu| pdu.side == "carrier"));
}

#[test]
fn a_bind_that_is_refused_is_seen_by_its_system_id() {
    let (world, _smsc) = start();
    let binds = vec!["nobody".to_owned()];
    let mut trace = Trace::start(&world, v1::TraceRequest { binds, ..Default::default() });
    let smpp = world.engine().addresses().smpp;
    let (_other, _) = Peer::try_customer(smpp, "somebody", "x", BindMode::Receiver);
    let (_peer, status) = Peer::try_customer(smpp, "nobody", "guess", BindMode::Receiver);
    assert_eq!(status, CommandStatus::RINVPASWD);
    trace.until(CommandId::BIND_RECEIVER_RESP, 1);
    assert_eq!(
        trace.commands()[..2],
        [("customer", false, "bind_receiver"), ("customer", true, "bind_receiver_resp")]
    );
    assert_eq!(trace.pdus[0].system_id, "nobody");
}

#[test]
fn a_number_is_followed_from_the_customer_to_the_carrier_and_back() {
    let (world, smsc) = start();
    let mut alpha = bound_carrier(&world, &smsc);
    let mut customer = customer(&world);
    let numbers = vec!["+491702".to_owned()];
    let mut trace = Trace::start(&world, v1::TraceRequest { numbers, ..Default::default() });
    for (to, id) in [("491701", "c1"), ("491702", "c2"), ("491703", "c3")] {
        carry(&mut alpha, &mut customer, to, id);
    }
    trace.until(CommandId::DELIVER_SM_RESP, 2);
    let mut seen = trace.commands();
    seen.sort_unstable();
    // The test's carrier names no number in its receipts: they are known by the ids that it gave.
    assert_eq!(
        seen,
        [
            ("carrier", false, "deliver_sm"),
            ("carrier", false, "submit_sm_resp"),
            ("carrier", true, "deliver_sm_resp"),
            ("carrier", true, "submit_sm"),
            ("customer", false, "deliver_sm_resp"),
            ("customer", false, "submit_sm"),
            ("customer", true, "deliver_sm"),
            ("customer", true, "submit_sm_resp"),
        ]
    );
}

#[test]
fn a_message_that_waits_is_followed_by_its_id() {
    let (world, smsc) = start();
    let ids: Vec<_> =
        world.submit(request(texts(2))).unwrap().results.into_iter().map(|result| result.id).collect();
    let request = v1::TraceRequest { message_ids: vec![ids[1].clone()], ..Default::default() };
    let mut trace = Trace::start(&world, request);
    let mut alpha = bound_carrier(&world, &smsc);
    for id in ["c0", "c1"] {
        let (sequence_number, _) = alpha.hear_message();
        alpha.answer(sequence_number, CommandStatus::ROK, id);
    }
    trace.until(CommandId::SUBMIT_SM_RESP, 1);
    for id in ["c0", "c1"] {
        alpha.say_receipt(id, MessageState::Delivered);
    }
    trace.until(CommandId::DELIVER_SM_RESP, 1);
    assert_eq!(
        trace.commands(),
        [
            ("carrier", true, "submit_sm"),
            ("carrier", false, "submit_sm_resp"),
            ("carrier", false, "deliver_sm"),
            ("carrier", true, "deliver_sm_resp"),
        ]
    );
}

#[test]
fn who_does_not_read_loses_octets_that_are_counted_and_holds_nobody_up() {
    let (world, _smsc) = start();
    let mut trace =
        Trace::start(&world, v1::TraceRequest { octets_per_second_max: 1 << 40, ..Default::default() });
    let mut stream = customer(&world).into_stream();
    // What is not allowed is answered at once, and goes no further.
    let mut pdu = Vec::new();
    frame::append(&mut pdu, CommandId(0x777), 0, 1, |body| body.resize(60_000, 0));
    let count = 400;
    let mut answers = vec![0; 16];
    for _ in 0..count {
        std::io::Write::write_all(&mut stream, &pdu).unwrap();
        std::io::Read::read_exact(&mut stream, &mut answers).unwrap();
    }
    world.until("what waits is counted", |_| {
        trace.read();
        trace.lost_octets > 0
    });
    drop(stream);
    while !trace.pdus.iter().any(|pdu| pdu.ended && pdu.name == "sample") {
        assert!(trace.read());
    }
    let seen: usize = trace.pdus.iter().map(|pdu| pdu.octets.len()).sum();
    let of_connection: u64 = trace.pdus.iter().map(|pdu| pdu.lost_octets_before).sum();
    // All 400 requests and answers; whatever else was said makes it more.
    let said = count * (pdu.len() + answers.len()) as u64;
    assert!(seen as u64 + trace.lost_octets >= said, "{seen} and {} of {said}", trace.lost_octets);
    assert!(of_connection <= trace.lost_octets);
    assert!(seen < 20 << 20, "{seen} octets were kept for a caller that did not read");
}

#[test]
fn a_trace_keeps_to_its_limits() {
    let (world, smsc) = start();
    let mut alpha = bound_carrier(&world, &smsc);
    let mut few = Trace::start(&world, v1::TraceRequest { pdus_max: 3, ..Default::default() });
    let mut slow = Trace::start(&world, v1::TraceRequest { octets_per_second_max: 1, ..Default::default() });
    let mut short = Trace::start(&world, v1::TraceRequest { seconds_max: 1, ..Default::default() });
    let mut customer = customer(&world);
    carry(&mut alpha, &mut customer, "491701", "c1");
    while few.read() {}
    assert_eq!(few.pdus.len(), 3);
    drop((alpha, customer));
    // Ends of connections are told whatever is left out.
    while !slow.pdus.iter().any(|pdu| pdu.ended) {
        assert!(slow.read());
    }
    assert!(slow.pdus.iter().all(|pdu| pdu.octets.is_empty()) && slow.lost_octets > 200);
    while short.read() {}
}

#[test]
fn traces_are_bounded_and_one_whose_caller_went_makes_room() {
    let (world, _smsc) = start();
    let mut traces: Vec<_> = (0..8).map(|_| Trace::start(&world, v1::TraceRequest::default())).collect();
    let refused = Trace::try_start(&world, v1::TraceRequest::default()).err().unwrap();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    traces.pop();
    world.until("there is room again", |world| {
        Trace::try_start(world, v1::TraceRequest { pdus_max: 1, ..Default::default() }).is_ok()
    });
    // Those that are left go on.
    let mut customer = customer(&world);
    customer.unbind();
    traces[0].until(CommandId::BIND_TRANSCEIVER, 1);
}

#[test]
fn only_the_control_token_may_trace() {
    let (world, _smsc) = start();
    let refused =
        world.control_with(API_KEY, async |mut client| client.trace(v1::TraceRequest::default()).await);
    assert_eq!(refused.err().unwrap().code(), Code::Unauthenticated);
    let wrong = v1::TraceRequest { side: "left".to_owned(), ..Default::default() };
    assert_eq!(Trace::try_start(&world, wrong).err().unwrap().code(), Code::InvalidArgument);
}

#[test]
fn a_trace_of_a_tls_bind_has_what_was_said_in_it() {
    let (world, smsc, authority) = (World::new(), Smsc::new(), Authority::new());
    let pair = authority.sign("smpp.example", &["smpp.example"], 90);
    let tls = Some(authority.listener_tls(&pair, v1::ClientCertificates::None));
    world.apply(&v1::Snapshot { listeners: vec![v1::Listener { tls, ..listener("tls") }], ..sample(&smsc) });
    let _alpha = bound_carrier(&world, &smsc);
    let mut trace = Trace::start(&world, v1::TraceRequest::default());
    let socket = TcpStream::connect(world.listener("tls")).unwrap();
    let mut customer = Peer::over(authority.connect(socket, "smpp.example", None), Role::Esme);
    let bound = customer.bind("sample", PASSWORD, BindMode::Transceiver);
    assert_eq!(bound, Said::BindAnswered(CommandStatus::ROK));
    customer.submit("491701");
    trace.until(CommandId::SUBMIT_SM_RESP, 1);
    let of_customer: Vec<_> =
        trace.commands().into_iter().filter(|one| one.0 == "customer").map(|one| (one.1, one.2)).collect();
    let expected = [
        (false, "bind_transceiver"),
        (true, "bind_transceiver_resp"),
        (false, "submit_sm"),
        (true, "submit_sm_resp"),
    ];
    assert_eq!(of_customer, expected);
    for pdu in &trace.pdus {
        assert!(!pdu.octets.windows(PASSWORD.len()).any(|octets| octets == PASSWORD.as_bytes()));
    }
}
