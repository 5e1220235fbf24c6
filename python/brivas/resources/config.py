"""A configuration: a folder's resources, checked as a whole, with its secrets read.

`load_folder` refuses the whole folder when anything is wrong, and says all that is wrong. Files are `*.yaml` and
`*.yml` at any depth; hidden ones and symbolic links out of sight of the listing are left alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import TypeVar

from brivas.errors import ConfigError
from brivas.resources.base import Path, Resource
from brivas.resources.datafile import FileSource, FoundFile
from brivas.resources.document import Document, read_documents
from brivas.resources.kinds import installed_kinds
from brivas.resources.parse import parse_resource
from brivas.resources.problem import ConfigRefusedError, Mark, Problem, shown
from brivas.resources.secret import Secret, SecretRef, SecretSource

FILES_MAX = 10_000
SUFFIXES = (".yaml", ".yml")

R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class Config:
    """A valid configuration, ordered by kind and name."""

    resources: tuple[Resource, ...]
    secrets: Mapping[SecretRef, Secret]
    files: Mapping[str, FoundFile] = field(default_factory=dict)
    """Large files, by the names that resources have for them."""

    def of(self, cls: type[R]) -> tuple[R, ...]:
        """The resources of a kind, by name."""
        return tuple(resource for resource in self.resources if isinstance(resource, cls))

    def secret(self, reference: SecretRef) -> Secret:
        """What a reference stands for."""
        try:
            return self.secrets[reference]
        except KeyError:
            raise ConfigError(f"the secret in {reference.describe()} was not read") from None

    def file(self, name: str) -> FoundFile:
        """Where a file is, and what is in it."""
        try:
            return self.files[name]
        except KeyError:
            raise ConfigError(f"the file {name} was not read") from None


@dataclass(frozen=True, slots=True)
class _Placed:
    """A resource and the document it came from."""

    resource: Resource
    document: Document


def load_folder(
    folder: FilePath,
    *,
    data: FilePath | None = None,
    environment: Mapping[str, str] | None = None,
    kinds: Mapping[str, type[Resource]] | None = None,
    read_secrets: bool = True,
) -> Config:
    """The configuration in a folder (or in one file). A ConfigRefusedError names everything that is wrong.

    Without `read_secrets` nothing beside the folder is read: neither secrets nor large files.
    """
    files = list_files(folder)
    base = folder if folder.is_dir() else folder.parent
    known = installed_kinds() if kinds is None else kinds
    placed: list[_Placed] = []
    problems: list[Problem] = []
    for file in files:
        documents, wrong = read_documents(file, str(file))
        problems += wrong
        for document in documents:
            resource, wrong = parse_resource(document, known)
            problems += wrong
            if resource is not None:
                placed.append(_Placed(resource, document))
    problems += _duplicates(placed)
    # What could not be parsed may be what is referred to: say first things first.
    if not problems:
        problems += _dangling(placed)
    source = SecretSource((base,) if data is None else (base, data), os.environ if environment is None else environment)
    secrets: dict[SecretRef, Secret] = {}
    found: dict[str, FoundFile] = {}
    if read_secrets:
        problems += _read_secrets(placed, source, secrets)
        problems += _find_files(placed, FileSource(source.folders), found)
        # What is not there is said first.
        if not problems:
            problems += _judge_secrets(placed, secrets)
    if problems:
        raise ConfigRefusedError(problems)
    ordered = sorted((each.resource for each in placed), key=lambda resource: (resource.kind_name, resource.name))
    return Config(tuple(ordered), secrets, found)


def list_files(folder: FilePath) -> list[FilePath]:
    """The files of a configuration, in order."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise ConfigError(f"no such folder: {folder}", hint="name a folder of YAML files, or one file")
    files = sorted(_walk(folder))
    if len(files) > FILES_MAX:
        raise ConfigError(f"{folder}: {len(files)} files, more than {FILES_MAX}", hint="put resources into fewer files")
    return files


def _walk(folder: FilePath) -> Iterator[FilePath]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (FilePath(parent, name) for name in names if name.endswith(SUFFIXES) and not name.startswith("."))


def _duplicates(placed: Sequence[_Placed]) -> Iterator[Problem]:
    names: dict[tuple[str, str], _Placed] = {}
    claims: dict[tuple[str, str], tuple[_Placed, Path]] = {}
    for each in placed:
        resource, document = each.resource, each.document
        first = names.setdefault((resource.kind_name, resource.name), each)
        if first is not each:
            path: Path = ("metadata", "name")
            where = _where(first.document, first.document.mark(path))
            message = f"a second {resource.kind_name} is named {resource.name!r}"
            yield Problem(document.file, document.mark(path), path, message, f"rename one; the first is in {where}")
            continue
        for claim in resource.claims():
            owner, claimed = claims.setdefault((claim.what, claim.value), (each, claim.path))
            if owner is not each:
                where = _where(owner.document, owner.document.mark(claimed))
                value = "(hidden)" if claim.what == "API key" else claim.value
                message = f"a second {claim.what} {value}"
                hint = f"{owner.resource.kind_name} {owner.resource.name!r} has it in {where}; only one may"
                yield Problem(document.file, document.mark(claim.path), claim.path, message, hint)


def _dangling(placed: Sequence[_Placed]) -> Iterator[Problem]:
    known: dict[str, set[str]] = {}
    for each in placed:
        known.setdefault(each.resource.kind_name, set()).add(each.resource.name)
    for each in placed:
        for reference in each.resource.references():
            names = known.get(reference.kind, set())
            if reference.name not in names:
                there = ", ".join(sorted(names)[:10]) or "none"
                yield Problem(
                    each.document.file,
                    each.document.mark(reference.path),
                    reference.path,
                    f"no {reference.kind} has this name",
                    f"{reference.kind}s there are: {there}",
                    shown(reference.name),
                )


def _read_secrets(placed: Sequence[_Placed], source: SecretSource, into: dict[SecretRef, Secret]) -> Iterator[Problem]:
    for each in placed:
        for use in each.resource.secrets():
            try:
                into[use.secret] = source.read(use.secret)
            except ConfigError as error:
                yield Problem(each.document.file, each.document.mark(use.path), use.path, error.message, error.hint)


def _judge_secrets(placed: Sequence[_Placed], secrets: Mapping[SecretRef, Secret]) -> Iterator[Problem]:
    for each in placed:
        named = {use.path: use.secret.describe() for use in each.resource.secrets()}
        for fault in each.resource.secret_faults(secrets.__getitem__):
            mark = each.document.mark(fault.path)
            value = named.get(fault.path)
            yield Problem(each.document.file, mark, fault.path, fault.message, fault.hint, value)


def _find_files(placed: Sequence[_Placed], source: FileSource, into: dict[str, FoundFile]) -> Iterator[Problem]:
    for each in placed:
        for use in each.resource.files():
            try:
                into[use.file] = source.find(use.file)
            except ConfigError as error:
                yield Problem(each.document.file, each.document.mark(use.path), use.path, error.message, error.hint)


def _where(document: Document, mark: Mark) -> str:
    return f"{document.file}:{mark.line}"
