"""Statements of the archive's tests: on the studio as somebody, with the archive's columns."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from data_lifecycle.database import Connection
from data_lifecycle.payment_archive.columns import NAMES

FROM, TO = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 3, 15, tzinfo=UTC)
LIST = ", ".join(NAMES)


def query(text: str) -> str:
    """The statement with the archive's columns where it says RECORD."""
    return text.replace("RECORD", LIST)


HOT = query('SELECT RECORD FROM studio.payment_record ORDER BY order_id COLLATE "C", occurred_at, payment_id')


def run(connection: Connection, statement: str, *params: object) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return int(cursor.rowcount)


def ask(connection: Connection, statement: str, *params: object) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
