"""Outside timestamps in the database: of published heads, once each, for good."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import psycopg2.errors
import pytest

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Studio

MOMENT = datetime(2026, 1, 7, 3, tzinfo=UTC)


@pytest.fixture
def sequencer(studio: Studio) -> Iterator[Connection]:
    """A log with one published head, seen by the sequencer."""
    with connect(DatabaseAccess(studio.urls["log_sequencer"]), "test") as connection:
        execute(
            connection,
            "evidence_log/insert_checkpoint",
            tree_size=3,
            root=bytes(32),
            note=b"n",
            version_id="v",
        )
        connection.commit()
        yield connection


def insert(connection: Connection, size: int = 3, token: bytes = b"token") -> int:
    return execute(
        connection,
        "evidence_log/insert_timestamp",
        tree_size=size,
        token=token,
        stamped_at=MOMENT,
        version_id="v",
    )


def test_the_first_token_of_a_head_stays(sequencer: Connection) -> None:
    assert insert(sequencer) == 1
    assert insert(sequencer, token=b"another") == 0
    (row,) = fetch(sequencer, "evidence_log/select_timestamps", sizes=[2, 3])
    assert (row["tree_size"], bytes(row["token"]), row["stamped_at"]) == (3, b"token", MOMENT)
    assert fetch(sequencer, "evidence_log/select_timestamps", sizes=[]) == []


def test_no_token_without_its_head(sequencer: Connection) -> None:
    with pytest.raises(psycopg2.errors.ForeignKeyViolation):
        insert(sequencer, size=4)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE lifecycle.log_timestamp SET token = ''",
        "DELETE FROM lifecycle.log_timestamp",
        "TRUNCATE lifecycle.log_timestamp",
    ],
)
def test_nobody_takes_a_token_back(studio: Studio, sequencer: Connection, statement: str) -> None:
    insert(sequencer)
    sequencer.commit()
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin.cursor() as cursor:
        with pytest.raises(psycopg2.errors.RestrictViolation):
            cursor.execute(statement)
        admin.rollback()
    with pytest.raises(psycopg2.errors.InsufficientPrivilege), sequencer.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize("role", ["evidence_writer", "studio_auditor", "reviewer"])
def test_others_only_read(studio: Studio, sequencer: Connection, role: str) -> None:
    insert(sequencer)
    sequencer.commit()
    with connect(DatabaseAccess(studio.urls[role]), "test") as connection:
        assert len(fetch(connection, "evidence_log/select_timestamps", sizes=[3])) == 1
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            insert(connection)
