"""Measuring a proposed version on the real servers, as Airflow and as the command line run it: nothing is erased."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.dag_runs import Ran, run_dag
from tests.faults.workshop import Workshop
from tests.policies import write_version

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

STEPS = ["plan", "guard", "observe", "assert", "attest"]
pytestmark = pytest.mark.slow


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore, airflow_connections: None) -> Workshop:
    return Workshop(house, studio.admin_url, store.store_access("object_admin"))


@pytest.fixture
def proposed(house: House) -> Path:
    """Five days instead of seven, from ten days on, cooling off for three."""
    folder = house.settings.home / "proposals"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return write_version(folder, (datetime.now(UTC) + timedelta(days=10)).date(), 5, pause="P3D")


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    return lambda **conf: run_dag("policy_change", conf, caplog, capfd)


def newest(house: House) -> Path:
    return max((house.settings.home / "policy-impact").iterdir())


def test_a_proposal_is_measured_and_stated_and_nothing_is_erased(
    load_demo: Callable[..., Any], shop: Workshop, run: Callable[..., Ran], proposed: Path
) -> None:
    load_demo(orders=40)
    before = shop.everything()
    ran = run(policy_file=proposed.name)
    assert ran.states == {step: ["success"] for step in STEPS}
    assert shop.everything() == before
    assert shop.sql("SELECT count(*) AS n FROM lifecycle.item") == [{"n": 0}]
    (row,) = shop.sql(
        "SELECT manifest_sha256, state, facts FROM lifecycle.run WHERE pipeline = 'policy_change'"
    )
    folder = newest(shop.house)
    data = (folder / "impact.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == row["manifest_sha256"]
    told = json.loads(data)
    live = shop.sql("SELECT count(*) AS n, sum(bytes) AS b FROM studio.uploads WHERE absent_at IS NULL")[0]
    for side in ("old", "new"):
        totals = [found[side]["total"] for found in told["categories"].values()]
        assert (sum(t["objects"] for t in totals), sum(t["size"] for t in totals)) == (live["n"], live["b"])
    assert row["facts"]["sooner"] > 0
    assert row["state"] == "verified"
    assert told["vendors"], "the demo sends files to vendors"
    assert told["tell_before"] == told["new"]["in_force_from"]
    assert "<svg" in (folder / "impact.svg").read_text("utf-8")
    for line in (folder / "impact.txt").read_text("utf-8").splitlines():
        assert line in ran.log, "what the files say, the log says"
    shop.assert_evidence_complete()
    assert shop.verify().refused is None
    (stated,) = shop.results()
    assert stated["outcome"] == "verified"


@pytest.mark.parametrize("name", ["../secrets.yaml", "nothing-of-that-name.yaml", "vendors.txt"])
def test_a_name_that_is_none_is_refused_without_another_try(house: House, name: str) -> None:
    from data_lifecycle.policy_change.planning import proposal
    from data_lifecycle.protocol.house import Refused

    with pytest.raises(Refused, match="policy_file"):
        proposal(house.settings, name)


def test_an_empty_studio_proves_nothing(shop: Workshop, run: Callable[..., Ran], proposed: Path) -> None:
    ran = run(policy_file=proposed.name)
    assert (ran.states["assert"], ran.states["attest"]) == (["failed"], ["failed"])
    assert "counted > 0" in ran.log
    assert [s["outcome"] for s in shop.results()] == ["failed"]


def test_a_version_that_shortens_without_cooling_off_is_refused(
    shop: Workshop, run: Callable[..., Ran], proposed: Path
) -> None:
    write_version(proposed.parent, (datetime.now(UTC) + timedelta(days=10)).date(), 5)
    ran = run(policy_file=proposed.name)
    assert ran.states["plan"] == ["failed"]
    assert "cooling_off" in ran.log
    assert shop.sql("SELECT count(*) AS n FROM lifecycle.run") == [{"n": 0}]


def test_the_command_line_measures_the_same_and_writes_nothing_into_the_database(
    load_demo: Callable[..., Any],
    shop: Workshop,
    proposed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from data_lifecycle.command import __main__ as command_line

    load_demo(orders=40)
    monkeypatch.setattr(
        "sys.argv", ["lifecycle", "policy", "impact", str(proposed), "--out", str(tmp_path / "out")]
    )
    assert command_line.main() == 0
    said = capsys.readouterr().out
    data = (tmp_path / "out" / "impact.json").read_bytes()
    assert f"manifest sha256 {hashlib.sha256(data).hexdigest()}" in said
    assert "nothing was erased" in said
    assert shop.sql("SELECT count(*) AS n FROM lifecycle.run") == [{"n": 0}]
    for row in shop.sql("SELECT order_id FROM studio.orders"):
        assert row["order_id"] not in said + data.decode()
