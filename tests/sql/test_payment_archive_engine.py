"""Rows out of a real server into a file, and compared with it one by one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.sql.archive_stage import FROM, LIST, ask, query, run
from tests.unit.payment_archive.records import HOSTILE, Record, records, rows_of, values

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect
from data_lifecycle.payment_archive import stream
from data_lifecycle.payment_archive.columns import COLUMNS, NAMES
from data_lifecycle.payment_archive.compare import Altered, Compared, compare
from data_lifecycle.payment_archive.extract import export
from data_lifecycle.payment_archive.parquet_file import GROUP_ROWS, read_batches, read_facts
from data_lifecycle.payment_archive.stream import NotArchivable, read_rows

if TYPE_CHECKING:
    from tests.conftest import Studio

MICROSECOND = timedelta(microseconds=1)


STAGED = query("SELECT RECORD FROM staged ORDER BY place")
SQL_TYPES = {"uuid": "uuid", "money": "numeric(18,4)", "moment": "timestamptz"}


@pytest.fixture(scope="module")
def database(make_studio: Callable[[], Studio]) -> Studio:
    return make_studio()


@pytest.fixture
def connection(database: Studio) -> Iterator[Connection]:
    """With a table `staged` of records of any kind, in the order of `place`."""
    with connect(DatabaseAccess(database.admin_url), "test") as made:
        columns = ", ".join(f"{c.name} {SQL_TYPES.get(c.kind, 'text')}" for c in COLUMNS)
        run(made, f"CREATE TEMPORARY TABLE staged (place serial, {columns})")
        made.commit()
        yield made


def stage(connection: Connection, rows: Sequence[Record]) -> None:
    run(connection, "TRUNCATE staged RESTART IDENTITY")
    with connection.cursor() as cursor:
        psycopg2.extras.execute_values(
            cursor,
            query("INSERT INTO staged (RECORD) VALUES %s"),
            [tuple(row[name] for name in NAMES) for row in rows],
        )
    connection.commit()


def record(**changed: object) -> Record:
    made: Record = {
        "payment_id": uuid4(),
        "charge_id": uuid4(),
        "order_id": "order_1",
        "kind": "charge",
        "provider": "stripe",
        "provider_ref": "ch_1",
        "amount": Decimal("12.3400"),
        "fee": Decimal("0.5000"),
        "currency": "EUR",
        "occurred_at": FROM,
        "settled_at": FROM + timedelta(days=1),
        "payer_country": "DE",
        "customer_ref": "0f" * 16,
        "provider_payload": '{"id": "ch_1"}',
    }
    return made | changed


# --- out of the server ------------------------------------------------------------------------------------------------


@given(rows=st.lists(records, min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_value_arrives_as_the_server_has_it(
    connection: Connection, tmp_path: Path, rows: list[Record]
) -> None:
    stage(connection, rows)
    found = export(connection, STAGED, {}, tmp_path / "a.parquet")
    assert rows_of(list(read_batches(tmp_path / "a.parquet"))) == rows
    assert found == read_facts(tmp_path / "a.parquet")
    assert compare(connection, STAGED, {}, tmp_path / "a.parquet") == Compared(len(rows))


def test_hostile_texts_arrive_as_they_are_in_every_text_column(
    connection: Connection, tmp_path: Path
) -> None:
    rows = [
        record(order_id=text, provider=text, provider_ref=text, customer_ref=text, provider_payload=text)
        for text in HOSTILE
    ]
    stage(connection, rows)
    export(connection, STAGED, {}, tmp_path / "a.parquet")
    assert rows_of(list(read_batches(tmp_path / "a.parquet"))) == rows
    compare(connection, STAGED, {}, tmp_path / "a.parquet")


def test_null_and_empty_are_two_things(connection: Connection, tmp_path: Path) -> None:
    stage(connection, [record(payer_country=None, provider_payload=""), record(payer_country="", fee=None)])
    found = export(connection, STAGED, {}, tmp_path / "a.parquet")
    first, second = rows_of(list(read_batches(tmp_path / "a.parquet")))
    assert (first["payer_country"], first["provider_payload"]) == (None, "")
    assert (second["payer_country"], second["fee"]) == ("", None)
    assert [found.columns[name].nulls for name in ("payer_country", "provider_payload", "fee")] == [1, 0, 1]


def test_a_record_larger_than_a_block_and_blocks_that_end_anywhere(
    connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "BLOCK_BYTES", 512)
    rows = [record(provider_payload="\n" * n + '"' * (n % 7) + "x" * (n % 300)) for n in range(300)]
    rows.insert(150, record(provider_payload='",\n' * 20_000))
    stage(connection, rows)
    export(connection, STAGED, {}, tmp_path / "a.parquet")
    assert rows_of(list(read_batches(tmp_path / "a.parquet"))) == rows


def test_several_row_groups(connection: Connection, tmp_path: Path) -> None:
    stage(connection, [record()])
    count = 2 * GROUP_ROWS + 5
    many = query("SELECT RECORD FROM staged, generate_series(1, %(count)s) AS n ORDER BY n")
    found = export(connection, many, {"count": count}, tmp_path / "a.parquet")
    assert found.rows == count
    assert found == read_facts(tmp_path / "a.parquet")
    assert list(found.totals.values()) == [(count, Decimal("12.34") * count)]
    assert compare(connection, many, {"count": count}, tmp_path / "a.parquet") == Compared(count)


def test_no_rows_make_an_empty_file(connection: Connection, tmp_path: Path) -> None:
    found = export(connection, STAGED, {}, tmp_path / "a.parquet")
    assert (found.rows, found.totals) == (0, {})
    assert read_facts(tmp_path / "a.parquet") == found
    assert compare(connection, STAGED, {}, tmp_path / "a.parquet") == Compared(0)


@pytest.mark.parametrize(
    ("column", "expression"),
    [
        ("amount", "'NaN'::numeric"),
        ("amount", "1.00001"),
        ("amount", "123456789012345.0"),
        ("amount", "NULL::numeric"),
        ("fee", "'Infinity'::numeric"),
        ("occurred_at", "'infinity'::timestamptz"),
        ("occurred_at", "NULL::timestamptz"),
        ("settled_at", "'-infinity'::timestamptz"),
        ("settled_at", "'0044-03-15 BC'::timestamptz"),
        ("settled_at", "'12026-01-01'::timestamptz"),
        ("order_id", "NULL::text"),
        ("payment_id", "NULL::uuid"),
        ("payment_id", "'secret'"),
        ("payment_id", "repeat('secret', 6)"),
    ],
)
def test_what_cannot_be_kept_exactly_is_refused_without_naming_it(
    connection: Connection, tmp_path: Path, column: str, expression: str
) -> None:
    stage(connection, [record()])
    cells = ", ".join(f"{expression} AS {name}" if name == column else name for name in NAMES)
    with pytest.raises(NotArchivable) as refused:
        export(
            connection, query("SELECT RECORD FROM staged").replace(LIST, cells), {}, tmp_path / "a.parquet"
        )
    assert column in str(refused.value)
    assert refused.value.__cause__ is None
    for value in ("NaN", "nfinity", "1.0000", "1234", "0044", "12026", "secret"):
        assert value not in str(refused.value)
    assert not (tmp_path / "a.parquet").exists()


def test_other_columns_are_refused(connection: Connection, tmp_path: Path) -> None:
    stage(connection, [record()])
    for other in (
        "SELECT 1 AS payment_id",
        query("SELECT RECORD FROM staged").replace(LIST, ", ".join(NAMES[::-1])),
        query("SELECT RECORD, 1 AS more FROM staged"),
    ):
        with pytest.raises(NotArchivable):
            export(connection, other, {}, tmp_path / "a.parquet")
        connection.rollback()


def test_values_are_bound_and_an_error_of_the_server_is_raised(
    connection: Connection, tmp_path: Path
) -> None:
    stage(connection, [record(order_id="it's {one} %s"), record(order_id="two")])
    chosen = query("SELECT RECORD FROM staged WHERE order_id = %(order)s")
    assert export(connection, chosen, {"order": "it's {one} %s"}, tmp_path / "a.parquet").rows == 1
    with pytest.raises(psycopg2.errors.DivisionByZero):
        export(
            connection,
            query("SELECT RECORD FROM staged WHERE 1 / (place - 2) > -9"),
            {},
            tmp_path / "b.parquet",
        )
    assert not (tmp_path / "b.parquet").exists()
    connection.rollback()
    with pytest.raises(psycopg2.errors.UndefinedTable):
        compare(connection, query("SELECT RECORD FROM nowhere"), {}, tmp_path / "a.parquet")


def test_who_stops_early_cancels_the_statement_and_leaves_no_thread(connection: Connection) -> None:
    stage(connection, [record()])
    endless = query("SELECT RECORD FROM staged, generate_series(1, 100000000) AS n")
    with read_rows(connection, endless, {}) as batches:
        assert next(batches).num_rows > 0
    assert not [thread for thread in threading.enumerate() if thread.name == "copy"]
    connection.rollback()
    assert ask(connection, "SELECT count(*) FROM staged") == [(1,)]


def test_a_connection_that_is_killed_makes_no_shorter_file(
    connection: Connection, database: Studio, tmp_path: Path
) -> None:
    stage(connection, [record()])
    chosen = query("SELECT RECORD FROM staged, generate_series(1, 100000000) AS n")
    with connect(DatabaseAccess(database.admin_url), "killer") as killer:
        timer = threading.Timer(
            0.5, ask, [killer, "SELECT pg_terminate_backend(%s)", connection.info.backend_pid]
        )
        timer.start()
        with pytest.raises(psycopg2.OperationalError):
            export(connection, chosen, {}, tmp_path / "a.parquet")
        timer.join()
    assert not (tmp_path / "a.parquet").exists()


@pytest.mark.parametrize(
    "setting",
    ["SET TimeZone = 'Asia/Shanghai'", "SET DateStyle = 'German'", "SET client_encoding = 'LATIN1'"],
)
def test_a_connection_that_writes_otherwise_is_refused(
    connection: Connection, tmp_path: Path, setting: str
) -> None:
    run(connection, setting)
    with pytest.raises(ValueError, match="in UTC, ISO dates and UTF-8 only"):
        export(connection, STAGED, {}, tmp_path / "a.parquet")


# --- compared ---------------------------------------------------------------------------------------------------------


@given(rows=st.lists(records, min_size=1, max_size=5), data=st.data())
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_change_of_any_cell_is_found_and_named_without_its_value(
    connection: Connection, tmp_path: Path, rows: list[Record], data: Any
) -> None:
    stage(connection, rows)
    export(connection, STAGED, {}, tmp_path / "a.parquet")
    place, name = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.sampled_from(NAMES))
    value = data.draw(values(name))
    assume(value != rows[place][name])
    run(
        connection, "UPDATE staged SET COLUMN = %s WHERE place = %s".replace("COLUMN", name), value, place + 1
    )
    with pytest.raises(Altered) as altered:
        compare(connection, STAGED, {}, tmp_path / "a.parquet")
    assert altered.value.columns == {name: 1}
    assert str(altered.value) == f"file has {len(rows)} rows, table {len(rows)}; differing: {name} in 1"
    connection.rollback()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("amount", "amount + 0.0001"),
        ("fee", "NULL"),
        ("settled_at", "settled_at + interval '1 microsecond'"),
        ("payer_country", "''"),
        ("provider_payload", "provider_payload || ' '"),
        ("order_id", "'e' || chr(769)"),
    ],
)
def test_a_single_change_in_the_middle_of_many_rows_is_found(
    connection: Connection, tmp_path: Path, name: str, change: str
) -> None:
    stage(connection, [record(order_id=f"order_{n}") for n in range(5_000)])
    export(connection, STAGED, {}, tmp_path / "a.parquet")
    run(
        connection,
        "UPDATE staged SET COLUMN = NEW WHERE place = 2500".replace("COLUMN", name).replace("NEW", change),
    )
    with pytest.raises(Altered) as altered:
        compare(connection, STAGED, {}, tmp_path / "a.parquet")
    assert altered.value.columns == {name: 1}


@pytest.mark.parametrize(
    ("what", "rows"),
    [
        (["DELETE FROM staged WHERE place = 50"], 99),
        (["DELETE FROM staged WHERE place = 1"], 99),
        (["DELETE FROM staged WHERE place = 100"], 99),
        (["DELETE FROM staged"], 0),
        ([query("INSERT INTO staged (RECORD) SELECT RECORD FROM staged WHERE place = 100")], 101),
        (["UPDATE staged SET place = CASE place WHEN 10 THEN 20 ELSE 10 END WHERE place IN (10, 20)"], 100),
        (
            [
                "DELETE FROM staged WHERE place = 7",
                query("INSERT INTO staged (place, RECORD) SELECT 7, RECORD FROM staged WHERE place = 8"),
            ],
            100,
        ),
    ],
    ids=["missing", "first missing", "last missing", "all missing", "doubled", "swapped", "one for another"],
)
def test_missing_extra_doubled_and_swapped_rows_are_found(
    connection: Connection, tmp_path: Path, what: list[str], rows: int
) -> None:
    stage(connection, [record() for _ in range(100)])
    export(connection, STAGED, {}, tmp_path / "a.parquet")
    for statement in what:
        run(connection, statement)
    with pytest.raises(Altered) as altered:
        compare(connection, STAGED, {}, tmp_path / "a.parquet")
    assert (altered.value.file_rows, altered.value.table_rows) == (100, rows)
    assert altered.value.columns or rows != 100
