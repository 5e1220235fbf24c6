//! Rules, networks, rewriting and explanations on a real engine: what is explained is what is done.

mod support;

use brivas_proto::v1;
use brivas_smpp::pdu::Address;
use brivas_smpp::tlv::{Tag, Tlvs, append};
use brivas_smpp::{BindMode, CommandStatus, EsmClass, RegisteredDelivery, ShortMessage, text};
use sha2::{Digest, Sha256};
use support::peer::message;
use support::site::Site;
use support::{Peer, Said, incoming_route, route};

fn target(carrier: &str) -> v1::RouteTarget {
    v1::RouteTarget { carrier: carrier.to_owned(), weight: 1, ..v1::RouteTarget::default() }
}

fn rule(name: &str, order: u32, when: v1::Conditions, carriers: &[&str]) -> v1::Route {
    v1::Route {
        name: name.to_owned(),
        order,
        when: Some(when),
        targets: carriers.iter().map(|carrier| target(carrier)).collect(),
        ..v1::Route::default()
    }
}

fn strings(list: &[&str]) -> Vec<String> {
    list.iter().map(|&item| item.to_owned()).collect()
}

/// A small generator, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn one<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[self.below(list.len())]
    }

    /// A few of them, perhaps none.
    fn some(&mut self, list: &[&str]) -> Vec<String> {
        if self.below(3) > 0 {
            return vec![];
        }
        list.iter().filter(|_| self.below(2) == 0).map(|&item| item.to_owned()).collect()
    }
}

const CARRIERS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
const PREFIXES: [&str; 6] = ["", "4", "44", "447", "49", "4917"];
const SENDERS: [&str; 5] = ["ACME", "Acme-2", "40404", "447700900999", "Bank"];
const TEXTS: [&str; 7] = [
    "hello",
    "WIN a prize now",
    "your code is 1234",
    "see https://bit.ly/x",
    "see https://acme.example/a",
    "łódź",
    "",
];
const NUMBERS: [&str; 8] =
    ["447700900123", "447700900124", "4478", "491701234567", "4930123", "33612345678", "4", "15550100"];

fn random_rules(random: &mut Random) -> Vec<v1::Route> {
    let mut routes = vec![route(&["alpha", "beta"])];
    for (number, prefix) in PREFIXES.iter().enumerate().skip(1) {
        let name = format!("prefix-{number}");
        let targets = CARRIERS
            .iter()
            .filter(|_| random.below(2) == 0)
            .map(|carrier| target(carrier))
            .collect::<Vec<_>>();
        let targets = if targets.is_empty() { vec![target("delta")] } else { targets };
        let balance = [v1::Balance::Destination, v1::Balance::LeastCost][random.below(2)].into();
        routes.push(v1::Route {
            name,
            prefix: (*prefix).to_owned(),
            targets,
            balance,
            ..v1::Route::default()
        });
    }
    for number in 0..40 {
        let when = v1::Conditions {
            accounts: random.some(&["one", "two"]),
            prefixes: random.some(&PREFIXES),
            networks: random.some(&["234-10", "234-15", "262-01"]),
            senders: random.some(&["acme", "ac*", "40404", "44*"]),
            keywords: random.some(&["hello", "win", "your"]),
            sender_patterns: random.some(&["^[0-9]+$", "(?i)bank"]),
            text_patterns: random.some(&["(?i)prize", "code is [0-9]{4}", "ź$"]),
            links: (random.below(5) == 0)
                .then(|| v1::Links { hosts: random.some(&["bit.ly", "acme.example"]) }),
            data_codings: random.some(&["default", "ucs2"]),
            tags: random.some(&["otp"]),
            tags_none: random.some(&["marketing"]),
            hours: None,
        };
        let mut new = rule(&format!("rule-{number}"), random.below(5) as u32, when, &[random.one(&CARRIERS)]);
        for target in &mut new.targets {
            target.price = random.below(3) as u64;
        }
        // What every message meets leaves nothing to compare.
        if new.when != Some(v1::Conditions::default()) {
            routes.push(new);
        }
    }
    routes
}

#[test]
fn what_is_explained_is_what_is_done() {
    for seed in [0x9e37_79b9_7f4a_7c15, 7, 20_261_124] {
        let mut random = Random(seed);
        let plan = v1::NumberingPlan {
            name: "plan".to_owned(),
            ranges: [("447", "234-10"), ("49", "262-01")]
                .map(|(prefix, network)| v1::NetworkRange { prefix: prefix.into(), network: network.into() })
                .to_vec(),
            ..v1::NumberingPlan::default()
        };
        let more = v1::Snapshot {
            routes: random_rules(&mut random),
            numbering_plans: vec![plan],
            ..v1::Snapshot::default()
        };
        let mut site = Site::new(&["one", "two"], &CARRIERS, more);
        site.change(|snapshot| {
            snapshot.accounts[0].tags = strings(&["otp"]);
            snapshot.accounts[1].tags = strings(&["marketing"]);
        });
        let smpp = site.world.engine().addresses().smpp;
        let mut customers =
            ["one", "two"].map(|name| (name, Peer::customer(smpp, name, BindMode::Transmitter)));
        for turn in 0..150 {
            let (account, customer) = &mut customers[random.below(2)];
            let (to, from, words) = (random.one(&NUMBERS), random.one(&SENDERS), random.one(&TEXTS));
            let encoded = text::encode(words);
            let explained = site.explain(v1::ExplainRequest {
                account: (*account).to_owned(),
                destination: to.to_owned(),
                source: from.to_owned(),
                text: words.to_owned(),
                ..v1::ExplainRequest::default()
            });
            let short = ShortMessage {
                source: Address { ton: 0, npi: 0, digits: from.as_bytes() },
                data_coding: encoded.data_coding,
                ..message(to, &encoded.octets)
            };
            customer.say(turn, &short);
            let said = customer.hear();
            assert!(
                matches!(said, Said::Answered { status: CommandStatus::ROK, .. }),
                "{said:?} {seed} {turn}"
            );
            let got = site.hear();
            let context =
                format!("seed {seed}, turn {turn}: {account} {from} -> {to} {words:?}: {explained:#?}");
            assert_eq!((got.to.as_str(), got.from.as_str()), (to, from), "{context}");
            assert_eq!(got.carrier, explained.targets[0].carrier, "{context}");
        }
    }
}

#[test]
fn a_number_that_is_none_is_an_error_with_a_hint() {
    let more = v1::Snapshot { routes: vec![route(&["alpha"])], ..v1::Snapshot::default() };
    let site = Site::new(&["one"], &["alpha"], more);
    let refused = |request: v1::ExplainRequest| {
        site.world.control(async |mut client| client.explain(request).await).unwrap_err()
    };
    for wrong in ["abc", "", "+", "123456789012345678901"] {
        let request = v1::ExplainRequest { destination: wrong.to_owned(), ..v1::ExplainRequest::default() };
        let status = refused(request);
        assert!(
            status.message().contains("is no number; hint: digits with the country code first"),
            "{status}"
        );
    }
    let nobody = v1::ExplainRequest {
        destination: "44".to_owned(),
        account: "nobody".to_owned(),
        ..v1::ExplainRequest::default()
    };
    assert_eq!(refused(nobody).code(), tonic::Code::NotFound);
}

#[test]
fn a_rewrite_changes_what_the_carrier_gets_and_not_what_the_customer_hears() {
    let tlv = |tag: u32, value: &str, keep_own| v1::AddedTlv { tag, value: value.into(), keep_own };
    let sender = v1::Address { ton: 5, npi: 0, digits: b"SHORTY".to_vec() };
    let mut changed = route(&["alpha"]);
    changed.rewrite = Some(v1::Rewrite {
        sender: Some(sender),
        tlvs: vec![tlv(0x1400, "entity", false), tlv(0x1401, "template", true)],
    });
    changed.targets[0].rewrite =
        Some(v1::Rewrite { sender: None, tlvs: vec![tlv(0x1402, "alpha's own", false)] });
    let more = v1::Snapshot { routes: vec![changed], ..v1::Snapshot::default() };
    let site = Site::new(&["one"], &["alpha"], more);
    let mut customer = Peer::customer(site.world.engine().addresses().smpp, "one", BindMode::Transceiver);
    let mut area = Vec::new();
    append(&mut area, Tag(0x1400), b"the customer's");
    append(&mut area, Tag(0x1401), b"the customer's");
    let short = ShortMessage {
        tlvs: Tlvs::parse(&area).unwrap(),
        registered_delivery: RegisteredDelivery::ALWAYS,
        ..message("447700900123", b"hello")
    };
    customer.say(1, &short);
    let Said::Answered { id, .. } = customer.hear() else { panic!() };
    let got = site.hear();
    assert_eq!(got.from, "SHORTY");
    let tlvs = Tlvs::parse(&got.tlvs).unwrap();
    let values: Vec<_> = tlvs.iter().map(|tlv| (tlv.tag.0, tlv.value)).collect();
    let expected: [(u16, &[u8]); 3] =
        [(0x1401, b"the customer's"), (0x1400, b"entity"), (0x1402, b"alpha's own")];
    assert_eq!(values, expected);
    // What is kept is what the customer sent: their receipt will name it.
    let stored = site.world.query(&id).unwrap().content.unwrap();
    assert_eq!(stored.source.unwrap().digits, b"40404");
    assert_eq!(stored.tlvs, area);
    let explained = site.explain(v1::ExplainRequest { destination: "44".into(), ..Default::default() });
    assert_eq!(explained.targets[0].rewrite.as_ref().unwrap().tlvs.len(), 3);
}

#[test]
fn parts_of_a_message_go_one_way_whatever_they_say() {
    let by_text = |name: &str, word: &str, carrier: &str| {
        let when = v1::Conditions { text_patterns: vec![word.to_owned()], ..v1::Conditions::default() };
        rule(name, 0, when, &[carrier])
    };
    let mut balanced = route(&["alpha", "beta", "gamma", "delta"]);
    balanced.targets.iter_mut().for_each(|target| target.priority = 0);
    balanced.balance = v1::Balance::Message.into();
    let more = v1::Snapshot {
        routes: vec![by_text("one", "first", "alpha"), by_text("two", "second", "beta"), balanced],
        ..v1::Snapshot::default()
    };
    let site = Site::new(&["one"], &CARRIERS, more);
    let mut customer = Peer::customer(site.world.engine().addresses().smpp, "one", BindMode::Transmitter);
    let mut send = |reference: u8, sequence: u8, words: &str| {
        let mut octets = vec![5, 0, 3, reference, 2, sequence];
        octets.extend_from_slice(words.as_bytes());
        let short = ShortMessage { esm_class: EsmClass(0x40), ..message("447700900123", &octets) };
        customer.say(1, &short);
        assert!(matches!(customer.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
        site.hear().carrier
    };
    assert_eq!((send(1, 1, "first"), send(1, 2, "second")), ("alpha".to_owned(), "alpha".to_owned()));
    assert_eq!((send(2, 1, "second"), send(2, 2, "first")), ("beta".to_owned(), "beta".to_owned()));
    // Neither: drawn by the message, so not all go one way, but the parts of each do.
    let mut seen = std::collections::HashSet::new();
    for reference in 10..60 {
        let way = send(reference, 1, "x");
        assert_eq!(send(reference, 2, "y"), way);
        seen.insert(way);
    }
    assert!(seen.len() > 1, "{seen:?}");
}

#[test]
fn an_incoming_message_goes_to_the_account_of_its_number_and_keyword() {
    let mo = |name: &str, keyword: &str, account: &str| v1::Route {
        when: Some(v1::Conditions {
            prefixes: strings(&["40404"]),
            keywords: strings(&[keyword]),
            ..v1::Conditions::default()
        }),
        ..v1::Route { name: name.to_owned(), ..incoming_route(account) }
    };
    let by_network = v1::Route {
        name: "network".to_owned(),
        when: Some(v1::Conditions { networks: strings(&["234-15"]), ..v1::Conditions::default() }),
        order: 1,
        ..incoming_route("two")
    };
    let smsc = support::Smsc::new();
    let world = support::World::new();
    let mut snapshot = support::sample(&smsc);
    snapshot.accounts = ["one", "two", "sample"].map(support::account).to_vec();
    snapshot.routes.extend([mo("vote", "VOTE", "one"), by_network, incoming_route("sample")]);
    snapshot.numbering_plans = vec![v1::NumberingPlan {
        name: "plan".to_owned(),
        ranges: vec![v1::NetworkRange { prefix: "4477".into(), network: "234-15".into() }],
        ..v1::NumberingPlan::default()
    }];
    world.apply(&snapshot);
    let mut alpha = smsc.accept();
    for (from, words, account) in [
        ("447700900123", &b"Vote A"[..], "one"),
        ("447700900123", b"hello", "two"),
        ("491701234567", b"vote", "one"),
        ("491701234567", b"votes", "sample"),
    ] {
        let before = world.account(account).open_messages;
        let source = Address { ton: 1, npi: 1, digits: from.as_bytes() };
        alpha.say(1, &ShortMessage { source, ..message("40404", words) });
        assert!(matches!(alpha.hear(), Said::Answered { status: CommandStatus::ROK, .. }));
        assert_eq!(world.account(account).open_messages, before + 1, "{from} {words:?}");
        let request = v1::ExplainRequest {
            direction: v1::Direction::Mo.into(),
            destination: "40404".to_owned(),
            source: from.to_owned(),
            text: String::from_utf8(words.to_vec()).unwrap(),
            carrier: "alpha".to_owned(),
            ..v1::ExplainRequest::default()
        };
        let explained = world.control(async |mut client| client.explain(request).await).unwrap();
        assert_eq!(explained.to_account, account);
    }
}

#[test]
fn ported_numbers_come_from_a_file_and_outlive_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ported.csv");
    let file = |content: &str| {
        std::fs::write(&path, content).unwrap();
        v1::DataFile { path: path.to_str().unwrap().to_owned(), sha256: Sha256::digest(content).to_vec() }
    };
    let networked = |name: &str, network: &str, carrier: &str| {
        rule(
            name,
            0,
            v1::Conditions { networks: strings(&[network]), ..v1::Conditions::default() },
            &[carrier],
        )
    };
    let plan = v1::NumberingPlan {
        name: "uk".to_owned(),
        ranges: vec![v1::NetworkRange { prefix: "447".into(), network: "234-10".into() }],
        ported_file: Some(file("number,network\n447700900123,234-15\n")),
        ..v1::NumberingPlan::default()
    };
    let more = v1::Snapshot {
        routes: vec![networked("ten", "234-10", "alpha"), networked("fifteen", "234-15", "beta")],
        numbering_plans: vec![plan],
        ..v1::Snapshot::default()
    };
    let mut site = Site::new(&["one"], &["alpha", "beta"], more);
    let network = |site: &Site, number: &str| {
        let explained = site.explain(v1::ExplainRequest { destination: number.into(), ..Default::default() });
        (explained.network, explained.ported, explained.route)
    };
    let ported = ("234-15".to_owned(), true, "fifteen".to_owned());
    assert_eq!(network(&site, "447700900123"), ported);
    assert_eq!(network(&site, "447700900124"), ("234-10".to_owned(), false, "ten".to_owned()));
    // A wrong line refuses the whole, and is named; what was in force stays.
    let mut wrong = site.snapshot.clone();
    wrong.numbering_plans[0].ported_file = Some(file("447700900123,234-15\n447700900124,nowhere\n"));
    let request = v1::ApplyRequest { snapshot: Some(wrong), dry_run: false };
    let status = site.world.control(async |mut client| client.apply(request).await).unwrap_err();
    assert!(status.message().contains("ported.csv: line 2: network \"nowhere\""), "{status}");
    assert_eq!(network(&site, "447700900123"), ported);
    // A restart does not need the file.
    std::fs::remove_file(&path).unwrap();
    site.world.restart();
    assert_eq!(network(&site, "447700900123"), ported);
    // Another route does not read it either: it is not there.
    site.change(|snapshot| snapshot.routes.push(route(&["alpha"])));
    assert_eq!(network(&site, "447700900123"), ported);
    site.change(|snapshot| snapshot.numbering_plans.clear());
    assert_eq!(network(&site, "447700900123").0, "");
}
