"""The log in the database: without gaps, append-only, one head; and the statements that read it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg2
import psycopg2.errors
import pytest
from tests.unit.evidence_log.forge import ATTESTER, SECOND

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute, fetch, fetch_one
from data_lifecycle.evidence import merkle
from data_lifecycle.evidence.lifecycle_verify import HEARTBEAT, ROTATION
from data_lifecycle.evidence.records import record_heartbeats, record_rotation, rotation

if TYPE_CHECKING:
    from tests.conftest import Studio

refused = psycopg2.errors


@pytest.fixture
def admin(studio: Studio) -> Iterator[Connection]:
    with connect(DatabaseAccess(studio.admin_url), "test") as connection:
        yield connection


@pytest.fixture
def sequencer(studio: Studio) -> Iterator[Connection]:
    with connect(DatabaseAccess(studio.urls["log_sequencer"]), "test") as connection:
        yield connection


@pytest.fixture
def writer(studio: Studio) -> Iterator[Connection]:
    with connect(DatabaseAccess(studio.urls["evidence_writer"]), "test") as connection:
        yield connection


def sql(connection: Connection, text: str, *values: object) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        return cursor.fetchall() if cursor.description else []


def record(connection: Connection, name: str, signed_at: datetime, kind: str = HEARTBEAT) -> None:
    """A statement as the administrator of the database could write it."""
    data = name.encode()
    sql(
        connection,
        "INSERT INTO lifecycle.evidence (evidence_id, predicate_type, outcome, facts_sha256, key_id, envelope, "
        "envelope_sha256, signed_at) VALUES (%s, %s, 'recorded', %s, 'k', %s, %s, %s)",
        name, kind, name, data, hashlib.sha256(data).hexdigest(), signed_at,
    )  # fmt: skip


def fill(connection: Connection, count: int, start: datetime) -> list[bytes]:
    """A log of some entries, one an hour; hashes of the leaves."""
    tree, leaves = merkle.Tree(), []
    for n in range(count):
        name = f"heartbeat/x/{n:04d}"
        record(connection, name, start + timedelta(hours=n))
        (_, leaf), *inner = tree.append(merkle.leaf_hash(name.encode()))
        leaves.append(leaf)
        execute(connection, "evidence_log/insert_leaf", log_index=n, evidence_id=name, leaf_hash=leaf)
        execute(
            connection,
            "evidence_log/insert_nodes",
            levels=[level for (level, _), _ in inner],
            positions=[position for (_, position), _ in inner],
            hashes=[value for _, value in inner],
        )
    connection.commit()
    return leaves


def test_there_is_one_empty_head(sequencer: Connection) -> None:
    head = fetch_one(sequencer, "evidence_log/lock_head")
    assert (head["tree_size"], bytes(head["root"])) == (0, merkle.EMPTY_ROOT)


def test_whoever_saw_an_older_head_changes_nothing(sequencer: Connection) -> None:
    def advance(seen: int, root: bytes, size: int) -> int:
        return execute(
            sequencer,
            "evidence_log/advance_head",
            tree_size=size,
            root=bytes([size]) * 32,
            seen_size=seen,
            seen_root=root,
        )

    assert advance(0, merkle.EMPTY_ROOT, 3) == 1
    assert advance(0, merkle.EMPTY_ROOT, 4) == 0
    assert advance(3, bytes(32), 4) == 0
    assert advance(3, b"\x03" * 32, 4) == 1
    with pytest.raises(refused.RestrictViolation):
        advance(4, b"\x04" * 32, 3)


def test_a_second_sequencer_waits_for_the_first(studio: Studio, sequencer: Connection) -> None:
    fetch_one(sequencer, "evidence_log/lock_head")
    with connect(DatabaseAccess(studio.urls["log_sequencer"]), "test") as second:
        sql(second, "SET lock_timeout = '200ms'")
        with pytest.raises(refused.LockNotAvailable):
            fetch_one(second, "evidence_log/lock_head")


def test_no_gap_and_no_second_place(admin: Connection, sequencer: Connection) -> None:
    fill(admin, 2, datetime(2026, 1, 1, tzinfo=UTC))
    record(admin, "heartbeat/x/9998", datetime(2026, 1, 9, tzinfo=UTC))
    admin.commit()
    for index, name, error in (
        (3, "heartbeat/x/9998", refused.RestrictViolation),
        (1, "heartbeat/x/9998", refused.UniqueViolation),
        (2, "heartbeat/x/0000", refused.UniqueViolation),
        (2, "heartbeat/x/none", refused.ForeignKeyViolation),
    ):
        with pytest.raises(error):
            execute(
                sequencer, "evidence_log/insert_leaf", log_index=index, evidence_id=name, leaf_hash=bytes(32)
            )
        sequencer.rollback()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lifecycle.log_leaf SET leaf_hash = decode(repeat('00', 32), 'hex')",
        "DELETE FROM lifecycle.log_leaf",
        "TRUNCATE lifecycle.log_leaf",
        "UPDATE lifecycle.log_node SET hash = decode(repeat('00', 32), 'hex')",
        "DELETE FROM lifecycle.log_node",
        "TRUNCATE lifecycle.log_node",
        "UPDATE lifecycle.log_checkpoint SET note = ''",
        "DELETE FROM lifecycle.log_checkpoint",
        "TRUNCATE lifecycle.log_checkpoint CASCADE",
        "DELETE FROM lifecycle.log_head",
        "TRUNCATE lifecycle.log_head",
        "UPDATE lifecycle.log_head SET tree_size = 0",
    ],
)
def test_not_even_the_owner_takes_anything_back_by_mistake(admin: Connection, statement: str) -> None:
    with pytest.raises(refused.RestrictViolation):
        sql(admin, statement)


def test_there_is_never_a_second_head(admin: Connection) -> None:
    for one in (True, False):
        with pytest.raises((refused.UniqueViolation, refused.CheckViolation)):
            sql(admin, "INSERT INTO lifecycle.log_head (one, root) VALUES (%s, sha256(''))", one)
        admin.rollback()


def test_nodes_and_leaves_are_read_alike(admin: Connection, sequencer: Connection) -> None:
    leaves = fill(admin, 13, datetime(2026, 1, 1, tzinfo=UTC))
    wanted = [*merkle.complete_nodes(0, 13), *merkle.complete_nodes(0, 7), (0, 5), (9, 9)]
    rows = fetch(
        sequencer,
        "evidence_log/select_nodes",
        levels=[level for level, _ in wanted],
        positions=[position for _, position in wanted],
    )
    found = {(row["level"], row["position"]): bytes(row["hash"]) for row in rows}
    assert found[0, 5] == leaves[5]
    assert (9, 9) not in found
    for size in (13, 7):
        assert merkle.fold([found[n] for n in merkle.complete_nodes(0, size)]) == merkle.root_of(
            leaves[:size]
        )


def test_statements_without_a_place_come_in_the_order_of_signing(
    admin: Connection, sequencer: Connection
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fill(admin, 2, start)
    for name, hours in (("heartbeat/b", 5), ("heartbeat/c", 4), ("heartbeat/a", 5)):
        record(admin, name, start + timedelta(hours=hours))
    admin.commit()
    rows = fetch(sequencer, "evidence_log/select_unsequenced")
    assert [row["evidence_id"] for row in rows] == ["heartbeat/c", "heartbeat/a", "heartbeat/b"]


@pytest.mark.parametrize(
    ("day_from", "day_to", "expected"),
    # One entry an hour. Day 2 to 3 with margins: signed after 46 h is entry 47, signed before 74 h is entry 73.
    [(2, 3, (47, 73)), (0, 1, (0, 25)), (-5, -4, (0, None)), (9, 10, (None, 99)), (-5, 10, (0, 99))],
)
def test_the_range_of_a_period_has_its_margins(
    admin: Connection, day_from: int, day_to: int, expected: tuple[int | None, int | None]
) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    fill(admin, 100, start)
    found = fetch_one(
        admin,
        "evidence_log/find_range",
        period_from=start + timedelta(days=day_from),
        period_to=start + timedelta(days=day_to),
        margin=timedelta(hours=2),
        end=100,
    )
    assert (found["first"], found["last"]) == expected


def test_a_heartbeat_a_day_and_missed_days_declared(
    studio: Studio, writer: Connection, admin: Connection
) -> None:
    today = sql(admin, "SELECT (now() AT TIME ZONE 'UTC')::date")[0][0]
    assert isinstance(today, date)
    assert record_heartbeats(writer, ATTESTER) == [today]
    writer.commit()
    assert record_heartbeats(writer, ATTESTER) == []
    old = datetime.combine(today - timedelta(days=3), datetime.min.time(), UTC)
    record(admin, "photo/old", old, "https://xmanart.com/lifecycle/photo-purge/v1")
    admin.commit()
    assert record_heartbeats(writer, ATTESTER) == [today - timedelta(days=n) for n in (3, 2, 1)]
    writer.commit()
    assert record_heartbeats(writer, ATTESTER) == []


def test_the_same_day_or_rotation_is_recorded_once(
    studio: Studio, writer: Connection, make_studio: Callable[[], Studio]
) -> None:
    with connect(DatabaseAccess(studio.urls["evidence_writer"]), "test") as second:
        record_heartbeats(second, ATTESTER)
        second.commit()
    record_heartbeats(writer, ATTESTER)
    for hour in (1, 2):
        sealed = rotation(ATTESTER, SECOND, "attester", "attester", datetime(2026, 1, 1, hour, tzinfo=UTC))
        record_rotation(writer, sealed, "attester", "old", "new")
    writer.commit()
    rows = sql(writer, "SELECT predicate_type FROM lifecycle.evidence ORDER BY 1")
    assert rows == [(HEARTBEAT,), (ROTATION,)]


@pytest.mark.parametrize(("sequence", "outcome"), [(None, "verified"), (1, "recorded")])
def test_a_statement_about_no_run_says_so(admin: Connection, sequence: int | None, outcome: str) -> None:
    with pytest.raises(refused.CheckViolation):
        sql(
            admin,
            "INSERT INTO lifecycle.evidence (evidence_id, run_id, sequence, predicate_type, outcome, facts_sha256, "
            "key_id, envelope, envelope_sha256) VALUES ('a', NULL, %s, 'p', %s, 'f', 'k', '', 'e')",
            sequence, outcome,
        )  # fmt: skip
