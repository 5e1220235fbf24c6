"""Secrets are references: a resource says where a secret is, never what it is.

`{file: PATH}` is a file, relative to the configuration folder or else to the data directory; `{env: NAME}` is an
environment variable. What was read is a `Secret`, which hides itself wherever it is printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from brivas.errors import ConfigError

SECRET_BYTES_MAX = 64 * 1024


class SecretRef(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a secret stands: exactly one of `file` and `env`."""

    file: (
        Annotated[
            str,
            Meta(
                min_length=1,
                max_length=4096,
                description="Path of a file that holds the secret and nothing else; relative to the folder of the "
                "configuration, or else to the data directory. White space at its end is not part of it.",
            ),
        ]
        | None
    ) = None
    env: (
        Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", description="Name of an environment variable.")] | None
    ) = None

    def describe(self) -> str:
        """The reference, in words."""
        return f"file {self.file}" if self.file is not None else f"environment variable {self.env}"


class Secret:
    """A secret's value; printing it shows nothing."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: for the one place that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Reads secrets: from files under one of `folders` (the first that has the file), and from `environment`."""

    folders: tuple[Path, ...]
    environment: Mapping[str, str]

    def read(self, reference: SecretRef) -> Secret:
        """The secret; a ConfigError says why it cannot be had."""
        if reference.env is not None:
            return self._from_environment(reference.env)
        if reference.file is not None:
            return self._from_file(Path(reference.file))
        raise ConfigError("a secret reference names neither `file` nor `env`")

    def _from_environment(self, name: str) -> Secret:
        value = self.environment.get(name)
        if not value:
            raise ConfigError(f"environment variable {name} is not set", hint=f"set {name} where this process starts")
        return Secret(value)

    def _from_file(self, path: Path) -> Secret:
        candidates = [path] if path.is_absolute() else [folder / path for folder in self.folders]
        for candidate in candidates:
            try:
                with candidate.open("rb") as opened:
                    content = opened.read(SECRET_BYTES_MAX + 1)
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise ConfigError(
                    f"{candidate}: {error.strerror}", hint="the process must be able to read it"
                ) from error
            return Secret(_text(candidate, content))
        looked = ", ".join(str(candidate) for candidate in candidates)
        raise ConfigError(f"no such file: {path}", hint=f"looked for {looked}")


def _text(path: Path, content: bytes) -> str:
    if len(content) > SECRET_BYTES_MAX:
        raise ConfigError(f"{path}: larger than {SECRET_BYTES_MAX} bytes", hint="a secret's file holds the secret only")
    try:
        value = content.decode().rstrip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: not UTF-8 text") from error
    if not value:
        raise ConfigError(f"{path}: empty", hint="write the secret into it")
    return value
