"""PostgreSQL, the few ways we use it: short transactions, bound values, bulk rows through COPY."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TextIO, cast

import psycopg2
import psycopg2.extensions
import psycopg2.extras

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.sqlfiles import load

psycopg2.extras.register_uuid()  # type: ignore[no-untyped-call]

Connection = psycopg2.extensions.connection
Row = Mapping[str, Any]

_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@contextmanager
def connect(access: DatabaseAccess, application: str) -> Iterator[Connection]:
    """A connection in UTC that is closed at the end; an open transaction is rolled back.

    ``application`` is shown in pg_stat_activity. Errors are psycopg2's, which never contain the password.
    """
    connection = psycopg2.connect(
        access.url, application_name=application, options="-c TimeZone=UTC", connect_timeout=10
    )
    try:
        yield connection
    finally:
        connection.close()


def execute(connection: Connection, name: str, **values: object) -> int:
    """Run statement ``name`` with bound values; the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(load(name), values)
        return int(cursor.rowcount)


def fetch(connection: Connection, name: str, **values: object) -> list[Row]:
    """All rows of statement ``name`` as mappings."""
    with connection.cursor() as cursor:
        cursor.execute(load(name), values)
        names = [column.name for column in cursor.description or ()]
        # psycopg2's own mapping rows take ten times as long to make.
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def fetch_one(connection: Connection, name: str, **values: object) -> Row:
    """The single row of statement ``name``; LookupError if there is none or more than one."""
    rows = fetch(connection, name, **values)
    if len(rows) != 1:
        raise LookupError(f"{name}: expected one row, got {len(rows)}")
    return rows[0]


def copy_rows(connection: Connection, name: str, rows: Iterable[Sequence[object]]) -> int:
    """Stream ``rows`` through the ``COPY … FROM STDIN`` statement ``name``; the number of rows copied."""
    with connection.cursor() as cursor:
        cursor.copy_expert(load(name), cast("TextIO", _RowStream(rows)))
        return int(cursor.rowcount)


def array(values: Iterable[str] | None) -> str | None:
    """A text array as `copy_rows` needs it; None stays None."""
    if values is None:
        return None
    return "{" + ",".join('"' + v.replace("\\", "\\\\").replace('"', '\\"') + '"' for v in values) + "}"


class _RowStream(io.TextIOBase):
    """Rows as PostgreSQL's text format, produced as they are read: memory stays flat."""

    def __init__(self, rows: Iterable[Sequence[object]]) -> None:
        self._lines = (_line(row) for row in rows)
        self._rest = ""

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1, /) -> str:
        parts, length = [self._rest], len(self._rest)
        wanted = float("inf") if size is None or size < 0 else size
        for line in self._lines:
            parts.append(line)
            length += len(line)
            if length >= wanted:
                break
        text = "".join(parts)
        cut = len(text) if wanted == float("inf") else int(wanted)
        self._rest = text[cut:]
        return text[:cut]


def _line(row: Sequence[object]) -> str:
    return "\t".join("\\N" if v is None else str(v).translate(_ESCAPES) for v in row) + "\n"
