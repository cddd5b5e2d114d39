"""What the steps of every pipeline share when Airflow calls them: how they begin, fail for good, skip, and attest."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from data_lifecycle.protocol.house import log
from data_lifecycle.protocol.moments import refuse_unknown


@contextmanager
def final(*kinds: type[Exception]) -> Iterator[None]:
    """Errors of these kinds fail the task without another try: asking again would get the same answer.

    Their texts are ours and go on; what they were raised from does not.
    """
    try:
        yield
    except kinds as stop:
        from airflow.sdk.exceptions import AirflowFailException

        raise AirflowFailException(str(stop)) from None


def asked(context: Any) -> tuple[Any, Any]:
    """(DAG run, its parameters); Refused when it was started with a key that this pipeline does not have."""
    dag_run = context["dag_run"]
    # The context's params hold whatever conf brought along; the DAG's are those that there are.
    refuse_unknown(dag_run.conf, set(context["dag"].params))
    return dag_run, context["params"]


def stops_after_plan(dag_run: Any, params: Mapping[str, Any]) -> bool:
    """Whether a run of a pipeline that deletes is a dry run, and says why.

    What the parameter ``dry_run`` says counts. Left empty, a run of the schedule acts; any other, a backfill and a run
    that somebody started included, only plans: whoever wants it to delete says so.
    """
    asked_for, kind = params["dry_run"], str(getattr(dag_run.run_type, "value", dag_run.run_type))
    if asked_for is None:
        dry = kind != "scheduled"
        why = f"a {kind.replace('_', ' ')} run" + (" not started with dry_run: false" if dry else "")
    else:
        dry, why = bool(asked_for), f"it was started with dry_run: {str(bool(asked_for)).lower()}"
    log.info("this run %s: %s", "stops after its plan" if dry else "acts", why)
    return dry


def go_on(released: object, why: str = "dry run") -> None:
    """Skip this task, and what follows it, unless guard released something."""
    if not released:
        from airflow.sdk.exceptions import AirflowSkipException

        raise AirflowSkipException(why)


def planned(run_id: int | None) -> int:
    """The run's number; fails the task when there is no plan."""
    if run_id is None:
        from airflow.sdk.exceptions import AirflowFailException

        raise AirflowFailException("there is no plan to state anything about: see the log of the step plan")
    return run_id


def unfinished(context: Any, steps: Collection[str], mapped: Collection[str] = ()) -> tuple[str, ...]:
    """Those of ``steps`` that did not succeed in this DAG run, as the scheduler knows them.

    A dry run skips most on purpose. Of a ``mapped`` task that is run again with fewer batches, the batches too many are
    removed, not undone.
    """
    seen: dict[str, set[str]] = {}
    for task in context["ti"].get_task_breadcrumbs(context["dag"].dag_id, context["run_id"]):
        seen.setdefault(task["task_id"], set()).add(str(task["state"]))
    allowed = {"success", "skipped"} if seen.get("guard") == {"skipped"} else {"success"}
    return tuple(
        step
        for step in steps
        if not seen.get(step, {"none"}) <= (allowed | {"removed"} if step in mapped else allowed)
    )
