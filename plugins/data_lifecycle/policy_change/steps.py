"""The measure of a policy change as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, planned, unfinished

STEPS = ("plan", "guard", "observe", "assert")


@discreet
def plan(context: Any) -> int:
    """Measure and seal; the run's number. See ``planning.plan_run``."""
    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.policy_change.planning import plan_run

    with final(Refused, PolicyError):
        dag_run, params = asked(context)
        return plan_run(House.of_airflow(), dag_run.run_id, dag_run.run_after, params["policy_file"])


@discreet
def guard(run_id: int) -> None:
    """Publish the sealed measure. See ``planning.guard_run``."""
    from data_lifecycle.policy_change.planning import guard_run

    with final(PromiseBroken):
        guard_run(House.of_airflow(), run_id)


@discreet
def observe(run_id: int) -> None:
    """Count again. See ``attesting.observe_run``."""
    from data_lifecycle.policy_change.attesting import observe_run

    observe_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was counted. See ``attesting.assert_change``."""
    from data_lifecycle.policy_change.attesting import assert_change

    with final(PromiseBroken):
        assert_change(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what was measured. See ``attesting.attest_run``."""
    from data_lifecycle.policy_change.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS))
