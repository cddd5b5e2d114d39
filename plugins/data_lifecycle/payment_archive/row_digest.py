"""A digest a record that PostgreSQL and we make alike, each from its own copy: SHA-256 over `record_send` of a row.

PostgreSQL's binary form of a row names every value's type and length, so different rows have different bytes: the
number of columns, and for each its type's OID, its length (-1: NULL) and the value. Money is its decimal text, a JSON
value the text with a version byte before it, a moment microseconds since 2000-01-01 UTC. All integers are big-endian.
`remove_archived.sql` has the other side of it.
"""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from data_lifecycle.payment_archive.columns import COLUMNS, Column

KEYS = ("payment_id", "occurred_at")
"""What names a record; the digest is over the rest."""
_KEYED = ("customer_ref",)
"""Made while reading, not in the table's row."""
DIGESTED = tuple(column for column in COLUMNS if column.name not in (*KEYS, *_KEYED))
_OID = {"uuid": 2950, "text": 25, "word": 25, "json": 3802, "money": 25, "moment": 1184}
_OID_CHAR = 1042
_FIXED_CHAR = ("currency", "payer_country")
_EPOCH_2000 = 946_684_800_000_000
"""Microseconds from 1970 to 2000."""
_JSON_VERSION = b"\x01"
DIGEST_BYTES = 32


def row_digests(batch: Any) -> bytes:
    """The digests of a batch's rows, 32 bytes each, one after the other.

    The batch has at least the columns DIGESTED, of the archive's types.
    """
    parts: list[Any] = [pa.scalar(len(DIGESTED).to_bytes(4, "big"), pa.binary())]
    for column in DIGESTED:
        value = _bytes(batch.column(column.name), column)
        parts += [_header(value, column), value]
    rows = pc.binary_join_element_wise(*parts, b"", null_handling="replace", null_replacement=b"")
    _, offsets, data = rows.buffers()
    ends = memoryview(offsets).cast("i")[rows.offset :][: len(rows) + 1].tolist()
    view, sha256 = memoryview(data), hashlib.sha256
    return b"".join([sha256(view[start:end]).digest() for start, end in pairwise(ends)])


def postgres_moments(array: Any) -> Any:
    """Moments as PostgreSQL sends them: big-endian microseconds since 2000; anything where they are NULL."""
    import numpy as np

    moments = np.frombuffer(array.buffers()[1], np.int64)[array.offset :][: len(array)]
    return (moments - _EPOCH_2000).astype(">i8")


def _header(value: Any, column: Column) -> Any:
    """Type and length of every value: four bytes each."""
    import numpy as np

    header = np.empty(len(value), np.dtype([("type", ">u4"), ("length", ">i4")]))
    header["type"] = _OID_CHAR if column.name in _FIXED_CHAR else _OID[column.kind]
    lengths = pc.fill_null(pc.binary_length(value), -1)
    header["length"] = np.frombuffer(lengths.buffers()[1], np.int32)[lengths.offset :][: len(value)]
    return _fixed(header.tobytes(), 8, len(value))


def _bytes(array: Any, column: Column) -> Any:
    """The values in PostgreSQL's binary form; NULL stays NULL."""
    if column.kind == "uuid":
        return array.storage.cast(pa.binary())
    if column.kind == "money":
        return array.cast(pa.string()).cast(pa.binary())
    if column.kind == "moment":
        sent = _fixed(postgres_moments(array).tobytes(), 8, len(array))
        return (
            pc.if_else(pc.is_valid(array), sent, pa.scalar(None, pa.binary())) if array.null_count else sent
        )
    if column.kind == "json":
        return pc.binary_join_element_wise(
            pa.scalar(_JSON_VERSION, pa.binary()), array.cast(pa.binary()), b"", null_handling="emit_null"
        )
    return array.cast(pa.binary())


def _fixed(raw: bytes, width: int, rows: int) -> Any:
    """Values of one width as an Arrow array of bytes."""
    import numpy as np

    ends = pa.py_buffer(np.arange(0, width * rows + 1, width, dtype=np.int32))
    return pa.BinaryArray.from_buffers(pa.binary(), rows, [None, ends, pa.py_buffer(raw)])
