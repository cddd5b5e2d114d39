"""Hot rows leave, once a file has them: exactly those, unchanged, all of them, or none.

Whoever has just compared the file with the table knows a horizon: row versions that are older were compared, value by
value, and a version never changes. The rows with the file's ids are deleted where they still are such versions. If that
is not all of them, it is undone, and content decides: a digest of each of the file's records goes into a temporary
table, and the rows that have that id and that digest are deleted. A row that was changed since has another digest, one
that was added is not named: then the counts differ and nothing happens.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import psycopg2

from data_lifecycle.database import execute, fetch_one
from data_lifecycle.payment_archive.columns import NAMES
from data_lifecycle.payment_archive.parquet_file import read_batches
from data_lifecycle.payment_archive.row_digest import DIGEST_BYTES, KEYS, postgres_moments, row_digests
from data_lifecycle.payment_archive.stream import Connection, NotArchivable
from data_lifecycle.sqlfiles import load

_READ_BYTES = 2**18
_BLOCK_ROWS = 4096
"""Rows digested at once: all their bytes lie in memory for that."""
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = b"\xff\xff"
_KEY_ROW = [("fields", ">i2"), ("id_bytes", ">i4"), ("id", "V16"), ("moment_bytes", ">i4"), ("moment", ">i8")]
_DIGEST_ROW = [*_KEY_ROW, ("digest_bytes", ">i4"), ("digest", f"V{DIGEST_BYTES}")]
"""Rows of COPY's binary format: how many values, and each with its length before it."""


class RowsDiffer(Exception):
    """The table's rows are not those of the file; the transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class Removed:
    """So many rows were deleted, and none of them is left under its id."""

    rows: int


@dataclass(frozen=True, slots=True)
class Deletion:
    """Records that the file names and does not only restate, and the rows that the database says it deleted."""

    named: int
    restated: int
    deleted: int


def remove(connection: Connection, file: Path, horizon: str | None = None) -> Removed:
    """Delete the rows of `studio.payments` that `file` holds; the caller commits, together with its books.

    `horizon` is what `read_horizon` said before `compare` found file and table equal.

    RowsDiffer, after a rollback, if a row is gone, was changed, is named twice, or is still there after the deletion:
    a trigger, rule or row-level security that makes the count lie. NotArchivable for a file that is none.
    """
    done = delete(connection, file, horizon)
    left = count_left(connection)
    if done.deleted != done.named or left:
        connection.rollback()
        raise RowsDiffer(
            f"the file has {done.named} rows: {done.deleted} of the table were deleted, {left} are still there"
        )
    return Removed(done.deleted)


def read_horizon(connection: Connection) -> str:
    """A transaction's number (decimal): what older ones wrote is seen by every statement from now on."""
    return str(fetch_one(connection, "payment_archive/read_horizon")["horizon"])


def delete(
    connection: Connection, file: Path, horizon: str | None, restating: UUID | None = None
) -> Deletion:
    """Delete what `file` has, by version or else by digest; whether that was all is for the caller to compare.

    `restating` is the id of a file that also has records of older files: those left with them, and are not named.
    """
    if horizon is not None:
        execute(connection, "payment_archive/mark_removal")
        named = load_keys(connection, file)
        restated = _skip(connection, restating)
        deleted = execute(connection, "payment_archive/remove_unchanged", horizon=horizon)
        if deleted == named - restated:
            return Deletion(deleted, restated, deleted)
        execute(connection, "payment_archive/undo_removal")
    named = load_records(connection, file)
    restated = _skip(connection, restating)
    return Deletion(named - restated, restated, execute(connection, "payment_archive/remove_archived"))


def _skip(connection: Connection, restating: UUID | None) -> int:
    return execute(connection, "payment_archive/skip_restated", file_id=restating) if restating else 0


def load_records(connection: Connection, file: Path) -> int:
    """Fill the temporary table `archived`, which ends with the transaction, from the file; its number of records."""
    return _load(connection, file, "archived", NAMES)


def load_keys(connection: Connection, file: Path) -> int:
    """As `load_records`, but only id and moment of each record: enough to say which rows are meant, and a fraction of
    the work. Whoever only compares or counts afterwards needs no more; `remove_archived` does not run on it."""
    return _load(connection, file, "keys", KEYS)


def _load(connection: Connection, file: Path, what: str, names: tuple[str, ...]) -> int:
    execute(connection, f"payment_archive/create_{what}")
    execute(connection, "payment_archive/set_join_memory")
    stream = _Rows(read_batches(file, names), digested=what == "archived")
    try:
        with connection.cursor() as cursor:
            cursor.copy_expert(load(f"payment_archive/stream_{what}"), cast("Any", stream), _READ_BYTES)
            copied = int(cursor.rowcount)
    except psycopg2.DataError:  # quotes the record
        raise NotArchivable("the file has a record that the database does not take") from None
    if copied != stream.rows:
        raise NotArchivable(f"the file has {stream.rows} rows, the database took {copied}")
    execute(connection, "payment_archive/analyze_archived")
    return copied


def count_left(connection: Connection) -> int:
    """Rows of `studio.payments` whose id a loaded record has, whatever else is in them."""
    return int(fetch_one(connection, "payment_archive/count_left")["rows"])


class _Rows(io.RawIOBase):
    """Keys of batches, with digests or without, as COPY reads them in its binary format."""

    def __init__(self, batches: Iterator[Any], digested: bool) -> None:
        self._blocks = self._all(batches, digested)
        self._rest = memoryview(b"")
        self.rows = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest and (block := next(self._blocks, None)) is not None:
            self._rest = memoryview(block)
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)

    def _all(self, batches: Iterator[Any], digested: bool) -> Iterator[bytes]:
        yield _SIGNATURE
        for batch in batches:
            self.rows += batch.num_rows
            for start in range(0, batch.num_rows, _BLOCK_ROWS):
                yield _copied(batch.slice(start, _BLOCK_ROWS), digested)
        yield _TRAILER


def _copied(batch: Any, digested: bool) -> bytes:
    import numpy as np

    ids = batch.column("payment_id").storage
    rows = np.empty(batch.num_rows, np.dtype(_DIGEST_ROW if digested else _KEY_ROW))
    rows["fields"], rows["id_bytes"], rows["moment_bytes"] = len(KEYS) + digested, 16, 8
    rows["id"] = np.frombuffer(ids.buffers()[1], "V16")[ids.offset :][: len(ids)]
    rows["moment"] = postgres_moments(batch.column("occurred_at"))
    if digested:
        rows["digest_bytes"] = DIGEST_BYTES
        rows["digest"] = np.frombuffer(row_digests(batch), f"V{DIGEST_BYTES}")
    return rows.tobytes()
