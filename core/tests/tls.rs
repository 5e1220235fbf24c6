//! TLS and mutual TLS, of listeners and to carriers; certificates that change while binds live.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use brivas_proto::v1;
use brivas_smpp::{BindMode, CommandStatus, MessageState, Role};
use support::{Authority, PASSWORD, PATIENCE, Pair, Peer, Said, Smsc, World, listener, sample};
use v1::{Authentication, ClientCertificates};

const ROK: Said = Said::BindAnswered(CommandStatus::ROK);

struct Tls {
    world: World,
    snapshot: v1::Snapshot,
    authority: Authority,
    pair: Pair,
    smsc: Smsc,
}

impl Tls {
    fn new(clients: ClientCertificates) -> Self {
        let (world, smsc, authority) = (World::new(), Smsc::new(), Authority::new());
        let pair = authority.sign("smpp.example", &["smpp.example"], 90);
        let mut snapshot = sample(&smsc);
        let tls = Some(authority.listener_tls(&pair, clients));
        snapshot.listeners = vec![v1::Listener { tls, ..listener("tls") }];
        world.apply(&snapshot);
        Self { world, snapshot, authority, pair, smsc }
    }

    fn connect(&self, own: Option<&Pair>) -> Peer {
        let socket = TcpStream::connect(self.world.listener("tls")).unwrap();
        Peer::over(self.authority.connect(socket, "smpp.example", own), Role::Esme)
    }

    fn bound(&self) -> Peer {
        let mut peer = self.connect(None);
        assert_eq!(peer.bind("sample", PASSWORD, BindMode::Transceiver), ROK);
        peer
    }

    fn authenticate(&mut self, authentication: Authentication) {
        self.snapshot.accounts[0].authentication = authentication.into();
        self.world.apply(&self.snapshot);
    }

    /// The reason that the log has for a bind that was refused.
    fn why_refused(&self) -> String {
        let fields = self.world.notice("bind_refused");
        fields.into_iter().find(|field| field.0 == "why").unwrap().1
    }
}

#[test]
fn a_message_and_its_receipt_go_by_tls() {
    for (version, name) in [(&rustls::version::TLS12, "TLSv1.2"), (&rustls::version::TLS13, "TLSv1.3")] {
        let tls = Tls::new(ClientCertificates::None);
        let mut carrier = tls.smsc.accept();
        let socket = TcpStream::connect(tls.world.listener("tls")).unwrap();
        let wire = tls.authority.connect_with(&[version], socket, "smpp.example", None);
        let mut peer = Peer::over(wire, Role::Esme);
        assert_eq!(peer.bind("sample", PASSWORD, BindMode::Transceiver), ROK);
        let shown = tls.world.binds().into_iter().find(|bind| bind.side == "customer").unwrap().tls;
        assert_eq!(shown, name);
        peer.submit("491701");
        let (sequence_number, _) = carrier.hear_message();
        carrier.answer(sequence_number, CommandStatus::ROK, "1");
        carrier.say_receipt("1", MessageState::Delivered);
        assert!(matches!(peer.hear(), Said::Message { is_receipt: true, .. }));
    }
}

#[test]
fn a_window_of_long_messages_goes_by_tls() {
    let tls = Tls::new(ClientCertificates::None);
    let mut carrier = tls.smsc.accept();
    let mut peer = tls.bound();
    // More than any record, buffer or window of rustls holds at once.
    let text = vec![b'x'; 250];
    for number in 0..2_000 {
        peer.say(number, &support::peer::message("491701", &text));
    }
    peer.flush();
    for _ in 0..2_000 {
        let Said::Message { sequence_number, text: heard, .. } = carrier.hear() else { panic!() };
        assert_eq!(heard, text);
        carrier.answer(sequence_number, CommandStatus::ROK, "");
    }
    for _ in 0..2_000 {
        assert!(matches!(peer.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
    }
}

#[test]
fn mutual_tls_lets_in_whom_the_certificate_names() {
    let mut tls = Tls::new(ClientCertificates::Required);
    tls.authenticate(Authentication::Certificate);
    for (common_name, dns_names) in [("sample", &["a.example"]), ("somebody", &["sample"])] {
        let own = tls.authority.sign(common_name, dns_names, 30);
        let mut peer = tls.connect(Some(&own));
        assert_eq!(peer.bind("sample", "", BindMode::Transceiver), ROK);
    }
}

#[test]
fn mutual_tls_refuses_a_bind_that_the_certificate_does_not_name() {
    let mut tls = Tls::new(ClientCertificates::Optional);
    tls.authenticate(Authentication::Certificate);
    let own = tls.authority.sign("acme", &["acme.example"], 30);
    let refused = Said::BindAnswered(CommandStatus::RBINDFAIL);
    assert_eq!(tls.connect(Some(&own)).bind("sample", PASSWORD, BindMode::Transceiver), refused);
    assert_eq!(tls.why_refused(), "the client certificate is for acme, acme.example, the bind for sample");
    // None shown, and none can be on a plain connection.
    assert_eq!(tls.connect(None).bind("sample", PASSWORD, BindMode::Transceiver), refused);
    assert!(tls.why_refused().starts_with("no client certificate was shown"));
    let plain = tls.world.engine().addresses().smpp;
    let (_, status) = Peer::try_customer(plain, "sample", PASSWORD, BindMode::Transceiver);
    assert_eq!(status, CommandStatus::RBINDFAIL);
}

#[test]
fn mutual_tls_and_a_password_may_both_be_asked_for() {
    let mut tls = Tls::new(ClientCertificates::Optional);
    tls.authenticate(Authentication::Both);
    let own = tls.authority.sign("sample", &[], 30);
    let wrong = Said::BindAnswered(CommandStatus::RINVPASWD);
    assert_eq!(tls.connect(Some(&own)).bind("sample", "wrong", BindMode::Transceiver), wrong);
    assert_eq!(tls.connect(Some(&own)).bind("sample", PASSWORD, BindMode::Transceiver), ROK);
    // By password only, a certificate for somebody else is no hindrance.
    tls.authenticate(Authentication::Password);
    let other = tls.authority.sign("acme", &[], 30);
    assert_eq!(tls.connect(Some(&other)).bind("sample", PASSWORD, BindMode::Transceiver), ROK);
}

#[test]
fn mutual_tls_ends_a_handshake_without_a_trusted_certificate() {
    let tls = Tls::new(ClientCertificates::Required);
    assert_eq!(tls.connect(None).bind("sample", PASSWORD, BindMode::Transceiver), Said::Closed);
    let fields = tls.world.notice("tls_handshake_failed");
    assert!(
        fields.contains(&("why", "TLS: the peer shows no certificate, and must".to_owned())),
        "{fields:?}"
    );
    let own = Authority::new().sign("sample", &[], 30);
    assert_eq!(tls.connect(Some(&own)).bind("sample", PASSWORD, BindMode::Transceiver), Said::Closed);
    let own = tls.authority.sign("sample", &[], -1);
    assert_eq!(tls.connect(Some(&own)).bind("sample", PASSWORD, BindMode::Transceiver), Said::Closed);
    tls.world.until("three were counted", |world| world.totals().tls_handshakes_failed == 3);
}

#[test]
fn what_is_no_tls_is_closed_and_counted_and_nobody_waits_for_half_a_handshake() {
    let tls = Tls::new(ClientCertificates::None);
    let address = tls.world.listener("tls");
    // Half a handshake, many times, and one whole one behind them.
    let halves: Vec<TcpStream> = (0..200)
        .map(|_| {
            let mut socket = TcpStream::connect(address).unwrap();
            socket.write_all(&[0x16, 3, 1, 1, 0, 1]).unwrap();
            socket
        })
        .collect();
    let mut peer = tls.bound();
    peer.submit("491701");
    let mut plain = TcpStream::connect(address).unwrap();
    plain.write_all(b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01").unwrap();
    plain.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut left = Vec::new();
    let _ = plain.read_to_end(&mut left);
    assert_eq!(left.first(), Some(&0x15), "an alert, then the end");
    tls.world.until("it was counted", |world| world.totals().tls_handshakes_failed == 1);
    drop(halves);
}

#[test]
fn a_new_certificate_serves_new_handshakes_and_drops_no_bind() {
    let mut tls = Tls::new(ClientCertificates::None);
    let mut before = tls.bound();
    let address = tls.world.listener("tls");
    let newer = Authority::new();
    let pair = newer.sign("smpp.example", &["smpp.example"], 365);
    tls.snapshot.listeners[0].tls = Some(newer.listener_tls(&pair, ClientCertificates::None));
    tls.world.apply(&tls.snapshot);
    assert_eq!(tls.world.listener("tls"), address);
    before.submit("491701");
    // Who trusts the old authority only is not served any more; who trusts the new one is.
    let old = tls.connect(None).bind("sample", PASSWORD, BindMode::Transceiver);
    assert_eq!(old, Said::Closed);
    tls.authority = newer;
    let mut after = tls.bound();
    after.submit("491702");
    before.submit("491703");
    let expires = tls.world.stats().listeners.into_iter().find(|listener| listener.tls).unwrap();
    let days = (expires.certificate_expires_at_ms - support::now_ms()) / 86_400_000;
    assert!((363..=365).contains(&days), "{days}");
}

#[test]
fn tls_that_makes_no_sense_refuses_the_whole_configuration() {
    let tls = Tls::new(ClientCertificates::None);
    let mut peer = tls.bound();
    let other = tls.authority.sign("other", &["smpp.example"], 90);
    let good = tls.snapshot.listeners[0].tls.clone().unwrap();
    let of = |change: &dyn Fn(&mut v1::ListenerTls)| {
        let mut snapshot = tls.snapshot.clone();
        let mut spec = good.clone();
        change(&mut spec);
        snapshot.listeners[0].tls = Some(spec);
        tls.world.refused(&snapshot)
    };
    let misfit = of(&|spec| spec.key.clone_from(&other.key));
    assert!(misfit.contains("tls.key: does not belong to tls.certificate"), "{misfit}");
    let garbage = of(&|spec| spec.certificate = "hello".to_owned());
    assert!(garbage.contains("tls.certificate: holds no certificate"), "{garbage}");
    let torn = of(&|spec| spec.certificate.truncate(100));
    assert!(torn.contains("tls.certificate"), "{torn}");
    let keyless = of(&|spec| spec.key.clone_from(&spec.certificate));
    assert!(keyless.contains("tls.key: holds no private key"), "{keyless}");
    let anonymous = of(&|spec| spec.client_certificates = ClientCertificates::Required.into());
    assert!(anonymous.contains("tls.clientCa: holds no certificate"), "{anonymous}");
    peer.submit("491701");
    tls.bound().submit("491702");
}

#[test]
fn a_certificate_that_expires_soon_is_told_of() {
    let mut tls = Tls::new(ClientCertificates::None);
    tls.pair = tls.authority.sign("smpp.example", &["smpp.example"], 10);
    let spec = tls.authority.listener_tls(&tls.pair, ClientCertificates::None);
    tls.snapshot.listeners[0].tls = Some(spec);
    tls.world.apply(&tls.snapshot);
    let fields = tls.world.notice("certificate_expires");
    assert_eq!(fields[0], ("listener", "tls".to_owned()));
    assert!(["9", "10"].contains(&fields[1].1.as_str()), "{fields:?}");
}

/// The carrier's side of TLS.
fn to_carrier(ca: &Authority, host: &str, own: Option<&Pair>) -> v1::CarrierTls {
    v1::CarrierTls {
        ca: ca.pem.clone(),
        server_name: host.to_owned(),
        client_certificate: own.map_or(String::new(), |pair| pair.certificate.clone()),
        client_key: own.map_or(String::new(), |pair| pair.key.clone()),
    }
}

#[test]
fn a_carrier_is_bound_by_tls_with_our_certificate() {
    let (world, smsc, authority) = (World::new(), Smsc::new(), Authority::new());
    let pair = authority.sign("smsc.example", &["smsc.example"], 90);
    let own = authority.sign("brivas", &[], 30);
    let mut snapshot = sample(&smsc);
    snapshot.carriers[0].tls = Some(to_carrier(&authority, "smsc.example", Some(&own)));
    world.apply(&snapshot);
    let mut carrier = smsc.accept_tls(&authority, &pair, true);
    let mut peer = Peer::customer(world.engine().addresses().smpp, "sample", BindMode::Transceiver);
    peer.submit("491701");
    let (sequence_number, _) = carrier.hear_message();
    carrier.answer(sequence_number, CommandStatus::ROK, "1");
    carrier.say_receipt("1", MessageState::Delivered);
    assert!(matches!(peer.hear(), Said::Message { is_receipt: true, .. }));
    let left_ms = world.carrier("alpha").certificate_expires_at_ms - support::now_ms();
    assert!((28 * 86_400_000..=30 * 86_400_000).contains(&left_ms), "{left_ms}");
}

#[test]
fn a_carrier_whose_certificate_does_not_fit_is_not_bound_and_the_reason_is_told() {
    let (world, smsc, authority) = (World::new(), Smsc::new(), Authority::new());
    let other = authority.sign("else.example", &["else.example"], 90);
    let mut snapshot = sample(&smsc);
    let mut is_told = |why: &[&str], tls: v1::CarrierTls, accept: &dyn Fn()| {
        snapshot.carriers[0].tls = Some(tls);
        world.apply(&snapshot);
        let is_so = |world: &World| {
            accept();
            world.binds().iter().any(|bind| why.iter().any(|why| bind.last_error == *why))
        };
        world.until("it is told", is_so);
    };
    let accept = || drop(smsc.accept_tls(&authority, &other, false));
    let named = "TLS: the certificate is for else.example, expected smsc.example (tls.serverName)";
    is_told(&[named], to_carrier(&authority, "smsc.example", None), &accept);
    let stranger = "TLS: who signed the peer's certificate is not trusted (tls.ca, clientCa)";
    is_told(&[stranger], to_carrier(&Authority::new(), "else.example", None), &accept);
    let plain = "TLS: the peer does not speak TLS here";
    is_told(&[plain], to_carrier(&authority, "else.example", None), &|| {
        let mut socket = smsc.accept_raw();
        let _ = socket.write_all(b"\0\0\0\x10\x80\0\0\0\0\0\0\x03\0\0\0\0");
        let _ = socket.read(&mut [0; 1_024]);
        let _ = socket.read_to_end(&mut Vec::new());
    });
    assert_eq!(world.carrier("alpha").binds_up, 0);
}
