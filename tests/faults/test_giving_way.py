"""An unanswered question gives way to a customer's request, and never to anything else; both at once are one after the
other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg2.errors
import pytest
from tests.faults.test_approvals import answers, digest, insert, low_caps, stated, waits, yes
from tests.faults.workshop import wait_until

from data_lifecycle.photo_purge import planning
from data_lifecycle.photo_purge.acting import act_batch
from data_lifecycle.photo_purge.approving import PETITION
from data_lifecycle.photo_purge.guarding import release
from data_lifecycle.protocol import asking
from data_lifecycle.protocol.house import PromiseBroken

if TYPE_CHECKING:
    from tests.faults.workshop import Workshop

__all__ = ["low_caps"]

ASKED, REST = "ord_asked", "ord_rest"
STEPS = ("approve", "act", "observe", "settle", "sweep", "assert")
GAVE_WAY = ("void", None, "gave way to a request")


@pytest.fixture
def waiting(shop: Workshop) -> int:
    """A run over its caps that waits for an answer; one of its orders was asked back hours ago."""
    shop.order(order_id=ASKED)
    shop.order(order_id=REST, files=2)
    shop.sql(
        "UPDATE studio.orders SET erase_requested_at = clock_timestamp() - interval '14 hours' WHERE order_id = %s",
        ASKED,
    )
    return waits(shop, "one")


def plan_request(shop: Workshop) -> int:
    """A run as of a moment at which only what was asked back was due: it is within the caps."""
    return shop.plan("urgent", datetime.now(UTC) - timedelta(hours=13))


def test_a_run_of_requests_alone_stays_within_the_caps_and_leaves_the_rest(
    shop: Workshop, waiting: int
) -> None:
    as_of, dry_run = None, False
    urgent = planning.plan_run(
        shop.house, "urgent", datetime.now(UTC), as_of, dry_run, policy_version=None, only_requests=True
    )
    assert (run_of(shop, ASKED), run_of(shop, REST)) == (urgent, waiting)
    assert carry_out(shop, urgent) == "verified"
    assert (shop.state(ASKED), shop.state(REST), len(shop.everything(REST))) == ("absent", "present", 4)
    with pytest.raises(PromiseBroken, match="gave way"):
        asking.question(PETITION, shop.house, waiting, "engineer")


def run_of(shop: Workshop, order_id: str) -> int:
    """The run that holds the order's open case."""
    (row,) = shop.sql(
        "SELECT run_id FROM lifecycle.erasure_case WHERE order_id = %s AND state = 'open'", order_id
    )
    return int(row["run_id"])


def carry_out(shop: Workshop, run_id: int) -> str:
    shop.act(run_id)
    return shop.finish(run_id)


def in_background(do: Callable[[], object]) -> tuple[threading.Thread, list[Any]]:
    """(a thread that does it, what came of it)."""
    came: list[Any] = []

    def work() -> None:
        try:
            came.append(do())
        except Exception as error:  # noqa: BLE001 — the test looks at it
            came.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    return thread, came


def test_a_request_does_not_wait_for_somebody_elses_answer(shop: Workshop, waiting: int) -> None:
    urgent = plan_request(shop)
    assert answers(shop) == [GAVE_WAY]
    assert (run_of(shop, ASKED), run_of(shop, REST)) == (urgent, waiting)
    rest = shop.everything(REST)
    assert carry_out(shop, urgent) == "verified"
    shop.assert_closed_once([ASKED])
    with pytest.raises(PromiseBroken, match="changed since it was sealed"):
        asking.settle(PETITION, shop.house, waiting, yes(shop, waiting), None)
    assert shop.everything(REST) == rest
    assert shop.attest(waiting, *STEPS) == "failed"
    assert shop.verify().refused is None
    again = waits(shop, "two")
    assert run_of(shop, REST) == again, "the rest is asked about anew"
    asking.settle(PETITION, shop.house, again, yes(shop, again), None)
    act_batch(shop.house, again, 0)
    assert shop.finish(again) == "verified"
    shop.assert_closed_once([ASKED, REST])
    assert shop.verify().refused is None


def test_what_gave_way_says_so(shop: Workshop, waiting: int) -> None:
    plan_request(shop)
    assert not asking.approved(PETITION, shop.house, waiting)
    assert shop.attest(waiting, *STEPS) == "failed"
    found = stated(shop)
    assert (found["answer"], found.get("answered_by"), found["why"]) == GAVE_WAY
    assert shop.verify().refused is None


def test_an_approval_that_was_not_carried_out_yet_gives_way_too(shop: Workshop, waiting: int) -> None:
    """It was given while the house was paused, for instance."""
    insert(shop, waiting, digest(shop, waiting), "approved")
    plan_request(shop)
    assert answers(shop) == [("approved", "reviewer", None), GAVE_WAY]
    assert not asking.approved(PETITION, shop.house, waiting)


def test_who_answers_afterwards_cannot_let_it_go(shop: Workshop, waiting: int) -> None:
    plan_request(shop)
    insert(shop, waiting, digest(shop, waiting), "approved")
    (run,) = shop.sql("SELECT * FROM lifecycle.run WHERE run_id = %s", waiting)
    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        release(shop.house, run)
    assert refused.value.diag.constraint_name == "approved_for_its_cases"


def test_only_a_request_makes_it_give_way(shop: Workshop, waiting: int) -> None:
    shop.sql("UPDATE studio.orders SET erase_requested_at = NULL")
    shop.plan("another")
    assert answers(shop) == []


def test_what_was_let_go_does_not_give_way(shop: Workshop, waiting: int) -> None:
    asking.settle(PETITION, shop.house, waiting, yes(shop, waiting), None)
    plan_request(shop)
    assert answers(shop) == [("approved", "reviewer", None)]


def test_what_has_ended_does_not_give_way(shop: Workshop, waiting: int) -> None:
    insert(shop, waiting, digest(shop, waiting), "rejected")
    assert shop.attest(waiting, *STEPS) == "failed"
    plan_request(shop)
    assert answers(shop) == [("rejected", "reviewer", None)]


def test_a_run_within_its_caps_was_asked_nothing(shop: Workshop) -> None:
    shop.order(order_id=ASKED)
    shop.sql("UPDATE studio.orders SET erase_requested_at = clock_timestamp() - interval '14 hours'")
    shop.plan("one")
    plan_request(shop)
    assert answers(shop) == []


# --- the answer and the request at the same moment --------------------------------------------------------------------


def test_a_request_between_the_last_look_and_the_release(shop: Workshop, waiting: int) -> None:
    def late(*given: Any) -> list[int]:
        plan_request(shop)
        return release(*given)

    with pytest.raises(psycopg2.errors.RestrictViolation) as refused:
        asking.settle(replace(PETITION, release=late), shop.house, waiting, yes(shop, waiting), None)
    assert refused.value.diag.constraint_name == "approved_over_caps"
    assert answers(shop)[-1] == GAVE_WAY
    assert asking.batches_of(PETITION, shop.house, waiting) is None
    assert carry_out(shop, run_of(shop, ASKED)) == "verified"
    assert shop.attest(waiting, *STEPS) == "failed"
    assert shop.verify().refused is None


def test_a_release_waits_for_a_request_that_is_being_planned(
    shop: Workshop, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, go_on = threading.Event(), threading.Event()
    claim = planning._claim

    def slowly(*given: Any) -> None:
        claim(*given)
        taken.set()
        assert go_on.wait(60)

    monkeypatch.setattr(planning, "_claim", slowly)
    planner, planned = in_background(lambda: plan_request(shop))
    try:
        assert taken.wait(60)
        settler, came = in_background(
            lambda: asking.settle(PETITION, shop.house, waiting, yes(shop, waiting), None)
        )
        wait_until(lambda: bool(shop.sql("SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
                                         " AND datname = current_database()")))  # fmt: skip
        assert came == []
    finally:
        go_on.set()
        planner.join(60)
    settler.join(60)
    (refused,) = came
    assert isinstance(refused, psycopg2.errors.RestrictViolation), refused
    assert asking.batches_of(PETITION, shop.house, waiting) is None
    assert carry_out(shop, planned[0]) == "verified"
    assert shop.attest(waiting, *STEPS) == "failed"
    assert shop.verify().refused is None


def test_a_request_that_finds_the_run_released_meanwhile_plans_anew(
    shop: Workshop, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on, tries = threading.Event(), threading.Event(), []
    claim = planning._claim

    def later(*given: Any) -> None:
        tries.append(1)
        begun.set()
        assert go_on.wait(60)
        claim(*given)

    monkeypatch.setattr(planning, "_claim", later)
    planner, planned = in_background(lambda: plan_request(shop))
    try:
        assert begun.wait(60)
        assert asking.settle(PETITION, shop.house, waiting, yes(shop, waiting), None) == [0]
    finally:
        go_on.set()
        planner.join(60)
    assert len(tries) == 2, "what it had read of the run was no longer so"
    assert answers(shop) == [("approved", "reviewer", None)], "approved, released, and never void"
    act_batch(shop.house, waiting, 0)
    assert carry_out(shop, planned[0]) == "verified"
    shop.finish(waiting)
    shop.assert_closed_once([ASKED, REST])
    assert shop.verify().refused is None
