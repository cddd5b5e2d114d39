"""The studio goes on while the purge is at work: what was due when it was planned may not be any more."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.faults.workshop import LATE, File, Workshop

from data_lifecycle.photo_purge import acting


@pytest.fixture
def orders(shop: Workshop) -> list[str]:
    """Two due orders: requests follow the keys, so everything of the first is asked for before the second."""
    return [shop.order(order_id="ord_aaaa", files=4), shop.order(order_id="ord_zzzz", files=4)]


def file_of(shop: Workshop, order_id: str) -> File:
    """The order's first file."""
    (row,) = shop.sql(
        "SELECT upload_id::text, object_key FROM studio.uploads JOIN studio.order_uploads USING (upload_id)"
        " WHERE order_id = %s ORDER BY object_key LIMIT 1",
        order_id,
    )
    return File(row["upload_id"], row["object_key"])


def hold(shop: Workshop, order_id: str) -> None:
    shop.hold(file_of(shop, order_id))


def reopen(shop: Workshop, order_id: str) -> None:
    shop.event(order_id, "reopened")


def reopen_and_complete_again(shop: Workshop, order_id: str) -> None:
    shop.event(order_id, "reopened", datetime.now(UTC) - timedelta(hours=2))
    shop.event(order_id, "completed", datetime.now(UTC) - timedelta(hours=1))


def share(shop: Workshop, order_id: str) -> None:
    shop.share(file_of(shop, order_id), shop.order(ended=None, files=0))


CHANGES: list[Callable[[Workshop, str], None]] = [hold, reopen, reopen_and_complete_again, share]


def between_requests(monkeypatch: pytest.MonkeyPatch, number: int, action: Callable[[], None]) -> list[int]:
    """Do ``action`` right before the ``number``-th check; the list holds how many checks there were."""
    checks: list[int] = []
    real = acting.erase_versions

    def erase(access: Any, items: Any, *, before_batch: Callable[[], None]) -> Any:
        def check() -> None:
            checks.append(1)
            if len(checks) == number:
                action()
            before_batch()

        return real(access, items, before_batch=check)

    monkeypatch.setattr(acting, "erase_versions", erase)
    return checks


def check(shop: Workshop, order_id: str, before: set[Any]) -> None:
    """Nothing of the order was touched and nothing is claimed; the other order is done with."""
    assert shop.everything(order_id) == before
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")
    assert shop.closings(order_id) == 0
    shop.assert_closed_once(["ord_aaaa"])
    shop.assert_evidence_complete()


@pytest.mark.parametrize("change", CHANGES)
def test_between_plan_and_act(
    shop: Workshop, orders: list[str], change: Callable[[Workshop, str], None]
) -> None:
    run_id = shop.plan()
    before = shop.everything("ord_zzzz")
    change(shop, "ord_zzzz")
    shop.act(run_id)
    assert shop.everything("ord_zzzz") == before
    shop.finish(run_id)
    check(shop, "ord_zzzz", before)


@pytest.mark.parametrize("change", [hold, reopen, share])
def test_between_two_requests(
    shop: Workshop,
    monkeypatch: pytest.MonkeyPatch,
    orders: list[str],
    change: Callable[[Workshop, str], None],
) -> None:
    run_id = shop.plan()
    before = shop.everything("ord_zzzz")
    checks = between_requests(monkeypatch, 3, lambda: change(shop, "ord_zzzz"))
    shop.act(run_id)
    assert len(checks) > 3
    shop.finish(run_id)
    check(shop, "ord_zzzz", before)


def test_between_two_aborted_uploads(shop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    order_id = shop.order(files=0)
    file = shop.file(order_id, backup=False)
    for _ in range(3):
        shop.begin(file.key)
    run_id = shop.plan()
    before = shop.everything()
    real = acting.abort_uploads

    def abort(access: Any, items: Any, *, before_batch: Callable[[], None]) -> Any:
        def check() -> None:
            if not shop.sql("SELECT 1 FROM studio.legal_holds"):
                shop.hold(file)
            before_batch()

        return real(access, items, before_batch=check)

    monkeypatch.setattr(acting, "abort_uploads", abort)
    shop.act(run_id)
    shop.finish(run_id)
    assert {entry for entry in before if entry[2] == "multipart"} <= shop.everything()
    assert shop.case(order_id) == "open"


def test_an_abandoned_order_that_somebody_takes_up_again(shop: Workshop) -> None:
    order_id = shop.order(ended=None, idle=timedelta(days=36))
    shared = shop.order(files=0)
    shop.share(file_of(shop, order_id), shared)
    before = shop.everything()
    run_id = shop.plan()
    assert shop.case(order_id) == "open"
    shop.event(order_id, "message")
    shop.act(run_id)
    shop.finish(run_id)
    assert shop.everything() == before
    assert (shop.case(order_id), shop.state(order_id)) == ("open", "present")


def test_an_abandoned_order_that_is_completed_now_gets_its_days(shop: Workshop) -> None:
    order_id = shop.order(ended=None, idle=timedelta(days=36))
    before = shop.everything()
    run_id = shop.plan()
    shop.event(order_id, "completed")
    shop.act(run_id)
    shop.finish(run_id)
    assert shop.everything() == before


def test_a_hold_that_ends_lets_the_next_run_go_on(shop: Workshop, orders: list[str]) -> None:
    run_id = shop.plan()
    hold_id = shop.hold(file_of(shop, "ord_zzzz"))
    shop.act(run_id)
    shop.finish(run_id)
    shop.sql("UPDATE studio.legal_holds SET released_at = now() WHERE hold_id = %s", hold_id)
    assert shop.purge("two") == "verified"
    shop.assert_closed_once(orders)


@pytest.mark.parametrize("step", ["act", "observe", "attest"])
def test_a_file_that_is_added_meanwhile_keeps_the_order_selectable(shop: Workshop, step: str) -> None:
    """It belongs to the next plan: not erased unseen, and the order does not count as empty."""
    order_id = shop.order()
    run_id = shop.plan()
    added: list[File] = []
    for name, do in (
        ("act", lambda: shop.act(run_id)),
        ("observe", lambda: shop.look(run_id)),
        ("attest", lambda: shop.prove(run_id) and None),
    ):
        if name == step:
            added.append(shop.file(order_id, "added.jpg"))
        do()
    shop.attest(run_id)
    (file,) = added
    assert {entry[1] for entry in shop.everything()} == {file.key}
    assert shop.state(order_id) == "present"
    assert shop.purge("two") == "verified"
    assert shop.everything() == set()
    assert shop.state(order_id) == "absent"
    assert shop.closings(order_id) in (1, 2)
    assert not shop.sql("SELECT 1 FROM lifecycle.erasure_case WHERE state = 'open'")


def test_a_request_to_erase_an_open_order(shop: Workshop) -> None:
    asked, other = shop.order(ended=None, files=2), shop.order(ended=None)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now() WHERE order_id = %s", asked)
    assert shop.purge() == "verified"
    shop.assert_closed_once([asked])
    assert len(shop.everything(other)) == 2


def test_a_request_that_is_taken_back(shop: Workshop) -> None:
    order_id = shop.order(ended=None)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now()")
    before = shop.everything()
    run_id = shop.plan()
    shop.sql("UPDATE studio.orders SET erase_requested_at = NULL")
    shop.act(run_id)
    shop.finish(run_id)
    assert shop.everything(order_id) == before


def test_a_stray_in_the_folder_of_a_file_that_is_held_now(shop: Workshop) -> None:
    """The held file belongs to another case, but lies here: nobody can tell whose the stray is."""
    here, elsewhere = shop.order(), shop.order(ended=LATE, files=0)
    file = shop.file(here, "shared.jpg")
    shop.share(file, elsewhere)
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{here}/shared-thumb.jpg", Body=b"x")
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{elsewhere}/shared-copy.jpg", Body=b"x")
    before = {entry for entry in shop.everything() if "shared" in entry[1]}
    run_id = shop.plan()
    shop.hold(file)
    shop.act(run_id)
    shop.finish(run_id)
    assert before <= shop.everything()


def test_the_older_run_is_not_blamed_for_what_a_later_plan_took_over(shop: Workshop) -> None:
    """A file shared by two due orders, erased rightly; then both cases change hands before the older run attests."""
    one, two = shop.order(), shop.order(files=0)
    shop.share(file_of(shop, one), two)
    first = shop.plan("one")
    shop.act(first)
    second = shop.plan("two")
    shop.look(first)
    shop.prove(first)
    shop.attest(first)
    (undue,) = shop.sql(
        "SELECT observed FROM lifecycle.assertion WHERE run_id = %s AND name LIKE '%%touched_undue%%'", first
    )
    assert undue["observed"] == "0"
    shop.act(second)
    assert shop.finish(second) == "verified"
    shop.assert_closed_once([one, two])
