"""Real purchases, shipped by the package `lifetimes`: into the studio, into a file, out of the table."""

from __future__ import annotations

import importlib.metadata
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg2
import pytest

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import connect
from data_lifecycle.payment_archive.compare import Compared, compare
from data_lifecycle.payment_archive.extract import export
from data_lifecycle.payment_archive.remove import Removed, remove
from data_lifecycle.studio.public_transactions import (
    LoadedPurchases,
    TransactionsError,
    load_purchases,
    read_purchases,
)

if TYPE_CHECKING:
    from tests.conftest import Studio

RECORDS = 'SELECT * FROM studio.payment_record ORDER BY order_id COLLATE "C", occurred_at, payment_id'
YEARS = timedelta(days=28 * 365 + 7)


@pytest.fixture(scope="module")
def data() -> Path:
    """The folder of the data files. The package itself is not imported: it wants libraries of its time."""
    files = importlib.metadata.files("lifetimes") or []
    return Path(str(next(file for file in files if file.name == "CDNOW_master.txt").locate())).parent


def test_the_whole_file_is_what_its_description_says(data: Path) -> None:
    purchases = list(read_purchases(data / "CDNOW_master.txt"))
    assert (len(purchases), len({p.customer for p in purchases})) == (69_659, 23_570)
    assert (purchases[0].at, purchases[0].value) == (datetime(1997, 1, 1, tzinfo=UTC), Decimal("11.77"))
    assert {purchase.at.year for purchase in purchases} == {1997, 1998}


def test_the_sample_is_loaded_archived_compared_and_removed(
    data: Path, studio: Studio, tmp_path: Path
) -> None:
    purchases = list(read_purchases(data / "CDNOW_sample.txt"))
    loaded = load_purchases(
        DatabaseAccess(studio.urls["studio_app"]), data / "CDNOW_sample.txt", moved_by=YEARS
    )
    paid = [purchase for purchase in purchases if purchase.value]
    amount = sum((purchase.value for purchase in paid), Decimal(0))
    customers = {purchase.customer for purchase in purchases}
    assert loaded == LoadedPurchases(len(customers), len(purchases), len(paid), amount)
    with connect(DatabaseAccess(studio.urls["payment_archiver"]), "test") as connection:
        found = export(connection, RECORDS, {}, tmp_path / "a.parquet")
        assert (found.rows, sum(total for _, total in found.totals.values())) == (len(paid), amount)
        in_january = [p.value for p in paid if (p.at + YEARS).date().replace(day=1) == date(2025, 1, 1)]
        assert found.totals[date(2025, 1, 1), "USD", "charge"] == (len(in_january), sum(in_january))
        assert compare(connection, RECORDS, {}, tmp_path / "a.parquet") == Compared(len(paid))
        assert remove(connection, tmp_path / "a.parquet") == Removed(len(paid))
        connection.commit()
    with pytest.raises(psycopg2.IntegrityError):
        load_purchases(DatabaseAccess(studio.urls["studio_app"]), data / "CDNOW_sample.txt", moved_by=YEARS)


@pytest.mark.parametrize(
    "line",
    ["1 19970101 1", "1 19971301 1 2.00", "1 19970101 one 2.00", "1 19970101 1 NaN", "1 19970101 1 -1"],
)
def test_a_line_that_is_no_purchase_is_refused_by_number(tmp_path: Path, line: str) -> None:
    file = tmp_path / "purchases.txt"
    file.write_text(f"customer_id date number_of_cds dollar_value\n\n7 19970101 1 3.00\n{line}\n")
    with pytest.raises(TransactionsError, match=r"^purchase 2 "):
        list(read_purchases(file))


def test_neither_an_empty_file_nor_a_part_of_a_day_is_taken(tmp_path: Path) -> None:
    nowhere = DatabaseAccess("postgresql://nobody@127.0.0.1:1/none")
    (tmp_path / "empty.txt").write_text("customer_id date number_of_cds dollar_value\n")
    with pytest.raises(TransactionsError):
        load_purchases(nowhere, tmp_path / "empty.txt")
    with pytest.raises(ValueError, match="whole days"):
        load_purchases(nowhere, tmp_path / "empty.txt", timedelta(hours=1))
