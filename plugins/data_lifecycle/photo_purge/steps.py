"""The purge as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House
from data_lifecycle.protocol.moments import refuse_unknown

STEPS = ("plan", "guard", "act", "observe", "settle", "sweep", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.photo_purge.planning import plan_run
    from data_lifecycle.protocol.house import Refused

    dag_run, params = context["dag_run"], context["params"]
    try:
        # The context's params hold whatever conf brought along; the DAG's are those that there are.
        refuse_unknown(dag_run.conf, set(context["dag"].params))
        return plan_run(
            House.of_airflow(), dag_run.run_id, dag_run.run_after, params["as_of"], params["dry_run"]
        )
    except Refused as refusal:
        raise AirflowFailException(str(refusal)) from None


@discreet
def guard(run_id: int) -> list[int]:
    """Release the plan's batches; skips the rest of a dry run. See ``planning.guard_run``."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from data_lifecycle.photo_purge.planning import guard_run
    from data_lifecycle.protocol.house import PromiseBroken

    try:
        batches = guard_run(House.of_airflow(), run_id)
    except PromiseBroken as stop:
        # Asking again would get the same answer.
        raise AirflowFailException(str(stop)) from None
    if not batches:
        raise AirflowSkipException("dry run")
    return batches


@discreet
def act(run_id: int, batch: int) -> None:
    """Erase one batch. See ``acting.act_batch``."""
    from data_lifecycle.photo_purge.acting import act_batch

    act_batch(House.of_airflow(), run_id, batch)


@discreet
def observe(run_id: int, released: list[int] | None) -> None:
    """Look with the observer's credential. See ``observing.observe_run``.

    ``released`` is what guard let go; without it this step and all that follow up to attest are skipped: settle would
    otherwise take what guard stopped for survivors, and erase it.
    """
    from airflow.sdk.exceptions import AirflowSkipException

    from data_lifecycle.photo_purge.observing import observe_run

    if not released:
        raise AirflowSkipException("guard released nothing: there is nothing to look for")
    observe_run(House.of_airflow(), run_id)


@discreet
def settle(run_id: int) -> None:
    """Take up late arrivals, and look again if there were any. See ``acting.settle_run``."""
    from data_lifecycle.photo_purge.acting import settle_run
    from data_lifecycle.photo_purge.observing import observe_run

    house = House.of_airflow()
    if settle_run(house, run_id):
        observe_run(house, run_id)


@discreet
def sweep(run_id: int) -> None:
    """Judge every entry of the buckets. See ``observing.sweep_run``."""
    from data_lifecycle.photo_purge.observing import sweep_run

    sweep_run(House.of_airflow(), run_id)


@discreet
def prove(run_id: int) -> None:
    """Assert on what was observed. See ``attesting.assert_purge``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.photo_purge.attesting import assert_purge
    from data_lifecycle.protocol.house import PromiseBroken

    try:
        assert_purge(House.of_airflow(), run_id)
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what is proven. See ``attesting.attest_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.photo_purge.attesting import attest_run
    from data_lifecycle.protocol.house import PromiseBroken

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
    # Of a mapped task that is run again with fewer batches, the batches too many are removed, not undone.
    return tuple(step for step in STEPS if not seen.get(step, {"none"}) <= allowed | {"removed"})
