"""Wireshark and our codec see the same in every PDU: names, numbers, order, and nothing malformed."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.support import codec, tshark
from tests.support.dissection import as_shown, comparable, is_same

EACH = 20

if tshark.TSHARK is None and os.environ.get("CI") != "true":
    pytest.skip("tshark is missing: apt-get install tshark", allow_module_level=True)


@pytest.fixture(scope="module")
def pdus() -> list[codec.Pdu]:
    return codec.generated(EACH)


@pytest.fixture(scope="module")
def dissections(pdus: list[codec.Pdu], tmp_path_factory: pytest.TempPathFactory) -> list[tshark.Dissection]:
    return tshark.dissect([pdu.octets for pdu in pdus], tmp_path_factory.mktemp("tshark"))


@pytest.fixture(scope="module")
def tags() -> dict[str, int]:
    return codec.tables()["tlvs"]


def test_twenty_pdus_of_every_command_are_compared(pdus: list[codec.Pdu]) -> None:
    counts = Counter(pdu.name for pdu in pdus)
    assert set(counts) == set(codec.tables()["commands"])
    assert set(counts.values()) == {EACH}


def test_no_pdu_is_malformed(pdus: list[codec.Pdu], dissections: list[tshark.Dissection]) -> None:
    wrong = [
        (pdu.name, pdu.octets.hex(), seen.layers)
        for pdu, seen in zip(pdus, dissections, strict=True)
        if "smpp" not in seen.layers or "_ws.malformed" in seen.layers
    ]
    assert wrong == []


def test_a_malformed_pdu_would_be_seen(tmp_path: Path) -> None:
    cut = bytes.fromhex("00000014 00000003 00000000 00000001 31323334")
    [seen] = tshark.dissect([cut], tmp_path)
    assert "_ws.malformed" in seen.layers


def test_both_see_the_same_fields(
    pdus: list[codec.Pdu], dissections: list[tshark.Dissection], tags: dict[str, int]
) -> None:
    wrong = []
    for pdu, seen in zip(pdus, dissections, strict=True):
        ours, theirs = list(as_shown(pdu.fields, tags)), list(comparable(seen))
        if len(ours) != len(theirs) or not all(map(is_same, ours, theirs)):
            wrong.append((pdu.name, pdu.octets.hex(), ours, theirs))
    assert wrong == []


@pytest.mark.parametrize(("table", "field"), [("commands", "smpp.command_id"), ("statuses", "smpp.command_status")])
def test_no_value_that_wireshark_names_is_missing(table: str, field: str) -> None:
    ours = set(codec.tables()[table].values())
    theirs = {
        value
        for value, name in tshark.known_values(field).items()
        if not re.search("reserved|huawei|auth_acc|sm_result_notify", name, re.IGNORECASE)
    }
    assert len(theirs) > 30
    assert ours == theirs


def test_both_see_the_same_in_the_shared_vectors(tmp_path: Path, tags: dict[str, int]) -> None:
    """But for quirks and unknown commands, which it takes otherwise, and TLVs of which it reads an octet too few."""
    misread = {"tlv.ms_validity", "tlv.broadcast_rep_num"}
    vectors = [
        vector
        for vector in codec.vectors()
        if vector.file not in ("quirks", "malformed")
        and not misread & vector.fields.keys()
        and not str(vector.fields["command"]).startswith("0x")
    ]
    assert len(vectors) > 50
    wrong = []
    for vector, seen in zip(vectors, tshark.dissect([each.octets for each in vectors], tmp_path), strict=True):
        ours, theirs = list(as_shown(vector.fields, tags)), list(comparable(seen))
        if "_ws.malformed" in seen.layers or len(ours) != len(theirs) or not all(map(is_same, ours, theirs)):
            wrong.append((vector.name, ours, theirs))
    assert wrong == []
