"""The edges of the clocks: a second before, the moment itself, a second after, and clocks that disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from tests.faults.workshop import Workshop

from data_lifecycle.photo_purge import planning
from data_lifecycle.photo_purge.planning import plan_run
from data_lifecycle.policy.loader import load_all, policy_in_force
from data_lifecycle.protocol.house import Refused
from data_lifecycle.protocol.moments import refuse_unknown

AS_OF = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
SECOND = timedelta(seconds=1)
START = timedelta(days=5)
IDLE = timedelta(days=30)


def due(shop: Workshop) -> set[str]:
    """Orders that a plan as of AS_OF claims."""
    run_id = shop.plan(as_of=AS_OF)
    rows = shop.sql("SELECT order_id FROM lifecycle.erasure_case WHERE run_id = %s", run_id)
    return {row["order_id"] for row in rows}


def test_the_policy_says_what_these_tests_assume(shop: Workshop) -> None:
    policy = policy_in_force(load_all(shop.house.settings.policy_dir), AS_OF)
    assert {policy.rule_for_upload(c).start_at for c in ("personal_photo", "style_reference")} == {START}
    assert policy.inactivity == IDLE


def test_an_order_is_due_from_the_second_on(shop: Workshop) -> None:
    orders = {late: shop.order(AS_OF - START + late * SECOND) for late in (-1, 0, 1)}
    assert due(shop) == {orders[-1], orders[0]}


def test_an_abandoned_order_is_due_from_the_second_on(shop: Workshop) -> None:
    idle = datetime.now(UTC) - AS_OF + IDLE + START
    early, late = shop.order(None, idle=idle + 2 * SECOND), shop.order(None, idle=idle - 60 * SECOND)
    assert due(shop) == {early}
    assert late


def test_a_request_counts_from_the_second_on(shop: Workshop) -> None:
    orders = {late: shop.order(None) for late in (-1, 0, 1)}
    for late, order_id in orders.items():
        shop.sql(
            "UPDATE studio.orders SET erase_requested_at = %s WHERE order_id = %s",
            AS_OF + late * SECOND,
            order_id,
        )
    assert due(shop) == {orders[-1], orders[0]}


def test_what_the_sweep_calls_overdue(shop: Workshop) -> None:
    """Unrecorded files are overdue from the deadline on, not a second earlier."""
    orders = {late: shop.order(AS_OF - timedelta(days=7) + late * SECOND, files=0) for late in (-1, 0, 1)}
    run_id = shop.plan(as_of=AS_OF)
    from data_lifecycle.photo_purge.observing import sweep_run

    for order_id in orders.values():
        shop.s3.put_object(Bucket=shop.backup, Key=f"orders/{order_id}/stray.jpg", Body=b"x")
    sweep_run(shop.house, run_id)
    (found,) = shop.sql("SELECT overdue, owned FROM lifecycle.sweep WHERE bucket = %s", shop.backup)
    assert found == {"overdue": 2, "owned": 1}


def plan(shop: Workshop, stated: str | None, run_after: datetime | None = None) -> int:
    return plan_run(shop.house, "one", run_after or datetime.now(UTC), stated, dry_run=False)


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        (timedelta(days=1), "later than the database"),
        (timedelta(minutes=2), "later than the database"),
        ("2026-03-01T02:00:00", "time zone"),
        ("2026-03-01", "time zone"),
        ("yesterday", "time zone"),
        ("", "time zone"),
    ],
    ids=("tomorrow", "in two minutes", "no zone", "a day", "a word", "nothing"),
)
def test_a_moment_that_cannot_be_judged_as_of(shop: Workshop, stated: str | timedelta, why: str) -> None:
    shop.order()
    if isinstance(stated, timedelta):
        stated = (datetime.now(UTC) + stated).isoformat()
    with pytest.raises(Refused, match=why):
        plan(shop, stated)
    assert not shop.sql("SELECT 1 FROM lifecycle.run")
    assert not shop.sql("SELECT 1 FROM lifecycle.erasure_case")


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(Refused, match="as_off"):
        refuse_unknown({"as_off": "2026-03-01T02:00:00+00:00"}, {"as_of", "dry_run"})
    refuse_unknown({"as_of": None}, {"as_of", "dry_run"})
    refuse_unknown(None, {"as_of"})


def test_a_database_whose_clock_is_behind_decides(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The scheduler's clock says due, the database's does not: nothing is due."""
    now = datetime.now(UTC)
    order_id = shop.order(
        now - timedelta(minutes=30) - START
    )  # due since half an hour; the database is an hour behind
    real = planning.fetch_one

    def behind(connection: object, name: str, **values: object) -> object:
        row = real(connection, name, **values)  # type: ignore[arg-type]
        return {"now": row["now"] - timedelta(hours=1)} if name == "run/read_clock" else row

    monkeypatch.setattr(planning, "fetch_one", behind)
    run_id = plan(shop, None, now + timedelta(days=2))
    assert not shop.sql("SELECT 1 FROM lifecycle.erasure_case")
    (run,) = shop.sql("SELECT as_of FROM lifecycle.run WHERE run_id = %s", run_id)
    assert run["as_of"] < now - timedelta(minutes=50)
    with pytest.raises(Refused, match="later than the database"):
        plan(shop, (now - timedelta(minutes=30)).isoformat())
    monkeypatch.undo()
    plan(shop, None)
    assert shop.case(order_id) == "open"


def test_a_run_from_the_past_judges_as_of_then(shop: Workshop) -> None:
    """A backfill erases what was due then, and touches nothing that became due since."""
    then = AS_OF - timedelta(days=3)
    old, new = shop.order(then - START - SECOND), shop.order(then - START + SECOND)
    assert shop.purge(as_of=then) in ("verified", "failed")
    shop.assert_closed_once([old])
    assert len(shop.everything(new)) == 2
    assert shop.purge("two", as_of=then) == "verified"
    assert len(shop.everything(new)) == 2
    assert shop.closings(old) == 1
