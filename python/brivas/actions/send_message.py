"""Action `send_message`: hands messages over to the engine.

`submit` takes up to 1,000 at once (the HTTP face uses it); the action takes one.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from brivas.actions.action import Action, ActionContext
from brivas.clients.messaging import AsyncMessagingClient
from brivas.errors import BusyError, CallError, InvalidError, UnavailableError
from brivas.limits import (
    DATA_OCTETS_MAX,
    MESSAGES_MAX,
    NUMBER_DIGITS_MAX,
    REFERENCE_OCTETS_MAX,
    SENDER_CHARACTERS_MAX,
    TEXT_CHARACTERS_MAX,
    VALIDITY_SECONDS_MAX,
)
from brivas.timestamps import epoch_ms
from brivas.v1 import events_pb2, messaging_pb2

_IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e]{1,64}")
# SMPP 3.4 §5.1.3: what may succeed later.
_SYSTEM_ERROR: Final = 0x08
_MESSAGE_QUEUE_FULL: Final = 0x14
_THROTTLED: Final = 0x58
_RECEIPT_REQUESTED: Final = 1
# data_coding of octets, and of those that are shown at once (3GPP TS 23.038 §4).
_OCTETS: Final = 4
_FLASH_OCTETS: Final = 0xF4

Encoding = Literal["auto", "gsm7", "latin1", "ucs2", "binary"]
"""How a message is written; `binary` is data."""

_ENCODINGS: Final = {
    "auto": messaging_pb2.TEXT_ENCODING_AUTO,
    "gsm7": messaging_pb2.TEXT_ENCODING_GSM7,
    "latin1": messaging_pb2.TEXT_ENCODING_LATIN1,
    "ucs2": messaging_pb2.TEXT_ENCODING_UCS2,
}


class NewMessage(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """A message to send: `text`, or `data` with `data_coding`."""

    to: Annotated[
        str,
        Meta(
            pattern=rf"^\+?[0-9]{{1,{NUMBER_DIGITS_MAX}}}$",
            description=f"The number in E.164: up to {NUMBER_DIGITS_MAX} digits, with or without '+'.",
            examples=["+447700900123"],
        ),
    ]
    from_: Annotated[
        str,
        Meta(
            pattern=rf"^(\+?[0-9]{{1,{NUMBER_DIGITS_MAX}}}|[ -~]{{1,{SENDER_CHARACTERS_MAX}}})$",
            description=f"A number, a short code, or up to {SENDER_CHARACTERS_MAX} alphanumeric characters.",
            examples=["Brivas"],
        ),
    ]
    text: Annotated[str, Meta(max_length=TEXT_CHARACTERS_MAX, description="The text.")] | UnsetType = UNSET
    data: (
        Annotated[
            str,
            Meta(
                pattern=r"^([0-9a-fA-F]{2})*$",
                max_length=2 * DATA_OCTETS_MAX,
                description="Instead of a text: octets in hexadecimal, sent as they are.",
            ),
        ]
        | UnsetType
    ) = UNSET
    data_coding: (
        Annotated[int, Meta(ge=0, le=255, description="Of `data`: SMPP 3.4 §5.2.19. 4 (binary) if not given.")]
        | UnsetType
    ) = UNSET
    encoding: Annotated[
        Encoding,
        Meta(
            description="Of `text`: `auto` takes the fewest parts; `gsm7`, `latin1` and `ucs2` are taken or refused. "
            "`binary` is `data`."
        ),
    ] = "auto"
    flash: Annotated[bool, Meta(description="Shown at once and not stored: message class 0.")] = False
    transliterate: (
        Annotated[
            bool,
            Meta(
                description="Of `text`: whether characters may be replaced by their nearest where that saves parts, or "
                "where `gsm7` lacks them; as the account says if not given."
            ),
        ]
        | UnsetType
    ) = UNSET
    validity_seconds: Annotated[
        int, Meta(ge=0, le=VALIDITY_SECONDS_MAX, description="How long to try; 0 takes the account's default.")
    ] = 0
    schedule_at: (
        Annotated[
            datetime.datetime,
            Meta(tz=True, description="When to send it, with its zone (RFC 3339); at once if not given."),
        ]
        | UnsetType
    ) = UNSET
    reference: Annotated[
        str, Meta(max_length=REFERENCE_OCTETS_MAX, description="Your own name for it, given back with every event.")
    ] = ""

    def __post_init__(self) -> None:
        # In Python's regular expressions `$` also matches before a line feed at the end.
        if any("\n" in value for value in (self.to, self.from_, self.data) if isinstance(value, str)):
            raise ValueError("a line feed in `to`, `from` or `data`")
        if (self.text is UNSET) == (self.data is UNSET):
            raise ValueError("give exactly one of `text` and `data`")
        if self.data_coding is not UNSET and self.data is UNSET:
            raise ValueError("`data_coding` goes with `data`; the alphabet of a text is chosen for it")
        self._check_text_options()
        if len(self.reference.encode()) > REFERENCE_OCTETS_MAX:
            raise ValueError(f"`reference` is longer than {REFERENCE_OCTETS_MAX} octets")

    def _check_text_options(self) -> None:
        is_text = self.text is not UNSET
        if is_text and self.encoding == "binary":
            raise ValueError("`encoding` is `binary` and `text` is given; write octets into `data`")
        if not is_text and self.encoding not in ("auto", "binary"):
            raise ValueError(f"`encoding` is `{self.encoding}` and `data` is given, which is sent as it is")
        if not is_text and self.transliterate is not UNSET:
            raise ValueError("`transliterate` goes with `text`; `data` is sent as it is")
        if self.flash and self.data_coding is not UNSET:
            raise ValueError("`flash` and `data_coding` are given; `data_coding` says the class as well")

    def as_proto(self) -> messaging_pb2.NewMessage:
        """The message as the engine takes it."""
        message = messaging_pb2.NewMessage(to=self.to, validity_seconds=self.validity_seconds, reference=self.reference)
        if isinstance(self.schedule_at, datetime.datetime):
            message.schedule_at_ms = epoch_ms(self.schedule_at)
        # A keyword of Python: the field has no attribute that can be written in source.
        setattr(message, "from", self.from_)
        if isinstance(self.text, str):
            message.text = self.text
            message.encoding = _ENCODINGS[self.encoding]
            if self.flash:
                message.message_class = 0
            if isinstance(self.transliterate, bool):
                message.transliterate = self.transliterate
        elif isinstance(self.data, str):
            default_coding = _FLASH_OCTETS if self.flash else _OCTETS
            message.content.CopyFrom(
                events_pb2.Content(
                    short_message=bytes.fromhex(self.data),
                    data_coding=self.data_coding if isinstance(self.data_coding, int) else default_coding,
                    registered_delivery=_RECEIPT_REQUESTED,
                )
            )
        return message


class SendMessage(NewMessage, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """The input of the action: a message, and a key that makes repeating it safe."""

    idempotency_key: Annotated[
        str, Meta(pattern=r"^[!-~]{0,64}$", description="The same key with the same message sends it once in 24 hours.")
    ] = ""


class SentMessage(Struct, frozen=True):
    """The message was taken over."""

    id: Annotated[str, Meta(description="16 hexadecimal digits; names the message from now on.")]
    replayed: Annotated[bool, Meta(description="The idempotency key was known: nothing was sent again.")] = False


async def submit(
    client: AsyncMessagingClient, messages: Sequence[NewMessage], idempotency_key: str
) -> messaging_pb2.SubmitResponse:
    """Hands over 1 to 1,000 messages; the response has a result for each, in order."""
    if not 1 <= len(messages) <= MESSAGES_MAX:
        raise InvalidError(f"{len(messages)} messages", hint=f"send 1 to {MESSAGES_MAX:,} at once")
    if idempotency_key and not _IDEMPOTENCY_KEY.fullmatch(idempotency_key):
        raise InvalidError(
            "the idempotency key is not 1 to 64 visible ASCII characters", hint="use a UUID or an order's number"
        )
    response = await client.submit([message.as_proto() for message in messages], idempotency_key=idempotency_key)
    if len(response.results) != len(messages):
        raise CallError(f"the engine answered {len(response.results)} results for {len(messages)} messages")
    return response


def refusal(result: messaging_pb2.SubmitResult) -> CallError:
    """The error of a message that the engine refused."""
    if result.command_status in (_MESSAGE_QUEUE_FULL, _THROTTLED):
        queue_full = result.command_status == _MESSAGE_QUEUE_FULL
        return BusyError(result.error, hint=result.hint or "send slower, or later", queue_full=queue_full)
    if result.command_status == _SYSTEM_ERROR:
        return UnavailableError(result.error, hint=result.hint or "try again in a moment")
    return InvalidError(result.error, hint=result.hint or None)


async def _run(context: ActionContext, message: SendMessage) -> SentMessage:
    response = await submit(context.messaging, [message], message.idempotency_key)
    result = response.results[0]
    if not result.id:
        raise refusal(result)
    return SentMessage(id=result.id, replayed=response.replayed)


send_message: Final = Action(
    name="send_message",
    description="Sends one SMS. Answers its id once it is as durable as the account asks.",
    input_type=SendMessage,
    result_type=SentMessage,
    writes=True,
    run=_run,
)
