"""Two runs at once, and workers that wake up late: the older one changes nothing, and each case has one claim."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from tests.faults.workshop import Workshop, wait_until

from data_lifecycle.photo_purge import acting, attesting
from data_lifecycle.photo_purge.acting import act_batch
from data_lifecycle.protocol.house import PromiseBroken


class Sleeper:
    """A worker that falls asleep at the ``number``-th check before a request, until it is woken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int = 1) -> None:
        self.asleep = threading.Event()
        self._wake = threading.Event()
        self._calls = 0
        self._number = number
        self._real = acting.erase_versions
        self._thread: int | None = None
        monkeypatch.setattr(acting, "erase_versions", self._erase)

    def _erase(self, access: Any, items: Any, *, before_batch: Callable[[], None]) -> Any:
        mine = threading.get_ident() == self._thread

        def check() -> None:
            self._calls += mine
            if mine and self._calls == self._number:
                self.asleep.set()
                assert self._wake.wait(60)
            before_batch()

        return self._real(access, items, before_batch=check)

    def act(self, shop: Workshop, run_id: int) -> None:
        """Work on the only batch; the first to call this is the one that falls asleep."""
        self._thread = self._thread or threading.get_ident()
        act_batch(shop.house, run_id, 0)

    def wake(self) -> None:
        self._wake.set()


def items(shop: Workshop, run_id: int) -> list[tuple[Any, ...]]:
    """Everything that is known of the run's items."""
    rows = shop.sql("SELECT * FROM lifecycle.item WHERE run_id = %s ORDER BY item_id", run_id)
    return [tuple(row.values()) for row in rows]


def test_a_later_plan_takes_over_and_the_older_worker_changes_nothing(shop: Workshop) -> None:
    orders = [shop.order() for _ in range(3)]
    before = shop.everything()
    first = shop.plan("one")
    second = shop.plan("two")
    sealed = items(shop, first)
    with pytest.raises(PromiseBroken, match="taken over"):
        shop.act(first)
    assert shop.everything() == before
    assert items(shop, first) == sealed
    shop.act(second)
    assert shop.finish(second) == "verified"
    shop.look(first)
    shop.prove(first)
    shop.attest(first)
    assert items(shop, first) == sealed
    shop.assert_closed_once(orders)
    epochs = shop.sql("SELECT epoch, run_id FROM lifecycle.erasure_case")
    assert {(row["epoch"], row["run_id"]) for row in epochs} == {(2, second)}


@pytest.mark.parametrize("number", [1, 3])
def test_a_worker_that_wakes_up_after_a_takeover_erases_nothing_held_since(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    shop.order(order_id="ord_aaaa", files=6)
    shop.order(order_id="ord_zzzz", files=0)
    held = [shop.file("ord_zzzz", f"{n}.jpg") for n in range(4)]
    shop.order(order_id="ord_zzzy", files=4)
    first = shop.plan("one")
    shop_guarded(shop, first)
    sleeper = Sleeper(monkeypatch, number)
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(sleeper.act, shop, first)
        assert sleeper.asleep.wait(60)
        second = shop.plan("two")
        shop.hold(*held)
        at_risk = shop.everything("ord_zzzy", "ord_zzzz")
        known = items(shop, first)
        sleeper.wake()
        with pytest.raises(PromiseBroken, match="taken over"):
            late.result(60)
    assert shop.everything("ord_zzzy", "ord_zzzz") == at_risk
    assert items(shop, first) == known
    shop.act(second)
    shop.finish(second)
    assert shop.everything() == shop.everything("ord_zzzz") == {e for e in at_risk if "/ord_zzzz/" in e[1]}
    assert shop.case("ord_zzzz") == "open"
    shop.assert_closed_once(["ord_aaaa", "ord_zzzy"])


@pytest.mark.parametrize("when", ["before attest", "after attest"])
def test_the_same_task_dispatched_twice_and_one_of_them_late(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    """Its own run still holds the claim, so no epoch tells it apart: what was recorded must not be overwritten."""
    order_id = shop.order(files=0)
    file = shop.file(order_id, versions=3)
    run_id = shop.plan()
    shop_guarded(shop, run_id)
    sleeper = Sleeper(monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        late: Future[None] = pool.submit(sleeper.act, shop, run_id)
        assert sleeper.asleep.wait(60)
        act_batch(shop.house, run_id, 0)
        if when == "after attest":
            assert shop.finish(run_id) == "verified"
        shop.hold(file)
        known = items(shop, run_id)
        sleeper.wake()
        late.result(60)
    assert items(shop, run_id) == known
    if when == "before attest":
        assert shop.finish(run_id) == "verified"
    shop.assert_closed_once([order_id])


def test_an_answered_batch_may_be_asked_for_again_when_a_part_was_taken_over(shop: Workshop) -> None:
    older, newer = shop.order(), shop.order()
    first = shop.plan("one")
    shop.act(first)
    shop.sql(
        "UPDATE lifecycle.erasure_case SET epoch = 2, run_id = %s WHERE order_id = %s",
        shop.plan("two"),
        older,
    )
    shop.sql("UPDATE lifecycle.erasure_case SET epoch = 1, run_id = %s WHERE order_id = %s", first, newer)
    act_batch(shop.house, first, 0)


def test_two_whole_runs_at_the_same_time(shop: Workshop) -> None:
    orders = [shop.order(files=3) for _ in range(4)]
    spared = shop.order(ended=None)
    start = threading.Barrier(2)

    def run(name: str) -> str:
        start.wait(30)
        run_id = shop.plan(name)
        start.wait(30)
        try:
            shop.act(run_id)
        except PromiseBroken:
            return "late"
        return shop.finish(run_id)

    with ThreadPoolExecutor(2) as pool:
        outcomes = [done.result(120) for done in [pool.submit(run, "one"), pool.submit(run, "two")]]
    assert sorted(outcomes) == ["late", "verified"]
    shop.assert_closed_once(orders)
    assert len(shop.everything(spared)) == 2


def test_the_same_run_planned_twice_at_the_same_time(shop: Workshop) -> None:
    orders = [shop.order() for _ in range(3)]
    start = threading.Barrier(2)

    def plan() -> int:
        start.wait(30)
        return shop.plan("one")

    with ThreadPoolExecutor(2) as pool:
        runs = sorted(done.result(60) for done in [pool.submit(plan), pool.submit(plan)])
    attempts = shop.sql("SELECT attempt FROM lifecycle.run ORDER BY run_id")
    assert [row["attempt"] for row in attempts] == [1, 2]
    owner = {row["run_id"] for row in shop.sql("SELECT run_id FROM lifecycle.erasure_case")}
    assert len(owner) == 1
    assert owner <= set(runs)
    shop.act(*owner)
    assert shop.finish(*owner) == "verified"
    shop.assert_closed_once(orders)


def test_a_takeover_while_the_older_run_is_closing(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan waits: the older run closes its cases whole, and no order without files is left with an open case."""
    orders = [shop.order() for _ in range(2)]
    first = shop.plan("one")
    shop.act(first)
    shop.look(first)
    shop.prove(first)
    real = attesting.execute
    with ThreadPoolExecutor(1) as pool:
        planned: list[Future[int]] = []

        def execute(connection: Any, name: str, **values: object) -> int:
            if name == "photo_purge/close_uploads" and not planned:
                planned.append(pool.submit(shop.plan, "two"))
                wait_until(lambda: planned[0].done() or waits_for_a_lock(shop))
            return real(connection, name, **values)

        monkeypatch.setattr(attesting, "execute", execute)
        assert shop.attest(first) == "verified"
        second = planned[0].result(60)
    cases = shop.sql("SELECT order_id, state FROM lifecycle.erasure_case")
    for order_id in orders:
        opened = [c for c in cases if c["order_id"] == order_id and c["state"] == "open"]
        assert (shop.state(order_id) == "present") == bool(opened)
    shop.act(second)
    assert shop.finish(second) == "verified"
    shop.assert_closed_once(orders)


def test_two_workers_attest_the_same_run(shop: Workshop) -> None:
    orders = [shop.order() for _ in range(2)]
    run_id = shop.plan()
    shop.act(run_id)
    shop.look(run_id)
    shop.prove(run_id)
    start = threading.Barrier(2)

    def attest() -> str:
        start.wait(30)
        return shop.attest(run_id)

    with ThreadPoolExecutor(2) as pool:
        assert [d.result(60) for d in [pool.submit(attest), pool.submit(attest)]] == ["verified"] * 2
    shop.assert_closed_once(orders)
    assert len(shop.results()) == 1
    shop.assert_evidence_complete()


def shop_guarded(shop: Workshop, run_id: int) -> None:
    """Release the plan without acting on it."""
    from data_lifecycle.photo_purge.guarding import guard_run

    assert guard_run(shop.house, run_id) == [0]


def waits_for_a_lock(shop: Workshop) -> bool:
    """Whether a plan waits for another transaction."""
    return bool(
        shop.sql(
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name = 'photo_purge plan' AND wait_event_type = 'Lock'"
        )
    )
