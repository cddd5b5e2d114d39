"""The audit as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, unfinished

STEPS = ("plan", "guard", "log", "observe", "residue", "forget", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from data_lifecycle.evidence_audit.planning import plan_run

    with final(Refused):
        dag_run, params = asked(context)
        return plan_run(
            House.of_airflow(),
            dag_run.run_id,
            dag_run.run_after,
            params["as_of"],
            params["dry_run"],
            params["everything"],
        )


@discreet
def guard(run_id: int) -> None:
    """State and publish the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from data_lifecycle.evidence_audit.planning import guard_run

    with final(PromiseBroken):
        released = guard_run(House.of_airflow(), run_id)
    go_on(released)


@discreet
def check_log(run_id: int) -> None:
    """Verify the log; also when guard could not publish, for this says why. See ``logbook.check_log``."""
    from data_lifecycle.evidence_audit.logbook import check_log
    from data_lifecycle.evidence_audit.planning import is_dry

    house = House.of_airflow()
    go_on(not is_dry(house, run_id))
    check_log(house, run_id)


@discreet
def observe(run_id: int) -> None:
    """Look with the observer's credential. See ``observing.observe_run``."""
    from data_lifecycle.evidence_audit.observing import observe_run

    observe_run(House.of_airflow(), run_id)


@discreet
def residue(run_id: int) -> None:
    """Look where bytes may remain. See ``residue.look_at_residue``."""
    from data_lifecycle.evidence_audit.residue import look_at_residue

    look_at_residue(House.of_airflow(), run_id)


@discreet
def forget(run_id: int) -> None:
    """Destroy salts after the limitation period. See ``residue.forget_salts``."""
    from data_lifecycle.evidence_audit.residue import forget_salts

    forget_salts(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was found. See ``attesting.assert_audit``."""
    from data_lifecycle.evidence_audit.attesting import assert_audit

    with final(PromiseBroken):
        assert_audit(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what was found. See ``attesting.attest_run``."""
    from data_lifecycle.evidence_audit.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS))
