"""JSON Schema of the kinds, for editors: one file a kind, and one for any of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import msgspec

from brivas.resources.base import Resource

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def kind_schema(cls: type[Resource]) -> dict[str, Any]:
    """The schema of one kind."""
    return {"$schema": DIALECT, "title": cls.kind_name, **msgspec.json.schema(cls)}


def schema_files(kinds: Mapping[str, type[Resource]]) -> dict[str, str]:
    """File name to content, as `brivas config schema --write` writes them."""
    schemas = {f"{name}.json": kind_schema(cls) for name, cls in sorted(kinds.items())}
    every = {
        "$schema": DIALECT,
        "title": "Any resource",
        "anyOf": [{"$ref": f"{name}.json"} for name in sorted(kinds)],
    }
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in {**schemas, "resource.json": every}.items()}
