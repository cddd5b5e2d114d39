"""Hot rows into a Parquet file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa

from data_lifecycle.payment_archive.digest import Digester
from data_lifecycle.payment_archive.parquet_file import GROUP_ROWS, Extract, Writer, describe
from data_lifecycle.payment_archive.stream import Connection, read_rows


def export(connection: Connection, query: str, params: Mapping[str, object], target: Path) -> Extract:
    """Write the rows of `query` to the new file `target`, in the query's order, and say what they are.

    `query` is the text of a SELECT of the archive's columns with named parameters and an ORDER BY that leaves no
    choice. It runs in the connection's transaction: REPEATABLE READ makes it a snapshot. Memory stays flat. Raises
    NotArchivable for rows of another shape and psycopg2.Error; the unfinished file is then removed.
    """
    digester = Digester()

    def keep(table: Any) -> None:
        writer.write(table)
        for batch in table.to_batches():
            digester.add(batch)

    try:
        with (
            Writer(target) as writer,
            ThreadPoolExecutor(1, "parquet") as pool,
            read_rows(connection, query, params) as batches,
        ):
            # One group is encoded while the next is parsed; never more, which bounds the memory.
            at_work: Future[None] | None = None
            for table in grouped(batches):
                if at_work is not None:
                    at_work.result()
                at_work = pool.submit(keep, table)
            if at_work is not None:
                at_work.result()
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return describe(target, digester.facts())


def grouped(batches: Iterator[Any], rows: int = GROUP_ROWS) -> Iterator[Any]:
    """The same rows as tables of `rows` rows each, the last with what is left."""
    waiting: list[Any] = []
    count = 0
    for batch in batches:
        waiting.append(batch)
        count += batch.num_rows
        while count >= rows:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, rows)
            waiting = table.slice(rows).to_batches()
            count -= rows
    if count:
        yield pa.Table.from_batches(waiting)
