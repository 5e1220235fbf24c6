"""PyPI smpplib as a customer: blocking, one request at a time, with alphabets and segmentation of its own."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp

from tests.peers.python.driver import Told, saw, serve

STATES = {smpplib.consts.SMPP_MESSAGE_STATE_DELIVERED: "DELIVRD"}


class Customer:
    """A bind. While no command runs, what arrives is read as soon as the socket has it."""

    def __init__(self) -> None:
        self.client: Any = None
        self.answers: dict[int, Any] = {}
        self.failed: dict[int, int] = {}

    async def bind(self, told: Told) -> dict[str, object]:
        context = None
        if "ca" in told:
            context = ssl.create_default_context(cafile=told["ca"])
            # It does not say whom it connects to, so that only the certificate's issuer can be checked.
            context.check_hostname = False
            if "certificate" in told:
                context.load_cert_chain(told["certificate"], told["key"])
        self.client = smpplib.client.Client(
            told["host"], told["port"], timeout=20, allow_unknown_opt_params=True, ssl_context=context
        )
        # Its sequence numbers start anew.
        self.answers.clear()
        self.failed.clear()
        self.client.logger.setLevel(logging.ERROR)
        self.client.set_message_sent_handler(self._answered)
        self.client.set_message_received_handler(self._delivered)
        self.client.set_error_pdu_handler(self._refused)
        self.client.connect()
        try:
            answer = getattr(self.client, f"bind_{told['mode']}")(
                system_id=told["system_id"], password=told["password"]
            )
        except smpplib.exceptions.PDUError as error:
            return {"status": error.args[1]}
        asyncio.get_running_loop().add_reader(self.client._socket, self._read)
        return {"status": answer.status}

    async def submit(self, told: Told) -> dict[str, object]:
        if told["kind"] == "binary":
            parts, data_coding = [bytes.fromhex(told["udh"] + told["octets"])], smpplib.consts.SMPP_ENCODING_BINARY
            esm_class = smpplib.consts.SMPP_GSMFEAT_UDHI
        else:
            parts, data_coding, esm_class = smpplib.gsm.make_parts(told["text"])
        answers = []
        for part in parts:
            sent = self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_ALNUM,
                source_addr=told["source"],
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                destination_addr=told["destination"],
                short_message=part,
                data_coding=data_coding,
                esm_class=esm_class,
                registered_delivery=True,
            )
            number = sent.sequence
            while number not in self.answers and number not in self.failed:
                self.client.read_once(auto_send_enquire_link=False)
            # A refusal has no body: no id.
            answer = self.answers.get(number)
            message_id = answer.message_id.decode() if answer is not None and answer.message_id else ""
            answers.append({"status": self.failed.get(number, 0), "id": message_id})
        return {"answers": answers}

    async def link(self, _told: Told) -> dict[str, object]:
        pdu = smpplib.smpp.make_pdu("enquire_link", client=self.client)
        self.client.send_pdu(pdu)
        answer = self.client.read_pdu()
        assert answer.command == "enquire_link_resp", answer.command
        return {"status": answer.status}

    async def unbind(self, _told: Told) -> dict[str, object]:
        asyncio.get_running_loop().remove_reader(self.client._socket)
        answer = self.client.unbind()
        self.client.disconnect()
        return {"status": answer.status}

    def _answered(self, pdu: Any) -> None:
        self.answers[pdu.sequence] = pdu

    def _refused(self, pdu: Any) -> None:
        self.failed[pdu.sequence] = pdu.status

    def _delivered(self, pdu: Any) -> None:
        if pdu.receipted_message_id:
            saw("receipt", id=pdu.receipted_message_id.decode(), state=STATES[pdu.message_state])
        else:
            saw(
                "message",
                source=pdu.source_addr.decode(),
                destination=pdu.destination_addr.decode(),
                data_coding=pdu.data_coding,
                octets=pdu.short_message.hex(),
            )

    def _read(self) -> None:
        try:
            self.client.read_once(auto_send_enquire_link=False)
        except smpplib.exceptions.ConnectionError:
            asyncio.get_running_loop().remove_reader(self.client._socket)


def main() -> None:
    """Serves."""
    customer = Customer()
    asyncio.run(
        serve({"bind": customer.bind, "submit": customer.submit, "link": customer.link, "unbind": customer.unbind})
    )


if __name__ == "__main__":
    main()
