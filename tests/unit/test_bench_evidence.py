"""The benchmark itself: its counts of hashes, its table, and one small run on real servers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_lifecycle.bench import evidence


@pytest.mark.parametrize("size", [1_000, 5_000, 20_000])
def test_appending_and_proving_take_hashes_by_the_logarithm(size: int) -> None:
    found = evidence.grow(size)
    levels = found["log2"] + 1  # the probes are appended on top
    assert found["log2"] == (size - 1).bit_length()
    assert 1 < found["hashes to append"] <= levels + 1
    assert 0 < found["hashes to prove"] <= levels
    assert 0 < found["hashes to verify"] <= levels
    assert found["nodes read"] <= 2 * levels


def test_the_tree_is_measured_beside_the_same_hashes() -> None:
    built = evidence.build(500, 2)
    assert built["seconds"].keys() >= {"the same hashes", "tree"}
    assert built["ratios"].keys() <= evidence.AIMS.keys()
    assert built["ratios"]["tree / the same hashes"] > 0


@pytest.mark.parametrize(
    "wrong", [["--rounds", "0"], ["--items", "x"], ["--leaves", "-1"], ["--seconds", "1"]]
)
def test_impossible_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        evidence.main(wrong)
    assert refused.value.code == 2


@pytest.mark.slow
def test_a_quick_run_writes_a_month_that_the_verifier_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    assert evidence.main(["--quick", "--json", str(file)]) == 0
    numbers = json.loads(file.read_text("utf-8"))
    month = numbers["month"]
    assert (month["runs"], month["items"], month["statements"], month["heads"]) == (3, 60, 13, 4)
    assert month["says"]["cases"] == "60 cases: 60 OBSERVED_ABSENT"
    assert "180 eligible" in month["says"]["counts"]
    assert [size["entries"] for size in numbers["growth"]] == [100, 1_000, 10_000]
    shown = capsys.readouterr().out
    assert all(
        text in shown
        for text in ("tree / the same hashes", "≤ 2.2", "hashes to prove", "as a reviewer runs it")
    )
