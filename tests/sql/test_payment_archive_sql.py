"""Each statement of the archive on a real database: what it selects, changes and refuses."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from psycopg2 import errors as refused
from tests.payment_fixtures import Till

from data_lifecycle.connections import DatabaseAccess
from data_lifecycle.database import Connection, connect, copy_rows, execute, fetch, fetch_one
from data_lifecycle.payment_archive.plan import EVER

if TYPE_CHECKING:
    from tests.conftest import Studio

from tests.sql.payment_stage import SPAN, P, archiver, as_role, due, run_id, shop

__all__ = ["archiver", "run_id", "shop"]

# ---- plan


def test_due_families_by_window_and_day(shop: Till, archiver: Connection) -> None:
    charge = shop.pay(datetime.fromisoformat("2025-05-20T10:00:00+00:00"))
    shop.pay(datetime.fromisoformat("2025-06-10T10:00:00+00:00"), of=charge)
    shop.pay(datetime.fromisoformat("2025-06-10T11:00:00+00:00"))
    shop.pay(timedelta(days=89))
    shop.pay(settled=None)
    late = shop.pay(datetime.fromisoformat("2025-06-30T11:00:00+00:00"))
    shop.pay(datetime.fromisoformat("2025-07-01T11:00:00+00:00"), of=late)
    shop.sql("DELETE FROM studio.payments WHERE payment_id = %s", late.payment_id)
    rows = fetch(archiver, P + "select_due", as_of=datetime.now(UTC), suspected=[], **due())
    found = {(r["whole"], r["window_start"].date(), r["day"].date(), r["families"], r["rows"]) for r in rows}
    assert found == {
        (True, date(2032, 6, 1), date(2025, 6, 10), 2, 3),
        (False, date(2032, 7, 1), date(2025, 7, 1), 1, 1),
    }


def test_the_hot_period_ends_to_the_microsecond(shop: Till, archiver: Connection) -> None:
    paid = shop.pay()
    (row,) = shop.sql("SELECT settled_at FROM studio.payments WHERE payment_id = %s", paid.payment_id)
    micro = timedelta(microseconds=1)
    for moment, found in ((row["settled_at"] - micro, 0), (row["settled_at"], 1)):
        assert (
            len(
                fetch(
                    archiver,
                    P + "select_due",
                    as_of=datetime.now(UTC),
                    suspected=[],
                    **due(final_before=moment),
                )
            )
            == found
        )


def test_what_is_over_is_counted_and_erased_with_its_sums(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    ended = datetime.now(UTC).replace(year=datetime.now(UTC).year - 8)
    charge = shop.pay(ended, amount="3.0000")
    shop.pay(ended + timedelta(days=1), of=charge, amount="1.0000")
    shop.pay(timedelta(days=100))
    now = {"as_of": datetime.now(UTC), **SPAN}
    counted = fetch_one(archiver, P + "count_ended", **now)
    assert (counted["families"], counted["rows"], counted["held_families"]) == (1, 2, 0)
    assert fetch_one(archiver, P + "sum_expired", run_id=run_id)["rows"] == 0
    execute(archiver, P + "erase_ended", run_id=run_id, **now)
    assert fetch_one(archiver, P + "sum_expired", run_id=run_id)["rows"] == 2
    archiver.commit()
    assert shop.balanced()
    assert len(shop.hot()) == 1


def test_suspects_are_shown_once_and_quarantined_families_leave_the_plan(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    hit = shop.pay(payload={"n": "4242424242424242"})
    shop.pay(payload={"n": "12345678901"})
    (row,) = fetch(archiver, P + "select_suspects", **due())
    assert (str(row["payment_id"]), row["column_name"]) == (hit.payment_id, "provider_payload")
    for _ in range(2):
        execute(
            archiver, P + "insert_quarantine", run_id=run_id, payment_ids=[row["payment_id"]],
            charge_ids=[row["charge_id"]], column_names=[row["column_name"]],
        )  # fmt: skip
    assert fetch_one(archiver, P + "count_quarantined")["families"] == 1
    assert fetch(archiver, P + "select_suspects", **due()) == []
    assert (
        sum(
            r["families"]
            for r in fetch(archiver, P + "select_due", as_of=datetime.now(UTC), suspected=[], **due())
        )
        == 1
    )
    archiver.commit()
    shop.sql("UPDATE lifecycle.payment_quarantine SET cleared_at = now()")
    assert fetch(archiver, P + "select_suspects", **due()) == []


def test_keys_are_made_for_those_who_may_be_named(shop: Till, archiver: Connection) -> None:
    plain, asked, minor = shop.customer(), shop.customer(), shop.customer()
    for customer in (plain, asked, minor):
        shop.pay(order_id=shop.order(customer))
    shop.sql("UPDATE studio.customers SET erase_requested_at = now() WHERE customer_id = %s", asked)
    shop.sql("UPDATE studio.customers SET is_minor = true WHERE customer_id = %s", minor)
    before = due()["final_before"]
    assert execute(archiver, P + "insert_customer_keys", final_before=before) == 1
    assert execute(archiver, P + "insert_customer_keys", final_before=before) == 0
    archiver.commit()
    refs = shop.sql("SELECT customer_ref FROM studio.payment_record ORDER BY customer_ref NULLS LAST")
    assert [bool(row["customer_ref"]) for row in refs] == [True, False, False]
    assert [
        str(r["customer_id"]) for r in fetch(archiver, P + "select_requests", as_of=datetime.now(UTC))
    ] == sorted([asked, minor])


def test_only_the_latest_run_has_the_turn(archiver: Connection, run_id: int) -> None:
    assert fetch(archiver, P + "hold_turn", run_id=run_id)
    assert fetch(archiver, P + "read_turn", run_id=run_id)
    assert not fetch(archiver, P + "hold_turn", run_id=run_id + 1)


# ---- files


def a_file(connection: Connection, run_id: int, kind: str = "regular", batch: int = 0) -> uuid.UUID:
    start = datetime(2032, 6, 1, tzinfo=UTC)
    made = execute(
        connection, P + "insert_files", run_id=run_id, batches=[batch], kinds=[kind], starts=[start],
        ends=[start.replace(day=16)], final_froms=[EVER[0]], final_tos=[EVER[1]],
        order_ids=["ord_1" if kind == "held" else None],
    )  # fmt: skip
    assert made == 1
    return uuid.UUID(str(fetch(connection, P + "select_files", run_id=run_id, batch=batch)[0]["file_id"]))


def intend(connection: Connection, file_id: uuid.UUID, key: str, end: datetime | None = None) -> int:
    at = end or datetime(2032, 6, 3, tzinfo=UTC)
    return execute(
        connection, P + "intend_file", file_id=file_id, object_key=key, rows=1, families=1, bytes=1, sha256="0",
        content_digest="1" * 64, first_end=at, last_end=at, min_order_id="ord_a", max_order_id="ord_c",
        min_occurred_at=at, max_occurred_at=at,
    )  # fmt: skip


def test_a_file_from_plan_to_absence(studio: Studio, shop: Till, archiver: Connection, run_id: int) -> None:
    file_id = a_file(archiver, run_id)
    assert intend(archiver, file_id, "payments/v1/w/k.parquet") == 1
    month = date(2025, 6, 1)
    for _ in range(2):
        execute(archiver, P + "clear_totals", file_id=file_id)
        execute(
            archiver, P + "insert_totals", file_id=file_id, months=[month], currencies=["EUR"], kinds=["charge"],
            rows=[1], amounts=[Decimal("2.5000")],
        )  # fmt: skip
        execute(archiver, P + "clear_columns", file_id=file_id)
        execute(archiver, P + "insert_columns", file_id=file_id, names=["kind"], digests=["0"], nulls=[0])
    stored = {
        "file_id": file_id,
        "version_id": "v",
        "locked_until": datetime(2032, 6, 3, tzinfo=UTC),
        "sha256": "0",
        "bytes": 1,
    }
    assert execute(archiver, P + "note_stored", run_id=run_id + 1, **stored) == 0, "another run's file"
    assert execute(archiver, P + "note_stored", run_id=run_id, **stored) == 1
    found = {"file_id": file_id, "version_id": "v", "run_id": run_id}
    assert fetch(archiver, P + "find_compared", **found) == []
    archiver.commit()
    with as_role(studio, "studio_observer") as observer, observer:
        horizon = fetch_one(observer, P + "read_horizon")["horizon"]
        execute(observer, P + "insert_compared", rows=1, horizon=horizon, **found)
    assert fetch(archiver, P + "find_compared", **found) == [{"rows": 1, "horizon": horizon}]
    archiver.commit()
    with connect(DatabaseAccess(studio.admin_url), "test") as admin, admin, admin.cursor() as cursor:
        cursor.execute(
            "INSERT INTO lifecycle.archive_compared (file_id, version_id, run_id, rows, horizon, written) "
            "VALUES (%(file_id)s, %(version_id)s, %(run_id)s, 2, '1000', '7')",
            found,
        )
    restored = [{"rows": 2, "horizon": None}]
    assert fetch(archiver, P + "find_compared", **found) == restored, "it was loaded from another server's"
    assert fetch_one(archiver, P + "find_file", file_id=file_id)["version_id"] == "v"
    assert execute(archiver, P + "note_current", file_id=file_id, run_id=run_id) == 1
    (books,) = fetch(archiver, P + "select_holders", order_id="ord_b", ended_by=EVER[1])
    assert books["file_id"] == file_id
    assert fetch(archiver, P + "select_holders", order_id="ord_d", ended_by=EVER[1]) == []
    assert fetch(archiver, P + "select_holders", order_id="ord_b", ended_by=datetime.now(UTC)) == []
    archiver.commit()
    (line,) = shop.sql("SELECT * FROM lifecycle.payment_books")
    assert (line["archived_rows"], line["archived_amount"], line["missing_rows"]) == (1, Decimal("2.5"), -1)
    # Its seven years are over.
    shop.sql(
        "UPDATE lifecycle.archive_file SET last_end = now() - interval '1 hour', first_end = now() - interval '31 days'"
    )
    now = {"as_of": datetime.now(UTC)}
    (expired,) = fetch(archiver, P + "select_expired_files", **now)
    assert (expired["file_id"], expired["held_orders"], expired["abandoned"]) == (file_id, [], False)
    assert execute(archiver, P + "insert_expiries", run_id=run_id, file_ids=[file_id]) == 1
    (going,) = fetch(archiver, P + "select_expiring", run_id=run_id, **now)
    assert going["held"] is False
    assert execute(archiver, P + "note_expiring", file_ids=[file_id]) == 1
    archiver.commit()
    with as_role(studio, "studio_observer") as observer, observer:
        (expected,) = fetch(observer, P + "select_expected")
        assert (expected["file_id"], expected["expected"]) == (file_id, "absent")
        number = fetch_one(observer, P + "next_round", run_id=run_id)["round"]
        sight = (run_id, number, file_id, "absent", "absent", None, None, False, None, datetime.now(UTC))
        copy_rows(observer, P + "copy_sights", [sight])
    with as_role(studio, "evidence_writer") as writer, writer:
        fetch(writer, "run/set_run", run_id=run_id)
        assert fetch_one(writer, P + "read_run", run_id=run_id)["pipeline"] == "payment_archive"
        assert fetch_one(writer, P + "count_absent")["files"] == 1
        assert fetch_one(writer, P + "count_expiring_absent")["files"] == 1
        assert fetch(writer, P + "close_files", erase_within=timedelta(days=30)) == [
            {"file_id": file_id, "late": True}
        ]
        assert fetch_one(writer, P + "count_expiring_absent")["files"] == 0
        cases = {
            (c["state"], c["made"], c["archived"]) for c in fetch(writer, P + "select_claims", run_id=run_id)
        }
        assert cases == {("absent", True, True), ("absent", False, True)}
        assert fetch_one(writer, P + "read_balance")["absent"] == 1
        assert fetch(writer, P + "sum_books")[0]["expired"] == Decimal("2.5")
        assert fetch(writer, P + "select_pseudonymised", run_id=run_id) == []
        assert execute(writer, "run/finish_run", run_id=run_id, state="verified") == 1


def test_an_object_passes_from_an_abandoned_file_and_from_no_other(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    first, second = a_file(archiver, run_id), a_file(archiver, run_id, batch=1)
    key = {"object_key": "payments/v1/w/k.parquet"}
    intend(archiver, first, key=key["object_key"])
    assert execute(archiver, P + "release_key", file_id=second, **key) == 0
    (holder,) = fetch(archiver, P + "find_key", file_id=second, **key)
    assert (holder["file_id"], holder["state"]) == (first, "intended")
    assert execute(archiver, P + "abandon_unfinished", run_id=run_id) == 0, "its own"
    assert execute(archiver, P + "abandon_unfinished", run_id=run_id + 1) == 2
    assert execute(archiver, P + "dissolve_file", file_id=first) == 0, "it is abandoned already"
    assert execute(archiver, P + "release_key", file_id=second, **key) == 1
    assert fetch(archiver, P + "find_key", file_id=second, **key) == []


def test_a_hold_is_seen_for_the_files_that_may_have_the_order(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    file_id = a_file(archiver, run_id)
    intend(archiver, file_id, "payments/v1/w/k.parquet", datetime.now(UTC) - timedelta(hours=1))
    execute(
        archiver, P + "note_stored", run_id=run_id, file_id=file_id, version_id="v", sha256="0", bytes=1,
        locked_until=datetime.now(UTC),
    )  # fmt: skip
    execute(archiver, P + "note_current", file_id=file_id, run_id=run_id)
    execute(archiver, P + "insert_expiries", run_id=run_id, file_ids=[file_id])
    archiver.commit()
    shop.sql(
        "INSERT INTO studio.orders (order_id, customer_id, service, created_at, last_activity_at)"
        " SELECT o, %s, 's', now(), now() FROM unnest(ARRAY['ord_b', 'ord_z']) AS o",
        shop.customer(),
    )
    now = {"as_of": datetime.now(UTC)}
    for order, held in (("ord_z", False), ("ord_b", True)):
        shop.sql(
            "WITH h AS (INSERT INTO studio.legal_holds VALUES (gen_random_uuid(), 'x', 'a', 'b', now(), now() +"
            " interval '1 day', NULL) RETURNING hold_id)"
            " INSERT INTO studio.legal_hold_orders SELECT hold_id, %s FROM h",
            order,
        )
        assert fetch_one(archiver, P + "select_expiring", run_id=run_id, **now)["held"] is held
    assert fetch_one(archiver, P + "select_expired_files", **now)["held_orders"] == ["ord_b"]
    shop.sql("UPDATE studio.legal_holds SET approved_by = placed_by")
    assert fetch_one(archiver, P + "select_expiring", run_id=run_id, **now)["held"] is False, (
        "a flawed hold holds nothing"
    )
    assert len(shop.sql("SELECT * FROM studio.flawed_hold")) == 2


def test_restated_records_and_what_came_later(shop: Till, archiver: Connection, run_id: int) -> None:
    old, new = a_file(archiver, run_id), a_file(archiver, run_id, "correction", 1)
    charge, at = uuid.uuid4(), datetime(2025, 6, 1, tzinfo=UTC)
    record = (
        charge,
        charge,
        shop.order(),
        "charge",
        "s",
        "r",
        Decimal("2.0000"),
        None,
        "EUR",
        at,
        at,
        "DE",
        None,
        None,
    )
    copy_rows(archiver, P + "copy_restated", [(new, old, *record)])
    (staged,) = fetch(archiver, P + "select_restated_from", file_id=new)
    assert staged["from_file_id"] == old
    (measured,) = fetch(archiver, P + "measure_restated", file_id=new, with_hot=True, **SPAN)
    assert (measured["records"], measured["ends_at"]) == (1, datetime(2032, 6, 1, tzinfo=UTC))
    assert len(fetch(archiver, P + "select_restated", file_id=new, with_hot=True)) == 1
    assert execute(archiver, P + "insert_superseded", file_id=new) == 1
    execute(archiver, P + "insert_orphans", run_id=run_id, charge_ids=[charge])
    for _ in range(2):
        execute(archiver, P + "upsert_late", run_id=run_id, charge_ids=[charge], ends=[at])
    assert execute(archiver, P + "drop_restated", file_id=new, charge_ids=[uuid.uuid4()]) == 0
    assert execute(archiver, P + "clear_abandoned") == 0
    assert execute(archiver, P + "dissolve_file", file_id=new) == 1
    assert execute(archiver, P + "clear_abandoned") == 1
    copy_rows(archiver, P + "copy_restated", [(new, old, *record)])
    assert execute(archiver, P + "clear_restated", file_id=new) == 1


def test_records_are_selected_in_the_archives_order_and_removed_by_every_column(
    shop: Till, archiver: Connection, run_id: int
) -> None:
    for _ in range(3):
        shop.pay(datetime.fromisoformat("2025-06-10T11:00:00+00:00"), payload={"a": 1.0})
    window = {
        "window_start": datetime(2032, 6, 1, tzinfo=UTC),
        "window_end": datetime(2032, 6, 16, tzinfo=UTC),
    }
    rows = fetch(archiver, P + "select_records", **due(**window))
    assert [row["order_id"] for row in rows] == sorted(row["order_id"] for row in rows)
    measured = fetch_one(archiver, P + "measure_records", **due(**window))
    assert (measured["families"], measured["rows"]) == (3, 3)
    assert fetch(archiver, P + "select_late", **due(**window)) == []
    execute(archiver, P + "create_archived")
    with archiver.cursor() as cursor:
        cursor.execute(
            "INSERT INTO archived SELECT payment_id, occurred_at, sha256(record_send(ROW(charge_id, order_id, kind, "
            "provider, provider_ref, amount::text, fee::text, currency, settled_at, payer_country, "
            "CASE WHEN order_id = %s THEN '{\"a\": 1}' ELSE provider_payload END::jsonb))) FROM studio.payment_record",
            [rows[0]["order_id"]],
        )
    execute(archiver, P + "analyze_archived")
    file_id = a_file(archiver, run_id)
    assert len(fetch(archiver, P + "select_compared", file_id=file_id)) == 3
    assert execute(archiver, P + "skip_restated", file_id=file_id) == 0
    horizon = fetch_one(archiver, P + "read_horizon")["horizon"]
    shop.sql("UPDATE studio.payments SET payer_name = 'Other' WHERE order_id = %s", rows[1]["order_id"])
    execute(archiver, P + "mark_removal")
    assert execute(archiver, P + "remove_unchanged", horizon=horizon) == 2, "one is another version since"
    execute(archiver, P + "undo_removal")
    assert execute(archiver, P + "remove_archived") == 2, "one differs in the spelling of its payload"
    assert fetch_one(archiver, P + "count_left")["rows"] == 1


def test_a_person_is_cut_off(shop: Till, archiver: Connection, run_id: int) -> None:
    customer = shop.customer()
    shop.pay(order_id=shop.order(customer))
    execute(archiver, P + "insert_customer_keys", final_before=due()["final_before"])
    who = {"customer_id": customer}
    assert fetch_one(archiver, P + "measure_kept", **SPAN, **who)["rows"] == 1
    assert fetch_one(archiver, P + "count_names", **who)["names"] == 1
    assert execute(archiver, P + "blank_names", **who) == 1
    assert execute(archiver, P + "destroy_key", **who) == 1
    assert execute(archiver, P + "note_pseudonym", kept_until=None, **who) == 1
    assert (
        execute(archiver, P + "note_pseudonym", kept_until=None, **who) == 1
    )  # a later row named them again
    made = fetch_one(
        archiver,
        P + "insert_pseudonymised",
        run_id=run_id,
        hot_rows=1,
        names=1,
        keys=1,
        kept_until=None,
        **who,
    )
    assert made["case_id"]
    assert fetch_one(archiver, P + "count_names", **who)["names"] == 0
    assert fetch_one(archiver, "run/read_clock")["now"] > datetime.now(UTC) - timedelta(hours=1)


def test_no_release_without_a_published_plan(archiver: Connection, run_id: int) -> None:
    with pytest.raises(refused.RestrictViolation, match="not published"):
        execute(archiver, "run/release_run", run_id=run_id)
