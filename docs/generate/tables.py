"""Markdown tables, and the fields of a JSON Schema as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells may hold Markdown, `|` is escaped."""
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n"


def code(text: object) -> str:
    """Text as code; nothing for nothing."""
    return f"`{text}`" if str(text) else ""


def fields(schema: Mapping[str, Any], linked: Iterable[str] = ()) -> str:
    """The properties of an object: name, type with its bounds, default, meaning. `linked`: those with a heading."""
    required = set(schema.get("required", ()))
    headings = set(linked)
    rows = []
    for name, each in schema.get("properties", {}).items():
        default = "required" if name in required else _default(each)
        rows.append((code(name), type_text(each, headings), default, each.get("description", _described(each))))
    return table(("Field", "Type", "Default", "Meaning"), rows)


def type_text(schema: Mapping[str, Any], headings: set[str]) -> str:
    """A schema's type in words."""
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"[{name}](#{name.lower()})" if name in headings else name
    if "anyOf" in schema:
        options = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(type_text(each, headings) for each in options))
    if "enum" in schema:
        return ", ".join(code(value) for value in schema["enum"])
    kind = schema.get("type", "any")
    if kind == "array":
        return f"list of {type_text(schema.get('items', {}), headings)}{_bounds(schema, 'minItems', 'maxItems')}"
    if kind == "object":
        return "mapping"
    words = {"integer": "whole number", "string": "text", "boolean": "`true` or `false`", "number": "number"}
    bounds = _bounds(schema, "minimum", "maximum") or _bounds(schema, "minLength", "maxLength", " characters")
    return words.get(str(kind), str(kind)) + bounds


def _bounds(schema: Mapping[str, Any], low: str, high: str, unit: str = "") -> str:
    least, most = schema.get(low), schema.get(high)
    if least is not None and most is not None:
        return f", {least:,} to {most:,}{unit}"
    return f", at most {most:,}{unit}" if most is not None else ""


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    match value:
        case None | [] | () | {}:
            return ""
        case bool():
            return code(str(value).lower())
        case list() | tuple():
            return ", ".join(code(each) for each in value)
        case "":
            return "empty"
        case _:
            return code(value)


def _described(schema: Mapping[str, Any]) -> str:
    """The description of one of the options, where the field itself has none."""
    return next((str(each["description"]) for each in schema.get("anyOf", ()) if "description" in each), "")


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
