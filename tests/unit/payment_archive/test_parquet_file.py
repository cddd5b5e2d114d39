"""What is written is read back to the last digit, by us and by others; what is damaged or foreign is refused."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.payment_archive.records import Record, batch, records, rows_of
from tests.unit.payment_archive.test_digest import RECORD, facts

from data_lifecycle.payment_archive.columns import NAMES, schema
from data_lifecycle.payment_archive.extract import grouped
from data_lifecycle.payment_archive.parquet_file import Writer, describe, read_batches, read_facts
from data_lifecycle.payment_archive.stream import NotArchivable

COUNT = 300


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parquet")


def write(file: Path, rows: list[Record]) -> Path:
    with Writer(file) as writer:
        writer.write(pa.Table.from_batches([batch(rows)]))
    return file


def many() -> list[Record]:
    return [RECORD | {"order_id": f"order_{n:04d}", "amount": Decimal(n).scaleb(-4)} for n in range(COUNT)]


@given(rows=st.lists(records, min_size=1, max_size=10))
@settings(max_examples=40, deadline=None)
def test_records_come_back_as_they_were(folder: Path, rows: list[Record]) -> None:
    file = write(folder / "random.parquet", rows)
    assert rows_of(list(read_batches(file))) == rows
    found = read_facts(file)
    assert found == describe(file, facts(rows))
    assert found.bytes == file.stat().st_size


def test_another_encoding_has_the_same_content_and_other_bytes(folder: Path) -> None:
    ours = write(folder / "ours.parquet", many())
    theirs = folder / "theirs.parquet"
    table = pa.Table.from_batches([batch(many())]).replace_schema_metadata(schema().metadata)
    pq.write_table(table, theirs, compression="none", use_dictionary=True, row_group_size=7)
    assert read_facts(ours).content_digest == read_facts(theirs).content_digest
    assert read_facts(ours).columns == read_facts(theirs).columns
    assert read_facts(ours).sha256 != read_facts(theirs).sha256


@pytest.mark.parametrize("size", [1, 7, COUNT - 1, COUNT, COUNT + 1])
def test_groups_have_the_size_asked_for_whatever_comes_in(size: int) -> None:
    whole = batch(many())
    pieces = [whole.slice(0, 1), whole.slice(1, 0), whole.slice(1, 200), whole.slice(201)]
    tables = list(grouped(iter(pieces), size))
    assert [table.num_rows for table in tables[:-1]] == [size] * (len(tables) - 1)
    assert pa.concat_tables(tables).equals(pa.Table.from_batches([whole]))
    assert list(grouped(iter([]), size)) == []


def test_others_read_the_same_values_with_exact_types(folder: Path) -> None:
    file = write(folder / "duck.parquet", many())
    with duckdb.connect() as connection:
        found = connection.execute("DESCRIBE SELECT * FROM read_parquet(?)", [str(file)]).fetchall()
        types = {row[0]: row[1] for row in found}
        total = connection.execute(
            "SELECT sum(amount), count(*) FROM read_parquet(?)", [str(file)]
        ).fetchone()
    assert types["payment_id"] == "UUID"
    assert types["amount"] == "DECIMAL(18,4)"
    assert types["occurred_at"] == "TIMESTAMP WITH TIME ZONE"
    assert total == (sum((row["amount"] for row in many()), Decimal(0)), COUNT)


def test_statistics_are_there_to_find_by_and_hold_no_payload(folder: Path) -> None:
    group = pq.ParquetFile(write(folder / "statistics.parquet", many())).metadata.row_group(0)
    by_name = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    for name in ("order_id", "provider_ref", "occurred_at", "payment_id"):
        assert by_name[name].statistics.has_min_max, name
    assert (by_name["order_id"].statistics.min, by_name["order_id"].statistics.max) == (
        "order_0000",
        f"order_{COUNT - 1:04d}",
    )
    assert not by_name["provider_payload"].is_stats_set


def test_no_flipped_byte_goes_unnoticed(folder: Path) -> None:
    file = write(folder / "sound.parquet", many())
    sound, raw = read_facts(file), file.read_bytes()
    damaged = folder / "damaged.parquet"
    for position in range(0, len(raw), max(1, len(raw) // 200)):
        damaged.write_bytes(raw[:position] + bytes([raw[position] ^ 0x20]) + raw[position + 1 :])
        assert _seen(damaged) != sound.sha256


def _seen(file: Path) -> str:
    try:
        return read_facts(file).sha256
    except NotArchivable:
        return "refused"


@pytest.mark.parametrize("keep", [0, 10, 500])
def test_a_file_cut_short_is_refused(folder: Path, keep: int) -> None:
    file = write(folder / "whole.parquet", many())
    cut = folder / "cut.parquet"
    cut.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(NotArchivable):
        read_facts(cut)


def test_a_file_of_another_shape_or_format_is_refused(folder: Path) -> None:
    foreign = folder / "foreign.parquet"
    whole = pa.Table.from_batches([batch(many())])

    def refused(table: Any) -> None:
        pq.write_table(table, foreign)
        with pytest.raises(NotArchivable):
            read_facts(foreign)

    refused(whole.drop_columns(["fee"]))
    refused(whole.select(NAMES[::-1]))
    refused(whole.replace_schema_metadata({"format": "data-lifecycle payment records v2"}))
    refused(whole.replace_schema_metadata(None))
    number = NAMES.index("amount")
    refused(whole.set_column(number, "amount", whole["amount"].cast(pa.float64())))
