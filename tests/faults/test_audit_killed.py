"""SIGKILL between any two effects of an audit: whoever goes on converges, with one claim and one reopening."""

from __future__ import annotations

import multiprocessing
import signal
from dataclasses import dataclass
from uuid import UUID

import pytest
from tests.audits import DAY, Auditor
from tests.faults import auditing
from tests.faults.workshop import DUE, Workshop

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["tests.faults.auditing", "boto3", "data_lifecycle.policy.loader"])
ORDER = ("plan", "guard", "log", "observe", "residue", "forget", "assert", "attest")
AUDIT = "evidence_audit"
POINTS = {
    "plan: sealed, not committed": ("plan", f"{AUDIT}.planning:copy_rows::after:1"),
    "plan: committed": ("plan", f"{AUDIT}.planning:in_snapshot::after:1"),
    "guard: stated, not committed": ("guard", "protocol.ledger:state_plan::after:1"),
    "guard: committed, not published": ("guard", "protocol.ledger:publish::before:1"),
    "guard: published, not released": ("guard", "protocol.releasing:execute:run/release_run:before:1"),
    "guard: released": ("guard", "end"),
    "log: written, not committed": ("log", f"{AUDIT}.logbook:_write::after:1"),
    "log: committed": ("log", f"{AUDIT}.logbook:_tell::before:1"),
    "observe: half written": (
        "observe",
        f"{AUDIT}.observing:copy_rows:photo_purge/copy_observations:after:1",
    ),
    "observe: written, not committed": ("observe", f"{AUDIT}.observing:copy_rows::after:2"),
    "observe: committed": ("observe", "end"),
    "residue: written, not committed": ("residue", f"{AUDIT}.residue:copy_rows::after:1"),
    "residue: committed": ("residue", f"{AUDIT}.residue:_tell::before:1"),
    "forget: destroyed, not committed": (
        "forget",
        f"{AUDIT}.residue:fetch_one:{AUDIT}/insert_forgotten:after:1",
    ),
    "forget: committed": ("forget", "end"),
    "assert: stored": ("assert", "end"),
    "attest: stated, nothing due again": ("attest", f"{AUDIT}.attesting:fetch:{AUDIT}/make_due:before:1"),
    "attest: due again, not remembered": ("attest", f"{AUDIT}.attesting:fetch:{AUDIT}/make_due:after:1"),
    "attest: remembered, not committed": ("attest", f"{AUDIT}.attesting:_tell::before:1"),
    "attest: committed, not published": ("attest", "protocol.ledger:publish::before:1"),
    "attest: kept, not sequenced": ("attest", "protocol.ledger:keep::after:1"),
    "attest: published": ("attest", "protocol.ledger:publish::after:1"),
}


@dataclass(frozen=True)
class Scene:
    back: str
    absent: str
    old: str
    cases: dict[str, UUID]


@pytest.fixture
def audit(shop: Workshop) -> Auditor:
    """The audit's steps."""
    return Auditor(shop)


@pytest.fixture
def scene(shop: Workshop, audit: Auditor) -> Scene:
    """An order whose file is back, one that stayed absent, and one closed so long ago that its salt is due."""
    back, absent, old = (shop.order(DUE) for _ in range(3))
    assert shop.purge() == "verified"
    audit.age(DAY)
    shop.sql(
        "UPDATE lifecycle.erasure_case SET closed_at = closed_at - interval '4 years' WHERE order_id = %s",
        old,
    )
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{back}/photo-0.jpg", Body=b"0")
    rows = shop.sql("SELECT order_id, case_id FROM lifecycle.erasure_case")
    return Scene(back, absent, old, {row["order_id"]: row["case_id"] for row in rows})


def kill(shop: Workshop, step: str, run_id: int, point: str) -> None:
    """Run a step in a process that must not survive it."""
    process = PROCESSES.Process(target=auditing.run, args=(shop.house.settings, step, run_id, point))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL


def go(audit: Auditor, step: str, run_id: int) -> int:
    """A step in this process, undisturbed; the run's number."""
    if step == "plan":
        return audit.plan()
    if step == "attest":
        assert audit.attest(run_id) == "failed"
    else:
        auditing.STEPS[step](audit.house, run_id)
    return run_id


def check(shop: Workshop, audit: Auditor, scene: Scene) -> None:
    claimed = [
        (item["case"], item["state"])
        for result in shop.sql(
            "SELECT (convert_from(decode((convert_from(envelope, 'UTF8')::jsonb) ->> 'payload', 'base64'), 'UTF8')"
            "::jsonb) #> '{predicate,items}' AS items FROM lifecycle.evidence e JOIN lifecycle.run r USING (run_id)"
            " WHERE r.pipeline = 'evidence_audit' AND e.outcome IN ('verified', 'failed')"
        )
        for item in result["items"]
    ]
    assert claimed.count((str(scene.cases[scene.back]), "RESURRECTED")) == 1
    assert (shop.case(scene.back), shop.case(scene.absent), shop.case(scene.old)) == (
        "open",
        "absent",
        "absent",
    )
    epochs = shop.sql("SELECT order_id, epoch FROM lifecycle.erasure_case")
    assert {row["order_id"]: row["epoch"] for row in epochs} == {scene.back: 2, scene.absent: 1, scene.old: 1}
    (destroyed,) = shop.sql("SELECT sum(destroyed) AS n FROM lifecycle.audit_forgotten")
    assert destroyed["n"] == 1
    shop.assert_evidence_complete()
    assert shop.purge("again") == "verified"
    assert shop.everything(scene.back) == set()
    result = audit.verify()
    assert result.refused is None, result.refused


CASES = [(point, "same run") for point, (step, _) in POINTS.items() if step != "plan"]
# A run that stated its result has made what came back due again: a new one would find an open case.
CASES += [
    (point, "new run")
    for point in (
        "plan: sealed, not committed",
        "guard: committed, not published",
        "observe: committed",
        "forget: committed",
        "attest: remembered, not committed",
    )
]


@pytest.mark.parametrize(("point", "again"), CASES, ids=[f"{point}, {again}" for point, again in CASES])
def test_an_audit_that_is_killed_converges(
    shop: Workshop, audit: Auditor, scene: Scene, point: str, again: str
) -> None:
    step, where = POINTS[point]
    run_id = 0
    for earlier in ORDER[: ORDER.index(step)]:
        run_id = go(audit, earlier, run_id)
    kill(shop, step, run_id, where)
    for later in ORDER if again == "new run" else ORDER[ORDER.index(step) :]:
        run_id = go(audit, later, run_id)
    check(shop, audit, scene)
