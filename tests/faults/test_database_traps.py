"""A database that says yes and does nothing, or no to everybody at once: nothing false is verified."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import psycopg2.errors
import pytest
from tests.faults.workshop import Workshop

from data_lifecycle.photo_purge import planning
from data_lifecycle.protocol.house import PromiseBroken

SWALLOW = """
CREATE FUNCTION lifecycle.swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER swallow BEFORE {event} ON lifecycle.{table} FOR EACH ROW {condition}
    EXECUTE FUNCTION lifecycle.swallow();
"""
DIGEST = "WHEN (NEW.state = '{}')"


def swallow(shop: Workshop, table: str, state: str | None, event: str = "UPDATE") -> None:
    """From now on such changes are answered with yes and lost."""
    condition = DIGEST.format(state) if state else ""
    shop.sql(SWALLOW.format(event=event, table=table, condition=condition))


def relent(shop: Workshop, table: str) -> None:
    shop.sql(f"DROP TRIGGER swallow ON lifecycle.{table}")


def hide(shop: Workshop, table: str, role: str) -> None:
    """Row level security lets the role see every row and change none."""
    shop.sql(
        f"ALTER TABLE lifecycle.{table} ENABLE ROW LEVEL SECURITY;"
        f"CREATE POLICY others ON lifecycle.{table} USING (current_user <> '{role}') WITH CHECK (true);"
        f"CREATE POLICY sees ON lifecycle.{table} FOR SELECT USING (true);"
        f"CREATE POLICY adds ON lifecycle.{table} FOR INSERT WITH CHECK (true)"
    )


def relent_all(shop: Workshop, table: str) -> None:
    shop.sql(f"ALTER TABLE lifecycle.{table} DISABLE ROW LEVEL SECURITY")


@pytest.fixture
def order_id(shop: Workshop) -> str:
    """A due order."""
    return shop.order(files=2)


@pytest.mark.parametrize("state", ["intended", "accepted"])
def test_swallowed_changes_of_items(shop: Workshop, order_id: str, state: str) -> None:
    swallow(shop, "item", state)
    assert shop.purge("one") == "failed"
    assert (shop.case(order_id), shop.state(order_id), shop.closings(order_id)) == ("open", "present", 0)
    relent(shop, "item")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])


def test_items_that_security_lets_nobody_change(shop: Workshop, order_id: str) -> None:
    run_id = shop.plan()
    hide(shop, "item", "studio_eraser")
    before = shop.everything()
    shop.act(run_id)
    assert shop.finish(run_id) == "failed"
    assert shop.everything() == before
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")


@pytest.mark.parametrize("how", ["trigger", "security"])
def test_swallowed_closings(shop: Workshop, order_id: str, how: str) -> None:
    """The objects are gone, but nothing may say that the case is closed, neither the order nor its files."""
    if how == "trigger":
        swallow(shop, "erasure_case", "absent")
    else:
        hide(shop, "erasure_case", "evidence_writer")
    assert shop.purge("one") == "failed"
    assert (shop.case(order_id), shop.state(order_id), shop.closings(order_id)) == ("open", "present", 0)
    assert shop.sql("SELECT count(*) AS n FROM studio.uploads WHERE absent_at IS NOT NULL") == [{"n": 0}]
    assert [s["outcome"] for s in shop.results()] == ["failed"]
    if how == "trigger":
        relent(shop, "erasure_case")
    else:
        relent_all(shop, "erasure_case")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])
    shop.assert_evidence_complete()


def test_a_swallowed_takeover(shop: Workshop, order_id: str) -> None:
    """The older run holds the claim still: the newer plan says so and does not go on, and names no order."""
    first = shop.plan("one")
    swallow(shop, "erasure_case", "open")
    with pytest.raises(PromiseBroken) as refusal:
        shop.plan("two")
    assert order_id not in str(refusal.value)
    relent(shop, "erasure_case")
    shop.act(first)
    assert shop.finish(first) == "verified"
    shop.assert_closed_once([order_id])


def test_swallowed_evidence(shop: Workshop, order_id: str) -> None:
    swallow(shop, "evidence", None, "INSERT")
    before = shop.everything()
    with pytest.raises(PromiseBroken, match="did not take the statement"):
        shop.purge("one")
    assert shop.everything() == before
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")
    relent(shop, "evidence")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])
    shop.assert_evidence_complete()


def test_swallowed_observations(shop: Workshop, order_id: str) -> None:
    swallow(shop, "observation", None, "INSERT")
    assert shop.purge("one") == "failed"
    assert shop.case(order_id) == "open"


def test_a_plan_that_others_disturb_is_made_anew(
    shop: Workshop, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twice the commit is refused; the third plan sees the studio as it is by then."""
    disturbed = 0
    real = planning._tell

    def tell(*args: Any) -> None:
        nonlocal disturbed
        real(*args)
        if disturbed < 2:
            disturbed += 1
            raise psycopg2.errors.SerializationFailure

    monkeypatch.setattr(planning, "_tell", tell)
    run_id = shop.plan()
    assert disturbed == 2
    assert [row["run_id"] for row in shop.sql("SELECT run_id FROM lifecycle.run")] == [run_id]
    assert [row["epoch"] for row in shop.sql("SELECT epoch FROM lifecycle.erasure_case")] == [1]
    disturbed = -100
    with pytest.raises(PromiseBroken, match="kept changing"):
        shop.plan("two")
    assert len(shop.sql("SELECT 1 FROM lifecycle.run")) == 1


def test_a_real_conflict_between_two_plans(
    shop: Workshop, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have read the studio before either commits: one has to plan anew, and does."""
    both = threading.Barrier(2)
    tries = 0
    real = planning._claim

    def claim(*args: Any) -> None:
        nonlocal tries
        tries += 1
        if not both.broken and tries <= 2:
            both.wait(30)
        real(*args)

    monkeypatch.setattr(planning, "_claim", claim)
    with ThreadPoolExecutor(2) as pool:
        runs = [done.result(60) for done in [pool.submit(shop.plan, "one"), pool.submit(shop.plan, "two")]]
    assert tries == 3
    (case,) = shop.sql("SELECT run_id, epoch FROM lifecycle.erasure_case")
    assert case["run_id"] in runs
    assert case["epoch"] == 2
    shop.act(case["run_id"])
    assert shop.finish(case["run_id"]) == "verified"
    shop.assert_closed_once([order_id])


def test_a_lost_connection_in_the_middle_of_act(
    shop: Workshop, order_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the database nobody knows of holds: nothing more is sent."""
    from data_lifecycle.photo_purge import acting

    run_id = shop.plan()
    real, calls = acting._stopped, 0

    def stopped(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            shop.sql(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name = 'photo_purge act'"
            )
        return real(*args)

    before = len(shop.everything())
    monkeypatch.setattr(acting, "_stopped", stopped)
    with pytest.raises((PromiseBroken, psycopg2.Error)):
        shop.act(run_id)
    left = len(shop.everything())
    assert before - 2 <= left < before or left == before
    assert left
    states = {row["state"] for row in shop.sql("SELECT state FROM lifecycle.item")}
    assert states == {"intended"}
    monkeypatch.undo()
    shop.act(run_id)
    assert shop.finish(run_id) == "verified"
    shop.assert_closed_once([order_id])
