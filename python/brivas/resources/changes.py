"""The difference between two configurations, in words, one change a line."""

from __future__ import annotations

from typing import Any

import msgspec

from brivas.resources.base import Resource
from brivas.resources.config import Config
from brivas.resources.problem import shown

HIDDEN_FIELDS = frozenset({"passwordHash", "sha256"})


def diff(old: Config | None, new: Config) -> list[str]:
    """What changes when `new` takes the place of `old`."""
    before = _by_key(old) if old else {}
    after = _by_key(new)
    lines: list[str] = []
    for key in sorted(before.keys() | after.keys()):
        kind, name = key
        if key not in after:
            lines.append(f"{kind} {name}: removed")
        elif key not in before:
            lines.append(f"{kind} {name}: added")
        elif before[key] != after[key]:
            changed = _fields("", msgspec.to_builtins(before[key]), msgspec.to_builtins(after[key]))
            lines += [f"{kind} {name}: {line}" for line in changed]
    if old is not None:
        lines += _secrets(old, new)
    return lines


def _by_key(config: Config) -> dict[tuple[str, str], Resource]:
    return {(resource.kind_name, resource.name): resource for resource in config.resources}


def _fields(path: str, old: Any, new: Any) -> list[str]:
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            line
            for key in sorted(old.keys() | new.keys())
            if old.get(key) != new.get(key)
            for line in _fields(f"{path}.{key}" if path else key, old.get(key), new.get(key))
        ]
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
        if len(old) != len(new):
            return [f"{path}: {len(old)} items -> {len(new)} items"]
        return [
            line
            for index, (before, after) in enumerate(zip(old, new, strict=True))
            if before != after
            for line in _fields(f"{path}[{index}]", before, after)
        ]
    if path.rpartition(".")[2] in HIDDEN_FIELDS:
        return [f"{path}: changed (hidden)"]
    return [f"{path}: {shown(old)} -> {shown(new)}"]


def _secrets(old: Config, new: Config) -> list[str]:
    both = old.secrets.keys() & new.secrets.keys()
    changed = [reference for reference in both if old.secrets[reference] != new.secrets[reference]]
    return [f"secret in {reference.describe()}: changed" for reference in sorted(changed, key=lambda r: r.describe())]
