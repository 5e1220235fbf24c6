"""Carriers as they are met in the field, as data: what a simulated one is told to be like one of them.

Each is one peculiarity by its usual name; several may be put together. The names of the options are the simulated
carrier's own (`core/sim/src/smsc/options.rs`). `brivas simulate smsc --profile` plays them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Profile:
    """A peculiarity: what it is, and how a simulated carrier plays it."""

    meaning: str
    options: Mapping[str, Any]


PROFILES: Final[Mapping[str, Profile]] = {
    "hex-ids": Profile("Message ids are 16 hexadecimal digits.", {"message_id": "hexadecimal"}),
    "decimal-ids": Profile("Message ids are decimal.", {"message_id": "decimal"}),
    "hex-then-decimal-ids": Profile(
        "The response has its id in hexadecimal, the receipt in decimal.", {"message_id": "mixed"}
    ),
    "decimal-then-hex-ids": Profile("The reverse.", {"message_id": "reversed"}),
    "padded-ids": Profile("The response's id has zeros in front, the receipt's has not.", {"message_id": "zeros"}),
    "case-changed-ids": Profile(
        "Capital letters in the response's id, small ones in the receipt's.", {"message_id": "case"}
    ),
    "uuid-ids": Profile("The response's id is a UUID; the receipt lacks its dashes.", {"message_id": "dashes"}),
    "nul-terminated": Profile("Ids and receipts' texts end with a NUL more than they should.", {"extra_nul": True}),
    "error-bodies": Profile(
        "Three in ten messages are refused with ESME_RSYSERR, and error responses have a body.",
        {"error_body": True, "error_rates": [{"command_status": "ESME_RSYSERR", "ratio": 0.3}]},
    ),
    "early-receipts": Profile(
        "The receipt comes 50 ms before the response.", {"receipt_before_response": True, "latency_ms": 50}
    ),
    "duplicate-receipts": Profile("Each receipt comes twice.", {"receipt_copies": 2}),
    "enroute-receipts": Profile("ENROUTE is told before the final state.", {"receipt_enroute": True}),
    "receipts-on-another-bind": Profile(
        "A receipt never comes on the bind that its message went out on, if there is another.",
        {"receipt_elsewhere": True},
    ),
    "receipts-by-data-sm": Profile("Receipts come as data_sm.", {"receipt_form": "data_sm"}),
    "receipts-in-tlvs": Profile("Receipts have no text, only TLVs.", {"receipt_form": "tlvs"}),
    "plain-receipts": Profile("Receipts lack the esm_class that says so.", {"receipt_form": "plain"}),
    "local-time": Profile("Receipts' dates are two hours ahead of UTC.", {"receipt_zone_minutes": 120}),
    "failing": Profile(
        "Three in ten messages are UNDELIV.", {"states": [{"state": "UNDELIV", "ratio": 0.3, "error": "011"}]}
    ),
    "throttling": Profile("ESME_RTHROTTLED beyond 50 messages a second.", {"throttle_per_second": 50}),
    "queue-full": Profile(
        "The same with ESME_RMSGQFUL.", {"throttle_per_second": 50, "throttle_status": "ESME_RMSGQFUL"}
    ),
    "silent": Profile("One message in ten gets neither response nor receipt.", {"silent_ratio": 0.1}),
    "slow": Profile("Responses take a second, receipts a second more.", {"latency_ms": 1000, "receipt_delay_ms": 1000}),
    "hangs-up": Profile("The connection breaks at each 15th message.", {"disconnect_every": 15}),
    "unbinds": Profile("It asks to part at each 15th message, as for maintenance.", {"unbind_every": 15}),
    "smpp-3.3": Profile(
        "SMPP 3.3: no TLVs, ids of 8 hexadecimal digits.", {"interface_version": "3.3", "message_id": "short"}
    ),
    "smpp-5.0": Profile(
        "SMPP 5.0: each response tells congestion_state 85.", {"interface_version": "5.0", "congestion_state": 85}
    ),
}


def options_of(names: Iterable[str]) -> dict[str, Any]:
    """All that these profiles say; where two say of the same, the later."""
    together: dict[str, Any] = {}
    for name in names:
        together |= PROFILES[name].options
    return together
