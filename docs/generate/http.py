"""The HTTP face, from its own OpenAPI document."""

from __future__ import annotations

import json
from typing import Any

from brivas_gateways.http import openapi
from generate.tables import code, fields, table

_SHOWN = ("NewMessage", "NewMessages", "Outcome", "Outcomes", "Refusal", "Problem", "ItemProblem", "Health", "Check")


def operations() -> str:
    """Every path and method with its answers."""
    rows = []
    for path, methods in _document()["paths"].items():
        for method, each in methods.items():
            if method in ("get", "post", "put", "delete"):
                answers = ", ".join(each["responses"])
                rows.append((code(f"{method.upper()} {path}"), each.get("summary", ""), answers))
    return table(("Request", "Does", "Answers"), rows)


def bodies() -> str:
    """The fields of every body."""
    schemas = _document()["components"]["schemas"]
    shown = [name for name in _SHOWN if name in schemas]
    return "\n".join(
        f"### {name}\n\n{schemas[name].get('description', '')}\n\n{fields(schemas[name], shown)}" for name in shown
    )


def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi.document())
    return document
