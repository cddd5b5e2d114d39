"""A whole DAG run in this process, by Airflow's own means, with what its tasks wrote."""

from __future__ import annotations

import logging
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


def run_dag(
    dag_id: str,
    conf: dict[str, Any],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
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
    with caplog.at_level(logging.INFO):
        run = dag.test(run_conf=conf)
    states: dict[str, list[str]] = {}
    for instance in sorted(run.get_task_instances(), key=lambda i: i.map_index):
        states.setdefault(instance.task_id, []).append(str(instance.state))
    return Ran(run.run_id, str(run.state), states, "\n".join([caplog.text, *capfd.readouterr()]))
