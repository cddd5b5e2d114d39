"""The audit as Airflow runs it, on real servers: from plan to evidence, and what happens when something is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from tests import leaks
from tests.audits import DAY, Auditor, purged
from tests.dag_runs import Ran, run_dag
from tests.faults.workshop import Workshop

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

STEPS = ["plan", "guard", "log", "observe", "residue", "forget", "assert", "attest"]
pytestmark = pytest.mark.slow


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore, airflow_connections: None) -> Workshop:
    """An empty studio to fill by hand; the DAG finds it through Airflow connections."""
    return Workshop(house, studio.admin_url, store.store_access("object_admin"))


@pytest.fixture
def audit(shop: Workshop) -> Auditor:
    """For looking at what a run did."""
    return Auditor(shop)


@pytest.fixture
def run(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """Run the audit: ``run(everything=True)``."""
    return lambda **conf: run_dag("evidence_audit", conf, caplog, capfd)


def test_a_run_that_finds_everything_as_it_was(
    shop: Workshop, audit: Auditor, run: Callable[..., Ran]
) -> None:
    purged(shop)
    audit.age(DAY)
    ran = run()
    assert ran.state == "success", ran.log
    assert ran.states == {step: ["success"] for step in STEPS}
    stated = audit.result()
    assert (stated["outcome"], stated["unfinished_steps"]) == ("verified", [])
    assert all(assertion["success"] for assertion in stated["assertions"])
    assert audit.verify().refused is None
    for text in (
        "closed cases there are: 1",
        "differences between database, bucket and signed head: 0",
        "held: audit_balance: back = 0",
        "outcome of audit",
        "evidence log:",
    ):
        assert text in ran.log


def test_a_run_that_finds_something_back_says_so_before_it_fails(
    shop: Workshop, audit: Auditor, run: Callable[..., Ran]
) -> None:
    order = purged(shop)
    audit.age(DAY)
    version = shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{order}/photo-0.jpg", Body=b"0")[
        "VersionId"
    ]
    ran = run()
    assert ran.state == "failed"
    assert (ran.states["assert"], ran.states["attest"]) == (["failed"], ["failed"])
    assert [ran.states[step] for step in STEPS[:6]] == [["success"]] * 6
    (case,) = shop.sql("SELECT case_id::text FROM lifecycle.erasure_case")
    assert f"RESURRECTED: case {case['case_id']}" in ran.log
    assert f"case {case['case_id']} is due again: open again" in ran.log
    assert ran.log.index("evidence log:") < ran.log.rindex("is not verified")
    needles = {"an order": [order], "a key": ["photo-0.jpg"], "a version": [version]}
    assert leaks.search(needles, [("log", ran.log)]) == []
    assert audit.states() == {"RESURRECTED": 1}
    assert audit.result()["unfinished_steps"] == ["assert"]
    assert shop.purge("again") == "verified"
    assert audit.verify().refused is None


def test_a_forked_log_is_looked_at_though_nothing_can_be_published(
    shop: Workshop, audit: Auditor, run: Callable[..., Ran]
) -> None:
    purged(shop)
    shop.sql("SET session_replication_role = replica; UPDATE lifecycle.log_head SET root = sha256('x')")
    ran = run(everything=True)
    assert ran.state == "failed"
    assert (ran.states["guard"], ran.states["log"]) == (["failed"], ["success"])
    assert "success" not in {state for step in STEPS[3:] for state in ran.states[step]}
    assert "DIFFERENCE head-differs" in ran.log


def test_a_dry_run_ends_after_its_plan(shop: Workshop, audit: Auditor, run: Callable[..., Ran]) -> None:
    purged(shop)
    ran = run(dry_run=True)
    assert ran.state == "success", ran.log
    assert ran.states == {step: ["success" if step in ("plan", "attest") else "skipped"] for step in STEPS}
    assert "did not succeed" not in ran.log
    assert shop.sql("SELECT 1 FROM lifecycle.audit_log") == []
    assert audit.verify().refused is None


@pytest.mark.parametrize(
    ("conf", "reason"),
    [
        ({"every_thing": True}, "conf key 'every_thing' is unknown"),
        ({"as_of": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "later than the database's clock"),
    ],
    ids=["unknown key", "future"],
)
def test_a_run_that_must_not_go_on_as_asked(
    shop: Workshop, run: Callable[..., Ran], conf: dict[str, object], reason: str
) -> None:
    ran = run(**conf)
    assert ran.state == "failed"
    assert ran.states["plan"] == ["failed"]
    assert reason in ran.log
    assert shop.sql("SELECT 1 FROM lifecycle.run") == []
