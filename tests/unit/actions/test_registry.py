"""The registry of actions, and `send_message` as every face calls it."""

from __future__ import annotations

import msgspec
import pytest

from brivas.actions.action import ActionContext, installed_actions
from brivas.actions.send_message import SendMessage, SentMessage, submit
from brivas.clients.messaging import AsyncMessagingClient
from brivas.errors import InvalidError
from brivas.resources.secret import Secret
from tests.support.fake_engine import API_KEY, FakeEngine


def test_send_message_is_installed_with_its_types() -> None:
    action = installed_actions()["send_message"]
    assert (action.input_type, action.result_type, action.writes) == (SendMessage, SentMessage, True)
    schema = msgspec.json.schema(action.input_type)["$defs"]["SendMessage"]
    assert schema["required"] == ["to", "from"]
    assert all("description" in field for field in schema["properties"].values())


async def test_send_message_sends_once_and_says_when_it_was_repeated() -> None:
    engine = FakeEngine()
    message = msgspec.convert({"to": "447700900123", "from": "Acme", "text": "x", "idempotency_key": "k"}, SendMessage)
    run = installed_actions()["send_message"].run
    async with AsyncMessagingClient(engine.target, Secret(API_KEY)) as client:
        first = await run(ActionContext(client), message)
        again = await run(ActionContext(client), message)
        assert (first.replayed, again.replayed, first.id) == (False, True, again.id)
        engine.refusals["447700900123"] = (0x0B, "no route")
        refused = msgspec.structs.replace(message, idempotency_key="")
        with pytest.raises(InvalidError, match="no route"):
            await run(ActionContext(client), refused)
        with pytest.raises(InvalidError, match="0 messages"):
            await submit(client, [], "")
    engine.stop()
    assert len(engine.requests) == 2
