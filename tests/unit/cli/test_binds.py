"""How binds are shown."""

from __future__ import annotations

import pytest

from brivas.cli.binds import bind_as_dict, print_binds
from brivas.v1 import control_pb2


def test_a_bind_that_never_was_up_has_no_time(capsys: pytest.CaptureFixture[str]) -> None:
    waiting = bind_as_dict(control_pb2.Bind(side="carrier", name="one", state="waiting", last_error="[Errno 111] no"))
    assert waiting["since_ms"] is None
    print_binds([waiting])
    printed = capsys.readouterr()
    assert "never" in printed.out
    assert "1970" not in printed.out
    assert "[Errno 111] no" in printed.out, "nothing is taken for markup"
    assert printed.err == "1 bind\n"


def test_binds_by_tls_show_how_and_whom_the_certificate_names(capsys: pytest.CaptureFixture[str]) -> None:
    plain = control_pb2.Bind(side="customer", name="one", state="bound_trx")
    tls = control_pb2.Bind(
        side="customer", name="two", tls="TLSv1.3", tls_cipher="TLS_AES_128_GCM_SHA256", certificate_names=["acme", "x"]
    )
    print_binds([bind_as_dict(plain)])
    assert "tls" not in capsys.readouterr().out, "nobody has TLS: nothing to tell"
    print_binds([bind_as_dict(plain), bind_as_dict(tls)])
    printed = capsys.readouterr().out
    assert "TLSv1.3 TLS_AES_128_GCM_SHA256 certificate: acme, x" in printed
    assert "plain" in printed
    assert bind_as_dict(plain)["tls"] is None
