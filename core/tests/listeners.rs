//! Where peers connect: listeners that come and go, IPv6, the PROXY protocol, addresses that may bind.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};

use brivas_proto::v1;
use brivas_smpp::{BindMode, CommandStatus, Role};
use support::{PASSWORD, PATIENCE, Peer, Said, Smsc, Wire, World, listener, sample};

const ROK: Said = Said::BindAnswered(CommandStatus::ROK);
const REFUSED: Said = Said::BindAnswered(CommandStatus::RBINDFAIL);

fn world() -> (World, v1::Snapshot, Smsc) {
    let (world, smsc) = (World::new(), Smsc::new());
    let snapshot = sample(&smsc);
    world.apply(&snapshot);
    (world, snapshot, smsc)
}

fn connect(address: SocketAddr, first: &[u8]) -> Peer {
    let mut socket = TcpStream::connect(address).unwrap();
    socket.write_all(first).unwrap();
    Peer::over(Wire::Plain(socket), Role::Esme)
}

fn bind(peer: &mut Peer) -> Said {
    peer.bind("sample", PASSWORD, BindMode::Transceiver)
}

#[test]
fn listeners_appear_and_vanish_with_a_reload_and_their_binds_go_on() {
    let (world, mut snapshot, _smsc) = world();
    snapshot.listeners = vec![listener("one"), listener("two")];
    world.apply(&snapshot);
    let (one, two) = (world.listener("one"), world.listener("two"));
    let mut bound = connect(one, b"");
    assert_eq!(bind(&mut bound), ROK);
    snapshot.listeners.remove(0);
    world.apply(&snapshot);
    bound.submit("491701");
    assert!(TcpStream::connect(one).is_err());
    assert_eq!(world.listener("two"), two);
    assert_eq!(bind(&mut connect(two, b"")), ROK);
    // Its address may be taken again, by one of another name.
    snapshot.listeners.push(v1::Listener { address: one.to_string(), ..listener("three") });
    world.apply(&snapshot);
    assert_eq!(bind(&mut connect(one, b"")), ROK);
    snapshot.listeners[1].name = "four".to_owned();
    world.apply(&snapshot);
    assert_eq!(world.listener("four"), one);
    bound.submit("491702");
}

#[test]
fn listeners_come_back_after_a_restart() {
    let (mut world, mut snapshot, _smsc) = world();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    snapshot.listeners = vec![v1::Listener { address: free.to_string(), ..listener("one") }];
    world.apply(&snapshot);
    world.restart();
    assert_eq!(bind(&mut connect(free, b"")), ROK);
}

#[test]
fn a_taken_port_refuses_the_whole_configuration() {
    let (world, mut snapshot, _smsc) = world();
    let before = world.stats().snapshot_hash;
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = holder.local_addr().unwrap();
    snapshot.listeners =
        vec![listener("free"), v1::Listener { address: address.to_string(), ..listener("taken") }];
    snapshot.accounts[0].window_max = 7;
    let why = world.refused(&snapshot);
    assert!(
        why.contains(&format!("listener taken on {address}")) && why.contains("hint: another process"),
        "{why}"
    );
    let stats = world.stats();
    assert_eq!((stats.listeners.len(), stats.snapshot_hash), (1, before));
    drop(holder);
    world.apply(&snapshot);
    assert_eq!(bind(&mut connect(address, b"")), ROK);
}

#[test]
fn a_listener_that_makes_no_sense_is_named() {
    let (world, mut snapshot, _smsc) = world();
    let mut why = |listeners: Vec<v1::Listener>| {
        snapshot.listeners = listeners;
        world.refused(&snapshot)
    };
    let nowhere = why(vec![v1::Listener { address: "acme.example:1".to_owned(), ..listener("one") }]);
    assert!(nowhere.contains("listener \"one\": address \"acme.example:1\""), "{nowhere}");
    let twice = why(vec![listener("one"), listener("one")]);
    assert!(twice.contains("listener \"one\" is there twice"), "{twice}");
    let at = |name| v1::Listener { address: "127.0.0.1:9".to_owned(), ..listener(name) };
    assert!(why(vec![at("one"), at("two")]).contains("another one listens on 127.0.0.1:9"));
    let network = why(vec![v1::Listener { proxy_from: vec!["10.0.0.0/40".to_owned()], ..listener("one") }]);
    assert!(network.contains("proxyProtocol.from: \"10.0.0.0/40\""), "{network}");
    let many: Vec<_> = (0..65).map(|number| listener(&format!("l{number}"))).collect();
    assert!(why(many).contains("65 listeners, more than 64"));
}

#[test]
fn as_many_listeners_as_may_be_all_listen() {
    let (world, mut snapshot, _smsc) = world();
    snapshot.listeners = (0..64).map(|number| listener(&format!("l{number}"))).collect();
    world.apply(&snapshot);
    for name in ["l0", "l31", "l63"] {
        assert_eq!(bind(&mut connect(world.listener(name), b"")), ROK);
    }
}

#[test]
fn customers_and_carriers_are_reached_by_ipv6() {
    let (world, mut snapshot, _smsc) = world();
    snapshot.listeners = vec![
        v1::Listener { address: "[::1]:0".to_owned(), ..listener("six") },
        v1::Listener { address: "[::]:0".to_owned(), ..listener("both") },
    ];
    snapshot.accounts[0].addresses = vec!["::1".to_owned(), "127.0.0.0/8".to_owned()];
    world.apply(&snapshot);
    let six = world.listener("six");
    let mut bound = connect(six, b"");
    assert_eq!(bind(&mut bound), ROK);
    let peer = world.binds().into_iter().find(|bind| bind.side == "customer").unwrap().peer;
    assert!(peer.starts_with("[::1]:"), "{peer}");
    // IPv4 on the socket of both is IPv4.
    let both = world.listener("both").port();
    let mut four = connect(([127, 0, 0, 1], both).into(), b"");
    assert_eq!(bind(&mut four), ROK);
    assert!(world.binds().iter().any(|bind| bind.side == "customer" && bind.peer.starts_with("127.0.0.1:")));
    drop((bound, four));
    let smsc = TcpListener::bind("[::1]:0").unwrap();
    snapshot.carriers[0].host = "::1".to_owned();
    snapshot.carriers[0].port = smsc.local_addr().unwrap().port().into();
    world.apply(&snapshot);
    assert!(smsc.accept().unwrap().1.is_ipv6());
}

#[test]
fn a_bind_from_elsewhere_than_the_accounts_addresses_is_refused_and_the_address_is_told() {
    let (world, mut snapshot, _smsc) = world();
    snapshot.accounts[0].addresses = vec!["192.0.2.0/24".to_owned(), "2001:db8::/32".to_owned()];
    world.apply(&snapshot);
    let at = world.engine().addresses().smpp;
    assert_eq!(bind(&mut connect(at, b"")), REFUSED);
    let fields = world.notice("bind_refused");
    let why = &fields.iter().find(|field| field.0 == "why").unwrap().1;
    assert!(why.starts_with("127.0.0.1 is in none of the networks"), "{why}");
    snapshot.accounts[0].addresses.push("127.0.0.1".to_owned());
    world.apply(&snapshot);
    assert_eq!(bind(&mut connect(at, b"")), ROK);
    snapshot.accounts[0].addresses = vec!["192.0.2.0/33".to_owned()];
    assert!(world.refused(&snapshot).contains("account \"sample\": addresses: \"192.0.2.0/33\""));
}

/// A PROXY v2 header for a client at 192.0.2.7:4711.
fn proxy_header() -> Vec<u8> {
    let addresses = [192, 0, 2, 7, 198, 51, 100, 2, 0x12, 0x67, 0x0A, 0xD7];
    let tlvs = [4, 0, 3, b'a', b'b', b'c'];
    [b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x12".as_slice(), &addresses, &tlvs].concat()
}

fn behind_proxy(trusted: &str) -> (World, v1::Snapshot, Smsc) {
    let (world, mut snapshot, smsc) = world();
    snapshot.listeners = vec![v1::Listener { proxy_from: vec![trusted.to_owned()], ..listener("proxied") }];
    snapshot.accounts[0].addresses = vec!["192.0.2.0/24".to_owned()];
    world.apply(&snapshot);
    (world, snapshot, smsc)
}

#[test]
fn a_trusted_proxy_v2_header_tells_the_clients_address() {
    let (world, _snapshot, _smsc) = behind_proxy("127.0.0.0/8");
    let at = world.listener("proxied");
    // At once with the bind, and an octet at a time.
    let mut whole = connect(at, &proxy_header());
    assert_eq!(bind(&mut whole), ROK);
    let mut socket = TcpStream::connect(at).unwrap();
    for octet in proxy_header() {
        socket.write_all(&[octet]).unwrap();
        socket.set_nodelay(true).unwrap();
    }
    assert_eq!(bind(&mut Peer::over(Wire::Plain(socket), Role::Esme)), ROK);
    let peers: Vec<_> = world.binds().into_iter().filter(|bind| bind.side == "customer").collect();
    assert!(peers.iter().all(|bind| bind.peer == "192.0.2.7:4711"), "{peers:?}");
    assert!(world.notice("customer_bound").contains(&("peer", "192.0.2.7:4711".to_owned())));
    // The proxy's own connection has its own address, which may not bind.
    assert_eq!(bind(&mut connect(at, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")), REFUSED);
}

#[test]
fn a_trusted_proxy_without_a_v2_header_is_closed_and_counted() {
    let (world, _snapshot, _smsc) = behind_proxy("127.0.0.1");
    let at = world.listener("proxied");
    let ends = |first: &[u8]| {
        let mut socket = TcpStream::connect(at).unwrap();
        socket.write_all(first).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        match socket.read(&mut [0; 16]) {
            Ok(octets) => octets == 0,
            Err(error) => error.kind() == ErrorKind::ConnectionReset,
        }
    };
    let why = |first: &[u8]| {
        assert!(ends(first));
        let fields = world.notice("proxy_header_refused");
        fields.into_iter().find(|field| field.0 == "why").unwrap().1
    };
    assert!(why(b"PROXY TCP4 192.0.2.7 198.51.100.2 4711 2775\r\n").contains("version 1"));
    assert!(why(b"\0\0\0\x2f\0\0\0\x09\0\0\0\0\0\0\0\x01").contains("there is none"));
    assert!(why(b"\r\n\r\n\0\r\nQUIT\n\x21\x31\0\0").contains("family 0x31"));
    world.until("all were counted", |world| world.totals().proxy_headers_refused == 3);
}

#[test]
fn nobody_but_a_trusted_proxy_may_speak_proxy_v2() {
    let (world, mut snapshot, _smsc) = behind_proxy("198.51.100.0/24");
    let at = world.listener("proxied");
    let mut liar = connect(at, &proxy_header());
    liar.flush();
    // To SMPP its first octets are a length that no PDU has.
    assert_eq!(bind(&mut liar), Said::Closed);
    // Without a header it is a customer like all others, at its own address.
    assert_eq!(bind(&mut connect(at, b"")), REFUSED);
    snapshot.accounts[0].addresses.clear();
    world.apply(&snapshot);
    assert_eq!(bind(&mut connect(at, b"")), ROK);
}
