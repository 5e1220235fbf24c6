"""`brivas conformance` against our gateway, a simulated carrier, and systems of others: the quirks known of each."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.integration.gateway import PASSWORD, Gateway
from tests.integration.node import NodePeer
from tests.integration.peers import Peers
from tests.integration.simulation import simulated_smsc
from tests.integration.tester import COMMAND, SECONDS, EsmeTest, check_smsc
from tests.integration.up import Up
from tests.support.process import WAIT_SECONDS

NUMBER = "491701234567"


def test_our_own_gateway_conforms(brivas_up: Up) -> None:
    smpp = brivas_up.ready()["smpp"]
    account = ("--system-id", smpp["system_id"], "--password", smpp["password"])
    result = check_smsc(f"{smpp['host']}:{smpp['port']}", *account, "--to", NUMBER)
    assert result.code == 0
    assert result.of("fail") == {}
    assert result.of("skipped") == {}
    # A refused bind is answered with our system_id, which 3.4 would leave out.
    assert result.of("quirk").keys() <= {"error.no-body"}
    assert len(result.of("pass")) > 75
    assert result.report["suggested_quirks"] == {}
    assert result.report["facts"]["message_id_form"] == "hexadecimal digits, lower case"
    assert smpp["password"].encode().hex() not in json.dumps(result.report)


def test_a_carrier_with_ids_of_two_forms_and_early_receipts_is_told_apart() -> None:
    options = {"listen": "127.0.0.1:0", "message_id": "mixed", "receipt_before_response": True}
    with simulated_smsc(**options) as smsc:
        result = check_smsc(smsc.address, "--system-id", "any", "--to", NUMBER, "--only", "receipt")
    assert result.code == 0
    assert result.of("quirk").keys() == {"receipt.id", "receipt.after-response"}
    assert result.of("quirk")["receipt.after-response"] == "3 of 3 came before"
    assert result.report["suggested_quirks"] == {"messageIds": "hexToDecimal"}


def test_without_a_number_no_message_is_sent() -> None:
    with simulated_smsc(listen="127.0.0.1:0", system_id="one", password="pass") as smsc:
        result = check_smsc(smsc.address, "--system-id", "one", "--password", "pass")
        assert smsc.stop()["accepted"] == 0
    assert result.code == 0
    assert result.of("skipped")["message.submit"] == "it would send messages"


def test_a_system_that_does_not_listen_is_not_reachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        command = (*COMMAND, "smsc", f"127.0.0.1:{unused.getsockname()[1]}", "--system-id", "any")
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 4
    assert "cannot connect" in done.stderr


@contextmanager
def broken_smsc() -> Iterator[str]:
    """Takes binds; answers submit_sm with 17 octets that say 16, and nothing else with anything."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError, struct.error):
                while head := client.recv(16, socket.MSG_WAITALL):
                    length, command, _, sequence = struct.unpack(">IIII", head)
                    client.recv(length - 16, socket.MSG_WAITALL) if length > 16 else None
                    answer = struct.pack(">II", command | 0x8000_0000, 0) + struct.pack(">I", sequence)
                    if command == 9:
                        client.sendall(struct.pack(">I", 17) + answer + b"\0")
                    elif command == 4:
                        client.sendall(struct.pack(">I", 16) + answer + b"\0" + struct.pack(">I", 16) + answer)

        def accept() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(client,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(WAIT_SECONDS)


def test_what_breaks_peers_is_a_failure() -> None:
    with broken_smsc() as address:
        only = ("--only", "state.enquire-link", "--only", "message.window", "--only", "bind.transceiver")
        result = check_smsc(address, "--system-id", "any", "--to", NUMBER, "--timeout-ms", "300", *only)
    assert result.code == 1
    assert result.of("pass").keys() == {"bind.transceiver"}
    failures = result.of("fail")
    assert failures["state.enquire-link"] == "no answer within 300 ms"
    assert "cannot be read further" in failures["message.window"] or "of 10 were answered" in failures["message.window"]


# Systems of others.


def test_npm_smpps_server_is_told_apart() -> None:
    told = {"state": "DELIVRD", "message_state": 2, "error": "000"}
    with NodePeer("smsc.js", system_id="brivas", password="npm-pass", **told) as smsc:
        address = f"127.0.0.1:{smsc.next('listening')['port']}"
        account = ("--system-id", "brivas", "--password", "npm-pass", "--to", NUMBER, "--timeout-ms", "2000")
        groups = ("bind.sc", "bind.wrong", "bind.twice", "message.submit", "message.window", "receipt", "id")
        result = check_smsc(address, *account, *(word for group in groups for word in ("--only", group)))
        quirks = result.of("quirk")
        assert quirks["bind.sc-interface-version"].startswith("sc_interface_version is missing")
        assert quirks["bind.wrong-password"] == "bind_transceiver_resp ESME_RBINDFAIL; ESME_RINVPASWD was expected"
        assert "bind.twice" in quirks
        passes = result.of("pass")
        assert passes["receipt.arrives"] == "3 of 3"
        assert passes["id.form"].startswith("text, 5 octets, such as npm-")
        # Its own library hands a message that ends early to the program, which did not think of that.
        result = check_smsc(address, *account, "--only", "frame")
        assert result.code == 1
        assert re.fullmatch(
            r"no connection is taken any more, since frame\.(cut-body|sequence-echo): .*", result.report["error"]
        )


def test_smpp34s_server_is_told_apart(peers: Peers) -> None:
    port = peers["smpp34"].ask("listen", system_id="any", password="any", refused="-")["port"]
    options = ("--system-id", "any", "--to", NUMBER, "--timeout-ms", "2000")
    only = ("--only", "state", "--only", "message.submit", "--only", "receipt", "--only", "frame.unknown")
    result = check_smsc(f"127.0.0.1:{port}", *options, *only)
    quirks = result.of("quirk")
    # Known of it: before the bind it says generic_nack.
    assert quirks["state.submit-before-bind"] == "generic_nack ESME_RINVBNDSTS instead of the request's own response"
    # Its program here sends receipts in TLVs alone.
    assert result.of("pass")["receipt.id"].startswith("smpp34/")
    assert "receipt.text" in quirks


# ESMEs.


@pytest.fixture
def esme_test() -> Iterator[EsmeTest]:
    # A receipt of no message is answered after five seconds: its message may come yet.
    test = EsmeTest("--patience-ms", "20000", "--timeout-ms", "10000")
    try:
        yield test
    finally:
        test.process.kill()
        test.process.wait(WAIT_SECONDS)


def test_our_own_gateway_conforms_as_an_esme(esme_test: EsmeTest, gateway: Gateway) -> None:
    gateway.account()
    gateway.carrier(("127.0.0.1", esme_test.port))
    gateway.route()
    gateway.resource("Route", "incoming", {"direction": "mo", "toAccount": "acme"})
    gateway.start()
    result = esme_test.finish()
    assert result.of("fail") == {}
    assert result.code == 0
    assert {"end.back-after-unbind", "end.back-after-cut", "frame.sequence-echo"} <= result.of("pass").keys()


def test_npm_smpps_client_says_nothing_to_an_unknown_command(esme_test: EsmeTest) -> None:
    with NodePeer("esme.js", host="127.0.0.1", port=esme_test.port, system_id="any", password="any") as esme:
        esme.next("bound")
        result = esme_test.finish()
    assert result.code == 0
    assert result.of("quirk") == {"frame.unknown-command": "no answer within 10000 ms"}
    assert {"deliver.payload", "receipt.tlvs", "end.back-after-cut"} <= result.of("pass").keys()


def test_an_esme_is_refused_that_is_not_the_one_that_was_named() -> None:
    test = EsmeTest("--system-id", "acme", "--password", PASSWORD, "--patience-ms", "1500")
    with socket.create_connection(("127.0.0.1", test.port)) as client:
        body = b"acme\0wrong\0\0\x34\0\0\0"
        client.sendall(struct.pack(">IIII", 16 + len(body), 9, 0, 1) + body)
        length, command, status, sequence = struct.unpack(">IIII", client.recv(16, socket.MSG_WAITALL))
        assert (length, command, status, sequence) == (16, 0x8000_0009, 0x0E, 1)
    assert test.process.wait(WAIT_SECONDS) == 4
    test.process.communicate()
