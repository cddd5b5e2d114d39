"""The archive end to end on real servers: what leaves, what stays, what comes later, what ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from tests.dag_runs import run_dag
from tests.payment_fixtures import CARD, Till

from data_lifecycle.studio.demo.dealings import TEST_CARD


def test_what_is_final_moves_whole_and_to_the_cent(till: Till) -> None:
    first = till.pay(amount="19.9900", payload={"id": "ch_1", "note": "ü"})
    refund = till.pay(timedelta(days=100), of=first, amount="9.9900", fee=None)
    other = till.pay(timedelta(days=118), currency="JPY", amount="1200.0000")
    young = till.pay(timedelta(days=30))
    unsettled = till.pay(settled=None)
    assert till.run() == "verified"
    assert till.hot() == {young.payment_id, unsettled.payment_id}
    records = till.records()
    assert set(records) == {first.payment_id, refund.payment_id, other.payment_id}
    assert records[first.payment_id]["amount"] == Decimal("19.9900")
    assert records[first.payment_id]["customer_ref"] == records[refund.payment_id]["customer_ref"]
    assert "payer_name" not in records[first.payment_id]
    assert till.balanced()
    assert {file["state"] for file in till.files()} == {"current"}
    assert len(till.objects()) == len(till.files())
    # The same again: nothing is due, and that is attested too.
    assert till.run("two") == "verified"
    assert [s["outcome"] for s in till.statements()] == ["verified", "verified"]
    assert till.verify().refused is None


def test_a_late_refund_restates_its_payment_and_only_ever_extends(till: Till) -> None:
    charge = till.pay(timedelta(days=400), amount="50.0000")
    stays = till.pay(timedelta(days=400), amount="7.0000")
    assert till.run() == "verified"
    (first,) = till.files("current")
    refund = till.pay(timedelta(days=95), of=charge, amount="20.0000")
    assert till.run("two") == "verified"
    assert till.hot() == set()
    regular, correction = till.files("current")
    assert (regular["file_id"], correction["kind"]) == (first["file_id"], "correction")
    assert correction["last_end"] > first["last_end"]
    assert (regular["last_end"], regular["locked_until"]) == (first["last_end"], first["locked_until"])
    assert set(till.records()) == {charge.payment_id, stays.payment_id, refund.payment_id}
    assert correction["rows"] == 2
    assert till.balanced()
    (superseded,) = till.sql("SELECT * FROM lifecycle.archive_superseded")
    assert (superseded["rows"], superseded["amount"]) == (1, Decimal("50.0000"))
    assert till.count("lifecycle.payment_restated") == 0


def test_a_refund_noted_too_late_does_not_shorten(till: Till) -> None:
    """A refund that settled before its charge did arrives when the charge is archived: the later end holds."""
    charge = till.pay(timedelta(days=400), settled=timedelta(days=200), amount="50.0000")
    assert till.run() == "verified"
    (first,) = till.files("current")
    till.pay(timedelta(days=390), of=charge, amount="20.0000")
    assert till.run("two") == "verified", "left to the next plan, which knows the end"
    assert till.run("three") == "verified"
    assert till.hot() == set()
    assert till.files("current")[-1]["last_end"] == first["last_end"]
    assert till.balanced()


def test_a_refund_of_nothing_is_reported_and_stays(till: Till) -> None:
    charge = till.pay()
    refund = till.pay(of=charge)
    till.sql("DELETE FROM studio.payments WHERE payment_id = %s", charge.payment_id)
    run_id = till.plan()
    for name in ("guard", "pseudonymise", "archive", "compare", "remove", "expire", "observe"):
        till.step(name, run_id)
    assert till.judge(run_id) == ["archive_balance: unbalanced = 0", "archive_balance: orphans = 0"]
    assert till.hot() == {refund.payment_id}


def test_a_card_number_keeps_the_family_where_it_is(till: Till) -> None:
    hit = till.pay(payload={"source": {"number": " ".join(CARD[i : i + 4] for i in range(0, 16, 4))}})
    also = till.pay(of=hit)
    fine = till.pay(payload={"id": "2026112322001400001234567890", "created": 1780000000000})
    assert till.run() == "verified"
    assert till.hot() == {hit.payment_id, also.payment_id}
    assert set(till.records()) == {fine.payment_id}
    (row,) = till.sql("SELECT * FROM lifecycle.payment_quarantine")
    assert (str(row["payment_id"]), row["column_name"], row["reason"]) == (
        hit.payment_id, "provider_payload", "card-number",
    )  # fmt: skip
    (stated,) = till.statements()
    assert stated["claims"]["HELD"]["quarantined_families"] == 1
    till.sql("UPDATE lifecycle.payment_quarantine SET cleared_at = now()")
    assert till.run("two") == "verified"
    assert till.hot() == set(), "what a person has cleared is archived"


def test_a_request_for_erasure_meets_the_duty_to_keep(till: Till) -> None:
    customer, other = till.customer(), till.customer()
    old = till.pay(order_id=till.order(customer))
    beside = till.pay(order_id=till.order(other))
    assert till.run() == "verified"
    ref = till.records()[old.payment_id]["customer_ref"]
    assert ref
    assert ref != till.records()[beside.payment_id]["customer_ref"]
    young = till.pay(timedelta(days=10), order_id=till.order(customer))
    till.sql("UPDATE studio.customers SET erase_requested_at = now() WHERE customer_id = %s", customer)
    assert till.run("two") == "verified"
    (row,) = till.sql("SELECT * FROM studio.payments")
    assert (str(row["payment_id"]), row["payer_name"]) == (young.payment_id, None)
    assert till.sql("SELECT customer_id::text FROM lifecycle.customer_key") == [{"customer_id": other}]
    assert set(till.records()) == {old.payment_id, beside.payment_id}, "the records stay"
    (person,) = till.sql("SELECT * FROM studio.customers WHERE pseudonymised_at IS NOT NULL")
    kept = till.sql("SELECT lifecycle.kept_until(occurred_at, 7, 'Asia/Shanghai') AS at FROM studio.payments")
    assert person["payments_kept_until"] == kept[0]["at"], "the later of hot and archived"
    stated = till.statements()[-1]["pseudonymised"]
    assert [(p["names_blanked"], p["keys_destroyed"]) for p in stated] == [(1, 1)]
    assert "7 years" in stated[0]["kept_because"]
    assert stated[0]["kept_until"] == kept[0]["at"].isoformat()
    # What is archived of the person from now on carries no reference.
    till.sql("ALTER TABLE studio.payments DISABLE TRIGGER payments_stay")
    late = till.pay(order_id=young.order_id)
    assert till.run("three") == "verified"
    assert till.records()[late.payment_id]["customer_ref"] is None


def over(seconds: float) -> datetime:
    """When a payment was final whose seven years end in so many seconds."""
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    return end.replace(year=end.year - 7)


def wait(until: datetime) -> None:
    from tests.faults.workshop import wait_until

    wait_until(lambda: datetime.now(UTC) > until, 60)


def test_what_was_kept_for_seven_years_goes(till: Till) -> None:
    gone = till.pay(over(20), amount="5.0000")
    stays = till.pay()
    assert till.run() == "verified"
    doomed, kept = till.files("current")
    assert doomed["last_end"] < kept["last_end"]
    assert till.run("early") == "verified"
    assert len(till.objects()) == 2, "not a second too early"
    wait(doomed["locked_until"] + timedelta(seconds=1))
    assert till.run("two") == "verified"
    assert {key for key, _ in till.objects()} == {kept["object_key"]}
    assert [file["state"] for file in till.files()] == ["absent", "current"]
    assert till.balanced()
    (books,) = till.sql("SELECT * FROM lifecycle.payment_books WHERE expired_rows > 0")
    assert (books["expired_rows"], books["expired_amount"]) == (1, Decimal("5.0000"))
    assert set(till.records()) == {stays.payment_id}
    assert gone.payment_id not in till.hot()
    assert till.statements()[-1]["claims"]["OBSERVED_ABSENT"] == {"cases": 1, "of_them_after_deadline": 0}


def test_what_ended_before_it_was_archived_is_erased_from_the_hot_table(till: Till) -> None:
    ended = till.pay(over(-3600), amount="3.0000")
    held = till.pay(over(-3600), amount="4.0000")
    hold(till, held.order_id)
    assert till.run() == "verified"
    assert till.hot() == {held.payment_id}
    assert till.files() == []
    assert till.balanced()
    (line,) = till.sql("SELECT * FROM lifecycle.payment_expired")
    assert (line["rows"], line["amount"]) == (1, Decimal("3.0000"))
    months = {str(row["month"])[:7] for row in till.sql("SELECT month FROM studio.payment_months()")}
    assert f"{datetime.now(UTC).year - 7}" in {month[:4] for month in months}, "the held one needs its month"
    till.sql("UPDATE studio.legal_holds SET released_at = now()")
    assert till.run("two") == "verified"
    assert till.hot() == set()
    left = {str(row["month"])[:4] for row in till.sql("SELECT month FROM studio.payment_months()")}
    assert f"{datetime.now(UTC).year - 7}" not in left, "an empty month of the past is dropped"
    assert ended.payment_id


def months(till: Till) -> set[str]:
    """Months that have a table, attached or not."""
    return {str(row["month"])[:7] for row in till.sql("SELECT month FROM studio.payment_months()")}


def spread(till: Till) -> tuple[str, list[str]]:
    """Payments all over a month of last year, whose promises end in three windows; the month and their ids."""
    first = datetime(datetime.now(UTC).year - 1, 3, 1, 12, tzinfo=UTC)
    charge = till.pay(first)
    paid = [charge, *(till.pay(first + timedelta(days=day)) for day in (3, 14, 18, 29))]
    paid.append(till.pay(first + timedelta(days=28), of=charge, amount="1.0000", settled=timedelta(days=5)))
    return f"{first:%Y-%m}", [one.payment_id for one in paid]


def test_a_month_that_is_archived_whole_loses_its_table(till: Till) -> None:
    """It was full: several files take its records, each compared, and the table goes with the last of them."""
    name, ids = spread(till)
    young = till.pay(timedelta(days=20))
    assert name in months(till)
    assert till.run() == "verified"
    assert len(till.files("current")) == 3
    assert set(till.records()) == set(ids)
    assert name not in months(till)
    assert till.hot() == {young.payment_id}
    assert till.balanced()


def test_one_record_that_may_not_leave_keeps_the_whole_table(till: Till) -> None:
    name, ids = spread(till)
    at = datetime.fromisoformat(f"{name}-10T12:00:00+00:00")
    stays = till.pay(at, settled=None)
    assert till.run() == "verified"
    assert set(till.records()) == set(ids)
    assert name in months(till)
    assert till.hot() == {stays.payment_id}
    till.sql("UPDATE studio.payments SET settled_at = occurred_at")
    assert till.run("two") == "verified"
    assert name not in months(till)
    assert set(till.records()) == {*ids, stays.payment_id}


def test_a_month_whose_books_do_not_balance_keeps_its_table(till: Till) -> None:
    """Rows that went by another way than through a file: the empty table stays as a trace, and the run fails."""
    name, ids = spread(till)
    till.sql("DELETE FROM studio.payments WHERE payment_id = %s", ids[1])
    assert till.run() == "failed"
    assert till.hot() == set()
    assert name in months(till)


def hold(till: Till, order_id: str) -> None:
    """A hold on an order's payments that has all it needs."""
    till.sql(
        "WITH h AS (INSERT INTO studio.legal_holds VALUES (gen_random_uuid(), 'a dispute', 'a', 'b', now(),"
        " now() + interval '1 day', NULL) RETURNING hold_id)"
        " INSERT INTO studio.legal_hold_orders SELECT hold_id, %s FROM h",
        order_id,
    )


def test_a_hold_keeps_one_order_and_nothing_else(till: Till) -> None:
    first = till.pay(over(20))
    second = till.pay(over(20))
    assert till.run() == "verified"
    (doomed,) = till.files("current")
    hold(till, first.order_id)
    wait(doomed["locked_until"] + timedelta(seconds=1))
    assert till.run("two") == "verified"
    assert set(till.records()) == {first.payment_id}
    assert second.payment_id not in till.records()
    (held,) = till.files("current")
    assert (held["kind"], held["rows"]) == ("held", 1)
    assert till.run("three") == "verified", "held, day after day"
    assert till.balanced()
    till.sql("UPDATE studio.legal_holds SET released_at = now()")
    assert till.run("four") == "verified"
    assert till.objects() == set()
    assert till.balanced()
    assert till.verify().refused is None


@pytest.mark.slow
def test_the_demo_as_airflow_runs_it(
    till: Till,
    load_demo: Callable[..., Any],
    airflow_connections: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The first run archives what is old, quarantines the card number, leaves what came late or never settled."""
    demo = load_demo(orders=60)
    ran = run_dag("payment_archive", {"dry_run": False}, caplog, capfd)
    assert ran.states["attest"] == ["success"], ran.log[-4000:]
    assert {state for states in ran.states.values() for state in states} == {"success"}
    assert till.balanced()
    records = till.records()
    assert records
    assert len(till.hot()) + len(records) == demo.report.payments
    assert till.count("lifecycle.payment_quarantine") == 1
    assert "refund" in {row["kind"] for row in till.sql("SELECT kind FROM studio.payments")}, "what came late"
    assert till.verify().refused is None
    (stated,) = till.statements()
    schema = json.loads((till.house.settings.include / "schemas" / "result.v1.json").read_text("utf-8"))
    jsonschema.validate(stated, schema["properties"]["predicate"])
    for text in ("clause 3.2", "7 years", "held: archive_balance: unbalanced = 0", "bank-card numbers found"):
        assert text in ran.log
    for secret in (TEST_CARD, *(row["email"] for row in till.sql("SELECT email FROM studio.customers"))):
        assert secret not in ran.log
    dry = run_dag("payment_archive", {}, caplog, capfd)
    assert dry.state == "success"
    assert dry.states["archive"] == ["skipped"]
