"""Records of the archive as Python values, random ones and hostile ones, and the digest as its description has it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa
from hypothesis import strategies as st

from data_lifecycle.payment_archive.columns import COLUMNS, FORMAT, NAMES, schema

Record = dict[str, Any]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

HOSTILE = [
    "",
    " ",
    '"',
    '""',
    "'",
    ",",
    "\n",
    "\r\n",
    "\r",
    "\t",
    'a\nb,"c"\r\n,,',
    "\\N",
    "\\.",
    "\\",
    '\\"',
    "NULL",
    "null",
    "NaN",
    "N/A",
    "nan",
    "\x00".replace("\x00", "\x01"),
    "\\0",
    "\\x00",
    "{}",
    "é",
    "e\u0301",
    "你好，世界",
    "👩‍🎨🖼",
    "\u202eabc",
    "\ufeffbom",
    "%s %(key)s {0}",
    "{query}",
    "'; DROP TABLE studio.payments; --",
    "payment_id,charge_id",
    "x" * 70_000,
]

# PostgreSQL has no NUL in a text, and UTF-8 no surrogates.
texts = st.one_of(
    st.sampled_from([text for text in HOSTILE if len(text) < 100]),
    st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12),
)
words = st.sampled_from(["charge", "refund", "dispute"])
currencies = st.sampled_from(["EUR", "JPY", "KWD", "CNY"])
money = st.decimals(
    Decimal("-99999999999999.9999"), Decimal("99999999999999.9999"), allow_nan=False, places=4
)
moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 31, 23, 59, 59, 999999)).map(  # noqa: DTZ001
    lambda moment: moment.replace(tzinfo=UTC)
)
_OF_KIND: dict[str, st.SearchStrategy[Any]] = {
    "uuid": st.uuids(),
    "text": texts,
    "word": words,
    "json": texts,
    "money": money,
    "moment": moments,
}


def values(name: str) -> st.SearchStrategy[Any]:
    """What a column may hold."""
    column = COLUMNS[NAMES.index(name)]
    of_kind = currencies if name == "currency" else _OF_KIND[column.kind]
    return st.none() | of_kind if column.nullable else of_kind


records = st.fixed_dictionaries({name: values(name) for name in NAMES})


def batch(rows: Sequence[Record]) -> Any:
    """The rows as a record batch."""
    arrays = []
    for column in COLUMNS:
        cells = [row[column.name] for row in rows]
        if column.kind == "uuid":
            storage = pa.array([cell.bytes for cell in cells], pa.binary(16))
            arrays.append(pa.ExtensionArray.from_storage(pa.uuid(), storage))
        else:
            arrays.append(pa.array(cells, column.arrow))
    return pa.record_batch(arrays, schema=schema())


def rows_of(batches: Sequence[Any]) -> list[Record]:
    """The records of batches as Python values."""
    return [row for part in batches for row in part.to_pylist()]


def plain_digests(rows: Sequence[Record]) -> tuple[str, dict[str, str]]:
    """Content digest and column digests, made value by value from their description."""
    columns = {}
    for column in COLUMNS:
        kind = column.kind if column.kind in ("uuid", "money", "moment") else "text"
        known, lengths, data = b"", b"", b""
        for row in rows:
            cell = row[column.name]
            known += (b"\0" if cell is None else b"\1") if column.nullable else b""
            if kind == "text":
                raw = b"" if cell is None else cell.encode()
                lengths += len(raw).to_bytes(4, "little")
            else:
                raw = _raw(kind, cell)
            data += raw
        head = f"{FORMAT}\n{column.name}\n{kind}\n{len(rows)}\n".encode()
        parts = b"".join(hashlib.sha256(part).digest() for part in (known, lengths, data))
        columns[column.name] = hashlib.sha256(head + parts).hexdigest()
    lines = "".join(f"{name} {digest}\n" for name, digest in columns.items())
    return hashlib.sha256(f"{FORMAT}\n{len(rows)}\n{lines}".encode()).hexdigest(), columns


def _raw(kind: str, cell: Any) -> bytes:
    if kind == "moment":
        return ((cell - EPOCH) // timedelta(microseconds=1) if cell else 0).to_bytes(8, "little", signed=True)
    if kind == "money":
        return int((cell or Decimal(0)).scaleb(4)).to_bytes(16, "little", signed=True)
    return cell.bytes if isinstance(cell, UUID) else bytes(16)


def plain_totals(rows: Sequence[Record]) -> dict[tuple[date, str, str], tuple[int, Decimal]]:
    """Rows and amounts by month, currency and kind, added up one by one."""
    totals: dict[tuple[date, str, str], tuple[int, Decimal]] = {}
    for row in rows:
        key = (row["occurred_at"].date().replace(day=1), row["currency"], row["kind"])
        count, amount = totals.get(key, (0, Decimal(0)))
        totals[key] = (count + 1, amount + row["amount"])
    return totals
