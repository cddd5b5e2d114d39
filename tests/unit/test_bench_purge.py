"""The benchmark itself: its arithmetic, its table, and one small run on real servers beside the real peers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_lifecycle.bench import purge
from data_lifecycle.bench._contenders import BOTO3, OURS, RAW, RAW_SIZES, RCLONE, S5CMD
from data_lifecycle.bench._report import medians, ratio, table
from data_lifecycle.bench._studio import Shape


@pytest.mark.parametrize(("orders", "versions"), [(1600, 20_000), (40, 520), (1, 1), (7, 500), (1600, 1)])
def test_a_shape_has_at_least_the_versions_asked_for(orders: int, versions: int) -> None:
    shape = Shape.of(orders, versions)
    assert shape.entries >= versions
    assert len(shape.order_ids()) == orders
    assert len(set(shape.due_ids())) == shape.due == max(1, orders // 4)
    assert set(shape.due_ids()) <= set(shape.order_ids())


def test_the_default_shape_is_the_one_the_targets_were_set_for() -> None:
    shape = Shape.of(1600, 20_000)
    assert (shape.due, shape.entries) == (400, 20_800)


def test_ratios_are_taken_round_by_round() -> None:
    assert ratio([1.0, 20.0, 3.0], [2.0, 10.0, 1.0]) == 2.0
    assert medians([{"total": 3.0}, {"total": 1.0}, {"total": 2.0}]) == {"total": 2.0}


def test_the_table_lines_up() -> None:
    assert table(("who", "s"), [("ours", "1.5"), ("x", "10.25")]).splitlines() == [
        "who       s",
        "────  ─────",
        "ours    1.5",
        "x     10.25",
    ]


@pytest.mark.parametrize(
    "wrong", [["--rounds", "0"], ["--rows", "5,4"], ["--rows", "1"], ["--objects", "a,b"], ["--seconds", "1"]]
)
def test_impossible_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        purge.main(wrong)
    assert refused.value.code == 2


@pytest.mark.slow
def test_a_quick_run_deletes_the_same_with_every_contender(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "numbers.json"
    assert purge.main(["--quick", "--json", str(file)]) == 0
    numbers = json.loads(file.read_text("utf-8"))
    everyone = {OURS, S5CMD, RCLONE, BOTO3, RAW[RAW_SIZES[0]]}
    assert numbers["turns"].keys() == numbers["left_behind"].keys() == everyone
    assert {tuple(left.values()) for left in numbers["left_behind"].values()} == {(0, 0, 0)}
    assert {turn["deleted"] for turns in numbers["turns"].values() for turn in turns} == {130.0}
    assert [size["rows"] for size in numbers["growth"]] == [2_000, 4_000]
    assert [size["objects"] for size in numbers["growth"]] == [200, 400]
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*everyone, *purge.AIMS, "observe"))
