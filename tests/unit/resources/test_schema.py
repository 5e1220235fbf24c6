"""The schemas in schemas/ are those of the kinds, and say what an editor needs."""

from __future__ import annotations

import json
from pathlib import Path

from brivas.resources.kinds import installed_kinds
from brivas.resources.schema import kind_schema, schema_files

SCHEMAS = Path(__file__).parents[3] / "schemas"


def test_the_files_in_schemas_are_up_to_date() -> None:
    expected = schema_files(installed_kinds())
    found = {file.name: file.read_text() for file in SCHEMAS.glob("*.json")}
    assert found == expected, "`make schemas` writes them"


def test_every_field_of_every_kind_has_a_description() -> None:
    for name, cls in installed_kinds().items():
        definitions = kind_schema(cls)["$defs"]
        for definition, schema in definitions.items():
            for field, described in schema.get("properties", {}).items():
                text = json.dumps(described)
                assert '"description"' in text or '"$ref"' in text, f"{name}: {definition}.{field}"
