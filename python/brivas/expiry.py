"""Our own certificates, of listeners and towards carriers: until when they hold, and which file has them.

The engine says when each expires, for it has read them; the folder of the configuration says where they stand.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from brivas.errors import BrivasError

if TYPE_CHECKING:
    from brivas.resources.config import Config
    from brivas.resources.secret import SecretRef
    from brivas.v1 import control_pb2

DAY_MS: Final = 24 * 3_600_000
WARN_DAYS: Final = 30


@dataclass(frozen=True, slots=True)
class OurCertificate:
    """A certificate that we show."""

    owner: str
    """`listener tls`, `carrier alpha`."""
    field: str
    """Of its resource: `spec.tls.certificate`."""
    where: str | None
    """The file or environment variable; None where the folder does not tell."""
    expires_at_ms: int

    def days_left(self, now_ms: float) -> int:
        """Whole days; below 0 it has expired."""
        return int((self.expires_at_ms - now_ms) // DAY_MS)

    def describe(self) -> str:
        """Whose, where, until when."""
        named = f" ({self.where})" if self.where else ""
        return f"{self.owner}{named}: expires {_date(self.expires_at_ms)}"


def our_certificates(stats: control_pb2.StatsResponse, folder: Path | None, data: Path) -> Iterator[OurCertificate]:
    """Those that the engine uses."""
    references = _references(folder)
    used = [("listener", each.name, "spec.tls.certificate", each.certificate_expires_at_ms) for each in stats.listeners]
    used += [
        ("carrier", each.name, "spec.tls.clientCertificate", each.certificate_expires_at_ms) for each in stats.carriers
    ]
    for kind, name, field, expires_at_ms in used:
        if expires_at_ms:
            reference = references.get((kind, name))
            where = None if reference is None else _where(reference, (folder, data))
            yield OurCertificate(f"{kind} {name}", field, where, expires_at_ms)


def _references(folder: Path | None) -> dict[tuple[str, str], SecretRef]:
    """Where certificates stand, as far as the folder can be read."""
    from brivas.resources.carrier import Carrier
    from brivas.resources.config import load_folder
    from brivas.resources.listener import Listener

    if folder is None:
        return {}
    try:
        config: Config = load_folder(folder, read_secrets=False)
    except BrivasError:
        # What is wrong with it is another check's affair.
        return {}
    found: dict[tuple[str, str], SecretRef] = {}
    for listener in config.of(Listener):
        if listener.spec.tls is not None:
            found["listener", listener.name] = listener.spec.tls.certificate
    for carrier in config.of(Carrier):
        if carrier.spec.tls is not None and carrier.spec.tls.client_certificate is not None:
            found["carrier", carrier.name] = carrier.spec.tls.client_certificate
    return found


def _where(reference: SecretRef, bases: tuple[Path | None, ...]) -> str:
    if reference.file is None:
        return reference.describe()
    candidates = [base / reference.file for base in bases if base is not None]
    # An absolute path is the same beneath each.
    return str(next((each for each in candidates if each.exists()), reference.file))


def _date(at_ms: int) -> str:
    return time.strftime("%Y-%m-%d %H:%MZ", time.gmtime(at_ms / 1000))
