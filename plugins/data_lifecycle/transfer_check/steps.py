"""The transfer check as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House
from data_lifecycle.protocol.moments import refuse_unknown

STEPS = ("plan", "guard", "judge", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.protocol.house import PromiseBroken, Refused
    from data_lifecycle.transfer_check.planning import plan_run

    dag_run, params = context["dag_run"], context["params"]
    try:
        refuse_unknown(dag_run.conf, set(context["dag"].params))
        return plan_run(
            House.of_airflow(),
            dag_run.run_id,
            dag_run.run_after,
            params["as_of"],
            params["dry_run"],
            params["rejudge"],
        )
    except (Refused, PolicyError, PromiseBroken) as refusal:
        raise AirflowFailException(str(refusal)) from None


@discreet
def guard(run_id: int) -> None:
    """Publish and release the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.transfer_check.planning import guard_run

    try:
        released = guard_run(House.of_airflow(), run_id)
    except PromiseBroken as stop:
        raise AirflowFailException(str(stop)) from None
    if not released:
        raise AirflowSkipException("dry run")


@discreet
def judge(run_id: int) -> None:
    """Judge everything sealed. See ``judging.judge_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.transfer_check.judging import judge_run

    try:
        judge_run(House.of_airflow(), run_id)
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


@discreet
def prove(run_id: int) -> None:
    """Assert on what was judged. See ``attesting.assert_check``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.transfer_check.attesting import assert_check

    try:
        assert_check(House.of_airflow(), run_id)
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what was judged. See ``attesting.attest_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.transfer_check.attesting import attest_run

    if run_id is None:
        raise AirflowFailException("there is no plan to state anything about: see the log of the step plan")
    try:
        return attest_run(House.of_airflow(), run_id, _unfinished(context))
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


def _unfinished(context: Any) -> tuple[str, ...]:
    """Steps of this DAG run that did not succeed, as the scheduler knows them; a dry run skips most on purpose."""
    seen: dict[str, set[str]] = {}
    for task in context["ti"].get_task_breadcrumbs(context["dag"].dag_id, context["run_id"]):
        seen.setdefault(task["task_id"], set()).add(str(task["state"]))
    allowed = {"success", "skipped"} if seen.get("guard") == {"skipped"} else {"success"}
    return tuple(step for step in STEPS if not seen.get(step, {"none"}) <= allowed)
