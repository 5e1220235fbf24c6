"""A wrong folder is refused whole: every mistake has its file, line, column, path, value and hint."""

from __future__ import annotations

from pathlib import Path

import pytest

from brivas.resources.carrier import Carrier
from brivas.resources.config import Config, load_folder
from brivas.resources.problem import PROBLEMS_MAX, ConfigRefusedError, Problem
from brivas.resources.snapshot import compile_snapshot

CARRIER = """\
apiVersion: brivas.io/v1
kind: Carrier
metadata: {name: one}
spec: {host: localhost, systemId: us}
"""


def refusals(folder: Path, text: str, **more: str) -> list[Problem]:
    """What is wrong with a folder that holds `text` as a.yaml, and `more` files."""
    (folder / "a.yaml").write_text(text)
    for name, content in more.items():
        (folder / f"{name}.yaml").write_text(content)
    with pytest.raises(ConfigRefusedError) as caught:
        load_folder(folder, environment={})
    return list(caught.value.problems)


def load(folder: Path, text: str) -> Config:
    (folder / "a.yaml").write_text(text)
    return load_folder(folder, environment={})


@pytest.mark.parametrize(
    ("line", "path", "message", "value", "hint"),
    [
        ("  windowmax: 10", "$.spec.windowmax", "unknown field 'windowmax'", "10", "did you mean `windowMax`?"),
        ("  windowMax: 0", "$.spec.windowMax", "expected a whole number >= 1", "0", "from 1 to 10000"),
        ('  port: "2775"', "$.spec.port", "expected a whole number, got text", "'2775'", "without quotes: 2775"),
        ("  systemType: 007", "$.spec.systemType", None, None, None),
        ("  systemType: 7", "$.spec.systemType", "expected text, got a whole number", "7", 'quote it: "7"'),
        ("  bindMode: tranceiver", "$.spec.bindMode", "one of the choices", "'tranceiver'", "`transceiver`"),
        ("  password: secret", "$.spec.password", "expected mapping", "'secret'", None),
        ("  password: {}", "$.spec.password", "exactly one of `file` and `env`", None, "{env: NAME}"),
        ("  password: {file: a, env: B}", "$.spec.password", "exactly one of", None, None),
        ("  password: {env: MISSING}", "$.spec.password", "MISSING is not set", None, "set MISSING"),
        ("  password: {file: gone}", "$.spec.password", "no such file: gone", None, "looked for"),
        ("  reconnectMaxMs: 100", "$.spec.reconnectInitialMs", "is above reconnectMaxMs 100", None, "shortest"),
        ('  interfaceVersion: "3.3"\n  longMessages: sar', "$.spec.longMessages", "needs TLVs", None, "as udh8"),
        ("  host: other", "$.spec.host", "stands twice", None, "the first is in line 4"),
    ],
)
def test_each_mistake_is_said_with_its_place_value_and_hint(
    tmp_path: Path, line: str, path: str, message: str | None, value: str | None, hint: str | None
) -> None:
    text = CARRIER.replace(
        "spec: {host: localhost, systemId: us}", f"spec:\n  host: localhost\n  systemId: us\n{line}\n"
    )
    if message is None:
        # YAML 1.2: 007 is text, not an octal number.
        assert load(tmp_path, text).of(Carrier)[0].spec.system_type == "007"
        return
    found = refusals(tmp_path, text)
    assert len(found) == 1
    problem = found[0]
    said = problem.describe()
    assert said.startswith(f"{tmp_path / 'a.yaml'}:")
    assert f" {path}: " in said
    assert message in problem.message
    assert problem.value == value
    assert hint is None or (problem.hint is not None and hint in problem.hint.replace("line 5", "line 4"))


def test_the_line_and_column_are_those_of_the_value(tmp_path: Path) -> None:
    problem = refusals(tmp_path, CARRIER.replace("systemId: us", "systemId: us, port: 70000"))[0]
    assert (problem.mark.line, problem.mark.column) == (4, 45)


def test_all_mistakes_of_all_files_are_said_at_once(tmp_path: Path) -> None:
    wrong = CARRIER.replace("host: localhost", "host: 1, port: x")
    problems = refusals(tmp_path, wrong, b=wrong, c="kind: Nothing\n", d="a: [\n")
    assert [Path(problem.file).name for problem in problems] == ["a.yaml"] * 2 + ["b.yaml"] * 2 + ["c.yaml", "d.yaml"]


def test_problems_beyond_the_bound_are_counted(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("---\nkind: Nothing\n" * (PROBLEMS_MAX + 7))
    with pytest.raises(ConfigRefusedError, match="and 7 more") as caught:
        load_folder(tmp_path)
    assert caught.value.total == PROBLEMS_MAX + 7
    assert len(caught.value.problems) == PROBLEMS_MAX


def test_an_unknown_kind_lists_the_known_ones(tmp_path: Path) -> None:
    problem = refusals(tmp_path, "apiVersion: brivas.io/v1\nkind: Carier\n")[0]
    assert problem.hint is not None
    assert problem.hint.startswith("did you mean `Carrier`? known kinds: Account, Carrier, ")


def test_two_resources_of_one_kind_and_name_are_refused(tmp_path: Path) -> None:
    problem = refusals(tmp_path, CARRIER, b=CARRIER)[0]
    assert problem.message == "a second Carrier is named 'one'"
    assert problem.hint is not None
    assert "a.yaml:3" in problem.hint


def account(name: str, system_id: str) -> str:
    return (
        f"apiVersion: brivas.io/v1\nkind: Account\nmetadata: {{name: {name}}}\nspec:\n  systemId: {system_id}\n"
        "  passwordHash: $argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g\n"
    )


def test_two_accounts_with_one_system_id_are_refused(tmp_path: Path) -> None:
    problem = refusals(tmp_path, account("one", "same"), b=account("two", "same"))[0]
    assert Path(problem.file).name == "b.yaml"
    assert problem.mark.line == 5
    assert problem.message == "a second systemId same"
    assert problem.hint is not None
    assert "Account 'one' has it" in problem.hint


def test_a_route_to_nowhere_lists_what_there_is(tmp_path: Path) -> None:
    route = "apiVersion: brivas.io/v1\nkind: Route\nmetadata: {name: r}\nspec: {targets: [{carrier: two}]}\n"
    problem = refusals(tmp_path, route, b=CARRIER)[0]
    assert problem.message == "no Carrier has this name"
    assert problem.value == "'two'"
    assert problem.hint == "Carriers there are: one"


def test_a_hash_is_never_shown(tmp_path: Path) -> None:
    problem = refusals(tmp_path, account("one", "x").replace("$argon2id", "hunter2"))[0]
    assert problem.value == "(hidden)"
    assert "hunter2" not in problem.describe()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]\n", "nested too deeply"),
        ("a: !!python/object:os.system {}\n", "is not understood"),
        ("a: {b: {" * 40 + "}" * 80, "levels deep"),
        ("x: " + "[" * 40 + "]" * 40 + "\n", "levels deep"),
        ("[" * 1_000_000, "levels deep"),
        ("- " * 100_000, "levels deep"),
        ("a: 1\n b: 2\n", "not YAML"),
        ("- 1\n", "not a resource"),
        ("<<: {a: 1}\n", "a key must be plain text"),
    ],
)
def test_what_is_no_plain_yaml_is_refused(tmp_path: Path, text: str, message: str) -> None:
    assert any(message in problem.message for problem in refusals(tmp_path, text))


def test_aliases_cannot_blow_up(tmp_path: Path) -> None:
    levels = [f"{chr(98 + level)}: &{chr(98 + level)} [{', '.join([f'*{chr(97 + level)}'] * 9)}]" for level in range(9)]
    problems = refusals(tmp_path, "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(levels) + "\n")
    assert len(problems) == 1
    assert "more than" in problems[0].message


def test_bytes_that_are_no_text_are_refused_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigRefusedError, match=r"a\.yaml:2:1: not UTF-8"):
        load_folder(tmp_path)


def test_credentials_longer_than_smpp_allows_are_refused_unless_that_is_said(tmp_path: Path) -> None:
    def carrier(system_id: str, more: str = "") -> str:
        return CARRIER.replace("systemId: us", f"systemId: {system_id}, password: {{file: password}}{more}")

    (tmp_path / "password").write_text("x" * 8)
    load(tmp_path, carrier("s" * 15))
    (problem,) = refusals(tmp_path, carrier("s" * 16))
    assert problem.path == ("spec", "systemId")
    assert "systemId has 16 characters: SMPP allows 15" in problem.message
    assert problem.hint is not None
    assert "longCredentials: true" in problem.hint
    (problem,) = refusals(tmp_path, carrier("s" * 65, ", longCredentials: true"))
    assert problem.path == ("spec", "systemId")
    (tmp_path / "password").write_text("x" * 9)
    (problem,) = refusals(tmp_path, carrier("us"))
    assert problem.path == ("spec", "password")
    assert "password has 9 octets: SMPP allows 8" in problem.message
    assert problem.hint is not None
    assert "longCredentials: true" in problem.hint
    assert "xxxxxxxxx" not in repr(problem)
    (tmp_path / "password").write_text("x" * 64)
    snapshot = compile_snapshot(load(tmp_path, carrier("s" * 64, ", longCredentials: true")))
    assert (len(snapshot.carriers[0].system_id), len(snapshot.carriers[0].password)) == (64, 64)
    (tmp_path / "password").write_text("x" * 65)
    (problem,) = refusals(tmp_path, carrier("us", ", longCredentials: true"))
    assert "at most 64 are sent" in problem.message
