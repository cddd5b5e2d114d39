"""The transfer check as Airflow runs it, on real servers."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests import leaks
from tests.dag_runs import Ran, run_dag

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect

if TYPE_CHECKING:
    from data_lifecycle.protocol.house import House

INCLUDE = Path(__file__).resolve().parents[2] / "include"
STEPS = ["plan", "guard", "judge", "assert", "attest"]
pytestmark = pytest.mark.slow


@pytest.fixture
def run(
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    airflow_connections: None,
) -> Callable[..., Ran]:
    """Run the check: ``run(dry_run=True)``; its lists were compared with their sources today."""
    include = tmp_path / "include"
    shutil.copytree(INCLUDE, include)
    for file in (include / "reference").glob("*.csv"):
        fresh = f",{datetime.now(UTC):%Y-%m-%d},"
        file.write_text(file.read_text("utf-8").replace(",2026-11-16,", fresh), "utf-8")
    monkeypatch.setenv("LIFECYCLE_INCLUDE", str(include))
    return lambda **conf: run_dag("transfer_check", conf, caplog, capfd)


def test_a_run_judges_states_and_says_what_it_found(
    load_demo: Callable[..., Any], run: Callable[..., Ran]
) -> None:
    demo = load_demo(orders=40)
    ran = run()
    assert ran.state == "success"
    assert ran.states == {step: ["success"] for step in STEPS}
    for text in (
        "clause 8: “Obtain your explicit consent”",
        "register of 16 vendors",
        "reference lists sha256",
        "manifest sha256",
        "T05 partial adequacy, recipient not covered: 1",
        "incident opened, vendor sketchfast: rule T02",
        "held: transfer_balance: canaries_wrong = 0",
        "claim DENIED",
        "stored and read back",
    ):
        assert text in ran.log, text
    with connect(DatabaseAccess(demo.studio.admin_url), "test") as connection:
        needles = leaks.people(connection)
        with connection.cursor() as cursor:
            cursor.execute("SELECT disclosure_id::text FROM studio.disclosures")
            needles["disclosure"] = [row[0] for row in cursor.fetchall()]
        assert leaks.search(needles, [("log", ran.log)]) == []


def test_a_dry_run_judges_nothing(load_demo: Callable[..., Any], run: Callable[..., Ran]) -> None:
    demo = load_demo(orders=40)
    ran = run(dry_run=True)
    assert ran.state == "success"
    assert ran.states == {step: ["success" if step in ("plan", "attest") else "skipped"] for step in STEPS}
    with connect(DatabaseAccess(demo.studio.admin_url), "test") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM lifecycle.verdict")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ({"rejudged": True}, "conf key 'rejudged' is unknown"),
        ({"as_of": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "later than the database's clock"),
        ({}, "no disclosure was ever recorded"),
    ],
    ids=["unknown key", "future", "empty"],
)
def test_a_run_that_must_not_go_on(
    house: House, run: Callable[..., Ran], conf: dict[str, Any], reason: str
) -> None:
    ran = run(**conf)
    assert ran.state == "failed"
    assert ran.states["plan"] == ["failed"]
    assert reason in ran.log
