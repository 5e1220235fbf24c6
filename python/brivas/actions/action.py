"""What an action is, and the registry of those installed."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import metadata
from types import MappingProxyType
from typing import Any, Final, Generic, TypeVar

from msgspec import Struct

from brivas.clients.messaging import AsyncMessagingClient
from brivas.errors import BrivasError

ACTIONS_GROUP: Final = "brivas.actions"

Input = TypeVar("Input", bound=Struct)
Result = TypeVar("Result", bound=Struct)


@dataclass(frozen=True, slots=True)
class ActionContext:
    """On whose behalf an action runs: the client carries the caller's own key, and the engine judges it."""

    messaging: AsyncMessagingClient


@dataclass(frozen=True, slots=True)
class Action(Generic[Input, Result]):
    """One typed function with what a face needs to offer it."""

    name: str
    description: str
    input_type: type[Input]
    result_type: type[Result]
    writes: bool
    run: Callable[[ActionContext, Input], Awaitable[Result]]


@functools.cache
def installed_actions() -> Mapping[str, Action[Any, Any]]:
    """The actions of all distributions installed, by name."""
    found: dict[str, Action[Any, Any]] = {}
    for point in metadata.entry_points(group=ACTIONS_GROUP):
        action = point.load()
        if not (isinstance(action, Action) and action.name == point.name):
            raise BrivasError(
                f"entry point {ACTIONS_GROUP} {point.name} = {point.value}: not an action named {point.name}"
            )
        found[point.name] = action
    return MappingProxyType(found)
