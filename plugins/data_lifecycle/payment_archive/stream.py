"""Rows of PostgreSQL as Arrow batches, as fast as COPY delivers them and with flat memory.

COPY writes CSV, in which NULL is nothing and an empty text is a pair of quotes; Arrow parses blocks of it while the
server makes the next ones. Money never becomes a float, a moment never loses its microseconds, and what cannot be
taken over exactly (NaN, infinity, years before Christ, a fifth decimal) is refused.
"""

from __future__ import annotations

import io
import queue
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, cast

import psycopg2.extensions
import pyarrow as pa
import pyarrow.csv

from data_lifecycle.payment_archive.columns import COLUMNS, NAMES, schema
from data_lifecycle.payment_archive.digest import text_bytes
from data_lifecycle.sqlfiles import load

Connection = psycopg2.extensions.connection

BLOCK_BYTES = 2**20
"""What is parsed at once."""
_HEADER = (",".join(NAMES) + "\n").encode()
_CONVERT = pyarrow.csv.ConvertOptions(
    column_types={column.name: pa.string() if column.kind == "uuid" else column.arrow for column in COLUMNS},
    null_values=[""],  # unquoted; Arrow's own list would read NaN and null as NULL
    strings_can_be_null=True,
    quoted_strings_can_be_null=False,
)
_BLOCKS = 3
"""Blocks that wait to be parsed at most."""
_DASHES = 36
"""Characters of a uuid as PostgreSQL writes it."""


class NotArchivable(ValueError):
    """A row or a file has another shape than the archive's records. The text names a column at most, never a value."""


@contextmanager
def read_rows(connection: Connection, query: str, params: Mapping[str, object]) -> Iterator[Iterator[Any]]:
    """Record batches of the archive's schema with the rows of `query`, in its order, while the `with` block lasts.

    `query` is the text of a SELECT with named parameters. Runs in the connection's transaction, which is left open; a
    block that ends early cancels the statement, and the transaction can then only be rolled back. NotArchivable for
    rows of another shape; psycopg2.Error for what the server refuses.
    """
    with _Copy(connection, query, params) as copy:
        yield copy.batches()


def copy_statement(connection: Connection, query: str, params: Mapping[str, object]) -> str:
    """The COPY that writes the rows of `query`, with its values bound."""
    with connection.cursor() as cursor:
        bound = psycopg2.extensions.AsIs(cursor.mogrify(query, dict(params)).decode().rstrip().rstrip(";"))
        return cursor.mogrify(load("payment_archive/copy_out"), {"query": bound}).decode()


class _Copy:
    """COPY in a thread of its own, parsing in the caller's, blocks of text between them."""

    def __init__(self, connection: Connection, query: str, params: Mapping[str, object]) -> None:
        zone, style, encoding = (
            str(connection.get_parameter_status(name))
            for name in ("TimeZone", "DateStyle", "client_encoding")
        )
        if zone not in ("UTC", "Etc/UTC") or not style.startswith("ISO") or encoding != "UTF8":
            raise ValueError("the archive reads through connections in UTC, ISO dates and UTF-8 only")
        self._connection = connection
        self._statement = copy_statement(connection, query, params)
        self._blocks: queue.Queue[Any] = queue.Queue(_BLOCKS)
        self._error: BaseException | None = None
        self._copied = 0
        self._thread = threading.Thread(target=self._run, name="copy", daemon=True)

    def __enter__(self) -> _Copy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive():
            self._connection.cancel()
            while self._thread.is_alive():  # nobody parses any more: make room until it has ended
                with suppress(queue.Empty):
                    self._blocks.get(timeout=0.05)
        self._thread.join()

    def _run(self) -> None:
        try:
            with (
                io.BufferedWriter(_Sink(self._blocks), BLOCK_BYTES) as sink,
                self._connection.cursor() as cursor,
            ):
                cursor.copy_expert(self._statement, cast("Any", sink))
                self._copied = cursor.rowcount
        except BaseException as error:  # noqa: BLE001 - raised in the caller's thread
            self._error = error
        finally:
            self._blocks.put(None)

    def batches(self) -> Iterator[Any]:
        """All batches; an error of the server comes before what it makes of the parsing."""
        rows = 0
        block = self._blocks.get()
        if block is not None:
            block = _after_header(block)
        while block is not None:
            if len(block):
                for batch in _parse(block):
                    rows += batch.num_rows
                    yield batch
            block = self._blocks.get()
        self._thread.join()
        if self._error is not None:
            raise self._error
        if rows != self._copied:
            raise NotArchivable(f"the server sent {self._copied} rows, {rows} were understood")


class _Sink(io.RawIOBase):
    """Where the buffer of written rows is emptied, always whole rows: what does not fit waits for the next.

    Should that ever change, a row cut in two is counted as two, and the counts at the end differ.
    """

    def __init__(self, blocks: queue.Queue[Any]) -> None:
        self._blocks = blocks

    def writable(self) -> bool:
        return True

    def write(self, data: Any, /) -> int:
        # Arrow's allocator gives memory back; blocks of this size made by malloc would stay with the process.
        block = pa.allocate_buffer(len(data))
        memoryview(block).cast("B")[:] = data
        self._blocks.put(block)
        return len(data)


def _after_header(block: Any) -> Any:
    if block[: len(_HEADER)].to_pybytes() != _HEADER:
        raise NotArchivable("the query's columns are not those of the archive")
    return block[len(_HEADER) :]


def _parse(block: Any) -> Iterator[Any]:
    """Read from memory, not from a Python object: Arrow's threads then never wait for the interpreter."""
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(block),
            read_options=pyarrow.csv.ReadOptions(
                column_names=NAMES, use_threads=False, block_size=len(block) + 1
            ),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=_CONVERT,
        )
    except pa.ArrowInvalid as error:
        raise NotArchivable(_explain(error)) from None
    for batch in table.to_batches():
        yield pa.record_batch([_typed(batch, number) for number in range(len(COLUMNS))], schema=schema())


def _typed(batch: Any, number: int) -> Any:
    """A column of the batch as the schema wants it."""
    column, array = COLUMNS[number], batch.column(number)
    if array.null_count and not column.nullable:
        raise NotArchivable(f"column {column.name} has NULL")
    if column.kind == "uuid":
        return uuids_from_text(array, column.name)
    if column.kind == "money":
        try:
            array.validate(full=True)  # the parser takes nineteen digits for eighteen
        except pa.ArrowInvalid:
            raise NotArchivable(_inexact(column.name)) from None
    return array


def uuids_from_text(array: Any, name: str) -> Any:
    """The 16 bytes of each uuid in PostgreSQL's writing; NotArchivable for anything else."""
    data = text_bytes(array)
    if len(data) != _DASHES * len(array):
        raise NotArchivable(f"column {name} is not a uuid")
    try:
        raw = bytes.fromhex(data.tobytes().translate(None, b"-").decode("ascii"))
    except ValueError:
        raise NotArchivable(f"column {name} is not a uuid") from None
    if len(raw) != 16 * len(array):
        raise NotArchivable(f"column {name} is not a uuid")
    storage = pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), len(array), [None, pa.py_buffer(raw)])
    return pa.ExtensionArray.from_storage(pa.uuid(), storage)


def _explain(error: Exception) -> str:
    """Where the parser stumbled. Its own text quotes the value."""
    found = re.search(r"In CSV column #(\d+)", str(error))
    if found and int(found[1]) < len(NAMES):
        return _inexact(NAMES[int(found[1])])
    return "the rows are not of the archive's shape"


def _inexact(name: str) -> str:
    return f"column {name} has a value that cannot be archived exactly"
