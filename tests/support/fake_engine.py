"""An engine without SMPP: both gRPC services in this process, for tests of what calls them.

It checks keys, keeps messages and events, answers by the rules of `proto/brivas/v1`, and fails where a test says so.
"""

# The methods of a servicer are named by the service.
# ruff: noqa: N802

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

import grpc

from brivas.v1 import (
    control_pb2,
    control_pb2_grpc,
    events_pb2,
    messaging_pb2,
    messaging_pb2_grpc,
)

API_KEY = "brivas_the-key-of-acme"
OTHER_KEY = "brivas_the-key-of-globex"
TOKEN = "the-token-of-control"
THROTTLED = 0x58
QUEUE_FULL = 0x14


class FakeEngine:
    """Started at once; `stop` and `start` again keep the address and what it knows."""

    def __init__(self) -> None:
        self.keys = {API_KEY: "acme", OTHER_KEY: "globex"}
        self.requests: list[messaging_pb2.SubmitRequest] = []
        self.statuses: dict[str, messaging_pb2.MessageStatus] = {}
        self.events: list[messaging_pb2.WatchedEvent] = []
        self.watched_from: list[int | None] = []
        self.applied: list[control_pb2.Snapshot] = []
        self.failures: dict[str, tuple[grpc.StatusCode, str]] = {}
        """By method: what it answers instead."""
        self.refusals: dict[str, tuple[int, str]] = {}
        """By destination: command_status and error."""
        self.delay_seconds = 0.0
        self.stats = control_pb2.StatsResponse(
            snapshot_hash="5e" * 32, version="0.1.0", profile="release", started_at_ms=1_700_000_000_000
        )
        self._idempotent: dict[tuple[str, str], tuple[bytes, messaging_pb2.SubmitResponse]] = {}
        self._changed = threading.Condition()
        self._server: grpc.Server | None = None
        self._stopping = threading.Event()
        self.port = 0
        self.start()

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        self._stopping.clear()
        # Streams occupy a thread each.
        server = grpc.server(ThreadPoolExecutor(32), options=[("grpc.so_reuseport", 0)])
        messaging_pb2_grpc.add_MessagingServicer_to_server(_Messaging(self), server)
        control_pb2_grpc.add_ControlServicer_to_server(_Control(self), server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        server.start()
        self._server = server

    def stop(self) -> None:
        if self._server is not None:
            self._stopping.set()
            with self._changed:
                self._changed.notify_all()
            self._server.stop(grace=0).wait()
            self._server = None

    def add_event(
        self,
        message_id: str,
        event: events_pb2.Event,
        *,
        account: str = "acme",
        reference: str = "",
        to: str = "447700900123",
    ) -> int:
        """Appends an event; answers its offset."""
        with self._changed:
            offset = len(self.events)
            self.events.append(
                messaging_pb2.WatchedEvent(
                    id=message_id,
                    at_ms=1_700_000_000_000 + offset,
                    offset=offset,
                    event=event,
                    account=account,
                    reference=reference,
                    source=events_pb2.Address(digits=b"Acme"),
                    destination=events_pb2.Address(ton=1, npi=1, digits=to.encode()),
                )
            )
            self._changed.notify_all()
            return offset

    def judge(self, method: str, context: grpc.ServicerContext) -> None:
        """Fails when a test says so."""
        if self.delay_seconds:
            time.sleep(self.delay_seconds)
        if method in self.failures:
            _abort(context, *self.failures[method])

    def account_of(self, context: grpc.ServicerContext) -> str:
        account = self.keys.get(_bearer(context))
        if account is None:
            _abort(context, grpc.StatusCode.UNAUTHENTICATED, "unknown API key; hint: ask for a key")
        return account

    def submit(self, account: str, request: messaging_pb2.SubmitRequest) -> messaging_pb2.SubmitResponse | None:
        """The response; None when the idempotency key was used with other messages."""
        with self._changed:
            stripped = messaging_pb2.SubmitRequest(messages=request.messages).SerializeToString(deterministic=True)
            fingerprint = hashlib.sha256(stripped).digest()
            known = self._idempotent.get((account, request.idempotency_key)) if request.idempotency_key else None
            if known is not None:
                if known[0] != fingerprint:
                    return None
                return messaging_pb2.SubmitResponse(results=known[1].results, replayed=True)
            self.requests.append(request)
            response = messaging_pb2.SubmitResponse(results=[self._take(account, each) for each in request.messages])
            if request.idempotency_key:
                self._idempotent[account, request.idempotency_key] = (fingerprint, response)
            return response

    def _take(self, account: str, message: messaging_pb2.NewMessage) -> messaging_pb2.SubmitResult:
        if message.to in self.refusals:
            status, error = self.refusals[message.to]
            return messaging_pb2.SubmitResult(command_status=status, error=error, hint="as the test says")
        message_id = f"{len(self.statuses) + 1:016x}"
        content = (
            message.content if message.HasField("content") else events_pb2.Content(short_message=message.text.encode())
        )
        content.source.CopyFrom(events_pb2.Address(digits=getattr(message, "from").encode()))
        content.destination.CopyFrom(events_pb2.Address(ton=1, npi=1, digits=message.to.lstrip("+").encode()))
        accepted = events_pb2.Event(accepted=events_pb2.Accepted(account=account, content=content))
        self.statuses[message_id] = messaging_pb2.MessageStatus(
            id=message_id,
            account=account,
            state=events_pb2.MESSAGE_STATE_ENROUTE,
            accepted_at_ms=1_700_000_000_123,
            expires_at_ms=1_700_086_400_123,
            content=content,
            reference=message.reference,
            history=[messaging_pb2.MessageEvent(at_ms=1_700_000_000_123, offset=7, event=accepted)],
        )
        return messaging_pb2.SubmitResult(id=message_id)

    def watch(
        self, request: messaging_pb2.WatchRequest, context: grpc.ServicerContext, account: str | None
    ) -> Iterator[messaging_pb2.WatchResponse]:
        with self._changed:
            offset = request.from_offset if request.HasField("from_offset") else len(self.events)
            self.watched_from.append(request.from_offset if request.HasField("from_offset") else None)
        while context.is_active() and not self._stopping.is_set():
            with self._changed:
                if offset >= len(self.events):
                    self._changed.wait(0.2)
                batch = self.events[offset : offset + 100]
                end = len(self.events)
            if batch:
                offset += len(batch)
                yield messaging_pb2.WatchResponse(
                    events=[event for event in batch if _wanted(event, request.kinds, account)],
                    next_offset=offset,
                    end_offset=end,
                )
        if self._stopping.is_set():
            _abort(context, grpc.StatusCode.UNAVAILABLE, "shutting down")

    def current_stats(self) -> control_pb2.StatsResponse:
        stats = control_pb2.StatsResponse()
        stats.CopyFrom(self.stats)
        stats.journal.durable_offset = len(self.events)
        stats.journal.written_offset = len(self.events)
        stats.journal.written_offset = len(self.events)
        return stats


def _wanted(event: messaging_pb2.WatchedEvent, kinds: Sequence[str], account: str | None) -> bool:
    if kinds and event.event.WhichOneof("kind") not in kinds:
        return False
    return account is None or event.account == account


def _bearer(context: grpc.ServicerContext) -> str:
    metadata: dict[str, Any] = dict(context.invocation_metadata())
    return str(metadata.get("authorization", "")).removeprefix("Bearer ")


def _abort(context: grpc.ServicerContext, code: grpc.StatusCode, details: str) -> NoReturn:
    context.abort(code, details)
    raise AssertionError("abort raises")


class _Messaging(messaging_pb2_grpc.MessagingServicer):
    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def Submit(
        self, request: messaging_pb2.SubmitRequest, context: grpc.ServicerContext
    ) -> messaging_pb2.SubmitResponse:
        account = self._engine.account_of(context)
        self._engine.judge("Submit", context)
        response = self._engine.submit(account, request)
        if response is None:
            _abort(context, grpc.StatusCode.ALREADY_EXISTS, "the idempotency key was used with other messages")
        return response

    def SubmitStream(
        self, request_iterator: Any, context: grpc.ServicerContext
    ) -> Iterator[messaging_pb2.SubmitResponse]:
        for request in request_iterator:
            yield self.Submit(request, context)

    def Query(self, request: messaging_pb2.QueryRequest, context: grpc.ServicerContext) -> messaging_pb2.MessageStatus:
        account = self._engine.account_of(context)
        self._engine.judge("Query", context)
        status = self._engine.statuses.get(request.id)
        if status is None or status.account != account:
            _abort(context, grpc.StatusCode.NOT_FOUND, "no message has this id")
        return status

    def Cancel(
        self, request: messaging_pb2.CancelRequest, context: grpc.ServicerContext
    ) -> messaging_pb2.CancelResponse:
        self._engine.account_of(context)
        self._engine.judge("Cancel", context)
        return messaging_pb2.CancelResponse()

    def Watch(
        self, request: messaging_pb2.WatchRequest, context: grpc.ServicerContext
    ) -> Iterator[messaging_pb2.WatchResponse]:
        account = self._engine.account_of(context)
        self._engine.judge("Watch", context)
        yield from self._engine.watch(request, context, account)


class _Control(control_pb2_grpc.ControlServicer):
    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def _enter(self, method: str, context: grpc.ServicerContext) -> None:
        if _bearer(context) != TOKEN:
            _abort(context, grpc.StatusCode.UNAUTHENTICATED, "unknown token")
        self._engine.judge(method, context)

    def Apply(self, request: control_pb2.ApplyRequest, context: grpc.ServicerContext) -> control_pb2.ApplyResponse:
        self._enter("Apply", context)
        if not request.dry_run:
            self._engine.applied.append(request.snapshot)
        digest = hashlib.sha256(request.snapshot.SerializeToString(deterministic=True)).hexdigest()
        return control_pb2.ApplyResponse(hash=digest, changed=True)

    def Stats(self, request: control_pb2.StatsRequest, context: grpc.ServicerContext) -> control_pb2.StatsResponse:
        self._enter("Stats", context)
        return self._engine.current_stats()

    def Binds(self, request: control_pb2.BindsRequest, context: grpc.ServicerContext) -> control_pb2.BindsResponse:
        self._enter("Binds", context)
        return control_pb2.BindsResponse(binds=[control_pb2.Bind(side="customer", name="acme", state="bound_trx")])

    def Explain(
        self, request: control_pb2.ExplainRequest, context: grpc.ServicerContext
    ) -> control_pb2.ExplainResponse:
        self._enter("Explain", context)
        return control_pb2.ExplainResponse(steps=[f"{request.account} to {request.destination}"], route="all")

    def Review(self, request: control_pb2.ReviewRequest, context: grpc.ServicerContext) -> control_pb2.ReviewResponse:
        self._enter("Review", context)
        return control_pb2.ReviewResponse(unknown=request.ids)

    def Suppressions(
        self, request: control_pb2.SuppressionsRequest, context: grpc.ServicerContext
    ) -> control_pb2.SuppressionsResponse:
        self._enter("Suppressions", context)
        return control_pb2.SuppressionsResponse()

    def Drain(self, request: control_pb2.DrainRequest, context: grpc.ServicerContext) -> control_pb2.DrainResponse:
        self._enter("Drain", context)
        return control_pb2.DrainResponse(drained=True)

    def Watch(
        self, request: messaging_pb2.WatchRequest, context: grpc.ServicerContext
    ) -> Iterator[messaging_pb2.WatchResponse]:
        self._enter("Watch", context)
        yield from self._engine.watch(request, context, None)

    def Query(self, request: messaging_pb2.QueryRequest, context: grpc.ServicerContext) -> messaging_pb2.MessageStatus:
        self._enter("Query", context)
        status = self._engine.statuses.get(request.id)
        if status is None:
            _abort(context, grpc.StatusCode.NOT_FOUND, "no message has this id")
        return status

    def Trace(
        self, request: control_pb2.TraceRequest, context: grpc.ServicerContext
    ) -> Iterator[control_pb2.TraceResponse]:
        self._enter("Trace", context)
        yield control_pb2.TraceResponse()
        enquire_link = bytes.fromhex("00000010 00000015 00000000 00000007")
        pdu = control_pb2.TracedPdu(
            connection=7, side="customer", name="acme", peer="127.0.0.1:40000", octets=enquire_link
        )
        yield control_pb2.TraceResponse(pdus=[pdu], lost_octets=request.octets_per_second_max)
