"""Hot rows leave, once a file has them: exactly those, unchanged, all of them, or none.

The file's records go into a temporary table and the rows that equal one of them in every column are deleted. A row
that was changed since does not match, one that was added is not named: then the counts differ and nothing happens.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import psycopg2
import pyarrow as pa
import pyarrow.csv

from data_lifecycle.database import execute, fetch_one
from data_lifecycle.payment_archive.columns import COLUMNS, NAMES, Column
from data_lifecycle.payment_archive.parquet_file import read_batches
from data_lifecycle.payment_archive.stream import Connection, NotArchivable
from data_lifecycle.sqlfiles import load

_READ_BYTES = 2**18
KEYS = ("payment_id", "occurred_at")
_COLUMN = {column.name: column for column in COLUMNS}


class RowsDiffer(Exception):
    """The table's rows are not those of the file; the transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class Removed:
    """So many rows were deleted, and none of them is left under its id."""

    rows: int


def remove(connection: Connection, file: Path) -> Removed:
    """Delete the rows of `studio.payments` that `file` holds; the caller commits, together with its books.

    RowsDiffer, after a rollback, if a row is gone, was changed, is named twice, or is still there after the deletion:
    a trigger, rule or row-level security that makes the count lie. NotArchivable for a file that is none.
    """
    rows = load_records(connection, file)
    deleted = execute(connection, "payment_archive/remove_archived")
    left = count_left(connection)
    if deleted != rows or left:
        connection.rollback()
        raise RowsDiffer(
            f"the file has {rows} rows: {deleted} of the table were deleted, {left} are still there"
        )
    return Removed(deleted)


def load_records(connection: Connection, file: Path) -> int:
    """Fill the temporary table `archived`, which ends with the transaction, from the file; its number of records.

    Nothing is turned into Python objects on the way. ValueError for a connection that is not in UTC.
    """
    return _load(connection, file, "archived", NAMES)


def load_keys(connection: Connection, file: Path) -> int:
    """As `load_records`, but only id and moment of each record: enough to say which rows are meant, and a fraction of
    the work. Whoever only compares or counts afterwards needs no more; `remove_archived` does not run on it."""
    return _load(connection, file, "keys", KEYS)


def _load(connection: Connection, file: Path, what: str, names: tuple[str, ...]) -> int:
    if connection.get_parameter_status("TimeZone") not in ("UTC", "Etc/UTC"):
        raise ValueError("moments are handed over without a zone, to connections in UTC only")
    execute(connection, f"payment_archive/create_{what}")
    execute(connection, "payment_archive/set_join_memory")
    stream = _CsvStream(read_batches(file, names))
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


class _CsvStream(io.RawIOBase):
    """Batches as CSV that COPY reads: NULL is nothing, every text is quoted."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._rest = memoryview(b"")
        self.rows = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        while not self._rest and (batch := next(self._batches, None)) is not None:
            self.rows += batch.num_rows
            self._rest = memoryview(_csv(batch))
        taken = self._rest if size < 0 else self._rest[:size]
        self._rest = self._rest[len(taken) :]
        return bytes(taken)


def _csv(batch: Any) -> Any:
    names = batch.schema.names
    columns = [_plain(_COLUMN[name], array) for name, array in zip(names, batch.columns, strict=True)]
    sink = pa.BufferOutputStream()
    pyarrow.csv.write_csv(
        pa.RecordBatch.from_arrays(columns, names),
        sink,
        pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"),
    )
    return sink.getvalue()


def _plain(column: Column, array: Any) -> Any:
    """The column as types that Arrow writes fast: it takes a microsecond for a moment with a zone."""
    if column.kind == "uuid":
        return _hex(array)
    return array.cast(pa.timestamp("us")) if column.kind == "moment" else array


def _hex(array: Any) -> Any:
    """UUIDs as 32 hexadecimal digits each."""
    import numpy as np

    storage = array.storage
    raw = memoryview(storage.buffers()[1])[storage.offset * 16 :][: len(storage) * 16]
    text = pa.py_buffer(raw.hex().encode())
    ends = pa.py_buffer(np.arange(0, 32 * len(storage) + 1, 32, dtype=np.int32))
    return pa.StringArray.from_buffers(len(storage), ends, text)
