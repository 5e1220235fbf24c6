"""PyPI smpp34 as a customer and as a carrier.

It knows no alphabets and does not split: long messages go as message_payload. Its core keeps the link by itself; as a
carrier its receipts are TLVs and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import Any

import smpp34

from tests.peers.python.driver import Told, saw, serve

MODES = {"transceiver": "TRX", "transmitter": "TX", "receiver": "RX"}
BIND_MS = 5_000
STATES = {2: "DELIVRD"}
ESM_CLASS_RECEIPT = 0x04
ESM_CLASS_UDHI = 0x40
MESSAGE_STATE_DELIVERED = b"\x02"


class Customer:
    """A bind as an ESME."""

    def __init__(self) -> None:
        self.smsc: Any = None
        self.listening: asyncio.Task[None] | None = None

    async def bind(self, told: Told) -> dict[str, object]:
        if "ca" in told:
            # It trusts whom the system trusts; this is where its TLS library looks for that.
            os.environ["SSL_CERT_FILE"] = told["ca"]
        client = smpp34.Client(
            told["host"],
            told["port"],
            told["system_id"],
            told["password"],
            bind_type=MODES[told["mode"]],
            tls="ca" in told,
            connect_timeout_ms=BIND_MS,
        )
        try:
            self.smsc = await client.connect()
        except smpp34.SmppError as error:
            # A refusal is not told apart from silence.
            if "timed out" not in str(error):
                raise
            return {"status": None}
        self.listening = asyncio.create_task(self._listen())
        return {"status": 0}

    async def submit(self, told: Told) -> dict[str, object]:
        octets = bytes.fromhex(told["octets"])
        fields: dict[str, Any] = {"short_message": octets}
        if told["kind"] == "long":
            fields = {"tlvs": [smpp34.Tlv(smpp34.TLV_MESSAGE_PAYLOAD, octets)]}
        elif told["kind"] == "unicode":
            fields["data_coding"] = 8
        elif told["kind"] == "binary":
            fields = {
                "short_message": bytes.fromhex(told["udh"]) + octets,
                "data_coding": 4,
                "esm_class": ESM_CLASS_UDHI,
            }
        answer = await self.smsc.submit_sm(
            told["destination"],
            source_addr=told["source"],
            source_addr_ton=5,
            dest_addr_ton=1,
            dest_addr_npi=1,
            registered_delivery=1,
            **fields,
        )
        return {"answers": [{"status": answer.command_status, "id": answer.message_id or ""}]}

    async def unbind(self, _told: Told) -> dict[str, object]:
        await self.smsc.unbind()
        if self.listening is not None:
            self.listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.listening
        return {"status": 0}

    async def _listen(self) -> None:
        while isinstance(event := await self.smsc.next(), smpp34.DeliverSmEvent):
            tlvs = {tlv.tag: tlv for tlv in event.tlvs}
            if event.esm_class & ESM_CLASS_RECEIPT:
                state = tlvs[smpp34.TLV_MESSAGE_STATE].as_int()
                saw("receipt", id=tlvs[smpp34.TLV_RECEIPTED_MESSAGE_ID].as_string(), state=STATES[state])
            else:
                saw(
                    "message",
                    source=event.source_addr,
                    destination=event.destination_addr,
                    data_coding=event.data_coding,
                    octets=event.short_message.hex(),
                )


class Carrier:
    """A server. It takes every bind: whom to take is not asked."""

    def __init__(self) -> None:
        self.server: Any = None
        self.sessions: dict[str, Any] = {}
        self.refused = ""
        self.count = 0
        self.tasks: set[asyncio.Task[None]] = set()

    async def listen(self, told: Told) -> dict[str, object]:
        self.refused = told["refused"]
        # It cannot be asked for a free port, nor which one it took.
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.server = smpp34.Server("127.0.0.1", port, system_id="smpp34")
        await self.server.start()
        self._spawn(self._run())
        return {"port": port}

    async def deliver(self, told: Told) -> dict[str, object]:
        session = next(iter(self.sessions.values()))
        answer = await session.deliver_sm(
            told["destination"],
            bytes.fromhex(told["octets"]),
            source_addr=told["source"],
            data_coding=told["data_coding"],
        )
        return {"status": answer.command_status}

    async def _run(self) -> None:
        while True:
            event = await self.server.next()
            if isinstance(event, smpp34.Esme):
                self.sessions[event.session_id] = event
                mode = "transceiver" if event.can_receive else "transmitter"
                saw("bound", system_id=event.system_id, mode=mode, accepted=True)
            elif isinstance(event, smpp34.SubmitSmEvent):
                self._submitted(event)
            elif isinstance(event, smpp34.Unbound):
                self.sessions.pop(event.session_id, None)
                saw("unbound")

    def _submitted(self, event: Any) -> None:
        if event.destination_addr == self.refused:
            event.reject(smpp34.ESME_RINVDSTADR)
            return
        self.count += 1
        message_id = f"smpp34/{self.count}"
        payload = [tlv.value for tlv in event.tlvs if tlv.tag == smpp34.TLV_MESSAGE_PAYLOAD]
        saw(
            "submitted",
            id=message_id,
            source=event.source_addr,
            destination=event.destination_addr,
            esm_class=event.esm_class,
            data_coding=event.data_coding,
            octets=(payload[0] if payload else event.short_message).hex(),
            payload=bool(payload),
        )
        event.accept(message_id)
        self._spawn(self._receipt(event, message_id))

    async def _receipt(self, event: Any, message_id: str) -> None:
        answer = await self.sessions[event.session_id].deliver_sm(
            event.source_addr,
            source_addr=event.destination_addr,
            esm_class=ESM_CLASS_RECEIPT,
            tlvs=[
                smpp34.Tlv(smpp34.TLV_RECEIPTED_MESSAGE_ID, message_id.encode() + b"\0"),
                smpp34.Tlv(smpp34.TLV_MESSAGE_STATE, MESSAGE_STATE_DELIVERED),
            ],
        )
        saw("answered", id=message_id, status=answer.command_status)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)


async def main() -> None:
    """Serves."""
    customer, carrier = Customer(), Carrier()
    await serve(
        {
            "bind": customer.bind,
            "submit": customer.submit,
            "unbind": customer.unbind,
            "listen": carrier.listen,
            "deliver": carrier.deliver,
        }
    )


if __name__ == "__main__":
    asyncio.run(main())
