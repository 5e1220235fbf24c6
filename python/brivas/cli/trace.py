"""`brivas trace`: what goes over chosen binds, as it goes: for people, for programs, and for Wireshark."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

import click

from brivas.cli.options import control_target_option
from brivas.cli.output import Output, json_option, print_json
from brivas.errors import UsageError

if TYPE_CHECKING:
    from brivas.capture import CaptureWriter
    from brivas.v1 import control_pb2


@click.command(short_help="Shows PDUs as they come and go, and writes them for Wireshark.")
@click.option("--side", type=click.Choice(["customer", "carrier"]), help="Only binds of customers, or to carriers.")
@click.option(
    "--bind",
    "binds",
    multiple=True,
    metavar="BIND",
    help="A number of `brivas binds`, a name, or a system_id; repeat it.",
)
@click.option("--number", "numbers", multiple=True, help="Only PDUs from or to this number, and their responses.")
@click.option(
    "--message", "messages", multiple=True, metavar="ID", help="Only PDUs of this message, by our id or a carrier's."
)
@click.option(
    "--pcap", metavar="FILE", help="Write them to this file, in full; - is stdout, and nothing else goes there."
)
@click.option("--seconds", type=click.IntRange(0, 86_400), default=0, help="End after so long; 0: at Ctrl-C.")
@click.option("--limit", type=click.IntRange(min=0), default=0, help="End after so many PDUs; 0: at Ctrl-C.")
@click.option(
    "--octets-per-second", type=click.IntRange(min=1), default=1 << 20, help="Leave out, and count, what is beyond."
)
@click.option("--show-text", is_flag=True, help="Show the text of messages; without it only its length.")
@click.option("--quiet", is_flag=True, help="Print no PDUs: only write --pcap.")
@control_target_option
@json_option
@click.pass_obj
def trace(
    output: Output,
    side: str | None,
    binds: tuple[str, ...],
    numbers: tuple[str, ...],
    messages: tuple[str, ...],
    pcap: str | None,
    seconds: int,
    limit: int,
    octets_per_second: int,
    show_text: bool,
    quiet: bool,
    control_target: str | None,
    as_json: bool,
) -> None:
    """Shows what goes over the binds, one PDU a line, until Ctrl-C; without options all of it.

    With --pcap also for Wireshark: `brivas trace --pcap - | wireshark -k -i -` shows it live. A capture holds texts and
    numbers in full; passwords never leave the gateway. What a slow reader misses is counted, and delays nobody.
    """
    from brivas import endpoints
    from brivas.clients.control import ControlClient
    from brivas.v1 import control_pb2

    if as_json and pcap == "-":
        raise UsageError("--json and --pcap - both go to stdout", hint="write the capture to a file")
    request = control_pb2.TraceRequest(
        side=side or "",
        binds=binds,
        numbers=numbers,
        message_ids=messages,
        octets_per_second_max=octets_per_second,
        seconds_max=seconds,
        pdus_max=limit,
    )
    target = endpoints.control_target(output.data, control_target)
    with ControlClient(target, endpoints.control_token(output.data, None)) as client, _capture(pcap) as capture:
        shown = _Shown(as_json=as_json, show_text=show_text, quiet=quiet or pcap == "-")
        try:
            for answer in client.trace(request):
                if shown.answers == 0:
                    click.echo("tracing; Ctrl-C ends it", err=True)
                shown.add(answer)
                if capture is not None:
                    _write(capture, answer.pdus)
        except KeyboardInterrupt:
            # The usual end.
            pass
    click.echo(shown.summary(), err=True)


class _Shown:
    """Prints PDUs, and counts them."""

    def __init__(self, *, as_json: bool, show_text: bool, quiet: bool) -> None:
        self.answers = 0
        self.pdus = 0
        self.lost_octets = 0
        self._as_json = as_json
        self._show_text = show_text
        self._quiet = quiet

    def add(self, answer: control_pb2.TraceResponse) -> None:
        from brivas.cli.traced import line, traced_as_dict

        self.answers += 1
        self.lost_octets = answer.lost_octets
        for pdu in answer.pdus:
            self.pdus += not pdu.ended
            if self._quiet:
                continue
            shown = traced_as_dict(pdu, show_text=self._show_text)
            if self._as_json:
                print_json(shown)
            else:
                click.echo(line(shown))

    def summary(self) -> str:
        lost = f", {self.lost_octets} octets left out" if self.lost_octets else ""
        return f"{self.pdus} PDU{'' if self.pdus == 1 else 's'}{lost}"


@contextmanager
def _capture(pcap: str | None) -> Iterator[CaptureWriter | None]:
    from brivas.capture import CaptureWriter

    if pcap is None:
        yield None
    elif pcap == "-":
        yield _begun(CaptureWriter(sys.stdout.buffer))
    else:
        with open(pcap, "wb") as file:
            binary: BinaryIO = file
            yield _begun(CaptureWriter(binary))


def _begun(capture: CaptureWriter) -> CaptureWriter:
    # Wireshark waits for the head of the file.
    capture.flush()
    return capture


def _write(capture: CaptureWriter, pdus: Iterable[control_pb2.TracedPdu]) -> None:
    for pdu in pdus:
        capture.add(pdu)
    capture.flush()
