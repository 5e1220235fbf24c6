"""PyPI aiosmpplib as a customer: messages go into its broker, what comes of them arrives at its hook.

It splits long messages by concatenation headers; by SAR it fails, as it reads a variable that is not set. It tells of a
whole message, not of its parts: there is one id, that of the last part.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiosmpplib
from aiosmpplib import NPI, TON, AbstractHook, BindMode, PhoneNumber
from aiosmpplib.protocol import DeliverSm, EnquireLinkResp, SubmitSm, SubmitSmResp, UnbindResp
from aiosmpplib.state import SmppError

from tests.peers.python.driver import Told, saw, serve

MODES = {
    "transceiver": BindMode.TRANSCEIVER,
    "transmitter": BindMode.TRANSMITTER,
    "receiver": BindMode.RECEIVER,
}
LINK_SECONDS = 1.0
DELIVERY_REPORT = 1
ESM_CLASS_UDHI = 0x40
UNICODE = "ucs2"


class Hook(AbstractHook):  # type: ignore[misc]
    """Keeps answers for who waits for them, and tells of what arrives."""

    def __init__(self) -> None:
        self.waiting: dict[str, asyncio.Future[Any]] = {}
        self.links = asyncio.Event()
        self.unbound = asyncio.Event()

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """Nothing to do."""

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        """A response, a receipt or a message."""
        if isinstance(smpp_message, SubmitSmResp) and smpp_message.log_id in self.waiting:
            self.waiting.pop(smpp_message.log_id).set_result(smpp_message)
        elif isinstance(smpp_message, EnquireLinkResp):
            self.links.set()
        elif isinstance(smpp_message, UnbindResp):
            self.unbound.set()
        elif isinstance(smpp_message, DeliverSm) and smpp_message.is_receipt():
            receipt = smpp_message.parse_receipt()
            saw("receipt", id=receipt["id"], state=receipt["stat"])
        elif type(smpp_message) is DeliverSm:
            saw(
                "message",
                source=smpp_message.source.number,
                destination=smpp_message.destination.number,
                text=smpp_message.short_message,
            )

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        """It could not be sent."""
        self.waiting.pop(smpp_message.log_id).set_exception(error)


class Customer:
    """A bind."""

    def __init__(self) -> None:
        self.hook: Any = None
        self.esme: Any = None
        self.running: asyncio.Task[None] | None = None
        self.count = 0

    async def bind(self, told: Told) -> dict[str, object]:
        self.hook = Hook()
        self.esme = aiosmpplib.ESME(
            smsc_host=told["host"],
            smsc_port=told["port"],
            system_id=told["system_id"],
            password=told["password"],
            bind_mode=MODES[told["mode"]],
            enquire_link_interval=LINK_SECONDS,
            log_level="ERROR",
            hook=self.hook,
        )
        try:
            await self.esme.connect()
        except SmppError as error:
            return {"status": int(error.command_status)}
        self.running = asyncio.create_task(self.esme.start())
        return {"status": 0}

    async def submit(self, told: Told) -> dict[str, object]:
        self.count += 1
        fields: dict[str, Any] = {"short_message": told.get("text", "")}
        if told["kind"] == "unicode":
            fields["encoding"] = UNICODE
        elif told["kind"] == "long":
            fields |= {"auto_message_payload": False, "esm_class": ESM_CLASS_UDHI}
        message = SubmitSm(
            source=PhoneNumber(told["source"], TON.ALPHANUMERIC, NPI.UNKNOWN),
            destination=PhoneNumber(told["destination"], TON.INTERNATIONAL, NPI.ISDN),
            log_id=str(self.count),
            registered_delivery=DELIVERY_REPORT,
            **fields,
        )
        answer = self.hook.waiting[message.log_id] = asyncio.get_running_loop().create_future()
        await self.esme.broker.enqueue(message)
        response = await answer
        return {"answers": [{"status": int(response.command_status), "id": response.message_id}]}

    async def link(self, _told: Told) -> dict[str, object]:
        self.hook.links.clear()
        await self.hook.links.wait()
        return {"status": 0}

    async def unbind(self, _told: Told) -> dict[str, object]:
        # It sends unbind, then closes its side.
        await self.esme.stop()
        assert self.running is not None
        with contextlib.suppress(asyncio.CancelledError):
            await self.running
        return {"status": 0 if self.hook.unbound.is_set() else None}


async def main() -> None:
    """Serves."""
    customer = Customer()
    await serve({"bind": customer.bind, "submit": customer.submit, "link": customer.link, "unbind": customer.unbind})


if __name__ == "__main__":
    asyncio.run(main())
