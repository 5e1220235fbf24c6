"""Certificates made for a test, by the `openssl` program: an authority, and what it signs."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NEW_KEY: Final = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
_HERE: Final = ("DNS:localhost", "IP:127.0.0.1", "IP:::1")
"""By which names peers connect to this machine."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key, PEM files."""

    certificate: Path
    key: Path


class Authority:
    """Who signs; its files stand in `folder`."""

    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self.certificate = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        own = ("-x509", "-days", "30", "-subj", f"/CN={name}", "-addext", "basicConstraints=critical,CA:TRUE")
        _openssl("req", *own, *_NEW_KEY, "-keyout", str(self._key), "-out", str(self.certificate))

    def sign(self, name: str, *, days: int = 90, file: str | None = None) -> Pair:
        """For whoever is on this machine, with this common name. `days` -1: it has expired."""
        stem = file or name
        pair = Pair(self._folder / f"{stem}.pem", self._folder / f"{stem}.key")
        request, extensions = self._folder / f"{stem}.csr", self._folder / f"{stem}.ext"
        _openssl("req", *_NEW_KEY, "-keyout", str(pair.key), "-out", str(request), "-subj", f"/CN={name}")
        extensions.write_text(f"subjectAltName={','.join(_HERE)}\n")
        by = ("-CA", str(self.certificate), "-CAkey", str(self._key), "-CAcreateserial", "-days", str(days))
        _openssl("x509", "-req", "-in", str(request), *by, "-extfile", str(extensions), "-out", str(pair.certificate))
        return pair

    def client(self, own: Pair | None = None) -> ssl.SSLContext:
        """What a customer connects with, who trusts this authority."""
        context = ssl.create_default_context(cafile=str(self.certificate))
        if own is not None:
            context.load_cert_chain(own.certificate, own.key)
        return context


def _openssl(*arguments: str) -> None:
    made = subprocess.run(("openssl", *arguments), capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
