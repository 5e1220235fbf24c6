"""A configuration with every kind in it, all of which changes at once: each `put` swaps the whole folder, as a mounted
volume does. Its traffic must not notice: what the resources say of that stays, all else about them is new each time.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from argon2 import PasswordHasher

from tests.support.certificates import Authority

PASSWORD: Final = "secret"
BALANCED, ENCRYPTED = "49", "44"
"""Numbers that begin so go to one of two plain carriers, or over TLS."""
WEBHOOK_SECRET: Final = "whsec_" + base64.b64encode(bytes(range(32))).decode()
CUSTOMERS: Final = ("alpha", "beta")

_HASH: Final = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)

Files = dict[str, str]


class Everything:
    """`link` is the folder to run with. `carriers`: the ports of `one`, `two` and, over TLS, `three`."""

    def __init__(
        self, folder: Path, authority: Authority, tls_port: int, carriers: dict[str, int], webhook: str
    ) -> None:
        self.link = folder / "config"
        self._folder = folder
        self._authority = authority
        self._tls_port = tls_port
        self._carriers = carriers
        self._webhook = webhook
        self._count = 0
        self.certificate = ""
        """Whose certificate the newest folder has."""

    @property
    def now(self) -> Path:
        """The folder that counts."""
        return self.link.resolve()

    def put(self, change: Callable[[Files], None] = lambda _files: None) -> None:
        """Writes all anew, and swaps it in at once; `change` spoils it first."""
        self._count += 1
        files = self._files(self._count)
        change(files)
        folder = self._folder / f"config-{self._count}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        self._swap(folder)

    def put_back(self, folder: Path) -> None:
        """Swaps in what was there before."""
        self._swap(folder)

    def _swap(self, folder: Path) -> None:
        link = self._folder / ".config"
        link.symlink_to(folder)
        link.replace(self.link)

    def _files(self, number: int) -> Files:
        self.certificate = f"smpp-{number}.example"
        pair = self._authority.sign(self.certificate)
        own = self._authority.sign(f"brivas-{number}.example")
        other = self._authority.sign(f"other-{number}.example")
        newcomer = Authority(self._folder, f"authority-{number}").certificate
        files = {
            "listener.crt": pair.certificate.read_text(),
            "listener.key": pair.key.read_text(),
            "other.key": other.key.read_text(),
            "own.crt": own.certificate.read_text(),
            "own.key": own.key.read_text(),
            "trusted.crt": self._authority.certificate.read_text() + newcomer.read_text(),
            "webhook.secret": WEBHOOK_SECRET,
            "ported.csv": "number,network\n" + "".join(f"49170{number}{each:06},262-03\n" for each in range(1_000)),
            "never.txt": "".join(f"+3361{number}{each:06}\n" for each in range(1_000)),
        }
        for kind, name, spec in self._resources(number):
            document = {"apiVersion": "brivas.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
            files[f"{kind.lower()}-{name}.yaml"] = json.dumps(document, indent=2)
        return files

    def _resources(self, number: int) -> list[tuple[str, str, dict[str, Any]]]:
        quick = {"host": "127.0.0.1", "systemId": "brivas", "reconnectInitialMs": 50, "reconnectMaxMs": 200}
        tls = {"certificate": {"file": "listener.crt"}, "key": {"file": "listener.key"}}
        own = {"clientCertificate": {"file": "own.crt"}, "clientKey": {"file": "own.key"}}
        ranges = [{"prefix": "4917", "network": "262-01"}, {"prefix": f"49{number % 10}", "network": "262-02"}]
        account = {"passwordHash": _HASH, "windowMax": 100 + number, "throughputPerSecond": 100_000 + number}
        beta = {"sendersAllowed": "listed", "tags": [f"tag-{number % 4}"], "bindsMax": 20 + number}
        balanced = [{"carrier": "one", "weight": number}, {"carrier": "two", "weight": 3}]
        return [
            ("Account", "alpha", {"systemId": "alpha", **account}),
            ("Account", "beta", {"systemId": "beta", **account, **beta}),
            ("Account", f"new-{number}", {"systemId": f"new{number}", **account}),
            ("Carrier", "one", {**quick, "port": self._carriers["one"], "windowMax": 20 + number}),
            ("Carrier", "two", {**quick, "port": self._carriers["two"], "enquireLinkMs": 5_000 + number}),
            (
                "Carrier",
                "three",
                # Whom it trusts is new, and what it shows: another bind takes over before this one goes.
                {**quick, "port": self._carriers["three"], "tls": {"ca": {"file": "trusted.crt"}, **own}},
            ),
            ("Carrier", f"new-{number}", {**quick, "port": self._carriers["one"], "systemId": f"new{number}"}),
            ("Route", "balanced", {"prefix": BALANCED, "balance": "message", "targets": balanced}),
            ("Route", "encrypted", {"prefix": ENCRYPTED, "targets": [{"carrier": "three"}]}),
            ("Route", f"new-{number}", {"prefix": f"33{number}", "targets": [{"carrier": f"new-{number}"}]}),
            ("Listener", "tls", {"address": f"127.0.0.1:{self._tls_port}", "tls": tls}),
            ("Listener", f"new-{number}", {"address": "127.0.0.1:0", "tls": tls}),
            ("NumberingPlan", "germany", {"portedFile": "ported.csv", "ranges": ranges}),
            ("SuppressionList", "never", {"file": "never.txt", "numbers": [f"3362{number}"]}),
            ("PolicyRule", "never", {"then": "refuse", "suppressed": True, "order": number}),
            ("PolicyRule", "prizes", {"then": "quarantine", "when": {"textPatterns": [f"prize {number}"]}}),
            (
                "PolicyRule",
                "much",
                {"then": "refuse", "velocity": {"limit": 1_000_000 + number, "windowSeconds": 60}},
            ),
            ("ConsentWords", "words", {"words": [{"phrase": f"enough {number}", "means": "stop"}]}),
            # The same sender, by another resource each time.
            ("Sender", f"brivas-{number}", {"account": "beta", "address": "Brivas"}),
            (
                "Webhook",
                "receipts",
                {
                    "account": "beta",
                    "url": f"{self._webhook}/{number}",
                    "secret": {"file": "webhook.secret"},
                    "events": ["message.delivered", *(["message.failed"] if number % 2 else [])],
                    "concurrencyMax": 8 + number,
                },
            ),
        ]
