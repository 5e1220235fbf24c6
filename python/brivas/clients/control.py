"""Clients of `Control`: configuration, what the engine is doing, drain, the events of all accounts."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Sequence
from types import TracebackType
from typing import TypeVar

import grpc
import grpc.aio

from brivas.clients.channel import CALL_TIMEOUT_SECONDS, WATCH_SECONDS_MAX, bearer, open_async_channel, open_channel
from brivas.clients.failures import as_error
from brivas.errors import DeadlineError
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2, control_pb2_grpc, messaging_pb2

APPLY_TIMEOUT_SECONDS = 300.0
"""A snapshot may be large, and name files that the engine reads first."""

Answer = TypeVar("Answer")


class ControlClient:
    """Blocking; for commands and threads."""

    def __init__(self, target: str, token: Secret, *, timeout_seconds: float = CALL_TIMEOUT_SECONDS) -> None:
        self.target = target
        self._timeout = timeout_seconds
        self._metadata = bearer(token)
        self._channel = open_channel(target)
        self._stub = control_pb2_grpc.ControlStub(self._channel)

    def __enter__(self) -> ControlClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all calls."""
        self._channel.close()

    def apply(self, snapshot: control_pb2.Snapshot, *, dry_run: bool = False) -> control_pb2.ApplyResponse:
        """Puts a whole configuration in force, or only validates it."""
        request = control_pb2.ApplyRequest(snapshot=snapshot, dry_run=dry_run)
        timeout = max(self._timeout, APPLY_TIMEOUT_SECONDS)
        return self._call(lambda: self._stub.Apply(request, timeout=timeout, metadata=self._metadata))

    def stats(self) -> control_pb2.StatsResponse:
        """Counters, and what is in force."""
        request = control_pb2.StatsRequest()
        return self._call(lambda: self._stub.Stats(request, timeout=self._timeout, metadata=self._metadata))

    def binds(self) -> control_pb2.BindsResponse:
        """Every bind of customers and carriers."""
        request = control_pb2.BindsRequest()
        return self._call(lambda: self._stub.Binds(request, timeout=self._timeout, metadata=self._metadata))

    def explain(
        self, account: str, destination: str, *, direction: control_pb2.Direction.ValueType = control_pb2.DIRECTION_MT
    ) -> control_pb2.ExplainResponse:
        """Why a message takes its route."""
        request = control_pb2.ExplainRequest(account=account, destination=destination, direction=direction)
        return self.explain_message(request)

    def explain_message(self, request: control_pb2.ExplainRequest) -> control_pb2.ExplainResponse:
        """The same, of a message with sender, text and time."""
        return self._call(lambda: self._stub.Explain(request, timeout=self._timeout, metadata=self._metadata))

    def review(self, request: control_pb2.ReviewRequest) -> control_pb2.ReviewResponse:
        """Messages that a policy rule holds: listed, let go, or ended."""
        return self._call(lambda: self._stub.Review(request, timeout=self._timeout, metadata=self._metadata))

    def suppressions(self, request: control_pb2.SuppressionsRequest) -> control_pb2.SuppressionsResponse:
        """Consents that changed: listed, or one changed."""
        return self._call(lambda: self._stub.Suppressions(request, timeout=self._timeout, metadata=self._metadata))

    def drain(self, timeout_ms: int) -> control_pb2.DrainResponse:
        """Stops acceptance and lets what is under way finish."""
        request = control_pb2.DrainRequest(timeout_ms=timeout_ms)
        timeout = timeout_ms / 1000 + self._timeout
        return self._call(lambda: self._stub.Drain(request, timeout=timeout, metadata=self._metadata))

    def query(self, message_id: str) -> messaging_pb2.MessageStatus:
        """One message of any account."""
        request = messaging_pb2.QueryRequest(id=message_id)
        return self._call(lambda: self._stub.Query(request, timeout=self._timeout, metadata=self._metadata))

    def watch(
        self, *, from_offset: int | None = None, kinds: Sequence[str] = (), accounts: Sequence[str] = ()
    ) -> Generator[messaging_pb2.WatchResponse, None, None]:
        """Events of all accounts, or of those named, without end: a stream at its deadline is resumed."""
        offset = from_offset
        while True:
            request = messaging_pb2.WatchRequest(from_offset=offset, kinds=kinds, accounts=accounts)
            call = self._stub.Watch(request, timeout=WATCH_SECONDS_MAX, metadata=self._metadata)
            try:
                for response in call:
                    offset = response.next_offset
                    yield response
            except grpc.RpcError as failure:
                error = as_error(failure, self.target)
                if not isinstance(error, DeadlineError):
                    raise error from failure
            else:
                return
            finally:
                call.cancel()

    def trace(self, request: control_pb2.TraceRequest) -> Generator[control_pb2.TraceResponse, None, None]:
        """What goes over chosen binds, as it goes; the first answer, without PDUs, says that it has begun."""
        call = self._stub.Trace(request, metadata=self._metadata)
        try:
            yield from call
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure
        finally:
            call.cancel()

    def _call(self, call: Callable[[], Answer]) -> Answer:
        try:
            return call()
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure


class AsyncControlClient:
    """For asyncio."""

    def __init__(
        self,
        target: str,
        token: Secret,
        *,
        timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        channel: grpc.aio.Channel | None = None,
    ) -> None:
        self.target = target
        self._timeout = timeout_seconds
        self._metadata = bearer(token)
        self._owns_channel = channel is None
        self._channel = open_async_channel(target) if channel is None else channel
        self._stub = control_pb2_grpc.ControlStub(self._channel)

    async def __aenter__(self) -> AsyncControlClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all calls, if the channel is this client's own."""
        if self._owns_channel:
            await self._channel.close()

    async def apply(self, snapshot: control_pb2.Snapshot, *, dry_run: bool = False) -> control_pb2.ApplyResponse:
        """Puts a whole configuration in force, or only validates it."""
        request = control_pb2.ApplyRequest(snapshot=snapshot, dry_run=dry_run)
        timeout = max(self._timeout, APPLY_TIMEOUT_SECONDS)
        return await self._call(self._stub.Apply(request, timeout=timeout, metadata=self._metadata))

    async def stats(self, *, timeout_seconds: float | None = None) -> control_pb2.StatsResponse:
        """Counters, and what is in force."""
        request = control_pb2.StatsRequest()
        timeout = timeout_seconds or self._timeout
        return await self._call(self._stub.Stats(request, timeout=timeout, metadata=self._metadata))

    async def binds(self) -> control_pb2.BindsResponse:
        """Every bind of customers and carriers."""
        request = control_pb2.BindsRequest()
        return await self._call(self._stub.Binds(request, timeout=self._timeout, metadata=self._metadata))

    async def explain(
        self, account: str, destination: str, *, direction: control_pb2.Direction.ValueType = control_pb2.DIRECTION_MT
    ) -> control_pb2.ExplainResponse:
        """Why a message takes its route."""
        request = control_pb2.ExplainRequest(account=account, destination=destination, direction=direction)
        return await self._call(self._stub.Explain(request, timeout=self._timeout, metadata=self._metadata))

    async def drain(self, timeout_ms: int) -> control_pb2.DrainResponse:
        """Stops acceptance and lets what is under way finish."""
        request = control_pb2.DrainRequest(timeout_ms=timeout_ms)
        timeout = timeout_ms / 1000 + self._timeout
        return await self._call(self._stub.Drain(request, timeout=timeout, metadata=self._metadata))

    async def query(self, message_id: str) -> messaging_pb2.MessageStatus:
        """One message of any account."""
        request = messaging_pb2.QueryRequest(id=message_id)
        return await self._call(self._stub.Query(request, timeout=self._timeout, metadata=self._metadata))

    async def watch(
        self, *, from_offset: int | None = None, kinds: Sequence[str] = (), accounts: Sequence[str] = ()
    ) -> AsyncGenerator[messaging_pb2.WatchResponse, None]:
        """Events of all accounts, or of those named, without end: a stream at its deadline is resumed."""
        offset = from_offset
        while True:
            request = messaging_pb2.WatchRequest(from_offset=offset, kinds=kinds, accounts=accounts)
            call = self._stub.Watch(request, timeout=WATCH_SECONDS_MAX, metadata=self._metadata)
            try:
                async for response in call:
                    offset = response.next_offset
                    yield response
            except grpc.RpcError as failure:
                error = as_error(failure, self.target)
                if not isinstance(error, DeadlineError):
                    raise error from failure
            else:
                return
            finally:
                call.cancel()

    async def _call(self, call: Awaitable[Answer]) -> Answer:
        try:
            return await call
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure
