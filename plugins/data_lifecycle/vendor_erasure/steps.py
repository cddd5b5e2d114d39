"""Erasure at vendors as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House
from data_lifecycle.protocol.moments import refuse_unknown

STEPS = ("plan", "guard", "submit", "poll", "verify", "assert")


@discreet
def plan(context: Any) -> int:
    """Keep a person's note if the run brings one, then seal a plan; its number. See ``planning.plan_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.policy.loader import PolicyError
    from data_lifecycle.protocol.house import PromiseBroken, Refused
    from data_lifecycle.vendor_erasure.noting import note
    from data_lifecycle.vendor_erasure.planning import plan_run

    dag_run, params = context["dag_run"], context["params"]
    house = House.of_airflow()
    try:
        refuse_unknown(dag_run.conf, set(context["dag"].params))
        if params["erasure"] and context["ti"].try_number == 1:
            who = getattr(dag_run, "triggering_user_name", None) or "a person without a login"
            note(house, params["erasure"], params["found"], who, params["note"] or "")
        return plan_run(house, dag_run.run_id, dag_run.run_after, params["as_of"], params["dry_run"])
    except (Refused, PolicyError, PromiseBroken) as refusal:
        raise AirflowFailException(str(refusal)) from None


@discreet
def guard(run_id: int) -> None:
    """Publish and release the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.vendor_erasure.planning import guard_run

    try:
        released = guard_run(House.of_airflow(), run_id)
    except PromiseBroken as stop:
        raise AirflowFailException(str(stop)) from None
    if not released:
        raise AirflowSkipException("dry run")


@discreet
def submit(run_id: int) -> None:
    """Ask vendors to erase. See ``acting.run_stage``."""
    from data_lifecycle.vendor_erasure.acting import run_stage
    from data_lifecycle.vendors.accounts import AirflowAccounts

    run_stage(House.of_airflow(), run_id, "submit", AirflowAccounts())


@discreet
def poll(run_id: int) -> None:
    """Ask vendors how far they are; none is waited for. See ``acting.run_stage``."""
    from data_lifecycle.vendor_erasure.acting import run_stage
    from data_lifecycle.vendors.accounts import AirflowAccounts

    run_stage(House.of_airflow(), run_id, "poll", AirflowAccounts())


@discreet
def verify(run_id: int) -> None:
    """Look for what should be gone. See ``acting.run_stage``."""
    from data_lifecycle.vendor_erasure.acting import run_stage
    from data_lifecycle.vendors.accounts import AirflowAccounts

    run_stage(House.of_airflow(), run_id, "verify", AirflowAccounts())


@discreet
def prove(run_id: int) -> None:
    """Assert on where every erasure is. See ``attesting.assert_erasures``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.vendor_erasure.attesting import assert_erasures

    try:
        assert_erasures(House.of_airflow(), run_id)
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State where every erasure is. See ``attesting.attest_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.protocol.house import PromiseBroken
    from data_lifecycle.vendor_erasure.attesting import attest_run

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
