"""Rows leave the table only if the file has them exactly; and the payments that this is tried on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg2.errors
import pytest
from tests.sql.archive_stage import FROM, HOT, TO, ask, query, run
from tests.unit.payment_archive.records import HOSTILE

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, execute
from data_lifecycle.payment_archive.compare import Compared, compare
from data_lifecycle.payment_archive.extract import export
from data_lifecycle.payment_archive.remove import (
    Removed,
    RowsDiffer,
    count_left,
    load_keys,
    load_records,
    read_horizon,
    remove,
)
from data_lifecycle.studio.demo import payments_bulk
from data_lifecycle.studio.demo.payments_bulk import fill_payments

if TYPE_CHECKING:
    from tests.conftest import Studio

MICROSECOND = timedelta(microseconds=1)

ROWS = 400


@pytest.fixture
def payments(studio: Studio) -> Studio:
    """Payments over three months, one of which has every NULL and text that is hard to carry."""
    fill_payments(studio.admin_url, ROWS - 1, 7, FROM, TO)
    with connect(DatabaseAccess(studio.admin_url), "test") as connection:
        run(
            connection,
            "INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, "
            "currency, occurred_at, provider_payload) VALUES (%s, %s, 'paid_000000001', 'charge', 'a\\b\"c', %s, "
            "99999999999999.9999, 'KWD', %s, %s)",
            *[str(UUID(int=7))] * 2,
            "".join(text for text in HOSTILE if len(text) < 100),
            FROM + MICROSECOND,
            r'{"a": 1.00, "b": "\\N \" \n, é 🖼"}',
        )
        run(
            connection,
            "INSERT INTO lifecycle.customer_key (customer_id) SELECT customer_id FROM studio.customers",
        )
        connection.commit()
    return studio


@pytest.fixture
def archiver(payments: Studio) -> Iterator[Connection]:
    with connect(DatabaseAccess(payments.urls["payment_archiver"]), "test archive") as made:
        yield made


@pytest.fixture
def admin(payments: Studio) -> Iterator[Connection]:
    """A superuser whose statements take effect at once and fire no trigger of ours."""
    with connect(DatabaseAccess(payments.admin_url), "test admin") as made:
        made.autocommit = True
        run(made, "SET session_replication_role = replica")
        yield made


def hot(connection: Connection) -> int:
    return int(ask(connection, "SELECT count(*) FROM studio.payments")[0][0])


def test_what_the_file_has_is_removed_and_nothing_else(
    archiver: Connection, admin: Connection, tmp_path: Path
) -> None:
    file = tmp_path / "a.parquet"
    later = query(
        "SELECT RECORD FROM studio.payment_record WHERE occurred_at < %(before)s ORDER BY payment_id"
    )
    found = export(archiver, later, {"before": datetime(2026, 2, 10, tzinfo=UTC)}, file)
    assert 0 < found.rows < ROWS
    assert compare(archiver, later, {"before": datetime(2026, 2, 10, tzinfo=UTC)}, file) == Compared(
        found.rows
    )
    assert remove(archiver, file) == Removed(found.rows)
    assert hot(admin) == ROWS, "the caller commits"
    archiver.commit()
    assert hot(admin) == ROWS - found.rows
    assert load_records(archiver, file) == found.rows
    assert count_left(archiver) == 0


CHANGES = {
    "a cent": "UPDATE studio.payments SET amount = amount + 0.01 WHERE payment_id = %(one)s",
    "no fee": "UPDATE studio.payments SET fee = NULL WHERE payment_id = %(one)s",
    "a zero fee for none": "UPDATE studio.payments SET fee = 0 WHERE payment_id = %(hostile)s",
    "a microsecond": "UPDATE studio.payments SET occurred_at = occurred_at + interval '1 us' "
    "WHERE payment_id = %(one)s",
    "unsettled": "UPDATE studio.payments SET settled_at = NULL WHERE payment_id = %(one)s",
    "a country for none": "UPDATE studio.payments SET payer_country = 'XX' WHERE payment_id = %(hostile)s",
    "another number in JSON": "UPDATE studio.payments SET provider_payload = jsonb_set(provider_payload, '{a}', '1.0') "
    "WHERE payment_id = %(hostile)s",
    "another charge": "UPDATE studio.payments SET charge_id = gen_random_uuid() WHERE kind = 'refund'",
    "another reference": "UPDATE studio.payments SET provider_ref = provider_ref || ' ' WHERE payment_id = %(one)s",
    "gone": "DELETE FROM studio.payments WHERE payment_id = %(one)s",
    "a trigger swallows it": """
        CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER swallow BEFORE DELETE ON studio.payments FOR EACH ROW WHEN (OLD.kind = 'refund')
        EXECUTE FUNCTION swallow()""",
    "a trigger puts it back": """
        CREATE FUNCTION restore() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN
            OLD.amount := OLD.amount / 2; INSERT INTO studio.payments SELECT (OLD).*; RETURN NULL; END';
        CREATE TRIGGER restore AFTER DELETE ON studio.payments FOR EACH ROW WHEN (OLD.kind = 'refund')
        EXECUTE FUNCTION restore()""",
    "a trigger puts it into another month": """
        CREATE FUNCTION move() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN
            OLD.occurred_at := ''2026-02-28'';
            INSERT INTO studio.payments SELECT (OLD).*; RETURN NULL; END';
        CREATE TRIGGER move AFTER DELETE ON studio.payments FOR EACH ROW WHEN (OLD.occurred_at < '2026-01-03')
        EXECUTE FUNCTION move()""",
    "a rule does nothing instead": "CREATE RULE nothing AS ON DELETE TO studio.payments DO INSTEAD NOTHING",
    "a rule hides some": "CREATE RULE few AS ON DELETE TO studio.payments WHERE OLD.kind = 'refund' "
    "DO INSTEAD NOTHING",
    "row-level security keeps some": """
        ALTER TABLE studio.payments ENABLE ROW LEVEL SECURITY;
        CREATE POLICY see ON studio.payments FOR SELECT USING (true);
        CREATE POLICY few ON studio.payments FOR DELETE USING (kind <> 'refund')""",
    "row-level security hides all": "ALTER TABLE studio.payments ENABLE ROW LEVEL SECURITY",
}


def compared(connection: Connection, file: Path) -> str:
    """The horizon of a comparison that found everything equal."""
    horizon = read_horizon(connection)
    assert compare(connection, HOT, {}, file) == Compared(ROWS)
    connection.commit()
    return horizon


def by_digest(connection: Connection) -> bool:
    """Whether the last removal had to look at content."""
    found = ask(
        connection,
        "SELECT count(*) FROM pg_attribute WHERE attrelid = 'archived'::regclass AND attname = 'digest'",
    )
    return bool(found[0][0])


@pytest.mark.parametrize("by_version", [False, True], ids=["by digest", "by version"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_nothing_is_removed_when_something_differs(
    archiver: Connection, admin: Connection, tmp_path: Path, change: str, by_version: bool
) -> None:
    export(archiver, HOT, {}, tmp_path / "a.parquet")
    archiver.commit()
    horizon = compared(archiver, tmp_path / "a.parquet") if by_version else None
    one = ask(
        admin,
        "SELECT payment_id FROM studio.payments WHERE kind = 'charge' AND fee > 0 AND settled_at > now() - "
        "interval '99 years' LIMIT 1",
    )[0][0]
    with admin.cursor() as cursor:
        cursor.execute(change, {"one": one, "hostile": UUID(int=7)} if "%(" in change else None)
    before = ask(admin, "SELECT * FROM studio.payments ORDER BY payment_id")
    with pytest.raises(RowsDiffer) as differ:
        remove(archiver, tmp_path / "a.parquet", horizon)
    assert str(one) not in str(differ.value)
    archiver.commit()
    assert ask(admin, "SELECT * FROM studio.payments ORDER BY payment_id") == before


def test_a_refund_that_comes_after_the_snapshot_survives(
    archiver: Connection, admin: Connection, tmp_path: Path
) -> None:
    archiver.set_session(isolation_level="REPEATABLE READ")
    ask(archiver, "SELECT 1 FROM studio.payments LIMIT 1")
    insert = (
        "INSERT INTO studio.payments (payment_id, charge_id, order_id, kind, provider, provider_ref, amount, currency, "
        "occurred_at) SELECT gen_random_uuid(), payment_id, order_id, 'refund', provider, 're_late', 1, currency, "
        "now() FROM studio.payments WHERE payment_id = %s"
    )
    run(admin, insert, UUID(int=7))
    assert export(archiver, HOT, {}, tmp_path / "a.parquet").rows == ROWS
    archiver.commit()
    archiver.set_session(isolation_level="READ COMMITTED")
    assert remove(archiver, tmp_path / "a.parquet") == Removed(ROWS)
    archiver.commit()
    assert ask(admin, "SELECT provider_ref FROM studio.payments") == [("re_late",)]


def test_a_record_that_the_file_names_twice_is_refused(archiver: Connection, tmp_path: Path) -> None:
    twice = query("(HOT) UNION ALL (SELECT RECORD FROM studio.payment_record WHERE payment_id = %(one)s)")
    twice = twice.replace("HOT", HOT)
    export(archiver, twice, {"one": str(UUID(int=7))}, tmp_path / "a.parquet")
    archiver.commit()
    with pytest.raises(RowsDiffer):
        remove(archiver, tmp_path / "a.parquet")


def test_keys_alone_name_the_rows_and_delete_none(archiver: Connection, tmp_path: Path) -> None:
    found = export(archiver, HOT, {}, tmp_path / "a.parquet")
    assert load_keys(archiver, tmp_path / "a.parquet") == found.rows
    assert count_left(archiver) == found.rows
    assert ask(
        archiver,
        "SELECT count(*) FROM archived JOIN studio.payments USING (payment_id, occurred_at)",
    ) == [(found.rows,)]
    with pytest.raises(psycopg2.errors.UndefinedColumn):
        execute(archiver, "payment_archive/remove_archived")
    archiver.rollback()
    assert hot(archiver) == found.rows


def test_what_was_just_compared_goes_by_its_version(archiver: Connection, tmp_path: Path) -> None:
    export(archiver, HOT, {}, tmp_path / "a.parquet")
    archiver.commit()
    horizon = compared(archiver, tmp_path / "a.parquet")
    assert remove(archiver, tmp_path / "a.parquet", horizon) == Removed(ROWS)
    assert not by_digest(archiver)


def test_content_decides_about_a_row_that_only_has_a_new_version(
    archiver: Connection, admin: Connection, tmp_path: Path
) -> None:
    """A name that is blanked meanwhile: it is not archived."""
    export(archiver, HOT, {}, tmp_path / "a.parquet")
    archiver.commit()
    horizon = compared(archiver, tmp_path / "a.parquet")
    run(admin, "UPDATE studio.payments SET payer_name = NULL WHERE payment_id = %s", UUID(int=7))
    assert remove(archiver, tmp_path / "a.parquet", horizon) == Removed(ROWS)
    assert by_digest(archiver)


def test_content_decides_about_rows_that_are_younger_than_a_transaction_under_way(
    archiver: Connection, payments: Studio, admin: Connection, tmp_path: Path
) -> None:
    with connect(DatabaseAccess(payments.admin_url), "test open") as other:
        ask(other, "SELECT pg_current_xact_id()")
        run(admin, "UPDATE studio.payments SET settled_at = occurred_at WHERE settled_at IS NULL")
        export(archiver, HOT, {}, tmp_path / "a.parquet")
        archiver.commit()
        horizon = compared(archiver, tmp_path / "a.parquet")
    assert remove(archiver, tmp_path / "a.parquet", horizon) == Removed(ROWS)
    assert by_digest(archiver)


def test_a_change_in_a_subtransaction_that_was_open_during_the_comparison_is_seen(
    archiver: Connection, payments: Studio, tmp_path: Path
) -> None:
    """Snapshots do not name subtransactions: only what is older than all that was under way counts as compared."""
    with connect(DatabaseAccess(payments.admin_url), "test open") as other:
        run(other, "SET session_replication_role = replica")
        export(archiver, HOT, {}, tmp_path / "a.parquet")
        archiver.commit()
        ask(other, "SELECT pg_current_xact_id()")
        run(other, "SAVEPOINT inside")
        run(other, "UPDATE studio.payments SET amount = amount / 2 WHERE payment_id = %s", UUID(int=7))
        run(other, "RELEASE SAVEPOINT inside")
        horizon = compared(archiver, tmp_path / "a.parquet")
        other.commit()
    with pytest.raises(RowsDiffer):
        remove(archiver, tmp_path / "a.parquet", horizon)


def test_moments_mean_the_same_in_every_zone(archiver: Connection, tmp_path: Path) -> None:
    export(archiver, HOT, {}, tmp_path / "a.parquet")
    run(archiver, "SET TimeZone = 'Asia/Shanghai'")
    assert remove(archiver, tmp_path / "a.parquet") == Removed(ROWS)


# --- the payments it is tried on --------------------------------------------------------------------------------------


def test_made_payments_are_believable_and_follow_from_the_seed(
    make_studio: Callable[[], Studio], payments: Studio, admin: Connection
) -> None:
    again = make_studio()
    fill_payments(again.admin_url, ROWS - 1, 7, FROM, TO)
    with connect(DatabaseAccess(again.admin_url), "test") as other:
        everything = "SELECT * FROM studio.payments WHERE payment_id <> %s ORDER BY payment_id"
        rows = ask(other, everything, UUID(int=7))
        assert rows == ask(admin, everything, UUID(int=7))
        assert len(rows) == ROWS - 1
        assert ask(other, "SELECT sum(rows), sum(amount) FROM lifecycle.payment_arrival") == ask(
            other, "SELECT count(*), sum(amount) FROM studio.payments"
        )
        assert not ask(
            other,
            "SELECT 1 FROM studio.payments p LEFT JOIN studio.payments c ON c.payment_id = p.charge_id "
            "AND c.kind = 'charge' WHERE c.payment_id IS NULL OR p.order_id <> c.order_id OR p.amount > c.amount "
            "OR p.currency <> c.currency OR p.occurred_at < c.occurred_at",
        )
        assert not ask(
            other,
            "SELECT 1 FROM studio.payments WHERE amount <> round(amount, CASE WHEN currency IN ('JPY', 'KRW') THEN 0 "
            "WHEN currency IN ('KWD', 'BHD') THEN 3 ELSE 2 END) OR fee > amount OR occurred_at NOT BETWEEN %s AND %s",
            FROM,
            TO,
        )
        kinds = dict(ask(other, "SELECT kind, count(*) FROM studio.payments GROUP BY 1"))
        assert kinds["charge"] > 8 * kinds["refund"] > 0
        before = int(ask(other, "SELECT count(*) FROM studio.payments")[0][0])
        other.commit()
        assert fill_payments(again.admin_url, 50, 8, FROM, TO).payments == 50
        assert hot(other) == before + 50


def test_slices_side_by_side_make_the_same_payments(
    payments: Studio, make_studio: Callable[[], Studio], admin: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Families that lie in two slices included; an odd slice begins in the middle of an order."""
    monkeypatch.setattr(payments_bulk, "SLICE_ROWS", 33)
    again = make_studio()
    report = fill_payments(again.admin_url, ROWS - 1, 7, FROM, TO)
    with connect(DatabaseAccess(again.admin_url), "test") as other:
        everything = "SELECT * FROM studio.payments WHERE payment_id <> %s ORDER BY payment_id"
        assert ask(other, everything, UUID(int=7)) == ask(admin, everything, UUID(int=7))
        noted = "SELECT month, currency, kind, sum(rows), sum(amount) FROM lifecycle.payment_arrival GROUP BY 1, 2, 3"
        made = (
            "SELECT date_trunc('month', occurred_at AT TIME ZONE 'UTC')::date, currency, kind, count(*), sum(amount)"
            " FROM studio.payments GROUP BY 1, 2, 3"
        )
        assert sorted(ask(other, noted)) == sorted(ask(other, made))
        assert not ask(
            other, "SELECT FROM studio.payments WHERE order_id NOT IN (SELECT order_id FROM studio.orders)"
        )
        (orders,) = ask(other, "SELECT count(*) FROM studio.orders")
    assert (report.payments, report.orders) == (ROWS - 1, orders[0])


def test_the_last_of_the_most_payments_over_years(studio: Studio) -> None:
    """The end of a fill of five million over seven years: no sum on the way is too large for its type."""
    to_at, most = FROM + timedelta(days=7 * 365), payments_bulk.MOST_ROWS
    fill_payments(studio.admin_url, 1, 7, FROM, to_at)  # the months
    span = {"first": 0, "rows": most, "seed": 7, "from_at": FROM, "to_at": to_at}
    made = payments_bulk._fill_slice(studio.admin_url, span | {"low": most - 200, "slice": 200})
    assert made == (100, 200)
    with connect(DatabaseAccess(studio.admin_url), "test") as admin:
        (last,) = ask(
            admin, "SELECT min(occurred_at) FROM studio.payments WHERE order_id <> 'paid_000000000'"
        )
    assert last[0] > to_at - timedelta(days=1)


@pytest.mark.parametrize("rows", [0, -1, 5_000_001])
def test_impossible_numbers_of_payments_are_refused(studio: Studio, rows: int) -> None:
    with pytest.raises(ValueError, match="rows must be"):
        fill_payments(studio.admin_url, rows, 1, FROM, TO)
    with pytest.raises(ValueError, match="before"):
        fill_payments(studio.admin_url, 1, 1, TO, FROM)
