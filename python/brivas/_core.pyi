"""The Rust extension: the engine, and the simulated customers and carriers around it."""

from os import PathLike
from typing import Final, final

__all__ = [
    "PROFILE",
    "Engine",
    "RouteBench",
    "Simulation",
    "__version__",
    "check_carrier_tls",
    "check_listener_tls",
    "decode_text",
    "describe_pdu",
    "journal_census",
    "plan_text",
    "validate_snapshot",
]

PROFILE: Final[str]
__version__: Final[str]

@final
class Engine:
    """The engine: SMPP, routing, journal, and its gRPC faces. It runs from its construction until `stop`.

    Addresses are `IP:port`, port 0 takes a free one. Raises `brivas.errors.EngineError` where it cannot start:
    an address is taken, the journal is damaged or in use.
    """

    def __new__(
        cls,
        *,
        data_dir: str | PathLike[str],
        smpp_listen: str,
        messaging_listen: str,
        control_listen: str,
        control_token: str,
        segment_bytes: int = ...,
        retention_bytes: int = ...,
        open_bytes: int = ...,
    ) -> Engine: ...
    def addresses(self) -> dict[str, str]:
        """Where it listens: `smpp`, `messaging`, `control`."""

    def notices(self) -> list[tuple[str, str, list[tuple[str, str]]]]:
        """What happened since the last call, for the log: (level, event, fields). At most 1,024 wait."""

    def wait(self, timeout_ms: int) -> str | None:
        """Waits for it to end by itself; why it did, or None when the time is over first."""

    def drain(self, timeout_ms: int) -> bool:
        """Takes nothing new, lets what is under way end, parts with every bind; False when that takes longer."""

    def stop(self) -> None:
        """Ends now, with the journal written and closed."""

def validate_snapshot(snapshot: bytes) -> str:
    """Checks a serialised `brivas.v1.Snapshot`; gives its hash. Raises `brivas.errors.ConfigError`."""

def describe_pdu(octets: bytes) -> str:
    """A PDU in words, one JSON object: `command` first, every field by the specification's name, `status` by name in a
    response; `malformed` says why it cannot be read. Passwords are hidden."""

def journal_census(data_dir: str | PathLike[str]) -> list[tuple[str, int]]:
    """Counts the events of a stopped engine's journal, and whether each message has one final state.

    Raises `brivas.errors.EngineError` where the journal is in use or damaged.
    """

@final
class RouteBench:
    """A random routing table of the engine's own kind, and numbers to look up in it: for `brivas bench route`.

    Raises ValueError where no table can hold so many.
    """

    def __new__(cls, *, prefixes: int, ported: int, rules: int, seed: int) -> RouteBench: ...
    def facts(self) -> list[tuple[str, int]]:
        """What making it took, by name: milliseconds and octets."""

    def prefixes(self) -> list[str]:
        """All prefixes."""

    def numbers(self, count: int) -> list[str]:
        """The first of the numbers that are looked up."""

    def lookup(self, number: str) -> str | None:
        """The longest prefix of a number that has a route."""

    def round(self, lookups: int) -> list[tuple[str, float]]:
        """Looks up so many numbers in each way: nanoseconds each, and shares, by name. Other threads run meanwhile."""

@final
class Simulation:
    """Simulated customers, a carrier, or the mover between them; each in a thread of its own until it ends.

    Options, progress and result are JSON objects; `core/sim` documents their fields. Options that are wrong raise
    ValueError, which names the field.
    """

    @staticmethod
    def smsc(options_json: str) -> Simulation:
        """A simulated carrier; serves until it is stopped."""

    @staticmethod
    def load(options_json: str) -> Simulation:
        """Simulated customers; end by themselves."""

    @staticmethod
    def mover(options_json: str) -> Simulation:
        """The floor of benchmarks: moves the same bytes as a gateway, and does nothing else."""

    @staticmethod
    def conformance(options_json: str) -> Simulation:
        """Checks another system's conformance; the result is a report."""

    def address(self) -> str | None:
        """`host:port`, if it listens."""

    def progress(self) -> str:
        """Counters and phase as they stand."""

    def wait(self, timeout_ms: int) -> bool:
        """Waits for the end; True when it has come. Other Python threads run meanwhile."""

    def stop(self) -> None:
        """Ends it now, and waits until it has ended."""

    def result(self) -> str:
        """What came out, with `error` where it failed; before the end the progress."""

def plan_text(
    text: str, *, languages: list[int] = ..., transliterate: bool = ...
) -> list[tuple[str, int, str, int, int, int, int]]:
    """The way that is chosen for a text, then the others: (encoding, data_coding, unit, units, units_per_part, parts,
    replaced). Raises ValueError where it has too many parts in every way.
    """

def decode_text(user_data: bytes, data_coding: int, *, has_udh: bool = ..., alphabet: int = ...) -> str | None:
    """What a message says, without its header; None where it is no text, or not valid in its alphabet."""

def check_listener_tls(tls: bytes) -> tuple[str, str] | None:
    """What the engine would refuse of a serialised `brivas.v1.ListenerTls`: the field from `spec` on, and why."""

def check_carrier_tls(tls: bytes, host: str) -> tuple[str, str] | None:
    """The same of a serialised `brivas.v1.CarrierTls`; `host` is the carrier's."""
