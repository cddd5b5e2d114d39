"""Archive files: Parquet with zstd, and what is read back from one.

Row groups have 65 536 rows and statistics for the columns by which records are found; rows lie in the order of the
query. Any Parquet reader opens the files; money is decimal(18,4), moments are UTC microseconds, ids are UUIDs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from data_lifecycle.payment_archive.columns import COLUMNS, FORMAT, NAMES, schema
from data_lifecycle.payment_archive.digest import Digester, Facts
from data_lifecycle.payment_archive.stream import NotArchivable

GROUP_ROWS = 65_536
"""Rows of a row group, encoded at once."""
BATCH_ROWS = 16_384
"""Rows decoded at once."""
_FOUND_BY = [
    "order_id",
    "provider_ref",
    "payment_id",
    "charge_id",
    "occurred_at",
    "settled_at",
    "currency",
    "kind",
]


@dataclass(frozen=True, slots=True)
class Extract(Facts):
    """A file and the records in it; `sha256` (hexadecimal) is of its bytes."""

    bytes: int
    sha256: str


class Writer:
    """Writes tables of one row group each; a context manager that closes the file."""

    def __init__(self, target: Path) -> None:
        self._writer = pq.ParquetWriter(
            target,
            schema(),
            compression="zstd",
            compression_level=1,
            use_dictionary=[column.name for column in COLUMNS if column.encoding is None],
            column_encoding={column.name: column.encoding for column in COLUMNS if column.encoding},
            write_statistics=_FOUND_BY,
            write_page_checksum=True,
            version="2.6",
        )

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def write(self, table: Any) -> None:
        """Write the table as the next row group."""
        self._writer.write_table(table, row_group_size=GROUP_ROWS)


def read_batches(file: Path, names: Sequence[str] = NAMES) -> Iterator[Any]:
    """The rows of a file as record batches of the archive's schema, or of some of its columns, few in memory at a time.

    NotArchivable for a file of another format or one that is damaged.
    """
    try:
        with pq.ParquetFile(file, pre_buffer=False, page_checksum_verification=True) as opened:
            if not opened.schema_arrow.equals(schema(), check_metadata=False):
                raise NotArchivable("the file has other columns than the archive")
            if (opened.schema_arrow.metadata or {}).get(b"format") != FORMAT.encode():
                raise NotArchivable("the file is of another format")
            yield from opened.iter_batches(BATCH_ROWS, columns=list(names))
    except (pa.ArrowException, OSError) as error:
        raise NotArchivable(f"the file cannot be read: {type(error).__name__}") from None


def read_facts(file: Path) -> Extract:
    """Everything about a file, from its records; NotArchivable as in `read_batches`."""
    digester = Digester()
    for batch in read_batches(file):
        digester.add(batch)
    return describe(file, digester.facts())


def describe(file: Path, facts: Facts) -> Extract:
    """The facts together with size and digest of the file's bytes."""
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    return Extract(facts.rows, facts.content_digest, facts.columns, facts.totals, file.stat().st_size, digest)
