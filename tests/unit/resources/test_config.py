"""What a right folder becomes: resources, secrets, the engine's snapshot, and the changes between two."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brivas.errors import ConfigError
from brivas.resources.account import Account
from brivas.resources.carrier import Carrier
from brivas.resources.changes import diff
from brivas.resources.config import load_folder
from brivas.resources.document import parse_documents
from brivas.resources.secret import Secret, SecretRef, SecretSource
from brivas.resources.snapshot import compile_snapshot
from brivas.v1 import control_pb2

HASH = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
ACCOUNT = f"""\
apiVersion: brivas.io/v1
kind: Account
metadata: {{name: customer, labels: {{team: a}}}}
spec:
  systemId: customer
  passwordHash: {HASH}
  apiKeys:
  - {{name: web, sha256: {hashlib.sha256(b"k").hexdigest()}}}
  durability: memory
"""
CARRIER = """\
apiVersion: brivas.io/v1
kind: Carrier
metadata: {name: one}
spec:
  host: smsc.example
  systemId: us
  password: {env: CARRIER_PASSWORD}
"""
ROUTE = """\
apiVersion: brivas.io/v1
kind: Route
metadata: {name: germany}
spec:
  prefix: "49"
  targets: [{carrier: one, weight: 3}]
"""
ENVIRONMENT = {"CARRIER_PASSWORD": "hunter2"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "nested").mkdir()
    (tmp_path / "all.yaml").write_text(f"{ROUTE}---\n{ACCOUNT}---\n")
    (tmp_path / "nested" / "carrier.yml").write_text(CARRIER)
    (tmp_path / ".hidden.yaml").write_text("not: [yaml")
    (tmp_path / "notes.txt").write_text("not: [yaml")
    return tmp_path


def test_defaults_are_those_of_the_documentation(folder: Path) -> None:
    config = load_folder(folder, environment=ENVIRONMENT)
    carrier = config.of(Carrier)[0].spec
    assert (carrier.port, carrier.window_max, carrier.enquire_link_ms) == (2775, 10, 30_000)
    assert (carrier.reconnect_initial_ms, carrier.reconnect_max_ms, carrier.queue_max) == (1_000, 60_000, 100_000)
    account = config.of(Account)[0].spec
    assert (account.window_max, account.open_messages_max, account.validity_default_seconds) == (100, 1_000_000, 86_400)


def test_the_snapshot_says_what_the_resources_say(folder: Path) -> None:
    snapshot = compile_snapshot(load_folder(folder, environment=ENVIRONMENT))
    account, carrier, route = snapshot.accounts[0], snapshot.carriers[0], snapshot.routes[0]
    assert (account.system_id, account.password_hash) == ("customer", HASH)
    assert account.api_keys[0].sha256 == hashlib.sha256(b"k").digest()
    assert account.durability == control_pb2.DURABILITY_MEMORY
    assert (carrier.host, carrier.password) == ("smsc.example", "hunter2")
    assert (route.prefix, route.targets[0].carrier, route.targets[0].weight) == ("49", "one", 3)


def test_every_field_of_the_snapshot_is_filled_from_a_spec() -> None:
    """A field that is added to the border must not be forgotten here."""
    sources = Path(compile_snapshot.__code__.co_filename).parent.glob("*.py")
    source = "".join(file.read_text() for file in sources)
    for message in (
        control_pb2.Account,
        control_pb2.Carrier,
        control_pb2.CarrierTls,
        control_pb2.Listener,
        control_pb2.ListenerTls,
        control_pb2.Route,
        control_pb2.RouteTarget,
        control_pb2.Conditions,
        control_pb2.Rewrite,
        control_pb2.AddedTlv,
        control_pb2.NumberingPlan,
        control_pb2.Velocity,
        control_pb2.SuppressionList,
        control_pb2.ConsentWord,
    ):
        for field in message.DESCRIPTOR.fields:
            assert f"{field.name}=" in source, f"{message.DESCRIPTOR.name}.{field.name}"


def test_the_snapshot_does_not_depend_on_how_files_are_cut(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "z.yaml").write_text(f"{CARRIER}---\n{ACCOUNT}---\n{ROUTE}")
    first, second = (load_folder(each, environment=ENVIRONMENT) for each in (folder, other))
    assert compile_snapshot(first).SerializeToString() == compile_snapshot(second).SerializeToString()


def test_an_account_may_keep_its_hash_in_a_file(folder: Path) -> None:
    text = ACCOUNT.replace(f"passwordHash: {HASH}", "passwordHash: {file: hash}")
    (folder / "all.yaml").write_text(text)
    (folder / "hash").write_text(HASH + "\n")
    config = load_folder(folder, environment=ENVIRONMENT)
    assert compile_snapshot(config).accounts[0].password_hash == HASH
    (folder / "hash").write_text("hunter2")
    with pytest.raises(ConfigError, match="does not hold an argon2id hash"):
        compile_snapshot(load_folder(folder, environment=ENVIRONMENT))


def test_a_secret_file_is_looked_for_beside_the_configuration_then_in_the_data_directory(tmp_path: Path) -> None:
    config, data = tmp_path / "config", tmp_path / "data"
    config.mkdir()
    data.mkdir()
    (data / "secret").write_text("from data \n")
    source = SecretSource((config, data), {})
    assert source.read(SecretRef(file="secret")).reveal() == "from data"
    (config / "secret").write_text("from config")
    assert source.read(SecretRef(file="secret")).reveal() == "from config"
    (config / "secret").write_text("  \n")
    with pytest.raises(ConfigError, match="empty"):
        source.read(SecretRef(file="secret"))


def test_a_secret_hides_itself() -> None:
    assert "hunter2" not in f"{Secret('hunter2')} {Secret('hunter2')!r}"


def test_changes_are_said_field_by_field_and_hide_hashes(folder: Path) -> None:
    old = load_folder(folder, environment=ENVIRONMENT)
    changed = ACCOUNT.replace("durability: memory", "windowMax: 7").replace("aGFzaGhhc2g", "b3RoZXJoYXNo")
    (folder / "all.yaml").write_text(changed)
    new = load_folder(folder, environment={"CARRIER_PASSWORD": "other"})
    assert diff(old, new) == [
        "Account customer: spec.durability: 'memory' -> 'disk'",
        "Account customer: spec.passwordHash: changed (hidden)",
        "Account customer: spec.windowMax: 100 -> 7",
        "Route germany: removed",
        "secret in environment variable CARRIER_PASSWORD: changed",
    ]
    assert diff(new, new) == []
    assert diff(None, new) == ["Account customer: added", "Carrier one: added"]


@given(st.binary(max_size=300))
def test_reading_never_fails_but_by_a_problem(content: bytes) -> None:
    documents, problems = parse_documents(content, "any")
    assert documents or problems or not content.strip() or documents == []


@given(st.text(alphabet=st.sampled_from("ab:-[]{}'\"\n \t#&*!|>%@`0129.~"), max_size=80))
def test_reading_never_fails_on_what_looks_like_yaml(text: str) -> None:
    for document in parse_documents(text.encode(), "any")[0]:
        assert document.mark(("no", "such", 1)).line >= 1
