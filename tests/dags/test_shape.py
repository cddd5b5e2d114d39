"""The shape of each pipeline as a file: whoever changes it sees the change as a diff, and so does the reviewer."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

SHAPES = Path(__file__).with_name("shapes")
RENEW = "RENEW_SHAPES"


def shape(dag: Any) -> dict[str, Any]:
    """What decides when which step runs, as plain data."""
    return {
        "dag_id": dag.dag_id,
        "schedule": _schedule(dag.timetable),
        "start_date": dag.start_date.isoformat(),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "tags": sorted(dag.tags),
        "params": {
            name: {"default": dag.params.get_param(name).value, **dag.params.get_param(name).schema}
            for name in sorted(dag.params)
        },
        "tasks": {task.task_id: _task(task) for task in dag.topological_sort()},
    }


def _schedule(timetable: Any) -> str:
    if not hasattr(timetable, "serialize"):
        return f"{type(timetable).__name__}: only by hand"
    return f"{type(timetable).__name__}: {timetable.summary} {timetable.serialize().get('timezone')}"


def _task(task: Any) -> dict[str, Any]:
    return {
        "after": sorted(task.upstream_task_ids),
        "trigger_rule": task.trigger_rule.value,
        "retries": task.retries,
        "retry_delay_seconds": task.retry_delay.total_seconds(),
        "execution_timeout_seconds": task.execution_timeout.total_seconds(),
        "at_once": task.max_active_tis_per_dagrun,
        "mapped_over": sorted(task.op_kwargs_expand_input.value) if task.is_mapped else [],
        "setup_or_teardown": task.is_setup or task.is_teardown,
    }


def test_the_shape_is_the_recorded_one(dag: Any, dag_file: Path) -> None:
    recorded = SHAPES / f"{dag_file.stem}.json"
    found = shape(dag)
    if os.environ.get(RENEW) == "1":
        recorded.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        pytest.fail(f"{recorded.name} is renewed: read the diff, then run again without {RENEW}")
    how = f"if that is meant: {RENEW}=1 ./lifecycle test tests/dags/test_shape.py, and look at the diff"
    assert recorded.exists(), f"{dag_file.stem} has no recorded shape; {how}"
    assert found == json.loads(recorded.read_text("utf-8")), f"the shape of {dag_file.stem} changed; {how}"


def test_no_shape_is_left_of_a_pipeline_that_is_gone() -> None:
    dags = {file.stem for file in (SHAPES.parents[2] / "dags").glob("*.py")}
    assert {file.stem for file in SHAPES.glob("*.json")} == dags
