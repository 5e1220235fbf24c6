"""The way from a worker to the engine: one channel to each of its faces, kept for all requests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import grpc.aio

from brivas import endpoints
from brivas.clients.channel import open_async_channel
from brivas.clients.control import AsyncControlClient
from brivas.clients.messaging import AsyncMessagingClient
from brivas.resources.secret import Secret
from brivas.v1 import control_pb2


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where the engine is, and where the token of Control stands."""

    messaging_target: str
    control_target: str
    data: Path


class Engine:
    """Opened once in a worker, inside its event loop."""

    def __init__(self, address: EngineAddress) -> None:
        self._address = address
        self._messaging: grpc.aio.Channel = open_async_channel(address.messaging_target)
        self._control: grpc.aio.Channel = open_async_channel(address.control_target)

    async def close(self) -> None:
        """Ends all calls."""
        await self._messaging.close()
        await self._control.close()

    def messaging(self, api_key: Secret) -> AsyncMessagingClient:
        """A client on behalf of the account whose key this is."""
        return AsyncMessagingClient(self._address.messaging_target, api_key, channel=self._messaging)

    async def stats(self, timeout_seconds: float) -> control_pb2.StatsResponse:
        """What the engine is doing. The token is read each time: a new gateway may have written a new one."""
        token = endpoints.control_token(self._address.data, None)
        client = AsyncControlClient(self._address.control_target, token, channel=self._control)
        return await client.stats(timeout_seconds=timeout_seconds)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self._address.data
