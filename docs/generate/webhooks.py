"""The events of webhooks, from `brivas.events.EventName` and the texts that stand below its members."""

from __future__ import annotations

import ast
import inspect

from brivas.events import EventName
from generate.tables import code, table


def reference() -> str:
    """Every event by its name."""
    texts = _texts()
    return table(("`type`", "When"), ((code(each.value), texts[each.name]) for each in EventName))


def _texts() -> dict[str, str]:
    """The text below each member."""
    (cls,) = ast.parse(inspect.getsource(EventName)).body
    assert isinstance(cls, ast.ClassDef)  # noqa: S101 - the source of a class.
    found: dict[str, str] = {}
    for member, text in zip(cls.body, cls.body[1:], strict=False):
        match member, text:
            case ast.Assign(targets=[ast.Name(id=name)]), ast.Expr(value=ast.Constant(value=str(words))):
                found[name] = words
    return found
