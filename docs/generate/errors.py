"""The errors: exit codes of the command line from `brivas.errors`, problems of HTTP from where they are raised."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import brivas_gateways.http
from brivas.errors import BrivasError
from generate.tables import code, table

_HTTP: Final = Path(brivas_gateways.http.__file__).parent


def exit_codes() -> str:
    """Every error: its code, the exit code of the command that ends with it."""
    return table(
        ("`error.code`", "Exit code", "Meaning"),
        ((code(each.code), str(each.exit_code), _meaning(each)) for each in _tree(BrivasError)),
    )


def problems() -> str:
    """Every problem that the HTTP face can answer."""
    found = {each for file in _HTTP.glob("*.py") for each in _raised(ast.parse(file.read_text()))}
    return table(
        ("Status", "Type", "Title"),
        ((str(status), code(f"urn:brivas:problem:{name}"), title) for status, name, title in sorted(found)),
    )


def _raised(module: ast.Module) -> Iterator[tuple[int, str, str]]:
    """`ProblemError(STATUS, NAME, TITLE, ...)`, and tables of `STATUS: (NAME, TITLE)`."""
    for node in ast.walk(module):
        match node:
            case ast.Call(
                func=ast.Name(id="ProblemError"),
                args=[
                    ast.Constant(value=int(status)),
                    ast.Constant(value=str(name)),
                    ast.Constant(value=str(title)),
                ],
            ):
                yield status, name, title
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    match key, value:
                        case (
                            ast.Constant(value=int(status)),
                            ast.Tuple(elts=[ast.Constant(value=str(name)), ast.Constant(value=str(title))]),
                        ):
                            yield status, name, title


def _tree(root: type[BrivasError]) -> Iterator[type[BrivasError]]:
    yield root
    for each in root.__subclasses__():
        # Errors of other modules (a refused folder) carry their parent's code.
        if each.__module__ == root.__module__:
            yield from _tree(each)


def _meaning(error: type[BrivasError]) -> str:
    return (error.__doc__ or "").partition("\n")[0]
