"""Which TLS listener the ready file names."""

from __future__ import annotations

from typing import Any

from brivas.supervise.tls_face import choose_tls_face
from brivas.v1 import control_pb2


def listener(address: str, **fields: Any) -> control_pb2.ListenerStats:
    return control_pb2.ListenerStats(address=address, **fields)


def test_the_listener_that_asks_the_least_is_named() -> None:
    plain = listener("127.0.0.1:1")
    proxied = listener("127.0.0.1:2", tls=True, proxied=True)
    mutual = listener("127.0.0.1:3", tls=True, client_certificates=control_pb2.CLIENT_CERTIFICATES_REQUIRED)
    optional = listener("127.0.0.1:4", tls=True, client_certificates=control_pb2.CLIENT_CERTIFICATES_OPTIONAL)
    easy = listener("127.0.0.1:5", tls=True)
    chosen = [choose_tls_face(given) for given in ([plain], [proxied, mutual], [mutual, optional], [optional, easy])]
    assert [each and each["port"] for each in chosen] == [None, 3, 4, 5]


def test_an_address_of_all_interfaces_is_reached_on_this_machine() -> None:
    for address, host in [
        ("0.0.0.0:3550", "127.0.0.1"),
        ("[::]:3550", "::1"),
        ("192.0.2.1:3550", "192.0.2.1"),
        ("[2001:db8::1]:3550", "2001:db8::1"),
    ]:
        assert choose_tls_face([listener(address, tls=True)]) == {"host": host, "port": 3550}
