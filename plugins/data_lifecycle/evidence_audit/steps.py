"""The audit as Airflow calls it: each step takes the run's number and finds the rest itself."""

from __future__ import annotations

from typing import Any

from data_lifecycle.protocol.discretion import discreet
from data_lifecycle.protocol.house import House
from data_lifecycle.protocol.moments import refuse_unknown

STEPS = ("plan", "guard", "log", "observe", "residue", "forget", "assert")


@discreet
def plan(context: Any) -> int:
    """Seal a plan for this DAG run; its number. See ``planning.plan_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.evidence_audit.planning import plan_run
    from data_lifecycle.protocol.house import Refused

    dag_run, params = context["dag_run"], context["params"]
    try:
        # The context's params hold whatever conf brought along; the DAG's are those that there are.
        refuse_unknown(dag_run.conf, set(context["dag"].params))
        return plan_run(
            House.of_airflow(),
            dag_run.run_id,
            dag_run.run_after,
            params["as_of"],
            params["dry_run"],
            params["everything"],
        )
    except Refused as refusal:
        raise AirflowFailException(str(refusal)) from None


@discreet
def guard(run_id: int) -> None:
    """State and publish the plan; skips the rest of a dry run. See ``planning.guard_run``."""
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

    from data_lifecycle.evidence_audit.planning import guard_run
    from data_lifecycle.protocol.house import PromiseBroken

    try:
        released = guard_run(House.of_airflow(), run_id)
    except PromiseBroken as stop:
        # Asking again would get the same answer.
        raise AirflowFailException(str(stop)) from None
    if not released:
        raise AirflowSkipException("dry run")


@discreet
def check_log(run_id: int) -> None:
    """Verify the log; also when guard could not publish, for this says why. See ``logbook.check_log``."""
    from airflow.sdk.exceptions import AirflowSkipException

    from data_lifecycle.evidence_audit.logbook import check_log
    from data_lifecycle.evidence_audit.planning import is_dry

    house = House.of_airflow()
    if is_dry(house, run_id):
        raise AirflowSkipException("dry run")
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
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.evidence_audit.attesting import assert_audit
    from data_lifecycle.protocol.house import PromiseBroken

    try:
        assert_audit(House.of_airflow(), run_id)
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


@discreet
def attest(run_id: int | None, context: Any) -> str:
    """State what was found. See ``attesting.attest_run``."""
    from airflow.sdk.exceptions import AirflowFailException

    from data_lifecycle.evidence_audit.attesting import attest_run
    from data_lifecycle.protocol.house import PromiseBroken

    if run_id is None:
        raise AirflowFailException("there is no plan to state anything about: see the log of the step plan")
    try:
        return attest_run(House.of_airflow(), run_id, _unfinished(context))
    except PromiseBroken as broken:
        raise AirflowFailException(str(broken)) from None


def _unfinished(context: Any) -> tuple[str, ...]:
    """Steps of this DAG run that did not succeed, as the scheduler knows them; a dry run skips most on purpose."""
    seen: dict[str, str] = {
        task["task_id"]: str(task["state"])
        for task in context["ti"].get_task_breadcrumbs(context["dag"].dag_id, context["run_id"])
    }
    allowed = {"success", "skipped"} if seen.get("guard") == "skipped" else {"success"}
    return tuple(step for step in STEPS if seen.get(step, "none") not in allowed)
