"""A whole DAG run in this process, by Airflow's own means, with what its tasks wrote."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Ran:
    """How a run went: its state, that of each task (mapped ones as a list), and all that was written meanwhile."""

    run_id: str
    state: str
    states: dict[str, list[str]]
    log: str


@dataclass(frozen=True)
class Answer:
    """What a person says when asked: an option, or None if nobody answers; what to fill in, given the question."""

    option: str | None
    by: str = "reviewer"
    fill_in: Callable[[str], dict[str, Any]] = lambda _: {}


def answer_when_asked(answer: Answer, stop: threading.Event) -> None:
    """Answer the first question that a task of a run asks, as Airflow's REST API does it."""
    from airflow._shared.timezones import timezone
    from airflow.models.hitl import HITLDetail, HITLUser
    from airflow.models.trigger import handle_event_submit
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from airflow.utils.state import TaskInstanceState
    from sqlalchemy import select

    while not stop.wait(0.5):
        with create_session() as session:
            for detail in session.scalars(
                select(HITLDetail).where(HITLDetail.responded_at.is_(None))
            ).unique():
                if detail.task_instance.state != TaskInstanceState.AWAITING_INPUT:
                    continue
                detail.responded_at = timezone.utcnow()
                if answer.option is None:
                    event: dict[str, Any] = {"error": "nobody", "error_type": "timeout"}
                else:
                    detail.responded_by = HITLUser(id=answer.by, name=answer.by)
                    detail.chosen_options = [answer.option]
                    detail.params_input = answer.fill_in(detail.body or "")
                    event = detail.as_resume_event_payload()
                handle_event_submit(TriggerEvent(event), task_instance=detail.task_instance, session=session)
                return


def run_dag(
    dag_id: str,
    conf: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    answer: Answer | None = None,
) -> Ran:
    """Run ``dag_id`` to its end with ``dag.test()``, failures not retried: it would really wait in between."""
    from airflow.dag_processing.dagbag import DagBag

    dag = DagBag(dag_folder=str(REPOSITORY / "dags" / f"{dag_id}.py")).dags[dag_id]
    for task in dag.tasks:
        if task.is_mapped:
            task.partial_kwargs["retries"] = 0
        else:
            task.retries = 0
    caplog.clear()
    stop = threading.Event()
    person = threading.Thread(target=answer_when_asked, args=(answer, stop)) if answer else None
    if person:
        person.start()
    try:
        with caplog.at_level(logging.INFO):
            run = dag.test(run_conf=conf)
    finally:
        stop.set()
        if person:
            person.join()
    states: dict[str, list[str]] = {}
    for instance in sorted(run.get_task_instances(), key=lambda i: i.map_index):
        states.setdefault(instance.task_id, []).append(str(instance.state))
    return Ran(run.run_id, str(run.state), states, "\n".join([caplog.text, *capfd.readouterr()]))
