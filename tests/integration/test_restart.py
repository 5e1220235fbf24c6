"""What a gateway finds again when it starts on its data: deliveries and messages that wait, its configuration."""

from __future__ import annotations

import pytest

from tests.integration import wire
from tests.integration.gateway import HOST, Gateway, lasting_ports
from tests.integration.recorder import Recorder
from tests.integration.simulation import simulated_smsc
from tests.support.process import Brivas, wait_until

NUMBER = "491701234567"


def restart(gateway: Gateway, how: str) -> None:
    if how == "killed":
        gateway.kill()
    else:
        assert gateway.terminate() == 0
    gateway.start()


@pytest.mark.parametrize("how", ["killed", "drained"])
def test_receipts_wait_for_the_next_bind_that_receives(gateway: Gateway, recorder: Recorder, how: str) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    with gateway.bind(mode="transmitter") as sender:
        ids = [sender.submit(NUMBER, b"%d" % number).text for number in range(10)]
        wait_until(lambda: gateway.stats().totals.delivered == len(ids), "the receipts are here")
    restart(gateway, how)
    # A transmitter gets none of them.
    with gateway.bind(mode="transmitter") as sender:
        sender.ping()
        assert sender.deliveries == []
    with gateway.bind(mode="receiver") as receiver:
        for message_id in ids:
            receiver.receipt(message_id)
        assert [each.receipted_id for each in receiver.deliveries] == ids, "not in their order"
    wait_until(lambda: gateway.stats().totals.open_messages == 0, "nothing is open")
    assert len(list(gateway.events("receipt_delivered"))) == len(ids)


@pytest.mark.parametrize("how", ["killed", "drained"])
def test_a_receipt_that_was_not_answered_comes_again(gateway: Gateway, recorder: Recorder, how: str) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    with gateway.bind() as deaf:
        message_id = deaf.submit(NUMBER).text
        deaf.answers = False
        assert deaf.read().command_id == wire.DELIVER_SM
    restart(gateway, how)
    with gateway.bind() as client:
        client.receipt(message_id)


@pytest.mark.parametrize("how", ["killed", "drained"])
def test_messages_from_mobiles_wait_for_the_next_bind_that_receives(gateway: Gateway, how: str) -> None:
    with simulated_smsc(mobile_originated={"per_second": 100, "destination": "4915000"}) as smsc:
        gateway.account()
        gateway.carrier(smsc.address)
        gateway.resource("Route", "in", {"direction": "mo", "prefix": "4915", "toAccount": "acme"})
        gateway.start()
        smsc.wait_for("mobile_originated_acked", 20)
    restart(gateway, how)
    waiting = gateway.stats().totals.open_messages
    assert waiting >= 20
    with gateway.bind(mode="receiver") as client:

        def has_all() -> bool:
            client.ping()
            return gateway.stats().totals.open_messages == 0

        wait_until(has_all, "all that waited is taken")
        assert len(client.deliveries) == waiting


@pytest.mark.parametrize("how", ["killed", "drained"])
def test_messages_for_a_carrier_that_is_away_wait_and_go_out_in_their_order(gateway: Gateway, how: str) -> None:
    [port] = lasting_ports(1)
    gateway.account()
    gateway.carrier((HOST, port))
    gateway.route()
    gateway.start()
    with gateway.bind() as client:
        assert {client.submit(NUMBER, b"%d" % number).status for number in range(50)} == {wire.ESME_ROK}
    restart(gateway, how)
    with Recorder(port=port) as recorder:
        wait_until(lambda: len(recorder.messages) == 50, "all have arrived")
        assert [int(each.short_message) for each in recorder.messages] == list(range(50))


def test_with_a_broken_folder_it_starts_with_the_last_good_configuration(gateway: Gateway, recorder: Recorder) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    gateway.kill()
    (gateway.config / "account-acme.yaml").write_text("kind: Account\nspec: [broken\n")
    gateway.start("last_good_config_stays")
    assert "account-acme.yaml:" in gateway.logged()
    with gateway.bind() as client:
        client.receipt(client.submit(NUMBER).text)


def test_a_reload_of_a_broken_folder_keeps_what_is_in_force(gateway: Gateway, recorder: Recorder) -> None:
    gateway.account()
    gateway.carrier(recorder.address)
    gateway.route()
    gateway.start()
    with gateway.bind() as client:
        gateway.route("nobody")
        gateway.reload("config_refused")
        client.receipt(client.submit(NUMBER).text)
        gateway.route()
        gateway.account("new")
        gateway.reload()
        client.receipt(client.submit(NUMBER).text)
        with gateway.bind("new"):
            pass


def test_a_second_gateway_on_the_same_data_is_refused_and_the_first_goes_on(gateway: Gateway) -> None:
    gateway.account()
    gateway.start()
    said = gateway.data / "second.log"
    listens = [option for face in ("smpp", "messaging", "control") for option in (f"--{face}-listen", f"{HOST}:0")]
    with Brivas(gateway.data, "gateway", *listens, log=said) as second:
        assert second.process.wait(30) == 70
    assert "in use" in said.read_text()
    assert "Traceback" not in said.read_text()
    with gateway.bind():
        pass
