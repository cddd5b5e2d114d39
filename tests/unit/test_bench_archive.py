"""The archive's benchmark: its arithmetic, and one small run on real servers beside the real peers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from data_lifecycle.bench import archive
from data_lifecycle.bench._archive_contenders import ADBC, BOUND, CONNECTORX, CONTENDERS, DUCKDB, OURS, PANDAS


def turns(extract: float, total: float, **more: float) -> list[archive.Turn]:
    return [{"extract": extract, "total": total, "peak_mib": 100.0, "bytes": 1.0, **more}] * 2


def test_ratios_compare_with_the_bound_the_best_peer_and_pandas() -> None:
    found = archive._ratios(
        {
            BOUND: turns(2.0, 2.0),
            OURS: turns(4.0, 10.0, compare=3.0),
            CONNECTORX: turns(5.0, 6.0),
            ADBC: turns(8.0, 9.0),
            DUCKDB: turns(6.0, 7.0),
            PANDAS: turns(20.0, 25.0),
        }
    )
    assert found == {
        "extract / COPY to nowhere": 2.0,
        "extract / best peer": 0.8,
        "pandas extract / ours": 5.0,
        "end to end / pandas": 0.4,
        "compare / extract": 0.75,
        "peak memory, MiB": 100.0,
    }
    assert set(found) == set(archive.AIMS)


def test_who_took_no_part_is_not_compared_with() -> None:
    assert archive._ratios({BOUND: turns(2.0, 2.0)}) == {}
    assert set(archive._ratios({OURS: turns(4.0, 10.0, compare=3.0)})) == {
        "compare / extract",
        "peak memory, MiB",
    }


@pytest.mark.parametrize(
    "wrong",
    [["--rounds", "0"], ["--rows", "5", "4"], ["--rows", "5", "5"], ["--rows", "x"], ["--only", "nobody"]],
)
def test_impossible_arguments_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        archive.main(wrong)
    assert refused.value.code == 2


@pytest.mark.slow
def test_a_small_run_with_every_contender(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "numbers.json"
    assert archive.main(["--rows", "300", "700", "--rounds", "1", "--json", str(file)]) == 0
    numbers = json.loads(file.read_text("utf-8"))
    assert [size["rows"] for size in numbers["sizes"]] == [300, 700]
    for size in numbers["sizes"]:
        assert set(size["turns"]) == set(CONTENDERS)
        assert set(size["ratios"]) == set(archive.AIMS)
        assert all(turn["total"] > 0 for rounds in size["turns"].values() for turn in rounds)
    text = capsys.readouterr().out
    assert all(name in text for name in (*CONTENDERS, *archive.AIMS))
