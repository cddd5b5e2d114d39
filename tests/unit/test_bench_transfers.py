"""The benchmark of the transfer check: refused arguments, and one small run in which both judges agree."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_lifecycle.bench import transfers


@pytest.mark.parametrize(
    "wrong", [["--rows", "10"], ["--rounds", "0"], ["--rows", "many"], ["--seconds", "1"]]
)
def test_impossible_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        transfers.main(wrong)
    assert refused.value.code == 2


@pytest.mark.slow
def test_a_quick_run_finds_both_judges_agreed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "numbers.json"
    assert transfers.main(["--quick", "--json", str(file)]) == 0
    numbers = json.loads(file.read_text("utf-8"))
    assert numbers["differ"] == 0
    (turn,) = numbers["turns"]
    assert turn["rows"] == 4000
    assert {transfers.OURS, transfers.SELECT, transfers.ENGINE, "plan", "judge"} <= turn.keys()
    printed = capsys.readouterr().out
    assert "4,000 disclosures by all rules T01 to T11" in printed
    assert "Disclosures on which the two judges differ: 0" in printed
