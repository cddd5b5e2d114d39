"""A plan over its caps on a running house: asked over REST, refused to who started it, answered by the reviewer."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest

from data_lifecycle.embedded.api import AirflowApi, ApiError, quoted
from data_lifecycle.embedded.processes import NotReady, wait_until

if TYPE_CHECKING:
    from playwright.sync_api import Page
    from tests.ui.conftest import Manor

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
DAG = "/dags/photo_purge"
PATIENCE = 6
"""How many looks, a second apart, a question must have been there before it is answered."""


@pytest.fixture
def strict(manor: Manor) -> Iterator[None]:
    """While a test lasts, the house's policy lets no run erase more than one entry unasked."""
    caller = api(manor, "reviewer")

    def idle() -> bool:
        return not any(
            caller.call("GET", f"/dags/~/dagRuns?state={state}&limit=1")["total_entries"]
            for state in ("queued", "running")
        )

    # What the schedule started after `up` must not be the one that asks.
    wait_until(idle, seconds=400, what="the end of the first runs of all pipelines", pause=2)
    before = manor.policy.read_text("utf-8")
    assert "max_objects: 50000" in before
    manor.policy.write_text(before.replace("max_objects: 50000", "max_objects: 1"), "utf-8")
    yield
    manor.policy.write_text(before, "utf-8")


def api(manor: Manor, user: str) -> AirflowApi:
    return AirflowApi(manor.url, user, manor.passwords[user])


def sql(manor: Manor, role: str, statement: str, *values: object) -> list[Any]:
    with psycopg2.connect(manor.status["databases"][role]) as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def refused(caller: AirflowApi, method: str, path: str, body: object) -> int:
    with pytest.raises(ApiError) as error:
        caller.call(method, path, body)
    return error.value.status


def asked(manor: Manor) -> tuple[str, str, dict[str, Any]]:
    """Files are asked back and the engineer starts a run: its path, that of its question, and the question."""
    due = sql(
        manor,
        "studio_app",
        "UPDATE studio.orders SET erase_requested_at = now() - interval '1 minute' WHERE order_id IN"
        " (SELECT o.order_id FROM studio.orders o JOIN studio.order_uploads USING (order_id)"
        " WHERE o.photo_state = 'present' AND o.erase_requested_at IS NULL GROUP BY 1 ORDER BY 1 LIMIT 2)"
        " RETURNING order_id",
    )
    assert len(due) == 2
    engineer = api(manor, "engineer")
    started = engineer.call("POST", f"{DAG}/dagRuns", {"logical_date": None, "conf": {"dry_run": False}})
    run = f"{DAG}/dagRuns/{quoted(started['dag_run_id'])}"

    looks: list[bool] = []

    def waits() -> bool:
        assert engineer.call("GET", run)["state"] in ("queued", "running")
        looks.append(engineer.call("GET", f"{run}/taskInstances/approve")["state"] == "awaiting_input")
        # Airflow 3.3 takes an answer that comes while the asking process still ends for a crash, and asks again.
        return sum(looks) > PATIENCE

    try:
        wait_until(waits, seconds=300, what="the question", pause=1)
    except NotReady:
        found = engineer.pages(f"{run}/taskInstances", "task_instances")
        pytest.fail(str({task["task_id"]: task["state"] for task in found}))
    question = f"{run}/taskInstances/approve/-1/hitlDetails"
    return run, question, dict(engineer.call("GET", question))


def ends(manor: Manor, run: str) -> str:
    caller = api(manor, "reviewer")
    states: list[str] = []

    def ended() -> bool:
        states.append(str(caller.call("GET", run)["state"]))
        return states[-1] in ("success", "failed")

    wait_until(ended, seconds=300, what="the end of the run", pause=1)
    return states[-1]


def stated(manor: Manor) -> dict[str, Any]:
    """The approval as the latest result of the purge states it."""
    ((envelope,),) = sql(
        manor,
        "reviewer",
        "SELECT e.envelope FROM lifecycle.evidence e JOIN lifecycle.run r USING (run_id)"
        " WHERE r.pipeline = 'photo_purge' AND e.outcome IN ('verified', 'failed') ORDER BY e.signed_at DESC LIMIT 1",
    )
    predicate = json.loads(b64decode(json.loads(bytes(envelope))["payload"]))["predicate"]
    return {"outcome": predicate["outcome"], **predicate["approval"]}


def test_the_reviewer_approves_and_nobody_else(manor: Manor, strict: None) -> None:
    run, question, detail = asked(manor)
    assert "more than usual is due (entries" in detail["subject"]
    ((manifest,),) = sql(
        manor, "reviewer", "SELECT manifest_sha256 FROM lifecycle.run ORDER BY run_id DESC LIMIT 1"
    )
    assert manifest in detail["body"]
    assert [user["id"] for user in detail["assigned_users"]] == ["reviewer"]
    yes = {"chosen_options": ["Approve"], "params_input": {"manifest_sha256": manifest}}
    assert refused(api(manor, "engineer"), "PATCH", question, yes) == 403
    assert refused(api(manor, "admin"), "PATCH", question, yes) == 403
    reviewer = api(manor, "reviewer")
    assert refused(reviewer, "POST", f"{DAG}/dagRuns", {"logical_date": None}) == 403
    assert refused(reviewer, "PATCH", DAG, {"is_paused": True}) == 403
    assert refused(reviewer, "POST", f"{DAG}/clearTaskInstances", {"dry_run": False}) == 403
    assert refused(reviewer, "PATCH", run, {"state": "failed"}) == 403
    reviewer.call("PATCH", question, yes)
    assert refused(reviewer, "PATCH", question, yes) == 409
    assert ends(manor, run) == "success"
    found = stated(manor)
    assert (found["outcome"], found["answer"], found["answered_by"], found["started_by"]) == (
        "verified", "approved", "reviewer", "engineer",
    )  # fmt: skip
    assert found["manifest_sha256"] == manifest


def test_the_reviewer_approves_in_the_page(
    manor: Manor, strict: None, sign_in: Callable[[str], Page]
) -> None:
    run, _, detail = asked(manor)
    (manifest,) = set(re.findall(r"[0-9a-f]{64}", detail["body"]))
    page = sign_in("reviewer")
    page.goto(run.replace("/dagRuns/", "/runs/") + "/tasks/approve/required_actions")
    page.get_by_text(manifest).wait_for()
    page.fill("input[name=element_manifest_sha256]", manifest)
    page.get_by_role("button", name="Approve").click()
    assert ends(manor, run) == "success"
    found = stated(manor)
    assert (found["answer"], found["answered_by"], found["manifest_sha256"]) == (
        "approved", "reviewer", manifest,
    )  # fmt: skip


def test_the_reviewer_rejects(manor: Manor, strict: None) -> None:
    run, question, _ = asked(manor)
    api(manor, "reviewer").call("PATCH", question, {"chosen_options": ["Reject"], "params_input": {}})
    assert ends(manor, run) == "failed"
    found = stated(manor)
    assert (found["outcome"], found["answer"], found["answered_by"]) == ("failed", "rejected", "reviewer")
    states = {
        task["task_id"]: task["state"]
        for task in api(manor, "reviewer").pages(f"{run}/taskInstances", "task_instances")
    }
    assert (states["approve"], states["act"], states["settle"]) == ("skipped", "skipped", "skipped")
