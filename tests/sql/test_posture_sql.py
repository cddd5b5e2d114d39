"""The switch that pauses whatever destroys: the database refuses by itself, whoever forgot to ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import psycopg2
import psycopg2.errors
import pytest
from tests.sql.purge_stage import AS_OF, DAY, Stage

if TYPE_CHECKING:
    from tests.conftest import Studio

OFFICER = "duty_officer"


@pytest.fixture
def stage(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        yield made


def pause(stage: Stage, paused: bool = True) -> None:
    stage.touch(OFFICER, "posture/insert_posture", paused=paused, by_whom="engineer", why="a test")


@pytest.mark.parametrize(
    "role",
    [
        *("duty_officer", "studio_reader", "studio_eraser", "studio_auditor", "evidence_writer"),
        *("payment_archiver", "vendor_eraser", "reviewer"),
    ],
)
def test_everyone_concerned_reads_the_latest_word(stage: Stage, role: str) -> None:
    assert stage.run(role, "posture/read_posture") == []
    pause(stage)
    pause(stage, paused=False)
    (row,) = stage.run(role, "posture/read_posture")
    assert (row["paused"], row["by_whom"], row["why"]) == (False, "engineer", "a test")


def act(stage: Stage, statement: str, *values: object) -> None:
    """Run a statement as the superuser, to whom triggers apply as to everybody."""
    connection = psycopg2.connect(stage.studio.admin_url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
    finally:
        connection.close()


def test_nothing_said_is_not_paused(stage: Stage) -> None:
    assert stage.put("SELECT lifecycle.is_paused()") is False
    pause(stage)
    assert stage.put("SELECT lifecycle.is_paused()") is True
    pause(stage, paused=False)
    assert stage.put("SELECT lifecycle.is_paused()") is False


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE lifecycle.posture SET paused = false",
        "DELETE FROM lifecycle.posture",
        "TRUNCATE lifecycle.posture",
        "INSERT INTO lifecycle.posture (paused, by_whom, why) VALUES (true, ' ', 'a')",
        "INSERT INTO lifecycle.posture (paused, by_whom, why) VALUES (true, 'a', '')",
    ],
)
def test_what_was_said_stays_and_says_who_and_why(stage: Stage, change: str) -> None:
    pause(stage)
    with pytest.raises((psycopg2.errors.RestrictViolation, psycopg2.errors.CheckViolation)):
        act(stage, change)


DESTROYS = (
    "DELETE FROM studio.payments",
    "DELETE FROM lifecycle.customer_key",
    "DELETE FROM lifecycle.case_salt",
)


@pytest.mark.parametrize("statement", DESTROYS)
def test_what_destroys_is_refused(stage: Stage, statement: str) -> None:
    act(stage, statement)
    pause(stage)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="paused"):
        act(stage, statement)
    pause(stage, paused=False)
    act(stage, statement)


@pytest.mark.parametrize("pipeline", ["photo_purge", "payment_archive", "one_that_comes_new"])
def test_no_plan_that_destroys_is_released(stage: Stage, pipeline: str) -> None:
    run = stage.new_run()
    stage.put("UPDATE lifecycle.run SET pipeline = %s WHERE run_id = %s", pipeline, run)
    pause(stage)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="paused"):
        act(stage, "UPDATE lifecycle.run SET released_at = now() WHERE run_id = %s", run)


@pytest.mark.parametrize(
    "pipeline", ["evidence_audit", "transfer_check", "vendor_inventory", "vendor_erasure"]
)
def test_who_only_looks_goes_on(stage: Stage, pipeline: str) -> None:
    run = stage.new_run()
    stage.put("UPDATE lifecycle.run SET pipeline = %s WHERE run_id = %s", pipeline, run)
    pause(stage)
    with pytest.raises(psycopg2.errors.RestrictViolation, match="is not published"):
        act(stage, "UPDATE lifecycle.run SET released_at = now() WHERE run_id = %s", run)


def test_every_case_is_stopped(stage: Stage) -> None:
    run = stage.new_run()
    cases = stage.claim(run, *(stage.order(ended=AS_OF - 6 * DAY) for _ in range(2)))
    for order, case in cases.items():
        upload = stage.upload(order)
        stage.seal(run, case, stage.key(upload), upload)
    assert stage.stops(run) == {}
    pause(stage)
    assert stage.stops(run) == {case: {"paused"} for case, _ in cases.values()}


def test_no_salt_is_destroyed_and_the_audit_goes_on(stage: Stage) -> None:
    run = stage.new_run()
    (case, _) = stage.claim(run, order := stage.order())[order]
    stage.run("evidence_writer", "evidence/select_open_salts", case_ids=[case])
    stage.shut(run, case)
    stage.put("UPDATE lifecycle.erasure_case SET closed_at = %s", AS_OF - 9 * DAY)
    pause(stage)
    assert stage.run("evidence_writer", "evidence/destroy_salts", closed_before=AS_OF) == [{"destroyed": 0}]
    pause(stage, paused=False)
    assert stage.run("evidence_writer", "evidence/destroy_salts", closed_before=AS_OF) == [{"destroyed": 1}]
