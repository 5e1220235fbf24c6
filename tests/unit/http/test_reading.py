"""Reading a request never fails otherwise than by a problem."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brivas.actions.send_message import NewMessage
from brivas.limits import MESSAGES_MAX, VALIDITY_SECONDS_MAX
from brivas_gateways.http.problem import ProblemError
from brivas_gateways.http.submission import read_messages

FIELDS = st.sampled_from(
    ["to", "from", "text", "data", "data_coding", "validity_seconds", "reference", "messages", "x"]
)
LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.sampled_from(["1", "Acme", "00"]))
VALUE = st.recursive(
    LEAF,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(FIELDS, inner, max_size=9)),
    max_leaves=10,
)


def read(body: bytes) -> list[NewMessage]:
    problem = None
    try:
        messages, _ = read_messages(body)
    except ProblemError as error:
        problem = error.problem
    if problem is not None:
        assert problem.status in (400, 422)
        assert problem.detail
        return []
    assert 1 <= len(messages) <= MESSAGES_MAX
    return messages


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_a_problem(body: bytes) -> None:
    read(body)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.dictionaries(FIELDS, VALUE, max_size=9))
def test_any_json_is_read_or_a_problem(value: dict[str, Any]) -> None:
    read(json.dumps(value).encode())


@given(
    st.fixed_dictionaries(
        {
            "to": st.from_regex(r"\A\+?[0-9]{1,15}\Z"),
            "from": st.from_regex(r"\A[ -~]{1,11}\Z"),
            "text": st.text(max_size=200),
        },
        optional={"reference": st.text(max_size=16), "validity_seconds": st.integers(0, VALIDITY_SECONDS_MAX)},
    )
)
def test_a_right_message_reaches_the_engine_unchanged(value: dict[str, Any]) -> None:
    (message,) = read(json.dumps(value).encode())
    proto = message.as_proto()
    assert (proto.to, getattr(proto, "from"), proto.text) == (value["to"], value["from"], value["text"])
    assert proto.reference == value.get("reference", "")
    assert proto.validity_seconds == value.get("validity_seconds", 0)
