"""Every row of a file against every row of the table, value by value."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_lifecycle.payment_archive.columns import COLUMNS, Column
from data_lifecycle.payment_archive.parquet_file import read_batches
from data_lifecycle.payment_archive.stream import Connection, read_rows


@dataclass(frozen=True, slots=True)
class Compared:
    """Every one of these rows is equal in file and table."""

    rows: int


class Altered(Exception):
    """File and table differ. `rows` of each, and how many rows differ in each column; never a value."""

    def __init__(self, file_rows: int, table_rows: int, columns: Mapping[str, int]) -> None:
        self.file_rows, self.table_rows, self.columns = file_rows, table_rows, dict(columns)
        parts = [f"{name} in {count}" for name, count in self.columns.items()]
        differing = ", ".join(parts) if parts else "none of those compared"
        super().__init__(f"file has {file_rows} rows, table {table_rows}; differing: {differing}")


def compare(connection: Connection, query: str, params: Mapping[str, object], file: Path) -> Compared:
    """Read the rows of `query` once more and compare them with those of `file`, in order, column by column.

    Altered if anything differs, if a row is missing, too many, doubled or elsewhere; NotArchivable if either side
    is not of the archive's shape.
    """
    differing: Counter[str] = Counter()
    with read_rows(connection, query, params) as batches:
        ours = _Rows(read_batches(file))
        file_rows = table_rows = 0
        for batch in batches:
            table_rows += batch.num_rows
            start = 0
            while start < batch.num_rows:
                chunk = ours.take(batch.num_rows - start)
                if chunk is None:
                    break
                file_rows += chunk.num_rows
                _note(chunk, batch.slice(start, chunk.num_rows), differing)
                start += chunk.num_rows
        while (chunk := ours.take(1 << 20)) is not None:
            file_rows += chunk.num_rows
    if file_rows != table_rows or differing:
        order = {column.name: differing[column.name] for column in COLUMNS if differing[column.name]}
        raise Altered(file_rows, table_rows, order)
    return Compared(file_rows)


class _Rows:
    """The rows of a file, taken in pieces of any size."""

    def __init__(self, batches: Iterator[Any]) -> None:
        self._batches = batches
        self._rest: Any = None

    def take(self, most: int) -> Any:
        """Some of the next rows, at least one and `most` at most; None at the end."""
        while self._rest is None or not self._rest.num_rows:
            self._rest = next(self._batches, None)
            if self._rest is None:
                return None
        taken = self._rest.slice(0, most)
        self._rest = self._rest.slice(most)
        return taken


def _note(ours: Any, theirs: Any, differing: Counter[str]) -> None:
    for column in COLUMNS:
        left, right = _plain(ours, column), _plain(theirs, column)
        if not left.equals(right):
            same = pc.fill_null(pc.equal(left, right), False)
            both_null = pc.and_(pc.is_null(left), pc.is_null(right))
            differing[column.name] += len(left) - (pc.sum(pc.or_(same, both_null)).as_py() or 0)


def _plain(batch: Any, column: Column) -> Any:
    array = batch.column(column.name)
    return array.storage if isinstance(array, pa.ExtensionArray) else array
