"""The audit on the real servers: whatever comes back is found, said and erased again; what was changed is named."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from tests.audits import DAY, Auditor, purged
from tests.faults.workshop import DUE, Workshop

from data_lifecycle.evidence_audit import planning

if TYPE_CHECKING:
    from tests.conftest import Studio

    from data_lifecycle.embedded.objectstore import ObjectStore
    from data_lifecycle.protocol.house import House

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(house: House, studio: Studio, store: ObjectStore) -> Workshop:
    """An empty studio to fill by hand."""
    return Workshop(house, studio.admin_url, store.store_access("object_admin"))


@pytest.fixture
def audit(shop: Workshop) -> Auditor:
    """The audit's steps."""
    return Auditor(shop)


def test_what_stays_deleted_is_looked_at_on_its_days(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(DAY / 2)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "sample"}, "no look is due yet, but chance takes what there is"
    audit.age(DAY / 2)
    assert audit.run() == "verified"
    assert audit.whys() == {order: "look"}
    assert audit.states() == {"OBSERVED_ABSENT": 1}
    assert audit.verify().refused is None


# --- what comes back --------------------------------------------------------------------------------------------------


def put_back(shop: Workshop, order: str) -> None:
    """Somebody copies a backup of the bucket back."""
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{order}/photo-0.jpg", Body=b"0")


def put_back_copy(shop: Workshop, order: str) -> None:
    """Only into the other bucket."""
    shop.s3.put_object(Bucket=shop.backup, Key=f"orders/{order}/photo-0.jpg", Body=b"0")


def put_back_hidden(shop: Workshop, order: str) -> None:
    """An old version as a new one, below a delete marker: a plain listing does not show it."""
    put_back(shop, order)
    shop.s3.delete_object(Bucket=shop.uploads, Key=f"orders/{order}/photo-0.jpg")


def leave_marker(shop: Workshop, order: str) -> None:
    """Not a file, but a trace that has the file's name."""
    shop.s3.delete_object(Bucket=shop.uploads, Key=f"orders/{order}/photo-0.jpg")


def begin_upload(shop: Workshop, order: str) -> None:
    """An upload in parts that nobody finished: its parts hold the picture, and no listing of objects shows them."""
    shop.begin(f"orders/{order}/photo-0.jpg")


def finish_upload(shop: Workshop, order: str) -> None:
    """An upload in parts by an old signed address, finished after the purge."""
    key = f"orders/{order}/photo-0.jpg"
    shop.complete(key, shop.begin(key))


def put_stray(shop: Workshop, order: str) -> None:
    """Under a name that was never recorded, in the folder of the order."""
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{order}/photo-0 (copy).jpg", Body=b"0")


BACK = [
    put_back, put_back_copy, put_back_hidden, leave_marker, begin_upload, finish_upload, put_stray,
]  # fmt: skip


@pytest.mark.parametrize("come_back", BACK, ids=lambda f: f.__name__)
def test_what_comes_back_is_found_said_and_erased_again(
    shop: Workshop, audit: Auditor, come_back: Callable[[Workshop, str], None]
) -> None:
    order, other = purged(shop), purged(shop)
    (case,) = shop.sql("SELECT case_id, epoch FROM lifecycle.erasure_case WHERE order_id = %s", order)
    audit.age(DAY)
    come_back(shop, order)
    there = shop.everything(order)
    assert audit.run() == "failed"
    assert audit.verdicts() == {order: "back", other: "absent"}
    assert audit.states() == {"RESURRECTED": 1, "OBSERVED_ABSENT": 1}
    assert audit.broken == {"back = 0", "every verdict is absent"}
    assert (shop.case(order), shop.case(other)) == ("open", "absent")
    assert shop.state(order) == "present"
    assert shop.everything(order) == there, "an audit erases nothing"

    assert shop.purge("again") == "verified"
    shop.assert_evidence_complete()
    assert shop.everything(order) == set()
    (again,) = shop.sql("SELECT case_id, epoch, state FROM lifecycle.erasure_case WHERE order_id = %s", order)
    assert (again["case_id"], again["state"]) == (case["case_id"], "absent"), "one case, closed again"
    assert again["epoch"] > case["epoch"]
    audit.age(DAY)
    assert audit.run() == "verified"
    assert audit.whys()[order] == "look", "days are counted from the new closing"
    assert audit.verify().refused is None
    absent = shop.sql("SELECT absent_at FROM studio.uploads u JOIN studio.order_uploads USING (upload_id)")
    assert None not in {row["absent_at"] for row in absent}


def test_a_file_that_is_back_is_not_recorded_as_absent(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop, files=2)
    audit.age(DAY)
    put_back(shop, order)
    assert audit.run() == "failed"
    rows = shop.sql("SELECT object_key, absent_at FROM studio.uploads")
    assert {row["object_key"].rsplit("/")[-1]: row["absent_at"] is None for row in rows} == {
        "photo-0.jpg": True,
        "photo-1.jpg": False,
    }


def test_nothing_is_said_twice_and_nothing_reopened_twice(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(DAY)
    put_back(shop, order)
    run_id = audit.plan()
    planning.guard_run(shop.house, run_id)
    assert audit.finish(run_id) == "failed"
    before = shop.sql("SELECT epoch, state FROM lifecycle.erasure_case"), shop.statements()
    assert audit.attest(run_id) == "failed"
    assert (shop.sql("SELECT epoch, state FROM lifecycle.erasure_case"), shop.statements()) == before
    # The same again a day later: the case is open, so it is the purge's to close, and nothing is claimed of it.
    assert audit.run() == "verified"
    assert audit.states() == {}


def test_of_two_cases_of_an_order_one_is_opened_again(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    now = datetime.now(UTC)
    shop.event(order, "reopened", now - DUE + DAY / 24)
    shop.file(order, "second.jpg")
    shop.event(order, "completed", now - DUE + DAY / 12)
    assert shop.purge("second") == "verified"
    audit.age(DAY)
    put_back(shop, order)
    assert audit.run() == "failed"
    assert audit.states() == {"RESURRECTED": 2}, "both said that it is absent"
    states = shop.sql("SELECT state FROM lifecycle.erasure_case ORDER BY opened_at")
    assert [row["state"] for row in states] == ["absent", "open"], "one open case an order"
    assert shop.purge("third") == "verified"
    assert shop.everything(order) == set()
    audit.age(DAY)
    assert audit.run() == "verified"
    assert audit.states() == {"OBSERVED_ABSENT": 2}
    assert audit.verify().refused is None


# --- a database restored from an older copy ---------------------------------------------------------------------------


class Restore:
    """A copy of the studio's tables, to be put back later: the lifecycle's own memory is not touched."""

    TABLES = ("customers", "orders", "order_events", "uploads", "order_uploads")

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        for table in self.TABLES:
            shop.sql(f"CREATE TABLE public.old_{table} AS TABLE studio.{table}")

    def __call__(self) -> None:
        """All rows as they were."""
        parts = ["SET session_replication_role = replica"]
        parts += [f"DELETE FROM studio.{table}" for table in reversed(self.TABLES)]  # noqa: S608 — constants
        parts += [
            f"INSERT INTO studio.{table} OVERRIDING SYSTEM VALUE TABLE public.old_{table}"
            for table in self.TABLES
        ]
        self.shop.sql("; ".join(parts))


def test_a_restored_order_is_erased_again(shop: Workshop, audit: Auditor) -> None:
    order = shop.order(DUE)
    restore = Restore(shop)
    assert shop.purge() == "verified"
    audit.age(DAY)
    restore()
    put_back(shop, order)
    assert (shop.state(order), audit.run()) == ("present", "failed")
    assert audit.states() == {"RESURRECTED": 1}
    assert shop.purge("again") == "verified"
    assert (shop.everything(order), shop.case(order)) == (set(), "absent")
    assert audit.verify().refused is None


def test_a_request_that_the_restore_lost_is_replayed(shop: Workshop, audit: Auditor) -> None:
    order = shop.order(None)
    restore = Restore(shop)
    shop.sql(
        "UPDATE studio.orders SET erase_requested_at = now() - interval '1 hour' WHERE order_id = %s", order
    )
    assert shop.purge() == "verified"
    audit.age(DAY)
    restore()
    put_back(shop, order)
    assert audit.run() == "failed"
    (row,) = shop.sql("SELECT erase_requested_at FROM studio.orders WHERE order_id = %s", order)
    assert row["erase_requested_at"] is not None
    assert shop.purge("again") == "verified"
    assert (shop.everything(order), shop.case(order)) == (set(), "absent")
    (case,) = shop.sql("SELECT reason FROM lifecycle.erasure_case")
    assert case["reason"] == "request"


def test_an_end_that_the_restore_lost_is_replayed(shop: Workshop, audit: Auditor) -> None:
    order = shop.order(None, idle=DUE + DAY)
    restore = Restore(shop)
    shop.event(order, "completed", datetime.now(UTC) - DUE)
    assert shop.purge() == "verified"
    audit.age(DAY)
    restore()
    put_back(shop, order)
    assert audit.run() == "failed"
    assert shop.purge("again") == "verified"
    assert (shop.everything(order), shop.case(order)) == (set(), "absent")


@pytest.mark.parametrize("asked", [False, True], ids=["ended", "asked back"])
def test_an_order_that_the_restore_does_not_know_is_erased_again(
    shop: Workshop, audit: Auditor, asked: bool
) -> None:
    restore = Restore(shop)
    order = shop.order(None if asked else DUE)
    if asked:
        shop.sql("UPDATE studio.orders SET erase_requested_at = now() - interval '1 hour'")
    assert shop.purge() == "verified"
    audit.age(DAY)
    restore()
    put_back(shop, order)
    put_stray(shop, order)
    assert shop.sql("SELECT 1 FROM studio.orders WHERE order_id = %s", order) == []
    assert audit.run() == "failed"
    assert shop.purge("again") == "verified"
    assert (shop.everything(order), shop.case(order)) == (set(), "absent")
    assert audit.verify().refused is None


# --- what may be there ------------------------------------------------------------------------------------------------


def test_what_a_customer_sends_later_has_not_come_back(shop: Workshop, audit: Auditor) -> None:
    order = purged(shop)
    audit.age(DAY)
    shop.event(order, "reopened", datetime.now(UTC))
    shop.file(order, "new.jpg", unfinished=True)
    shop.s3.put_object(Bucket=shop.uploads, Key=f"orders/{order}/not-yet-recorded.jpg", Body=b"0")
    before = shop.everything(order)
    assert audit.run() == "verified"
    assert audit.result()["counts"]["accounted"] == len(before)
    assert audit.states() == {"OBSERVED_ABSENT": 1}
    # The old file among them is none of them.
    put_back(shop, order)
    assert audit.run(everything=True) == "failed"
    assert audit.result()["counts"]["survivors"] == 1


def test_a_file_kept_for_another_order_has_not_come_back(shop: Workshop, audit: Auditor) -> None:
    order = shop.order(DUE, files=1)
    shop.share(shop.file(order, "common.jpg"), shop.order(None))
    assert shop.purge() == "verified"
    assert len(shop.everything(order)) == 2
    audit.age(DAY)
    assert audit.run() == "verified"


def test_a_look_that_misses_its_canaries_clears_nobody(shop: Workshop, audit: Auditor) -> None:
    order, back = purged(shop), purged(shop)
    audit.age(DAY)
    put_back(shop, back)
    (canary,) = shop.sql("SELECT * FROM lifecycle.canary WHERE kind = 'version' ORDER BY 1, 4 LIMIT 1")
    shop.s3.delete_object(Bucket=canary["bucket"], Key=canary["object_key"], VersionId=canary["version_id"])
    assert audit.run() == "failed"
    assert audit.verdicts() == {order: "unknown", back: "back"}
    assert audit.states() == {"RESURRECTED": 1}, "of what could not be seen nothing is claimed"
    assert {"canaries_missing = 0", "unknown = 0"} <= audit.broken


def test_an_empty_history_is_no_more_than_that(shop: Workshop, audit: Auditor) -> None:
    assert audit.run() == "verified"
    counts = audit.result()["counts"]
    assert (counts["closed_cases"], counts["eligible"], audit.states()) == (0, 0, {})
    assert counts["canaries"] > 1
    assert counts["log_entries"] > 0
    assert audit.verify().refused is None
    # Without a control even nothing is not to be believed.
    shop.sql("DELETE FROM lifecycle.canary")
    assert audit.run() == "failed"
    assert audit.broken == {"canaries >= 2"}


def test_a_plan_that_chooses_nobody_of_many_is_not_verified(shop: Workshop, audit: Auditor) -> None:
    purged(shop)
    run_id = audit.plan()
    planning.guard_run(shop.house, run_id)
    shop.sql("DELETE FROM lifecycle.audit_case")
    assert audit.finish(run_id) == "failed"
    assert audit.broken == {"nothing_chosen = 0"}
