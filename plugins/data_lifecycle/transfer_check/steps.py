"""The transfer check as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House, PromiseBroken, Refused
from data_lifecycle.protocol.steps import asked, final, go_on, planned, unfinished

STEPS = ("plan", "guard", "judge", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.transfer_check.planning import plan_run

    with final(Refused, PolicyError, PromiseBroken):
        dag_run, params = asked(context)
        return plan_run(
            House.of_airflow(),
            dag_run.run_id,
            dag_run.run_after,
            params["as_of"],
            params["dry_run"],
            params["rejudge"],
        )


@discreet
def guard(run_id: int) -> None:
    """Publish and release the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from data_lifecycle.transfer_check.planning import guard_run

    with final(PromiseBroken):
        released = guard_run(House.of_airflow(), run_id)
    go_on(released)


@discreet
def judge(run_id: int) -> None:
    """Judge everything sealed. See ``judging.judge_run``."""
    from data_lifecycle.transfer_check.judging import judge_run

    with final(PromiseBroken):
        judge_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was judged. See ``attesting.assert_check``."""
    from data_lifecycle.transfer_check.attesting import assert_check

    with final(PromiseBroken):
        assert_check(House.of_airflow(), run_id)


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what was judged. See ``attesting.attest_run``."""
    from data_lifecycle.transfer_check.attesting import attest_run

    with final(PromiseBroken):
        return attest_run(House.of_airflow(), planned(run_id), unfinished(context, STEPS))
