"""`brivas config check|schema|status`: judges a configuration without an engine, and writes the schemas for editors."""

from __future__ import annotations

from pathlib import Path

import click

from brivas.cli.output import Output, json_option, print_json, styled


@click.group(short_help="Checks configuration; writes JSON Schemas.")
def config() -> None:
    """Checks configuration folders; writes JSON Schemas for editors."""


@config.command(short_help="Checks a folder or file as the gateway would.")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option("--no-secrets", is_flag=True, help="Do not read secrets: they are on another machine.")
@json_option
@click.pass_obj
def check(output: Output, path: Path | None, no_secrets: bool, as_json: bool) -> None:
    """Checks a folder or a file of resources as a whole, as the gateway would.

    PATH is DATA/config when it is not given. Exit code 3 when anything is wrong.
    """
    from brivas.errors import ConfigError
    from brivas.layout import Layout
    from brivas.resources.config import load_folder
    from brivas.resources.problem import ConfigRefusedError
    from brivas.resources.snapshot import compile_snapshot

    folder = path or Layout(output.data).config
    try:
        loaded = load_folder(folder, data=output.data, read_secrets=not no_secrets)
        if not no_secrets:
            compile_snapshot(loaded)
    except ConfigRefusedError as error:
        for problem in error.problems:
            click.echo(f"{styled('error:', fg='red', bold=True)} {problem.describe()}", err=True)
        if as_json:
            problems = [problem.as_dict() for problem in error.problems]
            print_json({"ok": False, "path": str(folder), "problems": problems, "problems_total": error.total})
        else:
            click.echo(f"{folder}: refused, {error.total} wrong", err=True)
        raise SystemExit(ConfigError.exit_code) from None
    counts: dict[str, int] = {}
    for resource in loaded.resources:
        counts[resource.kind_name] = counts.get(resource.kind_name, 0) + 1
    if as_json:
        print_json({"ok": True, "path": str(folder), "problems": [], "problems_total": 0, "resources": counts})
        return
    listed = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "no resources"
    click.echo(f"{folder}: {styled('ok', fg='green')}, {listed}")


@config.command(short_help="Prints or writes JSON Schemas of the kinds.")
@click.argument("kind", required=False)
@click.option(
    "--write", type=click.Path(path_type=Path, file_okay=False), help="Write one file a kind into this folder."
)
@json_option
def schema(kind: str | None, write: Path | None, as_json: bool) -> None:
    """Prints the JSON Schema of a KIND, or of all; or writes them for editors.

    Output is JSON with and without --json.
    """
    from brivas.errors import UsageError
    from brivas.resources.kinds import installed_kinds
    from brivas.resources.schema import kind_schema, schema_files

    kinds = dict(installed_kinds())
    if kind is not None and kind not in kinds:
        raise UsageError(f"unknown kind: {kind}", hint=f"one of {', '.join(sorted(kinds))}")
    if kind is not None:
        kinds = {kind: kinds[kind]}
    if write is None:
        shown = {name: kind_schema(cls) for name, cls in sorted(kinds.items())}
        print_json(shown[kind] if kind is not None else shown)
        return
    write.mkdir(parents=True, exist_ok=True)
    files = schema_files(kinds)
    for name, content in files.items():
        (write / name).write_text(content)
    if as_json:
        print_json({"folder": str(write), "files": sorted(files)})
    else:
        click.echo(f"{write}: {', '.join(sorted(files))}")


@config.command(short_help="Shows how the folder's last reading ended.")
@json_option
@click.pass_obj
def status(output: Output, as_json: bool) -> None:
    """Shows how the last reading of the configuration folder ended: applied, or refused and why."""
    from brivas.errors import BrivasError
    from brivas.layout import Layout, read_json

    file = Layout(output.data).config_status
    outcome = read_json(file)
    if outcome is None:
        raise BrivasError(f"nothing was read yet: no {file}", hint="`brivas up` and `brivas ops` read the folder")
    if as_json:
        print_json(outcome)
        return
    click.echo(f"{outcome['state']} at {outcome['at']}: {outcome['folder']}; in force: {outcome['hash']}")
    for problem in outcome.get("problems", ()):
        value = f" (got {problem['value']})" if problem["value"] else ""
        place = f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['path']}"
        click.echo(f"  {place}: {problem['message']}{value}")
        if problem["hint"]:
            click.echo(f"    {styled('hint:', fg='cyan')} {problem['hint']}")
