"""The statements of the legal holds on a real server, each as the roles that use it; and what stays as it was noted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import psycopg2.errors
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812 — as the package names it

from data_lifecycle.database import copy_rows, execute

if TYPE_CHECKING:
    from tests.conftest import Studio

SQL = Path(__file__).parents[2] / "include" / "sql" / "holds"
KEEPER, OBSERVER, AUDITOR, WRITER, APP, ADMIN = (
    "hold_keeper", "studio_observer", "studio_auditor", "evidence_writer", "studio_app", "admin",
)  # fmt: skip
AT = datetime(2026, 6, 1, tzinfo=UTC)
RUN: dict[str, Any] = {"run_id": 1}
HOLD, UPLOAD = uuid4(), uuid4()
WAITING = uuid4()
STATEMENTS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "approve_hold": ((APP,), {"hold_id": WAITING, "who": "bob"}),
    "count_alerts": (
        (KEEPER,),
        {"as_of": AT, "mend_within": timedelta(days=7), "erase_within": timedelta(hours=24)},
    ),
    "count_let_go": ((KEEPER,), RUN),
    "count_planned": ((AUDITOR,), RUN),
    "extend_hold": ((APP,), {"hold_id": HOLD, "who": "ann", "until": datetime(2999, 1, 1, tzinfo=UTC)}),
    "insert_looks": (
        (OBSERVER,),
        {
            **RUN, "round": 1, "bucket": "b", "in_force": 0, "flagged": 0, "bare": 0, "late": 0, "left_on": 0,
            "unknown": 0, "canaries": 0, "canaries_missing": 0,
        },
    ),
    "insert_probes": ((KEEPER,), {**RUN, "buckets": ["b"], "outcomes": ["refused"], "codes": [None]}),
    "insert_seen": (
        (OBSERVER,),
        {
            **RUN, "round": 1, "hold_id": HOLD, "basis_class": "other", "expires_at": AT, "files": 1, "versions": 1,
            "flagged": 1,
        },
    ),
    "list_holds": ((APP,), {}),
    "next_round": ((OBSERVER,), RUN),
    "place_hold": (
        (APP,),
        {
            "basis": "b", "basis_class": "other", "placed_by": "a", "expires_at": datetime(2999, 1, 1, tzinfo=UTC),
            "uploads": [UPLOAD],
        },
    ),
    "read_balance": ((AUDITOR, WRITER), {}),
    "record_intent": ((KEEPER,), RUN),
    "record_outcomes": ((KEEPER,), {**RUN, "item_ids": [1], "states": ["accepted"], "codes": [None]}),
    "release_hold": ((APP,), {"hold_id": HOLD, "who": "ann"}),
    "select_held": ((KEEPER, OBSERVER), {}),
    "select_holds": ((OBSERVER,), {}),
    "select_known": ((KEEPER,), {}),
    "select_let_go": ((OBSERVER,), RUN),
    "select_probes": ((WRITER,), RUN),
    "select_recorded": ((KEEPER, OBSERVER), {"keys": ["orders/ord_1/a"]}),
    "select_refused": ((KEEPER,), {}),
    "select_seen": ((WRITER,), RUN),
    "select_set": ((OBSERVER,), RUN),
    "select_stops": ((KEEPER,), {"item_ids": [1]}),
    "select_uploads": ((APP,), {"order_id": "1"}),
}  # fmt: skip


@pytest.fixture(scope="module")
def connections(make_studio: Callable[[], Studio]) -> Iterator[Callable[[str], Connection]]:
    studio = make_studio()
    opened: dict[str, Connection] = {}

    def of(role: str) -> Connection:
        if role not in opened:
            url = studio.admin_url if role == ADMIN else studio.urls[role]
            opened[role] = psycopg2.connect(url, options="-c TimeZone=UTC -c lifecycle.run_id=1")
        return opened[role]

    with of(ADMIN) as admin, admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lifecycle.run (pipeline, dag_run_id, attempt, as_of, dry_run, policy_id, policy_version,"
            " policy_sha256, code_sha, manifest_sha256, batches, facts)"
            " VALUES ('legal_holds', 'x', 1, %s, false, 'p', '1', 's', 'c', 'm', 1, '{}')",
            [AT],
        )
        cursor.execute(
            "INSERT INTO studio.uploads (upload_id, category, role, bucket, object_key, sha256, bytes, media_type,"
            " uploaded_at) VALUES (%s, 'personal_photo', 'front', 'b', 'orders/ord_1/a', %s, 1, 'image/jpeg', now())",
            [UPLOAD, b"x" * 32],
        )
        for hold, approver in ((HOLD, "bob"), (WAITING, None)):
            cursor.execute(
                "INSERT INTO studio.legal_holds VALUES (%s, 'b', 'ann', %s, now(), '2998-01-01 00:00+00')",
                [hold, approver],
            )
            cursor.execute("INSERT INTO studio.legal_hold_uploads VALUES (%s, %s)", [hold, UPLOAD])
    yield of
    for connection in opened.values():
        connection.close()


def test_every_statement_file_is_tried_here() -> None:
    assert {file.stem for file in SQL.glob("*.sql")} == {*STATEMENTS, "copy_items"}


@pytest.mark.parametrize(
    ("name", "role"), [(name, role) for name, (roles, _) in STATEMENTS.items() for role in roles]
)
def test_a_statement_runs_as_the_role_that_uses_it(
    connections: Callable[[str], Connection], name: str, role: str
) -> None:
    connection = connections(role)
    try:
        execute(connection, f"holds/{name}", **STATEMENTS[name][1])
    finally:
        connection.rollback()


def test_items_can_be_copied_in(connections: Callable[[str], Connection]) -> None:
    connection = connections(KEEPER)
    try:
        rows = [(1, "b", "orders/ord_1/a", "v", UPLOAD, "recorded", "on")]
        assert copy_rows(connection, "holds/copy_items", rows) == 1
    finally:
        connection.rollback()


@pytest.mark.parametrize("table", ["hold_look", "hold_seen", "hold_probe"])
@pytest.mark.parametrize("statement", ["DELETE FROM lifecycle.{}", "TRUNCATE lifecycle.{}"])
def test_what_was_seen_stays_even_for_the_administrator(
    connections: Callable[[str], Connection], table: str, statement: str
) -> None:
    connection = connections(ADMIN)
    try:
        with connection.cursor() as cursor, pytest.raises(psycopg2.errors.RestrictViolation):
            cursor.execute(statement.format(table))
    finally:
        connection.rollback()


def test_a_file_is_held_for_as_long_as_its_flag_stands(connections: Callable[[str], Connection]) -> None:
    connection = connections(ADMIN)
    try:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE studio.legal_holds SET released_at = now() + interval '1 second'")
            cursor.execute("SELECT count(*) FROM studio.effective_hold")
            assert cursor.fetchone() == (0,)
            cursor.execute(
                "INSERT INTO lifecycle.store_hold VALUES ('b', 'orders/ord_1/a', 'v', %s, 'on', 1)", [UPLOAD]
            )
            cursor.execute("SELECT upload_id FROM studio.effective_hold")
            assert [str(row[0]) for row in cursor.fetchall()] == [str(UPLOAD)]
            cursor.execute("SELECT count(*) FROM studio.hold_in_force")
            assert cursor.fetchone() == (0,)
    finally:
        connection.rollback()
