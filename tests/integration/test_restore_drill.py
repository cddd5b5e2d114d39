"""The restore drill as somebody types it, with a small studio."""

from __future__ import annotations

import re

import pytest

from data_lifecycle.command.__main__ import parser

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def test_whatever_comes_back_is_found_erased_and_evidenced(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parser().parse_args(["drill", "restore", "--orders", "40"])
    assert arguments.main(arguments) == 0
    said = capsys.readouterr().out
    assert "DOES NOT HOLD" not in said
    found = {when: int(count) for when, count in re.findall(r"audit ([a-z ]+): .* (\d+) RESURRECTED", said)}
    assert found["before the restore"] == found["at the end"] == 0
    assert found["after the restore"] > 0
    back = re.search(r"(\d+) files are in the buckets again", said)
    left = re.search(r"of the (\d+) erased files none is there, in any version \(0 are\)", said)
    assert back
    assert left
    assert back[1] == left[1] != "0"
    assert "the lost requests are known again, from the deletion ledger" in said
    assert "holds: the bundle is accepted" in said
    assert "@" not in said
    assert "orders/" not in said


def test_a_studio_that_is_too_small_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = parser().parse_args(["drill", "restore", "--orders", "3"])
    assert arguments.main(arguments) == 2
    assert "needs at least" in capsys.readouterr().out
