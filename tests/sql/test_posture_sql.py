"""The switch that pauses whatever destroys: the database refuses by itself, whoever forgot to ask."""

from __future__ import annotations

import hashlib
import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import psycopg2
import psycopg2.errors
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.sql.purge_stage import AS_OF, DAY, Stage

from data_lifecycle.database import fetch_one
from data_lifecycle.evidence.history import Spoken
from data_lifecycle.evidence.lifecycle_verify import POSTURE
from data_lifecycle.evidence.postures import record_postures

if TYPE_CHECKING:
    from tests.conftest import Studio

OFFICER, WRITER = "duty_officer", "evidence_writer"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


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


# --- what was said is stated ------------------------------------------------------------------------------------------


def record(stage: Stage) -> int:
    """State what is not stated yet, as the attester; how much that was."""
    with stage.connection(WRITER) as connection:
        return record_postures(connection, KEY)


def told(stage: Stage) -> list[dict[str, Any]]:
    """Statements about pauses, in the order of signing."""
    rows = stage.run(WRITER, "evidence_log/select_changes", predicate_type=POSTURE)
    return [json.loads(b64decode(json.loads(bytes(row["envelope"]))["payload"])) for row in rows]


def states(stage: Stage) -> list[str]:
    return [statement["predicate"]["state"] for statement in told(stage)]


def words(stage: Stage) -> list[tuple[bool, str]]:
    return [(row["paused"], row["by_whom"]) for row in stage.run(WRITER, "posture/select_changes")]


def forget(stage: Stage, keep: int) -> None:
    """An older copy of the table comes back: the first so many rows."""
    stage.put(
        "DELETE FROM lifecycle.posture WHERE posture_id NOT IN "
        "(SELECT posture_id FROM lifecycle.posture ORDER BY posture_id LIMIT %s)",
        keep,
    )


def test_each_change_is_stated_once_and_in_order(stage: Stage) -> None:
    assert record(stage) == 0
    pause(stage)
    assert record(stage) == 1
    assert record(stage) == 0
    pause(stage, paused=False)
    pause(stage)
    pause(stage, paused=False)
    assert record(stage) == 3
    assert record(stage) == 0
    assert states(stage) == ["PAUSED", "RESUMED", "PAUSED", "RESUMED"]
    rows = stage.run(WRITER, "posture/select_changes")
    for row, statement in zip(rows, told(stage), strict=True):
        said = {"at": row["at"].isoformat(), "by": "engineer", "state": statement["predicate"]["state"]}
        assert {name: statement["predicate"][name] for name in said} == said
        exact = json.dumps({**said, "why": "a test"}, sort_keys=True, separators=(",", ":")).encode()
        assert statement["subject"][0]["digest"]["sha256"] == hashlib.sha256(exact).hexdigest()
        assert "a test" not in json.dumps(statement), "the words stay in the database"


def test_what_says_again_what_is_so_already_is_no_change(stage: Stage) -> None:
    """Two people throw the switch at the same moment: each sees that the house is not paused."""
    pause(stage)
    pause(stage)
    assert record(stage) == 1
    pause(stage)
    assert record(stage) == 0
    pause(stage, paused=False)
    assert record(stage) == 1
    assert states(stage) == ["PAUSED", "RESUMED"]


def test_two_who_state_at_the_same_moment_state_once(stage: Stage) -> None:
    pause(stage)
    second = psycopg2.connect(stage.studio.urls[WRITER], options="-c TimeZone=UTC")
    done: list[int] = []
    try:
        with stage.connection(WRITER) as connection:
            assert record_postures(connection, KEY) == 1
            other = threading.Thread(target=lambda: done.append(record_postures(second, KEY)))
            other.start()
            waits(stage, second.info.backend_pid)
        other.join(30)
        second.commit()
    finally:
        second.close()
    assert done == [0]
    assert states(stage) == ["PAUSED"]


def waits(stage: Stage, pid: int) -> None:
    """Until this session waits for a lock."""
    for _ in range(10_000):
        found = stage.put("SELECT wait_event_type FROM pg_stat_activity WHERE pid = %s", pid)
        if found == "Lock":
            return
    raise AssertionError("it does not wait for its turn")


def test_a_recovery_knows_a_statement_by_the_same_digest(stage: Stage) -> None:
    pause(stage)
    record(stage)
    row = stage.put("SELECT facts_sha256 FROM lifecycle.evidence WHERE predicate_type = %s", POSTURE)
    (found,) = stage.run(WRITER, "evidence_log/select_changes", predicate_type=POSTURE)
    spoken = Spoken.read(found["evidence_id"], bytes(found["envelope"]))
    assert (spoken.facts_sha256, spoken.run, spoken.outcome) == (row, None, "recorded")


@pytest.mark.parametrize(
    ("said", "kept", "after"),
    [
        ("P", 0, "P"),  # the log says paused: a purge would act against it
        ("PRP", 2, "PRP"),
        ("PRP", 1, "PRP"),  # the last pause is lost, and the first one's end: paused all the same
        ("PR", 1, "PRP"),  # only the end is lost: paused until somebody looks, and that is said
        ("PR", 0, "PR"),
        ("PRPR", 2, "PRPR"),
    ],
)
def test_a_database_that_is_older_than_the_log_is_paused_where_they_differ(
    stage: Stage, said: str, kept: int, after: str
) -> None:
    for letter in said:
        pause(stage, paused=letter == "P")
    record(stage)
    forget(stage, kept)
    for _ in range(3):
        record(stage)
        assert "".join(state[0] for state in states(stage)) == after
        assert stage.put("SELECT lifecycle.is_paused()") is (after[-1] == "P")
    pause(stage, paused=after[-1] != "P")
    assert record(stage) == 1
    assert states(stage)[-1][0] != after[-1], "they still take turns"


def test_whoever_states_may_pause_and_never_resume(stage: Stage) -> None:
    with stage.connection(WRITER) as connection:
        fetch_one(connection, "posture/stay_paused")
    assert words(stage) == [(True, "evidence_writer")]
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        stage.touch(WRITER, "posture/insert_posture", paused=False, by_whom="engineer", why="a test")


@pytest.mark.parametrize(
    "role", ["studio_reader", "studio_eraser", "studio_auditor", "duty_officer", "reviewer"]
)
def test_nobody_else_pauses_that_way(stage: Stage, role: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        stage.run(role, "posture/stay_paused")
