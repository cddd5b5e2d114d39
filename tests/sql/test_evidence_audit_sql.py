"""The statements of the audit on a real server, each as the role that uses it; what is made due again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import psycopg2
import psycopg2.errors
import pytest
from tests.sql.purge_stage import AS_OF, DAY, Stage

from data_lifecycle.database import copy_rows, execute, fetch_one

if TYPE_CHECKING:
    from tests.conftest import Studio

SQL = Path(__file__).parents[2] / "include" / "sql" / "evidence_audit"
READER, ERASER, OBSERVER, WRITER, AUDITOR = (
    "studio_reader", "studio_eraser", "studio_observer", "evidence_writer", "studio_auditor",
)  # fmt: skip
RUN: dict[str, object] = {"run_id": 1}
CHOICE: dict[str, object] = {"pipelines": ["photo_purge"], "as_of": AS_OF}
RANGE: dict[str, object] = {"first": 0, "end": 9}
STATEMENTS: dict[str, tuple[str, dict[str, object]]] = {
    "select_due_cases": (READER, {**CHOICE, "everything": False, "first_closed": AS_OF}),
    "select_sample": (READER, {**CHOICE, "chosen": [uuid4()], "seed": "s", "count": 3}),
    "count_closed": (READER, CHOICE),
    "find_whole_check": (READER, {}),
    "copy_cases": (READER, {}),
    "count_audited": (AUDITOR, RUN),
    "select_cases": (OBSERVER, RUN),
    "select_items": (OBSERVER, RUN),
    "select_accounted": (
        OBSERVER,
        {**RUN, "numbers": [0], "case_ids": [uuid4()], "keys": ["orders/x/a"], "sealed": [True], "modified": [AS_OF]},
    ),
    "next_look_round": (OBSERVER, RUN),
    "copy_looks": (OBSERVER, {}),
    "find_audited": (AUDITOR, {}),
    "read_log_head": (AUDITOR, {}),
    "select_log_entries": (AUDITOR, {**RANGE, "others": [3]}),
    "select_published": (AUDITOR, {"first": 0}),
    "find_own_plan": (AUDITOR, {**RUN, "predicate_type": "t"}),
    "select_waiting": (AUDITOR, {"signed_before": AS_OF}),
    "read_heartbeats": (AUDITOR, {"predicate_type": "t", "since": AS_OF}),
    "select_stated_runs": (AUDITOR, {**RANGE, "predicate_type": "t", "count": 3}),
    "insert_log_check": (
        AUDITOR,
        {**RUN, "first_index": 0, "tree_size": 1, "root": bytes(32), "entries": 1, "sampled": 0, "checkpoints": 1,
         "locks": 2, "own_plan_found": True, "gaps": 0, "days_missing": 0, "runs_without_logs": 0, "findings": 0},
    ),
    "insert_findings": (AUDITOR, {**RUN, "round": 1, "whats": [], "subjects": []}),
    "select_findings": (WRITER, RUN),
    "select_closings": (WRITER, RUN),
    "vacuum_studio": (ERASER, {}),
    "read_traces": (AUDITOR, {}),
    "next_residue_round": (AUDITOR, RUN),
    "copy_residue": (AUDITOR, {}),
    "select_residue": (WRITER, RUN),
    "count_overdue": (AUDITOR, {"as_of": AS_OF}),
    "insert_forgotten": (WRITER, {**RUN, "closed_before": AS_OF}),
    "select_verdicts": (WRITER, RUN),
    "set_states": (
        WRITER,
        {"case_ids": [], "epochs": [], "looked_at": [], "verdicts": [], "stated": [], "next_looks": [],
         "next_residues": []},
    ),
    "make_due": (WRITER, RUN),
    "read_balance": (WRITER, {}),
}  # fmt: skip


@pytest.fixture
def stage(studio: Studio) -> Iterator[Stage]:
    with Stage(studio) as made:
        yield made


@pytest.fixture(scope="module")
def shared(make_studio: Callable[[], Studio]) -> Iterator[Stage]:
    with Stage(make_studio()) as made:
        made.new_run()
        yield made


def test_every_statement_file_is_tried_here() -> None:
    assert {file.stem for file in SQL.glob("*.sql")} == set(STATEMENTS)


@pytest.mark.parametrize("name", STATEMENTS)
def test_a_statement_runs_as_the_role_that_uses_it(shared: Stage, name: str) -> None:
    role, values = STATEMENTS[name]
    connection = shared.connection(role)
    if name == "vacuum_studio":
        connection.autocommit = True
    try:
        if name == "read_balance":
            execute(connection, "run/set_run", run_id=1)
        if name.startswith("copy_"):
            copy_rows(connection, f"evidence_audit/{name}", [])
        else:
            execute(connection, f"evidence_audit/{name}", **values)
    finally:
        connection.rollback()
        connection.autocommit = False


# --- what came back --------------------------------------------------------------------------------------------------


def closed(
    stage: Stage, order: str, reason: str = "terminal", upload: UUID | None = None
) -> tuple[int, UUID]:
    """(run, case) of an order that was purged: its file sealed, the case closed."""
    run = stage.new_run()
    case = stage.claim(run, order, reason=reason)[order]
    key = stage.key(upload) if upload else f"orders/{order}/a"
    item = stage.seal(run, case, key, upload)
    assert stage.shut(run, case[0]) == 1
    stage.put("INSERT INTO lifecycle.closed_item VALUES (%s, %s)", case[0], item)
    return run, case[0]


def audited(
    stage: Stage, *cases: UUID, back: bool = True, key: str = "orders/x/a", canary: str = "present"
) -> int:
    """An audit that saw something back of these cases, or saw that it is not."""
    run = stage.new_run()
    for case in cases:
        stage.put(
            "INSERT INTO lifecycle.audit_case SELECT %s, case_id, epoch, 'look', 1, closed_at, commitments_root,"
            " 'OBSERVED_ABSENT' FROM lifecycle.erasure_case WHERE case_id = %s",
            run, case,
        )  # fmt: skip
        connection = stage.connection(OBSERVER)
        with connection:
            copy_rows(connection, "evidence_audit/copy_looks", [(run, 1, case, 1, int(back), 0, 0, AS_OF)])
    rows: list[tuple[Any, ...]] = [
        (case, None, "survivor", None, key, "version", "v", "present") for case in cases if back
    ]
    stage.look(run, 1, [*rows, (None, None, "canary", None, "canary/a", "version", "v", canary)])
    return run


def case_of(stage: Stage, case: UUID) -> tuple[str, int, object]:
    """(state, epoch, when closed) of a case."""
    connection = stage.connection("admin")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, epoch, closed_at FROM lifecycle.erasure_case WHERE case_id = %s", (case,)
        )
        found = cursor.fetchone()
    assert found is not None
    return found[0], found[1], found[2]


def test_only_what_the_audit_saw_is_made_due_again_and_once(stage: Stage) -> None:
    orders = [stage.order(ended=AS_OF - 6 * DAY, state="absent") for _ in range(3)]
    uploads = [stage.upload(order, absent=AS_OF) for order in orders]
    cases = [closed(stage, order, upload=upload)[1] for order, upload in zip(orders, uploads, strict=True)]
    run = audited(stage, cases[0], key=stage.key(uploads[0]))
    audited(stage, cases[1], back=False)
    assert stage.run(WRITER, "evidence_audit/make_due", run_id=run) == [
        {"case_id": cases[0], "reopened": True}
    ]
    assert [case_of(stage, case)[:2] for case in cases] == [("open", 2), ("absent", 1), ("absent", 1)]
    assert stage.due() == {orders[0]}
    absent = [
        stage.put("SELECT absent_at FROM studio.uploads WHERE upload_id = %s", upload) for upload in uploads
    ]
    assert [moment is None for moment in absent] == [True, False, False]
    assert (
        stage.put("SELECT commitments_root FROM lifecycle.erasure_case WHERE case_id = %s", cases[0]) is None
    )
    assert stage.run(WRITER, "evidence_audit/make_due", run_id=run) == [], "nothing happens twice"
    # The next purge takes the open case over; whatever it closes, this audit opens no more.
    again = stage.new_run()
    assert stage.claim(again, orders[0])[orders[0]] == (cases[0], 3)
    assert stage.shut(again, cases[0]) == 1
    assert stage.run(WRITER, "evidence_audit/make_due", run_id=run) == []


def test_what_the_order_has_forgotten_its_case_knows(stage: Stage) -> None:
    anchor = AS_OF - 6 * DAY
    asked, lost, reopened, ended = (
        stage.order(),
        stage.order(),
        stage.order(reopened=AS_OF - DAY),
        stage.order(ended=anchor),
    )
    cases = [
        closed(stage, order, "request" if order == asked else "terminal")[1]
        for order in (asked, lost, reopened, ended)
    ]
    run = audited(stage, *cases)
    assert len(stage.run(WRITER, "evidence_audit/make_due", run_id=run)) == 4
    connection = stage.connection("admin")
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT order_id, terminal_at, terminal_kind, erase_requested_at, photo_state FROM studio.orders"
        )
        found = {row[0]: row[1:] for row in cursor.fetchall()}
        cursor.execute("SELECT order_id FROM studio.order_events")
        events = [row[0] for row in cursor.fetchall()]
    assert found[asked] == (None, None, anchor, "present")
    assert found[lost] == (anchor, "expired", None, "present")
    assert found[reopened] == (None, None, None, "present"), "it is open again, and was not forgotten"
    assert found[ended] == (anchor, "completed", None, "present")
    assert events == [lost]
    assert {asked, lost, ended} <= stage.due()


def test_an_order_that_is_gone_is_due_by_its_case(stage: Stage) -> None:
    names = {reason: f"ord_gone_{reason}" for reason in ("terminal", "inactivity", "request")}
    cases = [closed(stage, name, reason)[1] for reason, name in names.items()]
    assert stage.due() == set()
    stage.run(WRITER, "evidence_audit/make_due", run_id=audited(stage, *cases))
    rows = {
        row["order_id"]: row
        for row in stage.run(
            READER, "select_due_orders", terminal_before=AS_OF, inactive_before=AS_OF, requested_before=AS_OF
        )
    }
    anchor = AS_OF - 6 * DAY
    assert set(rows) == set(names.values())
    for reason, name in names.items():
        row = rows[name]
        expected = (None, anchor) if reason == "request" else (anchor, None)
        assert (row["terminal_at"], row["erase_requested_at"], row["last_activity_at"]) == (*expected, anchor)


def test_one_open_case_an_order(stage: Stage) -> None:
    order = stage.order(ended=AS_OF - 6 * DAY)
    first, second = closed(stage, order)[1], closed(stage, order)[1]
    run = audited(stage, first, second)
    made = {
        row["case_id"]: row["reopened"] for row in stage.run(WRITER, "evidence_audit/make_due", run_id=run)
    }
    assert made == {second: True, first: False}, "the latest is opened, and erases for both"


def test_who_missed_a_canary_saw_nothing_absent(stage: Stage) -> None:
    case = closed(stage, stage.order())[1]
    for canary, back, verdict in (
        ("present", False, "absent"),
        ("absent", False, "unknown"),
        ("absent", True, "back"),
        ("present", True, "back"),
    ):
        run = audited(stage, case, back=back, canary=canary)
        (row,) = stage.run(WRITER, "evidence_audit/select_verdicts", run_id=run)
        assert row["verdict"] == verdict
    run = stage.new_run()
    stage.put(
        "INSERT INTO lifecycle.audit_case SELECT %s, case_id, epoch, 'look', 1, closed_at, commitments_root,"
        " 'OBSERVED_ABSENT' FROM lifecycle.erasure_case WHERE case_id = %s", run, case,
    )  # fmt: skip
    (row,) = stage.run(WRITER, "evidence_audit/select_verdicts", run_id=run)
    assert row["verdict"] == "unknown", "nobody looked"


# --- which are due ---------------------------------------------------------------------------------------------------


def test_what_was_audited_under_an_earlier_epoch_does_not_count(stage: Stage) -> None:
    case = closed(stage, stage.order())[1]
    now = datetime.now(UTC) + 9 * DAY
    values = {**CHOICE, "as_of": now, "everything": False, "first_closed": now - DAY}
    assert [row["case_id"] for row in stage.run(READER, "evidence_audit/select_due_cases", **values)] == [
        case
    ]

    def remember(epoch: int, looked_at: datetime, next_look: datetime | None) -> None:
        stage.touch(
            *(WRITER, "evidence_audit/set_states"),
            case_ids=[case], epochs=[epoch], looked_at=[looked_at], verdicts=["absent"], stated=["RESIDUE_CLEARED"],
            next_looks=[next_look], next_residues=[None],
        )  # fmt: skip

    remember(1, now, None)
    assert stage.run(READER, "evidence_audit/select_due_cases", **values) == []
    remember(1, now - 5 * DAY, now - DAY)
    assert stage.run(READER, "evidence_audit/select_due_cases", **values) == [], (
        "an earlier moment overwrites nothing"
    )
    stage.put("UPDATE lifecycle.erasure_case SET epoch = 2")
    (row,) = stage.run(READER, "evidence_audit/select_due_cases", **values)
    assert (row["verdict"], row["stated"]) == (None, "OBSERVED_ABSENT")
    remember(2, now - 5 * DAY, now)
    (row,) = stage.run(READER, "evidence_audit/select_due_cases", **values)
    assert row["stated"] == "RESIDUE_CLEARED"
    remember(1, now + 5 * DAY, None)
    assert len(stage.run(READER, "evidence_audit/select_due_cases", **values)) == 1, (
        "a late one of an earlier epoch"
    )


def test_the_oldest_page_of_the_write_ahead_log_is_found(stage: Stage) -> None:
    def traces() -> Any:
        connection = stage.connection(AUDITOR)
        with connection:
            return fetch_one(connection, "evidence_audit/read_traces")

    now = stage.put("SELECT pg_current_wal_lsn()")
    found = traces()
    assert number(found["oldest_wal"]) <= number(now)
    assert number(found["oldest_wal"]) > 0
    assert (found["oldest_backup"], found["latest_backup"]) == (None, None)
    before = datetime.now(UTC) - timedelta(seconds=1)
    connection = stage.connection(ERASER)
    connection.autocommit = True
    execute(connection, "evidence_audit/vacuum_studio")
    assert traces()["vacuumed_at"] > before


def number(lsn: str) -> int:
    """A place in the write-ahead log."""
    high, low = lsn.split("/")
    return int(high, 16) << 32 | int(low, 16)


# --- who may not -----------------------------------------------------------------------------------------------------

OTHERS = ("reviewer", "studio_app")
FORBIDDEN = [
    *((role, "SELECT lifecycle.make_due_again(1)") for role in (READER, ERASER, OBSERVER, AUDITOR, *OTHERS)),
    *((role, "SELECT lifecycle.oldest_wal()") for role in (READER, ERASER, OBSERVER, WRITER, *OTHERS)),
    *((role, "UPDATE lifecycle.audit_look SET present = 0") for role in (READER, OBSERVER, AUDITOR, WRITER)),
    *((role, "DELETE FROM lifecycle.audit_finding") for role in (AUDITOR, WRITER, "reviewer")),
    *((role, "UPDATE lifecycle.audit_log SET findings = 0") for role in (AUDITOR, WRITER, "reviewer")),
    *((role, "DELETE FROM lifecycle.audit_case") for role in (READER, OBSERVER, AUDITOR, WRITER)),
    *((role, "DELETE FROM lifecycle.audit_forgotten") for role in (WRITER, AUDITOR, "reviewer")),
    *((role, "UPDATE lifecycle.audit_residue SET outcome = 'cleared'") for role in (AUDITOR, WRITER)),
    *((role, "UPDATE lifecycle.erasure_case SET epoch = 1") for role in (OBSERVER, AUDITOR, WRITER)),
    (WRITER, "INSERT INTO lifecycle.audit_look VALUES (1, 1, gen_random_uuid(), 0, 0, 0, 0, now())"),
    (WRITER, "INSERT INTO lifecycle.resurfaced (order_id, run_id) VALUES ('x', 1)"),
    (WRITER, "INSERT INTO studio.order_events (order_id, kind, occurred_at) VALUES ('x', 'expired', now())"),
    (WRITER, "UPDATE studio.orders SET erase_requested_at = now()"),
    (WRITER, "SELECT salt FROM lifecycle.case_salt"),
    (OBSERVER, "UPDATE studio.orders SET photo_state = 'present'"),
    ("reviewer", "SELECT case_id FROM lifecycle.audit_verdict"),
]  # fmt: skip


@pytest.mark.parametrize(("role", "statement"), FORBIDDEN)
def test_what_nobody_else_may_is_refused(shared: Stage, role: str, statement: str) -> None:
    connection = shared.connection(role)
    try:
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute(statement)
    finally:
        connection.rollback()


@pytest.mark.parametrize("table", ["audit_look", "audit_log", "audit_finding"])
def test_what_was_found_stays(stage: Stage, table: str) -> None:
    case = closed(stage, stage.order())[1]
    run = audited(stage, case)
    values = {**STATEMENTS["insert_log_check"][1], "run_id": run, "findings": 1}
    stage.run(AUDITOR, "evidence_audit/insert_log_check", **values)
    stage.touch(AUDITOR, "evidence_audit/insert_findings", run_id=run, round=1, whats=["x"], subjects=["y"])
    connection = stage.connection("admin")
    for statement in (f"UPDATE lifecycle.{table} SET round = 2", f"DELETE FROM lifecycle.{table}"):  # noqa: S608
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.RestrictViolation):
            cursor.execute(statement)
        connection.rollback()
