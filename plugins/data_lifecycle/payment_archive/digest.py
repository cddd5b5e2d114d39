"""Digests of records that depend on the records alone, not on how a file is encoded or cut.

For each column, of all rows in their order, three byte strings are made and hashed with SHA-256:

``known``    of a column that may be NULL: a byte a row, 01 for a value and 00 for NULL; otherwise empty
``lengths``  of a text: four bytes a row, little-endian, the number of its UTF-8 bytes, 0 for NULL; otherwise empty
``values``   uuid: its 16 bytes; money: the amount times 10 000 as a 16 byte little-endian two's complement integer;
             moment: microseconds since 1970-01-01 00:00 UTC as an 8 byte little-endian two's complement integer; text:
             its UTF-8 bytes. NULL is zero bytes: 16, 8 or, for a text, none at all.

The column's digest is SHA-256 over the lines FORMAT, name, type (uuid, text, money or moment) and rows (decimal), each
ended by a line feed, followed by the three hashes, 96 bytes. The content's digest is SHA-256 over the lines FORMAT and
rows and, for each column in order, a line of its name, a space and its digest in hexadecimal. All text is UTF-8.

Two different sequences of records have different digests: any changed byte, NULL, order or number of rows shows. The
strings are Arrow's own buffers, so that hashing runs at the speed of SHA-256.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from data_lifecycle.payment_archive.columns import COLUMNS, FORMAT, Column

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDTH = {"uuid": 16, "money": 16, "moment": 8}

Totals = dict[tuple[date, str, str], tuple[int, Decimal]]
"""(first day of the UTC month, currency, kind) → (rows, sum of amounts)."""


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """What there is in a column: digest (hexadecimal), NULLs, smallest and largest value of a bounded one.

    Texts are compared bytewise. `least` and `greatest` are None where the column is not bounded or has no value.
    """

    digest: str
    nulls: int
    least: Any = None
    greatest: Any = None


@dataclass(frozen=True, slots=True)
class Facts:
    """What there is in a sequence of records."""

    rows: int
    content_digest: str
    columns: dict[str, ColumnFacts]
    totals: Totals


@dataclass(slots=True)
class _ColumnState:
    column: Column
    known: Any = field(default_factory=hashlib.sha256)
    lengths: Any = field(default_factory=hashlib.sha256)
    values: Any = field(default_factory=hashlib.sha256)
    nulls: int = 0
    least: Any = None
    greatest: Any = None

    def add(self, array: Any) -> None:
        """Take in one Arrow array."""
        import numpy as np

        column = self.column
        if column.kind == "uuid":
            array = array.storage
        self.nulls += array.null_count
        missing = None
        if column.nullable:
            known = np.ones(len(array), np.uint8) if not array.null_count else _known(array)
            self.known.update(known)
            missing = known == 0 if array.null_count else None
        if column.bounded:
            self._widen(array)
        if column.kind in _WIDTH:
            values = _fixed(array, _WIDTH[column.kind] // 8)
            if missing is not None:  # what Arrow has in the place of a NULL is anything
                values = np.where(missing[:, None], 0, values)
            self.values.update(values)
        else:
            lengths = np.diff(np.frombuffer(array.buffers()[1], np.int32)[array.offset :][: len(array) + 1])
            self.lengths.update(lengths if missing is None else np.where(missing, np.int32(0), lengths))
            self.values.update(text_bytes(array if missing is None else array.drop_null()))

    def _widen(self, array: Any) -> None:
        if self.column.kind == "moment":
            array = array.cast(pa.int64())  # integers: Arrow's own conversion of a moment imports pandas
        ends = pc.min_max(array)
        low, high = ends["min"].as_py(), ends["max"].as_py()
        if low is None:
            return
        if self.column.kind == "moment":
            low, high = (_EPOCH + timedelta(microseconds=moment) for moment in (low, high))
        # Python compares text by code point, which is the order of the UTF-8 bytes.
        self.least = low if self.least is None else min(self.least, low)
        self.greatest = high if self.greatest is None else max(self.greatest, high)

    def facts(self, rows: int) -> ColumnFacts:
        """The digest over everything so far."""
        kind = self.column.kind if self.column.kind in _WIDTH else "text"
        whole = hashlib.sha256(f"{FORMAT}\n{self.column.name}\n{kind}\n{rows}\n".encode())
        for part in (self.known, self.lengths, self.values):
            whole.update(part.digest())
        return ColumnFacts(whole.hexdigest(), self.nulls, self.least, self.greatest)


class Digester:
    """Takes batches of the archive's schema, cut anywhere; `facts` at any time."""

    def __init__(self) -> None:
        self._rows = 0
        self._columns = [_ColumnState(column) for column in COLUMNS]
        self._totals: dict[tuple[int, str, str], list[int]] = {}

    def add(self, batch: Any) -> None:
        """Take in the next rows: an Arrow record batch."""
        if not batch.num_rows:
            return
        self._rows += batch.num_rows
        for number, state in enumerate(self._columns):
            state.add(batch.column(number))
        self._count(batch)

    def _count(self, batch: Any) -> None:
        """Sums of integers, not Arrow's aggregation: that one imports half of Arrow and pandas, 50 MB."""
        import numpy as np

        month = pc.floor_temporal(batch.column("occurred_at").cast(pa.timestamp("us")), unit="month")
        months = month.cast(pa.int64()).dictionary_encode()
        currencies = batch.column("currency").dictionary_encode()
        kinds = batch.column("kind").dictionary_encode()
        group = np.zeros(batch.num_rows, np.int64)
        for part in (months, currencies, kinds):
            group = (
                group * len(part.dictionary) + np.frombuffer(part.indices.buffers()[1], np.int32)[: len(part)]
            )
        order = np.argsort(group, kind="stable")
        group = group[order]
        starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
        rows = np.diff(np.r_[starts, len(group)])
        # Eighteen digits fit into 64 bits, their sums in halves of 32.
        amounts = _fixed(batch.column("amount"), 2)[:, 0][order]
        high, low = np.add.reduceat(amounts >> 32, starts), np.add.reduceat(amounts & 0xFFFFFFFF, starts)
        for number, start in enumerate(starts):
            first = int(order[start])
            key = tuple(
                part.dictionary[part.indices[first].as_py()].as_py() for part in (months, currencies, kinds)
            )
            total = self._totals.setdefault(cast("tuple[int, str, str]", key), [0, 0])
            total[0] += int(rows[number])
            total[1] += (int(high[number]) << 32) + int(low[number])

    def facts(self) -> Facts:
        """The facts over everything taken in so far."""
        columns = {state.column.name: state.facts(self._rows) for state in self._columns}
        whole = hashlib.sha256(f"{FORMAT}\n{self._rows}\n".encode())
        for name, column in columns.items():
            whole.update(f"{name} {column.digest}\n".encode())
        exact = Context(prec=60)
        totals = {
            ((_EPOCH + timedelta(microseconds=month)).date(), currency, kind): (
                rows,
                Decimal(amount).scaleb(-4, exact),
            )
            for (month, currency, kind), (rows, amount) in sorted(self._totals.items())
        }
        return Facts(self._rows, whole.hexdigest(), columns, totals)


def _fixed(array: Any, words: int) -> Any:
    """The values of an array of fixed width as rows of 64-bit words; anything where it is NULL."""
    import numpy as np

    return np.frombuffer(array.buffers()[1], np.int64).reshape(-1, words)[array.offset :][: len(array)]


def _known(array: Any) -> Any:
    """A byte a row: 1 for a value, 0 for NULL."""
    import numpy as np

    return np.frombuffer(pc.is_valid(array).cast(pa.uint8()).buffers()[1], np.uint8)[: len(array)]


def text_bytes(array: Any) -> memoryview:
    """The bytes of all texts of a string array without NULL, one after the other."""
    _, offsets, data = array.buffers()
    if data is None or not len(array):
        return memoryview(b"")
    ends = memoryview(offsets).cast("i")
    return memoryview(data)[ends[array.offset] : ends[array.offset + len(array)]]
