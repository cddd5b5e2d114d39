"""Rules that hold for every pipeline of the house, and the order of the purge's steps."""

from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from data_lifecycle.policy.loader import load_all, policy_in_force

REPOSITORY = Path(__file__).resolve().parents[2]
CATEGORY_RULES = {
    "photo_purge": ("photos", "style_references"),
    "payment_archive": ("payments",),
    "evidence_audit": (),
    "vendor_inventory": (),
    "transfer_check": (),
    "vendor_erasure": (),
    "policy_change": (),
    "legal_holds": (),
}
# What a step may hand to the next: numbers of runs and batches; the last one the name of its evidence.
HANDED_ON = {"int", "list[int]", "None", "str"}


def _tasks(dag: Any) -> dict[str, Any]:
    return {task.task_id: task for task in dag.tasks}


def test_the_runbook_is_the_docstring(dag: Any, dag_file: Path) -> None:
    docstring = ast.get_docstring(ast.parse(dag_file.read_text("utf-8")), clean=False)
    assert docstring
    assert dag.doc_md == docstring
    for task_id in _tasks(dag):
        assert f"| {task_id} |" in docstring, f"the runbook does not say what to do when {task_id} fails"


def test_one_run_at_a_time_and_none_made_up(dag: Any) -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False
    assert dag.start_date.tzinfo is not None


def test_the_schedule_is_the_policys(dag: Any, dag_file: Path) -> None:
    from airflow.timetables.interval import CronDataIntervalTimetable

    policy = policy_in_force(load_all(REPOSITORY / "include" / "policy"), datetime.now(UTC))
    for rule in policy.retention:
        if rule.id in CATEGORY_RULES[dag_file.stem]:
            wanted = CronDataIntervalTimetable(rule.schedule.cron, timezone=rule.schedule.timezone)
            assert type(dag.timetable) is CronDataIntervalTimetable
            assert dag.timetable.serialize() == wanted.serialize()


def test_all_retries_fit_into_the_policys_budget(dag: Any, dag_file: Path) -> None:
    policy = policy_in_force(load_all(REPOSITORY / "include" / "policy"), datetime.now(UTC))
    needed = timedelta(0)
    for task in dag.tasks:
        assert task.execution_timeout, f"{task.task_id} may hang for ever"
        assert not task.retry_exponential_backoff
        needed += (task.retries + 1) * task.execution_timeout + task.retries * task.retry_delay
    for rule in policy.retention:
        if rule.id in CATEGORY_RULES[dag_file.stem]:
            assert needed <= rule.schedule.retry_budget.elapsed


def test_who_would_delete_has_to_say_so(dag: Any) -> None:
    """A pipeline with steps that delete takes an empty ``dry_run``: see protocol.steps.stops_after_plan."""
    deletes = {"act", "remove", "expire", "submit"} & set(_tasks(dag))
    if deletes:
        asked = dag.params.get_param("dry_run")
        assert asked.value is None
        assert asked.schema["type"] == ["null", "boolean"]


def test_nobody_is_handed_from_task_to_task(dag: Any) -> None:
    for task in dag.tasks:
        does = getattr(task, "python_callable", None) or type(task).execute
        assert does.__annotations__["return"] in HANDED_ON, task.task_id
        if task.is_mapped:
            assert set(task.op_kwargs_expand_input.value) == {"batch"}, (
                "mapped over batches, never over persons"
            )


def test_evidence_is_written_by_an_ordinary_step(dag: Any) -> None:
    """A teardown's failure is forgiven, and its success may hide that of the steps before it."""
    assert not any(task.is_setup or task.is_teardown for task in dag.tasks)
    (last,) = dag.leaves
    assert last.task_id == "attest"
    assert last.trigger_rule.value == "all_done", "a failure must be stated too"


def test_nothing_is_looked_for_that_was_not_released(parsed: Any) -> None:
    """observe runs after a failed batch (what is left must be seen), but not without guard: see steps.observe."""
    dag = parsed.dags["photo_purge"]
    observe = _tasks(dag)["observe"]
    assert observe.trigger_rule.value == "all_done_min_one_success"
    assert {"act", "approve"} <= observe.upstream_task_ids
    others = {name: task.trigger_rule.value for name, task in _tasks(dag).items()}
    assert {name for name, rule in others.items() if rule != "all_success"} == {"observe", "attest"}


@pytest.mark.parametrize("pipeline", ["photo_purge", "payment_archive"])
def test_an_answer_is_waited_for_before_the_next_days_run(parsed: Any, pipeline: str) -> None:
    """One run at a time: who waits longer holds up what falls due tomorrow. Nobody's silence is a yes."""
    asks = _tasks(parsed.dags[pipeline])["approve"]
    assert asks.pipeline == pipeline, "it asks about its own runs"
    assert timedelta(hours=12) <= asks.response_timeout <= timedelta(hours=22)
    assert asks.defaults is None
    assert asks.options == ["Approve", "Reject"]
    assert list(asks.params) == ["manifest_sha256"]
    assert (asks.upstream_task_ids, asks.trigger_rule.value) == ({"plan", "guard"}, "all_success")


def test_nothing_is_archived_or_cut_off_that_was_not_released(parsed: Any) -> None:
    """expire runs after a file that could not be archived, but not without approve: see steps.expire."""
    tasks = _tasks(parsed.dags["payment_archive"])
    for name in ("pseudonymise", "archive", "compare", "remove", "expire"):
        assert "approve" in tasks[name].upstream_task_ids
    rules = {name: task.trigger_rule.value for name, task in tasks.items()}
    assert {name: rule for name, rule in rules.items() if rule != "all_success"} == {
        "expire": "all_done_min_one_success",
        "attest": "all_done",
    }


def test_the_log_is_looked_at_though_nothing_can_be_published(parsed: Any) -> None:
    """Of a forked log nothing is published, so guard fails: what differs, and where, must be said all the same."""
    tasks = _tasks(parsed.dags["evidence_audit"])
    assert tasks["log"].trigger_rule.value == "all_done_min_one_success"
    assert tasks["log"].upstream_task_ids == {"plan", "guard"}
    assert {"guard", "log"} <= tasks["observe"].upstream_task_ids
    rules = {name: task.trigger_rule.value for name, task in tasks.items()}
    assert {name for name, rule in rules.items() if rule != "all_success"} == {"log", "attest"}


def test_the_audit_comes_after_the_days_purge(parsed: Any) -> None:
    from airflow.timetables.interval import CronDataIntervalTimetable

    dag = parsed.dags["evidence_audit"]
    wanted = CronDataIntervalTimetable("30 4 * * *", timezone="UTC")
    assert dag.timetable.serialize() == wanted.serialize()
