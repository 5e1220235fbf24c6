"""The ports of `brivas up`: chosen at the first start, the same ever after (DATA/run/ports.json)."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Literal, get_args

from brivas import settings
from brivas.errors import BrivasError
from brivas.layout import read_json, write_private_json

Mode = Literal["default", "auto"]

HOST = "127.0.0.1"
FACES: Mapping[str, settings.Setting] = {
    "smpp": settings.SMPP_LISTEN,
    "messaging": settings.MESSAGING_LISTEN,
    "control": settings.CONTROL_LISTEN,
    "http": settings.HTTP_LISTEN,
    "carrier": settings.CARRIER_LISTEN,
}


def choose_ports(file: Path, mode: Mode | None, *, off: Collection[str] = ()) -> dict[str, str]:
    """host:port of each face: those of the last start, unless another mode is asked for by name.

    A port that is taken is an error, but not of the faces that stay `off`.
    """
    stored = read_json(file)
    known = stored is not None and _complete(stored) and stored.get("mode") in get_args(Mode)
    wanted: Mode = mode or (stored["mode"] if stored is not None and known else "default")
    if stored is not None and known and stored["mode"] == wanted:
        chosen = {face: str(stored[face]) for face in FACES}
        again = f"remove {file} to choose others" if wanted == "auto" else None
    else:
        again = None
        chosen = _free_ports() if wanted == "auto" else {face: settings.default(each) for face, each in FACES.items()}
    refuse_taken({face: address for face, address in chosen.items() if face not in off}, again)
    write_private_json(file, {"mode": wanted, **chosen})
    return chosen


def refuse_taken(ports: Mapping[str, str], otherwise: str | None = None) -> None:
    """An error when one of the ports cannot be listened on. `otherwise`: what to do if its holder must stay."""
    taken = {face: (address, why) for face, address in ports.items() if (why := why_taken(address)) is not None}
    if taken:
        said = ", ".join(f"{face} cannot listen on {address}: {why}" for face, (address, why) in taken.items())
        raise BrivasError(said, hint=f"stop what listens there, or {otherwise or 'take free ports with --ports auto'}")


def why_taken(address: str) -> str | None:
    """Why nothing can listen on host:port now; None when something can."""
    host, _, port = address.rpartition(":")
    try:
        with _listening(host, int(port)):
            return None
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _free_ports() -> dict[str, str]:
    # All at once, so that none is given twice.
    with contextlib.ExitStack() as stack:
        sockets = {face: stack.enter_context(_listening(HOST, 0)) for face in FACES}
        return {face: f"{HOST}:{each.getsockname()[1]}" for face, each in sockets.items()}


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    each = socket.socket(family, socket.SOCK_STREAM)
    try:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        each.bind((host.strip("[]"), port))
        each.listen(1)
    except OSError:
        each.close()
        raise
    return each


def _complete(stored: Mapping[str, object]) -> bool:
    return all(isinstance(stored.get(face), str) for face in FACES)
