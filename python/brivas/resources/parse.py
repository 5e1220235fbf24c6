"""From a document to a resource: every field is checked by itself, so that all that is wrong is said at once.

msgspec judges each value by its type (which carries the bounds); what is added here is the position, the wrong value,
and a hint: the closest name, the allowed range, quotes.
"""

from __future__ import annotations

import difflib
import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec
from msgspec import Meta, Struct

from brivas.resources.base import API_VERSION, Path, Resource
from brivas.resources.document import Document
from brivas.resources.problem import Problem, shown


def parse_resource(document: Document, kinds: Mapping[str, type[Resource]]) -> tuple[Resource | None, list[Problem]]:
    """The resource, or what is wrong with the document."""
    value = document.value
    if not isinstance(value, dict):
        hint = "a resource is a mapping with apiVersion, kind, metadata, spec"
        return None, [_problem(document, (), "not a resource", value, hint)]
    if not isinstance(value.get("kind"), str):
        hint = f"add `kind:`, one of {', '.join(sorted(kinds))}"
        return None, [_problem(document, ("kind",), "`kind` is missing or not text", value.get("kind"), hint)]
    cls = kinds.get(value["kind"])
    if cls is None:
        hint = f"{_closest(value['kind'], kinds)}known kinds: {', '.join(sorted(kinds))}"
        return None, [_problem(document, ("kind",), "unknown kind", value["kind"], hint)]
    problems = _Checker(document).check(value, cls, ())
    if problems:
        return None, problems
    resource = msgspec.convert(value, cls)
    faults = [Problem(document.file, document.mark(f.path), f.path, f.message, f.hint) for f in resource.faults()]
    faults += [
        _secret_fault(document, use.path)
        for use in resource.secrets()
        if (use.secret.file is None) == (use.secret.env is None)
    ]
    return (None, faults) if faults else (resource, [])


class _Checker:
    """Walks a value beside its type."""

    def __init__(self, document: Document) -> None:
        self._document = document

    def check(self, value: Any, expected: Any, path: Path) -> list[Problem]:
        bare, metas = _unwrap(expected)
        options = [option for option in _options(bare) if option is not type(None)]
        if isinstance(value, dict):
            structs = [option for option in options if isinstance(option, type) and issubclass(option, Struct)]
            if len(structs) == 1:
                return self._struct(value, structs[0], path)
        if isinstance(value, list) and get_origin(bare) is tuple:
            item = get_args(bare)[0]
            problems = [p for index, each in enumerate(value) for p in self.check(each, item, (*path, index))]
            if problems:
                return problems
        return self._leaf(value, expected, options, metas, path)

    def _struct(self, value: dict[str, Any], cls: type[Struct], path: Path) -> list[Problem]:
        fields = {field.encode_name: field for field in msgspec.structs.fields(cls)}
        problems: list[Problem] = []
        for key, each in value.items():
            field = fields.get(key)
            if field is not None:
                problems += self.check(each, field.type, (*path, key))
                continue
            hint = f"{_closest(key, fields)}known fields: {', '.join(sorted(fields))}"
            problems.append(_problem(self._document, (*path, key), f"unknown field {key!r}", each, hint))
        for name, field in fields.items():
            if field.required and name not in value:
                meaning = _meaning(field.type)
                hint = f"add `{name}:`" + (f" ({meaning})" if meaning else "")
                mark = self._document.mark(path)
                problems.append(Problem(self._document.file, mark, (*path, name), f"`{name}` is missing", hint))
        return problems

    def _leaf(self, value: Any, expected: Any, options: list[Any], metas: list[Meta], path: Path) -> list[Problem]:
        try:
            msgspec.convert(value, expected)
        except msgspec.ValidationError as error:
            message = str(error).partition(" - at `")[0].replace("`", "").removeprefix("Expected ")
            if message.startswith("Invalid enum value"):
                message = "one of the choices"
            wanted = "" if message.startswith(("Invalid", "Object")) else "expected "
            hint = self._hint(value, options, metas, path)
            secret = any((meta.extra or {}).get("secret") for meta in metas + _metas_of(options))
            problem = _problem(self._document, path, f"{wanted}{_humane(message, options)}", value, hint, secret=secret)
            return [problem]
        return []

    def _hint(self, value: Any, options: list[Any], metas: list[Meta], path: Path) -> str | None:
        kinds = [_unwrap(option)[0] for option in options]
        text = self._document.mark(path).text
        if str in kinds and isinstance(value, (int, float, bool)) and text is not None:
            return f'quote it: "{text}"'
        if int in kinds and isinstance(value, str) and value.strip().isdecimal():
            return f"write it without quotes: {int(value)}"
        choices = [choice for kind in kinds if get_origin(kind) is Literal for choice in get_args(kind)]
        if choices:
            closest = _closest(value, choices) if isinstance(value, str) else ""
            return f"{closest}one of {', '.join(str(choice) for choice in choices)}"
        every = metas + _metas_of(options)
        ranges = [f"{m.ge} to {m.le}" for m in every if m.ge is not None and m.le is not None]
        meaning = next((meta.description for meta in every if meta.description), None)
        return "; ".join(part for part in (f"from {ranges[0]}" if ranges else None, meaning) if part) or None


def _problem(
    document: Document, path: Path, message: str, value: Any, hint: str | None, *, secret: bool = False
) -> Problem:
    mark = document.mark(path)
    written = "(hidden)" if secret and not isinstance(value, (dict, list)) else shown(value, mark.text)
    return Problem(document.file, mark, path, message, hint, written)


def _secret_fault(document: Document, path: Path) -> Problem:
    message = "a secret reference names exactly one of `file` and `env`"
    return Problem(document.file, document.mark(path), path, message, "write {file: PATH} or {env: NAME}")


def _unwrap(expected: Any) -> tuple[Any, list[Meta]]:
    metas: list[Meta] = []
    while get_origin(expected) is Annotated:
        # The outermost says most about this very field.
        metas += [extra for extra in reversed(expected.__metadata__) if isinstance(extra, Meta)]
        expected = expected.__origin__
    return expected, metas


def _options(bare: Any) -> list[Any]:
    if get_origin(bare) in (Union, types.UnionType):
        return list(get_args(bare))
    return [bare]


def _metas_of(options: list[Any]) -> list[Meta]:
    return [meta for option in options for meta in _unwrap(option)[1]]


def _meaning(expected: Any) -> str | None:
    bare, metas = _unwrap(expected)
    return next((meta.description for meta in metas + _metas_of(_options(bare)) if meta.description), None)


def _humane(message: str, options: list[Any]) -> str:
    message = message.partition(" matching regex")[0] + (" of another form" if " matching regex" in message else "")
    for word, plain in (("object", "mapping"), ("array", "list"), ("str", "text"), ("int", "a whole number")):
        message = message if message.startswith("Invalid") else _replace_word(message, word, plain)
    return message


def _replace_word(message: str, word: str, plain: str) -> str:
    return " ".join(plain + part[len(word) :] if part.rstrip(",") == word else part for part in message.split(" "))


def _closest(name: str, known: Any) -> str:
    by_lower = {str(each).lower(): str(each) for each in known}
    found = difflib.get_close_matches(name.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"did you mean `{by_lower[found[0]]}`? " if found else ""


assert API_VERSION == "brivas.io/v1"  # noqa: S101 - the Literal in base.py must say the same.
