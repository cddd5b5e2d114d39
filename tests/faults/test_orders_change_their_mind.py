"""Orders that change their mind, each as docs/orders.md reads it, on the real servers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.workshop import File, Workshop

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DOCUMENT = Path(__file__).parents[2] / "docs" / "orders.md"


def ago(span: timedelta) -> datetime:
    return datetime.now(UTC) - span


def only_file(shop: Workshop, order_id: str) -> File:
    (row,) = shop.sql(
        "SELECT upload_id::text, object_key FROM studio.uploads JOIN studio.order_uploads USING (upload_id)"
        " WHERE order_id = %s",
        order_id,
    )
    return File(row["upload_id"], row["object_key"])


def test_completed_twice(shop: Workshop) -> None:
    order_id = shop.order(6 * DAY)
    shop.event(order_id, "completed", ago(HOUR))
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])


def test_refunded_later(shop: Workshop) -> None:
    order_id = shop.order(6 * DAY)
    shop.event(order_id, "refunded", ago(HOUR))
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])


def test_reopened_before_the_purge(shop: Workshop) -> None:
    paused, again, late = (shop.order(6 * DAY) for _ in range(3))
    for order_id in (paused, again, late):
        shop.event(order_id, "reopened", ago(5 * DAY + 12 * HOUR))
    shop.event(again, "completed", ago(4 * DAY))
    shop.event(late, "completed", ago(5 * DAY + HOUR))
    assert shop.purge() == "verified"
    assert len(shop.everything(paused)) == len(shop.everything(again)) == 2
    shop.assert_closed_once([late])


def test_reopened_after_the_purge(shop: Workshop) -> None:
    order_id = shop.order(6 * DAY)
    assert shop.purge() == "verified"
    shop.event(order_id, "reopened")
    shop.event(order_id, "completed")
    assert shop.purge("two") == "verified"
    shop.assert_closed_once([order_id])


def test_merged(shop: Workshop) -> None:
    """Files of one order are given to another that goes on; the first is cancelled."""
    gone_into, goes_on = shop.order(6 * DAY), shop.order(None, files=0)
    shop.share(only_file(shop, gone_into), goes_on)
    assert shop.purge() == "verified"
    assert len(shop.everything(gone_into)) == 2
    shop.event(goes_on, "completed", ago(5 * DAY + HOUR))
    assert shop.purge("two") == "verified"
    assert shop.everything() == set()


def test_shared_with_a_reopened_order(shop: Workshop) -> None:
    ended, reopened = shop.order(6 * DAY), shop.order(6 * DAY, files=0)
    shop.share(only_file(shop, ended), reopened)
    shop.event(reopened, "reopened", ago(HOUR))
    assert shop.purge() == "verified"
    assert len(shop.everything(ended)) == 2


def test_upload_after_completion(shop: Workshop) -> None:
    order_id = shop.order(6 * DAY)
    shop.file(order_id, "late.jpg")
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])


def test_upload_after_the_purge(shop: Workshop) -> None:
    order_id = shop.order(6 * DAY)
    assert shop.purge() == "verified"
    shop.file(order_id, "late.jpg")
    assert shop.purge("two") == "verified"
    assert (shop.everything(order_id), shop.closings(order_id)) == (set(), 2)


def test_asked_back_while_open(shop: Workshop) -> None:
    order_id = shop.order(None)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now() WHERE order_id = %s", order_id)
    assert shop.purge() == "verified"
    shop.assert_closed_once([order_id])


def test_asked_back_although_another_order_uses_it(shop: Workshop) -> None:
    asked, other = shop.order(None), shop.order(None, files=0)
    shop.share(only_file(shop, asked), other)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now() WHERE order_id = %s", asked)
    assert shop.purge() == "verified"
    assert shop.everything() == set()


def test_asked_back_after_the_purge(shop: Workshop) -> None:
    """The order's own files went long ago; one that lived on with an open order is asked back now, and goes too."""
    ended, still_open = shop.order(6 * DAY, files=1), shop.order(None, files=0)
    shop.share(only_file(shop, ended), still_open)
    assert shop.purge() == "verified"
    assert (shop.state(ended), len(shop.everything(ended))) == ("absent", 2)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now() WHERE order_id = %s", ended)
    assert shop.purge("two") == "verified"
    assert shop.everything() == set()
    assert (shop.state(ended), shop.closings(ended)) == ("absent", 2)


def test_asked_back_after_the_moment_a_run_judges_by(shop: Workshop) -> None:
    """A backfill as of a moment before the request leaves what another order needs, and leaves it to the next run."""
    ended, still_open = shop.order(6 * DAY), shop.order(None, files=0)
    shop.share(only_file(shop, ended), still_open)
    before = ago(HOUR)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now() WHERE order_id = %s", ended)
    assert shop.purge("backfill", as_of=before) == "verified"
    assert (shop.state(ended), len(shop.everything(ended))) == ("present", 2)
    assert shop.purge("two") == "verified"
    assert (shop.state(ended), shop.everything()) == ("absent", set())


def test_asked_back_while_held(shop: Workshop) -> None:
    """A hold keeps the file although it is asked back, an open order or not; with the hold's end it goes."""
    ended, still_open = shop.order(6 * DAY), shop.order(None, files=0)
    file = only_file(shop, ended)
    shop.share(file, still_open)
    hold = shop.hold(file)
    shop.sql("UPDATE studio.orders SET erase_requested_at = now() WHERE order_id = %s", ended)
    shop.purge()
    assert (shop.state(ended), len(shop.everything(ended))) == ("present", 2)
    shop.sql("UPDATE studio.legal_holds SET released_at = now() WHERE hold_id = %s", hold)
    assert shop.purge("two") == "verified"
    assert (shop.state(ended), shop.everything()) == ("absent", set())


def test_every_reading_is_written_down() -> None:
    text = DOCUMENT.read_text("utf-8")
    tests = {name for name in globals() if name.startswith("test_")} - {"test_every_reading_is_written_down"}
    assert {name for name in tests if f"`{name}`" in text} == tests
