//! Peers that break the rules of TLS, and what the log and the list of binds tell of those who keep them.

mod support;

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};

use brivas_proto::v1;
use brivas_smpp::{BindMode, CommandStatus, Role};
use support::{Authority, PASSWORD, PATIENCE, Peer, Said, Smsc, World, listener, sample};
use v1::ClientCertificates;

const ROK: Said = Said::BindAnswered(CommandStatus::ROK);
/// The content type and version of a handshake's records (RFC 8446 §5.1).
const RECORD: [u8; 3] = [0x16, 3, 1];
const CLIENT_HELLO: u8 = 1;

struct Site {
    world: World,
    snapshot: v1::Snapshot,
    authority: Authority,
    _smsc: Smsc,
}

impl Site {
    fn new(clients: ClientCertificates) -> Self {
        let (world, smsc, authority) = (World::new(), Smsc::new(), Authority::new());
        let pair = authority.sign("smpp.example", &["smpp.example"], 90);
        let mut snapshot = sample(&smsc);
        snapshot.listeners =
            vec![v1::Listener { tls: Some(authority.listener_tls(&pair, clients)), ..listener("tls") }];
        world.apply(&snapshot);
        Self { world, snapshot, authority, _smsc: smsc }
    }

    fn socket(&self) -> TcpStream {
        connect(self.world.listener("tls"))
    }

    /// A customer, and its socket below TLS.
    fn bound(&self) -> (Peer, TcpStream) {
        let socket = self.socket();
        let below = socket.try_clone().unwrap();
        let mut peer = Peer::over(self.authority.connect(socket, "smpp.example", None), Role::Esme);
        assert_eq!(peer.bind("sample", PASSWORD, BindMode::Transceiver), ROK);
        (peer, below)
    }

    fn why(&self, event: &str) -> String {
        let fields = self.world.notice(event);
        fields.into_iter().find(|field| field.0 == "why").unwrap().1
    }

    fn customers(&self) -> usize {
        self.world.binds().iter().filter(|bind| bind.side == "customer").count()
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket
}

/// What comes until the end, whether that is in order or a reset.
fn until_end(socket: &mut TcpStream) -> Vec<u8> {
    let mut heard = Vec::new();
    if let Err(error) = socket.read_to_end(&mut heard) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it was not closed");
    }
    heard
}

/// The beginning of a hello that claims so many octets.
fn hello(claims: u32, octets: usize) -> Vec<u8> {
    let mut handshake = vec![CLIENT_HELLO];
    handshake.extend_from_slice(&claims.to_be_bytes()[1..]);
    handshake.resize(octets, 0);
    let record = |part: &[u8]| [&RECORD[..], &(part.len() as u16).to_be_bytes(), part].concat();
    handshake.chunks(4_096).flat_map(record).collect()
}

#[test]
fn a_hello_that_does_not_end_is_kept_up_to_its_bound() {
    let site = Site::new(ClientCertificates::None);
    let (mut good, _) = site.bound();
    let mut socket = site.socket();
    // A reset while it still sends is the end as well.
    let _ = socket.write_all(&hello(60_000, 40_000));
    until_end(&mut socket);
    assert_eq!(site.why("tls_handshake_failed"), "TLS: the peer's hello is longer than 8192 octets");
    good.submit("491701");
}

#[test]
fn octets_that_cannot_be_decrypted_end_that_bind_alone() {
    let site = Site::new(ClientCertificates::None);
    let (mut good, _) = site.bound();
    let (_bad, mut below) = site.bound();
    below.write_all(&[&[0x17, 3, 3, 0, 40][..], &[0xAA; 40]].concat()).unwrap();
    until_end(&mut below);
    let why = site.why("customer_left");
    assert!(why.starts_with("TLS: "), "{why}");
    good.submit("491701");
    assert_eq!(site.customers(), 1);
}

#[test]
fn plain_octets_after_the_handshake_end_that_bind_alone() {
    let site = Site::new(ClientCertificates::None);
    let (mut good, _) = site.bound();
    let (_bad, mut below) = site.bound();
    below.write_all(b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x02").unwrap();
    until_end(&mut below);
    assert_eq!(site.why("customer_left"), "TLS: the peer does not speak TLS here");
    good.submit("491701");
}

#[test]
fn an_end_without_close_notify_is_an_end() {
    let site = Site::new(ClientCertificates::None);
    let (mut good, _) = site.bound();
    let (_gone, below) = site.bound();
    below.shutdown(Shutdown::Both).unwrap();
    site.world.until("its bind is gone", |_| site.customers() == 1);
    assert_eq!(site.why("customer_left"), "the peer closed the connection");
    good.submit("491701");
}

#[test]
fn a_hello_to_a_plain_listener_is_told_of_as_what_it_is() {
    let site = Site::new(ClientCertificates::None);
    let plain = site.world.engine().addresses().smpp;
    for (octets, told) in [
        (hello(200, 200), "speaks TLS"),
        (b"GET / HTTP/1.1\r\nHost: smpp\r\n\r\n".to_vec(), "speaks HTTP"),
        (b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c0123456789ab".to_vec(), "PROXY header, version 2"),
        (b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n".to_vec(), "PROXY header, version 1"),
    ] {
        let mut socket = connect(plain);
        socket.write_all(&octets).unwrap();
        let nack = until_end(&mut socket);
        assert_eq!(nack[4..12], [0x80, 0, 0, 0, 0, 0, 0, 2], "generic_nack, ESME_RINVCMDLEN");
        let why = site.why("not_smpp");
        assert!(why.contains(told), "{why}");
    }
}

#[test]
fn a_bind_shows_its_cipher_and_whom_its_certificate_names() {
    let site = Site::new(ClientCertificates::Optional);
    let (_without, _) = site.bound();
    let own = site.authority.sign("acme", &["smpp.acme.example"], 30);
    let wire = site.authority.connect(site.socket(), "smpp.example", Some(&own));
    let mut with = Peer::over(wire, Role::Esme);
    assert_eq!(with.bind("sample", PASSWORD, BindMode::Transceiver), ROK);
    let plain = site.world.engine().addresses().smpp;
    let _plain = Peer::customer(plain, "sample", BindMode::Transceiver);
    let mut shown: Vec<_> = site.world.binds().into_iter().filter(|bind| bind.side == "customer").collect();
    shown.sort_by_key(|bind| bind.connection);
    let [without, with, plain] = &shown[..] else { panic!("{shown:?}") };
    assert_eq!((without.tls.as_str(), without.certificate_names.len()), ("TLSv1.3", 0));
    assert!(without.tls_cipher.starts_with("TLS_") && !without.tls_cipher.contains("TLS13"));
    assert_eq!(with.certificate_names, ["acme", "smpp.acme.example"]);
    assert_eq!((plain.tls.as_str(), plain.tls_cipher.as_str()), ("", ""));
}

#[test]
fn listeners_tell_whether_they_ask_for_certificates_and_stand_behind_proxies() {
    let mut site = Site::new(ClientCertificates::Required);
    let proxied = v1::Listener { proxy_from: vec!["192.0.2.0/24".to_owned()], ..listener("proxied") };
    site.snapshot.listeners.push(proxied);
    site.world.apply(&site.snapshot);
    let listeners = site.world.stats().listeners;
    let shown: Vec<_> = listeners
        .iter()
        .map(|each| (each.name.as_str(), each.tls, each.client_certificates(), each.proxied))
        .collect();
    let (none, required) = (ClientCertificates::None, ClientCertificates::Required);
    assert_eq!(
        shown,
        [("", false, none, false), ("tls", true, required, false), ("proxied", false, none, true)]
    );
}

#[test]
fn certificates_of_ours_that_end_are_told_of_by_listener_and_carrier() {
    let mut site = Site::new(ClientCertificates::None);
    let ended = site.authority.sign("smpp.example", &["smpp.example"], -1);
    site.snapshot.listeners[0].tls = Some(site.authority.listener_tls(&ended, ClientCertificates::None));
    let soon = site.authority.sign("brivas", &[], 29);
    site.snapshot.carriers[0].tls = Some(v1::CarrierTls {
        ca: site.authority.pem.clone(),
        server_name: "smsc.example".to_owned(),
        client_certificate: soon.certificate,
        client_key: soon.key,
    });
    site.world.apply(&site.snapshot);
    let told = site.world.notice("certificate_expired");
    assert_eq!(told[..2], [("listener", "tls".to_owned()), ("days_left", "-2".to_owned())]);
    site.snapshot.listeners.clear();
    site.world.apply(&site.snapshot);
    let told = site.world.notice("certificate_expires");
    assert_eq!(told[..2], [("carrier", "alpha".to_owned()), ("days_left", "28".to_owned())]);
}
