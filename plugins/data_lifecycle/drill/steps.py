"""Whole runs of pipelines without Airflow: the same functions in the same order, and the same end when one fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from data_lifecycle.database import connect, fetch_one
from data_lifecycle.photo_purge.approving import PETITION
from data_lifecycle.protocol.asking import Answer, OverCaps, question, settle
from data_lifecycle.protocol.house import House, PromiseBroken, log


def purge(house: House, name: str) -> int:
    """Run the photo purge as ``name``; the run's number. Whether it is verified: see ``outcome``.

    A plan over its caps, as is to be expected after a restore, is approved by the drill. PromiseBroken when guard stops
    the plan for another reason.
    """
    from data_lifecycle.photo_purge.acting import act_batch, settle_run
    from data_lifecycle.photo_purge.attesting import assert_purge, attest_run
    from data_lifecycle.photo_purge.guarding import guard_run
    from data_lifecycle.photo_purge.observing import observe_run, sweep_run
    from data_lifecycle.photo_purge.planning import plan_run

    run_id = plan_run(house, name, datetime.now(UTC), None, dry_run=False)
    try:
        released = guard_run(house, run_id)
    except OverCaps as over:
        log.warning("%s", over)
        released = settle(PETITION, house, run_id, _yes(house, run_id), None)
    for batch in released:
        act_batch(house, run_id, batch)
    observe_run(house, run_id)
    if settle_run(house, run_id):
        observe_run(house, run_id)
    sweep_run(house, run_id)
    _conclude(house, run_id, assert_purge, attest_run)
    return run_id


def _yes(house: House, run_id: int) -> Answer:
    """What the second person says whom the drill stands for."""
    asked = question(PETITION, house, run_id, None)
    return Answer("approved", asked.manifest_sha256, asked.approvers[0], datetime.now(UTC))


def audit(house: House, name: str) -> int:
    """Run the audit over every closed case and the whole log as ``name``; the run's number.

    PromiseBroken when its plan cannot be published.
    """
    from data_lifecycle.evidence_audit.attesting import assert_audit, attest_run
    from data_lifecycle.evidence_audit.logbook import check_log
    from data_lifecycle.evidence_audit.observing import observe_run
    from data_lifecycle.evidence_audit.planning import guard_run, plan_run
    from data_lifecycle.evidence_audit.residue import forget_salts, look_at_residue

    run_id = plan_run(house, name, datetime.now(UTC), None, dry_run=False, everything=True)
    guard_run(house, run_id)
    check_log(house, run_id)
    observe_run(house, run_id)
    look_at_residue(house, run_id)
    forget_salts(house, run_id)
    _conclude(house, run_id, assert_audit, attest_run)
    return run_id


def outcome(house: House, run_id: int) -> str:
    """What was attested about a run: verified or failed; planned when nothing was."""
    with connect(house.connections.database("reviewer"), "drill") as connection:
        return str(fetch_one(connection, "run/read_run", run_id=run_id)["state"])


def _conclude(
    house: House,
    run_id: int,
    prove: Callable[[House, int], None],
    attest: Callable[[House, int, tuple[str, ...]], str],
) -> None:
    """Assert and attest: a run that does not hold is stated as failed, which is an outcome and no accident."""
    unfinished: tuple[str, ...] = ()
    try:
        prove(house, run_id)
    except PromiseBroken as broken:
        log.warning("run %d: %s", run_id, broken)
        unfinished = ("assert",)
    try:
        attest(house, run_id, unfinished)
    except PromiseBroken:
        if outcome(house, run_id) != "failed":
            raise
