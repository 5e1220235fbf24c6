"""All that SMPP has, on real sockets: at least twenty PDUs of each command, read alike by Wireshark and our codec.

Between peers of others, our simulators, our tester and the gateway stands a wiretap. What the gateway never sends, or
answers with a refusal alone (nobody here broadcasts), goes from one peer of others to another.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

import pytest

from tests.integration import wire
from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.peers import KINDS, Peer, Peers
from tests.integration.recorder import Recorder
from tests.integration.simulation import simulated_load, simulated_smsc
from tests.integration.tester import EsmeTest, check_smsc
from tests.integration.wiretap import Wiretap
from tests.support import agreement, codec, tshark
from tests.support.process import wait_until

if tshark.IS_MISSING:
    pytest.skip("tshark is missing: apt-get install tshark", allow_module_level=True)

pytestmark = pytest.mark.timeout(600)

EACH: Final = 20
ROUNDS: Final = 3
OPERATIONS: Final = (
    "submit_multi",
    "data_sm",
    "query_sm",
    "replace_sm",
    "cancel_sm",
    "broadcast_sm",
    "query_broadcast_sm",
    "cancel_broadcast_sm",
)
# Behind which carrier a number is.
RECORDED, AT_NPM, NACKED, SIMULATED = "491701234567", "4477001", "4477002", "3361234"
REACHED_BY = "7700"
UNKNOWN_COMMAND = 0x99
ESME_RCNTSUBDL = 0x44
IN_AN_HOUR = "000000010000000R"
AREA = {"hex": b"\0Town".hex()}
# Of the tester's checks those in which nothing is malformed by intent.
RIGHT_CHECKS = ("bind", "state", "message", "operation", "receipt", "error", "id")
# Receipts of nothing are answered after some seconds each: they are left to the tester's own tests.
RIGHT_DELIVERIES = ("bind", "deliver")
BROADCAST_ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "broadcast_sm": {"message_id": "b-1", "broadcast_error_status": [0x110], "broadcast_area_identifier": [AREA]},
    "query_broadcast_sm": {
        "message_id": "b-1",
        "message_state": 2,
        "broadcast_area_identifier": [AREA, {"hex": b"\0Vale".hex()}],
        "broadcast_area_success": 100,
        "broadcast_end_time": "261124120000000+\0",
        "user_message_reference": 7,
    },
    "cancel_broadcast_sm": {},
    "submit_multi": {
        "message_id": "m-1",
        "unsuccess_sme": [
            {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": "4477", "error_status_code": 0x0B}
        ],
    },
    "data_sm": {"message_id": "d-1", "delivery_failure_reason": 2, "network_error_code": {"hex": "030011"}},
    "query_sm": {"message_id": "q-1", "final_date": "261124120000000+", "message_state": 5, "error_code": 17},
    "replace_sm": {},
    "cancel_sm": {},
}
ADDRESS = {"source_addr_ton": 5, "source_addr": "Brivas"}


def request(command: str, number: int, message_id: str = "", destination: str = RECORDED) -> dict[str, Any]:
    """The fields of a request beside submit_sm, as npm smpp names them; each a little different."""
    to = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": destination}
    text = f"number {number} @ £"
    match command:
        case "submit_multi":
            lists = [{"dl_name": "friends"}] if names_a_list(number) else []
            return {**ADDRESS, "dest_address": [to, {"destination_addr": "nobody"}, *lists], "short_message": text}
        case "data_sm":
            tlvs = {"user_message_reference": number, "callback_num": [{"hex": f"010101{b'4477'.hex()}"}]}
            return {**ADDRESS, **to, "registered_delivery": 1, "message_payload": {"hex": text.encode().hex()}, **tlvs}
        case "replace_sm":
            return {"message_id": message_id, **ADDRESS, "registered_delivery": 1, "short_message": f"instead {text}"}
        case "cancel_sm":
            return {"message_id": message_id, **ADDRESS, **to}
        case "broadcast_sm":
            return {
                **ADDRESS,
                "data_coding": 0,
                "priority_flag": number % 4,
                "validity_period": IN_AN_HOUR,
                "broadcast_area_identifier": [AREA, {"hex": b"\0Vale".hex()}],
                "broadcast_content_type": {"hex": "010010"},
                "broadcast_frequency_interval": {"hex": "080005"},
                "message_payload": {"hex": text.encode().hex()},
            }
        case _:
            return {"message_id": message_id, **ADDRESS}


def names_a_list(number: int) -> bool:
    """Whether a submit_multi goes to a distribution list as well."""
    return number % 5 == 4


@pytest.fixture(scope="module")
def carrier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """npm smpp as a carrier; and once more the same, who asks for binds."""
    peer = Peer(KINDS["npm"], tmp_path_factory.mktemp("carrier") / "stderr")
    yield peer
    peer.close()


@pytest.fixture(scope="module")
def wiretapped(tmp_path_factory: pytest.TempPathFactory, peers: Peers, carrier: Peer) -> Iterator[Wiretap]:
    """All traffic, said."""
    folder = tmp_path_factory.mktemp("whole")
    with (
        Wiretap() as wiretap,
        Recorder() as recorder,
        simulated_smsc(receipt_delay_ms=1) as smsc,
        Gateway(folder / "gateway", wiretap=wiretap) as gateway,
    ):
        told = {"system_id": "brivas", "password": "", "refused": "-", "nacked": NACKED}
        port = carrier.ask("listen", **told, answers=BROADCAST_ANSWERS)["port"]
        gateway.carrier(recorder.address, enquireLinkMs=500)
        gateway.carrier(("127.0.0.1", port), "npm", enquireLinkMs=500)
        gateway.carrier(smsc.address, "simulator", binds=2, windowMax=50)
        for name in ("acme", "tested", "simulated", *(name for name, kind in KINDS.items() if kind.customer)):
            gateway.account(name, windowMax=100)
        inbound(gateway)
        gateway.route()
        for name, prefix in (("npm", "44"), ("simulator", "33")):
            gateway.route(name, name, prefix=prefix)
        gateway.resource("Route", "phones", {"direction": "mo", "prefix": REACHED_BY, "toAccount": "acme"})
        gateway.start()
        for name in ("carrier", "npm", "simulator"):
            gateway.wait_carrier_up(name)
        customers_of_all_libraries(gateway, peers)
        operations(gateway, peers["npm"])
        what_only_carriers_say(gateway, carrier)
        nobody_knows_the_command(gateway)
        between_others(wiretap, peers["npm"], port)
        outbinds(gateway, peers["npm"])
        simulated_customers(gateway)
        judged_as_a_message_centre(gateway)
        judged_as_an_esme(gateway)
        assert gateway.terminate() == 0
        yield wiretap


@pytest.fixture(scope="module")
def found(wiretapped: Wiretap, tmp_path_factory: pytest.TempPathFactory) -> agreement.Agreement:
    """What both say of it."""
    return agreement.compare(wiretapped.conversations, tmp_path_factory.mktemp("tshark"))


def test_both_see_the_same_in_all_traffic_and_nothing_malformed(found: agreement.Agreement) -> None:
    found.assert_holds()
    assert found.unknown == EACH


def test_twenty_pdus_of_every_command_passed(found: agreement.Agreement, capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{found.table()}\n")
    missing = {name: found.counts[name] for name in codec.tables()["commands"] if found.counts[name] < EACH}
    assert missing == {}


def customers_of_all_libraries(gateway: Gateway, peers: Peers) -> None:
    """Each binds some times in each mode, and sends what it may."""
    host, port = gateway.smpp
    customers = [name for name, kind in KINDS.items() if kind.customer]
    # Kannel takes its time to start, and binds by starting.
    for name in [*customers, *(ROUNDS - 1) * [name for name in customers if name != "kannel"]]:
        peer = peers[name]
        if peer.mode is not None:
            peer.unbind()
        account = {"host": host, "port": port, "system_id": name, "password": PASSWORD}
        for mode in ("receiver", "transmitter", "transceiver"):
            assert peer.bind(mode, **account) == wire.ESME_ROK
            # Some libraries take a receipt for the answer that they wait for: it comes before anything else is asked.
            if mode == "transmitter":
                with gateway.bind(name, mode="receiver") as receiver:
                    receiver.receipt(submit(peer))
            elif mode == "transceiver":
                peer.see("receipt", id=submit(peer))
            if peer.kind.links:
                peer.ask("link")
            peer.unbind()


def submit(peer: Peer) -> str:
    """A short message; its id."""
    told = {"text": "hello", "octets": b"hello".hex(), "source": "Brivas", "destination": RECORDED}
    [answer] = peer.ask("submit", kind="short", **told)["answers"]
    assert answer["status"] == wire.ESME_ROK
    return str(answer["id"])


def operations(gateway: Gateway, customer: Peer) -> None:
    """Messages for later, asked about, replaced, cancelled; to many; as data_sm; and broadcasts, which are refused."""
    host, port = gateway.smpp
    assert customer.bind(host=host, port=port, system_id="npm", password=PASSWORD) == wire.ESME_ROK
    later = {"destination_addr": RECORDED, "dest_addr_ton": 1, "dest_addr_npi": 1, "schedule_delivery_time": IN_AN_HOUR}
    for number in range(EACH):
        scheduled = customer.ask("send", command="submit_sm", fields={**ADDRESS, **later, "short_message": "later"})
        assert scheduled["status"] == wire.ESME_ROK
        for command in OPERATIONS:
            fields = request(command, number, scheduled["id"])
            if command == "broadcast_sm":
                # Wireshark misreads it: the other broadcasts go without it, so that all of them is read.
                fields["broadcast_rep_num"] = number
            status = customer.ask("send", command=command, fields=fields)["status"]
            if "broadcast" in command:
                assert status == wire.ESME_RINVCMDID
            elif command == "submit_multi" and names_a_list(number):
                assert status == ESME_RCNTSUBDL
            else:
                assert status == wire.ESME_ROK, command
    customer.unbind()


def what_only_carriers_say(gateway: Gateway, carrier: Peer) -> None:
    """alert_notification and data_sm from phones, which reach the customer; generic_nack to what was submitted."""
    with gateway.bind() as client:
        for number in range(EACH):
            alert = {"source_addr": AT_NPM, "source_addr_ton": 1, "esme_addr": REACHED_BY}
            tlvs = {"ms_availability_status": number % 3}
            carrier.ask("send", **{"as": "carrier"}, command="alert_notification", fields={**alert, **tlvs})
            data = {"source_addr": AT_NPM, "destination_addr": REACHED_BY, "message_payload": {"hex": b"hello".hex()}}
            assert carrier.ask("send", **{"as": "carrier"}, command="data_sm", fields=data)["status"] == wire.ESME_ROK
            assert client.submit(NACKED).status == wire.ESME_ROK
            client.receipt(client.submit(AT_NPM).text)
        wait_until(lambda: gateway.carrier_stats("npm").queued == 0, "what is nacked is given up")
        wait_until(lambda: gateway.stats().totals.alerts_delivered == EACH, "the alerts are passed on")
        client.ping()


def nobody_knows_the_command(gateway: Gateway) -> None:
    """The gateway's own generic_nack."""
    with gateway.bind() as client:
        for _ in range(EACH):
            assert client.request(UNKNOWN_COMMAND).command_id == wire.GENERIC_NACK


def between_others(wiretap: Wiretap, customer: Peer, port: int) -> None:
    """npm smpp to npm smpp: what no network here offers, done."""
    host, front = wiretap.front(("127.0.0.1", port))
    assert customer.bind(host=host, port=front, system_id="brivas", password="") == wire.ESME_ROK
    for number in range(EACH):
        for command in OPERATIONS:
            fields = request(command, number, "b-1")
            assert customer.ask("send", command=command, fields=fields)["status"] == wire.ESME_ROK
    customer.unbind()


CALLER: Final = "caller"


def inbound(gateway: Gateway) -> None:
    """A carrier that asks for our bind."""
    (gateway.data / "caller.password").write_text("ours")
    spec = {"systemId": CALLER, "direction": "inbound", "passwordHash": gateway.password_hash("theirs")}
    gateway.resource("Carrier", CALLER, {**spec, "password": {"file": "caller.password"}})


def outbinds(gateway: Gateway, caller: Peer) -> None:
    """outbind, and the bind that it is answered with."""
    host, port = gateway.smpp
    expects = {"system_id": CALLER, "password": "ours"}
    for _ in range(EACH):
        caller.ask("outbind", host=host, port=port, system_id=CALLER, password="theirs", expects=expects, refused="-")
        wait_until(lambda: gateway.carrier_stats(CALLER).binds_up == 1, "it is bound to")
        caller.ask("send", **{"as": "carrier"}, command="unbind", fields={})
        wait_until(lambda: gateway.carrier_stats(CALLER).binds_up == 0, "it is parted with")


def simulated_customers(gateway: Gateway) -> None:
    """Our own, at some speed: many PDUs in one segment."""
    host, port = gateway.smpp
    told = {"target": f"{host}:{port}", "system_id": "simulated", "password": PASSWORD, "binds": 3, "messages": 200}
    with simulated_load(**told, window=50, destination_prefix=SIMULATED[:2]) as load:
        assert load.finish()["receipts"] == 200


def judged_as_a_message_centre(gateway: Gateway) -> None:
    """`brivas conformance smsc`."""
    host, port = gateway.smpp
    account = ("--system-id", "tested", "--password", PASSWORD, "--to", RECORDED)
    assert check_smsc(f"{host}:{port}", *account, *only(RIGHT_CHECKS)).of("fail") == {}


def judged_as_an_esme(gateway: Gateway) -> None:
    """`brivas conformance esme`, as one more carrier."""
    test = EsmeTest("--timeout-ms", "10000", *only(RIGHT_DELIVERIES))
    try:
        gateway.carrier(("127.0.0.1", test.port), "tester")
        gateway.reload()
        assert test.finish().of("fail") == {}
    finally:
        test.process.kill()
        test.process.wait()
        (gateway.config / "carrier-tester.yaml").unlink()
        gateway.reload()


def only(checks: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(word for check in checks for word in ("--only", check))
