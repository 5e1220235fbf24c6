"""`brivas text plan`: the engine's planner on the command line."""

from __future__ import annotations

import json

from click.testing import CliRunner

from brivas.cli.text import text


def plan(*arguments: str) -> dict[str, object]:
    done = CliRunner().invoke(text, ["plan", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    shown: dict[str, object] = json.loads(done.output)
    return shown


def test_the_chosen_way_comes_first_and_tells_what_transliteration_saves() -> None:
    quoted = "“" + "a" * 150 + "”"
    assert (plan(quoted)["encoding"], plan(quoted)["parts"]) == ("ucs2", 3)
    applied = plan(quoted, "--transliterate")
    assert (applied["encoding"], applied["parts"], applied["replaced"]) == ("gsm", 1, 2)


def test_national_tables_are_used_where_they_are_allowed() -> None:
    turkish = "ığdır şğı İstanbul " * 8
    assert plan(turkish)["encoding"] == "ucs2"
    assert plan(turkish, "--language", "turkish")["encoding"] == "gsm-turkish"
