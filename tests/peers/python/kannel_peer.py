"""Kannel as a customer: bearerbox holds the bind, smsbox takes messages by HTTP and calls back by HTTP.

The processes are this driver's children and end with it.
"""

from __future__ import annotations

import asyncio
import ctypes
import re
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from tests.peers.python.driver import Told, saw, serve

HOST = "127.0.0.1"
PASSWORD = "kannel"
POLL_SECONDS = 0.05
SECONDS = 30.0
PR_SET_PDEATHSIG = 1
# Kinds of its reports: dlr-mask, and what %d says.
DELIVERED, FAILED, ACCEPTED, REFUSED = 1, 2, 8, 16
STATES = {DELIVERED: "DELIVRD", FAILED: "UNDELIV"}
# Where it holds a bind of each mode: `port` transmits, `receive-port` receives.
PORTS = {
    "transceiver": "port = {port}\ntransceiver-mode = true",
    "transmitter": "port = {port}",
    "receiver": "port = 0\nreceive-port = {port}",
}
CODINGS = {"short": 0, "long": 0, "binary": 1, "unicode": 2}

CONFIGURATION = """
group = core
admin-port = {admin}
admin-password = {password}
admin-interface = {host}
smsbox-port = {box}
smsbox-interface = {host}
box-allow-ip = {host}
box-deny-ip = *.*.*.*
log-file = {log}
log-level = 0
dlr-storage = internal
{tls_core}

group = smsc
smsc = smpp
smsc-id = brivas
host = {smpp_host}
{ports}
smsc-username = {system_id}
smsc-password = {smpp_password}
system-type = ""
enquire-link-interval = 1
reconnect-delay = 3600
{tls_smsc}

group = smsbox
bearerbox-host = {host}
sendsms-port = {sendsms}
sendsms-interface = {host}
mo-recode = false
log-level = 1

group = sendsms-user
username = {password}
password = {password}
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://{host}:{callback}/mo?source=%p&destination=%P&coding=%c&text=%b"
"""


class Customer:
    """One bearerbox with its smsbox."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="kannel-"))
        self.log = self.folder / "bearerbox.log"
        self.processes: list[asyncio.subprocess.Process] = []
        self.answers: asyncio.Queue[dict[str, object]] = asyncio.Queue()
        self.callback: asyncio.Server | None = None
        self.callback_port = self.admin_port = self.sendsms_port = 0

    async def bind(self, told: Told) -> dict[str, object]:
        if self.callback is None:
            self.callback = await asyncio.start_server(self._called, HOST, 0)
            self.callback_port = self.callback.sockets[0].getsockname()[1]
        await self.stop()
        self.log.write_text("")
        self.admin_port, box_port, self.sendsms_port = free_ports(3)
        path = self.folder / "kannel.conf"
        path.write_text(
            CONFIGURATION.format(
                host=HOST,
                password=PASSWORD,
                admin=self.admin_port,
                box=box_port,
                sendsms=self.sendsms_port,
                callback=self.callback_port,
                log=self.log,
                smpp_host=told["host"],
                ports=PORTS[told["mode"]].format(port=told["port"]),
                system_id=told["system_id"],
                smpp_password=told["password"],
                tls_core="\n".join(self._tls(told)),
                tls_smsc="use-ssl = true" if "ca" in told else "",
            )
        )
        await self._start("bearerbox", path)
        await self._until(lambda: "SMPP:" in self._logged() or "smsc_smpp" in self._logged(), "bearerbox runs")
        refused = re.compile(r"rejected login to \w+, code 0x([0-9a-f]{8})")
        await self._until(
            lambda: refused.search(self._logged()) or self._bound(),
            "an answer to the bind",
        )
        if match := refused.search(self._logged()):
            return {"status": int(match[1], 16)}
        await self._start("smsbox", path)
        await self._until(lambda: listens(self.sendsms_port), "smsbox runs")
        # A message that comes before smsbox has told bearerbox its name finds nobody.
        await self._until(
            lambda: "Started to receive" in self._logged() or "Client connected" in self._logged(), "smsbox is known"
        )
        return {"status": 0}

    def _tls(self, told: Told) -> Iterator[str]:
        """Whom it trusts, and what it shows: certificate and key in one file."""
        if "ca" in told:
            yield f"ssl-trusted-ca-file = {told['ca']}"
        if "certificate" in told:
            own = self.folder / "own.pem"
            own.write_text(Path(told["certificate"]).read_text() + Path(told["key"]).read_text())
            yield f"ssl-client-certkey-file = {own}"

    async def submit(self, told: Told) -> dict[str, object]:
        text = bytes.fromhex(told["octets"]) if told["kind"] == "binary" else told["text"].encode()
        report = f"http://{HOST}:{self.callback_port}/dlr?kind=%d&id=%F&said=%A"
        fields: dict[str, str | int | bytes] = {
            "username": PASSWORD,
            "password": PASSWORD,
            "from": told["source"],
            "to": told["destination"],
            "text": text,
            "coding": CODINGS[told["kind"]],
            "charset": "UTF-8",
            "dlr-mask": DELIVERED | FAILED | ACCEPTED | REFUSED,
            "dlr-url": report,
        }
        if told["kind"] == "binary":
            fields["udh"] = bytes.fromhex(told["udh"])
        status, body = await get(self.sendsms_port, "/cgi-bin/sendsms?" + urlencode(fields, quote_via=quote))
        if status != 202:
            raise ValueError(f"smsbox answered {status}: {body}")
        return {"answers": [await asyncio.wait_for(self.answers.get(), SECONDS)]}

    async def link(self, _told: Told) -> dict[str, object]:
        before = self._logged().count("type_name: enquire_link_resp")
        await self._until(lambda: self._logged().count("type_name: enquire_link_resp") > before, "enquire_link_resp")
        return {"status": 0}

    async def unbind(self, _told: Told) -> dict[str, object]:
        await get(self.admin_port, f"/stop-smsc?password={PASSWORD}&smsc=brivas")
        await self._until(lambda: "type_name: unbind_resp" in self._logged(), "unbind_resp")
        await self.stop()
        return {"status": 0}

    async def stop(self) -> None:
        """Ends the processes."""
        for each in reversed(self.processes):
            if each.returncode is None:
                each.kill()
            await each.wait()
        self.processes.clear()

    async def _start(self, program: str, path: Path) -> None:
        self.processes.append(
            await asyncio.create_subprocess_exec(
                program,
                str(path),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                preexec_fn=lambda: ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
            )
        )

    def _logged(self) -> str:
        return self.log.read_text(errors="replace")

    def _bound(self) -> bool:
        return re.search(r"type_name: bind_\w+_resp", self._logged()) is not None

    async def _until(self, condition: Callable[[], object], what: str) -> None:
        async with asyncio.timeout(SECONDS):
            while not condition():
                for each in self.processes:
                    if each.returncode is not None:
                        raise ValueError(f"Kannel ended before {what}: {self._logged()[-2000:]}")
                await asyncio.sleep(POLL_SECONDS)

    async def _called(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A report or a message, as a GET of smsbox."""
        try:
            request = (await reader.readuntil(b"\r\n\r\n")).decode()
        except asyncio.IncompleteReadError:
            return
        finally:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            await writer.drain()
            writer.close()
        url = urlsplit(request.split(" ")[1])
        query = parse_qs(url.query, keep_blank_values=True, encoding="latin-1")
        if url.path == "/mo":
            saw(
                "message",
                # International numbers have a plus here.
                source=query["source"][0].removeprefix("+"),
                destination=query["destination"][0].removeprefix("+"),
                data_coding={"0": 0, "1": 4, "2": 8}[query["coding"][0]],
                **content(query["coding"][0], query["text"][0].encode("latin-1")),
            )
            return
        kind, message_id, said = int(query["kind"][0]), query["id"][0], query["said"][0]
        if kind in STATES:
            saw("receipt", id=message_id, state=STATES[kind])
        elif kind == ACCEPTED:
            self.answers.put_nowait({"status": 0, "id": message_id})
        elif kind == REFUSED:
            self.answers.put_nowait({"status": int(said.split("/")[1], 16), "id": ""})


def content(coding: str, octets: bytes) -> dict[str, str]:
    """What it hands on: texts of the default alphabet as UTF-8, all else as octets."""
    return {"text": octets.decode()} if coding == "0" else {"octets": octets.hex()}


async def get(port: int, target: str) -> tuple[int, str]:
    """An HTTP GET: the status and the body."""
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(f"GET {target} HTTP/1.0\r\nHost: {HOST}\r\n\r\n".encode())
        answer = (await reader.read()).decode(errors="replace")
        writer.close()
    head, _, body = answer.partition("\r\n\r\n")
    return int(head.split(" ")[1]), body


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind((HOST, 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def listens(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


async def main() -> None:
    """Serves."""
    customer = Customer()
    try:
        await serve(
            {"bind": customer.bind, "submit": customer.submit, "link": customer.link, "unbind": customer.unbind}
        )
    finally:
        await customer.stop()


if __name__ == "__main__":
    asyncio.run(main())
