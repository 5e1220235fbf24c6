"""The gRPC services and the events, from the comments of `proto/brivas/v1/*.proto`.

protoc itself reads the files; its descriptors say which comment belongs to what.
"""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

from generate.tables import code, table

_PROTO: Final = Path(__file__).parents[2] / "proto"
# Numbers of the fields of FileDescriptorProto and its parts, of which SourceCodeInfo's paths are made.
_MESSAGE, _ENUM, _SERVICE, _INNER = 4, 5, 6, 2
_REPEATED: Final = FieldDescriptorProto.LABEL_REPEATED


def reference(name: str) -> str:
    """Services, messages and enums of one file."""
    file = next(each for each in _files().file if each.name == f"brivas/v1/{name}.proto")
    comments = _Comments(file)
    parts = [
        *(_service(each, comments, (_SERVICE, index)) for index, each in enumerate(file.service)),
        *(_message(each, comments, (_MESSAGE, index)) for index, each in enumerate(file.message_type)),
        *(_enum(each, comments, (_ENUM, index)) for index, each in enumerate(file.enum_type)),
    ]
    return "\n".join(parts)


@functools.cache
def _files() -> FileDescriptorSet:
    sources = [str(each) for each in sorted(_PROTO.glob("brivas/v1/*.proto"))]
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "descriptors")
        asked = ["protoc", f"--proto_path={_PROTO}", "--include_source_info", f"--descriptor_set_out={out}", *sources]
        if protoc.main(asked) != 0:
            raise ValueError(f"protoc cannot read {_PROTO}")
        return FileDescriptorSet.FromString(out.read_bytes())


class _Comments:
    """What stands above each part of a file."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self._by_path = {tuple(each.path): each.leading_comments for each in file.source_code_info.location}

    def of(self, path: tuple[int, ...]) -> str:
        return " ".join(self._by_path.get(path, "").split())


def _service(service: ServiceDescriptorProto, comments: _Comments, path: tuple[int, ...]) -> str:
    rows = [
        (
            code(each.name),
            _shown(each.input_type, each.client_streaming),
            _shown(each.output_type, each.server_streaming),
            comments.of((*path, _INNER, index)),
        )
        for index, each in enumerate(service.method)
    ]
    head = f"### Service {service.name}\n\n{comments.of(path)}\n\n"
    return head + table(("Call", "Request", "Response", "Does"), rows)


def _message(message: DescriptorProto, comments: _Comments, path: tuple[int, ...]) -> str:
    head = f"### {message.name}\n\n{comments.of(path)}\n\n"
    if not message.field:
        return head + "No fields.\n"
    return head + table(("Field", "Number", "Type", "Meaning"), _fields(message, comments, path))


def _fields(message: DescriptorProto, comments: _Comments, path: tuple[int, ...]) -> Iterator[tuple[str, ...]]:
    for index, field in enumerate(message.field):
        meaning = comments.of((*path, _INNER, index))
        if field.HasField("oneof_index") and not field.proto3_optional:
            meaning = f"One of `{message.oneof_decl[field.oneof_index].name}`. {meaning}".strip()
        yield code(field.name), str(field.number), _type(field), meaning


def _enum(enum: EnumDescriptorProto, comments: _Comments, path: tuple[int, ...]) -> str:
    rows = [
        (code(each.name), str(each.number), comments.of((*path, _INNER, index)))
        for index, each in enumerate(enum.value)
    ]
    return f"### {enum.name}\n\n{comments.of(path)}\n\n" + table(("Value", "Number", "Meaning"), rows)


def _type(field: FieldDescriptorProto) -> str:
    name = (
        field.type_name.rpartition(".")[2] or FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    )
    return f"list of {code(name)}" if field.label == _REPEATED else code(name)


def _shown(type_name: str, streaming: bool) -> str:
    return ("stream of " if streaming else "") + code(type_name.rpartition(".")[2])
