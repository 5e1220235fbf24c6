"""Kind Listener: a socket that customers and carriers connect to, plain or by TLS."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from brivas.resources.base import Claim, Fault, Part, Resource, SecretReader, SecretUse
from brivas.resources.network import NETWORKS_MAX, Network, network_faults
from brivas.resources.secret import SecretRef

PORT_MAX = 65_535


class ListenerTls(Part, frozen=True):
    """Certificates and keys, in PEM. Replaced files count for new connections; those that are there go on."""

    certificate: Annotated[SecretRef, Meta(description="The chain, the listener's own certificate first.")]
    key: Annotated[SecretRef, Meta(description="The certificate's private key, without a passphrase.")]
    client_certificates: Annotated[
        Literal["none", "optional", "required"],
        Meta(description="Whether clients show a certificate; one that is shown is always verified."),
    ] = "none"
    client_ca: (
        Annotated[SecretRef, Meta(description="Certificates of those who may have signed a client's certificate.")]
        | None
    ) = None


class ProxyProtocol(Part, frozen=True):
    """Proxies that say for whom they connect."""

    sources: Annotated[
        tuple[Network, ...],
        Meta(
            min_length=1,
            max_length=NETWORKS_MAX,
            description="Networks whose connections must start with a PROXY protocol header, version 2.",
        ),
    ] = msgspec.field(name="from")


class ListenerSpec(Part, frozen=True):
    """Where it listens, and what a connection starts with."""

    address: Annotated[
        str,
        Meta(
            pattern=r"^([0-9.]{7,15}|\[[0-9a-fA-F:.]{2,45}\]):[0-9]{1,5}$",
            description="IP address and port, in quotes; `[::]` takes IPv4 too. Port 0 takes a free one.",
            examples=["0.0.0.0:3550", "[::]:3550"],
        ),
    ]
    tls: Annotated[ListenerTls, Meta(description="TLS 1.2 and 1.3; without it the listener is plain.")] | None = None
    proxy_protocol: (
        Annotated[ProxyProtocol, Meta(description="Proxies that tell the peer's address; all others' is their own.")]
        | None
    ) = None


class Listener(Resource, frozen=True):
    """A socket beside the gateway's own (`--smpp-listen`)."""

    kind_name: ClassVar[str] = "Listener"

    kind: Annotated[Literal["Listener"], Meta(description="Always `Listener`.")]
    spec: ListenerSpec

    def claims(self) -> Iterable[Claim]:
        """A port of an address is one listener's."""
        if not self.spec.address.endswith(":0"):
            yield Claim(("spec", "address"), "listener's address", self.spec.address)

    def secrets(self) -> Iterable[SecretUse]:
        """Certificates and keys."""
        tls = self.spec.tls
        if tls is not None:
            yield SecretUse(("spec", "tls", "certificate"), tls.certificate)
            yield SecretUse(("spec", "tls", "key"), tls.key)
            if tls.client_ca is not None:
                yield SecretUse(("spec", "tls", "clientCa"), tls.client_ca)

    def secret_faults(self, read: SecretReader) -> Iterable[Fault]:
        """Certificates and keys are such, and belong together."""
        # It needs the extension: whoever has no TLS does not load it.
        from brivas.resources.tls import listener_faults

        return listener_faults(self.spec.tls, read) if self.spec.tls is not None else ()

    def faults(self) -> Iterable[Fault]:
        """An address is one; who verifies needs to know by whom."""
        host, _, port = self.spec.address.rpartition(":")
        try:
            ipaddress.ip_address(host.strip("[]"))
            is_address = int(port) <= PORT_MAX
        except ValueError:
            is_address = False
        if not is_address:
            message = f"{self.spec.address!r} is no address with a port"
            yield Fault(("spec", "address"), message, "like 127.0.0.1:3550 or [::1]:3550")
        tls = self.spec.tls
        if tls is not None and (tls.client_certificates == "none") != (tls.client_ca is None):
            if tls.client_ca is None:
                message, hint = f"clientCertificates {tls.client_certificates} needs `clientCa`", "add `clientCa`"
                yield Fault(("spec", "tls", "clientCertificates"), message, hint)
            else:
                message = "`clientCa` stands without clientCertificates"
                yield Fault(("spec", "tls", "clientCa"), message, "clientCertificates: optional, or required")
        if self.spec.proxy_protocol is not None:
            yield from network_faults(("spec", "proxyProtocol", "from"), self.spec.proxy_protocol.sources)
