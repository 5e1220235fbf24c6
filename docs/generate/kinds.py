"""The kinds of resources, from the JSON Schemas of those installed."""

from __future__ import annotations

from typing import Any

from brivas.resources.kinds import installed_kinds
from brivas.resources.schema import kind_schema
from generate.tables import fields

_ENVELOPE = ("Metadata", "SecretRef")


def reference() -> str:
    """What every resource has, then each kind with the mappings in it."""
    schemas = {name: kind_schema(cls)["$defs"] for name, cls in sorted(installed_kinds().items())}
    definitions: dict[str, Any] = {name: each for defs in schemas.values() for name, each in defs.items()}
    headings = definitions.keys() - schemas.keys()
    parts = [_section("###", name, definitions[name], headings) for name in _ENVELOPE if name in definitions]
    for kind, defs in schemas.items():
        spec = f"{kind}Spec"
        parts.append(f"### {kind}\n\n{defs[kind].get('description', '')}\n")
        parts.append(_section("####", spec, defs[spec], headings))
        inner = sorted(defs.keys() - {kind, spec, *_ENVELOPE})
        parts += [_section("####", name, defs[name], headings) for name in inner]
    return "\n".join(parts)


def _section(level: str, name: str, schema: dict[str, Any], headings: set[str]) -> str:
    return f"{level} {name}\n\n{schema.get('description', '')}\n\n{fields(schema, headings)}"
