"""How carriers' quirks are shown."""

from __future__ import annotations

import pytest

from brivas.cli.carriers import print_quirks, quirks_as_dict
from brivas.v1 import control_pb2, events_pb2


def test_what_was_learned_is_shown_with_the_pair_that_taught_it(capsys: pytest.CaptureFixture[str]) -> None:
    learned = events_pb2.CarrierLearned(
        message_ids=events_pb2.MESSAGE_IDS_HEXADECIMAL_TO_DECIMAL,
        receipt_zone_minutes=0,
        samples=16,
        response_id=b"1F",
        receipt_id=b"31\xff",
    )
    receipts = control_pb2.CarrierReceipts(matched=16, unmatched=2)
    known = quirks_as_dict(control_pb2.CarrierStats(name="one", learned=learned, receipts=receipts, held=3))
    assert known["message_ids"] == "hexToDecimal", "as the resource spells it"
    assert known["receipt_zone_minutes"] == 0, "UTC is not unknown"
    assert known["receipts"]["matched"] == 16
    print_quirks([known])
    printed = capsys.readouterr()
    assert "hexToDecimal (learned)" in printed.out
    assert "1F -> 31\\xff" in printed.out
    assert "0 (learned)" in printed.out
    assert printed.err == "1 carrier\n"


def test_a_carrier_without_receipts_has_taught_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    known = quirks_as_dict(control_pb2.CarrierStats(name="one"))
    assert known["message_ids"] == "auto"
    assert known["receipt_zone_minutes"] is None
    print_quirks([known])
    assert capsys.readouterr().out.count("not learned yet") == 2
