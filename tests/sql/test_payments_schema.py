"""Payments in the database: clocks, months, arrivals, what never changes, and who may do what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2 import errors as refused
from tests.payment_fixtures import Till
from tests.sql.payment_stage import P, archiver, as_role, run_id, shop

from data_lifecycle.database import Connection, fetch, fetch_one
from data_lifecycle.policy.clock import kept_until
from data_lifecycle.policy.duration import Duration

if TYPE_CHECKING:
    from tests.conftest import Studio

__all__ = ["archiver", "run_id", "shop"]

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/Dublin", "Australia/Lord_Howe", "Pacific/Apia", "UTC")

# ---- clocks


@pytest.fixture(scope="module")
def clock_cursor(postgres: Any) -> Iterator[Any]:
    postgres.ensure_database("clock_of_payments")
    connection = psycopg2.connect(postgres.url("clock_of_payments"))
    text = (
        Path(__file__).resolve().parents[2] / "include" / "sql" / "schema" / "0014_create_payment_archive.sql"
    )
    sql = text.read_text("utf-8")
    with connection.cursor() as cursor:
        cursor.execute("CREATE SCHEMA IF NOT EXISTS lifecycle; SET TimeZone = 'UTC'")
        begin, end = (sql.index(f"{word} FUNCTION lifecycle.kept_until") for word in ("CREATE", "COMMENT ON"))
        cursor.execute(sql[begin:end])
        yield cursor
    connection.close()


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.integers(946_684_800_000_000, 1_900_000_000_000_000),
    st.sampled_from(ZONES),
    st.integers(1, 12),
)
def test_promises_end_in_the_database_when_the_clock_says(
    clock_cursor: Any, micros: int, zone: str, years: int
) -> None:
    final_at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    clock_cursor.execute("SELECT lifecycle.kept_until(%s, %s, %s)", (final_at, years, zone))
    assert clock_cursor.fetchone()[0] == kept_until(final_at, Duration(years=years), zone)


@pytest.mark.parametrize(
    "final_at",
    [
        "2028-02-29T10:00:00+08:00", "2024-02-29T00:00:00+08:00", "2024-02-28T23:59:59.999999+08:00",
        "2023-03-12T02:30:00-05:00", "2019-11-03T01:30:00-04:00", "2019-11-03T01:30:00-05:00",
    ],
)  # fmt: skip
@pytest.mark.parametrize("zone", ZONES)
def test_leap_days_and_clock_changes(clock_cursor: Any, final_at: str, zone: str) -> None:
    moment = datetime.fromisoformat(final_at)
    for years in range(1, 9):
        clock_cursor.execute("SELECT lifecycle.kept_until(%s, %s, %s)", (moment, years, zone))
        assert clock_cursor.fetchone()[0] == kept_until(moment, Duration(years=years), zone)


# ---- months, arrivals, what never changes


def test_a_fresh_studio_has_two_years_of_months_ahead(shop: Till) -> None:
    months = [row["month"] for row in shop.sql("SELECT month FROM studio.payment_months()")]
    assert len(months) == 25
    assert months[0] == date.today().replace(day=1)  # noqa: DTZ011 - both are UTC


def test_months_begin_and_end_in_utc(shop: Till) -> None:
    shop.sql("SET TimeZone = 'Asia/Shanghai'; SELECT studio.add_payment_months('2020-02-20', '2020-02-21')")
    last = shop.pay(datetime.fromisoformat("2020-02-29T23:59:59.999999+00:00"))
    (row,) = shop.sql(
        "SELECT tableoid::regclass::text AS place FROM studio.payments WHERE payment_id = %s", last.payment_id
    )
    assert row["place"] == "studio.payments_2020_02"
    first = shop.pay(datetime.fromisoformat("2020-03-01T00:00:00+00:00"))
    (row,) = shop.sql(
        "SELECT tableoid::regclass::text AS place FROM studio.payments WHERE payment_id = %s",
        first.payment_id,
    )
    assert row["place"] == "studio.payments_2020_03"


def test_a_month_of_the_past_goes_only_when_it_is_empty(shop: Till, archiver: Connection) -> None:
    paid = shop.pay(datetime.fromisoformat("2020-02-10T00:00:00+00:00"))
    month = {"month": date(2020, 2, 1)}
    assert fetch_one(archiver, P + "detach_month", **month)["done"] is False
    assert fetch_one(archiver, P + "drop_month", **month)["done"] is False, "it is attached"
    archiver.commit()
    shop.sql("DELETE FROM studio.payments")
    assert fetch_one(archiver, P + "detach_month", **month)["done"] is True
    archiver.commit()
    assert [m["attached"] for m in fetch(archiver, P + "list_months") if m["month"] == month["month"]] == [
        False
    ]
    shop.sql(
        "INSERT INTO studio.payments_2020_02 (payment_id, charge_id, order_id, kind, provider, provider_ref, amount,"
        " currency, occurred_at) VALUES (%s, %s, %s, 'charge', 's', 'r', 1, 'EUR', '2020-02-10Z')",
        paid.payment_id, paid.payment_id, paid.order_id,
    )  # fmt: skip
    assert fetch_one(archiver, P + "drop_month", **month)["done"] is False, "a row came in between"
    assert [m["stray_rows"] for m in fetch(archiver, P + "list_months") if m["month"] == month["month"]] == [
        1
    ]
    assert fetch_one(archiver, P + "attach_month", **month)["done"] is True
    archiver.commit()
    assert shop.hot() == {paid.payment_id}


def test_the_present_month_stays(archiver: Connection) -> None:
    with pytest.raises(refused.RestrictViolation, match="not over for long enough"):
        fetch_one(archiver, P + "detach_month", month=datetime.now(UTC).date().replace(day=1))


def test_arrivals_are_noted_once_a_statement_month_currency_and_kind(shop: Till) -> None:
    order = shop.order()
    shop.sql(
        "INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, currency,"
        " occurred_at) SELECT i, i, %s, 'charge', 's', 'r' || n, n, CASE n WHEN 3 THEN 'USD' ELSE 'EUR' END, now()"
        " FROM generate_series(1, 3) AS n, LATERAL (SELECT gen_random_uuid() AS i WHERE n > 0) AS g",
        order,
    )
    rows = shop.sql("SELECT currency, kind, rows, amount FROM lifecycle.payment_arrival ORDER BY currency")
    assert [tuple(row.values()) for row in rows] == [
        ("EUR", "charge", 2, Decimal("3.0000")), ("USD", "charge", 1, Decimal("3.0000")),
    ]  # fmt: skip
    for change in ("UPDATE lifecycle.payment_arrival SET rows = 9", "DELETE FROM lifecycle.payment_arrival"):
        with pytest.raises(refused.RestrictViolation):
            shop.sql(change)


@pytest.mark.parametrize(
    "change",
    [
        "amount = 1", "fee = 1", "currency = 'USD'", "provider_ref = 'x'", "order_id = order_id || '_'",
        "kind = 'refund'",
        "payer_country = 'FR'", "provider_payload = '{}'", "settled_at = NULL", "settled_at = now()",
        "occurred_at = occurred_at + interval '1 second'",
    ],
)  # fmt: skip
def test_a_payment_does_not_change(shop: Till, change: str) -> None:
    shop.pay(timedelta(days=1))
    with pytest.raises((refused.RestrictViolation, refused.CheckViolation, refused.ForeignKeyViolation)):
        shop.sql(f"UPDATE studio.payments SET {change}")  # noqa: S608 — constants


def test_a_payment_settles_once_and_a_name_may_go(shop: Till) -> None:
    shop.pay(timedelta(days=1), settled=None)
    shop.sql("UPDATE studio.payments SET settled_at = now()")
    shop.sql("UPDATE studio.payments SET payer_name = NULL")
    (row,) = shop.sql("SELECT settled_at IS NOT NULL AS settled, payer_name FROM studio.payments")
    assert row == {"settled": True, "payer_name": None}


# ---- who may do what

FORBIDDEN = {
    "payment_archiver": (
        "INSERT INTO studio.payments (payment_id) VALUES (gen_random_uuid())", "UPDATE studio.payments SET amount = 1",
        "UPDATE studio.payments SET settled_at = now()", "TRUNCATE studio.payments",
        "SELECT key FROM lifecycle.customer_key", "SELECT email FROM studio.customers",
        "SELECT display_name FROM studio.customers",
        "INSERT INTO lifecycle.archive_compared VALUES (gen_random_uuid(), 'v', 1, 1)",
        "INSERT INTO lifecycle.archive_sight (run_id) VALUES (1)", "DELETE FROM lifecycle.archive_file",
        "INSERT INTO lifecycle.payment_arrival (rows) VALUES (1)",
        "INSERT INTO lifecycle.evidence (evidence_id) VALUES ('x')",
        "UPDATE lifecycle.run SET state = 'verified'", "DELETE FROM lifecycle.payment_expired",
        "DROP TABLE studio.payments",
        "SELECT object_key FROM studio.uploads",
    ),
    "payment_reader": (
        "SELECT payer_name FROM studio.payments", "DELETE FROM studio.payments",
        "SELECT key FROM lifecycle.customer_key",
        "UPDATE lifecycle.archive_file SET state = 'absent'", "SELECT customer_id FROM studio.orders",
        "DELETE FROM lifecycle.payment_access", "SELECT * FROM lifecycle.payment_access",
        "SELECT envelope FROM lifecycle.evidence",
        "INSERT INTO lifecycle.payment_access (who, person, purpose, asked, asked_sha256, rows, files)"
        " VALUES ('somebody', 'x', 'y', 'order', repeat('0', 64), 0, 0)",
    ),
    "studio_observer": (
        "SELECT amount FROM studio.payments", "DELETE FROM studio.payments", "SELECT key FROM lifecycle.customer_key",
        "UPDATE lifecycle.archive_file SET state = 'absent'", "UPDATE lifecycle.archive_compared SET rows = 1",
    ),
    "studio_auditor": ("SELECT amount FROM studio.payments", "SELECT * FROM studio.payment_record"),
    "evidence_writer": (
        "SELECT * FROM studio.payment_record", "UPDATE lifecycle.archive_file SET rows = 1",
        "INSERT INTO lifecycle.archive_sight (run_id) VALUES (1)",
    ),
    "studio_eraser": ("SELECT * FROM studio.payment_record", "SELECT amount FROM studio.payments"),
    "studio_reader": ("SELECT * FROM studio.payment_record", "SELECT amount FROM studio.payments"),
}  # fmt: skip


@pytest.mark.parametrize(("role", "statement"), [(r, s) for r, all_ in FORBIDDEN.items() for s in all_])
def test_each_duty_has_what_it_needs_and_no_more(studio: Studio, role: str, statement: str) -> None:
    denied = pytest.raises((refused.InsufficientPrivilege, refused.RestrictViolation))
    with as_role(studio, role) as connection, connection.cursor() as cursor, denied:
        cursor.execute(statement)


def test_the_accountant_leaves_a_line(studio: Studio, shop: Till) -> None:
    shop.pay()
    with as_role(studio, "payment_reader") as connection, connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM studio.payment_record")
        assert "payer_name" not in [column.name for column in cursor.description]
        cursor.execute(
            "INSERT INTO lifecycle.payment_access (person, purpose, asked, asked_sha256, rows, files)"
            " VALUES ('x', 'audit', 'order', repeat('0', 64), 1, 0)"
        )
    assert shop.sql("SELECT who FROM lifecycle.payment_access") == [{"who": "payment_reader"}]
