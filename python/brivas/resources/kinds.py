"""The registry of kinds: entry point group `brivas.kinds`, each a subclass of `Resource`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib import metadata
from types import MappingProxyType

from brivas.errors import BrivasError
from brivas.resources.base import Resource

KINDS_GROUP = "brivas.kinds"


@functools.cache
def installed_kinds() -> Mapping[str, type[Resource]]:
    """The kinds of all distributions installed, by name."""
    found: dict[str, type[Resource]] = {}
    for point in metadata.entry_points(group=KINDS_GROUP):
        cls = point.load()
        if not (isinstance(cls, type) and issubclass(cls, Resource) and cls.kind_name == point.name):
            raise BrivasError(f"entry point {KINDS_GROUP} {point.name} = {point.value}: not a kind named {point.name}")
        found[point.name] = cls
    return MappingProxyType(found)
