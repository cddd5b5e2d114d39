"""The legal holds as Airflow calls them: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused, log
from data_lifecycle.protocol.steps import asked, final, go_on, planned, unfinished

STEPS = ("plan", "guard", "flag", "observe", "purge", "assert")
PURGE = "photo_purge"


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from data_lifecycle.holds.planning import plan_run

    with final(Refused, PromiseBroken):
        dag_run, params = asked(context)
        return plan_run(House.of_airflow(), dag_run.run_id, params["dry_run"])


@discreet
def guard(run_id: int) -> None:
    """Publish and release the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from data_lifecycle.holds.planning import guard_run

    with final(PromiseBroken):
        released = guard_run(House.of_airflow(), run_id)
    go_on(released)


@discreet
def flag(run_id: int) -> None:
    """Set flags and let go. See ``acting.act_run``."""
    from data_lifecycle.holds.acting import act_run

    with final(PromiseBroken):
        act_run(House.of_airflow(), run_id)


@discreet
def observe(run_id: int) -> None:
    """Read the flags with the observer's credential. See ``observing.observe_run``."""
    from data_lifecycle.holds.observing import observe_run

    observe_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was read. See ``attesting.assert_holds``."""
    from data_lifecycle.holds.attesting import assert_holds

    with final(PromiseBroken):
        assert_holds(House.of_airflow(), run_id)


@discreet
def purge(run_id: int) -> None:
    """Start a purge if this run let go of files: they are due within a day, and tonight's run may come too late.

    The purge's own plan, caps and approval decide as ever. Clearing this task starts no second one.
    """
    from airflow.sdk.exceptions import DagRunTriggerException

    from data_lifecycle.holds.acting import let_go

    files = let_go(House.of_airflow(), run_id)
    if not files:
        log.info("no file was let go of: no purge is needed before the next one of the schedule")
        return
    log.info("let go of %d files: starting %s", files, PURGE)
    raise DagRunTriggerException(
        trigger_dag_id=PURGE,
        dag_run_id=f"released-holds-{run_id}",
        conf={"dry_run": False},
        reset_dag_run=False,
        skip_when_already_exists=True,
        wait_for_completion=False,
        allowed_states=["success"],
        failed_states=["failed"],
        poke_interval=60,
        deferrable=False,
    )


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what is held. See ``attesting.attest_run``."""
    from data_lifecycle.holds.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS))
