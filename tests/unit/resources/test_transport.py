"""Kind Listener, and who connects how: from YAML to the snapshot, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from brivas.resources.config import Config, load_folder
from brivas.resources.problem import ConfigRefusedError
from brivas.resources.snapshot import compile_snapshot
from brivas.v1 import control_pb2
from tests.support.certificates import Authority

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
Environment = dict[str, str]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """A certificate, its key, another's key, and who signed it."""
    authority = Authority(tmp_path_factory.mktemp("certificates"))
    own, other = authority.sign("own"), authority.sign("other")
    files = {"PEM": own.certificate, "KEY": own.key, "CA": authority.certificate, "OTHER": other.key}
    return {**{name: file.read_text().rstrip() for name, file in files.items()}, "NONE": "a certificate"}


def load(folder: Path, *resources: tuple[str, str], environment: Environment | None = None) -> Config:
    documents = (
        f"apiVersion: brivas.io/v1\nkind: {kind}\nmetadata: {{name: one}}\nspec: {spec}\n" for kind, spec in resources
    )
    (folder / "all.yaml").write_text("---\n".join(documents))
    return load_folder(folder, environment=environment or {})


def test_a_listener_reaches_the_engine(tmp_path: Path, environment: Environment) -> None:
    spec = """
  address: "[::]:3550"
  tls: {certificate: {env: PEM}, key: {env: KEY}, clientCertificates: required, clientCa: {env: CA}}
  proxyProtocol: {from: [192.0.2.0/24, "2001:db8::7"]}"""
    listener = compile_snapshot(load(tmp_path, ("Listener", spec), environment=environment)).listeners[0]
    assert (listener.name, listener.address) == ("one", "[::]:3550")
    tls = listener.tls
    assert [tls.certificate, tls.key, tls.client_ca] == [environment[name] for name in ("PEM", "KEY", "CA")]
    assert listener.tls.client_certificates == control_pb2.CLIENT_CERTIFICATES_REQUIRED
    assert list(listener.proxy_from) == ["192.0.2.0/24", "2001:db8::7"]


def test_a_listener_without_tls_is_plain(tmp_path: Path) -> None:
    listener = compile_snapshot(load(tmp_path, ("Listener", '{address: "127.0.0.1:0"}'))).listeners[0]
    assert not listener.HasField("tls")
    assert not listener.proxy_from


def test_an_account_may_bind_by_certificate_without_a_password(tmp_path: Path) -> None:
    spec = "{systemId: one, authentication: certificate, addresses: [192.0.2.1]}"
    account = compile_snapshot(load(tmp_path, ("Account", spec))).accounts[0]
    assert account.authentication == control_pb2.AUTHENTICATION_CERTIFICATE
    assert (account.password_hash, list(account.addresses)) == ("", ["192.0.2.1"])


def test_tls_to_a_carrier_reaches_the_engine(tmp_path: Path, environment: Environment) -> None:
    tls = "{ca: {env: CA}, serverName: smsc.example, clientCertificate: {env: PEM}, clientKey: {env: KEY}}"
    spec = f"{{host: 192.0.2.1, systemId: us, tls: {tls}}}"
    carrier = compile_snapshot(load(tmp_path, ("Carrier", spec), environment=environment)).carriers[0]
    assert (carrier.tls.ca, carrier.tls.server_name) == (environment["CA"], "smsc.example")
    assert [carrier.tls.client_certificate, carrier.tls.client_key] == [environment["PEM"], environment["KEY"]]
    assert carrier.direction == control_pb2.CARRIER_DIRECTION_OUTBOUND


@pytest.mark.parametrize(
    ("kind", "tls", "path", "variable", "message"),
    [
        ("Listener", "{certificate: {env: NONE}, key: {env: KEY}}", "certificate", "NONE", "holds no certificate"),
        ("Listener", "{certificate: {env: PEM}, key: {env: PEM}}", "key", "PEM", "holds no private key"),
        ("Listener", "{certificate: {env: PEM}, key: {env: OTHER}}", "key", "OTHER", "does not belong to"),
        (
            "Listener",
            "{certificate: {env: PEM}, key: {env: KEY}, clientCertificates: required, clientCa: {env: KEY}}",
            "clientCa",
            "KEY",
            "holds no certificate",
        ),
        ("Carrier", "{ca: {env: NONE}}", "ca", "NONE", "holds no certificate"),
        (
            "Carrier",
            "{ca: {env: CA}, clientCertificate: {env: PEM}, clientKey: {env: OTHER}}",
            "clientKey",
            "OTHER",
            "does not belong to",
        ),
    ],
)
def test_a_certificate_that_the_engine_would_refuse_is_refused_where_it_is_named(
    tmp_path: Path, environment: Environment, kind: str, tls: str, path: str, variable: str, message: str
) -> None:
    where = '{address: "127.0.0.1:1"' if kind == "Listener" else "{systemId: us, host: a"
    with pytest.raises(ConfigRefusedError) as refused:
        load(tmp_path, (kind, f"{where}, tls: {tls}}}"), environment=environment)
    [problem] = refused.value.problems
    assert (problem.path, problem.mark.line) == (("spec", "tls", path), 4)
    assert problem.value == f"environment variable {variable}"
    assert message in problem.message
    assert problem.hint is not None
    assert "PRIVATE KEY" not in problem.describe()


def test_tls_with_nothing_said_is_still_tls(tmp_path: Path) -> None:
    snapshot = compile_snapshot(load(tmp_path, ("Carrier", "{host: smsc.example, systemId: us, tls: {}}")))
    assert snapshot.carriers[0].HasField("tls")


def test_a_carrier_that_connects_to_us_needs_no_host(tmp_path: Path) -> None:
    spec = f"{{systemId: them, direction: inbound, passwordHash: {HASH!r}, addresses: [192.0.2.0/24], bindsMax: 3}}"
    carrier = compile_snapshot(load(tmp_path, ("Carrier", spec))).carriers[0]
    assert carrier.direction == control_pb2.CARRIER_DIRECTION_INBOUND
    assert (carrier.host, carrier.password_hash, carrier.binds_max) == ("", HASH, 3)
    assert list(carrier.addresses) == ["192.0.2.0/24"]


@pytest.mark.parametrize(
    ("kind", "spec", "message"),
    [
        ("Listener", '{address: "127.0.0.1:70000"}', "no address with a port"),
        ("Listener", '{address: "999.0.0.1:1"}', "no address with a port"),
        ("Listener", '{address: "localhost:1"}', r"spec\.address"),
        ("Listener", '{address: "127.0.0.1:1", proxyProtocol: {from: []}}', "length >= 1"),
        ("Listener", '{address: "127.0.0.1:1", proxyProtocol: {from: [192.0.2.0/33]}}', "is no network"),
        (
            "Listener",
            '{address: "127.0.0.1:1", tls: {certificate: {env: PEM}, key: {env: KEY}, clientCertificates: required}}',
            "needs `clientCa`",
        ),
        (
            "Listener",
            '{address: "127.0.0.1:1", tls: {certificate: {env: PEM}, key: {env: KEY}, clientCa: {env: CA}}}',
            "stands without clientCertificates",
        ),
        (
            "Listener",
            '{address: "127.0.0.1:1", tls: {certificate: {env: MISSING}, key: {env: KEY}}}',
            "MISSING is not set",
        ),
        ("Account", "{addresses: [1.2.3]}", "is no network"),
        ("Account", "{authentication: both}", "stands without `systemId`"),
        ("Account", "{systemId: one, authentication: both}", "stands without `passwordHash`"),
        ("Carrier", "{systemId: us}", "`host` is missing"),
        ("Carrier", "{systemId: us, direction: inbound}", "needs `passwordHash`"),
        ("Carrier", f"{{systemId: us, host: a, passwordHash: {HASH!r}}}", "for carriers that connect to us"),
        ("Carrier", "{systemId: us, host: a, addresses: [192.0.2.1]}", "for carriers that connect to us"),
        (
            "Carrier",
            f"{{systemId: us, direction: inbound, passwordHash: {HASH!r}, tls: {{}}}}",
            "for carriers that we connect to",
        ),
        ("Carrier", "{systemId: us, host: a, tls: {clientKey: {env: KEY}}}", "stands without `clientCertificate`"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, kind: str, spec: str, message: str) -> None:
    with pytest.raises(ConfigRefusedError, match=message):
        load(tmp_path, (kind, spec))


def test_a_system_id_binds_as_one_of_them(tmp_path: Path) -> None:
    account = f"{{systemId: same, passwordHash: {HASH!r}}}"
    carrier = f"{{systemId: same, direction: inbound, passwordHash: {HASH!r}}}"
    with pytest.raises(ConfigRefusedError, match="a second systemId same"):
        load(tmp_path, ("Account", account), ("Carrier", carrier))
