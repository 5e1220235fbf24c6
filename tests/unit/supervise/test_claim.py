"""Two supervisors never share a data directory."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from brivas.errors import BrivasError
from brivas.layout import Layout
from brivas.supervise.claim import only_one


def test_the_second_supervisor_is_told_who_the_first_is(tmp_path: Path) -> None:
    refused = pytest.raises(BrivasError, match=f"process {os.getpid()}")
    with only_one(Layout(tmp_path)), refused, only_one(Layout(tmp_path)):
        pass
    with only_one(Layout(tmp_path)):
        pass


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BrivasError, match="cannot make"), only_one(Layout(tmp_path / "file" / "data")):
        pass
