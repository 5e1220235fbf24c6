"""Clients of `Messaging`: submit, query, cancel, watch, as the account whose API key is given."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator, Sequence
from types import TracebackType

import grpc
import grpc.aio

from brivas.clients.channel import CALL_TIMEOUT_SECONDS, WATCH_SECONDS_MAX, bearer, open_async_channel, open_channel
from brivas.clients.failures import as_error
from brivas.errors import DeadlineError
from brivas.resources.secret import Secret
from brivas.v1 import messaging_pb2, messaging_pb2_grpc


class MessagingClient:
    """Blocking; for commands and threads."""

    def __init__(self, target: str, api_key: Secret, *, timeout_seconds: float = CALL_TIMEOUT_SECONDS) -> None:
        self.target = target
        self._timeout = timeout_seconds
        self._metadata = bearer(api_key)
        self._channel = open_channel(target)
        self._stub = messaging_pb2_grpc.MessagingStub(self._channel)

    def __enter__(self) -> MessagingClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends all calls."""
        self._channel.close()

    def submit(
        self, messages: Sequence[messaging_pb2.NewMessage], *, idempotency_key: str = ""
    ) -> messaging_pb2.SubmitResponse:
        """Hands over 1 to 1,000 messages; answered once they are as durable as the account asks."""
        request = messaging_pb2.SubmitRequest(messages=messages, idempotency_key=idempotency_key)
        try:
            return self._stub.Submit(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure

    def query(self, message_id: str) -> messaging_pb2.MessageStatus:
        """One message's state and history."""
        request = messaging_pb2.QueryRequest(id=message_id)
        try:
            return self._stub.Query(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure

    def cancel(self, message_id: str) -> None:
        """Cancels a message that no carrier has taken yet."""
        request = messaging_pb2.CancelRequest(id=message_id)
        try:
            self._stub.Cancel(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure

    def watch(
        self, *, from_offset: int | None = None, kinds: Sequence[str] = ()
    ) -> Generator[messaging_pb2.WatchResponse, None, None]:
        """The account's events, without end: a stream that reaches its deadline is resumed where it ended."""
        offset = from_offset
        while True:
            request = messaging_pb2.WatchRequest(from_offset=offset, kinds=kinds)
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


class AsyncMessagingClient:
    """For asyncio. One channel may serve many accounts: `with_key` gives a client for another key on it."""

    def __init__(
        self,
        target: str,
        api_key: Secret,
        *,
        timeout_seconds: float = CALL_TIMEOUT_SECONDS,
        channel: grpc.aio.Channel | None = None,
    ) -> None:
        self.target = target
        self._timeout = timeout_seconds
        self._metadata = bearer(api_key)
        self._owns_channel = channel is None
        self._channel = open_async_channel(target) if channel is None else channel
        self._stub = messaging_pb2_grpc.MessagingStub(self._channel)

    def with_key(self, api_key: Secret) -> AsyncMessagingClient:
        """A client for another account on the same channel; closing it leaves the channel open."""
        return AsyncMessagingClient(self.target, api_key, timeout_seconds=self._timeout, channel=self._channel)

    async def __aenter__(self) -> AsyncMessagingClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all calls, if the channel is this client's own."""
        if self._owns_channel:
            await self._channel.close()

    async def submit(
        self, messages: Sequence[messaging_pb2.NewMessage], *, idempotency_key: str = ""
    ) -> messaging_pb2.SubmitResponse:
        """Hands over 1 to 1,000 messages; answered once they are as durable as the account asks."""
        request = messaging_pb2.SubmitRequest(messages=messages, idempotency_key=idempotency_key)
        try:
            return await self._stub.Submit(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure

    async def query(self, message_id: str) -> messaging_pb2.MessageStatus:
        """One message's state and history."""
        request = messaging_pb2.QueryRequest(id=message_id)
        try:
            return await self._stub.Query(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure

    async def cancel(self, message_id: str) -> None:
        """Cancels a message that no carrier has taken yet."""
        request = messaging_pb2.CancelRequest(id=message_id)
        try:
            await self._stub.Cancel(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as failure:
            raise as_error(failure, self.target) from failure

    async def watch(
        self, *, from_offset: int | None = None, kinds: Sequence[str] = ()
    ) -> AsyncGenerator[messaging_pb2.WatchResponse, None]:
        """The account's events, without end: a stream that reaches its deadline is resumed where it ended."""
        offset = from_offset
        while True:
            request = messaging_pb2.WatchRequest(from_offset=offset, kinds=kinds)
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
