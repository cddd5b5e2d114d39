"""The digest of records is what its description says, depends on nothing else, and misses nothing."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.unit.payment_archive.records import (
    HOSTILE,
    Record,
    batch,
    plain_digests,
    plain_totals,
    records,
    values,
)

from data_lifecycle.payment_archive.columns import COLUMNS, NAMES, schema
from data_lifecycle.payment_archive.digest import Digester, Facts

RECORD: Record = {
    "payment_id": UUID(int=1),
    "charge_id": UUID(int=1),
    "order_id": "order_1",
    "kind": "charge",
    "provider": "stripe",
    "provider_ref": "ch_1",
    "amount": Decimal("12.3400"),
    "fee": None,
    "currency": "EUR",
    "occurred_at": datetime(2026, 1, 31, 23, 59, 59, 999999, UTC),
    "settled_at": None,
    "payer_country": None,
    "customer_ref": None,
    "provider_payload": None,
}


def facts(rows: list[Record], cuts: list[int] | None = None) -> Facts:
    digester = Digester()
    whole = batch(rows)
    ends = sorted({0, len(rows), *(cut for cut in cuts or [] if cut < len(rows))})
    for start, end in pairwise(ends):
        digester.add(whole.slice(start, end - start))
    return digester.facts()


@given(st.lists(records, max_size=12), st.lists(st.integers(0, 12)))
@settings(max_examples=150, deadline=None)
def test_the_digest_is_what_its_description_says_however_the_rows_are_cut(
    rows: list[Record], cuts: list[int]
) -> None:
    found = facts(rows, cuts)
    content, columns = plain_digests(rows)
    assert {name: facts.digest for name, facts in found.columns.items()} == columns
    assert found.content_digest == content
    assert (found.rows, found.totals) == (len(rows), plain_totals(rows))
    for column in COLUMNS:
        of_column = [row[column.name] for row in rows]
        known = [value for value in of_column if value is not None]
        wanted = (min(known), max(known)) if column.bounded and known else (None, None)
        assert (found.columns[column.name].least, found.columns[column.name].greatest) == wanted
        assert found.columns[column.name].nulls == len(of_column) - len(known)


@given(st.lists(records, min_size=1, max_size=6), st.data())
@settings(max_examples=150, deadline=None)
def test_any_other_value_of_any_cell_shows_in_its_column_and_in_no_other(
    rows: list[Record], data: Any
) -> None:
    number = data.draw(st.integers(0, len(rows) - 1))
    name = data.draw(st.sampled_from(NAMES))
    value = data.draw(values(name))
    assume(value != rows[number][name])
    before = facts(rows)
    after = facts([row | {name: value} if n == number else row for n, row in enumerate(rows)])
    assert before.content_digest != after.content_digest
    differing = [n for n in NAMES if before.columns[n].digest != after.columns[n].digest]
    assert differing == [name]


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("amount", Decimal("12.3400"), Decimal("12.3401")),
        ("amount", Decimal("12.3400"), Decimal("-12.3400")),
        ("fee", None, Decimal(0)),
        ("payer_country", None, ""),
        ("customer_ref", "", "\x01"),
        ("settled_at", None, datetime(1970, 1, 1, tzinfo=UTC)),
        ("occurred_at", datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime(1970, 1, 1, tzinfo=UTC)),
        ("provider_payload", '{"a": 1.0}', '{"a": 1.00}'),
        ("order_id", "é", "e\u0301"),
    ],
)
def test_what_is_nearly_the_same_is_not_the_same(name: str, before: Any, after: Any) -> None:
    assert facts([RECORD | {name: before}]).content_digest != facts([RECORD | {name: after}]).content_digest


def test_texts_that_run_into_each_other_are_told_apart() -> None:
    parts = [("ab", "c"), ("a", "bc"), ("", "abc"), ("abc", "")]
    digests = {facts([RECORD | {"order_id": text} for text in pair]).content_digest for pair in parts}
    assert len(digests) == len(parts)


def test_order_and_number_of_rows_count() -> None:
    one, two = RECORD, RECORD | {"payment_id": UUID(int=2)}
    rows = ([], [one], [two], [one, two], [two, one], [one, one], [one, one, two])
    assert len({facts(list(some)).content_digest for some in rows}) == len(rows)


def test_what_lies_under_a_null_does_not_count() -> None:
    clean = batch([RECORD | {"fee": None, "provider_payload": None}])
    arrays = list(clean.columns)
    arrays[NAMES.index("fee")] = pa.Array.from_buffers(
        pa.decimal128(18, 4), 1, [pa.py_buffer(b"\0"), pa.py_buffer(b"\x07" * 16)]
    )
    arrays[NAMES.index("provider_payload")] = pa.Array.from_buffers(
        pa.string(), 1, [pa.py_buffer(b"\0"), pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer(b"abc")]
    )
    dirty = pa.record_batch(arrays, schema=schema())
    digests = []
    for one in (clean, dirty):
        digester = Digester()
        digester.add(one)
        digests.append(digester.facts())
    assert digests[0] == digests[1]


def test_sums_are_exact_where_neither_a_float_nor_64_bits_would_do() -> None:
    most = Decimal("99999999999999.9999")
    found = facts([RECORD | {"amount": most}] * 500 + [RECORD | {"amount": Decimal("0.0001")}])
    assert found.totals == {(date(2026, 1, 1), "EUR", "charge"): (501, most * 500 + Decimal("0.0001"))}


def test_a_month_is_the_utc_month_of_the_payment() -> None:
    just_before = RECORD["occurred_at"]
    found = facts([RECORD, RECORD | {"occurred_at": just_before + timedelta(microseconds=1)}])
    assert [month for month, _, _ in found.totals] == [date(2026, 1, 1), date(2026, 2, 1)]


def test_hostile_texts() -> None:
    rows = [RECORD | {"provider_ref": text, "provider_payload": text} for text in HOSTILE]
    assert facts(rows).content_digest == plain_digests(rows)[0]
