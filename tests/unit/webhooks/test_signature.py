"""Signatures of the Standard Webhooks specification."""

from __future__ import annotations

import base64

import pytest

from brivas.errors import ConfigError
from brivas.resources.secret import Secret
from brivas_gateways.webhooks.signature import TOLERANCE_SECONDS, SigningKey

# A vector of the specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT_ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_reference_vector() -> None:
    headers = SigningKey(Secret(SECRET)).headers(EVENT_ID, TIMESTAMP, BODY)
    assert headers == {
        "webhook-id": EVENT_ID,
        "webhook-timestamp": str(TIMESTAMP),
        "webhook-signature": SIGNATURE,
    }


def test_a_receiver_verifies_and_refuses_what_was_changed_or_is_old() -> None:
    key = SigningKey(Secret(SECRET))
    headers = key.headers(EVENT_ID, TIMESTAMP, BODY)
    assert key.verify(headers, BODY, TIMESTAMP + TOLERANCE_SECONDS)
    assert key.verify({**headers, "webhook-signature": f"v1,AAAA {SIGNATURE}"}, BODY, TIMESTAMP)
    assert not key.verify(headers, BODY + b" ", TIMESTAMP)
    assert not key.verify(headers, BODY, TIMESTAMP + TOLERANCE_SECONDS + 1)
    assert not key.verify({**headers, "webhook-id": "msg_other"}, BODY, TIMESTAMP)
    assert not key.verify({**headers, "webhook-timestamp": str(TIMESTAMP + 1)}, BODY, TIMESTAMP)
    assert not key.verify({}, BODY, TIMESTAMP)
    other = SigningKey(Secret("whsec_" + base64.b64encode(bytes(32)).decode()))
    assert not other.verify(headers, BODY, TIMESTAMP)


@pytest.mark.parametrize(
    "secret",
    ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_not base64!", "whsec_", "whsec_c2hvcnQ=", "whsec_" + "A" * 88],
)
def test_a_secret_that_is_none_is_refused_and_not_shown(secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        SigningKey(Secret(secret))
    assert caught.value.hint
    assert secret.removeprefix("whsec_") not in caught.value.message or secret == "whsec_"


def test_a_key_hides_itself() -> None:
    assert "MfKQ" not in repr(SigningKey(Secret(SECRET)))
