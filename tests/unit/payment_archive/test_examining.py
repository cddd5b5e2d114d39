"""What the vault's files say of themselves: numbers of a file, locks that follow from it, records in two files."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest

from data_lifecycle.payment_archive.examining import Read, lock_wrong, read_table, unstated
from data_lifecycle.payment_archive.plan import PaymentClock
from data_lifecycle.policy.loader import load_all

POLICY = Path(__file__).resolve().parents[3] / "include" / "policy"
FINAL = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture(scope="module")
def clock() -> PaymentClock:
    return PaymentClock(load_all(POLICY)[0])


def table(*records: tuple[UUID, UUID, datetime, datetime]) -> Any:
    """Records of (payment, charge, made, settled) with the columns that are read."""
    payment, charge, made, settled = zip(*records, strict=True)
    return pa.table(
        {
            "payment_id": pa.array([one.bytes for one in payment], pa.binary(16)),
            "charge_id": pa.array([one.bytes for one in charge], pa.binary(16)),
            "occurred_at": pa.array(made, pa.timestamp("us", "UTC")),
            "settled_at": pa.array(settled, pa.timestamp("us", "UTC")),
        }
    )


def test_a_family_is_final_with_the_last_of_its_records() -> None:
    first, refund, other = (uuid.uuid4() for _ in range(3))
    day = timedelta(days=1)
    found = read_table(
        table(
            (first, first, FINAL, FINAL + day),
            (other, other, FINAL, FINAL + 2 * day),
            # Made after it was settled: the later of the two counts.
            (refund, first, FINAL + 5 * day, FINAL + 4 * day),
        )
    )
    assert (found.records, found.orphans) == (3, 0)
    assert (found.first_final, found.last_final) == (FINAL + 2 * day, FINAL + 5 * day)


def test_a_refund_without_its_charge_is_an_orphan() -> None:
    own, elsewhere = uuid.uuid4(), uuid.uuid4()
    refunds = [(uuid.uuid4(), elsewhere, FINAL, FINAL) for _ in range(2)]
    assert read_table(table((own, own, FINAL, FINAL), *refunds)).orphans == 2


def test_an_empty_file_proves_nothing() -> None:
    with pytest.raises(ValueError, match="has records"):
        read_table(table((uuid.uuid4(), uuid.uuid4(), FINAL, FINAL)).slice(0, 0))


def test_a_lock_lasts_until_the_newest_and_not_beyond_the_oldest(clock: PaymentClock) -> None:
    read = Read(2, 0, FINAL, FINAL + timedelta(days=10))
    end = clock.ends(read.last_final)
    latest = clock.ends(read.first_final) + clock.erase_within
    for until, wrong in (
        (end, False),
        (end - SECOND, True),
        (latest, False),
        (latest + SECOND, True),
        (None, True),
    ):
        assert lock_wrong("regular", until, clock, read, end) is wrong, until


def test_a_correction_may_be_locked_as_long_as_its_earlier_part_was_promised(clock: PaymentClock) -> None:
    read = Read(2, 0, FINAL, FINAL)
    stated = clock.ends(FINAL) + timedelta(days=400, microseconds=5)
    until = stated.replace(microsecond=0) + SECOND  # locks know no fractions
    assert not lock_wrong("correction", until, clock, read, stated)
    assert lock_wrong("correction", until + SECOND, clock, read, stated)
    assert lock_wrong("regular", until, clock, read, stated)
    assert not lock_wrong("held", None, clock, read, stated), "a hold keeps it, not a date"


def test_only_what_the_books_state_may_be_in_two_files() -> None:
    first, second, third, gone = (uuid.uuid4() for _ in range(4))
    current = [first, second, third]
    stated = {(first, second): 3, (second, third): 1, (gone, third): 9}
    assert not +unstated({(first, second): 3, (second, third): 1}, stated, current)
    assert unstated({(first, second): 4, (second, third): 1}, stated, current)[second] == 1
    assert unstated({(first, second): 3}, stated, current)[third] == 1, "stated, and not there"
    assert unstated({(first, third): 2, (first, second): 3, (second, third): 1}, stated, current)[third] == 2
    assert unstated({(third, third): 5}, {}, current)[third] == 5, "twice in one file"
