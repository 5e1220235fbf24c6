"""TLS of listeners and to carriers: as the engine takes it, and what it would refuse, told where the resource says it.

The engine itself judges: certificates, keys and whether they belong together are read by nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from brivas.resources.base import Fault, SecretReader
from brivas.resources.secret import SecretRef
from brivas.v1 import control_pb2

if TYPE_CHECKING:
    from brivas.resources.carrier import CarrierTls
    from brivas.resources.listener import ListenerTls

CLIENT_CERTIFICATES: Final = {
    "none": control_pb2.CLIENT_CERTIFICATES_NONE,
    "optional": control_pb2.CLIENT_CERTIFICATES_OPTIONAL,
    "required": control_pb2.CLIENT_CERTIFICATES_REQUIRED,
}
_CERTIFICATES: Final = "PEM with BEGIN CERTIFICATE; `openssl x509 -noout -subject -in FILE` reads it"
_KEY: Final = "PEM without a passphrase; a certificate and its key are replaced together"
_HINTS: Final = {
    "certificate": _CERTIFICATES,
    "clientCertificate": _CERTIFICATES,
    "clientCa": _CERTIFICATES,
    "ca": _CERTIFICATES,
    "key": _KEY,
    "clientKey": _KEY,
}


def listener_tls(tls: ListenerTls, read: SecretReader) -> control_pb2.ListenerTls:
    """A listener's, for the engine."""
    return control_pb2.ListenerTls(
        certificate=_text(tls.certificate, read),
        key=_text(tls.key, read),
        client_certificates=CLIENT_CERTIFICATES[tls.client_certificates],
        client_ca=_text(tls.client_ca, read),
    )


def carrier_tls(tls: CarrierTls, read: SecretReader) -> control_pb2.CarrierTls:
    """A carrier's, for the engine."""
    return control_pb2.CarrierTls(
        ca=_text(tls.ca, read),
        server_name=tls.server_name or "",
        client_certificate=_text(tls.client_certificate, read),
        client_key=_text(tls.client_key, read),
    )


def listener_faults(tls: ListenerTls, read: SecretReader) -> Iterator[Fault]:
    """What the engine would refuse of a listener's."""
    from brivas._core import check_listener_tls

    return _faults(check_listener_tls(listener_tls(tls, read).SerializeToString()))


def carrier_faults(tls: CarrierTls, host: str, read: SecretReader) -> Iterator[Fault]:
    """What the engine would refuse of a carrier's."""
    from brivas._core import check_carrier_tls

    wrong = check_carrier_tls(carrier_tls(tls, read).SerializeToString(), host)
    # Whom its system trusts is a matter of the machine that the gateway runs on.
    return _faults(None if tls.ca is None and wrong is not None and wrong[0] == "tls.ca" else wrong)


def _faults(wrong: tuple[str, str] | None) -> Iterator[Fault]:
    if wrong is not None:
        field, why = wrong
        path = field.split(".")
        yield Fault(("spec", *path), why, _HINTS.get(path[-1]))


def _text(reference: SecretRef | None, read: SecretReader) -> str:
    return read(reference).reveal() if reference is not None else ""
