"""A record's digest is over PostgreSQL's binary form of its row, written out here once more, value by value."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.payment_archive.records import Record, batch, records

from data_lifecycle.payment_archive.columns import Column
from data_lifecycle.payment_archive.row_digest import DIGESTED, row_digests

OID = {"uuid": 2950, "text": 25, "word": 25, "json": 3802, "money": 25, "moment": 1184}


def sent(column: Column, cell: Any) -> bytes:
    oid = 1042 if column.name in ("currency", "payer_country") else OID[column.kind]
    if cell is None:
        return oid.to_bytes(4, "big") + b"\xff\xff\xff\xff"
    if column.kind == "uuid":
        raw = cell.bytes
    elif column.kind == "moment":
        since = (cell - datetime(2000, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        raw = since.to_bytes(8, "big", signed=True)
    elif column.kind == "money":
        raw = f"{cell:.4f}".encode()
    else:
        raw = (b"\x01" if column.kind == "json" else b"") + cell.encode()
    return oid.to_bytes(4, "big") + len(raw).to_bytes(4, "big") + raw


def plain(record: Record) -> bytes:
    row = b"".join(sent(column, record[column.name]) for column in DIGESTED)
    return hashlib.sha256(len(DIGESTED).to_bytes(4, "big") + row).digest()


@settings(deadline=None, max_examples=60)
@given(st.lists(records, min_size=1, max_size=12), st.integers(0, 12), st.integers(0, 12))
def test_digests_follow_from_the_values_alone_however_they_lie_in_memory(
    rows: list[Record], start: int, count: int
) -> None:
    whole = batch(rows)
    assert row_digests(whole) == b"".join(map(plain, rows))
    part = rows[start : start + count]
    if part:
        assert row_digests(whole.slice(start, count)) == b"".join(map(plain, part))
