"""YAML with positions: what was written, and where.

Reads documents into plain values while remembering line and column of each. Scalars follow YAML 1.2's core schema
(`on`, `yes` and `0044` are text, not booleans and octals). Tags, merge keys and duplicate keys are refused; the number
of values, and how deep they nest, is bounded (aliases cannot blow up).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

import yaml

from brivas.resources.base import Path
from brivas.resources.problem import Mark, Problem

FILE_BYTES_MAX = 4 * 1024 * 1024
VALUES_MAX = 200_000
DEPTH_MAX = 32

_PLAIN_TAGS = {"tag:yaml.org,2002:str", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}
_NULL = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9]{0,18})$")
_FLOAT = re.compile(r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+)$")
_LOADER = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(slots=True)
class Document:
    """One YAML document: its value, and the marks of its values and keys by path."""

    file: str
    value: Any
    marks: dict[Path, Mark] = field(default_factory=dict)

    def mark(self, path: Path) -> Mark:
        """Where a value stands; of one that is missing, where it should: the nearest that contains it."""
        while path not in self.marks and path:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))


def read_documents(file: FilePath, shown_as: str) -> tuple[list[Document], list[Problem]]:
    """The documents of a file; empty ones are left out. `shown_as` is the file's name in problems."""
    try:
        with file.open("rb") as opened:
            content = opened.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        return [], [Problem(shown_as, Mark(1, 1), (), f"cannot be read: {error.strerror}", "check its owner and mode")]
    if len(content) > FILE_BYTES_MAX:
        return [], [Problem(shown_as, Mark(1, 1), (), f"larger than {FILE_BYTES_MAX} bytes", "split it")]
    return parse_documents(content, shown_as)


def parse_documents(content: bytes, file: str) -> tuple[list[Document], list[Problem]]:
    """The documents in `content`."""
    documents: list[Document] = []
    problems: list[Problem] = []
    try:
        for node in _compose(content):
            reader = _Reader(file)
            value = reader.read(node, (), 0)
            problems.extend(reader.problems)
            if value is not None and not reader.problems:
                documents.append(Document(file, value, reader.marks))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problems.append(_syntax_problem(error, file))
    return documents, problems


def _compose(content: bytes) -> Iterator[yaml.Node]:
    text = content.decode("utf-8-sig")
    _refuse_deep(text)
    yield from yaml.compose_all(text, Loader=_LOADER)


def _refuse_deep(text: str) -> None:
    """Composing recurses in C, where too deep means a crash: so the depth is counted first, event by event."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH_MAX:
                mark: Any = event.start_mark
                raise yaml.MarkedYAMLError(problem=f"nested more than {DEPTH_MAX} levels deep", problem_mark=mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax_problem(error: Exception, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = " ".join(part for part in (error.context, error.problem) if part)
        hint = "indent with spaces, and quote text that holds `: ` or starts with a sign"
        return Problem(
            file, Mark(mark.line + 1, mark.column + 1) if mark else Mark(1, 1), (), f"not YAML: {what}", hint
        )
    if isinstance(error, UnicodeDecodeError):
        line = error.object.count(b"\n", 0, error.start) + 1
        return Problem(file, Mark(line, 1), (), f"not UTF-8: byte {error.object[error.start]:#04x}", "save it as UTF-8")
    return Problem(file, Mark(1, 1), (), f"not YAML: {error}", None)


@dataclass(slots=True)
class _Reader:
    """Turns the nodes of one document into values."""

    file: str
    marks: dict[Path, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0

    def read(self, node: yaml.Node, path: Path, depth: int) -> Any:
        mark = Mark(node.start_mark.line + 1, node.start_mark.column + 1)
        self.marks.setdefault(path, mark)
        self.values += 1
        if self.values > VALUES_MAX:
            return self._refuse(path, mark, f"more than {VALUES_MAX} values", "split it into files", once=True)
        if depth > DEPTH_MAX:
            return self._refuse(path, mark, "nested too deeply", f"at most {DEPTH_MAX} levels")
        if node.tag not in _PLAIN_TAGS and node.tag != "!":
            return self._refuse(path, mark, f"tag {node.tag} is not understood", "write the value without a tag")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, index), depth + 1) for index, item in enumerate(node.value)]
        self.marks[path] = Mark(mark.line, mark.column, node.value)
        assert isinstance(node, yaml.ScalarNode)  # noqa: S101 - there is no fourth kind of node.
        return _scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            mark = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
                self._refuse(
                    path, mark, "a key must be plain text", "merge keys and structured keys are not understood"
                )
                continue
            key = key_node.value
            if key in result:
                first = self.marks[(*path, key)]
                self._refuse((*path, key), mark, f"the key {key!r} stands twice", f"the first is in line {first.line}")
                continue
            result[key] = self.read(value_node, (*path, key), depth + 1)
            if isinstance(value_node, yaml.ScalarNode) and not value_node.value and not value_node.style:
                self.marks[(*path, key)] = Mark(mark.line, mark.column)
        return result

    def _refuse(self, path: Path, mark: Mark, message: str, hint: str, *, once: bool = False) -> None:
        if not once or self.values == VALUES_MAX + 1:
            self.problems.append(Problem(self.file, mark, path, message, hint))


def _scalar(node: yaml.ScalarNode) -> Any:
    text: str = node.value
    if node.style or node.tag == "!":
        return text
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if _INTEGER.match(text):
        return int(text)
    if _FLOAT.match(text):
        return float(text)
    return text
