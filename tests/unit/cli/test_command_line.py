"""What holds for every command: help, defaults, variables, errors, exit codes, JSON."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from brivas import settings
from brivas.cli.main import brivas
from brivas.cli.options import config_option

HEAVY = (
    "grpc",
    "google.protobuf",
    "msgspec",
    "yaml",
    "rich",
    "uvloop",
    "brivas._core",
    "starlette",
    "httpx",
    "granian",
)


def commands() -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name."""
    group = brivas
    assert isinstance(group, click.Group)
    pending: list[tuple[str, click.Command]] = [("brivas", group)]
    while pending:
        name, command = pending.pop()
        yield name, command
        if isinstance(command, click.Group):
            context = click.Context(command)
            for child in command.list_commands(context):
                found = command.get_command(context, child)
                assert found is not None
                pending.append((f"{name} {child}", found))


ALL = sorted(commands(), key=lambda each: each[0])


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_command_and_option_says_what_it_is(name: str, command: click.Command) -> None:
    assert command.help, name
    assert "cannot be loaded" not in command.help, command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_no_command_is_cut_short_in_a_list_of_commands(name: str, command: click.Command) -> None:
    help_text = CliRunner().invoke(command, ["--help"], prog_name=name, terminal_width=80).output
    assert "..." not in help_text.partition("Commands:")[2]


@pytest.mark.parametrize(("name", "command"), ALL, ids=[name for name, _ in ALL])
def test_every_variable_of_an_option_is_a_setting_and_shown(name: str, command: click.Command) -> None:
    known = {setting.variable for setting in settings.ALL}
    for parameter in command.params:
        if isinstance(parameter, click.Option) and parameter.envvar:
            assert parameter.envvar in known, f"{name}: {parameter.envvar} does not stand in settings.py"
            assert parameter.show_envvar, f"{name}: {parameter.envvar} is not shown"


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys; sys.argv = ['brivas', '--help']\n"
        "from brivas.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.exit(' '.join(name for name in {HEAVY!r} if name in sys.modules))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert ended.stderr == "\n" or ended.stderr == "", f"loaded: {ended.stderr}"
    assert "Commands:" in ended.stdout


def test_an_unknown_command_is_a_usage_error() -> None:
    assert CliRunner().invoke(brivas, ["nothing"]).exit_code == 2


def test_a_validity_beyond_what_the_engine_keeps_is_a_usage_error_that_says_the_bound() -> None:
    arguments = ["send", "--to", "1", "--from", "2", "--text", "x", "--validity-seconds", "31104001"]
    ended = CliRunner().invoke(brivas, arguments)
    assert ended.exit_code == 2
    assert "31104001 is not in the range 0<=x<=31104000" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "exactly one of --text and --data"),
        (["--text", "x", "--data", "00"], "exactly one of --text and --data"),
        (["--data", "0x"], "'0x' is not octets in hexadecimal"),
        (["--text", "x", "--encoding", "utf8"], "'utf8' is not one of 'auto', 'gsm7', 'latin1', 'ucs2', 'binary'"),
        (["--text", "x", "--encoding", "binary"], "`encoding` is `binary` and `text` is given"),
        (["--data", "00", "--encoding", "ucs2"], "`encoding` is `ucs2` and `data` is given"),
        (["--data", "00", "--transliterate"], "`transliterate` goes with `text`"),
    ],
)
def test_what_does_not_go_together_in_a_message_is_a_usage_error_that_names_it(arguments: list[str], said: str) -> None:
    ended = CliRunner().invoke(brivas, ["send", "--to", "1", "--from", "2", *arguments])
    assert ended.exit_code == 2
    assert said in " ".join(ended.stderr.split())


def test_an_engine_that_is_not_there_has_its_own_exit_code_and_a_hint(tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path), "binds", "--control-target", "127.0.0.1:1", "--json"]
    ended = CliRunner().invoke(brivas, arguments, env={"BRIVAS_CONTROL_TOKEN": "t"})
    assert ended.exit_code == 4, ended.output
    assert "error:" in ended.stderr
    assert "hint:" in ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "unreachable"


def test_a_file_that_the_system_refuses_is_an_error_with_its_path_and_a_hint(tmp_path: Path) -> None:
    token = tmp_path / "secrets" / "control.token"
    token.mkdir(parents=True)
    ended = CliRunner().invoke(brivas, ["up", "--data", str(tmp_path), "--ports", "auto", "--json"])
    assert ended.exit_code == 1, ended.output
    assert f"error: cannot use {token}: is a directory" in ended.stderr
    assert "hint:" in ended.stderr
    assert json.loads(ended.stdout)["error"]["code"] == "file"


def test_a_wrong_configuration_has_its_own_exit_code(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: Nothing\n")
    ended = CliRunner().invoke(brivas, ["config", "check", str(tmp_path), "--json"])
    assert ended.exit_code == 3
    answer = json.loads(ended.stdout)
    assert answer["ok"] is False
    assert (answer["problems"][0]["line"], answer["problems"][0]["value"]) == (1, "'Nothing'")
    assert f"{tmp_path / 'a.yaml'}:1:7" in ended.stderr


def test_a_right_configuration_is_counted(tmp_path: Path) -> None:
    ended = CliRunner().invoke(brivas, ["config", "check", str(tmp_path), "--json"])
    assert ended.exit_code == 0
    assert json.loads(ended.stdout)["ok"] is True


def test_no_color_is_honoured(tmp_path: Path) -> None:
    ended = CliRunner().invoke(brivas, ["config", "check", str(tmp_path)], env={"NO_COLOR": "1"}, color=True)
    assert "\x1b" not in ended.output
    ended = CliRunner().invoke(brivas, ["config", "check", str(tmp_path)], color=True)
    assert "\x1b" in ended.output


def test_doctor_gives_each_check_a_verdict(tmp_path: Path) -> None:
    ended = CliRunner().invoke(brivas, ["--data", str(tmp_path), "doctor", "--json"])
    answer = json.loads(ended.stdout)
    assert {check["verdict"] for check in answer["checks"]} <= {"ok", "warn", "fail"}
    assert {"python", "extension", "file_limit", "clock", "data", "engine"} <= {c["check"] for c in answer["checks"]}


def test_two_settings_never_share_a_variable() -> None:
    names = [setting.variable for setting in settings.ALL]
    assert len(names) == len(set(names))


def test_a_config_folder_that_is_a_link_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that swapping it changes the whole folder at once, as git-sync and mounted volumes do."""
    (tmp_path / "first").mkdir()
    (tmp_path / "current").symlink_to("first")
    monkeypatch.chdir(tmp_path)

    @click.command()
    @config_option
    def show(config: Path) -> None:
        click.echo(config)

    assert CliRunner().invoke(show, ["--config", "current"]).output == f"{tmp_path / 'current'}\n"
